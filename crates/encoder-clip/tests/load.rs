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
        "layers.1.mlp.fc1.bias [18]",
        "2 tensors are missing",
        "received I32 [12]",
        "1 tensor is not of this model (head.weight)",
        "model.safetensors",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains('\n'), "{message}");
}

/// Guards against a line per tensor: a checkpoint has hundreds.
#[test]
fn of_many_tensors_three_are_named() {
    let folder = copy("quick-gelu-f32");
    rewrite(&folder, |tensors| {
        tensors.retain(|name, _| !name.contains(".mlp."));
    });
    let message = error(&folder).to_string();
    assert!(message.contains("16 tensors are missing ("), "{message}");
    assert_eq!(message.matches(".mlp.").count(), 3, "{message}");
    assert!(message.ends_with(", ...)"), "{message}");
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
            received: Some((32, 32)),
            ..
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
    names(&folder, &["neither model.safetensors"]);
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

/// A copy whose weights have other names.
fn renamed(name: &str, rename: impl Fn(&str) -> String) -> TempDir {
    let folder = copy(name);
    rewrite(&folder, |tensors| {
        let old = std::mem::take(tensors);
        tensors.extend(old.into_iter().map(|(name, it)| (rename(&name), it)));
    });
    folder
}

fn texts(folder: &Path) -> Vec<f32> {
    let encoder = load(folder).expect("a checkpoint");
    encoder.encode_texts(&["a red circle"]).expect("a text")
}

fn note(folder: &TempDir) -> Option<String> {
    let files = CheckpointFiles::folder(folder.path()).expect("a folder");
    encoder_clip::check(&files).expect("a checkpoint")
}

#[test]
fn what_training_adds_to_names_is_taken_off_and_said() {
    let expected = texts(&golden("quick-gelu-f32"));
    assert_eq!(note(&copy("quick-gelu-f32")), None);
    for prefix in ["module.", "_orig_mod.", "model.", "state_dict.net.module."] {
        let folder = renamed("quick-gelu-f32", |name| format!("{prefix}{name}"));
        assert_eq!(texts(folder.path()), expected);
        let note = note(&folder).expect("a note");
        assert!(note.contains(&format!("`{prefix}")), "{note}");
    }
    let folder = renamed("quick-gelu-f32", |name| format!("model.{name}"));
    rewrite(&folder, |tensors| {
        tensors.insert("loss.weight".into(), (Dtype::F32, vec![1], vec![0; 4]));
    });
    assert_eq!(texts(folder.path()), expected);
    let note = note(&folder).expect("a note");
    assert!(note.contains("loss.weight"), "{note}");
}

#[test]
fn a_prefix_that_does_not_explain_everything_stays() {
    let folder = renamed("quick-gelu-f32", |name| {
        let part = name.starts_with("text_model.encoder.layers.0");
        if part {
            format!("other.{name}")
        } else {
            format!("module.{name}")
        }
    });
    assert!(matches!(error(&folder), LoadError::Tensors { .. }));
    let folder = renamed("quick-gelu-f32", |name| format!("student.{name}"));
    rewrite(&folder, |tensors| {
        let copies: Vec<_> = tensors
            .iter()
            .map(|(name, it)| (name.replacen("student.", "teacher.", 1), it.clone()))
            .collect();
        tensors.extend(copies);
    });
    let message = error(&folder).to_string();
    for part in ["2 copies of the model", "student.", "teacher."] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn the_image_processor_of_transformers_5_is_read() {
    let expected = load(&golden("quick-gelu-f32")).expect("a checkpoint");
    let folder = copy("quick-gelu-f32");
    let old = folder.path().join("preprocessor_config.json");
    let own = fs::read_to_string(&old).expect("a configuration");
    let nested = format!(r#"{{"processor_class": "CLIPProcessor", "image_processor": {own}}}"#);
    let new = folder.path().join("processor_config.json");
    fs::write(&new, nested).expect("written");
    fs::remove_file(&old).expect("removed");
    let loaded = load(folder.path()).expect("a checkpoint");
    assert_eq!(loaded.info(), expected.info());
    // That of transformers 4 says nothing of images.
    fs::write(&new, r#"{"processor_class": "CLIPProcessor"}"#).expect("written");
    let message = error(&folder).to_string();
    assert!(
        message.contains("preprocessor_config.json is missing"),
        "{message}"
    );
}

#[test]
fn pickles_may_be_several_with_or_without_an_index() {
    let expected = texts(&golden("pickle-2021"));
    let folder = copy("pickle-2021");
    let part = |number: usize| format!("pytorch_model-0000{number}-of-00002.bin");
    let whole = folder.path().join("pytorch_model.bin");
    for number in [1, 2] {
        fs::copy(&whole, folder.path().join(part(number))).expect("copied");
    }
    fs::remove_file(&whole).expect("removed");
    assert_eq!(texts(folder.path()), expected);
    for name in [
        "pytorch_model.bin.index.json",
        "pytorch_model.bin.index.fp16.json",
    ] {
        let index = folder.path().join(name);
        let map = format!(
            r#"{{"weight_map": {{"a": "{}", "b": "{}"}}}}"#,
            part(1),
            part(2)
        );
        fs::write(&index, map).expect("written");
        assert_eq!(texts(folder.path()), expected);
        fs::remove_file(index).expect("removed");
    }
    fs::remove_file(folder.path().join(part(2))).expect("removed");
    fs::rename(
        folder.path().join(part(1)),
        folder.path().join("pytorch_model-00001-of-00003.bin"),
    )
    .expect("renamed");
    assert_eq!(texts(folder.path()), expected);
}

#[test]
fn weights_are_found_under_the_names_that_people_have() {
    let expected = texts(&golden("open-clip-quick-gelu-f32"));
    let folder = copy("open-clip-quick-gelu-f32");
    let mut old = folder.path().join("open_clip_model.safetensors");
    // The last two by content: one is a safetensors file in spite of its name.
    for name in [
        "open_clip_pytorch_model.safetensors",
        "model.fp16.safetensors",
        "epoch_32.pt",
        "open_clip_pytorch_model.bin",
    ] {
        let new = folder.path().join(name);
        fs::rename(&old, &new).expect("renamed");
        assert_eq!(texts(folder.path()), expected, "{name}");
        old = new;
    }
    // What a trainer leaves beside is no second candidate.
    for name in ["optimizer.pt", "training_args.bin", "rng_state.pth"] {
        fs::write(folder.path().join(name), "x").expect("written");
    }
    fs::rename(&old, folder.path().join("mine.pt")).expect("renamed");
    assert_eq!(texts(folder.path()), expected);
}

#[test]
fn what_lies_in_the_place_of_weights_is_named() {
    let weights = "model.safetensors";
    let said = |content: Option<&str>, name: &str, parts: &[&str]| {
        let folder = copy("quick-gelu-f32");
        fs::remove_file(folder.path().join(weights)).expect("removed");
        if let Some(content) = content {
            fs::write(folder.path().join(name), content).expect("written");
        }
        let message = error(&folder).to_string();
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!message.contains('\n'), "{message}");
    };
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n";
    said(
        Some(pointer),
        weights,
        &[weights, "Git LFS pointer", "git lfs pull"],
    );
    said(
        Some("../../blobs/0123"),
        weights,
        &[weights, "`../../blobs/0123`", "link"],
    );
    for (name, part) in [
        ("adapter_model.safetensors", "LoRA adapter"),
        ("clip.gguf", "GGUF"),
        ("flax_model.msgpack", "Flax"),
        ("model.onnx", "ONNX"),
        ("tf_model.h5", "TensorFlow"),
    ] {
        said(Some("x"), name, &[name, part]);
    }
    said(None, "", &["neither model.safetensors"]);
}

#[test]
fn pointers_in_the_place_of_other_files_are_named() {
    for name in ["config.json", "preprocessor_config.json", "tokenizer.json"] {
        let folder = copy("quick-gelu-f32");
        fs::write(
            folder.path().join(name),
            "version https://git-lfs.github.com/spec/v1\n",
        )
        .expect("written");
        let message = error(&folder).to_string();
        assert!(
            message.contains(name) && message.contains("Git LFS"),
            "{message}"
        );
    }
}

#[cfg(unix)]
#[test]
fn links_to_nothing_are_named() {
    for name in ["model.safetensors", "config.json", "tokenizer.json"] {
        let folder = copy("quick-gelu-f32");
        let path = folder.path().join(name);
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("../../blobs/gone", &path).expect("a link");
        let message = error(&folder).to_string();
        assert!(
            message.contains(name) && message.contains("link"),
            "{message}"
        );
    }
}

#[test]
fn quantised_weights_are_named_in_one_line() {
    for (kind, name, size) in [(Dtype::F8_E4M3, "F8_E4M3", 1), (Dtype::I8, "I8", 1)] {
        let folder = copy("quick-gelu-f32");
        rewrite(&folder, |tensors| {
            for (held, shape, data) in tensors.values_mut().filter(|it| it.1.len() == 2) {
                let count: usize = shape.iter().product();
                (*held, *data) = (kind, vec![0; count * size]);
            }
        });
        let message = error(&folder).to_string();
        assert!(
            message.contains(&format!("tensors are {name}")),
            "{message}"
        );
        assert!(message.len() < 400 && !message.contains('\n'), "{message}");
    }
}

#[test]
fn a_checkpoint_of_one_tower_is_named_as_that() {
    for (kept, lost) in [("vis", "no text tower"), ("text", "no vision tower")] {
        let folder = copy("quick-gelu-f32");
        rewrite(&folder, |tensors| {
            tensors.retain(|name, _| name.starts_with(kept))
        });
        let message = error(&folder).to_string();
        assert!(message.contains(lost), "{message}");
    }
    let folder = copy("quick-gelu-f32");
    edit(&folder, "config.json", "\"clip\"", "\"clip_vision_model\"");
    let message = error(&folder).to_string();
    assert!(message.contains("vision tower alone"), "{message}");
}

#[test]
fn a_tokenizer_that_adds_no_end_is_refused() {
    let folder = copy("quick-gelu-f32");
    let path = folder.path().join("tokenizer.json");
    let text = fs::read_to_string(&path).expect("a tokenizer");
    let mut tokenizer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    // Of its own filling up nothing is left.
    tokenizer["padding"] = serde_json::json!({
        "strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "!"
    });
    fs::write(&path, tokenizer.to_string()).expect("written");
    assert_eq!(texts(folder.path()), texts(&golden("quick-gelu-f32")));
    tokenizer["post_processor"] = serde_json::Value::Null;
    fs::write(&path, tokenizer.to_string()).expect("written");
    let message = error(&folder).to_string();
    assert!(message.contains("post-processor"), "{message}");
}

#[test]
fn sizes_are_said_as_people_write_them() {
    let folder = copy("quick-gelu-f32");
    edit(
        &folder,
        "config.json",
        "\"image_size\": 32",
        "\"image_size\": 40",
    );
    let message = error(&folder).to_string();
    for part in ["40 x 40", "32 x 32", "preprocessor_config.json"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("Some"), "{message}");
}
