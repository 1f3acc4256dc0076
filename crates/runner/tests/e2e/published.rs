//! `configs/coco.yaml` and `configs/flickr30k.yaml`, from nothing to tables: the configs and cards of the repository
//! against servers on loopback, with small archives in the real formats and the shipped checkpoint in place of OpenAI's.

use crate::archives::{
    Item, caption_list, coco_parquet, coco_test_table, flickr_table, items, zip,
};
use crate::lab::{Ended, FOREIGN, Files, Lab, assert_same, lasting, workspace};
use nnn_testkit::hub::{COMMIT, Fault, Resource, Server};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What must differ from the configs as they are: one model, and few draws for the intervals.
const SMALLER: [&str; 4] = [
    "--set",
    "models=[clip-vit-b32]",
    "--set",
    "statistics={resamples: 50, permutations: 50}",
];

/// Small banks have few neighbours.
const NEIGHBOURS: [&str; 4] = [
    "--set",
    "methods.1={nnn: {k: [1, 4]}}",
    "--set",
    "methods.2={csls: {k: [1, 4]}}",
];

/// Hosts of the cards, which the small web stands for.
const HOSTS: [&str; 3] = [
    "https://storage.googleapis.com",
    "http://images.cocodataset.org",
    "https://s3.amazonaws.com",
];

pub(crate) const FIVE_K: &str = "datasets/nlphuji/mscoco_2014_5k_test_image_text_retrieval";
pub(crate) const KARPATHY: &str = "datasets/yerevann/coco-karpathy";
pub(crate) const FLICKR: &str = "datasets/nlphuji/flickr30k";

/// A hub, its storage, a web of plain addresses, and a lab with the repository's configs and cards.
pub(crate) struct World {
    pub(crate) hub: Server,
    pub(crate) storage: Server,
    pub(crate) web: Server,
    pub(crate) lab: Lab,
}

/// What the data sets are made of.
struct Data {
    coco_train: Vec<Item>,
    coco_rest: Vec<Item>,
    coco_validation: Vec<Item>,
    coco_test: Vec<Item>,
    flickr: [Vec<Item>; 3],
}

impl Data {
    fn new() -> Self {
        let coco = |folder: &'static str| move |id| format!("COCO_{folder}_{id:012}.jpg");
        let flickr = |seed, count| items(seed, count, |id| format!("{}{id}.jpg", 1000 * seed));
        Self {
            coco_train: items(1, 30, coco("train2014")),
            coco_rest: items(2, 10, |id| format!("COCO_val2014_{:012}.jpg", 100 + id)),
            coco_validation: items(3, 4, |id| format!("COCO_val2014_{:012}.jpg", 200 + id)),
            coco_test: items(4, 12, |id| format!("COCO_val2014_{:012}.jpg", 300 + id)),
            flickr: [flickr(5, 40), flickr(6, 4), flickr(7, 12)],
        }
    }
}

fn counts<'a>(items: impl IntoIterator<Item = &'a Item>) -> String {
    let (images, texts) = items.into_iter().fold((0, 0), |(images, texts), item| {
        (images + 1, texts + item.captions.len())
    });
    format!("{{images: {images}, texts: {texts}}}")
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self {
            hub: Server::start().expect("a server"),
            storage: Server::start().expect("a server"),
            web: Server::start().expect("a server"),
            lab: Lab::new(),
        };
        let data = Data::new();
        world.publish_checkpoint();
        world.publish_coco(&data);
        world.publish_flickr(&data);
        world.write_cards(&data);
        for config in ["coco.yaml", "flickr30k.yaml"] {
            let text = fs::read(workspace().join("configs").join(config)).expect("a config");
            world.lab.write(&format!("configs/{config}"), text);
        }
        world.write_numbers();
        world
    }

    /// The paper's numbers, which the configs expect.
    fn write_numbers(&self) {
        let folder = "experiments/nnn-emnlp2024/published";
        for file in fs::read_dir(workspace().join(folder)).expect("tables") {
            let file = file.expect("a table");
            let name = format!("{folder}/{}", file.file_name().display());
            self.lab
                .write(&name, fs::read(file.path()).expect("a table"));
        }
    }

    fn publish_checkpoint(&self) {
        let repo = "openai/clip-vit-base-patch32";
        for name in [
            "config.json",
            "preprocessor_config.json",
            "tokenizer.json",
            "model.safetensors",
        ] {
            let path = workspace().join("data/blocks/blocks-clip").join(name);
            let content = fs::read(path).expect("a shipped file");
            let storage = (name == "model.safetensors").then_some(&self.storage);
            self.hub.publish(repo, name, &content, storage);
        }
    }

    fn publish_coco(&self, data: &Data) {
        for (split, items) in [
            ("train", &data.coco_train),
            ("restval", &data.coco_rest),
            ("validation", &data.coco_validation),
            ("test", &data.coco_test),
        ] {
            let path = format!("data/{split}-00000-of-00001.parquet");
            let content = coco_parquet(split, items);
            self.hub
                .publish(KARPATHY, &path, &content, Some(&self.storage));
        }
        let training = [&data.coco_train[..], &data.coco_rest[..]].concat();
        for (split, items) in [
            ("train", &training),
            ("val", &data.coco_validation),
            ("test", &data.coco_test),
        ] {
            let path = format!("/sfr-vision-language-research/datasets/coco_karpathy_{split}.json");
            let list = caption_list("coco", items, split == "train");
            self.web.put(&path, Resource::plain(list.as_bytes()));
        }
        let test: Vec<&Item> = data.coco_test.iter().collect();
        let archive = zip("images_mscoco_2014_5k_test", &test);
        self.hub.publish(
            FIVE_K,
            "images_mscoco_2014_5k_test.zip",
            &archive,
            Some(&self.storage),
        );
        let table = coco_test_table(&data.coco_test);
        self.hub.publish(
            FIVE_K,
            "test_5k_mscoco_2014.csv",
            table.as_bytes(),
            Some(&self.storage),
        );
        let train: Vec<&Item> = data.coco_train.iter().collect();
        let val = [&data.coco_rest, &data.coco_validation, &data.coco_test];
        let val: Vec<&Item> = val.into_iter().flatten().collect();
        for (name, items) in [("train2014", train), ("val2014", val)] {
            let archive = Resource::plain(&zip(name, &items));
            self.web.put(&format!("/zips/{name}.zip"), archive.clone());
            let mirror = format!("/images.cocodataset.org/zips/{name}.zip");
            self.web.put(&mirror, archive);
        }
    }

    fn publish_flickr(&self, data: &Data) {
        let [train, validation, test] = &data.flickr;
        let table = flickr_table(&[("train", train), ("val", validation), ("test", test)]);
        let table = table.as_bytes();
        self.hub.publish(
            FLICKR,
            "flickr_annotations_30k.csv",
            table,
            Some(&self.storage),
        );
        let all: Vec<&Item> = data.flickr.iter().flatten().collect();
        let archive = zip("flickr30k-images", &all);
        self.hub.publish(
            FLICKR,
            "flickr30k-images.zip",
            &archive,
            Some(&self.storage),
        );
        for (split, items) in [("train", train), ("val", validation), ("test", test)] {
            let path = format!("/sfr-vision-language-research/datasets/flickr30k_{split}.json");
            let list = caption_list("flickr30k-images", items, split == "train");
            self.web.put(&path, Resource::plain(list.as_bytes()));
        }
    }

    /// The repository's cards with other hosts, commits, counts, sizes and checksums; everything else is as it is.
    fn write_cards(&self, data: &Data) {
        let coco = [
            (
                "train",
                counts(data.coco_train.iter().chain(&data.coco_rest)),
            ),
            ("validation", counts(&data.coco_validation)),
            ("test", counts(&data.coco_test)),
        ];
        let names = ["train", "validation", "test"];
        let flickr = data.flickr.iter().map(counts);
        self.card("datasets/coco.yaml", &coco);
        self.card(
            "datasets/flickr30k.yaml",
            &names.into_iter().zip(flickr).collect::<Vec<_>>(),
        );
        self.card("models/clip-vit-b32.yaml", &[]);
    }

    fn card(&self, name: &str, splits: &[(&str, String)]) {
        let text = fs::read_to_string(workspace().join("configs").join(name)).expect("a card");
        let mut card = String::new();
        let mut section = "";
        for line in text.lines() {
            if !line.starts_with(' ') {
                section = line.split(':').next().unwrap_or_default();
            }
            let split = line.trim().split(':').next().unwrap_or_default();
            let split = splits
                .iter()
                .find(|it| section == "splits" && it.0 == split);
            if section == "sha256" || (section == "bytes" && name.starts_with("datasets")) {
                continue;
            }
            match (split, line.split_once("revision: ")) {
                (Some((split, counts)), _) => card.push_str(&format!("  {split}: {counts}\n")),
                (None, Some((before, revision))) if revision.len() == 40 => {
                    card.push_str(&format!("{before}revision: {COMMIT}\n"));
                }
                _ => card.push_str(&format!("{line}\n")),
            }
        }
        for host in HOSTS {
            card = card.replace(host, &self.web.url());
        }
        assert!(!card.contains("https://storage"), "{card}");
        self.lab.write(&format!("configs/{name}"), card);
    }

    /// Changes a card of the lab.
    pub(crate) fn change(&self, card: &str, from: &str, to: &str) {
        let path = self.lab.path("configs").join(card);
        let text = fs::read_to_string(&path).expect("a card");
        assert!(text.contains(from), "no {from:?} in {text}");
        fs::write(path, text.replace(from, to)).expect("a card");
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        let endpoint = self.hub.url();
        self.lab
            .call_with(&smaller(arguments), &[("HF_ENDPOINT", &endpoint)])
    }

    /// Where the hub has a file of a repository.
    pub(crate) fn resolve(repo: &str, path: &str) -> String {
        let revision = if repo == KARPATHY { "main" } else { COMMIT };
        format!("/{repo}/resolve/{revision}/{path}")
    }

    /// Where the storage has a file that the hub redirects to.
    pub(crate) fn storage_of(&self, repo: &str, path: &str) -> String {
        let asked = Self::resolve(repo, path);
        let found = self.hub.resource(&asked).expect("a published file");
        let target = found.redirect.expect("a large file");
        let path = target.trim_start_matches(&self.storage.url());
        path.split('?').next().unwrap_or_default().to_owned()
    }

    /// Every request so far, to any of the servers.
    pub(crate) fn requests(&self) -> Vec<String> {
        let servers = [&self.hub, &self.storage, &self.web];
        let all = servers.into_iter().flat_map(|server| server.requests());
        all.map(|it| format!("{} {}", it.method, it.path)).collect()
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
        command
            .args(smaller(arguments))
            .current_dir(self.lab.path(""));
        for variable in FOREIGN {
            command.env_remove(variable);
        }
        command
            .env("HF_ENDPOINT", self.hub.url())
            .env("HF_HOME", self.lab.path("hf"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("it starts")
    }
}

/// Arguments with what must differ, before any other value that is set.
fn smaller<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let (first, rest) = arguments.split_at(1);
    [first, &SMALLER, rest].concat()
}

pub(crate) fn succeeded(ended: &Ended) {
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

/// Nothing, the cache, and no network with the servers gone: the results are the same to the byte. What the first run said,
/// and the lab.
fn from_nothing_to_tables(config: &str, experiment: &str) -> (Lab, Ended) {
    let world = World::new();
    let arguments = [&[config], &NEIGHBOURS[..]].concat();
    let first = world.call(&arguments);
    succeeded(&first);
    let expected = lasting(&world.lab.files("results"));
    for table in ["scores.csv", "tables/r1_t2i.md", "tables/r1_i2t.md"] {
        let name = format!("{experiment}/{table}");
        assert!(expected.contains_key(&name), "{:?}", expected.keys());
    }
    let asked = world.requests();
    assert_same(&take_results(&world.lab), &expected);
    succeeded(&world.call(&arguments));
    assert_eq!(world.requests(), asked, "the second run asks for something");
    assert_same(&take_results(&world.lab), &expected);
    let World {
        hub,
        storage,
        web,
        lab,
    } = world;
    drop((hub, storage, web));
    succeeded(&lab.call(&smaller(&[&arguments[..], &["--offline"]].concat())));
    assert_same(&lasting(&lab.files("results")), &expected);
    (lab, first)
}

/// Both reference sets and both directions are there, from the whole published grid of the methods; the inputs are named
/// with their checksums; the terms are said once and recorded.
fn assert_recorded(lab: &Lab, first: &Ended, experiment: &str, archives: &[&str]) {
    let scores = lab.scores(experiment);
    let rows = |direction: &str, set: &str| {
        let all = scores.iter().map(|row| &row.cell);
        all.filter(|it| it.direction == direction && it.reference_set == set)
            .map(|it| it.method.clone())
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    };
    for direction in ["t2i", "i2t"] {
        for set in ["COCO 20 %", "Flickr30k 20 %"] {
            assert_eq!(rows(direction, set), 7, "{direction} {set}");
        }
        assert_eq!(rows(direction, ""), 1);
    }
    let record = lab.record(experiment);
    assert_eq!(record["complete"], true);
    let inputs = record["inputs"].to_string();
    for archive in archives {
        assert!(inputs.contains(archive), "no {archive} in {inputs}");
    }
    let terms = lab.warnings(experiment, "terms");
    assert_eq!(terms.len(), 1);
    let said = first.stderr.matches("request form").count();
    assert_eq!(said, 1, "{}", first.stderr);
    assert!(lab.warnings(experiment, "alternative").is_empty());
}

/// Number of images that were extracted; lists of their checksums lie beside them.
fn extracted(lab: &Lab) -> usize {
    let files = lab.files("cache/images/extracted");
    files
        .keys()
        .filter(|it| !it.ends_with("SHA256SUMS"))
        .count()
}

const ALL_ARCHIVES: [&str; 3] = ["train2014.zip", "val2014.zip", "flickr30k-images.zip"];

#[test]
fn coco() {
    let (lab, first) = from_nothing_to_tables("configs/coco.yaml", "coco");
    let archives = [&ALL_ARCHIVES[..], &["images_mscoco_2014_5k_test.zip"]].concat();
    assert_recorded(&lab, &first, "coco", &archives);
    // Twelve evaluated, twelve held out, a fifth of the other 28; a fifth of Flickr30k's 40.
    assert_eq!(extracted(&lab), 12 + 12 + 6 + 8);
}

#[test]
fn flickr30k() {
    let (lab, first) = from_nothing_to_tables("configs/flickr30k.yaml", "flickr30k");
    assert_recorded(&lab, &first, "flickr30k", &ALL_ARCHIVES);
    let table = lab.files("results/flickr30k/tables").remove("r1_t2i.md");
    let table = String::from_utf8(table.expect("a table")).expect("UTF-8");
    assert!(table.contains("clip-vit-b32"), "{table}");
    // COCO's test images are not read here.
    assert!(
        !lab.record("flickr30k")["inputs"]
            .to_string()
            .contains("5k_test")
    );
}

/// A few methods that read captions and images of both banks.
pub(crate) const FEW: [&str; 2] = ["--set", "methods=[raw, {nnn: {k: [1, 4]}}, dualis]"];

/// Waits for a process to get somewhere, and kills it there. One that ends before is as good: it got further.
fn kill_when(mut child: Child, there: impl Fn() -> bool) {
    let started = Instant::now();
    while !there() && child.try_wait().expect("a state").is_none() {
        assert!(started.elapsed() < Duration::from_secs(60), "it hangs");
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    child.wait().expect("it ended");
}

/// Whether a file of this ending and at least this size lies below a folder.
fn holds(folder: &Path, ending: &str, size: u64) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .any(|path| match path.is_dir() {
            true => holds(&path, ending, size),
            false => {
                let fits = path.to_string_lossy().ends_with(ending);
                fits && fs::metadata(&path).is_ok_and(|about| about.len() >= size)
            }
        })
}

/// Killed while it downloads, extracts, encodes and sweeps, a run ends with the bytes of an undisturbed one.
#[test]
fn killed_at_several_points() {
    const HELD: usize = 20_000;
    let arguments = [&["configs/coco.yaml"], &FEW[..]].concat();
    let undisturbed = World::new();
    succeeded(&undisturbed.call(&arguments));
    let expected = lasting(&undisturbed.lab.files("results"));
    let world = World::new();
    let lab = &world.lab;
    world.web.fail("/zips/val2014.zip", [Fault::Stall(HELD)]);
    let points: [(&str, &str, u64); 4] = [
        ("cache/downloads", "val2014.zip.incomplete", HELD as u64),
        ("cache/images/extracted", ".jpg", 1),
        ("cache/embeddings", "", 1),
        ("results/coco/trials", ".json", 1),
    ];
    for (folder, ending, size) in points {
        let folder = lab.path(folder);
        kill_when(world.start(&arguments), || holds(&folder, ending, size));
        assert!(
            holds(&folder, ending, size),
            "it did not get to {}",
            folder.display()
        );
    }
    let ranges = world
        .web
        .requests()
        .into_iter()
        .filter(|it| it.path == "/zips/val2014.zip");
    let ranges: Vec<_> = ranges
        .map(|it| it.header("range").map(str::to_owned))
        .collect();
    // What a process was killed over had not been flushed yet, so that nothing says that it is on the disk.
    assert_eq!(ranges, [None, None]);
    succeeded(&world.call(&arguments));
    assert_same(&lasting(&lab.files("results")), &expected);
}

/// Captions alone are asked for where nothing reads training images: no archive of them is fetched.
/// Guards against fetching an archive whose splits the card does not list, though images of no split are read.
#[test]
fn what_nothing_reads_is_not_fetched() {
    let world = World::new();
    let cut = [
        "--set",
        "directions=[t2i]",
        "--set",
        "choose=fixed",
        "--set",
        "methods=[raw, {nnn: {k: 2, alpha: 0.5}}]",
    ];
    let arguments = [&["configs/coco.yaml"], &cut[..]].concat();
    succeeded(&world.call(&arguments));
    let asked = world.requests().join("\n");
    for part in [
        "images_mscoco_2014_5k_test.zip",
        "restval",
        "flickr_annotations",
    ] {
        assert!(asked.contains(part), "no {part} in {asked}");
    }
    for part in [
        "train2014",
        "val2014",
        "flickr30k-images",
        "validation-0",
        "karpathy_",
    ] {
        assert!(!asked.contains(part), "{part} in {asked}");
    }
    assert_eq!(extracted(&world.lab), 12);
    // Training images that nothing reads are compared by name alone.
    assert!(world.lab.warnings("coco", "images_duplicated").is_empty());
}

/// `fetch` brings data too, all of it and nothing else; `--dry-run` says what that is, and writes nothing.
/// Guards against a list that names a download more than once and does not add up the sizes.
#[test]
fn fetch_and_dry_run() {
    let world = World::new();
    let dry = |options: &[&str]| {
        let ended = world.call(&[&["configs/coco.yaml", "--dry-run"], options].concat());
        succeeded(&ended);
        ended.stdout
    };
    let before = dry(&[]);
    for part in [
        "data coco: 56 images, ",
        "train (40 images, ",
        "test (12 images, ",
        "annotations: test-00000-of-00001.parquet (to download)",
        "images: images_mscoco_2014_5k_test.zip (to download)",
        "images as files: not known before the download",
        "    train2014.zip: 0.",
        "zips/train2014.zip or http://",
        "from datasets/nlphuji/flickr30k@0123456789/flickr30k-images.zip",
        "terms: The images of Flickr30k",
        "trials: 0 of 6 are recorded",
        "to encode by clip-vit-b32: about 38 images and ",
        "expected: nnn-emnlp2024, tables 1, 2, a6, a7: 12 of 504 numbers, in 12 entries; left out: 6 expected already, 468 of other \
         models, 18 of other data sets\n",
    ] {
        assert!(before.contains(part), "no {part:?} in {before}");
    }
    let listed: Vec<&str> = (before.lines())
        .skip_while(|line| !line.starts_with("  downloads: "))
        .filter(|line| line.contains(" from "))
        .collect();
    let total = format!("  downloads: {} files, 0.0 GB\n", listed.len());
    assert!(listed.len() > 8 && before.contains(&total), "{before}");
    assert!(!world.lab.path("cache").exists() && !world.lab.path("hf").exists());
    assert!(world.requests().iter().all(|it| it.starts_with("HEAD ")));
    let fetched = world.call(&["fetch", "configs/coco.yaml"]);
    succeeded(&fetched);
    let all_here = "1 model, 2 data sets, nothing left to download";
    assert!(fetched.stderr.contains(all_here), "{}", fetched.stderr);
    assert!(!world.lab.path("results").exists());
    let asked = world.requests().len();
    let after = dry(&["--offline"]);
    for part in [
        "images: train2014.zip (cached)",
        "images as files: 0 of 52;",
        "downloads: none",
    ] {
        assert!(after.contains(part), "no {part:?} in {after}");
    }
    succeeded(&world.call(&[&["configs/coco.yaml", "--offline"], &FEW[..]].concat()));
    assert_eq!(world.requests().len(), asked);
    let done = dry(&FEW);
    for part in ["trials: 6 of 6 are recorded", "images as files: 30 of 52;"] {
        assert!(done.contains(part), "no {part:?} in {done}");
    }
    let records = world.lab.files("results/coco/trials");
    let first = records.keys().next().expect("a record");
    fs::remove_file(world.lab.path("results/coco/trials").join(first)).expect("it was there");
    let left = dry(&FEW);
    for part in [
        "trials: 5 of 6 are recorded",
        "extrapolated: the recorded trials took",
    ] {
        assert!(left.contains(part), "no {part:?} in {left}");
    }
}

#[test]
fn offline_names_all_that_is_missing() {
    let world = World::new();
    let ended = world.call(&["configs/coco.yaml", "--offline"]);
    ended.refused(&[
        "models/clip-vit-b32.yaml: model `clip-vit-b32`: ",
        "datasets/coco.yaml: data set `coco`: train-00000-of-00001.parquet is not here",
        "images_mscoco_2014_5k_test.zip is not here",
        "train2014.zip is not here",
        "val2014.zip is not here",
        "datasets/flickr30k.yaml: data set `flickr30k`: flickr30k-images.zip is not here",
        "flickr_annotations_30k.csv is not here",
    ]);
    assert!(world.requests().is_empty());
}

#[test]
fn lists_say_where_data_comes_from() {
    let configs = workspace().join("configs").display().to_string();
    let ended = Lab::new().call(&["list", "datasets", "--configs", &configs]);
    succeeded(&ended);
    for part in [
        "coco: MS-COCO 2014",
        "test: 5000 images, 25010 texts",
        "train: 113287 images, 566747 texts",
        "from: datasets/yerevann/coco-karpathy@main",
        "terms: The images of Flickr30k",
        "flickr8k: Flickr8k in Karpathy's splits",
        "cached: 0 of ",
    ] {
        assert!(
            ended.stdout.contains(part),
            "no {part:?} in {}",
            ended.stdout
        );
    }
}
