//! Embeddings and speed of a checkpoint, for `tools/reference/real_size.py`, which holds them against PyTorch.

use super::golden::golden_images;
use nnn_encode::{CheckpointFiles, Compute, Encoder, ImageLimits, LoadError, RgbImage, load_image};
use safetensors::tensor::{Dtype, TensorView};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How a family loads a checkpoint.
pub type Load = fn(&CheckpointFiles, &Compute) -> Result<Box<dyn Encoder>, LoadError>;

/// Does what the command line says: `embed FOLDER` or `speed FOLDER SECONDS`.
///
/// # Errors
/// Other words, or a checkpoint or file that cannot be used.
pub fn run(load: Load) -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let open = |folder| {
        load(
            &CheckpointFiles::folder(Path::new(folder))?,
            &Compute::default(),
        )
    };
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["embed", folder] => embed(&*open(folder)?, Path::new(folder)),
        ["speed", folder, seconds] => speed(
            &*open(folder)?,
            Path::new(folder),
            Duration::try_from_secs_f64(seconds.parse()?)?,
        ),
        _ => Err("expected `embed FOLDER` or `speed FOLDER SECONDS`".into()),
    }
}

fn test_image(name: &str) -> Result<RgbImage, Box<dyn Error>> {
    Ok(load_image(
        &golden_images().join(name),
        ImageLimits::default(),
    )?)
}

/// Writes `rust.safetensors`: rows of the images and texts that `golden.json` names.
fn embed(encoder: &dyn Encoder, folder: &Path) -> Result<(), Box<dyn Error>> {
    let golden: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("golden.json"))?)?;
    let texts: Vec<String> = serde_json::from_value(golden["texts"].clone())?;
    let names: Vec<String> = serde_json::from_value(golden["images"].clone())?;
    let images: Result<Vec<_>, _> = names.iter().map(|name| test_image(name)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let rows = [
        ("texts", encoder.encode_texts(&texts)?),
        ("images", encoder.encode_images(&images?)?),
    ];
    let bytes = rows.map(|(name, rows)| {
        (
            name,
            rows.iter()
                .flat_map(|it| it.to_le_bytes())
                .collect::<Vec<u8>>(),
        )
    });
    let dim = encoder.info().dim;
    let views = bytes.iter().map(|(name, bytes)| {
        let shape = vec![bytes.len() / 4 / dim, dim];
        TensorView::new(Dtype::F32, shape, bytes).map(|view| (*name, view))
    });
    let views: Result<Vec<_>, _> = views.collect();
    fs::write(
        folder.join("rust.safetensors"),
        safetensors::serialize(views?, None)?,
    )?;
    Ok(())
}

/// Prints items per second as JSON: forward passes of 32 images and of 64 captions, and images prepared by one thread.
fn speed(encoder: &dyn Encoder, folder: &Path, time: Duration) -> Result<(), Box<dyn Error>> {
    let photo = folder.join("photo.jpg");
    let prepare = || -> Result<Vec<f32>, Box<dyn Error>> {
        Ok(encoder.prepare_image(&load_image(&photo, ImageLimits::default())?)?)
    };
    let pixels = vec![prepare()?; 32];
    let mut ids = encoder.prepare_text(&"? ".repeat(14))?;
    // A text of CLIP has as many tokens as it needs, here sixteen; one of SigLIP always as many.
    if ids.len() < 64 {
        ids.drain(1..ids.len() - 15);
    }
    let tokens = vec![ids; 64];
    let images = rate(32, time, || Ok(encoder.encode_pixels(&pixels)?))?;
    let captions = rate(64, time, || Ok(encoder.encode_tokens(&tokens)?))?;
    let prepared = rate(1, time, prepare)?;
    println!(
        "{}",
        serde_json::json!({"images": images, "captions": captions, "prepared": prepared})
    );
    Ok(())
}

/// Items per second: the median of calls over some time, the first not counted.
fn rate<R>(
    items: usize,
    time: Duration,
    call: impl Fn() -> Result<R, Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    call()?;
    let (mut times, begin) = (Vec::new(), Instant::now());
    while begin.elapsed() < time || times.len() < 3 {
        let start = Instant::now();
        call()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(items as f64 / times[times.len() / 2])
}
