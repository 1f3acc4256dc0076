//! Files of biases, manifests of exports, exported items and answers of engines; the first byte picks which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_export::{BiasFile, Manifest, read_answers, read_items};

const FILES: [&str; 7] = [
    "bias.parquet",
    "manifest.json",
    "items.parquet",
    "items.npy",
    "items.fvecs",
    "items.jsonl",
    "answers.jsonl",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((name, content)) = nnn_fuzz::pick(bytes, &FILES) else {
        return;
    };
    let file = nnn_fuzz::file(name, content);
    match name {
        "bias.parquet" => {
            if let Ok(file) = BiasFile::open(&file)
                && let Ok(blocks) = file.blocks()
            {
                for block in blocks.map_while(Result::ok) {
                    assert_eq!(block.ids.len(), block.biases.len());
                }
            }
        }
        "manifest.json" => {
            let _ = Manifest::read(nnn_fuzz::folder());
        }
        "answers.jsonl" => {
            let _ = read_answers(&file, 2, true);
            let _ = read_answers(&file, 2, false);
        }
        _ => items(name),
    }
});

fn items(name: &str) {
    use nnn_export::{Format, Shape};
    let format = match name {
        "items.parquet" => Format::Parquet,
        "items.npy" => Format::Npy,
        "items.fvecs" => Format::Fvecs,
        _ => Format::Jsonl,
    };
    for named in [false, true] {
        let shape = Shape {
            rows: 3,
            dim: 2,
            named,
        };
        let _ = read_items(format, nnn_fuzz::folder(), shape, &mut |ids, vectors| {
            assert_eq!(ids.len() * 2, vectors.len());
            Ok(())
        });
    }
}
