//! Files that exist whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::NamedTempFile;

/// How the names of temporary files begin.
const TEMPORARY: &str = ".part-";

/// Age at which nobody is writing a temporary file any more.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// The temporary files of this process.
static BEGUN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn begun() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a file is a temporary one of [`write_atomically`]: left by a process that was killed, unless one is writing.
#[must_use]
pub fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(TEMPORARY)
}

/// Removes the temporary files of a folder that are a day old, for folders in which several processes write: nobody is writing these
/// any more. A failure is no matter, as they are only in the way.
pub fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|about| about.modified());
        let age = modified.ok().and_then(|time| time.elapsed().ok());
        if is_temporary(&entry.path()) && age.is_some_and(|age| age > ABANDONED) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Writes `path` through a temporary file beside it, flushed to disk and then renamed over it.
///
/// A reader, or a run started after a kill, sees the old file or the new one and never a part. Missing parent
/// folders are made. The temporary file is removed when `fill` fails.
///
/// # Errors
/// Whatever creating the folder, `fill`, flushing or renaming reports; `path` is then untouched.
pub fn write_atomically(
    path: &Path,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> io::Result<()> {
    write_whole(path, File::sync_all, fill)
}

/// The same without waiting for the disk, for many files whose checksums are compared before they are used: after a crash
/// of the machine (not of the process) a file may be empty, or hold zeros.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_unsynced(
    path: &Path,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> io::Result<()> {
    write_whole(path, |_| Ok(()), fill)
}

fn write_whole(
    path: &Path,
    sync: impl FnOnce(&File) -> io::Result<()>,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    fill(&mut file)?;
    file.commit_after(sync)
}

/// A file that is written piece by piece, for writers that cannot be a closure of [`write_atomically`]: it takes its name in
/// [`WholeFile::commit`], and what was written goes away where that is never called.
#[derive(Debug)]
pub struct WholeFile {
    temporary: BufWriter<NamedTempFile>,
    path: PathBuf,
    _begun: Begun,
}

/// The place of a temporary file among [`BEGUN`], left when the file is gone or has its name.
#[derive(Debug)]
struct Begun(PathBuf);

impl Begun {
    fn create(folder: &Path) -> io::Result<(NamedTempFile, Self)> {
        // Taken first: no file may be made while those that are listed are removed for good.
        let mut begun = begun();
        let file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(folder)?;
        let path = file.path().to_owned();
        begun.insert(path.clone());
        Ok((file, Self(path)))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        begun().remove(&self.0);
    }
}

/// Removes what this process has begun to write, for a process that is about to end without unwinding. From then on whoever
/// begins or ends a file in it waits, for the rest of its life.
pub fn abandon_temporary_files() {
    let begun = begun();
    for path in begun.iter() {
        // One that has its name by now is whole.
        let _ = fs::remove_file(path);
    }
    mem::forget(begun);
}

impl WholeFile {
    /// Begins a file, in a folder that is made where it is missing.
    ///
    /// # Errors
    /// The folder or the temporary file beside `path` cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let (temporary, begun) = Begun::create(folder)?;
        Ok(Self {
            temporary: BufWriter::new(temporary),
            path: path.to_owned(),
            _begun: begun,
        })
    }

    /// Flushes the file to disk and gives it its name.
    ///
    /// # Errors
    /// Whatever flushing or renaming reports; what had the name before is then untouched.
    pub fn commit(self) -> io::Result<()> {
        self.commit_after(File::sync_all)
    }

    fn commit_after(self, sync: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let temporary = self.temporary.into_inner().map_err(|it| it.into_error())?;
        sync(temporary.as_file())?;
        make_readable(temporary.as_file())?;
        temporary.persist(self.path).map_err(|it| it.error)?;
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// Temporary files are private to their owner; results are meant to be read by others too.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Waits until the names in a folder are on the disk as they are now. A file that was written whole may be there under its old name after
/// a crash of the machine, or not at all, until this has been called. Nothing where folders cannot be flushed.
///
/// # Errors
/// The folder cannot be opened or flushed.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        // Not every file system can, and those that cannot need not.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_litter() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/file.txt");
        write_atomically(&path, |out| out.write_all(b"old")).expect("first write");
        let failed = write_atomically(&path, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("stop"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("old file"), b"old");
        let entries = fs::read_dir(path.parent().expect("parent"))
            .expect("folder")
            .count();
        assert_eq!(entries, 1);
    }
    #[test]
    fn what_is_a_day_old_is_abandoned() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name| folder.path().join(name);
        let before = SystemTime::now() - 2 * ABANDONED;
        for name in [".part-old", "old"] {
            let file = File::create(path(name)).expect("a file");
            file.set_modified(before).expect("an old file");
        }
        File::create(path(".part-new")).expect("a file");
        remove_abandoned(folder.path());
        assert!(!path(".part-old").exists() && path(".part-new").exists() && path("old").exists());
    }
}
