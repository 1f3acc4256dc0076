//! `siglip_real_size embed FOLDER` and `siglip_real_size speed FOLDER SECONDS`: see `tools/reference/real_size.py`.

#[path = "../../encoder-clip/examples/measure/mod.rs"]
mod measure;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    measure::run(encoder_siglip::load)
}
