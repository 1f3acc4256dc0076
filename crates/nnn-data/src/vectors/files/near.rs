//! What is said of files that are not there, or are not what their names say.

use super::kind::extension;
use crate::file_error::FileProblem;
use nnn_files::{LFS_POINTER, nearby};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// What files begin with that a program packed, its name, and how they are unpacked.
const PACKED: [(&[u8], &str, &str); 4] = [
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\0", "xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
];

/// Opens a file to see whether it is what its name says, and not what often lies in its place.
pub(super) fn look(path: &Path) -> Result<(), FileProblem> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => missing(path),
        _ => FileProblem::Io(error),
    })?;
    let mut start = Vec::new();
    file.take(32).read_to_end(&mut start)?;
    if start.starts_with(LFS_POINTER.as_bytes()) {
        return Err(FileProblem::Unusable(
            "a Git LFS pointer, not the file itself; fetch it with: git lfs pull".to_owned(),
        ));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match PACKED.iter().find(|(magic, ..)| start.starts_with(magic)) {
        Some((_, packer, unpack)) => Err(FileProblem::Unusable(format!(
            "packed with {packer}; unpack it first: {unpack} {name}"
        ))),
        None => Ok(()),
    }
}

/// The error of a file or folder that is not there, with what is there under nearly its name.
pub(super) fn missing(path: &Path) -> FileProblem {
    FileProblem::Unusable(format!("no such file{}", nearby(path)))
}

/// The error of a file of text where vectors are wanted, with the line of Python that converts it.
pub(super) fn text(path: &Path) -> FileProblem {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let rows = match extension(path).as_str() {
        "csv" => format!("pandas.read_csv({name:?}).to_numpy(\"float32\")"),
        "tsv" => format!("pandas.read_csv({name:?}, sep=\"\\t\").to_numpy(\"float32\")"),
        "json" => format!("numpy.array(json.load(open({name:?})), \"float32\")"),
        "jsonl" | "ndjson" => format!(
            "numpy.array([json.loads(line)[\"embedding\"] for line in open({name:?})], \"float32\")"
        ),
        _ => format!("numpy.loadtxt({name:?}, \"float32\")"),
    };
    FileProblem::Unusable(format!(
        "vectors are not read from text; convert it with Python: numpy.save(\"{stem}.npy\", {rows})"
    ))
}
