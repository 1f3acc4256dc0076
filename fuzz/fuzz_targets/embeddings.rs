//! Files of embeddings, indices, labels and relevance; the first byte picks the format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_data::{RowNames, read_indices, read_labels, read_matrix, read_relevance};

const KINDS: [&str; 13] = [
    "tsv", "qrels", "npy", "npz", "safetensors", "parquet", "csv", "json", "jsonl", "arrow", "pkl", "pt", "h5",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, content)) = bytes.split_first() else {
        return;
    };
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(format!("it.{kind}"));
    std::fs::write(&file, content).expect("written");
    if let Ok(matrix) = read_matrix(&file, None) {
        assert_eq!(matrix.data.len(), matrix.rows * matrix.dim);
    }
    let _ = read_indices(&file, None);
    let _ = read_labels(&file, None);
    let _ = read_relevance(&file, None, &RowNames::queries(3), &RowNames::gallery(4));
});
