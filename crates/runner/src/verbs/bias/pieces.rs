//! Blocks as they are done, beside the file that they become.

use crate::terminal::progress::say;
use anyhow::{Context, Result};
use nnn_export::{BiasFile, BiasFileError, BiasHeader, BiasProblem, BiasRows, BiasWriter};
use nnn_files::{Sha256, sha256_file, sync_folder, write_atomically};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The pieces of one file.
pub(super) struct Pieces<'a> {
    out: &'a Path,
    header: &'a BiasHeader,
    named: bool,
    /// `bias.parquet.parts`.
    root: PathBuf,
    /// In it, the pieces of these banks, this method and this program.
    folder: PathBuf,
}

/// `bias.parquet.parts`: where the pieces of `bias.parquet` lie.
pub(super) fn folder_of(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".parts");
    out.with_file_name(name)
}

/// The name of a call's own folder of pieces.
fn key(header: &BiasHeader) -> Result<String> {
    let key = Sha256::new()
        .part(serde_json::to_vec(header)?)
        .part(crate::provenance::sources())
        .hex();
    Ok(key[..16].to_owned())
}

impl<'a> Pieces<'a> {
    /// Those of an earlier call with the same method, banks and program are kept, any others removed.
    pub(super) fn open(out: &'a Path, header: &'a BiasHeader, named: bool) -> Result<Self> {
        let root = folder_of(out);
        let folder = root.join(key(header)?);
        if !folder.exists() && root.exists() {
            fs::remove_dir_all(&root).with_context(|| root.display().to_string())?;
        }
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self {
            out,
            header,
            named,
            root,
            folder,
        })
    }

    /// Whether a call with the same method, banks and program was killed, if only as it removed the last of them.
    pub(super) fn are_left(out: &Path, header: &BiasHeader) -> Result<bool> {
        let root = folder_of(out);
        let is_empty = fs::read_dir(&root).is_ok_and(|mut it| it.next().is_none());
        Ok(is_empty || root.join(key(header)?).exists())
    }

    /// Keeps the piece that begins at item `first`; its biases are computed unless they are there already.
    pub(super) fn keep(
        &self,
        first: usize,
        mut rows: BiasRows,
        compute: impl FnOnce() -> Result<Vec<f32>>,
    ) -> Result<()> {
        let path = self.path(first);
        match read(&path) {
            // Whole, and of these very items.
            Ok(found) if found.ids == rows.ids && found.vectors == rows.vectors => return Ok(()),
            Err(error) if path.exists() => say(&format!("warning: {error}; made again")),
            _ => {}
        }
        rows.biases = compute()?;
        self.write(&path, |out| out.push(&rows))
    }

    fn path(&self, first: usize) -> PathBuf {
        // Padded, so that their order is that of their names.
        self.folder.join(format!("{first:015}.parquet"))
    }

    /// Whether the last items of a file are the `items` items of the pieces, vector by vector.
    pub(super) fn are_the_end_of(&self, old: &Path, items: usize) -> Result<bool> {
        let old = BiasFile::open(old)?;
        let Some(skipped) = old.len().checked_sub(items) else {
            return Ok(false);
        };
        let (mut at, mut piece, mut same) = (0, Vec::new().into_iter(), true);
        let mut next = 0;
        for rows in old.blocks()? {
            for vector in rows?.vectors {
                at += 1;
                if at <= skipped || !same {
                    continue;
                }
                if piece.len() == 0 {
                    let vectors = read(&self.path(next))?.vectors;
                    next += vectors.len();
                    piece = vectors.into_iter();
                }
                same = piece.next() == Some(vector);
            }
        }
        Ok(same)
    }

    /// Puts all pieces of `items` items into one file, behind the rows of `old`, and removes them. Where it `replaces` nothing, the
    /// file that is there has to be this one: whether it is.
    pub(super) fn join(&self, old: Option<BiasFile>, items: usize, replaces: bool) -> Result<bool> {
        let mut next = 0;
        // Here first, so that a kill leaves nothing beside the file.
        let joined = self.folder.join("joined.parquet");
        self.write(&joined, |out| {
            if let Some(old) = old {
                for rows in old.blocks().map_err(|error| error.problem)? {
                    out.push(&rows.map_err(|error| error.problem)?)?;
                }
            }
            while next < items {
                let rows = read(&self.path(next)).map_err(|error| error.problem)?;
                next += rows.biases.len();
                out.push(&rows)?;
            }
            Ok(())
        })?;
        if !replaces && sha256_file(&joined)? != sha256_file(self.out)? {
            return Ok(false);
        }
        let folder = match self.out.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Without the pieces a crash must not take the file.
        fs::rename(&joined, self.out)
            .and_then(|()| sync_folder(folder))
            .with_context(|| format!("{}: cannot be written", self.out.display()))?;
        self.remove();
        Ok(true)
    }

    /// Removes all pieces. What cannot be removed is only in the way.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.root) {
            let root = self.root.display();
            say(&format!(
                "warning: {root}: cannot be removed: {error}; nothing needs it any more"
            ));
        }
    }

    fn write(
        &self,
        path: &Path,
        fill: impl FnOnce(&mut BiasWriter<&mut (dyn io::Write + Send)>) -> Result<(), BiasProblem>,
    ) -> Result<()> {
        let written = write_atomically(path, |out| {
            let fill = || {
                let mut writer = BiasWriter::new(out, self.header, self.named)?;
                fill(&mut writer)?;
                writer.finish()
            };
            fill().map_err(into_io)
        });
        written.with_context(|| format!("{}: cannot be written", path.display()))
    }
}

fn into_io(problem: BiasProblem) -> io::Error {
    match problem {
        BiasProblem::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The rows of one piece.
fn read(path: &Path) -> Result<BiasRows, BiasFileError> {
    let file = BiasFile::open(path)?;
    let mut all = BiasRows::empty(file.is_named());
    for rows in file.blocks()? {
        let added = all.append(&rows?);
        added.map_err(|problem| BiasFileError::new(path, problem))?;
    }
    Ok(all)
}
