//! Files that exist whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// How the names of temporary files begin.
const TEMPORARY: &str = ".part-";

/// Whether a file is a temporary one of [`write_atomically`]: left by a process that was killed, unless one is writing.
#[must_use]
pub fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(TEMPORARY)
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

/// The same without waiting for the disk, for many files whose sizes are compared before they are used: after a crash
/// of the machine (not of the process) a file may be empty.
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
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut temporary = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(folder)?;
    {
        let mut buffered = BufWriter::new(temporary.as_file_mut());
        fill(&mut buffered)?;
        buffered.flush()?;
    }
    sync(temporary.as_file())?;
    make_readable(temporary.as_file())?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
