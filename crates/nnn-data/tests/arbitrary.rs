//! Whatever the bytes, readers of embedding files give a value or an error that names the file. `PROPTEST_CASES` sets how
//! many are tried; the targets in `fuzz/` go on without end.

use nnn_data::{read_indices, read_labels, read_matrix, read_relevance};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use safetensors::tensor::{Dtype, TensorView};
use std::fs;
use std::path::Path;

/// Reads a file in every way that its kind allows.
fn read(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(name);
    fs::write(&file, bytes).expect("written");
    if let Ok(matrix) = read_matrix(&file, None) {
        assert_eq!(matrix.data.len(), matrix.rows * matrix.dim);
    }
    let errors = [
        read_matrix(&file, None).err(),
        read_indices(&file, None).err(),
        read_labels(&file, None).err(),
        read_relevance(&file, None, 3, 4).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(error.to_string().contains(name), "{error}");
    }
}

const KINDS: [&str; 7] = [
    "npy",
    "npz",
    "safetensors",
    "parquet",
    "csv",
    "json",
    "jsonl",
];

/// Sound files to begin with, by name.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let entries = fs::read_dir(folder)
        .expect("fixtures")
        .map(|it| it.expect("a file").path());
    let binary = entries.filter(|it| {
        it.extension()
            .is_some_and(|it| KINDS.contains(&&*it.to_string_lossy()))
    });
    let mut files: Vec<(String, Vec<u8>)> = binary
        .map(|it| {
            let name = it
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(&it).expect("a fixture"))
        })
        .collect();
    files.sort();
    assert_eq!(files.len(), 5);
    let matrix = TensorView::new(Dtype::F32, vec![2, 3], &[1; 24]).expect("a tensor");
    let tensors = safetensors::serialize([("rows", matrix)], None).expect("a file");
    let texts = [
        ("it.csv", "query,gallery\n0,1\n1,2\n2,0\n"),
        ("it.json", "[[0], [1, 2], [3]]"),
        ("it.jsonl", "[0]\n[1, 2]\n[3]\n"),
    ];
    files.extend(texts.map(|(name, text)| (name.to_owned(), text.into())));
    files.push(("it.safetensors".into(), tensors));
    files
}

proptest! {
    #[test]
    fn any_bytes_of_any_kind_end(kind in 0..KINDS.len(), bytes in vec(any::<u8>(), 0..300)) {
        read(&format!("it.{}", KINDS[kind]), &bytes);
    }

    #[test]
    fn a_changed_file_ends(
        which in any::<Index>(),
        changes in vec(any::<(Index, u8)>(), 0..8),
        end in proptest::option::weighted(0.2, any::<Index>()),
    ) {
        let files = fixtures();
        let (name, bytes) = which.get(&files);
        let mut bytes = bytes.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.map_or(bytes.len(), |end| end.index(bytes.len())));
        read(name, &bytes);
    }
}
