//! Checkpoints that do not load, and inputs that a loaded one refuses.

mod common;

use common::{checkpoint, folder, load, tokenizer};
use nnn_encode::{EncodeError, LoadError, TensorFault};
use nnn_testkit::checkpoints::{self, edit, faults, refusal, rewrite};
use safetensors::tensor::Dtype;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A copy of a golden checkpoint with its tokenizer, to be spoilt.
fn copy(name: &str) -> TempDir {
    checkpoints::copy(&folder(name), &[tokenizer(name)])
}

fn error(folder: &TempDir) -> LoadError {
    refusal(load(folder.path()))
}

#[test]
fn all_tensors_that_do_not_fit_are_named_together() {
    let folder = copy("siglip-f32");
    rewrite(&folder, |tensors| {
        tensors.remove("vision_model.head.probe");
        tensors.remove("text_model.head.bias");
        tensors.insert("head.weight".into(), (Dtype::F32, vec![1], vec![0; 4]));
        let bias = "vision_model.head.attention.in_proj_bias".to_string();
        tensors.insert(bias, (Dtype::F32, vec![12], vec![0; 48]));
        // Buffers of old checkpoints are no fault.
        let ids = "text_model.embeddings.position_ids".to_string();
        tensors.insert(ids, (Dtype::I64, vec![1], vec![0; 8]));
    });
    let expected = [
        TensorFault::Unexpected {
            name: "head.weight".into(),
        },
        TensorFault::Missing {
            name: "text_model.head.bias".into(),
            expected: vec![12],
        },
        TensorFault::Wrong {
            name: "vision_model.head.attention.in_proj_bias".into(),
            expected: vec![36],
            received: "F32 [12]".into(),
        },
        TensorFault::Missing {
            name: "vision_model.head.probe".into(),
            expected: vec![1, 1, 12],
        },
    ];
    assert_eq!(faults(error(&folder)), expected);
}

#[test]
fn a_missing_file_is_named() {
    for file in ["config.json", "preprocessor_config.json"] {
        let folder = copy("siglip-f32");
        fs::remove_file(folder.path().join(file)).expect("removed");
        let message = error(&folder).to_string();
        assert!(message.contains(file), "{message}");
    }
    let folder = copy("siglip-f32");
    fs::remove_file(folder.path().join("tokenizer.json")).expect("removed");
    assert!(matches!(error(&folder), LoadError::Tokenizer(_)));
    let folder = copy("siglip-f32");
    fs::remove_file(folder.path().join("model.safetensors")).expect("removed");
    assert!(matches!(error(&folder), LoadError::NoWeights { .. }));
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    for (file, from, to, part) in [
        (
            "config.json",
            "\"image_size\": 32",
            "\"image_size\": 40",
            "images of 40 x 40",
        ),
        (
            "config.json",
            "\"model_type\": \"siglip\",",
            "\"model_type\": \"siglip2\",",
            "NaFlex",
        ),
        (
            "preprocessor_config.json",
            "SiglipImageProcessor",
            "Siglip2ImageProcessor",
            "Siglip2ImageProcessor",
        ),
        (
            "preprocessor_config.json",
            "\"resample\": 3",
            "\"resample\": null",
            "resample is missing",
        ),
        (
            "preprocessor_config.json",
            "\"image_mean\"",
            "\"middle\"",
            "image_mean is missing",
        ),
        (
            "preprocessor_config.json",
            "\"do_normalize\"",
            "\"do_pad\"",
            "do_pad is on",
        ),
        (
            "tokenizer.json",
            "[\"</s>\",0.0]",
            "[\"<end>\",0.0]",
            "lacks </s>",
        ),
    ] {
        let folder = copy("siglip-f32");
        edit(&folder, file, from, to);
        let message = error(&folder).to_string();
        assert!(message.contains(part), "{file} with {to}: {message}");
    }
}

#[test]
fn inputs_that_do_not_belong_to_the_model_are_refused() {
    let encoder = checkpoint("siglip-f32");
    let ids = |ids: &[u32]| encoder.encode_tokens(&[ids.to_vec()]).expect_err("bad ids");
    let high = EncodeError::TokenId {
        id: 1500,
        vocabulary: 1500,
    };
    assert_eq!(ids(&[1500, 1]).to_string(), high.to_string());
    assert!(matches!(
        ids(&[]),
        EncodeError::TokenCount { received: 0, .. }
    ));
    assert!(matches!(
        ids(&[1; 25]),
        EncodeError::TokenCount {
            expected: 24,
            received: 25
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

#[test]
fn the_identity_covers_weights_configuration_and_tokenizer() {
    let info = |folder: &Path| load(folder).expect("a checkpoint").info().clone();
    let folder = copy("siglip-f32");
    let original = info(folder.path());
    assert_eq!((original.family.as_str(), original.dim), ("siglip", 12));
    rewrite(&folder, |tensors| {
        if let Some((_, _, data)) = tensors.get_mut("text_model.head.bias") {
            data[0] ^= 1;
        }
    });
    assert_ne!(info(folder.path()).weights_sha256, original.weights_sha256);
    let from = "\"num_attention_heads\": 2";
    edit(&folder, "config.json", from, "\"num_attention_heads\": 1");
    assert_ne!(info(folder.path()).architecture, original.architecture);
    edit(
        &folder,
        "preprocessor_config.json",
        "\"resample\": 3",
        "\"resample\": 2",
    );
    assert_ne!(info(folder.path()).preprocessing, original.preprocessing);
    let from = "\"truncation\":null";
    edit(&folder, "tokenizer.json", from, "\"truncation\": null");
    assert_ne!(
        info(folder.path()).tokenizer_sha256,
        original.tokenizer_sha256
    );
}
