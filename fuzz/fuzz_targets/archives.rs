//! Archives of images, opened and read to the end; the first byte picks the kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_data::{Archive, ArchiveLimits};

const NAMES: [&str; 4] = ["it.zip", "it.tar", "it.tar.gz", "it.parquet"];

fuzz_target!(|bytes: &[u8]| {
    let Some((name, content)) = nnn_fuzz::pick(bytes, &NAMES) else {
        return;
    };
    let path = nnn_fuzz::file(name, content);
    let Ok(archive) = Archive::open(&path, name, ArchiveLimits::default()) else {
        return;
    };
    for entry in archive.names() {
        if let Ok(Some(at)) = archive.find(entry) {
            let _ = archive.read(at);
        }
    }
});
