//! Files of `torch.save` and `pickle.dump`: opened, and every tensor and array read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_pickle::{Document, Node, PickleFile};
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(document) = Document::read(bytes) {
        let mut all = vec![document.root()];
        // A value may lie in itself.
        for step in 0..1000 {
            let Some(&at) = all.get(step) else { break };
            match document.node(at) {
                Ok(Node::List(items)) => all.extend(items),
                Ok(Node::Map(entries)) => all.extend(entries.iter().map(|it| it.1)),
                _ => (),
            }
        }
    }
    let Ok(file) = PickleFile::read(Cursor::new(bytes.to_vec()), None) else {
        return;
    };
    for (name, _, shape) in file.tensors() {
        if let Ok((_, sides, _)) = file.tensor(name) {
            assert_eq!(sides, shape);
        }
    }
});
