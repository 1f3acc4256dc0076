//! The pixels and captions of the first scenes of every split, pinned: the world is the same on every machine, and
//! whoever moves it has to say so here and raise `WORLD` in `write.rs`.

use std::io::{Write, stderr};

use dataset_blocks::{BlocksSpec, generate};
use sha2::{Digest, Sha256};

/// SHA-256 over the pixels and captions of the first 16 samples, the first 8 bytes in hexadecimal.
fn fingerprint(spec: &BlocksSpec, split: &str) -> String {
    let mut hash = Sha256::new();
    for index in 0..16 {
        let sample = spec.sample(split, index).unwrap();
        hash.update(sample.image.as_raw());
        hash.update(sample.captions.join("\n"));
    }
    let digest = hash.finalize();
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn first_scenes_of_every_split() {
    let (blocks, styled) = (BlocksSpec::blocks(0), BlocksSpec::blocks_styled(0));
    let (shifted, roles) = (BlocksSpec::blocks_shifted(0), BlocksSpec::blocks_roles(0));
    let found = [
        ("blocks", "pretrain", fingerprint(&blocks, "pretrain")),
        ("blocks", "train", fingerprint(&blocks, "train")),
        ("blocks", "validation", fingerprint(&blocks, "validation")),
        ("blocks", "test", fingerprint(&blocks, "test")),
        ("blocks-styled", "train", fingerprint(&styled, "train")),
        ("blocks-shifted", "train", fingerprint(&shifted, "train")),
        ("blocks-shifted", "test", fingerprint(&shifted, "test")),
        ("blocks-roles", "train", fingerprint(&roles, "train")),
        ("blocks-roles", "test", fingerprint(&roles, "test")),
    ];
    let expected = [
        ("blocks", "pretrain", "d4c64c054e5bb9d9".to_owned()),
        ("blocks", "train", "c9627ee7ab6837ba".to_owned()),
        ("blocks", "validation", "57f1f7480c40af51".to_owned()),
        ("blocks", "test", "c61c11b59bc5de91".to_owned()),
        ("blocks-styled", "train", "2c8b2d149ab19275".to_owned()),
        ("blocks-shifted", "train", "5c2cc7cc3dd1ff0c".to_owned()),
        ("blocks-shifted", "test", "cd0f211659844d2c".to_owned()),
        ("blocks-roles", "train", "52b5451383683442".to_owned()),
        ("blocks-roles", "test", "a1b01caf54b2813c".to_owned()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn captions_of_the_first_test_scene() {
    let sample = BlocksSpec::blocks(0).sample("test", 0).unwrap();
    assert_eq!(
        sample.captions,
        [
            "on water, a big checkered black ring on the left and a small orange triangle",
            "a black ring on the left over an orange triangle on blue waves",
            "this is a big checkered black ring and a triangle",
            "on water there is a big checkered black hoop and a small orange triangle in the center",
            "a checked thing and a tiny orange triangle in the middle on blue waves",
        ]
    );
}

/// The checksums on the cards `configs/datasets/blocks*.yaml`: seconds, so only when asked for.
#[test]
fn whole_data_sets_have_the_checksums_on_their_cards() {
    if std::env::var_os("NNN_SLOW").is_none() {
        return writeln!(
            stderr(),
            "skipped: set NNN_SLOW=1 to generate 20,400 images"
        )
        .unwrap();
    }
    for (name, spec) in [
        ("blocks", BlocksSpec::blocks(0)),
        ("blocks-styled", BlocksSpec::blocks_styled(0)),
        ("blocks-shifted", BlocksSpec::blocks_shifted(0)),
        ("blocks-roles", BlocksSpec::blocks_roles(0)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let checksum = generate(&spec, folder.path(), &|_| {}).unwrap();
        let card = format!(
            "{}/../../configs/datasets/{name}.yaml",
            env!("CARGO_MANIFEST_DIR")
        );
        let card = std::fs::read_to_string(card).unwrap();
        assert!(
            card.contains(&format!("sha256: {checksum}")),
            "{name}: generated {checksum}"
        );
    }
}
