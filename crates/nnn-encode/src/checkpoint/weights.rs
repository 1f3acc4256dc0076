//! Weights on disk: safetensors files or PyTorch's, one or several.

use super::error::{LoadError, READABLE, TensorFault};
use super::files::CheckpointFiles;
use super::lookup::{Found, find};
use super::names::{Renamed, Shapes, renamed};
use super::towers::lost_tower;
use crate::compute::{Compute, start_threads};
use candle_core::safetensors::{Load, MmapedSafetensors};
use candle_core::{DType, Device, Tensor};
use nnn_pickle::{Kind, PickleFile};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Index;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Weights by name, on one device in one number type.
pub struct Weights {
    tensors: HashMap<String, Tensor>,
    round_products: bool,
}

impl Weights {
    /// Whether a [`Linear`](crate::Linear) made of them rounds its factors to bf16; see [`Compute::rounds_products`].
    #[must_use]
    pub fn round_products(&self) -> bool {
        self.round_products
    }
}

/// Weights whose products are in their own number type.
impl FromIterator<(String, Tensor)> for Weights {
    fn from_iter<T: IntoIterator<Item = (String, Tensor)>>(tensors: T) -> Self {
        Self {
            tensors: tensors.into_iter().collect(),
            round_products: false,
        }
    }
}

impl<N: AsRef<str> + ?Sized> Index<&N> for Weights {
    type Output = Tensor;

    fn index(&self, name: &N) -> &Tensor {
        &self.tensors[name.as_ref()]
    }
}

/// Number type and shape of tensors, by name.
type Headers = BTreeMap<String, (String, Vec<usize>)>;

/// The weights of a checkpoint, open and not yet read.
pub struct Checkpoint {
    source: Source,
    files: Vec<PathBuf>,
    note: OnceLock<String>,
}

enum Source {
    Safetensors(MmapedSafetensors),
    Pickles(Vec<PickleFile>),
}

impl Checkpoint {
    /// Opens a checkpoint's weights: `model.safetensors`, the files of its index, `open_clip_model.safetensors`,
    /// `open_clip_pytorch_model.safetensors`, `pytorch_model.bin` or the files of its index, `open_clip_pytorch_model.bin`, the
    /// first that there is; failing these the only index, file or numbered set of files of weights, whatever its name.
    ///
    /// # Errors
    /// There is none, or several of unknown names, or what is there is damaged or something else in their place.
    pub fn open(files: &CheckpointFiles) -> Result<Self, LoadError> {
        Self::open_under(files, None)
    }

    /// The same, where a PyTorch file holds several dictionaries of tensors: those under `key`; see
    /// [`PickleFile::read`] for what `None` takes.
    ///
    /// # Errors
    /// As [`open`](Self::open); the key is not there.
    pub fn open_under(files: &CheckpointFiles, key: Option<&str>) -> Result<Self, LoadError> {
        let (source, files) = match find(files)? {
            Found::Safetensors(files) => (Source::Safetensors(map(&files)?), files),
            Found::Pickles(files) => {
                let open = |file: &PathBuf| {
                    PickleFile::open(file, key).map_err(|error| unread(file, &error))
                };
                let opened = files.iter().map(open).collect::<Result<_, _>>()?;
                (Source::Pickles(opened), files)
            }
        };
        let note = OnceLock::new();
        Ok(Self {
            source,
            files,
            note,
        })
    }

    /// The files that hold the weights.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// What [`load`](Self::load) did to the names of tensors, as a sentence; none if they are the model's.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.get().map(String::as_str)
    }

    /// The shape of a tensor, if the checkpoint has it: which of several layouts of names it follows, or a size that its
    /// configuration does not say. A name that training added something to counts as well, if there is only one.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let mut found = self.found();
        if let Some((_, shape)) = found.remove(name) {
            return Some(shape);
        }
        let end = format!(".{name}");
        let mut longer = found.into_iter().filter(|(name, _)| name.ends_with(&end));
        match (longer.next(), longer.next()) {
            (Some((_, (_, shape))), None) => Some(shape),
            _ => None,
        }
    }

    /// All that the model needs, where and as `compute` says. Tensors whose name `ignored` accepts may be there beside.
    ///
    /// Where training put something before every name, such as `module.`, that is taken off, and [`note`](Self::note) says
    /// so.
    ///
    /// # Errors
    /// [`LoadError::Tensors`] with all that is missing, unexpected or of the wrong shape or type; what a lost tower, a number
    /// type that is not read or several copies of the model explain has an error of its own. The system gives no threads.
    pub fn load(
        &self,
        expected: &Shapes,
        ignored: &dyn Fn(&str) -> bool,
        compute: &Compute,
    ) -> Result<Weights, LoadError> {
        let names = self.fit(expected, ignored)?;
        start_threads()?;
        let tensors = expected.keys().map(|name| {
            let stored = names.as_ref().map_or(name, |names| &names[name]);
            let tensor = self.tensor(stored).and_then(|it| {
                it.to_dtype(compute.activations())?
                    .to_device(&compute.device)
            });
            Ok((
                name.clone(),
                tensor.map_err(|it| unread(&self.files[0], &it))?,
            ))
        });
        Ok(Weights {
            tensors: tensors.collect::<Result<_, LoadError>>()?,
            round_products: compute.rounds_products(),
        })
    }

    /// Holds what the files say of their tensors against what the model needs, without reading one; gives the file's names
    /// by the model's where they differ.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn fit(
        &self,
        expected: &Shapes,
        ignored: &dyn Fn(&str) -> bool,
    ) -> Result<Option<BTreeMap<String, String>>, LoadError> {
        let found = self.found();
        let stored: Vec<&str> = found.keys().map(String::as_str).collect();
        let mut fits = renamed(&stored, expected);
        if fits.len() > 1 {
            let copies = fits.iter().filter_map(|it| it.names.values().next());
            return Err(LoadError::Copies {
                file: self.files[0].clone(),
                names: copies.cloned().collect(),
            });
        }
        let Some(Renamed { names, note }) = fits.pop() else {
            return self.refuse_faults(expected, &found, ignored).map(|()| None);
        };
        let renamed = names
            .iter()
            .map(|(name, stored)| (name.clone(), found[stored].clone()));
        self.refuse_faults(expected, &renamed.collect(), ignored)?;
        let _ = self.note.set(note);
        Ok(Some(names))
    }

    fn refuse_faults(
        &self,
        expected: &Shapes,
        found: &Headers,
        ignored: &dyn Fn(&str) -> bool,
    ) -> Result<(), LoadError> {
        let faults = faults(expected, found, ignored);
        if faults.is_empty() {
            return Ok(());
        }
        let file = self.files[0].clone();
        if let Some((kind, first, count)) = packed(found) {
            return Err(LoadError::Packed {
                file,
                kind,
                count,
                first,
            });
        }
        Err(match lost_tower(expected, &faults) {
            Some(tower) => LoadError::Tower { file, tower },
            None => LoadError::Tensors { file, faults },
        })
    }

    /// The error of a model that could not be made of the weights.
    #[must_use]
    pub fn unfit(&self, error: &candle_core::Error) -> LoadError {
        unread(&self.files[0], error)
    }

    /// Number type and shape of every tensor.
    fn found(&self) -> Headers {
        match &self.source {
            Source::Safetensors(mapped) => mapped
                .tensors()
                .into_iter()
                .map(|(name, view)| (name, (format!("{:?}", view.dtype()), view.shape().to_vec())))
                .collect(),
            Source::Pickles(files) => files
                .iter()
                .flat_map(PickleFile::tensors)
                .map(|(name, kind, shape)| (name.into(), (kind.into(), shape.to_vec())))
                .collect(),
        }
    }

    fn tensor(&self, name: &str) -> candle_core::Result<Tensor> {
        match &self.source {
            Source::Safetensors(mapped) => mapped.get(name)?.load(&Device::Cpu),
            Source::Pickles(files) => {
                let holds = |file: &&PickleFile| file.tensors().any(|(held, ..)| held == name);
                let file = files.iter().find(holds).unwrap_or(&files[0]);
                let (kind, shape, bytes) = file.tensor(name).map_err(candle_core::Error::wrap)?;
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

#[allow(unsafe_code)]
fn map(files: &[PathBuf]) -> Result<MmapedSafetensors, LoadError> {
    // SAFETY: the mapping is read while `load` runs and dropped with it. A file that another process truncates or
    // rewrites meanwhile is outside what any reader of a mapped file can guard against; checkpoints are written
    // once, and downloads are renamed into place when complete.
    let mapped = unsafe { MmapedSafetensors::multi(files) };
    mapped.map_err(|it| unread(&files[0], &it))
}

/// Whatever a library or reader says of a file of weights.
fn unread(file: &Path, error: &dyn fmt::Display) -> LoadError {
    LoadError::Weights {
        file: file.to_path_buf(),
        reason: error.to_string(),
    }
}

/// The number type of quantised weights, the first tensor of it and how many there are; none where nothing is quantised.
fn packed(found: &Headers) -> Option<(String, String, usize)> {
    let is_packed = |kind: &str| {
        ["F4", "F6", "F8", "I8", "U8"]
            .iter()
            .any(|it| kind.starts_with(it))
    };
    let (first, (kind, _)) = found.iter().find(|(_, (kind, _))| is_packed(kind))?;
    let count = found.values().filter(|(it, _)| it == kind).count();
    Some((kind.clone(), first.clone(), count))
}

fn faults(expected: &Shapes, found: &Headers, ignored: &dyn Fn(&str) -> bool) -> Vec<TensorFault> {
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
