//! Peak memory while a checkpoint embeds generated images: `memory FOLDER COUNT`.
//!
//! Draws COUNT images of 96 x 96 pixels into a temporary folder, embeds them, and prints the peak before and after. Run it
//! with two counts: what grows is the embeddings themselves and the files' names.
#![allow(clippy::print_stdout)]

use nnn_encode::{CheckpointFiles, Compute, ExtractOptions, RgbImage, extract_images};
use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count] = arguments.as_slice() else {
        return Err("usage: memory FOLDER COUNT".into());
    };
    let count: usize = count.parse()?;
    let images = tempfile::tempdir()?;
    let files = draw(images.path(), count)?;
    let files_of_model = CheckpointFiles::folder(Path::new(folder))?;
    let encoder = encoder_clip::load(&files_of_model, &Compute::default())?;
    println!("peak before encoding: {} MiB", peak()?);
    let rows = extract_images(&*encoder, &files, "any", &ExtractOptions::default())?;
    println!(
        "{count} images, {} MiB of embeddings, peak {} MiB",
        (rows.rows.len() * size_of::<f32>()) >> 20,
        peak()?
    );
    Ok(())
}

/// Images of gradients, no two alike.
fn draw(folder: &Path, count: usize) -> Result<Vec<PathBuf>, image::ImageError> {
    let one = |at: usize| {
        let file = folder.join(format!("{at:06}.png"));
        let image = RgbImage::from_fn(96, 96, |x, y| {
            let at = at as u32;
            image::Rgb([x + at, y + at / 256, x * y / 36 + at / 7].map(|it| it as u8))
        });
        image.save(&file).map(|()| file)
    };
    (0..count).map(one).collect()
}

/// The most memory that this process has held, in MiB, as Linux tells.
fn peak() -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmHWM")?.parse::<usize>()? >> 10)
}
