//! Formats by the extensions of their files.

use crate::file_error::FileProblem;
use nnn_files::contained;
use std::path::Path;

/// What can hold vectors, for messages.
pub(super) const OF_VECTORS: &str =
    ".npy, .npz, .safetensors, .parquet, .arrow, .feather, .pt, .pth, .pkl or .h5";

/// What can hold one integer or string per row, for messages.
pub(super) const OF_ENTRIES: &str = ".npy, .npz, .safetensors, .parquet, .arrow, .feather, .pt, .pth, .pkl, .h5, .csv, .tsv, .json, .jsonl or .txt";

/// The formats of tables.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Parquet,
    Arrow,
}

impl Format {
    /// The format's usual extension.
    fn name(self) -> &'static str {
        match self {
            Self::Parquet => ".parquet",
            Self::Arrow => ".arrow",
        }
    }

    pub(super) fn bad(self, error: impl ToString) -> FileProblem {
        FileProblem::malformed(self.name(), error)
    }

    /// Runs one read; a panic of the libraries at a damaged file becomes an error.
    pub(super) fn contained<T>(
        self,
        read: impl FnOnce() -> Result<T, FileProblem>,
    ) -> Result<T, FileProblem> {
        contained(read, |said| self.bad(said))
    }
}

/// A format.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Npy,
    Npz,
    Safetensors,
    Table(Format),
    Pickle,
    Hdf5,
    /// Text with this between its columns.
    Columns(u8),
    Json,
    JsonLines,
    Lines,
}

impl Kind {
    /// The format of a file.
    pub(super) fn of(path: &Path, expected: &'static str) -> Result<Self, FileProblem> {
        let found = extension(path);
        Ok(match found.as_str() {
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            "safetensors" => Self::Safetensors,
            "parquet" | "parq" | "pq" => Self::Table(Format::Parquet),
            "arrow" | "feather" | "ipc" => Self::Table(Format::Arrow),
            "pt" | "pth" | "pkl" | "pickle" => Self::Pickle,
            "h5" | "hdf5" | "hdf" => Self::Hdf5,
            "csv" => Self::Columns(b','),
            "tsv" => Self::Columns(b'\t'),
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::JsonLines,
            "txt" => Self::Lines,
            _ => return Err(FileProblem::UnknownFormat { found, expected }),
        })
    }
}

/// The extension in lower case.
pub(in crate::vectors) fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}
