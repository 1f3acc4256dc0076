//! Two groups of gallery items: vectors by role with classes and groups, and VisoGender's card against a server on loopback.

use crate::archives::items;
use crate::blocks::drawn;
use crate::lab::{Lab, assert_same, lasting, workspace};
use crate::vectors::{GALLERY, QUERIES, by_role, json};
use nnn_report::{QueryTable, ScoreRow, read_queries};
use nnn_testkit::hub::{Resource, Server};
use std::fs;

const GROUPS: &str = "groups: {file: labels.json, key: group}, group_names: [a, b]";
const CLASSES: &str =
    "gallery_classes: {file: labels.json, key: class}, query_classes: {file: asked.json}";

/// Four classes in turn; the groups, of which one item in seven has none.
fn class(item: usize) -> String {
    format!("class {}", item % 4)
}

fn group(item: usize) -> &'static str {
    match item % 7 {
        3 => "",
        odd if odd % 2 == 1 => "a",
        _ => "b",
    }
}

fn lab() -> Lab {
    let lab = by_role();
    let labels = |label: &dyn Fn(usize) -> String| (0..GALLERY).map(label).collect::<Vec<_>>();
    let columns = serde_json::json!({
        "class": labels(&class),
        "group": labels(&|item| group(item).to_owned()),
    });
    lab.write("labels.json", json(&columns));
    let asked: Vec<String> = (0..QUERIES).map(class).collect();
    lab.write("asked.json", json(&asked));
    lab
}

fn config(keys: &[&str], rest: &str) -> String {
    format!(
        "
experiment: lab
embeddings:
  - name: made-up
    by_role: {{gallery: {{file: gallery.npy}}, queries: {{file: queries.npy}}, reference_queries: {{file: past.npy}}, {}}}
methods: [raw, nnn: {{k: 4, alpha: 0.5}}]
statistics: {{resamples: 40, permutations: 40}}
{rest}
",
        keys.join(", ")
    )
}

const METRICS: &str =
    "metrics: [bias@6, abs_bias@6, sd(bias@6), class_bias@3, skew@3, max_skew@3, NDKL, P@5]";

fn value(scores: &[ScoreRow], method: &str, metric: &str) -> f64 {
    let found = scores
        .iter()
        .find(|row| row.cell.method == method && row.metric == metric);
    found.expect("a score").value
}

fn queries(lab: &Lab) -> QueryTable {
    let folder = lab.path("results/lab/queries");
    let file = fs::read_dir(folder)
        .expect("a folder")
        .next()
        .expect("a file");
    read_queries(&file.expect("an entry").path()).expect("lists")
}

/// Guards against a caption that leaves it to `run.json` which group a positive value means.
#[test]
fn biases_are_those_of_the_lists() {
    let lab = lab();
    lab.run(&config(&[CLASSES, GROUPS], METRICS), &[]);
    let scores = lab.scores("lab");
    // Queries of one class are resampled together, and the caption says so and which group a sign means.
    let classes = (0..QUERIES)
        .map(class)
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    assert!(
        scores
            .iter()
            .all(|row| row.cluster == "class" && row.n_clusters == classes)
    );
    let table = lab.files("results/lab/tables");
    let caption = String::from_utf8_lossy(&table["bias_t2i.md"]);
    let sign = "The first and the second group: a, b; positive: more of the first, negative: more of the second.";
    assert!(caption.contains(sign), "{caption}");
    let lists = queries(&lab);
    for column in &lists.methods {
        let of = |query: usize| {
            let head = &column.top[query * column.top_width..][..6];
            let side = |&item: &u32| match group(item as usize) {
                "a" => 1.0,
                "b" => -1.0,
                _ => 0.0,
            };
            head.iter().map(side).sum::<f64>() / 6.0
        };
        let biases: Vec<f64> = (0..QUERIES).map(of).collect();
        let mean = biases.iter().sum::<f64>() / QUERIES as f64;
        let size = biases.iter().map(|bias| bias.abs()).sum::<f64>() / QUERIES as f64;
        let method = column.method.split('(').next().expect("a name");
        assert!((value(&scores, method, "bias@6") - mean).abs() < 1e-12);
        assert!((value(&scores, method, "abs_bias@6") - size).abs() < 1e-12);
    }
    let record = lab.record("lab");
    let labels = &record["inputs"][0]["labels"]["gallery"]["groups"];
    let sizes = ["a", "b"].map(|name| (0..GALLERY).filter(|&item| group(item) == name).count());
    let expected = serde_json::json!([
        {"name": "a", "images": sizes[0]}, {"name": "b", "images": sizes[1]}
    ]);
    assert_eq!(*labels, expected);
    assert!(
        scores.iter().all(|row| row.signature.contains("[a,b]|")),
        "{}",
        scores[0].signature
    );
    let files = lab.files("results/lab");
    for table in ["tables/bias_t2i.md", "tables/classes_t2i.md", "classes.csv"] {
        assert!(files.contains_key(table), "{:?}", files.keys());
    }
    let classes = String::from_utf8(files["classes.csv"].clone()).expect("text");
    // Two methods, five metrics of groups with a value a query, four classes.
    assert_eq!(classes.lines().count(), 1 + 2 * 6 * 4, "{classes}");
}

/// The name given first is what a positive bias favours.
#[test]
fn the_order_of_the_names_is_the_sign() {
    let lab = lab();
    lab.run(&config(&[CLASSES, GROUPS], METRICS), &[]);
    let before = lab.scores("lab");
    let swapped = GROUPS.replace("[a, b]", "[b, a]");
    lab.run(&config(&[CLASSES, &swapped], METRICS), &[]);
    let after = lab.scores("lab");
    for metric in ["bias@6", "class_bias@3"] {
        let (a, b) = (value(&before, "raw", metric), value(&after, "raw", metric));
        assert!(a != 0.0 && (a + b).abs() < 1e-12, "{metric}: {a} and {b}");
    }
    for metric in ["abs_bias@6", "NDKL", "P@5", "sd(bias@6)"] {
        let (a, b) = (value(&before, "raw", metric), value(&after, "raw", metric));
        assert!((a - b).abs() < 1e-12, "{metric}: {a} and {b}");
    }
}

#[test]
fn groups_alone_are_measured_over_whole_lists() {
    let lab = lab();
    let ended = lab.run(
        &config(&[GROUPS], "metrics: [bias@5, class_bias@5, R@1]"),
        &[],
    );
    assert_eq!(
        lab.warnings("lab", "everything_answers").len(),
        1,
        "{}",
        ended.stderr
    );
    let scores = lab.scores("lab");
    assert_eq!(value(&scores, "raw", "R@1"), 1.0);
    assert!(!lab.files("results/lab").contains_key("classes.csv"));
}

#[test]
fn metrics_of_groups_want_groups() {
    let lab = lab();
    let parts = ["metric `bias@6` reads which of two groups the gallery items belong to"];
    lab.refuses(config(&[CLASSES], METRICS), &[], &parts);
    let objective = "metrics: [R@1]\nobjective: abs_bias@5\nchoose: oracle\n";
    let tuned = config(&[CLASSES], objective).replace("{k: 4, alpha", "{k: [2, 4], alpha");
    lab.refuses(
        &tuned,
        &[],
        &[
            "`objective`",
            "metric `abs_bias@5` reads which of two groups",
        ],
    );
    lab.refuses(
        config(&[CLASSES, GROUPS], "metrics: [bias@21]"),
        &[],
        &["metric `bias@21` needs a gallery of at least 21 items, found 20"],
    );
    lab.refuses(
        config(&[CLASSES, GROUPS], "metrics: [sd(MedR)]"),
        &[],
        &["`sd(MedR)`: expected `sd(M)` with M a metric that is a mean over queries"],
    );
    lab.refuses(
        config(
            &[CLASSES, "groups: {file: labels.json, key: group}"],
            METRICS,
        ),
        &[],
        &["`groups` is given without `group_names`"],
    );
    // With groups the same objective chooses.
    lab.run(
        &tuned.replace(CLASSES, &format!("{CLASSES}, {GROUPS}")),
        &[],
    );
}

const HEADER: &str = "IDX\tSector\tSpecialisation\tOccupation\tObject\tURL type (Type NA if can't find)\tLICENSE OK?\tOccupation_perceived_gender\tError codes\tAnnotator";

/// Three occupations with four photographs each; what is at their addresses: of two nothing that is a photograph.
fn visogender() -> (Lab, Server) {
    let lab = drawn(12, 2);
    let server = Server::start().expect("a server");
    let mut lines = vec![HEADER.to_owned()];
    for (at, item) in items(8, 12, |id| format!("{id}")).into_iter().enumerate() {
        let (occupation, object) = [
            ("nurse", "chart"),
            ("judge", "gavel"),
            ("baker", "mixing spoon"),
        ][at / 4];
        let object = if at == 9 { "mixing_spoon" } else { object };
        let gender = ["masculine", "feminine"][at % 2];
        let url = format!("{}/photo-{at}?w=600", server.url());
        lines.push(format!(
            "OO_{at}\ts\ts\t{occupation}\t{object}\t{url}\tYes\t{gender}\t\tA"
        ));
        match at {
            2 => {}
            7 => server.put(
                "/photo-7",
                Resource::plain(b"<html>This photograph is gone.</html>"),
            ),
            _ => server.put(&format!("/photo-{at}"), Resource::plain(&item.content)),
        }
    }
    let card =
        fs::read_to_string(workspace().join("configs/datasets/visogender.yaml")).expect("a card");
    let (_, path) = card
        .split_once("https://raw.githubusercontent.com")
        .expect("the address");
    let path = path.split(']').next().expect("its end");
    server.put(path, Resource::plain(lines.join("\r\n").as_bytes()));
    let (before, after) = card.split_once("sha256:").expect("checksums");
    let (_, notes) = after.split_once("notes:").expect("notes");
    let card = format!("{before}notes:{notes}")
        .replace("https://raw.githubusercontent.com", &server.url())
        .replace("{images: 230, texts: 23}", "{images: 12, texts: 3}");
    lab.write("datasets/visogender.yaml", card);
    (lab, server)
}

const STUDY: &str = "
experiment: lab
models: [clip]
datasets: [visogender]
directions: [t2i]
reference_sets: [{name: captions, dataset: tiny, split: train}]
methods: [raw, nnn: {k: 16, alpha: 0.75}]
metrics: [bias@2, bias@6, class_bias@2, NDKL, P@1, P@5, sd(bias@6)]
statistics: {resamples: 40, permutations: 40}
";

#[test]
fn visogender_with_photographs_that_are_gone() {
    let (lab, server) = visogender();
    lab.refuses(
        STUDY,
        &[],
        &[
            "visogender",
            "of 12 images",
            "compute.on_error: skip",
            "OO_2",
        ],
    );
    let config = format!("{STUDY}compute: {{on_error: skip}}\n");
    let ended = lab.run(&config, &[]);
    let skipped = lab.warnings("lab", "images_skipped");
    let images = skipped[0]["images"].as_object().expect("images");
    assert_eq!(
        images.keys().collect::<Vec<_>>(),
        ["OO_2", "OO_7"],
        "{}",
        ended.stderr
    );
    let left_out = lab.warnings("lab", "left_out");
    let finding = left_out[0]["finding"].as_str().expect("words");
    assert!(
        finding.contains("\"mixing spoon\" for \"mixing_spoon\""),
        "{finding}"
    );
    let record = lab.record("lab");
    let inputs = record["inputs"].as_array().expect("inputs");
    let data = inputs
        .iter()
        .find(|input| input["data"] == "visogender")
        .expect("the data set");
    let expected = serde_json::json!({
        "groups": [{"name": "masculine", "images": 5}, {"name": "feminine", "images": 5}],
        "classes": {"baker": 4, "judge": 3, "nurse": 3},
    });
    assert_eq!(data["labels"]["test"], expected);
    let scores = lab.scores("lab");
    assert!(
        scores
            .iter()
            .all(|row| (row.n_queries, row.n_gallery) == (3, 10))
    );
    assert_eq!(
        queries(&lab).query_ids[2],
        "The baker and their mixing spoon."
    );
    let table = fs::read_to_string(lab.path("results/lab/tables/classes_t2i.md")).expect("a table");
    assert!(table.contains("| judge | 3 "), "{table}");
    let expected = lasting(&lab.files("results"));
    fs::remove_dir_all(lab.path("results")).expect("removed");
    drop(server);
    lab.run(&config, &["--offline"]);
    assert_same(&lasting(&lab.files("results")), &expected);
}
