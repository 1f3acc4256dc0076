//! Embeddings and speed of a checkpoint, for `tools/reference/real_size.py`, which holds them against PyTorch.

use super::device::test_device;
use super::golden::golden_images;
use nnn_encode::{CheckpointFiles, Compute, Encoder, ImageLimits, LoadError, RgbImage, load_image};
use safetensors::tensor::{Dtype, TensorView};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How a family loads a checkpoint.
pub type Load = fn(&CheckpointFiles, &Compute) -> Result<Box<dyn Encoder>, LoadError>;

/// Does on the [device of tests](test_device) what the command line says: `embed FOLDER`, `speed FOLDER SECONDS` or `batches FOLDER DTYPE SECONDS SIZE...`.
///
/// # Errors
/// Other words, or a checkpoint or file that cannot be used.
pub fn run(load: Load) -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let open = |folder, dtype| {
        load(
            &CheckpointFiles::folder(Path::new(folder))?,
            &Compute::new(&test_device(), dtype)?,
        )
        .map_err(Box::<dyn Error>::from)
    };
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["embed", folder] => embed(&*open(folder, "f32")?, Path::new(folder)),
        ["speed", folder, seconds] => speed(
            &*open(folder, "f32")?,
            Path::new(folder),
            Duration::try_from_secs_f64(seconds.parse()?)?,
        ),
        ["batches", folder, dtype, seconds, ref sizes @ ..] => batches(
            &*open(folder, dtype)?,
            Path::new(folder),
            Duration::try_from_secs_f64(seconds.parse()?)?,
            sizes,
        ),
        _ => Err("expected `embed FOLDER`, `speed FOLDER SECONDS` or `batches FOLDER DTYPE SECONDS SIZE...`".into()),
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

/// Prints milliseconds of the processor and of the clock that one item takes, as JSON: forward passes of each size over the
/// pixels and tokens of `inputs.safetensors`, and the embeddings of all of them.
fn batches(
    encoder: &dyn Encoder,
    folder: &Path,
    time: Duration,
    sizes: &[&str],
) -> Result<(), Box<dyn Error>> {
    let file = fs::read(folder.join("inputs.safetensors"))?;
    let inputs = safetensors::SafeTensors::deserialize(&file)?;
    let (images, texts) = (inputs.tensor("images")?, inputs.tensor("texts")?);
    let pixels = rows_of(&images, f32::from_le_bytes);
    let ids = rows_of(&texts, u32::from_le_bytes);
    let embedded = [
        encoder.encode_pixels(&pixels)?,
        encoder.encode_tokens(&ids)?,
    ];
    let mut times = serde_json::Map::new();
    for size in sizes {
        let count: usize = size.parse()?;
        let images = cost(count, time, || Ok(encoder.encode_pixels(&pixels[..count])?))?;
        let captions = cost(count, time, || Ok(encoder.encode_tokens(&ids[..count])?))?;
        times.insert(
            (*size).into(),
            serde_json::json!({"images": images, "captions": captions}),
        );
    }
    let dim = encoder.info().dim;
    println!(
        "{}",
        serde_json::json!({"times": times, "embedded": embedded, "dim": dim})
    );
    Ok(())
}

/// The rows of a matrix of values of four bytes.
fn rows_of<T>(tensor: &TensorView<'_>, value: fn([u8; 4]) -> T) -> Vec<Vec<T>> {
    let (values, _) = tensor.data().as_chunks::<4>();
    let rows = values.chunks_exact(tensor.shape()[1]);
    rows.map(|row| row.iter().map(|it| value(*it)).collect())
        .collect()
}

/// Milliseconds of the processor and of the clock an item takes, over calls that take some time in all; the first is not counted.
fn cost<R>(
    items: usize,
    time: Duration,
    call: impl Fn() -> Result<R, Box<dyn Error>>,
) -> Result<[f64; 2], Box<dyn Error>> {
    call()?;
    let (used, begin, mut calls) = (processor_seconds()?, Instant::now(), 0);
    while begin.elapsed() < time || calls < 3 {
        call()?;
        calls += 1;
    }
    let seconds = [processor_seconds()? - used, begin.elapsed().as_secs_f64()];
    Ok(seconds.map(|it| it * 1e3 / (calls * items) as f64))
}

/// Seconds of the processor that all threads of this process took, as Linux counts them: in hundredths.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let line = fs::read_to_string("/proc/self/stat")?;
    // What stands in brackets may have spaces in it.
    let (_, fields) = line.rsplit_once(')').ok_or("no name of the process")?;
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>);
    Ok(ticks.sum::<Result<u64, _>>()? as f64 / 100.0)
}
