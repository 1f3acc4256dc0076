//! Checkpoints as people have them: without a card, from a hub of which nobody lists the files, and such as do not fit.

use crate::blocks::{FILES, WEIGHTS, drawn};
use crate::lab::{Ended, Lab, workspace};
use nnn_testkit::hub::{COMMIT, Server};
use std::fs;

const REPO: &str = "acme/blocks-clip";

fn shipped(name: &str) -> Vec<u8> {
    let path = workspace().join("data/blocks/blocks-clip").join(name);
    fs::read(path).expect("a shipped file")
}

/// A sweep of one model on the data set `tiny`.
fn sweep(model: &str) -> String {
    format!(
        "experiment: lab
models: ['{model}']
datasets: [tiny]
methods: [raw]
choose: fixed
metrics: [R@1]
statistics: {{resamples: 40, permutations: 19}}
"
    )
}

/// A lab with the shipped checkpoint in the folder `ckpt` beside the cards.
fn lab() -> Lab {
    let lab = drawn(10, 10);
    for name in FILES {
        lab.write(&format!("ckpt/{name}"), shipped(name));
    }
    lab
}

fn succeeded(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

fn raw(lab: &Lab) -> Vec<f64> {
    lab.scores("lab").iter().map(|row| row.value).collect()
}

/// One line, and nothing of the data set was made for it.
fn refused_early(lab: &Lab, model: &str, parts: &[&str]) {
    lab.write("config.yaml", sweep(model));
    let ended = lab.call(&["config.yaml"]);
    ended.refused(parts);
    let error = ended.stderr.trim();
    assert!(!error.contains('\n') && error.len() < 1_500, "{error}");
    assert!(!lab.path("cache/data").exists(), "data before the model");
    assert!(!lab.path("results").exists());
}

#[test]
fn a_folder_needs_no_card() {
    let lab = lab();
    lab.run(&sweep("clip"), &[]);
    let expected = raw(&lab);
    for spelling in ["ckpt", "ckpt/", "./ckpt", "local-dir:ckpt"] {
        lab.run(&sweep(spelling), &[]);
        assert_eq!(raw(&lab), expected, "{spelling}");
        let scores = lab.scores("lab");
        assert!(
            scores.iter().all(|row| row.cell.model == "ckpt"),
            "{spelling}"
        );
    }
}

#[test]
fn what_is_neither_card_nor_folder_nor_repository_is_said() {
    let lab = lab();
    lab.write("other/config.json", r#"{"model_type": "bert"}"#);
    lab.write("empty/README.md", "nothing");
    for (model, parts) in [
        ("./gone", &["./gone", "no such folder"][..]),
        (
            "ckpt/model.safetensors",
            &["is a file", "expected the folder"],
        ),
        (
            "other",
            &["other", "model_type: bert", "clip, siglip, blip"],
        ),
        ("empty", &["empty", "config.json is missing", "README.md"]),
        (
            "klip",
            &["unknown model `klip`", "did you mean `clip`?", "owner/name"],
        ),
    ] {
        refused_early(&lab, model, parts);
    }
}

/// Guards against hours of downloads before a model is refused.
#[test]
fn a_model_that_does_not_fit_is_refused_before_data_is_opened() {
    let lab = lab();
    lab.write(
        "ckpt/model.safetensors",
        "version https://git-lfs.github.com/spec/v1\n",
    );
    refused_early(&lab, "ckpt", &["Git LFS"]);
    lab.write("ckpt/model.safetensors", shipped(WEIGHTS));
    let config = String::from_utf8(shipped("config.json")).expect("text");
    lab.write(
        "ckpt/config.json",
        config.replace("\"image_size\": 64", "\"image_size\": 96"),
    );
    refused_early(&lab, "ckpt", &["96 x 96", "64 x 64"]);
    lab.write(
        "ckpt/config.json",
        config.replace("\"num_hidden_layers\": ", "\"num_hidden_layers\": 1"),
    );
    refused_early(
        &lab,
        "ckpt",
        &[
            "does not fit the configuration",
            "tensors are missing",
            ", ...)",
        ],
    );
}

#[test]
fn names_that_training_changed_are_a_warning_of_the_run() {
    let lab = lab();
    lab.run(&sweep("ckpt"), &[]);
    let expected = raw(&lab);
    let weights = shipped(WEIGHTS);
    let old = safetensors::SafeTensors::deserialize(&weights).expect("tensors");
    let renamed = old
        .tensors()
        .into_iter()
        .map(|(name, view)| (format!("module.{name}"), view));
    let renamed = safetensors::serialize(renamed, None).expect("bytes");
    lab.write("ckpt/model.safetensors", renamed);
    let ended = lab.run(&sweep("ckpt"), &[]);
    assert_eq!(raw(&lab), expected);
    assert!(
        ended
            .stderr
            .contains("warning: model `ckpt`: names of tensors"),
        "{}",
        ended.stderr
    );
    let warnings = lab.warnings("lab", "names_of_tensors");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

/// A hub with the shipped checkpoint and what else a repository has.
fn hub() -> Server {
    let hub = Server::start().expect("a server");
    for name in FILES {
        hub.publish(REPO, name, &shipped(name), None);
    }
    let others = [
        "README.md",
        "tf_model.h5",
        "onnx/model.onnx",
        "pytorch_model.bin",
    ];
    hub.publish_list(REPO, &[&FILES[..], &others].concat());
    hub
}

#[test]
fn a_repository_needs_no_card_and_is_pinned() {
    let lab = lab();
    lab.run(&sweep("clip"), &[]);
    let expected = raw(&lab);
    let hub = hub();
    let endpoint = hub.url();
    let call = |model: &str, options: &[&str]| {
        lab.write("config.yaml", sweep(model));
        let arguments = [&["config.yaml"], options].concat();
        lab.call_with(&arguments, &[("HF_ENDPOINT", &endpoint)])
    };
    let pinned = format!("{REPO}@{COMMIT}");
    for model in [REPO, &format!("hf-hub:{REPO}"), &pinned] {
        succeeded(&call(model, &[]));
        assert_eq!(raw(&lab), expected, "{model}");
    }
    let inputs = lab.record("lab")["inputs"].to_string();
    assert!(
        inputs.contains(&format!("\"commit\":\"{COMMIT}\"")),
        "{inputs}"
    );
    // One list, and of the files only those that are read.
    let asked = hub.requests();
    let lists = asked.iter().filter(|it| it.path.starts_with("/api/"));
    assert_eq!(lists.count(), 1);
    assert!(
        !asked
            .iter()
            .any(|it| it.path.contains("h5") || it.path.contains(".bin"))
    );
    let before = asked.len();
    succeeded(&call(REPO, &["--offline"]));
    assert_eq!(hub.requests().len(), before);
}

#[test]
fn a_repository_that_cannot_be_had_is_said_in_one_line() {
    let lab = lab();
    // Nobody listens at the lab's hub.
    refused_early(
        &lab,
        "nobody/nothing",
        &[
            "/api/models/nobody/nothing/revision/main",
            "cannot be reached",
        ],
    );
}

#[test]
fn a_card_that_describes_a_repository_is_used_for_it() {
    let lab = lab();
    let files = FILES.join(", ");
    let card = format!(
        "name: shipped\nfamily: clip\nsource:\n  files:\n    - hub: {{repo: {REPO}, revision: {COMMIT}, files: [{files}]}}\n"
    );
    lab.write("models/shipped.yaml", card);
    let hub = hub();
    lab.write("config.yaml", sweep(REPO));
    let ended = lab.call_with(&["config.yaml"], &[("HF_ENDPOINT", &hub.url())]);
    succeeded(&ended);
    assert!(
        ended.stderr.contains("is described by models/shipped.yaml"),
        "{}",
        ended.stderr
    );
    assert!(
        lab.scores("lab")
            .iter()
            .all(|row| row.cell.model == "shipped")
    );
}

const CARD: &str = "name: far
family: clip
source:
  files:
    - hub: {repo: acme/blocks-clip, revision: REVISION, files: [config.json, preprocessor_config.json, tokenizer.json, model.safetensors]}
";

/// Guards against advice that does not work when it is followed.
#[test]
fn offline_advice_works_when_it_is_followed() {
    let lab = lab();
    lab.write("models/far.yaml", CARD.replace("REVISION", "main"));
    let snapshots = "hf/hub/models--acme--blocks-clip/snapshots";
    let commit = "a".repeat(40);
    lab.write("hf/hub/models--acme--blocks-clip/refs/main", &commit);
    lab.write("config.yaml", sweep("far"));
    let ended = lab.call(&["config.yaml", "--offline"]);
    let folder = format!(
        "put them into {}",
        lab.path(&format!("{snapshots}/{commit}")).display()
    );
    ended.refused(&["/acme/blocks-clip/resolve/main/", &folder]);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    for name in FILES {
        lab.write(&format!("{snapshots}/{commit}/{name}"), shipped(name));
    }
    succeeded(&lab.call(&["config.yaml", "--offline"]));
    // What is there at another commit is offered by it.
    lab.write("models/far.yaml", CARD.replace("REVISION", COMMIT));
    let ended = lab.call(&["config.yaml", "--offline"]);
    let offered = format!("`revision: {commit}`");
    ended.refused(&[COMMIT, &offered]);
    lab.write("models/far.yaml", CARD.replace("REVISION", &commit));
    succeeded(&lab.call(&["config.yaml", "--offline"]));
    lab.write("config.yaml", sweep(&format!("acme/blocks-clip@{commit}")));
    succeeded(&lab.call(&["config.yaml", "--offline"]));
}
