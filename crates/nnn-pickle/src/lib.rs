//! Tensors and arrays from files that `torch.save` and `pickle.dump` wrote, without ever running what is in them.
//!
//! A pickle is a program. This reader knows the opcodes that Python writes and a closed list of globals (`globals.rs`); what
//! a known global would return is described, not computed, and everything else is refused by name and place before any
//! tensor is read. Nothing recurses, and sizes and counts are bounded before memory is taken.
//!
//! | type | gives |
//! |---|---|
//! | [`PickleFile`] | the weights of a checkpoint: one dictionary of tensors, each read from the file when it is asked for |
//! | [`Document`] | data: tensors, arrays, numbers and texts in lists and dictionaries, where they lie in bytes |

mod archive;
mod document;
mod globals;
mod legacy;
mod machine;
mod view;

pub use document::{Array, Document, Element, Node};
pub use machine::Ref as At;
pub use view::Kind;

use machine::{Pickle, Ref, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use thiserror::Error;
use view::View;

/// Bytes of a file's pickled part; PyTorch's largest are around a megabyte, as tensors lie beside it.
const MOST_BYTES: u64 = 16 << 20;

/// Characters of a name out of a file that a message shows.
const MOST_NAME: usize = 100;

/// Keys under which training scripts put the weights, in the order in which they are preferred.
const USUAL_KEYS: [&str; 2] = ["model", "state_dict"];

/// Why a file gives no tensors.
#[derive(Debug, Error)]
pub enum PickleError {
    /// An opcode that Python does not write tensors and arrays with.
    #[error(
        "opcode {opcode:#04x} at byte {at} of the pickle is refused: tensors are not written with it"
    )]
    Opcode {
        /// The opcode.
        opcode: u8,
        /// Its place in the pickle.
        at: usize,
    },
    /// A class or function that is no part of tensors and plain data.
    #[error(
        "`{name}` at byte {at} of the pickle is refused: only tensors and plain data are read, and nothing is run{}",
        advice(name)
    )]
    Global {
        /// Module and name.
        name: String,
        /// Its place in the pickle.
        at: usize,
    },
    /// The pickle ends within a value.
    #[error("the pickle is cut off at byte {at}")]
    Truncated {
        /// Where more was expected.
        at: usize,
    },
    /// An opcode whose operands are not what it takes.
    #[error("byte {at} of the pickle: expected {expected}")]
    Malformed {
        /// Place of the opcode.
        at: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// More of something than any checkpoint has.
    #[error("more than {limit} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many are read.
        limit: u64,
    },
    /// The container around the pickle is damaged or of another kind.
    #[error("{0}")]
    Container(String),
    /// A tensor lies outside its storage, or its storage is not in the file as described.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no single dictionary of tensors.
    #[error("{0}")]
    Dictionary(String),
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What to do with an object that is no tensor.
fn advice(name: &str) -> &'static str {
    match name.split('.').next() {
        Some("pandas") => "; write a data frame with DataFrame.to_parquet instead",
        Some("joblib") => "; write arrays with numpy.save instead",
        Some("scipy") => "; write a sparse matrix with numpy.save of its toarray() instead",
        Some("pyarrow" | "polars") => "; write a table as parquet instead",
        _ => "",
    }
}

/// What a file of tensors is read from.
trait Input: Read + Seek + Send {}

impl<T: Read + Seek + Send> Input for T {}

/// A dictionary of tensors that `torch.save` wrote, open and not yet read.
pub struct PickleFile {
    input: Mutex<Box<dyn Input>>,
    tensors: BTreeMap<String, Stored>,
}

/// A tensor and where the bytes of its storage lie.
struct Stored {
    view: View,
    start: u64,
}

/// Where the bytes of every storage lie.
type Places = HashMap<String, Range<u64>>;

impl PickleFile {
    /// Opens a file; see [`read`](Self::read).
    ///
    /// # Errors
    /// See [`PickleError`].
    pub fn open(file: &Path, key: Option<&str>) -> Result<Self, PickleError> {
        Self::read(File::open(file)?, key)
    }

    /// Reads which tensors there are, not yet their values, from an archive (PyTorch 1.6 and later) or a stream
    /// (before).
    ///
    /// The tensors are those of the dictionary under `key`, or without one: those of the outermost dictionary if it
    /// holds any; else those of the dictionary under `model` or `state_dict`, whichever holds tensors first; else
    /// those of the only inner dictionary that holds any. Other values in it are passed over.
    ///
    /// # Errors
    /// See [`PickleError`].
    pub fn read(
        input: impl Read + Seek + Send + 'static,
        key: Option<&str>,
    ) -> Result<Self, PickleError> {
        let mut input: Box<dyn Input> = Box::new(input);
        let mut start = Vec::new();
        (&mut input).take(4).read_to_end(&mut start)?;
        input.rewind()?;
        let tensors = match start.as_slice() {
            b"PK\x03\x04" => archive::tensors(&mut input, key)?,
            [0x80, ..] => legacy::tensors(&mut input, key)?,
            _ => return Err(unknown_container()),
        };
        let input = Mutex::new(input);
        Ok(Self { input, tensors })
    }

    /// Name, number type as safetensors spells it, and shape of every tensor.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &'static str, &[usize])> {
        self.tensors.iter().map(|(name, stored)| {
            let view = &stored.view;
            (name.as_str(), view.kind.name(), view.shape.as_slice())
        })
    }

    /// Reads one tensor: its number type, its shape, and its values in row-major order, little-endian.
    ///
    /// # Errors
    /// [`PickleError::Tensor`] if there is none of this name; [`PickleError::Io`].
    pub fn tensor(&self, name: &str) -> Result<(Kind, &[usize], Vec<u8>), PickleError> {
        let stored = self.tensors.get(name);
        let stored = stored.ok_or_else(|| unreadable(name, "is not in the file"))?;
        let view = &stored.view;
        let bytes = view.pack(Cow::Owned(self.bytes(stored)?)).into_owned();
        Ok((view.kind, &view.shape, bytes))
    }

    /// The part of a storage that a tensor sees.
    fn bytes(&self, stored: &Stored) -> Result<Vec<u8>, PickleError> {
        let size = stored.view.kind.size() as u64;
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        input.seek(SeekFrom::Start(
            stored.start + stored.view.offset as u64 * size,
        ))?;
        // No more than the file holds: every view was checked against its storage, and that against the file.
        let mut bytes = vec![0; stored.view.extent() * stored.view.kind.size()];
        input.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

fn unknown_container() -> PickleError {
    PickleError::Container("neither an archive nor a stream that torch.save writes".into())
}

fn unreadable(name: &str, reason: &str) -> PickleError {
    PickleError::Tensor {
        name: shown(name),
        reason: reason.into(),
    }
}

/// A name out of a file, short enough for a message.
fn shown(name: &str) -> String {
    let short: String = name.chars().take(MOST_NAME).collect();
    let mark = if short.len() < name.len() { "..." } else { "" };
    format!("{}{mark}", short.escape_debug())
}

/// The tensors of the dictionary that [`PickleFile::read`] describes, each with its storage's place.
fn placed(
    pickle: &Pickle<'_>,
    key: Option<&str>,
    places: &Places,
) -> Result<BTreeMap<String, Stored>, PickleError> {
    let entries = pickle.entries(dictionary(pickle, key)?);
    let tensors = entries.filter_map(|(name, at)| match pickle.value(at) {
        Value::Tensor(view) => Some((name, view)),
        _ => None,
    });
    tensors
        .map(|(name, view)| {
            let view = view.view(pickle);
            let checked = view.and_then(|view| place(view, places));
            let stored = checked.map_err(|reason| unreadable(name, &reason))?;
            Ok((name.to_owned(), stored))
        })
        .collect()
}

fn place(view: View, places: &Places) -> Result<Stored, String> {
    let key = shown(&view.storage);
    let place = places.get(&view.storage);
    let place = place.ok_or_else(|| format!("the file lacks its storage `{key}`"))?;
    let received = place.end - place.start;
    let expected = (view.items as u64).checked_mul(view.kind.size() as u64);
    if expected != Some(received) {
        let (items, kind) = (view.items, view.kind.name());
        return Err(format!(
            "its storage `{key}` should hold {items} values of {kind} and has {received} bytes"
        ));
    }
    view.check()?;
    let start = place.start;
    Ok(Stored { view, start })
}

fn dictionary(pickle: &Pickle<'_>, key: Option<&str>) -> Result<Ref, PickleError> {
    let full = pickle.tensor_dictionaries();
    let root = pickle.root();
    let inner: Vec<(&str, Ref)> = pickle
        .entries(root)
        .filter(|(_, at)| full.contains(at))
        .collect();
    let under = |wanted: &str| {
        let mut entries = inner.iter();
        let found = entries.find(|(name, _)| *name == wanted);
        found.map(|(_, at)| *at)
    };
    let found = match key {
        Some(key) => under(key),
        None if full.contains(&root) => Some(root),
        None => USUAL_KEYS
            .iter()
            .find_map(|key| under(key))
            .or(match inner.as_slice() {
                [(_, only)] => Some(*only),
                _ => None,
            }),
    };
    found.ok_or_else(|| no_dictionary(&inner, key))
}

/// Says where tensors are, if not where they were looked for.
fn no_dictionary(inner: &[(&str, Ref)], key: Option<&str>) -> PickleError {
    let place = key.map_or_else(
        || "at the outermost level or under a usual key".into(),
        |key| format!("under `{}`", shown(key)),
    );
    let names: Vec<String> = inner.iter().take(10).map(|(name, _)| shown(name)).collect();
    PickleError::Dictionary(format!(
        "there is no dictionary of tensors {place}; keys that hold one: [{}]",
        names.join(", ")
    ))
}
