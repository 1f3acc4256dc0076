//! Images and captions a second, forward pass only: `throughput CHECKPOINT...`.
//!
//! `tools/reference/clip_goldens.py speed` makes checkpoints to run it on and measures PyTorch with the same batches.
#![allow(clippy::print_stdout)]

use nnn_encode::{CheckpointFiles, Compute, EncodeError, Encoder, RgbImage};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const SECONDS: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for folder in std::env::args_os().skip(1).map(PathBuf::from) {
        let encoder = encoder_clip::load(&CheckpointFiles::folder(&folder)?, &Compute::default())?;
        let (images, texts) = measure(&*encoder)?;
        println!(
            "{}: {images:.0} images/s in batches of 32, {texts:.0} captions/s of 16 tokens in batches of 64",
            folder.display()
        );
    }
    Ok(())
}

fn measure(encoder: &dyn Encoder) -> Result<(f64, f64), EncodeError> {
    let noise = RgbImage::from_fn(256, 256, image_pixel);
    let pixels = vec![encoder.prepare_image(&noise)?; 32];
    let images = rate(32, || encoder.encode_pixels(&pixels))?;
    // Sixteen tokens: fourteen letters between the start and the end token.
    let mut ids = encoder.prepare_text("? ? ? ? ? ? ? ? ? ? ? ? ? ?")?;
    ids.truncate(16);
    assert_eq!(
        ids.len(),
        16,
        "this tokenizer takes the text for fewer tokens"
    );
    let tokens = vec![ids; 64];
    let texts = rate(64, || encoder.encode_tokens(&tokens))?;
    Ok((images, texts))
}

fn image_pixel(x: u32, y: u32) -> image::Rgb<u8> {
    image::Rgb([x as u8, y as u8, (x * y) as u8])
}

/// Items a second: the median of calls over some seconds, the first not counted.
fn rate(
    items: usize,
    call: impl Fn() -> Result<Vec<f32>, EncodeError>,
) -> Result<f64, EncodeError> {
    call()?;
    let (mut times, begin) = (Vec::new(), Instant::now());
    while begin.elapsed() < SECONDS || times.len() < 3 {
        let start = Instant::now();
        call()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(items as f64 / times[times.len() / 2])
}
