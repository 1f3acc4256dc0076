//! Spoiling a copy of a golden checkpoint: what the tests of the model families share.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::fs;
use tempfile::TempDir;

/// Replaces the first `from` of a file, which must be there.
pub(crate) fn edit(folder: &TempDir, file: &str, from: &str, to: &str) {
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).expect(file);
    assert!(text.contains(from), "{file} lacks {from}");
    fs::write(path, text.replacen(from, to, 1)).expect("written");
}

/// Writes `model.safetensors` anew from tensors that `change` has been at.
pub(crate) fn rewrite(
    folder: &TempDir,
    change: impl Fn(&mut HashMap<String, (Dtype, Vec<usize>, Vec<u8>)>),
) {
    let file = folder.path().join("model.safetensors");
    let bytes = fs::read(&file).expect("weights");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let mut owned: HashMap<_, _> = tensors
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
