//! Matrices of similarities as a data source. First byte: direction, and what is given; second: formats; then three files, each after
//! its length in two bytes, and the rest as a fourth.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_data::{ArrayFile, ArrayFiles, Direction, SimilaritySource};

const KINDS: [&str; 6] = ["npy", "npz", "safetensors", "parquet", "csv", "json"];

fn array(name: &str, kind: u8, content: &[u8]) -> ArrayFile {
    let name = format!("{name}.{}", KINDS[usize::from(kind) % KINDS.len()]);
    let _ = nnn_fuzz::file(&name, content);
    ArrayFile {
        file: name.into(),
        key: None,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let [flags, kinds, rest @ ..] = bytes else {
        return;
    };
    let mut rest = rest;
    let similarities = array("similarities", kinds % 6, nnn_fuzz::take_part(&mut rest));
    let bank = array("bank", kinds % 6, nnn_fuzz::take_part(&mut rest));
    let mask = array("mask", kinds / 6, nnn_fuzz::take_part(&mut rest));
    let owners = array("owners", kinds / 6, rest);
    let is_set = |bit: u8| flags >> bit & 1 == 1;
    let source = SimilaritySource {
        similarities: ArrayFiles::Several(vec![similarities; 1 + usize::from(is_set(6))]),
        captions_per_item: is_set(1).then(|| 1 + usize::from(is_set(7))),
        text_to_item: (!is_set(1)).then(|| owners.into()),
        text_mask: is_set(2).then(|| mask.clone()),
        reference_queries: bank.clone().into(),
        reference_mask: is_set(3).then_some(mask),
        reference_gallery: ArrayFiles::Several(vec![bank; usize::from(is_set(4))]),
    };
    let direction = if is_set(0) {
        Direction::T2i
    } else {
        Direction::I2t
    };
    if let Ok(roles) = source.load(nnn_fuzz::folder(), direction) {
        assert!(!roles.queries.is_empty() && !roles.gallery.is_empty());
        assert_eq!(roles.queries.dim(), roles.gallery.len());
    }
});
