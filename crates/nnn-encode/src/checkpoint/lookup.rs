//! Which files of a checkpoint hold its weights, and in which format.

use super::error::LoadError;
use super::files::{ADAPTER, CheckpointFiles, head, refuse_stand_in};
use crate::error::ReadError;
use nnn_files::read_text;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The files of weights, all in one format.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Safetensors(Vec<PathBuf>),
    Pickles(Vec<PathBuf>),
}

/// Names that libraries write, in the order in which they are preferred.
const KNOWN: [&str; 8] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.bin.index.json",
];

/// Files beside the weights that any family or tokenizer reads.
const DESCRIPTIONS: [&str; 13] = [
    "beit3.spm",
    "config.json",
    "merges.txt",
    "open_clip_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
];

const PICKLES: [&str; 4] = ["pth", "pt", "bin", "ckpt"];

/// What training scripts leave beside the weights, by the beginning of its name.
const BESIDE: [&str; 7] = [
    "optimizer",
    "rng_state",
    "random_states",
    "scaler",
    "scheduler",
    "trainer_state",
    "training_args",
];

/// Weights of other libraries, by the end of their name.
const OTHERS: [(&str, &str); 9] = [
    (".gguf", "weights of llama.cpp (GGUF)"),
    (".h5", "weights of TensorFlow"),
    (".keras", "a Keras model"),
    (".mlmodel", "a Core ML model"),
    (".msgpack", "weights of Flax"),
    (".npz", "weights of JAX"),
    (".onnx", "an ONNX model"),
    (".ot", "weights of rust-bert"),
    (".tflite", "a TensorFlow Lite model"),
];

/// An index: which file holds which tensor.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Finds the weights: a name that libraries write; else an index of any name, or the only file or numbered set of files in
/// one of the two formats.
pub(super) fn find(files: &CheckpointFiles) -> Result<Found, LoadError> {
    open(files, choose(files)?)
}

/// Of the names of all files of a repository those that a checkpoint is made of: its configuration, its tokenizer and one of
/// the forms in which its weights are there. Where open_clip's layout and weights are there, these are preferred.
///
/// # Errors
/// No weights are among them, or several of unknown names.
pub fn files_to_fetch<'a>(names: &[&'a str]) -> Result<Vec<&'a str>, LoadError> {
    let listed = names.iter().fold(CheckpointFiles::default(), |all, name| {
        all.with_file(name, PathBuf::from(name))
    });
    let layout = listed.weights_of_layout();
    let weights = choose(&layout)?;
    let part = |name: &str| {
        let set = weights.iter().any(|it| is_index(it)) && name.contains("-of-");
        let format = weights[0].contains(".safetensors") == is_safetensors(name);
        set && format && (is_safetensors(name) || is_pickle(name)) && layout.has(name)
    };
    let wanted = |name: &&&str| DESCRIPTIONS.contains(name) || weights.contains(name) || part(name);
    Ok(names.iter().filter(wanted).copied().collect())
}

/// The names of the files of weights, or of their index.
fn choose(files: &CheckpointFiles) -> Result<Vec<&str>, LoadError> {
    let (index, format) = (is_index, is_safetensors as fn(&str) -> bool);
    let known = KNOWN.into_iter().find(|name| files.path(name).is_some());
    if let Some(name) = known {
        return Ok(vec![name]);
    }
    if let Some(link) = files.dangling(&|name| format(name) || is_pickle(name) || index(name)) {
        return Err(link);
    }
    let groups: [&dyn Fn(&str) -> bool; 4] = [
        &|name| index(name) && name.contains(".safetensors."),
        &|name| format(name) && !is_adapter(name),
        &index,
        &|name| is_pickle(name) && !is_adapter(name),
    ];
    let named = |wanted: &&dyn Fn(&str) -> bool| -> Vec<&str> {
        files.names().filter(|name| wanted(name)).collect()
    };
    let group = groups.iter().map(named).find(|group| !group.is_empty());
    match group {
        Some(names) if names.len() == 1 || is_whole_set(&names) => Ok(names),
        several => Err(none(files, several.map_or(0, |names| names.len()))),
    }
}

/// The files that some names mean, in the format of the first.
fn open(files: &CheckpointFiles, names: Vec<&str>) -> Result<Found, LoadError> {
    let mut paths = Vec::new();
    for name in names {
        let path = files.path(name).unwrap_or(Path::new(name));
        refuse_stand_in(path)?;
        match is_index(name) {
            true => paths.extend(indexed(files, path)?),
            false => paths.push((name.to_owned(), path.to_path_buf())),
        }
    }
    paths
        .iter()
        .try_for_each(|(_, path)| refuse_stand_in(path))?;
    let (name, first) = &paths[0];
    // By content where it tells: files of either format are found under the names of the other.
    let head = head(first)?;
    let safetensors = match (head.get(8), head.get(..2)) {
        (Some(b'{'), _) => true,
        (_, Some(b"PK" | [0x80, _])) => false,
        _ => is_safetensors(name),
    };
    let paths = paths.into_iter().map(|(_, path)| path).collect();
    Ok(match safetensors {
        true => Found::Safetensors(paths),
        false => Found::Pickles(paths),
    })
}

/// Why there are no weights: something else in their place, or `candidates` files of which none is preferred.
fn none(files: &CheckpointFiles, candidates: usize) -> LoadError {
    let unusable = |name: &str, reason: String| LoadError::Unusable {
        file: files.origin(name),
        reason,
    };
    if candidates == 0
        && let Some(name) = files.names().find(|name| is_adapter(name))
    {
        return unusable(name, ADAPTER.into());
    }
    let other = files.names().find_map(|name| {
        let kind = OTHERS.iter().find(|(ending, _)| name.ends_with(ending))?;
        Some((name, kind.1))
    });
    match other.filter(|_| candidates == 0) {
        Some((name, kind)) => unusable(
            name,
            format!(
                "it holds {kind}, and weights are read from *.safetensors or PyTorch's *.bin, *.pth, *.pt and *.ckpt"
            ),
        ),
        None => LoadError::NoWeights {
            files: files.to_string(),
            candidates,
        },
    }
}

fn is_safetensors(name: &str) -> bool {
    name.ends_with(".safetensors")
}

/// By name, as the file itself may lie in a cache that names files by their checksums.
fn is_pickle(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|it| it.to_str());
    let beside = BESIDE.iter().any(|it| name.starts_with(it)) || name.starts_with("openvino");
    extension.is_some_and(|it| PICKLES.contains(&it)) && !beside
}

/// `model.safetensors.index.json`, and with a variant `model.safetensors.index.fp16.json`.
fn is_index(name: &str) -> bool {
    let indexes = [".safetensors.index.", ".bin.index."];
    name.ends_with(".json") && indexes.iter().any(|it| name.contains(it))
}

fn is_adapter(name: &str) -> bool {
    name.starts_with("adapter_model.") || name.contains("lora_weights.")
}

/// Whether names are `x-00001-of-00003` and so on, all of one set.
fn is_whole_set(names: &[&str]) -> bool {
    let part = |name: &&str| {
        let (stem, of) = name.rsplit_once("-of-")?;
        let (stem, number) = stem.rsplit_once('-')?;
        let (of, ending) = of.split_once('.')?;
        let (number, of): (usize, usize) = (number.parse().ok()?, of.parse().ok()?);
        Some(((stem.to_owned(), of, ending.to_owned()), number))
    };
    let parts: Option<Vec<_>> = names.iter().map(part).collect();
    let Some(parts) = parts else { return false };
    let sets: BTreeSet<_> = parts.iter().map(|(set, _)| set).collect();
    let numbers: BTreeSet<usize> = parts.iter().map(|(_, number)| *number).collect();
    sets.len() == 1 && numbers.into_iter().eq(1..=parts[0].0.1)
}

/// The index's files by name, each once. Names with a folder in them are refused.
fn indexed(files: &CheckpointFiles, index: &Path) -> Result<Vec<(String, PathBuf)>, LoadError> {
    let weights = |reason: String| LoadError::Weights {
        file: index.to_path_buf(),
        reason,
    };
    let text = read_text(index).map_err(|it| ReadError::new(index, it))?;
    let parsed: Index = serde_json::from_str(&text).map_err(|it| weights(it.to_string()))?;
    let names: BTreeSet<String> = parsed.weight_map.into_values().collect();
    if names.is_empty() {
        return Err(weights("it names no file".into()));
    }
    let path = |name: String| match files.path(&name) {
        Some(path) => Ok((name.clone(), path.to_path_buf())),
        None => Err(files
            .dangling(&|it| it == name)
            .unwrap_or_else(|| weights(format!("{name:?} is not a file of this checkpoint")))),
    };
    names.into_iter().map(path).collect()
}
