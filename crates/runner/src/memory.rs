//! What the process has of memory, and what files would take of it.

use crate::spec::MemorySpec;
use anyhow::{Result, ensure};
use memory_stats::memory_stats;
use std::fs;
use std::path::PathBuf;

/// Bytes of memory that the process has now; none where the system does not say.
pub(crate) fn taken() -> u64 {
    memory_stats().map_or(0, |it| it.physical_mem as u64)
}

/// Refuses files of vectors that are larger than the memory that may be taken, before they are read.
pub(crate) fn check_files(files: &[PathBuf], most: Option<MemorySpec>) -> Result<()> {
    let Some(most) = most else { return Ok(()) };
    let sizes = files
        .iter()
        .filter_map(|it| Some(fs::metadata(it).ok()?.len()));
    let all = sizes.fold(taken(), u64::saturating_add);
    ensure!(
        all <= most.0,
        "`compute.memory` is {most}, but with the files of vectors in memory at least {} are needed",
        MemorySpec::enough(all)
    );
    Ok(())
}
