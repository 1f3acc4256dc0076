//! The top of every list ranked again by a matching head.

use crate::blocks::drawn;
use crate::lab::{Lab, workspace};
use crate::vectors::{by_dataset, dataset_config};
use nnn_data::{Direction, ImageStore, OnGap};
use nnn_encode::{
    CheckpointFiles, Compute, Encoder, ImageLimits, ImageStates, RgbImage, load_image,
};
use nnn_report::{QueryColumn, read_comparisons, read_queries};

const DEPTH: usize = 6;

const CONFIG: &str = "
experiment: lab
models: [blip]
datasets: [tiny]
methods: [raw, nnn: {k: 3, alpha: 0.75}, is: {beta: [5, 50], choose: validation}]
metrics: [R@1, R@5, MRR, k_skewness@5]
rerank: {depth: 6}
top: 8
statistics: {resamples: 50, permutations: 50}
";

/// Few images of Blocks and a BLIP of random weights.
fn lab() -> Lab {
    let lab = drawn(40, 12);
    let folder = workspace().join("crates/encoder-blip/tests/golden/base-f32");
    let folder = folder.display();
    let card = format!("name: blip\nfamily: blip\nsource: {{path: '{folder}'}}\n");
    lab.write("models/blip.yaml", card);
    lab
}

/// Scores (images, texts) of the test items, a pair at a time: logit and cosine.
struct Naive {
    texts: usize,
    scores: Vec<f32>,
}

impl Naive {
    fn of(folder: &ImageStore) -> Self {
        let checkpoint = workspace().join("crates/encoder-blip/tests/golden/base-f32");
        let files = CheckpointFiles::folder(&checkpoint).expect("files");
        let encoder = encoder_blip::load(&files, &Compute::default()).expect("a model");
        let pairs = &folder.splits()["test"];
        let images: Vec<RgbImage> = pairs
            .images()
            .iter()
            .map(|it| load_image(&folder.image_path(it), ImageLimits::default()).expect("an image"))
            .collect();
        let image_rows = encoder.encode_images(&images).expect("rows");
        let texts: Vec<&str> = pairs.texts().iter().map(String::as_str).collect();
        let text_rows = encoder.encode_texts(&texts).expect("rows");
        let dim = encoder.info().dim;
        let mut scores = Vec::new();
        for (image, image_row) in images.iter().zip(image_rows.chunks(dim)) {
            let states = states(&*encoder, image);
            for (text, text_row) in texts.iter().zip(text_rows.chunks(dim)) {
                let ids = encoder.prepare_text(text).expect("ids");
                let head = encoder.reranker().expect("a head");
                let logit = head.matches(&states, &[ids]).expect("a logit")[0];
                scores.push(logit + cosine(image_row, text_row));
            }
        }
        Self {
            texts: texts.len(),
            scores,
        }
    }

    fn score(&self, direction: Direction, query: usize, item: u32) -> f32 {
        let item = item as usize;
        match direction {
            Direction::T2i => self.scores[item * self.texts + query],
            Direction::I2t => self.scores[query * self.texts + item],
        }
    }
}

fn states(encoder: &dyn Encoder, image: &RgbImage) -> ImageStates {
    let pixels = encoder.prepare_image(image).expect("pixels");
    let head = encoder.reranker().expect("a head");
    head.image_states(&[pixels]).expect("states").remove(0)
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
        products.sum()
    };
    (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()) as f32
}

/// The drawn data set's folder.
fn data(lab: &Lab) -> ImageStore {
    let cache = lab.path("cache/data");
    let mut folders = std::fs::read_dir(&cache).expect("the cache of data");
    let folder = folders.next().expect("a data set").expect("a folder");
    ImageStore::folder(&folder.path(), &["train", "test"], OnGap::Fail, None).expect("a data set")
}

/// Expects `again` to hold the items of `before`, the first `DEPTH` by their naive scores. The one differs from the other by
/// rounding, so that items closer than 1e-5 may stand either way.
fn assert_reranked(before: &QueryColumn, again: &QueryColumn, score: &dyn Fn(usize, u32) -> f32) {
    assert_eq!(before.top_width, 8);
    let lists = before.top.chunks(8).zip(again.top.chunks(8));
    let mut moved = 0;
    for (query, (before, again)) in lists.enumerate() {
        assert_eq!(before[DEPTH..], again[DEPTH..], "query {query}");
        let sorted = |list: &[u32]| {
            let mut list = list[..DEPTH].to_vec();
            list.sort_unstable();
            list
        };
        assert_eq!(sorted(before), sorted(again), "query {query}");
        let pairs = again[..DEPTH].windows(2);
        for pair in pairs {
            let apart = score(query, pair[0]) - score(query, pair[1]);
            assert!(apart > -1e-5, "query {query}: {pair:?} {apart}");
        }
        moved += usize::from(before != again);
    }
    assert!(moved > 3, "{moved} lists moved");
}

#[test]
fn every_methods_list_is_ranked_again_by_logit_and_cosine() {
    let lab = lab();
    lab.run(CONFIG, &[]);
    let naive = Naive::of(&data(&lab));
    for (name, direction) in [("t2i", Direction::T2i), ("i2t", Direction::I2t)] {
        for (set, methods) in [("none", 1), ("train", 2)] {
            let file = format!("results/lab/queries/blip--tiny--{name}--{set}.parquet");
            let table = read_queries(&lab.path(&file)).expect("queries");
            assert_eq!(table.methods.len(), 2 * methods, "{file}");
            for (before, again) in table.methods.iter().zip(&table.methods[methods..]) {
                let signature = format!("{}+itm(depth=6)", before.method);
                assert_eq!((&again.method, &again.chosen), (&signature, &before.chosen));
                let score = |query: usize, item: u32| naive.score(direction, query, item);
                assert_reranked(before, again, &score);
            }
        }
    }
}

#[test]
fn rows_of_lists_ranked_again_are_marked_and_compared() {
    let lab = lab();
    lab.run(CONFIG, &[]);
    let scores = lab.scores("lab");
    let rows = |method: &str| {
        let rows = scores.iter().filter(|row| row.cell.method == method);
        rows.cloned().collect::<Vec<_>>()
    };
    for (method, params) in [("raw", "depth=6"), ("nnn", "k=3,alpha=0.75,depth=6")] {
        let (before, again) = (rows(method), rows(&format!("{method}+itm")));
        assert_eq!((before.len(), again.len()), (8, 8), "{method}");
        for row in &again {
            assert_eq!(row.cell.params, params);
            assert_eq!(row.cell.kind, "additive, re-ranked");
            assert!(row.gain.is_some(), "compared with raw as it is");
            assert!(
                row.signature.contains("+itm(depth=6)|"),
                "{}",
                row.signature
            );
        }
    }
    let comparisons = read_comparisons(&lab.path("results/lab")).expect("comparisons");
    let pair = |set: &str, method: &str, other: &str| {
        comparisons.iter().any(|row| {
            let cell = &row.cell;
            (cell.reference_set.as_str(), cell.method.as_str()) == (set, method)
                && row.other.method == other
        })
    };
    assert!(pair("", "raw+itm", "raw"));
    assert!(pair("train", "nnn+itm", "raw+itm"));
    assert!(pair("train", "nnn+itm", "nnn"));
    assert!(!pair("train", "raw+itm", "raw"));
    // Without the key, all other rows are the same.
    let plain = CONFIG.replace("rerank: {depth: 6}", "");
    lab.run(&plain.replace("experiment: lab", "experiment: plain"), &[]);
    let marked = |row: &&nnn_report::ScoreRow| !row.cell.method.ends_with("+itm");
    let values = |rows: &[nnn_report::ScoreRow]| {
        let rows = rows.iter().filter(marked);
        rows.map(|row| (row.signature.clone(), row.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&lab.scores("plain")), values(&scores));
}

#[test]
fn what_cannot_be_ranked_again_is_refused_before_anything_is_read() {
    let lab = lab();
    let clip = CONFIG.replace("[blip]", "[blip, clip]");
    lab.refuses(
        clip,
        &[],
        &["model `clip`", "no matching head", "blip, albef"],
    );
    let none = CONFIG.replace("depth: 6", "depth: 0");
    lab.refuses(none, &[], &["rerank.depth", "at least 1"]);
    let deep = CONFIG.replace("depth: 6", "depth: 13");
    lab.refuses(deep, &[], &["rerank.depth", "13", "12 items"]);
    let ties = format!("{CONFIG}ties: optimistic\n");
    lab.refuses(
        ties,
        &[],
        &["`rerank` goes with `ties: index`", "optimistic"],
    );
    let typo = CONFIG.replace("depth: 6", "deep: 6");
    lab.refuses(typo, &[], &["deep", "depth"]);
    let lab = by_dataset();
    let vectors = dataset_config("rerank: {depth: 2}\nmethods: [raw]");
    lab.refuses(vectors, &[], &["`rerank` looks at images and captions"]);
}
