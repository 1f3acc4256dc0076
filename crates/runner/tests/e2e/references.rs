//! Reference sets of the user's own queries and without repeats, and how many captions of an image are evaluated.

use crate::bad_images::{CONFIG, folder};
use crate::lab::Lab;
use std::fs;

/// Text queries only: the first config of [`CONFIG`] with `rest`.
fn t2i(rest: &str) -> String {
    format!("{CONFIG}directions: [t2i]\n{rest}")
}

/// Size and name of the reference set of the rows of `nnn`.
fn reference(lab: &Lab) -> (usize, String) {
    let scores = lab.scores("lab");
    let nnn = scores.iter().find(|row| row.cell.method == "nnn");
    let cell = &nnn.expect("a row").cell;
    (cell.reference_size, cell.reference_set.clone())
}

/// What reads the evaluated queries alone is the same for every reference set; beside a single one it is compared with the others.
#[test]
fn a_transductive_method_is_measured_once() {
    let sets = |lab: &Lab| {
        let scores = lab.scores("lab");
        let rows = scores
            .iter()
            .filter(|row| row.cell.method == "dsl" && row.metric == "R@1");
        let found = rows.map(|row| (row.cell.reference_set.clone(), row.value.to_bits()));
        found.collect::<Vec<_>>()
    };
    let methods = "methods: [raw, nnn: {k: 2, alpha: 0.5}, dsl: {beta: [1, 20]}]\nchoose: validation\nhold_out: {images: 2}\n";
    let run = |references: &str| {
        let lab = folder();
        let config = t2i(&format!("reference_sets: [{references}]"))
            .replace("methods: [raw, nnn: {k: 2, alpha: 0.5}]\n", methods);
        lab.run(&config, &[]);
        sets(&lab)
    };
    let (one, two) = (
        run("{share: 1}"),
        run("{share: 1}, {name: half, share: 0.5}"),
    );
    assert_eq!((one.len(), two.len()), (1, 1));
    assert_ne!(one[0].0, two[0].0);
    assert_eq!(one[0].1, two[0].1, "chosen on the same hold-out");
}

#[test]
fn queries_of_ones_own_are_a_reference_set() {
    let lab = folder();
    let queries = "\u{feff}a red circle\r\n\n  two squares on a blue wall \na star\n";
    lab.write("asked/queries.txt", queries);
    lab.run(
        &t2i("reference_sets: [{texts: {file: asked/queries.txt}}]"),
        &[],
    );
    assert_eq!(reference(&lab), (3, "asked/queries.txt".to_owned()));
    let first = lab.files("results");

    // The same as a column, by another name.
    lab.write(
        "queries.csv",
        "n,query\n1,a red circle\n2,two squares on a blue wall\n3,a star\n",
    );
    let config =
        t2i("reference_sets: [{name: asked/queries.txt, texts: {file: queries.csv, key: query}}]");
    lab.run(&config, &[]);
    let bias = |files: &crate::lab::Files| {
        let found = files
            .iter()
            .find(|(name, _)| name.contains("/bias/") || name.contains("bias"));
        found.map(|(_, bytes)| bytes.clone())
    };
    assert!(bias(&first).is_some());
    assert_eq!(bias(&lab.files("results")), bias(&first));
    let inputs = lab.record("lab")["inputs"].to_string();
    assert!(inputs.contains("queries.csv"), "{inputs}");
}

/// Guards against a first text that was lost as a header, and against commas that were taken for columns.
#[test]
fn queries_in_a_table_without_a_header() {
    let lab = folder();
    let size = |file: &str, content: &str| {
        lab.write(file, content);
        lab.run(
            &t2i(&format!("reference_sets: [{{texts: {{file: {file}}}}}]")),
            &[],
        );
        reference(&lab).0
    };
    assert_eq!(size("a.csv", "a red circle\na star\n"), 2);
    assert_eq!(size("b.csv", "a red circle, on a wall\na star\n"), 2);
    assert_eq!(size("c.csv", "past_queries\na red circle\na star\n"), 2);
    assert_eq!(size("d.csv", "Caption\ncircle\nstar\n"), 2);
    assert_eq!(size("e.tsv", "a red circle, \"big\"\na star\n\"a\n"), 3);
    lab.write("f.csv", "shoes\nred shoes\nboots\n");
    lab.refuses(
        t2i("reference_sets: [{texts: {file: f.csv}}]"),
        &[],
        &[
            "f.csv: line 1",
            "\"shoes\" may be a header or a text",
            "`key: shoes`",
            ".txt",
        ],
    );
    lab.write("g.csv", "12,a red circle\n13,a star\n");
    lab.refuses(
        t2i("reference_sets: [{texts: {file: g.csv}}]"),
        &[],
        &["g.csv", "a key is needed"],
    );
}

/// Guards against a `split` beside `texts` that was passed over without a word.
#[test]
fn queries_that_cannot_be_a_reference_set() {
    let lab = folder();
    let set = "reference_sets: [{texts: {file: queries.txt}}]\n";
    lab.write("queries.txt", "a star\n");
    let parts = ["reference set `queries.txt`", "only be asked in t2i"];
    lab.refuses(format!("{CONFIG}{set}"), &[], &parts);
    let both = "reference_sets: [{dataset: folder, texts: {file: queries.txt}}]\n";
    lab.refuses(
        t2i(both),
        &[],
        &["`texts` and `dataset` exclude each other"],
    );
    let both = "reference_sets: [{split: train, texts: {file: queries.txt}}]\n";
    lab.refuses(
        t2i(both),
        &[],
        &["reference set `queries.txt`: `texts` and `split` exclude each other"],
    );
    let second = t2i(set).replace("raw, nnn: {k: 2, alpha: 0.5}", "raw, dualis");
    let parts = ["reference set `queries.txt`", "gallery bank"];
    lab.refuses(second, &[], &parts);
    let parts = ["k = 2", "which has 1 item"];
    lab.refuses(t2i(set), &[], &parts);
    lab.write("queries.txt", "\n \n");
    lab.refuses(t2i(set), &[], &["queries.txt", "texts", "0"]);
    lab.write("queries.txt", b"a star\n\xff\n");
    lab.refuses(t2i(set), &[], &["queries.txt", "line 2", "UTF-8"]);
    fs::remove_file(lab.path("queries.txt")).expect("a file");
    lab.refuses(t2i(set), &[], &["queries.txt"]);
}

#[test]
fn repeated_captions_are_left_out_where_asked() {
    let lab = folder();
    let path = lab.path("pictures/captions.csv");
    let table = fs::read_to_string(&path).expect("captions");
    // The first three captions of the training split become one.
    let mut rows = table.lines().map(str::to_owned).collect::<Vec<_>>();
    let train = rows
        .iter_mut()
        .filter(|row| row.contains(",train,"))
        .take(3);
    for (row, wording) in train.zip(["A red star", "a  red star", "a Red star"]) {
        let end = row.find(",train,").expect("a split") + ",train,".len();
        row.replace_range(end.., wording);
    }
    fs::write(&path, rows.join("\n") + "\n").expect("captions");
    let set = "reference_sets: [{split: train}, {split: train, deduplicate: true}]";
    lab.run(&t2i(set), &[]);
    let scores = lab.scores("lab");
    let mut sizes: Vec<_> = (scores.iter())
        .filter(|row| row.cell.method == "nnn" && row.metric == "R@1")
        .map(|row| (row.cell.reference_set.as_str(), row.cell.reference_size))
        .collect();
    sizes.sort_unstable();
    let warning = &lab.warnings("lab", "repeats_left_out")[0];
    let left_out = warning["captions"].as_u64().expect("a number") as usize;
    assert!(left_out >= 2, "{warning}");
    assert_eq!(
        sizes,
        [("train", 30), ("train deduplicated", 30 - left_out)]
    );
    let row = scores
        .iter()
        .find(|row| row.cell.reference_set == "train deduplicated");
    let signature = &row.expect("a row").signature;
    assert!(signature.contains("deduplicated"), "{signature}");
}

#[test]
fn the_first_captions_of_each_image_can_be_evaluated_alone() {
    let lab = folder();
    lab.run(&format!("{CONFIG}captions_per_image: 2\n"), &[]);
    let scores = lab.scores("lab");
    for row in scores {
        let (queries, gallery) = match row.cell.direction.as_str() {
            "t2i" => (10, 5),
            _ => (5, 10),
        };
        assert_eq!((row.n_queries, row.n_gallery), (queries, gallery));
        assert_eq!(row.cell.split, "test, first 2 captions");
        if row.cell.method == "nnn" && row.cell.direction == "t2i" {
            assert_eq!(row.cell.reference_size, 30, "reference sets keep theirs");
        }
    }
    lab.refuses(
        format!("{CONFIG}captions_per_image: 0\n"),
        &[],
        &["captions_per_image"],
    );
}
