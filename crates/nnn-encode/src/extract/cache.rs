//! Embeddings on disk, addressed by everything that decides their values.
//!
//! An entry is a folder named by its key; it holds shards of a fixed number of items. A shard is written whole, at
//! once, as soon as its items are done; until then its finished batches lie in a [`Journal`] beside it, so an interrupted
//! run loses the batch it was in and nothing else. A shard is believed only if its checksum, which covers key, place,
//! shape and values, is right.

use super::journal::{Journal, Resumed};
use nnn_files::{Sha256, remove_abandoned, write_atomically};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Items a shard holds unless told otherwise.
const SHARD_ITEMS: usize = 2048;

/// The tensor of a shard: (items x dim), f32, unit rows.
const TENSOR: &str = "rows";

/// The one metadata entry of a shard.
const CHECKSUM: &str = "sha256";

/// A folder of cached embeddings. Concurrent runs may share it: files appear whole, with equal content.
#[derive(Clone, Debug)]
pub struct EmbeddingCache {
    folder: PathBuf,
    shard_items: usize,
}

/// A cached file that was not used, or not all of it; its items were encoded anew and the file replaced.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} was not used: {reason}", file.display())]
pub struct CacheWarning {
    /// The shard, or the journal of its batches.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: CacheFault,
}

/// What can be wrong with a shard.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CacheFault {
    /// It exists and cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It is not a safetensors file: cut short, or its header is damaged.
    #[error("not a whole safetensors file: {0}")]
    Format(String),
    /// It holds something other than the (items x dim) f32 rows that belong there.
    #[error("expected {expected} x {dim} values of type F32, received {received}")]
    Shape {
        /// Items of the shard.
        expected: usize,
        /// Length of a row.
        dim: usize,
        /// Type and shape found.
        received: String,
    },
    /// Its content does not have the checksum that it carries.
    #[error("checksum {expected} expected, content has {received}")]
    Checksum {
        /// What the file says, or nothing.
        expected: String,
        /// What its content has.
        received: String,
    },
    /// A journal is damaged, and not only torn at its end, as a kill leaves it. The batches before that place were used.
    #[error("no whole batch at byte {at}")]
    Batch {
        /// Where what is damaged begins.
        at: usize,
    },
}

impl EmbeddingCache {
    /// A cache in `folder`, which is made when first written to.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            shard_items: SHARD_ITEMS,
        }
    }

    /// The same with shards of `items` items (2,048 unless set; at least 1). Part of the key.
    #[must_use]
    pub fn with_shard_items(mut self, items: usize) -> Self {
        self.shard_items = items.max(1);
        self
    }

    /// Where entries lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn shard_items(&self) -> usize {
        self.shard_items
    }

    /// The rows of `items` as cached: `None` if there is no such file, a warning if there is a bad one.
    pub(crate) fn read(
        &self,
        key: &str,
        items: &Range<usize>,
        dim: usize,
    ) -> Result<Option<Vec<f32>>, CacheWarning> {
        let file = self.file(key, items);
        let rows = match fs::read(&file) {
            Ok(bytes) => parse(&bytes, key, items, dim),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(CacheFault::Unreadable(error.to_string())),
        };
        // A run that was killed between a shard and the end of its journal leaves the latter.
        if rows.is_ok() {
            let _ = fs::remove_file(self.journal(key, items));
        }
        rows.map(Some)
            .map_err(|reason| CacheWarning { file, reason })
    }

    /// Stores the rows of `items`; on failure names the file.
    pub(crate) fn write(
        &self,
        key: &str,
        items: &Range<usize>,
        rows: &[f32],
    ) -> Result<(), (PathBuf, io::Error)> {
        let file = self.file(key, items);
        serialize(key, items, rows)
            .and_then(|bytes| write_atomically(&file, |out| out.write_all(&bytes)))
            .map_err(|error| (file, error))
    }

    /// Removes what killed runs were writing into an entry a day ago or earlier.
    pub(crate) fn clean(&self, key: &str) {
        remove_abandoned(&self.folder.join(key));
    }

    /// What a killed run has finished of a shard that is not there, and where to add to it; on failure names the file.
    pub(crate) fn resume(
        &self,
        key: &str,
        items: &Range<usize>,
        dim: usize,
    ) -> Result<Resumed, (PathBuf, io::Error)> {
        let path = self.journal(key, items);
        Journal::resume(path.clone(), key, items, dim).map_err(|error| (path, error))
    }

    fn file(&self, key: &str, items: &Range<usize>) -> PathBuf {
        let shard = items.start / self.shard_items;
        let name = format!("shard-{shard:05}.safetensors");
        self.folder.join(key).join(name)
    }

    /// Hidden, as all that is not yet whole.
    fn journal(&self, key: &str, items: &Range<usize>) -> PathBuf {
        let shard = items.start / self.shard_items;
        self.folder
            .join(key)
            .join(format!(".shard-{shard:05}.journal"))
    }
}

/// A checksum over all that a shard says.
fn checksum(key: &str, items: &Range<usize>, bytes: &[u8]) -> String {
    Sha256::new()
        .part(key)
        .part((items.start as u64).to_le_bytes())
        .part((items.end as u64).to_le_bytes())
        .part(bytes)
        .hex()
}

fn serialize(key: &str, items: &Range<usize>, rows: &[f32]) -> io::Result<Vec<u8>> {
    let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    let shape = vec![items.len(), rows.len() / items.len()];
    let sum = checksum(key, items, &bytes);
    let metadata = HashMap::from([(CHECKSUM.to_string(), sum)]);
    let tensor = TensorView::new(Dtype::F32, shape, &bytes).map_err(io::Error::other)?;
    safetensors::serialize([(TENSOR, tensor)], Some(metadata)).map_err(io::Error::other)
}

fn parse(
    bytes: &[u8],
    key: &str,
    items: &Range<usize>,
    dim: usize,
) -> Result<Vec<f32>, CacheFault> {
    let format = |error: safetensors::SafeTensorError| CacheFault::Format(error.to_string());
    let tensors = SafeTensors::deserialize(bytes).map_err(format)?;
    let tensor = tensors.tensor(TENSOR).map_err(format)?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != [items.len(), dim] {
        return Err(CacheFault::Shape {
            expected: items.len(),
            dim,
            received: format!("{:?} {:?}", tensor.dtype(), tensor.shape()),
        });
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(format)?;
    let metadata = metadata.metadata().clone().unwrap_or_default();
    let expected = metadata.get(CHECKSUM).cloned().unwrap_or_default();
    let received = checksum(key, items, tensor.data());
    if expected != received {
        return Err(CacheFault::Checksum { expected, received });
    }
    let values = tensor.data().as_chunks().0.iter();
    Ok(values.map(|value| f32::from_le_bytes(*value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_shard_counts() {
        let rows: Vec<f32> = (0..30).map(|it| it as f32 / 7.0).collect();
        let good = serialize("key", &(20..30), &rows).expect("a shard");
        assert_eq!(parse(&good, "key", &(20..30), 3), Ok(rows));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&bad, "key", &(20..30), 3).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_shard_belongs_to_one_place_of_one_entry() {
        let good = serialize("key", &(20..30), &[0.5; 30]).expect("a shard");
        for (key, items, dim) in [
            ("other", 20..30, 3),
            ("key", 10..20, 3),
            ("key", 20..31, 3),
            ("key", 20..30, 2),
        ] {
            assert!(
                parse(&good, key, &items, dim).is_err(),
                "{key} {items:?} {dim}"
            );
        }
    }
}
