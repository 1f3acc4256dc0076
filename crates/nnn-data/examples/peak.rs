//! How much memory vectors in files take to read, beyond the vectors.
//!
//! `peak FILE [KEY]` reads a file, a folder or the files of a pattern, as a config names them.

use nnn_data::{ArrayFile, ArrayFiles};
use std::error::Error;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: peak FILE [KEY]")?;
    let file = ArrayFiles::One(ArrayFile {
        file: PathBuf::from(file),
        key: arguments.next(),
    });
    let start = Instant::now();
    let rows = file.embeddings(Path::new(""))?;
    let seconds = start.elapsed().as_secs_f64();
    let vectors = (rows.len() * rows.dim() * size_of::<f32>()) >> 20;
    let peak = peak()?;
    writeln!(
        stdout(),
        "{} x {} in {seconds:.1} s: {vectors} MiB of vectors, peak {peak} MiB, beyond the vectors {} MiB",
        rows.len(),
        rows.dim(),
        peak.saturating_sub(vectors)
    )?;
    Ok(())
}

/// The most memory that the process ever held, in MiB.
fn peak() -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmHWM")?.parse::<usize>()? >> 10)
}
