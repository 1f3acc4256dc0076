//! `configs/coco.yaml` and `configs/flickr30k.yaml`, from nothing to tables: the configs and cards of the repository
//! against servers on loopback, with small archives in the real formats and the shipped checkpoint in place of OpenAI's.

use crate::archives::{
    Item, caption_list, coco_parquet, coco_test_table, flickr_table, items, zip,
};
use crate::lab::{Ended, FOREIGN, Files, Lab, assert_same, lasting, workspace};
use nnn_testhub::{COMMIT, Fault, Resource, Server, sha256};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What must differ from the configs as they are: one model, and numbers of neighbours that small banks have.
const SMALLER: [&str; 8] = [
    "--set",
    "models=[clip-vit-b32]",
    "--set",
    "methods.1={nnn: {k: [1, 4]}}",
    "--set",
    "methods.2={csls: {k: [1, 4]}}",
    "--set",
    "statistics={resamples: 50, permutations: 50}",
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
    let (images, texts) = items
        .into_iter()
        .fold((0, 0), |(images, texts), item| (images + 1, texts + item.captions.len()));
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
        world
    }

    fn publish_checkpoint(&self) {
        let repo = "openai/clip-vit-base-patch32";
        for name in ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"] {
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
            self.hub.publish(KARPATHY, &path, &content, Some(&self.storage));
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
        self.hub.publish(FIVE_K, "images_mscoco_2014_5k_test.zip", &archive, Some(&self.storage));
        let table = coco_test_table(&data.coco_test);
        self.hub.publish(FIVE_K, "test_5k_mscoco_2014.csv", table.as_bytes(), Some(&self.storage));
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
        self.hub.publish(FLICKR, "flickr_annotations_30k.csv", table, Some(&self.storage));
        let all: Vec<&Item> = data.flickr.iter().flatten().collect();
        let archive = zip("flickr30k-images", &all);
        self.hub.publish(FLICKR, "flickr30k-images.zip", &archive, Some(&self.storage));
        for (split, items) in [("train", train), ("val", validation), ("test", test)] {
            let path = format!("/sfr-vision-language-research/datasets/flickr30k_{split}.json");
            let list = caption_list("flickr30k-images", items, split == "train");
            self.web.put(&path, Resource::plain(list.as_bytes()));
        }
    }

    /// The repository's cards with other hosts, commits, counts, sizes and checksums; everything else is as it is.
    fn write_cards(&self, data: &Data) {
        let coco = [
            ("train", counts(data.coco_train.iter().chain(&data.coco_rest))),
            ("validation", counts(&data.coco_validation)),
            ("test", counts(&data.coco_test)),
        ];
        let names = ["train", "validation", "test"];
        let flickr = data.flickr.iter().map(counts);
        self.card("datasets/coco.yaml", &coco);
        self.card("datasets/flickr30k.yaml", &names.into_iter().zip(flickr).collect::<Vec<_>>());
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
            let split = splits.iter().find(|it| section == "splits" && it.0 == split);
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
        self.lab.call_with(&[arguments, &SMALLER].concat(), &[("HF_ENDPOINT", &endpoint)])
    }

    /// Every request so far, to any of the servers.
    pub(crate) fn requests(&self) -> Vec<String> {
        let servers = [&self.hub, &self.storage, &self.web];
        let all = servers.into_iter().flat_map(|server| server.requests());
        all.map(|it| format!("{} {}", it.method, it.path)).collect()
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
        command.args(arguments).args(SMALLER).current_dir(self.lab.path(""));
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

/// Nothing, the cache, and no network with the servers gone: the results are the same to the byte.
fn from_nothing_to_tables(config: &str, experiment: &str) -> (World, Ended) {
    let world = World::new();
    let first = world.call(&[config]);
    succeeded(&first);
    let expected = lasting(&world.lab.files("results"));
    let tables = ["scores.csv", "tables/r1_t2i.md", "tables/r1_i2t.md"];
    for table in tables {
        let name = format!("{experiment}/{table}");
        assert!(expected.contains_key(&name), "{:?}", expected.keys());
    }
    let record = world.lab.record(experiment);
    assert_eq!(record["complete"], true);
    let asked = world.requests();
    assert_same(&take_results(&world.lab), &expected);
    succeeded(&world.call(&[config]));
    assert_eq!(world.requests(), asked, "the second run asks for something");
    assert_same(&take_results(&world.lab), &expected);
    let World { hub, storage, web, lab } = world;
    drop((hub, storage, web));
    succeeded(&lab.call(&[&[config, "--offline"], &SMALLER[..]].concat()));
    assert_same(&take_results(&lab), &expected);
    let world = World { lab, ..World::new() };
    (world, first)
}

#[test]
fn coco() {
    let (world, ended) = from_nothing_to_tables("configs/coco.yaml", "coco");
    assert!(ended.stderr.contains("flickr30k: The images of Flickr30k"), "{}", ended.stderr);
    drop(world);
}
