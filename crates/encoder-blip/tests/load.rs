//! Checkpoints that do not load, and inputs that a loaded one refuses.

use nnn_encode::{
    CheckpointFiles, Compute, EncodeError, Encoder, LoadError, PixelSpecError, TensorFault,
};
use nnn_testkit::checkpoints::{self, edit, faults, golden_folder, refusal, rewrite};
use safetensors::tensor::Dtype;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn golden(name: &str) -> PathBuf {
    golden_folder("encoder-blip", name)
}

fn load(folder: &Path) -> Result<Box<dyn Encoder>, LoadError> {
    encoder_blip::load(&CheckpointFiles::folder(folder)?, &Compute::default())
}

fn copy(name: &str) -> TempDir {
    checkpoints::copy(&golden(name), &[])
}

fn error(folder: &TempDir) -> LoadError {
    refusal(load(folder.path()))
}

#[test]
fn all_tensors_that_do_not_fit_are_named_together() {
    let folder = copy("base-f32");
    rewrite(&folder, |tensors| {
        tensors.remove("itm_head.weight");
        tensors.remove("text_encoder.encoder.layer.1.crossattention.self.key.bias");
        tensors.insert(
            "text_decoder.bias".into(),
            (Dtype::F32, vec![1], vec![0; 4]),
        );
        let norm = "vision_model.post_layernorm.weight".to_string();
        tensors.insert(norm, (Dtype::F32, vec![3], vec![0; 12]));
        // Buffers of old checkpoints are no fault.
        let ids = "text_encoder.embeddings.position_ids".to_string();
        tensors.insert(ids, (Dtype::I64, vec![1], vec![0; 8]));
    });
    let error = error(&folder);
    let message = error.to_string();
    let faults = faults(error);
    assert_eq!(faults.len(), 4, "{message}");
    assert!(faults.contains(&TensorFault::Missing {
        name: "itm_head.weight".into(),
        expected: vec![2, 12]
    }));
    assert!(faults.contains(&TensorFault::Unexpected {
        name: "text_decoder.bias".into()
    }));
    assert!(faults.contains(&TensorFault::Wrong {
        name: "vision_model.post_layernorm.weight".into(),
        expected: vec![10],
        received: "F32 [3]".into()
    }));
    assert!(
        message.contains("crossattention.self.key.bias [12]"),
        "{message}"
    );
}

/// Guards against taking such a checkpoint for one in the layout of transformers, of whose names it has none.
#[test]
fn the_authors_positions_must_be_those_of_a_square_grid() {
    let folder = copy("base-f32");
    rewrite(&folder, |tensors| {
        let positions = "visual_encoder.pos_embed".to_string();
        let value = (Dtype::F32, vec![1, 8, 10], vec![0; 320]);
        tensors.insert(positions, value);
    });
    let message = error(&folder).to_string();
    assert!(
        message.contains("visual_encoder.pos_embed: expected [1, 17, 10]"),
        "{message}"
    );
    assert!(message.contains("received F32 [1, 8, 10]"), "{message}");
}

#[test]
fn a_damaged_or_missing_file_is_named() {
    for file in ["config.json", "preprocessor_config.json"] {
        let folder = copy("base-f32");
        fs::remove_file(folder.path().join(file)).expect("removed");
        let message = error(&folder).to_string();
        assert!(message.contains(file), "{message}");
    }
    let folder = copy("base-f32");
    fs::remove_file(folder.path().join("tokenizer.json")).expect("removed");
    let message = error(&folder).to_string();
    assert!(
        message.contains("tokenizer.json, or vocab.txt"),
        "{message}"
    );
    fs::write(folder.path().join("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n").expect("written");
    let message = error(&folder).to_string();
    assert!(message.contains("lacks [SEP]"), "{message}");
    let folder = copy("base-f32");
    fs::remove_file(folder.path().join("model.safetensors")).expect("removed");
    assert!(matches!(error(&folder), LoadError::NoWeights { .. }));
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    let folder = copy("base-f32");
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
            received: Some((32, 32)),
            ..
        }
    ));
    let folder = copy("base-f32");
    edit(&folder, "config.json", "\"blip\"", "\"blip-2\"");
    let message = error(&folder).to_string();
    assert!(
        message.contains("expected blip, received blip-2"),
        "{message}"
    );
    let folder = copy("base-f32");
    let file = "preprocessor_config.json";
    edit(
        &folder,
        file,
        "BlipImageProcessor",
        "BridgeTowerImageProcessor",
    );
    assert!(matches!(
        error(&folder),
        LoadError::Preprocessor {
            source: PixelSpecError::UnknownProcessor { .. },
            ..
        }
    ));
}

/// Guards against token ids and pixels that the matching head did not check.
#[test]
fn inputs_that_do_not_belong_to_the_model_are_refused() {
    let encoder = load(copy("base-f32").path()).expect("a checkpoint");
    let head = encoder.reranker().expect("a matching head");
    let pixels = vec![0.0; 3 * 32 * 32];
    let states = head.image_states(&[pixels]).expect("states");
    let error = head
        .matches(&states[0], &[vec![2, 3], vec![2]])
        .expect_err("two lengths");
    assert!(matches!(
        error,
        EncodeError::TokenCount {
            expected: 2,
            received: 1
        }
    ));
    for ids in [vec![], vec![2; 41]] {
        let error = head
            .matches(&states[0], &[ids])
            .expect_err("a wrong length");
        assert!(matches!(error, EncodeError::TokenCount { .. }), "{error}");
    }
    let error = head.matches(&states[0], &[vec![2, 9999]]);
    assert!(matches!(error, Err(EncodeError::TokenId { id: 9999, .. })));
    let error = head.image_states(&[vec![0.0; 5]]).err().expect("too few");
    assert!(matches!(error, EncodeError::PixelCount { received: 5, .. }));
    assert!(head.image_states(&[]).expect("nothing").is_empty());
    assert!(head.matches(&states[0], &[]).expect("nothing").is_empty());
    let error = encoder.encode_tokens(&[vec![2; 36]]).expect_err("too long");
    assert!(matches!(
        error,
        EncodeError::TokenCount { expected: 35, .. }
    ));
}

#[test]
fn the_identity_covers_weights_configuration_and_tokenizer() {
    let info = |folder: &Path| load(folder).expect("a checkpoint").info().clone();
    let folder = copy("base-f32");
    let original = info(folder.path());
    assert_eq!((original.family.as_str(), original.dim), ("blip", 8));
    rewrite(&folder, |tensors| {
        if let Some((_, _, data)) = tensors.get_mut("text_proj.weight") {
            data[0] ^= 1;
        }
    });
    assert_ne!(info(folder.path()).weights_sha256, original.weights_sha256);
    edit(
        &folder,
        "preprocessor_config.json",
        "\"resample\": 3",
        "\"resample\": 2",
    );
    assert_ne!(info(folder.path()).preprocessing, original.preprocessing);
    let file = golden("authors-f32").join("vocab.txt");
    fs::remove_file(folder.path().join("tokenizer.json")).expect("removed");
    fs::copy(file, folder.path().join("vocab.txt")).expect("copied");
    assert_ne!(
        info(folder.path()).tokenizer_sha256,
        original.tokenizer_sha256
    );
}
