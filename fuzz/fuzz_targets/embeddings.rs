//! Files of embeddings, indices, labels and relevance; the first byte picks the format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_data::{RowNames, read_indices, read_labels, read_matrix, read_relevance};

const KINDS: [&str; 13] = [
    "tsv",
    "qrels",
    "npy",
    "npz",
    "safetensors",
    "parquet",
    "csv",
    "json",
    "jsonl",
    "arrow",
    "pkl",
    "pt",
    "h5",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, content)) = nnn_fuzz::pick(bytes, &KINDS) else {
        return;
    };
    let name = format!("it.{kind}");
    let file = nnn_fuzz::file(&name, content);
    let matrix = read_matrix(&file, None);
    if let Ok(matrix) = &matrix {
        assert_eq!(matrix.data.len(), matrix.rows * matrix.dim);
    }
    let errors = [
        matrix.err(),
        read_indices(&file, None).err(),
        read_labels(&file, None).err(),
        read_relevance(&file, None, &RowNames::queries(3), &RowNames::gallery(4)).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(error.to_string().contains(&name), "{error}");
    }
});
