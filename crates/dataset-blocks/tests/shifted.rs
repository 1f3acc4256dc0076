//! The style `shifted`: the everyday world, seen through another camera.

use std::collections::HashSet;

use dataset_blocks::{BlocksSpec, Sample, content_checksum, generate};

/// The first samples of a split, before the camera and behind it.
fn pairs(split: &str, count: u64) -> Vec<(Sample, Sample)> {
    let (plain, shifted) = (BlocksSpec::blocks(0), BlocksSpec::blocks_shifted(0));
    let sample = |spec: &BlocksSpec, index| spec.sample(split, index).unwrap();
    (0..count)
        .map(|index| (sample(&plain, index), sample(&shifted, index)))
        .collect()
}

#[test]
fn splits_are_those_of_the_everyday_world() {
    let (plain, shifted) = (BlocksSpec::blocks(0), BlocksSpec::blocks_shifted(0));
    assert_eq!(shifted.splits, plain.splits);
    assert_eq!(shifted.image_size, plain.image_size);
}

#[test]
fn scenes_and_captions_are_those_of_the_everyday_world() {
    for split in ["train", "validation", "test"] {
        for (plain, shifted) in pairs(split, 100) {
            assert_eq!(shifted.scene, plain.scene);
            assert_eq!(shifted.captions, plain.captions);
        }
    }
}

/// The formula of the camera, in another arithmetic.
#[test]
fn every_pixel_lies_halfway_to_middle_grey() {
    for (plain, shifted) in pairs("test", 50) {
        let half = |value: &u8| (128.0 + (f64::from(*value) - 128.0) / 2.0).floor();
        let expected: Vec<f64> = plain.image.as_raw().iter().map(half).collect();
        let found: Vec<f64> = shifted.image.iter().map(|&it| f64::from(it)).collect();
        assert_eq!(found, expected);
    }
}

/// No two pictures become one, and the contrast that is left is half of what there was: rounding down moves a value by 0 or by a half,
/// two values whose deviation is at most a quarter, and the deviation of a sum differs from one part's by at most the other's.
#[test]
fn the_shift_is_moderate() {
    let pairs = pairs("validation", 500);
    let pictures = pairs.iter().map(|(_, shifted)| shifted.image.as_raw());
    assert_eq!(pictures.collect::<HashSet<_>>().len(), pairs.len());
    for (plain, shifted) in &pairs {
        let (before, behind) = (deviation(&plain.image), deviation(&shifted.image));
        assert!((behind - before / 2.0).abs() <= 0.2501, "{before} {behind}");
    }
}

/// Standard deviation of all channels of all pixels, in 8-bit steps.
fn deviation(image: &[u8]) -> f64 {
    let count = image.len() as f64;
    let mean = image.iter().map(|&it| f64::from(it)).sum::<f64>() / count;
    let squares = image.iter().map(|&it| (f64::from(it) - mean).powi(2));
    (squares.sum::<f64>() / count).sqrt()
}

/// A small data set of the style, pinned: the same pixels and captions on every machine.
#[test]
fn a_small_data_set_has_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = BlocksSpec::blocks_shifted(3);
    spec.image_size = 32;
    spec.splits.iter_mut().for_each(|split| split.images = 6);
    let checksum = generate(&spec, folder.path(), &|_| {}).unwrap();
    assert_eq!(content_checksum(folder.path()).unwrap(), checksum);
    assert_eq!(
        checksum,
        "5ad0a2450a03d26d48dbfc4f0f07f07964718ca309920e9fe4d0d772bed8651b"
    );
}
