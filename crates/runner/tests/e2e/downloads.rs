//! From nothing to tables: a checkpoint from a hub on loopback, from the cache, and without a network.

use crate::blocks::{FILES, SWEEP, WEIGHTS, drawn};
#[cfg(target_os = "linux")]
use crate::edges::with_read_only;
use crate::lab::{Ended, FOREIGN, Files, Lab, assert_same, lasting, workspace};
use nnn_testkit::hub::{COMMIT, Fault, Resource, Server, sha256};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const REPO: &str = "owner/blocks-clip";

/// A hub with the shipped checkpoint, its weights in a storage of their own, and a lab whose card names it.
struct World {
    hub: Server,
    storage: Server,
    lab: Lab,
}

impl World {
    fn new() -> Self {
        let world = Self {
            hub: Server::start().expect("a server"),
            storage: Server::start().expect("a server"),
            lab: drawn(30, 10),
        };
        for name in FILES {
            let storage = (name == WEIGHTS).then_some(&world.storage);
            world.hub.publish(REPO, name, &shipped(name), storage);
        }
        world.lab.write("models/clip.yaml", card());
        world.lab.write("config.yaml", SWEEP);
        world
    }

    fn call(&self, arguments: &[&str]) -> Ended {
        let endpoint = self.hub.url();
        self.lab.call_with(arguments, &[("HF_ENDPOINT", &endpoint)])
    }

    fn blobs(&self) -> PathBuf {
        self.lab.path("hf/hub/models--owner--blocks-clip/blobs")
    }
}

fn card() -> String {
    let files = FILES.join(", ");
    format!(
        "name: clip
family: clip
source:
  files:
    - hub: {{repo: {REPO}, revision: {COMMIT}, files: [{files}]}}
"
    )
}

fn shipped(name: &str) -> Vec<u8> {
    let path = workspace().join("data/blocks/blocks-clip").join(name);
    fs::read(path).expect("a shipped file")
}

fn succeeded(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// The results of a run, which are then removed with all that was computed for them.
fn take_results(lab: &Lab) -> Files {
    let results = lasting(&lab.files("results"));
    for folder in ["results", "cache/embeddings"] {
        fs::remove_dir_all(lab.path(folder)).expect("it can be removed");
    }
    results
}

/// Nothing, the network, the cache with the hub gone, and no network at all: the results are those of the same
/// checkpoint in a folder.
#[test]
fn from_nothing_to_tables() {
    let local = drawn(30, 10);
    local.run(SWEEP, &[]);
    let expected = take_results(&local);
    let world = World::new();
    succeeded(&world.call(&["config.yaml"]));
    let record = world.lab.record("lab");
    assert_same(&take_results(&world.lab), &expected);
    let inputs = record["inputs"].to_string();
    let origin = format!("{REPO}@{}/{WEIGHTS}", &COMMIT[..10]);
    let sum = sha256(&shipped(WEIGHTS));
    assert!(
        inputs.contains(&format!("\"{origin}\":\"{sum}\"")),
        "{inputs}"
    );
    let World { hub, storage, lab } = world;
    drop((hub, storage));
    succeeded(&lab.call(&["config.yaml"]));
    assert_same(&take_results(&lab), &expected);
    succeeded(&lab.call(&["config.yaml", "--offline"]));
    assert_same(&take_results(&lab), &expected);
}

#[test]
fn fetch_brings_what_a_run_needs_and_nothing_else() {
    let world = World::new();
    succeeded(&world.call(&["fetch", "config.yaml"]));
    assert!(!world.lab.path("results").exists() && !world.lab.path("cache/data").exists());
    let asked = world.hub.requests().len();
    succeeded(&world.call(&["run", "config.yaml", "--offline"]));
    succeeded(&world.call(&["fetch", "config.yaml", "--offline"]));
    assert_eq!(world.hub.requests().len(), asked);
    let variables = [("HF_HUB_OFFLINE", "1")];
    succeeded(&world.lab.call_with(&["fetch", "config.yaml"], &variables));
}

/// Guards against a lock or a note that is written where all is there already.
#[cfg(target_os = "linux")]
#[test]
fn a_hub_cache_that_cannot_be_written() {
    let world = World::new();
    succeeded(&world.call(&["fetch", "config.yaml"]));
    let World { hub, storage, lab } = world;
    drop((hub, storage));
    let before = lab.files("hf");
    if let Some(output) = with_read_only(&lab.path("hf"), &lab, &["run", "config.yaml"]) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
    assert_same(&lab.files("hf"), &before);
}

#[test]
fn proxies_are_those_of_the_environment() {
    let world = World::new();
    let endpoint = world.hub.url();
    let fetch = |variables: &[(&str, &str)]| {
        let variables = [&[("HF_ENDPOINT", endpoint.as_str())], variables].concat();
        world.lab.call_with(&["fetch", "config.yaml"], &variables)
    };
    let proxy = ("http_proxy", "http://127.0.0.1:1");
    fetch(&[proxy]).refused(&["cannot be reached", "the proxy that http_proxy names"]);
    succeeded(&fetch(&[proxy, ("no_proxy", "127.0.0.1")]));
}

#[test]
fn offline_names_all_that_is_missing() {
    let world = World::new();
    let ended = world.call(&["config.yaml", "--offline"]);
    ended.refused(&FILES);
    let place = format!("put them into {}", world.lab.path("hf/hub").display());
    ended.refused(&[&format!("snapshots/{COMMIT}")]);
    ended.refused(&["models/clip.yaml", REPO, "runner fetch CONFIG", &place]);
    assert!(world.hub.requests().is_empty());
    assert!(!world.lab.path("results").exists());
}

#[test]
fn a_dry_run_names_downloads_and_makes_none() {
    let world = World::new();
    let ended = world.call(&["config.yaml", "--dry-run"]);
    succeeded(&ended);
    let bytes = shipped(WEIGHTS).len() as f64 / 1e6;
    let line = format!("{WEIGHTS}: {bytes:.1} MB from {REPO}@");
    for part in [&line, "0 files cached (0.0 MB), 5 to download"] {
        assert!(
            ended.stdout.contains(part),
            "no {part:?} in {}",
            ended.stdout
        );
    }
    let offline = world.call(&["config.yaml", "--dry-run", "--offline"]);
    let part = format!("{WEIGHTS}: size unknown from {REPO}@");
    assert!(offline.stdout.contains(&part), "{}", offline.stdout);
    assert!(world.hub.requests().iter().all(|it| it.method == "HEAD"));
    assert!(!world.lab.path("hf").exists() && !world.lab.path("cache").exists());
    succeeded(&world.call(&["fetch", "config.yaml"]));
    let ended = world.call(&["config.yaml", "--dry-run"]);
    for part in ["downloads: none", "5 files (", "cached)"] {
        assert!(
            ended.stdout.contains(part),
            "no {part:?} in {}",
            ended.stdout
        );
    }
}

/// A process that is killed in the middle leaves what it has, and the next one goes on from there.
#[test]
fn a_killed_download_goes_on() {
    const HELD: usize = 200_000;
    let world = World::new();
    let storage = format!("/storage/{}", sha256(&shipped(WEIGHTS)));
    world.storage.fail(&storage, [Fault::Stall(HELD)]);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
    command
        .args(["fetch", "config.yaml"])
        .current_dir(world.lab.path(""));
    command
        .env("HF_ENDPOINT", world.hub.url())
        .env("HF_HOME", world.lab.path("hf"));
    for variable in FOREIGN {
        command.env_remove(variable);
    }
    let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
    let name = format!("{}.incomplete", sha256(&shipped(WEIGHTS)));
    let partial = world.blobs().join(name);
    let started = Instant::now();
    while fs::metadata(&partial).map_or(0, |it| it.len()) < HELD as u64 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "nothing arrives"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("killed");
    child.wait().expect("it ended");
    succeeded(&world.call(&["fetch", "config.yaml"]));
    let ranges = world.storage.requests().into_iter();
    let ranges: Vec<_> = ranges
        .map(|it| it.header("range").map(str::to_owned))
        .collect();
    assert_eq!(ranges, [None, Some(format!("bytes={HELD}-"))]);
    assert!(!partial.exists());
    succeeded(&world.call(&["config.yaml", "--offline"]));
}

#[test]
fn two_processes_fetch_once() {
    let world = World::new();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| succeeded(&world.call(&["fetch", "config.yaml"])));
        }
    });
    assert_eq!(world.storage.requests().len(), 1);
}

/// Failures that pass, through the whole program.
#[test]
fn a_hub_that_is_ill() {
    let world = World::new();
    let storage = format!("/storage/{}", sha256(&shipped(WEIGHTS)));
    world.storage.fail(
        &storage,
        [Fault::Truncate(1_000_000), Fault::Status(503, Vec::new())],
    );
    let slow = Fault::Status(429, vec![("Retry-After".into(), "0".into())]);
    world
        .hub
        .fail(&format!("/{REPO}/resolve/{COMMIT}/config.json"), [slow]);
    let ended = world.call(&["fetch", "config.yaml"]);
    succeeded(&ended);
    for part in ["broke off after 1000000 bytes", "503", "429", "again in"] {
        assert!(
            ended.stderr.contains(part),
            "no {part:?} in {}",
            ended.stderr
        );
    }
}

#[test]
fn a_token_is_used_and_not_shown() {
    const TOKEN: &str = "hf_do_not_show";
    let world = World::new();
    let resolve = format!("/{REPO}/resolve/{COMMIT}/config.json");
    let mut gated = Resource::plain(&shipped("config.json"));
    gated.headers.push(("X-Repo-Commit".into(), COMMIT.into()));
    gated.token = Some(TOKEN.into());
    world.hub.put(&resolve, gated);
    world
        .call(&["fetch", "config.yaml"])
        .refused(&["401", "HF_TOKEN", "models/clip.yaml"]);
    let endpoint = world.hub.url();
    let with = |token| {
        let variables = [("HF_ENDPOINT", endpoint.as_str()), ("HF_TOKEN", token)];
        world.lab.call_with(&["fetch", "config.yaml"], &variables)
    };
    let wrong = with("hf_wrong_and_hidden");
    wrong.refused(&["the token does not open it"]);
    assert!(
        !wrong.stderr.contains("hf_wrong_and_hidden"),
        "{}",
        wrong.stderr
    );
    let right = with(TOKEN);
    succeeded(&right);
    assert!(!right.stderr.contains(TOKEN) && !right.stdout.contains(TOKEN));
    let elsewhere = world.storage.requests();
    assert!(
        elsewhere
            .iter()
            .all(|it| it.header("authorization").is_none())
    );
}

#[test]
fn a_file_that_the_repository_lacks() {
    let world = World::new();
    world
        .lab
        .write("models/clip.yaml", card().replace(WEIGHTS, "weights.bin"));
    world.call(&["config.yaml"]).refused(&[
        "models/clip.yaml",
        "weights.bin",
        "404",
        "no such file",
    ]);
}

#[test]
fn a_changed_file_is_noticed() {
    let world = World::new();
    succeeded(&world.call(&["fetch", "config.yaml"]));
    let path = world.blobs().join(sha256(&shipped(WEIGHTS)));
    let mut bytes = fs::read(&path).expect("the blob");
    bytes[1000] ^= 1;
    fs::write(&path, bytes).expect("a change");
    world.call(&["config.yaml", "--offline"]).refused(&[
        "models/clip.yaml",
        "recorded at the first download",
        "delete the file",
    ]);
}

/// What a card says stands in for files that the checkpoint lacks, and is part of the model's signature.
#[test]
fn a_card_stands_in_for_json_files() {
    let world = World::new();
    succeeded(&world.call(&["config.yaml"]));
    let signature = |lab: &Lab| lab.scores("lab")[0].signature.clone();
    let before = signature(&world.lab);
    let inline = |name: &str| String::from_utf8(shipped(name)).expect("UTF-8");
    let card = card()
        .replace("config.json, model", "model")
        .replace("preprocessor_config.json, ", "");
    let card = format!(
        "{card}config: {}\npreprocessor: {}\n",
        inline("config.json").replace('\n', " "),
        inline("preprocessor_config.json").replace('\n', " ")
    );
    world.lab.write("models/clip.yaml", card);
    let results = take_results(&world.lab);
    succeeded(&world.call(&["config.yaml"]));
    assert!(
        world.lab.record("lab")["inputs"]
            .to_string()
            .contains("config.json (on the card)")
    );
    assert_ne!(signature(&world.lab), before);
    // Only signatures differ.
    let bias = |files: &Files| {
        let found = files.iter().filter(|file| file.0.contains("/bias/"));
        found
            .map(|(name, content)| (name.clone(), content.clone()))
            .collect::<Files>()
    };
    let results = bias(&results);
    assert!(!results.is_empty());
    assert_same(&bias(&take_results(&world.lab)), &results);
}

#[test]
fn cards_that_cannot_be_right() {
    let world = World::new();
    let cases = [
        (card().replace(REPO, "../.."), "owner/name"),
        (
            card().replace("config.json,", "../config.json,"),
            "a path within the repository",
        ),
        (
            card().replace("tokenizer.json,", "config.json,"),
            "two files are called",
        ),
        (
            format!("{}sha256: {{x: {}}}\n", card(), "0".repeat(64)),
            "not among the files",
        ),
        (
            card().replace("source:", "sources:"),
            "did you mean `source`",
        ),
    ];
    for (card, part) in cases {
        world.lab.write("models/clip.yaml", card);
        world
            .call(&["config.yaml"])
            .refused(&["models/clip.yaml", part]);
    }
    assert!(world.hub.requests().is_empty());
}

/// A model without a public checkpoint is refused alone, and named beside others.
#[test]
fn a_model_that_is_not_public() {
    let lab = drawn(30, 10);
    let absent = "name: tuned\nfamily: clip\nsource: {unavailable: never released}\n";
    lab.write("models/tuned.yaml", absent);
    let config = SWEEP.replace("[clip]", "[tuned]");
    lab.refuses(
        &config,
        &[],
        &["models/tuned.yaml", "no public checkpoint: never released"],
    );
    lab.run(&SWEEP.replace("[clip]", "[tuned, clip]"), &[]);
    assert_eq!(lab.warnings("lab", "no_public_checkpoint").len(), 1);
    let table = lab
        .files("results/lab/tables")
        .remove("r1_t2i.md")
        .expect("a table");
    let table = String::from_utf8(table).expect("UTF-8");
    assert!(table.contains("tuned is not measured"), "{table}");
    let planned = lab.run(&SWEEP.replace("[clip]", "[tuned, clip]"), &["--dry-run"]);
    assert!(
        planned.stdout.contains("model tuned: not measured"),
        "{}",
        planned.stdout
    );
}

/// Every shipped card is read, and says whether its checkpoint can be had.
#[test]
fn the_shipped_cards() {
    let configs = workspace().join("configs");
    let lab = Lab::new();
    let ended = lab.call(&[
        "list",
        "models",
        "--configs",
        &configs.display().to_string(),
    ]);
    succeeded(&ended);
    for part in [
        "blocks-clip (clip)",
        "checkpoint: local (",
        "checkpoint: to download (more than 605.2 MB), from openai/clip-vit-base-patch32@b33cedfd0d",
        "checkpoint: not public: the paper names no checkpoint",
        "published as: CLIP ft. COCO in nnn-emnlp2024",
        "uncertain: ",
    ] {
        assert!(
            ended.stdout.contains(part),
            "no {part:?} in {}",
            ended.stdout
        );
    }
    let files = fs::read_dir(configs.join("models")).expect("cards").count();
    assert_eq!(ended.stdout.matches("        checkpoint: ").count(), files);
}
