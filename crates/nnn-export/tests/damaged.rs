//! Files of biases that fuzzing found, at which the parquet library panics.

use nnn_export::BiasFile;
use std::fs;
use std::path::Path;

/// Each is an error, when it is opened or as its rows are read, and nothing comes behind it.
#[test]
fn files_that_the_library_panics_at_are_errors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/damaged");
    let files: Vec<_> = fs::read_dir(folder).expect("files").collect();
    assert_eq!(files.len(), 7);
    for file in files {
        let path = file.expect("a file").path();
        let Err(error) = BiasFile::open(&path).and_then(|file| {
            let mut blocks = file.blocks()?;
            let wrong = blocks.find_map(Result::err);
            assert!(blocks.next().is_none(), "{}", path.display());
            wrong.map_or(Ok(()), Err)
        }) else {
            panic!("{} is read", path.display());
        };
        let name = path.file_name().expect("a name").to_string_lossy();
        assert!(error.to_string().contains(&*name), "{error}");
    }
}
