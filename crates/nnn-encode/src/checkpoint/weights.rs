//! Weights on disk: one safetensors file, several with an index, or a PyTorch archive.

use super::error::{LoadError, READABLE, TensorFault};
use super::files::CheckpointFiles;
use crate::compute::Compute;
use candle_core::safetensors::{Load, MmapedSafetensors};
use candle_core::{DType, Device, Tensor};
use nnn_pickle::{Kind, PickleFile};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Shapes by name: what a model needs.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Weights by name, on one device in one number type.
pub type Weights = HashMap<String, Tensor>;

/// Files that hold all weights, in the order in which they are preferred.
const SINGLE: [&str; 3] = [
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
];

/// The weights of a checkpoint, open and not yet read.
pub struct Checkpoint {
    source: Source,
    files: Vec<PathBuf>,
}

enum Source {
    Safetensors(MmapedSafetensors),
    Pickle(PickleFile),
}

/// `model.safetensors.index.json`: which file holds which tensor.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Opens a checkpoint's weights: `model.safetensors`, the files of its index, `open_clip_model.safetensors`,
    /// `pytorch_model.bin` or `open_clip_pytorch_model.bin`, the first that there is; failing these the only file of weights,
    /// whatever its name.
    ///
    /// # Errors
    /// There is none, or several of unknown names, or what is there is damaged.
    pub fn open(files: &CheckpointFiles) -> Result<Self, LoadError> {
        Self::open_under(files, None)
    }

    /// The same, where a PyTorch file holds several dictionaries of tensors: those under `key`; see
    /// [`PickleFile::read`] for what `None` takes.
    ///
    /// # Errors
    /// As [`open`](Self::open); the key is not there.
    pub fn open_under(files: &CheckpointFiles, key: Option<&str>) -> Result<Self, LoadError> {
        if let Some(single) = files.path("model.safetensors") {
            return Self::map(vec![single.to_path_buf()]);
        }
        if let Some(index) = files.path("model.safetensors.index.json") {
            return Self::map(indexed(files, index)?);
        }
        let (name, file) = single(files)?;
        if has_extension(name, &["safetensors"]) {
            return Self::map(vec![file.to_path_buf()]);
        }
        let tensors = PickleFile::open(file, key).map_err(|it| unread(file, &it))?;
        let (source, files) = (Source::Pickle(tensors), vec![file.to_path_buf()]);
        Ok(Self { source, files })
    }

    #[allow(unsafe_code)]
    fn map(files: Vec<PathBuf>) -> Result<Self, LoadError> {
        // SAFETY: the mapping is read while `load` runs and dropped with it. A file that another process truncates or
        // rewrites meanwhile is outside what any reader of a mapped file can guard against; checkpoints are written
        // once, and downloads are renamed into place when complete.
        let mapped = unsafe { MmapedSafetensors::multi(&files) };
        let source = Source::Safetensors(mapped.map_err(|it| unread(&files[0], &it))?);
        Ok(Self { source, files })
    }

    /// The files that hold the weights.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The shape of a tensor, if the checkpoint has it: which of several layouts of names it follows, or a size that its
    /// configuration does not say.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.found().remove(name).map(|(_, shape)| shape)
    }

    /// All that the model needs, where and as `compute` says. Tensors whose name `ignored` accepts may be there beside.
    ///
    /// # Errors
    /// [`LoadError::Tensors`] with all that is missing, unexpected or of the wrong shape or type.
    pub fn load(
        &self,
        expected: &Shapes,
        ignored: &dyn Fn(&str) -> bool,
        compute: &Compute,
    ) -> Result<Weights, LoadError> {
        let faults = faults(expected, &self.found(), ignored);
        if !faults.is_empty() {
            return Err(LoadError::Tensors {
                file: self.files[0].clone(),
                faults,
            });
        }
        let tensors = expected.keys().map(|name| {
            let tensor = self
                .tensor(name)
                .and_then(|it| it.to_dtype(compute.dtype)?.to_device(&compute.device));
            Ok((
                name.clone(),
                tensor.map_err(|it| unread(&self.files[0], &it))?,
            ))
        });
        tensors.collect()
    }

    /// The error of a model that could not be made of the weights.
    #[must_use]
    pub fn unfit(&self, error: &candle_core::Error) -> LoadError {
        unread(&self.files[0], error)
    }

    /// Number type and shape of every tensor.
    fn found(&self) -> BTreeMap<String, (String, Vec<usize>)> {
        match &self.source {
            Source::Safetensors(mapped) => mapped
                .tensors()
                .into_iter()
                .map(|(name, view)| (name, (format!("{:?}", view.dtype()), view.shape().to_vec())))
                .collect(),
            Source::Pickle(tensors) => tensors
                .tensors()
                .map(|(name, kind, shape)| (name.into(), (kind.into(), shape.to_vec())))
                .collect(),
        }
    }

    fn tensor(&self, name: &str) -> candle_core::Result<Tensor> {
        match &self.source {
            Source::Safetensors(mapped) => mapped.get(name)?.load(&Device::Cpu),
            Source::Pickle(tensors) => {
                let (kind, shape, bytes) =
                    tensors.tensor(name).map_err(candle_core::Error::wrap)?;
                let dtype = dtype(kind).ok_or_else(|| {
                    let kind = kind.name();
                    candle_core::Error::Msg(format!("tensor `{name}` is of type {kind}"))
                })?;
                Tensor::from_raw_buffer(&bytes, dtype, shape, &Device::Cpu)
            }
        }
    }
}

/// A number type of weights as candle has it.
fn dtype(kind: Kind) -> Option<DType> {
    Some(match kind {
        Kind::F64 => DType::F64,
        Kind::F32 => DType::F32,
        Kind::F16 => DType::F16,
        Kind::BF16 => DType::BF16,
        Kind::I64 => DType::I64,
        Kind::I32 => DType::I32,
        Kind::I16 => DType::I16,
        Kind::U32 => DType::U32,
        Kind::U8 => DType::U8,
        _ => return None,
    })
}

/// Whatever a library or reader says of a file of weights.
fn unread(file: &Path, error: &dyn fmt::Display) -> LoadError {
    LoadError::Weights {
        file: file.to_path_buf(),
        reason: error.to_string(),
    }
}

/// Name and place of the one file of weights, if there is no `model.safetensors`.
fn single(files: &CheckpointFiles) -> Result<(&str, &Path), LoadError> {
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<(&str, &Path)> {
        let names = files.names().filter(|name| wanted(name));
        names
            .filter_map(|name| Some((name, files.path(name)?)))
            .collect()
    };
    if let Some(known) = SINGLE
        .iter()
        .find_map(|known| of(&|name| name == *known).pop())
    {
        return Ok(known);
    }
    let groups = [
        of(&|name| has_extension(name, &["safetensors"])),
        of(&|name| has_extension(name, &["pth", "pt", "bin"])),
    ];
    let found = groups.into_iter().find(|group| !group.is_empty());
    match found.as_deref() {
        Some(&[only]) => Ok(only),
        several => Err(LoadError::NoWeights {
            files: files.to_string(),
            candidates: several.map_or(0, <[_]>::len),
        }),
    }
}

/// By name, as the file itself may lie in a cache that names files by their checksums.
fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let extension = Path::new(name).extension().and_then(|it| it.to_str());
    extension.is_some_and(|it| extensions.contains(&it))
}

/// The index's files, each once. Names with a folder in them are refused.
fn indexed(files: &CheckpointFiles, index: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let weights = |reason: String| LoadError::Weights {
        file: index.to_path_buf(),
        reason,
    };
    let text = fs::read_to_string(index).map_err(|it| weights(it.to_string()))?;
    let parsed: Index = serde_json::from_str(&text).map_err(|it| weights(it.to_string()))?;
    let names: BTreeSet<String> = parsed.weight_map.into_values().collect();
    if names.is_empty() {
        return Err(weights("it names no file".into()));
    }
    let path = |name: &String| match files.path(name) {
        Some(path) => Ok(path.to_path_buf()),
        None => Err(weights(format!(
            "{name:?} is not a file of this checkpoint"
        ))),
    };
    names.iter().map(path).collect()
}

fn faults(
    expected: &Shapes,
    found: &BTreeMap<String, (String, Vec<usize>)>,
    ignored: &dyn Fn(&str) -> bool,
) -> Vec<TensorFault> {
    let needed = expected.iter().filter_map(|(name, shape)| {
        let (name, expected) = (name.clone(), shape.clone());
        match found.get(&name) {
            None => Some(TensorFault::Missing { name, expected }),
            Some((kind, shape)) if *shape == expected && READABLE.contains(&kind.as_str()) => None,
            Some((kind, shape)) => Some(TensorFault::Wrong {
                name,
                expected,
                received: format!("{kind} {shape:?}"),
            }),
        }
    });
    let known = |name: &&String| expected.contains_key(*name) || ignored(name);
    let rest = found.keys().filter(|name| !known(name)).cloned();
    needed
        .chain(rest.map(|name| TensorFault::Unexpected { name }))
        .collect()
}
