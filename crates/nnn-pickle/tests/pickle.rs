//! Files that PyTorch wrote, value by value; and files that no PyTorch writes, each refused for what is wrong with it.

use nnn_pickle::{Kind, PickleError, PickleFile};
use safetensors::SafeTensors;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn open(name: &str) -> PickleFile {
    PickleFile::open(&golden("pickles").join(name), None).expect(name)
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

#[test]
fn tensors_equal_pytorchs_in_every_layout() {
    let expected = fs::read(golden("pickles/expected.safetensors")).expect("a golden file");
    let expected = SafeTensors::deserialize(&expected).expect("tensors");
    for name in [
        "plain.pth",
        "ordered.pth",
        "model.pth",
        "state_dict.pth",
        "only.pth",
        "protocol-4.pth",
        "stream.pth",
    ] {
        let file = open(name);
        let found: Vec<_> = file.tensors().collect();
        assert_eq!(found.len(), expected.len(), "{name}");
        for (tensor, kind, shape) in found {
            let view = expected.tensor(tensor).expect(tensor);
            assert_eq!(kind, format!("{:?}", view.dtype()), "{name}: {tensor}");
            assert_eq!(shape, view.shape(), "{name}: {tensor}");
            let (_, sides, bytes) = file.tensor(tensor).expect(tensor);
            assert_eq!(sides, shape);
            assert_eq!(bytes, view.data(), "{name}: {tensor}");
        }
    }
}

#[test]
fn a_dictionary_is_taken_by_its_key() {
    let file = golden("pickles/state_dict.pth");
    let open = |key| PickleFile::open(&file, Some(key));
    let ema = open("ema").expect("a dictionary");
    let names: Vec<&str> = ema.tensors().map(|(name, _, _)| name).collect();
    assert_eq!(names, ["f32"]);
    let (kind, shape, bytes) = ema.tensor("f32").expect("values");
    assert_eq!((kind, shape), (Kind::F32, &[3, 5][..]));
    assert_eq!(bytes, 1f32.to_le_bytes().repeat(15));
    let message = open("epoch").err().expect("no dictionary").to_string();
    assert_eq!(
        message,
        "there is no dictionary of tensors under `epoch`; keys that hold one: [state_dict, ema]"
    );
}

/// An archive as PyTorch writes it, around any pickle.
fn archive(pickle: &[u8], entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("data.pkl", pickle)].iter().chain(entries) {
        let name = format!("archive/{name}");
        writer.start_file(name, options).expect("an entry");
        writer.write_all(bytes).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

fn read(bytes: Vec<u8>) -> Result<PickleFile, PickleError> {
    PickleFile::read(Cursor::new(bytes), None)
}

fn refused(pickle: &[u8], entries: &[(&str, &[u8])]) -> PickleError {
    read(archive(pickle, entries)).err().expect("refused")
}

/// A dictionary of one tensor `w`: a view of storage `0` of `items` floats.
fn tensor(items: i32, offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let int = |number: i32| [&b"J"[..], &number.to_le_bytes()].concat();
    let tuple = |items: &[i32]| {
        let items: Vec<u8> = items.iter().flat_map(|&it| int(it)).collect();
        [b"(", items.as_slice(), b"t"].concat()
    };
    [
        b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(".to_vec(),
        b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu".to_vec(),
        int(items),
        b"tQ".to_vec(),
        int(offset),
        tuple(shape),
        tuple(strides),
        b"\x89}tRs.".to_vec(),
    ]
    .concat()
}

#[test]
fn a_tensor_stays_within_its_storage() {
    let data = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]
        .map(f32::to_le_bytes)
        .concat();
    let entries = [("data/0", data.as_slice())];
    let good = read(archive(&tensor(6, 1, &[2, 2], &[1, 3]), &entries)).expect("a tensor");
    let (_, shape, values) = good.tensor("w").expect("values");
    assert_eq!(shape, [2, 2]);
    assert_eq!(values, [2f32, 5.0, 3.0, 6.0].map(f32::to_le_bytes).concat());
    for (pickle, reason) in [
        (
            tensor(6, 3, &[2, 2], &[1, 3]),
            "reaches beyond the 6 values",
        ),
        (tensor(6, -1, &[2], &[1]), "negative number -1"),
        (tensor(6, 0, &[-2], &[1]), "negative number -2"),
        (tensor(6, 0, &[2], &[-1]), "negative number -1"),
        (tensor(6, 0, &[2, 2], &[1]), "not as many strides as sides"),
        (
            tensor(6, 0, &[i32::MAX; 8], &[0; 8]),
            "repeats the 6 values",
        ),
        (
            tensor(6, 0, &[i32::MAX; 8], &[i32::MAX; 8]),
            "reaches beyond",
        ),
        (tensor(6, 0, &[7, 1], &[0, 1]), "repeats the 6 values"),
        (tensor(6, 7, &[0], &[1]), "reaches beyond"),
        (tensor(6, 0, &[1; 17], &[1; 17]), "at most 16 numbers"),
        (
            tensor(7, 0, &[2], &[1]),
            "should hold 7 values of F32 and has 24 bytes",
        ),
        (tensor(-6, 0, &[2], &[1]), "a whole storage"),
    ] {
        let message = refused(&pickle, &entries).to_string();
        assert!(message.contains(reason), "{message}");
    }
    let message = refused(&tensor(6, 0, &[2], &[1]), &[]).to_string();
    assert_eq!(message, "tensor `w`: the file lacks its storage `0`");
}

#[test]
fn nothing_is_run_and_no_unknown_name_passes() {
    for (pickle, name, place) in [
        (
            &b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."[..],
            "os.system",
            2,
        ),
        (b"\x80\x02cbuiltins\neval\n)R.", "builtins.eval", 2),
        (
            b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
            "posix.system",
            17,
        ),
        (b"\x80\x02ctorch.hub\nload\n.", "torch.hub.load", 2),
        (b"\x80\x02ctorch\nload\n.", "torch.load", 2),
        (
            b"\x80\x02}ctorch._utils\n_rebuild\x07\n.",
            "torch._utils._rebuild\\u{7}",
            3,
        ),
    ] {
        let error = refused(pickle, &[]);
        let PickleError::Global { name: received, at } = &error else {
            panic!("{error}");
        };
        assert_eq!((received.as_str(), *at), (name, place));
    }
    // A whole module is code, not tensors; so is anything of a class of one's own.
    let module = PickleFile::open(&golden("pickles/module.pth"), None);
    let message = module.err().expect("refused").to_string();
    assert!(
        message.contains("`torch.nn.modules.linear.Linear`"),
        "{message}"
    );
}

#[test]
fn opcodes_that_pytorch_does_not_write_are_refused() {
    // INST, OBJ, PERSID, EXT1, INT, STRING, DUP, DICT, NEXT_BUFFER and a byte that is no opcode.
    for opcode in [b'i', b'o', b'P', 0x82, b'I', b'S', b'2', b'd', 0x97, 0xff] {
        let error = refused(&[0x80, 2, b'}', opcode, b'.'], &[]);
        assert!(
            matches!(error, PickleError::Opcode { opcode: received, at: 3 } if received == opcode),
            "{error}"
        );
    }
}

#[test]
fn stacks_memos_and_operands_are_checked() {
    for (pickle, expected) in [
        (&b"\x80\x02."[..], "a value to end with"),
        (b"\x80\x06N.", "protocol 2, 3, 4 or 5"),
        (b"\x80\x02h\x07.", "a value that was remembered"),
        (b"\x80\x02q\x07.", "a value on the stack"),
        (b"\x80\x02N(\x85.", "an item of a tuple"),
        (b"\x80\x02t.", "a mark"),
        (b"\x80\x02NNs.", "a value on the stack"),
        (b"\x80\x02)NNs.", "a dictionary below"),
        (b"\x80\x02}(NNNu.", "a value for every key"),
        (b"\x80\x02)Na.", "a list below"),
        (b"\x80\x02NNR.", "a tuple of arguments"),
        (b"\x80\x02))R.", "a known function"),
        (
            b"\x80\x02ccollections\nOrderedDict\nN\x85R.",
            "a known function",
        ),
        (b"\x80\x02)Nb.", "attributes"),
        (b"\x80\x02NQ.", "a whole storage"),
        (b"\x80\x02NN\x93.", "a module and a name"),
        (b"\x80\x02c\xff\nx\n.", "UTF-8"),
    ] {
        let error = refused(pickle, &[]);
        assert!(matches!(error, PickleError::Malformed { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn values_that_hold_themselves_end() {
    // d = {}; d["a"] = d; l = [l]; then their dictionary of tensors is looked for.
    let message = refused(b"\x80\x02}q\0X\x01\0\0\0ah\0s.", &[]).to_string();
    assert!(message.contains("keys that hold one: []"), "{message}");
    assert!(
        refused(b"\x80\x02]q\0h\0a.", &[])
            .to_string()
            .contains("no dictionary")
    );
    // A tuple in a tuple, two million deep.
    let deep = [&b"\x80\x02)"[..], &[0x85; 2 << 20], b"."].concat();
    assert!(refused(&deep, &[]).to_string().contains("no dictionary"));
    // The same dictionary twenty thousand times in another: looked at once.
    let twice = b"X\x01\0\0\0ah\0s".repeat(20_000);
    let inner = [
        &b"\x80\x02}q\0("[..],
        &b"X\x01\0\0\0bN".repeat(20_000),
        b"u}",
    ]
    .concat();
    let wide = [inner.as_slice(), &twice, b"."].concat();
    assert!(refused(&wide, &[]).to_string().contains("no dictionary"));
}

#[test]
fn lengths_that_a_file_only_claims_take_no_memory() {
    for pickle in [
        &b"\x80\x02X\xff\xff\xff\xffab."[..],
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x80\x03B\xff\xff\xff\x7f.",
        b"\x80\x02\x8b\xff\xff\xff\x7f.",
        b"\x80\x02\x8a",
        b"\x80\x02cos",
        b"\x80\x02}",
        b"\x80",
        b"",
    ] {
        let error = refused(pickle, &[]);
        assert!(
            matches!(error, PickleError::Truncated { at } if at == pickle.len()),
            "{error}"
        );
    }
    // Values beyond any checkpoint's.
    let many = [&b"\x80\x02"[..], &[b')'; (4 << 20) + 1], b"."].concat();
    assert!(matches!(refused(&many, &[]), PickleError::Limit { .. }));
    let long = vec![b'N'; (16 << 20) + 1];
    assert!(matches!(refused(&long, &[]), PickleError::Limit { .. }));
}

#[test]
fn every_prefix_of_a_file_is_an_error_or_the_file() {
    for name in ["plain.pth", "stream.pth"] {
        let whole = fs::read(golden("pickles").join(name)).expect(name);
        // Each takes a thousand times longer under Miri.
        for end in (0..whole.len()).step_by(if cfg!(miri) { 199 } else { 1 }) {
            let file = read(whole[..end].to_vec());
            assert!(file.is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn archives_that_pytorch_does_not_write_are_refused() {
    let bytes = archive(b"\x80\x02}.", &[("byteorder", b"big")]);
    let message = read(bytes).err().expect("refused").to_string();
    assert!(message.contains("byte order"), "{message}");
    let none = archive(b"", &[]);
    let at = none.windows(8).position(|it| it == b"data.pkl");
    let mut none = none;
    none[at.expect("a name")] = b'x';
    assert!(read(none).is_err());
    let two = archive(b"\x80\x02}.", &[("more/data.pkl", b"")]);
    let message = read(two).err().expect("refused").to_string();
    assert!(message.contains("one data.pkl"), "{message}");
    assert!(read(b"not a file of PyTorch".to_vec()).is_err());
    // The archive of the archive's own directory: its second entry points at the bytes of the first.
    let mut doubled = archive(
        &tensor(6, 0, &[6], &[1]),
        &[("data/0", &[0; 24]), ("data/1", &[0; 24])],
    );
    let headers: Vec<usize> = doubled
        .windows(4)
        .enumerate()
        .filter(|(_, it)| *it == b"PK\x01\x02")
        .map(|(at, _)| at)
        .collect();
    doubled.copy_within(headers[1] + 42..headers[1] + 46, headers[2] + 42);
    let message = read(doubled).err().expect("refused").to_string();
    assert!(message.contains("overlap"), "{message}");
}

#[test]
fn compressed_entries_are_refused_before_they_are_unpacked() {
    let mut bytes = archive(&tensor(6, 0, &[6], &[1]), &[("data/0", &[0; 24])]);
    let headers: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, it)| *it == b"PK\x01\x02")
        .map(|(at, _)| at)
        .collect();
    // Method 8, deflated, in the directory's entry of the storage.
    bytes[headers[1] + 10] = 8;
    let message = read(bytes).err().expect("refused").to_string();
    assert!(message.contains("compressed"), "{message}");
}
