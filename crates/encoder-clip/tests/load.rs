//! Checkpoints that do not load, and inputs that a loaded one refuses.

use nnn_encode::{
    CheckpointFiles, Compute, EncodeError, Encoder, LoadError, RgbImage, TensorFault,
};
use nnn_testkit::checkpoints::{self, edit, faults, golden_folder, refusal, rewrite};
use safetensors::tensor::Dtype;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn golden(name: &str) -> PathBuf {
    golden_folder("encoder-clip", name)
}

fn load(folder: &Path) -> Result<Box<dyn Encoder>, LoadError> {
    encoder_clip::load(&CheckpointFiles::folder(folder)?, &Compute::default())
}

fn copy(name: &str) -> TempDir {
    checkpoints::copy(&golden(name), &[])
}

fn error(folder: &TempDir) -> LoadError {
    refusal(load(folder.path()))
}

#[test]
fn all_tensors_that_do_not_fit_are_named_together() {
    let folder = copy("quick-gelu-f32");
    rewrite(&folder, |tensors| {
        tensors.remove("text_projection.weight");
        tensors.remove("vision_model.encoder.layers.1.mlp.fc1.bias");
        tensors.insert("head.weight".into(), (Dtype::F32, vec![1], vec![0; 4]));
        let norm = "vision_model.pre_layrnorm.weight".to_string();
        tensors.insert(norm, (Dtype::F32, vec![3], vec![0; 12]));
        let bias = "text_model.final_layer_norm.bias".to_string();
        tensors.insert(bias, (Dtype::I32, vec![12], vec![0; 48]));
        // Buffers of old checkpoints are no fault.
        let ids = "text_model.embeddings.position_ids".to_string();
        tensors.insert(ids, (Dtype::I64, vec![1], vec![0; 8]));
    });
    let error = error(&folder);
    let message = error.to_string();
    let faults = faults(error);
    assert_eq!(faults.len(), 5, "{message}");
    assert!(faults.contains(&TensorFault::Missing {
        name: "text_projection.weight".into(),
        expected: vec![12, 12]
    }));
    assert!(faults.contains(&TensorFault::Unexpected {
        name: "head.weight".into()
    }));
    assert!(faults.contains(&TensorFault::Wrong {
        name: "vision_model.pre_layrnorm.weight".into(),
        expected: vec![10],
        received: "F32 [3]".into()
    }));
    for part in [
        "layers.1.mlp.fc1.bias [18] is missing",
        "received I32 [12]",
        "model.safetensors",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_damaged_or_missing_file_is_named() {
    for file in ["config.json", "preprocessor_config.json"] {
        let folder = copy("gelu-f16");
        fs::remove_file(folder.path().join(file)).expect("removed");
        let message = error(&folder).to_string();
        assert!(message.contains(file), "{message}");
    }
    let folder = copy("gelu-f16");
    fs::remove_file(folder.path().join("tokenizer.json")).expect("removed");
    assert!(matches!(error(&folder), LoadError::Tokenizer(_)));
    let folder = copy("gelu-f16");
    let weights = folder.path().join("model.safetensors");
    let bytes = fs::read(&weights).expect("weights");
    fs::write(&weights, &bytes[..bytes.len() - 1]).expect("cut");
    let message = error(&folder).to_string();
    assert!(message.contains("model.safetensors"), "{message}");
    fs::remove_file(&weights).expect("removed");
    assert!(matches!(
        error(&folder),
        LoadError::NoWeights { candidates: 0, .. }
    ));
    fs::write(folder.path().join("pytorch_model.bin"), "no archive").expect("written");
    assert!(matches!(error(&folder), LoadError::Weights { .. }));
}

#[test]
fn the_only_file_of_weights_may_have_any_name() {
    let folder = copy("pickle-2021");
    let weights = folder.path().join("pytorch_model.bin");
    for name in ["ViT.pth", "epoch_32.pt", "open_clip_pytorch_model.bin"] {
        let renamed = folder.path().join(name);
        fs::rename(&weights, &renamed).expect("renamed");
        assert!(load(folder.path()).is_ok(), "{name}");
        fs::rename(&renamed, &weights).expect("renamed");
    }
    for name in ["one.pth", "two.pt"] {
        fs::copy(&weights, folder.path().join(name)).expect("copied");
    }
    // A usual name goes before others.
    assert!(load(folder.path()).is_ok());
    fs::remove_file(&weights).expect("removed");
    let error = error(&folder);
    let message = error.to_string();
    assert!(
        matches!(error, LoadError::NoWeights { candidates: 2, .. }),
        "{message}"
    );
    for part in ["one.pth", "two.pt", "2 other files of weights"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn an_index_names_files_of_its_folder_only() {
    let folder = copy("legacy-eos-bf16");
    let index = "model.safetensors.index.json";
    edit(&folder, index, "model-00001-of-", "../model-00001-of-");
    let message = error(&folder).to_string();
    assert!(
        message.contains("is not a file of this checkpoint"),
        "{message}"
    );
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    let folder = copy("quick-gelu-f32");
    edit(
        &folder,
        "config.json",
        "\"image_size\": 32",
        "\"image_size\": 40",
    );
    assert!(matches!(
        error(&folder),
        LoadError::ImageSize {
            expected: 40,
            received: Some((32, 32))
        }
    ));
    let folder = copy("quick-gelu-f32");
    edit(
        &folder,
        "preprocessor_config.json",
        "\"do_center_crop\": true",
        "\"do_center_crop\": false",
    );
    assert!(matches!(
        error(&folder),
        LoadError::ImageSize { received: None, .. }
    ));
    let folder = copy("quick-gelu-f32");
    edit(
        &folder,
        "config.json",
        "\"hidden_act\": \"quick_gelu\"",
        "\"hidden_act\": \"relu\"",
    );
    let message = error(&folder).to_string();
    assert!(
        message.contains("config.json") && message.contains("relu"),
        "{message}"
    );
}

#[test]
fn inputs_that_do_not_belong_to_the_model_are_refused() {
    let encoder = load(&golden("quick-gelu-f32")).expect("a checkpoint");
    let ids = |ids: &[u32]| encoder.encode_tokens(&[ids.to_vec()]).expect_err("bad ids");
    assert!(matches!(
        ids(&[572, 3, 4]),
        EncodeError::NoEndToken { eos: 573, .. }
    ));
    assert!(matches!(
        ids(&[574, 573]),
        EncodeError::TokenId {
            id: 574,
            vocabulary: 574
        }
    ));
    assert!(matches!(
        ids(&[]),
        EncodeError::TokenCount { received: 0, .. }
    ));
    assert!(matches!(
        ids(&[573; 17]),
        EncodeError::TokenCount {
            expected: 16,
            received: 17
        }
    ));
    let error = encoder
        .encode_tokens(&[vec![572, 573], vec![573]])
        .expect_err("two lengths");
    assert!(matches!(
        error,
        EncodeError::TokenCount {
            expected: 2,
            received: 1
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
    let error = encoder
        .prepare_image(&RgbImage::new(0, 4))
        .expect_err("no pixels");
    assert!(matches!(error, EncodeError::PixelCount { received: 0, .. }));
    assert_eq!(encoder.encode_pixels(&[]).expect("nothing"), [0.0; 0]);
    assert_eq!(encoder.encode_texts(&[]).expect("nothing"), [0.0; 0]);
}

#[test]
fn the_identity_covers_weights_configuration_and_tokenizer() {
    let info = |folder: &Path| load(folder).expect("a checkpoint").info().clone();
    let original = info(&golden("quick-gelu-f32"));
    assert_eq!((original.family.as_str(), original.dim), ("clip", 12));
    let folder = copy("quick-gelu-f32");
    assert_eq!(info(folder.path()), original);
    rewrite(&folder, |tensors| {
        if let Some((_, _, data)) = tensors.get_mut("text_projection.weight") {
            data[0] ^= 1;
        }
    });
    assert_ne!(info(folder.path()).weights_sha256, original.weights_sha256);
    edit(
        &folder,
        "config.json",
        "\"eos_token_id\": 573",
        "\"eos_token_id\": 2",
    );
    assert_ne!(info(folder.path()).architecture, original.architecture);
    edit(
        &folder,
        "preprocessor_config.json",
        "\"resample\": 3",
        "\"resample\": 2",
    );
    assert_ne!(info(folder.path()).preprocessing, original.preprocessing);
    edit(
        &folder,
        "tokenizer.json",
        "\"truncation\": null",
        "\"truncation\":  null",
    );
    assert_ne!(
        info(folder.path()).tokenizer_sha256,
        original.tokenizer_sha256
    );
}

#[test]
fn a_layout_is_chosen_by_its_configuration_and_weights() {
    let names = |folder: &TempDir, parts: &[&str]| {
        let message = error(folder).to_string();
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    };
    let folder = copy("open-clip-quick-gelu-f32");
    let open_clip = load(folder.path()).expect("open_clip's").info().clone();
    // Beside a configuration of another layout without weights of its own.
    for file in ["config.json", "preprocessor_config.json"] {
        let other = golden("quick-gelu-f32").join(file);
        fs::copy(other, folder.path().join(file)).expect("copied");
    }
    assert_eq!(load(folder.path()).expect("open_clip's").info(), &open_clip);
    fs::remove_file(folder.path().join("open_clip_model.safetensors")).expect("removed");
    names(&folder, &["neither model.safetensors"]);
    fs::remove_file(folder.path().join("config.json")).expect("removed");
    names(
        &folder,
        &["open_clip_model.safetensors (or open_clip_pytorch_model.bin) is missing"],
    );
    fs::remove_file(folder.path().join("open_clip_config.json")).expect("removed");
    names(&folder, &["config.json is missing"]);
}

#[test]
fn what_open_clip_files_say_beyond_what_is_computed_is_refused() {
    for (from, to, part) in [
        (
            "\"quick_gelu\": true",
            "\"multimodal_cfg\": {}",
            "model_cfg: multimodal_cfg",
        ),
        (
            "\"head_width\": 5",
            "\"timm_model_name\": \"x\"",
            "vision_cfg: timm_model_name",
        ),
        (
            "\"heads\": 3",
            "\"hf_model_name\": \"x\"",
            "text_cfg: hf_model_name",
        ),
        (
            "\"bicubic\"",
            "\"random\"",
            "expected bicubic or bilinear, received random",
        ),
        (
            "\"shortest\"",
            "\"longest\"",
            "expected shortest or squash, received longest",
        ),
        ("\"mean\"", "\"size\"", "mean is missing"),
        ("\"resize_mode\"", "\"resize\"", "unknown field `resize`"),
        (
            "\"width\": 10",
            "\"width\": 15",
            "visual.class_embedding: expected [15]",
        ),
    ] {
        let folder = copy("open-clip-quick-gelu-f32");
        edit(&folder, "open_clip_config.json", from, to);
        let message = error(&folder).to_string();
        assert!(message.contains(part), "{to}: {message}");
    }
}
