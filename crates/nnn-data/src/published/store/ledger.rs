//! Checksums of the images that were taken out of an archive or fetched, in a file beside them: sizes alone would not tell an image in which a bit
//! has flipped, or which a crash of the machine has left full of zeros.

use crate::FileError;
use nnn_files::sha256_file;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// The file, a line an image as `sha256sum` writes them. Of several lines of one image the last counts. Hidden, so that no image can be
/// called like it.
const LEDGER: &str = ".SHA256SUMS";

/// Digits of a checksum.
const SUM: usize = 64;

/// The ledgers of all folders that were looked at, and the files that were read for them.
#[derive(Debug, Default)]
pub(super) struct Ledgers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By folder and by name in it.
    noted: HashMap<PathBuf, HashMap<String, String>>,
    /// Checksums that were read ahead.
    found: HashMap<PathBuf, String>,
    /// Checksums of sound files that were read or written here.
    read: HashMap<PathBuf, String>,
    damaged: Vec<(PathBuf, String)>,
}

impl Ledgers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads files on several threads, those that cannot be read being left to whoever asks for them.
    pub(super) fn read(&self, paths: &[PathBuf]) {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let size = paths.len().div_ceil(cores).max(1);
        let read = |some: &[PathBuf]| {
            for path in some {
                let sum = sha256_file(path);
                self.state().found.extend(sum.map(|it| (path.clone(), it)));
            }
        };
        thread::scope(|scope| {
            for some in paths.chunks(size) {
                let spawned = thread::Builder::new().spawn_scoped(scope, move || read(some));
                // Where the system gives no more threads, this one reads them.
                if spawned.is_err() {
                    read(some);
                }
            }
        });
    }

    /// Whether an image is as it was when it was extracted. One that is not is kept in mind; one of which nothing is noted may be what a
    /// crash has left.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn is_sound(&self, root: &Path, image: &str) -> Result<bool, FileError> {
        if self.noted(root, image)?.is_none() {
            return Ok(self.knows(&root.join(image)));
        }
        let changed = self.changed(root, image)?;
        let sound = changed.is_none();
        let damaged = changed.map(|reason| (root.join(image), reason));
        self.state().damaged.extend(damaged);
        Ok(sound)
    }

    /// What is wrong with an image of which a checksum is noted and which has another one.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn changed(&self, root: &Path, image: &str) -> Result<Option<String>, FileError> {
        let path = root.join(image);
        if self.knows(&path) {
            return Ok(None);
        }
        let found = self.state().found.remove(&path);
        let found = match found {
            Some(found) => found,
            None => sha256_file(&path).map_err(|error| FileError::new(&path, error))?,
        };
        match self.noted(root, image)? {
            Some(noted) if noted != found => Ok(Some(format!(
                "checksum {noted} expected, content has {found}"
            ))),
            _ => {
                self.state().read.insert(path, found);
                Ok(None)
            }
        }
    }

    /// The checksum that is noted of an image.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) fn noted(&self, root: &Path, image: &str) -> Result<Option<String>, FileError> {
        let mut state = self.state();
        if !state.noted.contains_key(root) {
            state.noted.insert(root.to_owned(), read(root)?);
        }
        Ok(state.noted.get(root).and_then(|it| it.get(image)).cloned())
    }

    /// Notes the checksum of an image that is whole.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(super) fn note(&self, root: &Path, image: &str, sum: String) -> Result<(), FileError> {
        let path = root.join(LEDGER);
        self.noted(root, image)?;
        // One write, so that lines of several processes do not mix.
        let line = format!("{sum}  {image}\n");
        let mut options = File::options();
        let written = options
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        written.map_err(|error| FileError::new(&path, error))?;
        let mut state = self.state();
        if let Some(noted) = state.noted.get_mut(root) {
            noted.insert(image.to_owned(), sum.clone());
        }
        state.read.insert(root.join(image), sum);
        Ok(())
    }

    /// Whether a file has been read or written here.
    pub(super) fn knows(&self, path: &Path) -> bool {
        self.state().read.contains_key(path)
    }

    /// The checksum of a sound file that was read or written here.
    pub(super) fn sum(&self, path: &Path) -> Option<String> {
        self.state().read.get(path).cloned()
    }

    /// The damaged files that were found since this was asked last, each with what was wrong.
    pub(super) fn take_damaged(&self) -> Vec<(PathBuf, String)> {
        std::mem::take(&mut self.state().damaged)
    }
}

/// Ends a line that a killed process or a crash has cut: the next is a line then, and what is left of this one is none. Its name may be
/// that of another image, but no name has a zero in it.
const VOID: &[u8] = b"\0\n";

/// The lines of a ledger; what is no line of it is passed over.
fn read(root: &Path) -> Result<HashMap<String, String>, FileError> {
    let path = root.join(LEDGER);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HashMap::new()),
        bytes => bytes.map_err(|error| FileError::new(&path, error))?,
    };
    if bytes.last().is_some_and(|it| *it != b'\n') {
        let appended = File::options().append(true).open(&path);
        let ended = appended.and_then(|mut file| file.write_all(VOID));
        ended.map_err(|error| FileError::new(&path, error))?;
    }
    let text = String::from_utf8_lossy(&bytes);
    let whole = text
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'));
    let lines = whole.filter(|line| !line.contains('\0'));
    let lines = lines.filter_map(|line| line.split_once("  "));
    let sound = |sum: &str| sum.len() == SUM && sum.bytes().all(|it| it.is_ascii_hexdigit());
    let lines = lines.filter(|(sum, _)| sound(sum));
    Ok(lines
        .map(|(sum, image)| (image.to_owned(), sum.to_owned()))
        .collect())
}
