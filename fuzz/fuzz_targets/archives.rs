//! Archives of images, opened and read to the end; the first byte picks the kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_data::{Archive, ArchiveLimits};

const NAMES: [&str; 4] = ["it.zip", "it.tar", "it.tar.gz", "it.parquet"];

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, content)) = bytes.split_first() else {
        return;
    };
    let name = NAMES[usize::from(*kind) % NAMES.len()];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("written");
    let Ok(archive) = Archive::open(&path, name, ArchiveLimits::default()) else {
        return;
    };
    for entry in archive.names() {
        if let Ok(Some(at)) = archive.find(entry) {
            let _ = archive.read(at);
        }
    }
});
