//! Checkpoints that do not load, and inputs that a loaded one refuses.

mod common;

use common::{checkpoint, files, folder, load};
use nnn_encode::{CheckpointFiles, Compute, EncodeError, LoadError, TensorFault};
use nnn_testkit::checkpoints::{self, edit, faults, refusal, rewrite};
use safetensors::tensor::Dtype;
use std::fs;
use tempfile::TempDir;

const NAME: &str = "large-224-f32";

fn copy() -> TempDir {
    checkpoints::copy(&folder(NAME), &[])
}

fn error(folder: &TempDir) -> LoadError {
    refusal(load(folder.path()))
}

#[test]
fn all_tensors_that_do_not_fit_are_named_together() {
    let folder = copy();
    rewrite(&folder, |tensors| {
        tensors.remove("language_head.weight");
        tensors.remove("beit3.encoder.layers.1.self_attn.inner_attn_ln.B.bias");
        // What retrieval does not read may be absent.
        tensors.remove("logit_scale");
        tensors.remove("beit3.vision_embed.mask_token");
        tensors.insert("mlm_head.bias".into(), (Dtype::F32, vec![1], vec![0; 4]));
        let norm = "beit3.encoder.layers.0.ffn.A.ffn_layernorm.weight".to_string();
        tensors.insert(norm, (Dtype::F32, vec![3], vec![0; 12]));
        // As many positions as no square grid has.
        let positions = "beit3.encoder.embed_positions.A.weight".to_string();
        tensors.insert(positions, (Dtype::F32, vec![18, 32], vec![0; 18 * 32 * 4]));
    });
    let error = error(&folder);
    let message = error.to_string();
    let faults = faults(error);
    assert_eq!(faults.len(), 5, "{message}");
    assert!(faults.contains(&TensorFault::Missing {
        name: "language_head.weight".into(),
        expected: vec![32, 32]
    }));
    assert!(faults.contains(&TensorFault::Unexpected {
        name: "mlm_head.bias".into()
    }));
    assert!(faults.contains(&TensorFault::Wrong {
        name: "beit3.encoder.embed_positions.A.weight".into(),
        expected: vec![19, 32],
        received: "F32 [18, 32]".into()
    }));
    for part in [
        "layers.1.self_attn.inner_attn_ln.B.bias [32]",
        "layers.0.ffn.A.ffn_layernorm.weight: expected [128]",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn what_the_file_lacks_comes_from_the_card_or_is_asked_for() {
    let json = |file: &str| {
        let text = fs::read_to_string(folder(NAME).join(file)).expect(file);
        serde_json::from_str(&text).expect(file)
    };
    let weights = files(&folder(NAME))
        .path("model.safetensors")
        .expect("weights")
        .to_path_buf();
    let spm = files(&folder(NAME))
        .path("beit3.spm")
        .expect("a tokenizer")
        .to_path_buf();
    let mut files = CheckpointFiles::default().with_file("model.safetensors", weights);
    let mut missing = |file: &str, next: &dyn Fn(CheckpointFiles) -> CheckpointFiles| {
        let error = encoder_beit3::load(&files, &Compute::default()).err();
        let error = error.expect(file).to_string();
        assert!(error.contains(file), "{file}: {error}");
        files = next(std::mem::take(&mut files));
    };
    for file in ["config.json", "preprocessor_config.json"] {
        missing(file, &|files| files.with_json(file, json(file)));
    }
    missing("beit3.spm", &|files| {
        files.with_file("beit3.spm", spm.clone())
    });
    let encoder = encoder_beit3::load(&files, &Compute::default()).expect("a checkpoint");
    assert_eq!(encoder.info(), checkpoint(NAME).info());
    assert_eq!(
        (encoder.info().family.as_str(), encoder.info().dim),
        ("beit3", 32)
    );
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    let folder = copy();
    edit(&folder, "config.json", "\"img_size\":32", "\"img_size\":40");
    assert!(matches!(
        error(&folder),
        LoadError::ImageSize {
            expected: 40,
            received: Some((32, 32)),
            ..
        }
    ));
    let folder = copy();
    edit(&folder, "config.json", "\"beit3\"", "\"clip\"");
    let message = error(&folder).to_string();
    assert!(
        message.contains("config.json") && message.contains("received clip"),
        "{message}"
    );
    fs::remove_file(folder.path().join("model.safetensors")).expect("removed");
    edit(&folder, "config.json", "\"clip\"", "\"beit3\"");
    assert!(matches!(error(&folder), LoadError::NoWeights { .. }));
}

#[test]
fn another_image_size_changes_the_identity_and_the_embedding() {
    let folder = copy();
    edit(&folder, "config.json", "\"img_size\":32", "\"img_size\":48");
    let preprocessor = "preprocessor_config.json";
    edit(
        &folder,
        preprocessor,
        "\"height\":32,\"width\":32",
        "\"height\":48,\"width\":48",
    );
    let (larger, original) = (load(folder.path()).expect("interpolated"), checkpoint(NAME));
    assert_ne!(larger.info().architecture, original.info().architecture);
    let image = nnn_encode::RgbImage::from_fn(40, 30, |x, y| [x as u8 * 6, y as u8 * 8, 90].into());
    let encode = |encoder: &dyn nnn_encode::Encoder| {
        encoder
            .encode_images(std::slice::from_ref(&image))
            .expect("an image")
    };
    assert_ne!(encode(&*larger), encode(&*original));
}

#[test]
fn inputs_that_do_not_belong_to_the_model_are_refused() {
    let encoder = checkpoint(NAME);
    let ids = |ids: &[u32]| encoder.encode_tokens(&[ids.to_vec()]).expect_err("bad ids");
    assert!(matches!(
        ids(&[0, 64_000, 2]),
        EncodeError::TokenId { id: 64_000, .. }
    ));
    assert!(matches!(
        ids(&[]),
        EncodeError::TokenCount { received: 0, .. }
    ));
    assert!(matches!(
        ids(&[2; 65]),
        EncodeError::TokenCount {
            expected: 64,
            received: 65
        }
    ));
    let error = encoder.encode_pixels(&[vec![0.0; 5]]).expect_err("too few");
    assert!(matches!(
        error,
        EncodeError::PixelCount {
            expected: 3072,
            received: 5
        }
    ));
}
