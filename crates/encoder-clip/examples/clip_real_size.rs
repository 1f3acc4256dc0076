//! `clip_real_size embed FOLDER` and `clip_real_size speed FOLDER SECONDS`: see `tools/reference/real_size.py`.

use nnn_testkit::checkpoints::measure;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    measure::run(encoder_clip::load)
}
