//! Whatever the bytes, readers of foreign files give a value or an error: no panic, no endless loop, no memory that the
//! file does not have. `PROPTEST_CASES` sets how many are tried; the targets in `fuzz/` go on without end.

mod common;

use common::golden;
use nnn_encode::{ImageLimits, load_image};
use nnn_testkit::damage::{change, changes};
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(golden(folder)).expect(folder);
    let mut files: Vec<PathBuf> = entries.map(|it| it.expect("a file").path()).collect();
    files.sort();
    files
}

fn load(folder: &Path, bytes: &[u8]) {
    let file = folder.join("image");
    fs::write(&file, bytes).expect("written");
    let limits = ImageLimits {
        max_pixels: 1 << 20,
        ..ImageLimits::default()
    };
    if let Ok(image) = load_image(&file, limits) {
        assert!(image.width() > 0 && image.height() > 0);
    }
}

proptest! {
    #[test]
    fn a_changed_image_ends(which in any::<Index>(), changed in changes()) {
        let files = files("images");
        let mut bytes = fs::read(which.get(&files)).expect("a file");
        change(&mut bytes, changed);
        let folder = tempfile::tempdir().expect("a temporary folder");
        load(folder.path(), &bytes);
    }
}
