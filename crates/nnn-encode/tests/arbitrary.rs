//! Whatever the bytes, readers of foreign files give a value or an error: no panic, no endless loop, no memory that the
//! file does not have. `PROPTEST_CASES` sets how many are tried; the targets in `fuzz/` go on without end.

mod common;

use common::golden;
use nnn_encode::{CheckpointFiles, ImageLimits, TextTokenizer, TokenSettings, load_image};
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

/// The library unwraps what it reads of decoders and normalizers.
#[test]
fn a_tokenizer_at_which_the_library_panics_is_an_error() {
    let model = r#""model":{"type":"BPE","vocab":{},"merges":[]}"#;
    let charsmap = |text: &str| {
        format!(
            r#"{{"normalizer":{{"type":"Precompiled","precompiled_charsmap":"{text}"}},{model}}}"#
        )
    };
    let texts = [
        r#"{"decoder":{"#.to_owned(),
        charsmap("."),
        charsmap("AAAA"),
    ];
    for text in texts {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), &text).expect("written");
        let files = CheckpointFiles::default().with_file("tokenizer.json", file.path().to_owned());
        let refused = [
            TextTokenizer::clip(&files, TokenSettings::cut_to(16)).err(),
            TextTokenizer::bert(&files, TokenSettings::cut_to(16)).err(),
            TextTokenizer::siglip(&files, 16).err(),
        ];
        for error in refused {
            let said = error.expect(&text).to_string();
            assert!(said.contains("does not hold a tokenizer"), "{said}");
        }
    }
}

/// What fuzzing found before, where it is at hand.
#[test]
#[allow(clippy::print_stderr)]
fn tokenizers_that_fuzzing_found_end() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fuzz/tokenizer-json-panic");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("skipped: no {}", folder.display());
        return;
    };
    for file in entries.map(|it| it.expect("a file").path()) {
        let files = CheckpointFiles::default().with_file("tokenizer.json", file);
        let clip = TextTokenizer::clip(&files, TokenSettings::cut_to(16));
        let siglip = TextTokenizer::siglip(&files, 16);
        for tokenizer in [clip, siglip].into_iter().flatten() {
            let _ = tokenizer.ids("a man riding a wave");
        }
    }
}
