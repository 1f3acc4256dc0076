//! Files of `torch.save`: opened, and every tensor read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_encode::PickleFile;
use std::io::Cursor;

fuzz_target!(|bytes: Vec<u8>| {
    let Ok(file) = PickleFile::read(Cursor::new(bytes), None) else {
        return;
    };
    for (name, _, shape) in file.tensors() {
        if let Ok(tensor) = file.tensor(name) {
            assert_eq!(tensor.dims(), shape);
        }
    }
});
