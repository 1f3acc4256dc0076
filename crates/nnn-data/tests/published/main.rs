//! Data sets as they are published: what other programs write, what is wrong with files, and COCO's own captions.

mod bad_annotations;
mod bad_archives;
mod coco;
mod forms;
mod goldens;

use nnn_data::{
    AnnotationFormat, AnnotationPart, ColumnNames, FilesSource, FoundFile, ImagePart, ImageStore,
    OnGap, Opening, Reading,
};
use nnn_files::sha256_bytes;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

fn part(format: AnnotationFormat, files: &[&str]) -> AnnotationPart {
    AnnotationPart {
        files: files.iter().map(PathBuf::from).collect(),
        format,
        split: None,
        splits: BTreeMap::new(),
        columns: ColumnNames::default(),
        otherwise: None,
    }
}

fn place(archives: &[&str]) -> ImagePart {
    ImagePart {
        archives: archives.iter().map(PathBuf::from).collect(),
        column: None,
        folder: None,
        addresses: false,
        splits: Vec::new(),
        otherwise: None,
    }
}

fn source(annotations: Vec<AnnotationPart>, images: ImagePart) -> FilesSource {
    FilesSource {
        download: Vec::new(),
        annotations,
        images: vec![images],
        notice: None,
    }
}

/// Files in a folder of their own, a data set opened from them, and a cache.
struct Lab {
    folder: TempDir,
    files: BTreeMap<String, FoundFile>,
}

impl Lab {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            files: BTreeMap::new(),
        }
    }

    fn put(&mut self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, &content).expect("a written file");
        let sha256 = sha256_bytes(content.as_ref());
        self.files
            .insert(name.to_owned(), FoundFile { path, sha256 });
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Opens all splits; the message of an error without the folder's name.
    fn open(
        &self,
        source: &FilesSource,
        splits: &[&str],
        on_gap: OnGap,
    ) -> Result<ImageStore, String> {
        let opening = Opening {
            base: self.folder.path(),
            cache: &self.cache(),
            images: splits,
            reading: Reading {
                files: &self.files,
                splits,
                wanted: splits,
                on_gap,
                groups: None,
            },
        };
        ImageStore::open(source, &opening).map_err(|error| self.shorten(&error.to_string()))
    }

    fn shorten(&self, message: &str) -> String {
        message.replace(&format!("{}/", self.folder.path().display()), "")
    }
}
