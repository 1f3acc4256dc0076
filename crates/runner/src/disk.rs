//! What has to be on the disk before something says that it is there.

use std::fs::File;
use std::io;
use std::path::Path;

/// Waits until the names in a folder are on the disk as they are now. A file that was written whole may be there under its old name after
/// a crash of the machine, or not at all, until this has been called. Nothing where folders cannot be flushed.
///
/// # Errors
/// The folder cannot be opened or flushed.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        // Not every file system can, and those that cannot need not.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}
