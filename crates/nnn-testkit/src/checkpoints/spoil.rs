//! Spoiling a copy of a golden checkpoint.

use nnn_encode::{Encoder, LoadError, TensorFault};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Tensors by name: number type, shape and bytes.
pub type Tensors = HashMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// A copy of the checkpoint in `folder`, to be spoilt, with some files from elsewhere beside. What the reference gave is no
/// part of it.
///
/// # Panics
/// A file cannot be copied.
#[must_use]
pub fn copy(folder: &Path, beside: &[PathBuf]) -> TempDir {
    let target = tempfile::tempdir().expect("a temporary folder");
    let files = fs::read_dir(folder).expect("files");
    let files = files.map(|it| it.expect("a file").path());
    let files = files.filter(|it| it.file_stem() != Some("golden".as_ref()));
    for file in files.chain(beside.iter().cloned()) {
        fs::copy(&file, target.path().join(file.file_name().expect("a name"))).expect("copied");
    }
    target
}

/// Replaces the first `from` of a file.
///
/// # Panics
/// The file does not hold it.
pub fn edit(folder: &TempDir, file: &str, from: &str, to: &str) {
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).expect(file);
    assert!(text.contains(from), "{file} lacks {from}");
    fs::write(path, text.replacen(from, to, 1)).expect("written");
}

/// Writes `model.safetensors` anew from tensors that `change` has been at.
///
/// # Panics
/// The file cannot be read or written.
pub fn rewrite(folder: &TempDir, change: impl Fn(&mut Tensors)) {
    let file = folder.path().join("model.safetensors");
    let bytes = fs::read(&file).expect("weights");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let mut owned: Tensors = tensors
        .tensors()
        .into_iter()
        .map(|(name, it)| (name, (it.dtype(), it.shape().to_vec(), it.data().to_vec())))
        .collect();
    change(&mut owned);
    let views = owned.iter().map(|(name, (kind, shape, data))| {
        let view = TensorView::new(*kind, shape.clone(), data);
        (name, view.expect("a tensor"))
    });
    fs::write(&file, safetensors::serialize(views, None).expect("bytes")).expect("written");
}

/// Why a checkpoint did not load.
///
/// # Panics
/// It loaded.
#[must_use]
pub fn refusal(loaded: Result<Box<dyn Encoder>, LoadError>) -> LoadError {
    match loaded {
        Ok(_) => panic!("it loaded"),
        Err(error) => error,
    }
}

/// All tensors that did not fit, in the order of their messages.
///
/// # Panics
/// The error is another.
#[must_use]
pub fn faults(error: LoadError) -> Vec<TensorFault> {
    let message = error.to_string();
    let LoadError::Tensors { mut faults, .. } = error else {
        panic!("{message}");
    };
    faults.sort_by_key(ToString::to_string);
    faults
}
