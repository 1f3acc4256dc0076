//! Streams a split to raw arrays, for a trainer in another language.
//!
//! `export_training FOLDER IMAGES [SPLIT [SEED]]` writes `FOLDER/images.u8` (`IMAGES` x 64 x 64 x 3 bytes, RGB) and
//! `FOLDER/captions.txt` (five lines an image, in the order of the images). The split defaults to `pretrain`, which is
//! never part of the data set on disk; the seed to 0.

use std::error::Error;
use std::fs::{File, create_dir_all};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use dataset_blocks::{BlocksSpec, Sample};
use rayon::prelude::*;

/// Images held in memory at a time.
const CHUNK: u64 = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: export_training FOLDER IMAGES [SPLIT [SEED]]";
    let folder = PathBuf::from(arguments.next().ok_or(usage)?);
    let images: u64 = arguments.next().ok_or(usage)?.parse()?;
    let split = arguments.next().unwrap_or_else(|| "pretrain".to_owned());
    let seed = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    create_dir_all(&folder)?;
    export(&BlocksSpec::blocks(seed), &split, images, &folder)
}

fn export(
    spec: &BlocksSpec,
    split: &str,
    images: u64,
    folder: &std::path::Path,
) -> Result<(), Box<dyn Error>> {
    let mut pixels = BufWriter::new(File::create(folder.join("images.u8"))?);
    let mut captions = BufWriter::new(File::create(folder.join("captions.txt"))?);
    for first in (0..images).step_by(CHUNK as usize) {
        let range = first..(first + CHUNK).min(images);
        let samples = range.into_par_iter().map(|index| spec.sample(split, index));
        let samples: Vec<Sample> = samples.collect::<Result<_, _>>()?;
        for sample in samples {
            pixels.write_all(sample.image.as_raw())?;
            for caption in sample.captions {
                writeln!(captions, "{caption}")?;
            }
        }
    }
    pixels.flush()?;
    captions.flush()?;
    Ok(())
}
