//! `clip_real_size embed FOLDER`, `... speed FOLDER SECONDS` and `... batches FOLDER DTYPE SECONDS SIZE...`: see
//! `tools/reference/real_size.py` and `tools/peers/encode.py`.

use nnn_testkit::checkpoints::measure;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    measure::run(encoder_clip::load)
}
