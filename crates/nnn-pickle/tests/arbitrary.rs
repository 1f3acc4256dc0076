//! Whatever the bytes, a file of tensors or data gives a value or an error: no panic, no endless loop, no memory that the file
//! does not have. `PROPTEST_CASES` sets how many are tried; the target in `fuzz/` goes on without end.

use nnn_pickle::{Document, Node, PickleFile};
use nnn_testkit::damage::{change, changes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Reads all that the file says it has.
fn read(bytes: Vec<u8>) {
    if let Ok(document) = Document::read(&bytes) {
        let mut all = vec![document.root()];
        // A value may lie in itself.
        for step in 0..1000 {
            let Some(&at) = all.get(step) else { break };
            assert!(!document.describe(at).is_empty());
            match document.node(at) {
                Ok(Node::List(items)) => all.extend(items),
                Ok(Node::Map(entries)) => all.extend(entries.iter().flat_map(|it| [it.0, it.1])),
                Ok(Node::Array(array)) => assert!(array.bytes.len() <= bytes.len() * 2 + 64),
                _ => (),
            }
        }
    }
    let Ok(file) = PickleFile::read(Cursor::new(bytes), None) else {
        return;
    };
    for (name, _, shape) in file.tensors() {
        if let Ok((kind, sides, bytes)) = file.tensor(name) {
            assert_eq!(sides, shape);
            assert_eq!(bytes.len(), sides.iter().product::<usize>() * kind.size());
        }
    }
}

fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("a/data.pkl", pickle), ("a/data/0", &[7; 24])] {
        writer.start_file(name, options).expect("an entry");
        writer.write_all(bytes).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

/// Pieces of pickles that the machine knows, and bytes of any kind.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: &[&[u8]] = &[
        b"(",
        b"0",
        b"1",
        b"N",
        b"\x88",
        b")",
        b"\x85",
        b"\x86",
        b"\x87",
        b"t",
        b"]",
        b"a",
        b"e",
        b"}",
        b"s",
        b"u",
        b"\x8f",
        b"\x90",
        b"\x91",
        b"\x94",
        b"h\0",
        b"h\x01",
        b"q\0",
        b"q\x01",
        b"Q",
        b"R",
        b"\x81",
        b"\x92",
        b"b",
        b"\x93",
        b"K\x02",
        b"K\x00",
        b"J\xff\xff\xff\xff",
        b"\x8a\x01\x06",
        b"X\x01\0\0\0w",
        b"\x8c\x010",
        b"\x8c\x07storage",
        b"\x8c\x03cpu",
        b"ccollections\nOrderedDict\n",
        b"ctorch\nFloatStorage\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_parameter\n",
        b"ctorch\nSize\n",
        b"cnumpy.core.multiarray\n_reconstruct\n",
        b"cnumpy._core.numeric\n_frombuffer\n",
        b"cnumpy.core.multiarray\nscalar\n",
        b"cnumpy\ndtype\n",
        b"ctorch.storage\n_load_from_bytes\n",
        b"c_codecs\nencode\n",
        b"\x8c\x02f4",
        b"C\x08abcdefgh",
        b"(K\x01K\x02\x85",
        b"G\x3f\xf0\0\0\0\0\0\0",
        b"(\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x06tQ",
        b"(K\x02K\x03t",
        b"(K\x03K\x01t",
    ];
    let known: Vec<Vec<u8>> = known.iter().map(|it| it.to_vec()).collect();
    prop_oneof![
        9 => proptest::sample::select(known),
        1 => vec(any::<u8>(), 1..6),
    ]
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(golden(folder)).expect(folder);
    let mut files: Vec<PathBuf> = entries.map(|it| it.expect("a file").path()).collect();
    files.sort();
    files
}

proptest! {
    #[test]
    fn any_bytes_are_no_file_of_tensors(bytes in vec(any::<u8>(), 0..400)) {
        read(bytes);
    }

    #[test]
    fn any_pieces_in_an_archive_end(pieces in vec(piece(), 0..60)) {
        let pickle = [b"\x80\x02", pieces.concat().as_slice(), b"."].concat();
        read(archive(&pickle));
        read(pickle);
    }

    #[test]
    fn a_changed_file_of_pytorch_ends(which in any::<Index>(), changed in changes()) {
        let files = files("pickles");
        let mut bytes = fs::read(which.get(&files)).expect("a file");
        change(&mut bytes, changed);
        read(bytes);
    }
}
