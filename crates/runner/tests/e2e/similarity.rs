//! Matrices of similarities in place of vectors, by the protocols of QB-Norm and DBNorm for video retrieval.

use crate::lab::{Lab, workspace};
use crate::vectors::npy;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What `tools/reference/similarity_goldens.py` made.
fn golden(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/similarity");
    folder.join(name)
}

/// A lab with all published matrices.
fn lab() -> Lab {
    let lab = Lab::new();
    for name in [
        "t2i.npy",
        "mask.npy",
        "train.npz",
        "videos.npy",
        "captions.npy",
    ] {
        lab.write(name, fs::read(golden(name)).expect("a golden file"));
    }
    lab
}

const REST: &str = "
metrics: [R@1, R@5, MedR]
statistics: {resamples: 40, permutations: 40}
";

fn config(direction: &str, reference: &str, methods: &str) -> String {
    format!(
        "
experiment: lab
embeddings:
  - name: videos
    model: made-up
    direction: {direction}
    by_similarity:
      similarities: [{{file: t2i.npy}}]
      captions_per_item: 4
      text_mask: {{file: mask.npy}}
{reference}
methods: [raw, nnn: {{k: 8, alpha: 0.75}}, csls: {{k: 10}}, is: {{beta: 20}}, dis: {{beta: 20}}{methods}]
{REST}"
    )
}

fn t2i(methods: &str) -> String {
    let reference =
        "      reference_queries: [{file: train.npz, key: first}, {file: train.npz, key: second}]
      reference_gallery: [{file: videos.npy}]";
    config("t2i", reference, methods)
}

fn i2t() -> String {
    config("i2t", "      reference_queries: [{file: captions.npy}]", "")
}

/// Compares every score with the independent script's.
fn check(lab: &Lab, direction: &str, methods: usize) {
    let expected = fs::read_to_string(golden("expected.json")).expect("a golden file");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    let scores = lab.scores("lab");
    assert_eq!(scores.len(), 3 * methods);
    for row in scores {
        let want = &expected[direction][&row.cell.method][&row.metric];
        assert_eq!(row.cell.direction, direction);
        let cluster = if direction == "t2i" {
            "gallery item"
        } else {
            "query"
        };
        assert_eq!(row.cluster, cluster);
        let off = row.value - want.as_f64().expect("a number");
        assert!(off.abs() < 1e-12, "{}: {}", row.signature, row.value);
    }
}

#[test]
fn captions_find_videos_as_published() {
    let lab = lab();
    lab.run(&t2i(", dualis: {beta1: 3, beta2: 20}"), &[]);
    check(&lab, "t2i", 6);
    let inputs = lab.record("lab")["inputs"].to_string();
    for file in ["t2i.npy", "mask.npy", "train.npz", "videos.npy"] {
        assert!(inputs.contains(file), "{inputs}");
    }
}

#[test]
fn videos_find_the_best_of_their_captions() {
    let lab = lab();
    lab.run(&i2t(), &[]);
    check(&lab, "i2t", 5);
}

/// The same texts by a list of their items, as another program may write them.
#[test]
fn items_of_texts_may_be_listed() {
    let lab = lab();
    let owners: Vec<usize> = (0..120).map(|text| text / 4).collect();
    lab.write("owners.json", serde_json::to_vec(&owners).expect("JSON"));
    let config = i2t().replace("captions_per_item: 4", "text_to_item: {file: owners.json}");
    lab.run(&config, &[]);
    check(&lab, "i2t", 5);
}

/// Guards against splits, directions and reference sets beside similarities that were passed over without a word, and against
/// advice to give a key that similarities do not have.
#[test]
fn what_reads_vectors_is_refused() {
    let lab = lab();
    let parts = ["`videos`", "given by similarity", "abtt, dissimlocal"];
    lab.refuses(t2i(", abtt, dissimlocal"), &[], &parts);
    let search = format!(
        "{}compute: {{bank_search: {{ivf: {{lists: 2, probes: 1}}}}}}\n",
        t2i("")
    );
    lab.refuses(search, &[], &["compute.bank_search"]);
    for (line, parts) in [
        ("directions: [i2t]\n", ["`directions`", "t2i", "`videos`"]),
        ("split: validation\n", ["`split`", "no splits", "`videos`"]),
        (
            "reference_sets: [{split: train, share: 0.5}]\n",
            ["`reference_sets`", "no splits", "`videos`"],
        ),
    ] {
        lab.refuses(t2i("") + line, &[], &parts);
    }
    let lonely = t2i(", dualis").replace("      reference_gallery: [{file: videos.npy}]\n", "");
    let parts = ["`dualis`", "gallery bank", "reference_gallery"];
    lab.refuses(lonely, &[], &parts);
    let parts = ["choose: validation", "choose: fixed", "similarities"];
    let tuned = t2i("").replace("nnn: {k: 8, alpha: 0.75}", "nnn");
    lab.refuses(tuned + "choose: validation\n", &[], &parts);
}

/// Guards against a mask with rows and columns exchanged, which has as many entries, against values of a mask other than 0 and
/// 1, and against places that were counted after masking instead of in the file.
#[test]
fn matrices_that_do_not_fit_are_named() {
    let lab = lab();
    let wrong = |from: &str, to: &str, parts: &[&str]| {
        let config = t2i("").replace(from, to);
        lab.refuses(config, &[], &[&["`videos`"], parts].concat());
    };
    let count = [
        "similarities",
        "t2i.npy",
        "120 rows",
        "30 items with 5 captions each",
    ];
    wrong("captions_per_item: 4", "captions_per_item: 5", &count);
    let none = ["none of captions_per_item and text_to_item"];
    wrong("      captions_per_item: 4\n", "", &none);
    let key = ["train.npz", "first", "second"];
    wrong("key: first", "key: third", &key);
    let mask = ["reference_mask", "mask.npy", "120 entries", "90"];
    let masked = "      reference_mask: {file: mask.npy}\n      reference_gallery:";
    wrong("      reference_gallery:", masked, &mask);
    let columns = ["reference_gallery", "captions.npy", "120 columns", "30"];
    wrong("file: videos.npy", "file: captions.npy", &columns);
    let mask = fs::read(golden("mask.npy")).expect("a golden file");
    let shape = mask.windows(7).position(|text| text == b"(30, 4)");
    let shape = shape.expect("a shape");
    let mut turned = mask.clone();
    turned[shape..shape + 7].copy_from_slice(b"(4, 30)");
    lab.write("mask.npy", &turned);
    let shapes = ["text_mask", "mask.npy", "[4, 30]", "[30, 4]"];
    wrong("", "", &shapes);
    let mut odd = mask.clone();
    *odd.last_mut().expect("a value") = 2;
    lab.write("mask.npy", &odd);
    wrong("", "", &["mask.npy", "entry 119 is 2", "0 or 1"]);
    lab.write("mask.npy", &mask);
    let mut rows = vec![vec![0.5; 30]; 120];
    rows[7][3] = 20.0;
    lab.write("t2i.npy", npy(&rows));
    wrong(
        "",
        "",
        &["similarities", "t2i.npy", "row 7, column 3 is 20", "cosine"],
    );
    rows.pop();
    lab.write("t2i.npy", &npy(&rows)[..4000]);
    wrong("", "", &["t2i.npy", "truncated"]);
}

/// `configs/videos.yaml` on small matrices of the names that it has.
#[test]
fn the_template_for_videos_runs() {
    let template = fs::read_to_string(workspace().join("configs/videos.yaml")).expect("a template");
    let lab = lab();
    for (name, ours) in [("test.npy", "t2i.npy"), ("masks.npy", "mask.npy")] {
        assert!(template.contains(name));
        lab.write(name, fs::read(golden(ours)).expect("a golden file"));
    }
    let captions = "captions_per_item: 20 ";
    assert!(template.contains(captions));
    let config = template.replace(captions, "captions_per_item: 4 ");
    let blocks = "[{file: train.npz, key: first}, {file: train.npz, key: second}]";
    let config = config.replace("[{file: train.npy}]", blocks);
    lab.run(&config, &[]);
    let expected = fs::read_to_string(golden("expected.json")).expect("a golden file");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    let scores = lab.scores("videos");
    for method in ["raw", "is", "dis"] {
        let row = scores
            .iter()
            .find(|row| row.cell.method == method && row.metric == "R@1");
        let want = expected["t2i"][method]["R@1"].as_f64().expect("a number");
        assert!((row.expect("a row").value - want).abs() < 1e-12, "{method}");
    }
}
