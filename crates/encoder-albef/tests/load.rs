//! Checkpoints that do not load.

use nnn_encode::{CheckpointFiles, Compute, Encoder, LoadError, TensorFault};
use nnn_testkit::checkpoints::{copy, faults, golden_folder, json, refusal, rewrite};
use safetensors::tensor::Dtype;
use serde_json::Value;
use std::path::PathBuf;

fn golden(file: &str) -> PathBuf {
    golden_folder("encoder-albef", "finetuned").join(file)
}

/// What the card says in place of a file.
fn card(part: &str) -> Value {
    json(&golden("card.json"))[part].clone()
}

/// The published files alone.
fn published() -> CheckpointFiles {
    CheckpointFiles::default().with_file("model.safetensors", golden("model.safetensors"))
}

fn with_card(files: CheckpointFiles) -> CheckpointFiles {
    ["config.json", "preprocessor_config.json"]
        .into_iter()
        .fold(files, |files, part| files.with_json(part, card(part)))
}

fn whole() -> CheckpointFiles {
    with_card(published()).with_file("vocab.txt", golden("vocab.txt"))
}

fn load(files: &CheckpointFiles) -> Result<Box<dyn Encoder>, LoadError> {
    encoder_albef::load(files, &Compute::default())
}

fn message(files: &CheckpointFiles) -> String {
    refusal(load(files)).to_string()
}

#[test]
fn what_the_checkpoint_lacks_must_come_from_the_card() {
    let encoder = load(&whole()).expect("a checkpoint");
    let info = encoder.info();
    assert_eq!((info.family.as_str(), info.dim), ("albef", 8));
    let none = message(&published());
    assert!(none.contains("config.json is missing"), "{none}");
    let one = published().with_json("config.json", card("config.json"));
    let one = message(&one);
    assert!(one.contains("preprocessor_config.json is missing"), "{one}");
    let no_tokenizer = message(&with_card(published()));
    let expected = "no tokenizer: expected tokenizer.json, or vocab.txt";
    assert!(no_tokenizer.contains(expected), "{no_tokenizer}");
}

#[test]
fn a_wrong_card_is_named_as_such() {
    let mut config = card("config.json");
    config["bert_config"]["fusion_layer"] = 3.into();
    let error = message(&whole().with_json("config.json", config));
    assert!(error.contains("config.json (on the card)"), "{error}");
    assert!(error.contains("fusion_layer 3"), "{error}");
    let mut config = card("config.json");
    config["image_res"] = 64.into();
    let error = message(&whole().with_json("config.json", config));
    assert!(error.contains("images of 64 x 64"), "{error}");
    let mut pixels = card("preprocessor_config.json");
    pixels["resample"] = Value::Null;
    let error = message(&whole().with_json("preprocessor_config.json", pixels));
    assert!(error.contains("resample is missing"), "{error}");
}

#[test]
fn all_tensors_that_do_not_fit_are_named_together() {
    // The first layers have no cross-attention.
    let surplus = "text_encoder.encoder.layer.0.crossattention.self.key.bias";
    let folder = copy(&golden_folder("encoder-albef", "finetuned"), &[]);
    rewrite(&folder, |tensors| {
        tensors.remove("itm_head.bias");
        tensors.remove("text_encoder.encoder.layer.1.crossattention.self.query.weight");
        let zeros = |count: usize| (Dtype::F32, vec![count], vec![0; 4 * count]);
        tensors.insert("vision_proj.bias".into(), zeros(3));
        tensors.insert("visual_encoder.head.bias".into(), zeros(1));
        tensors.insert(surplus.into(), zeros(10));
    });
    let weights = folder.path().join("model.safetensors");
    let faults = faults(refusal(load(
        &whole().with_file("model.safetensors", weights),
    )));
    assert_eq!(faults.len(), 5, "{faults:?}");
    let unexpected = |name: &str| TensorFault::Unexpected { name: name.into() };
    assert!(faults.contains(&unexpected(surplus)));
    assert!(faults.contains(&unexpected("visual_encoder.head.bias")));
    assert!(faults.contains(&TensorFault::Missing {
        name: "itm_head.bias".into(),
        expected: vec![2]
    }));
    assert!(faults.contains(&TensorFault::Wrong {
        name: "vision_proj.bias".into(),
        expected: vec![8],
        received: "F32 [3]".into()
    }));
}
