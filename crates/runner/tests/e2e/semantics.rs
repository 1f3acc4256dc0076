//! What the rows of the results mean: which cells there are, how parameters are chosen, how sets are named.

use crate::blocks::drawn;
use crate::lab::Lab;
use crate::vectors::{by_dataset, by_role, dataset_config, role_config};
use nnn_report::{GridRow, ScoreRow, read_grid};

/// The rows of a metric as (direction, reference set, method, parameters, chosen).
fn cells(scores: &[ScoreRow]) -> Vec<[String; 5]> {
    let first = &scores[0].metric;
    let rows = scores.iter().filter(|row| row.metric == *first).map(|row| {
        let cell = row.cell.clone();
        [
            cell.direction,
            cell.reference_set,
            cell.method,
            cell.params,
            cell.chosen,
        ]
    });
    rows.collect()
}

fn grid(lab: &Lab) -> Vec<GridRow> {
    read_grid(&lab.path("results/lab")).expect("a grid")
}

#[test]
fn fixed_values_are_rows_of_their_own() {
    let lab = by_dataset();
    lab.run(
        &dataset_config("methods: [raw, nnn: {k: [2, 4], alpha: [0.5, 1]}]\ndirections: [t2i]"),
        &[],
    );
    let row = |set: &str, method: &str, params: &str, chosen: &str| {
        ["t2i", set, method, params, chosen].map(str::to_owned)
    };
    let expected = [
        row("", "raw", "", ""),
        row("train", "nnn", "k=2,alpha=0.5", "fixed"),
        row("train", "nnn", "k=2,alpha=1", "fixed"),
        row("train", "nnn", "k=4,alpha=0.5", "fixed"),
        row("train", "nnn", "k=4,alpha=1", "fixed"),
    ];
    assert_eq!(cells(&lab.scores("lab")), expected);
    assert!(grid(&lab).is_empty(), "nothing was chosen");
}

#[test]
fn defaults_fill_what_is_left_out() {
    let lab = by_dataset();
    let config = dataset_config("methods: [nnn: {k: 3}, is, dis: {beta: 9}]\ndirections: [t2i]");
    lab.run(&config, &[]);
    let methods = cells(&lab.scores("lab"));
    let params: Vec<_> = methods.iter().map(|cell| cell[3].as_str()).collect();
    assert_eq!(params[0], "k=3,alpha=0.75");
    assert!(params[1].starts_with("beta="), "{params:?}");
    assert_eq!(params[2], "beta=9,k=1");
}

#[test]
fn raw_stands_once_a_task_and_beside_no_reference_set() {
    let lab = drawn(20, 10);
    let config = "
experiment: lab
models: [clip]
datasets: [tiny]
reference_sets: [{name: all}, {share: 0.5, seed: 7}, {share: 0.5}]
methods: [raw, nnn: {k: 1, alpha: 1}]
metrics: [R@1, MRR]
statistics: {resamples: 40, permutations: 40}
";
    lab.run(config, &[]);
    let scores = lab.scores("lab");
    let named = |direction: &str| {
        let of = |cell: &&[String; 5]| cell[0] == direction;
        let cells = cells(&scores);
        cells
            .iter()
            .filter(of)
            .map(|cell| [cell[2].clone(), cell[1].clone()])
            .collect::<Vec<_>>()
    };
    let expected = [
        ["raw", ""],
        ["nnn", "all"],
        ["nnn", "train 50 % seed 7"],
        ["nnn", "train 50 %"],
    ];
    for direction in ["t2i", "i2t"] {
        assert_eq!(named(direction), expected);
    }
    let size = |direction: &str| {
        let of = |row: &&ScoreRow| row.cell.direction == direction && row.metric == "R@1";
        scores
            .iter()
            .filter(of)
            .map(|row| row.cell.reference_size)
            .collect::<Vec<_>>()
    };
    assert_eq!(size("t2i"), [0, 100, 50, 50]);
    assert_eq!(size("i2t"), [0, 20, 10, 10]);
    assert!(
        scores
            .iter()
            .all(|row| (row.cell.method == "raw") == row.gain.is_none())
    );
}

fn tuned(choose: &str) -> Lab {
    let lab = by_dataset();
    let methods = format!(
        "methods: [raw, nnn: {{k: [1, 4, 9], alpha: [0.25, 1]}}]
choose: {choose}
hold_out: {{images: 10}}
metrics: [R@1, R@5]
directions: [t2i]"
    );
    lab.run(&dataset_config(&methods), &[]);
    lab
}

/// The place of the best value; of equal ones the first.
fn best(grid: &[&GridRow]) -> usize {
    let better = |best: usize, row: usize| {
        if grid[row].value > grid[best].value {
            row
        } else {
            best
        }
    };
    (0..grid.len()).fold(0, better)
}

/// Expects the reported point to be the best of those tried on `place`, each tried once.
fn assert_best_of(lab: &Lab, place: &str, chosen: &str, queries: usize) {
    let rows = grid(lab);
    let tried: Vec<&GridRow> = rows
        .iter()
        .filter(|row| row.evaluated_on == place)
        .collect();
    assert_eq!(tried.len(), 6);
    assert!(
        tried
            .iter()
            .all(|row| row.n_queries == queries && row.metric == "R@1")
    );
    let winner = best(&tried);
    assert!(
        tried
            .iter()
            .enumerate()
            .all(|(at, row)| row.selected == (at == winner))
    );
    let scores = lab.scores("lab");
    let reported: Vec<_> = scores
        .iter()
        .filter(|row| row.cell.method == "nnn")
        .collect();
    assert!(!reported.is_empty());
    for row in reported {
        assert_eq!(
            (row.cell.params.as_str(), row.cell.chosen.as_str()),
            (tried[winner].cell.params.as_str(), chosen)
        );
    }
}

#[test]
fn validation_takes_the_best_point_of_the_held_out_items() {
    // Ten held-out images have twenty texts; fourteen images stay in the bank.
    let lab = tuned("validation");
    assert_best_of(&lab, "validation", "validation", 20);
    let scores = lab.scores("lab");
    let nnn = scores
        .iter()
        .find(|row| row.cell.method == "nnn")
        .expect("a row");
    assert_eq!((nnn.cell.reference_size, nnn.n_queries), (28, 48));
    // What the points do on the evaluated items is recorded, and chooses nothing.
    let rows = grid(&lab);
    let on_test: Vec<_> = rows
        .iter()
        .filter(|row| row.evaluated_on == "test")
        .collect();
    assert_eq!(on_test.len(), 6);
    let reported = on_test
        .iter()
        .find(|row| row.selected)
        .expect("the chosen point");
    assert_eq!(reported.value, nnn.value);
}

#[test]
fn oracle_takes_the_best_point_of_the_evaluated_items() {
    let lab = tuned("oracle");
    assert_best_of(&lab, "test", "oracle", 48);
    assert!(grid(&lab).iter().all(|row| row.evaluated_on == "test"));
}

#[test]
fn the_first_of_equal_points_wins() {
    // Without weight every k is raw, so that all points are equal.
    let lab = by_dataset();
    let config =
        "methods: [nnn: {k: [7, 2, 5], alpha: 0}]\nchoose: validation\nhold_out: {images: 10}";
    lab.run(&dataset_config(config), &[]);
    let scores = lab.scores("lab");
    assert!(
        scores.iter().all(|row| row.cell.params == "k=7,alpha=0"),
        "{:?}",
        cells(&scores)
    );
    assert!(
        scores
            .iter()
            .all(|row| row.gain.as_ref().is_some_and(|gain| gain.delta == 0.0))
    );
}

#[test]
fn the_objective_may_be_better_when_lower() {
    let lab = by_dataset();
    let config = "methods: [nnn: {k: [1, 4, 9], alpha: [0.25, 1]}]
choose: oracle
objective: MeanR
metrics: [MeanR]
directions: [t2i]";
    lab.run(&dataset_config(config), &[]);
    let rows = grid(&lab);
    let lowest = rows
        .iter()
        .map(|row| row.value)
        .fold(f64::INFINITY, f64::min);
    assert_eq!(lab.scores("lab")[0].value, lowest);
}

#[test]
fn a_split_is_evaluated_by_its_name() {
    let lab = by_dataset();
    let swapped = "split: train\nreference_sets: [{split: test}]";
    lab.run(&dataset_config(swapped), &[]);
    let scores = lab.scores("lab");
    assert!(scores.iter().all(|row| row.cell.split == "train"));
    let nnn = scores
        .iter()
        .find(|row| row.cell.method == "nnn")
        .expect("a row");
    assert_eq!(nnn.cell.reference_set, "test");
}

#[test]
fn a_signature_names_everything() {
    let lab = by_dataset();
    lab.run(&dataset_config(""), &[]);
    let scores = lab.scores("lab");
    let row = scores
        .iter()
        .find(|row| row.cell.method == "nnn")
        .expect("a row");
    let keys: Vec<_> = row
        .signature
        .split('|')
        .map(|part| part.split(':').next().unwrap_or_default())
        .collect();
    let expected = [
        "R@1", "t2i", "data", "split", "model", "dtype", "bank", "method", "chosen", "topk",
        "ties", "v",
    ];
    assert_eq!(keys, expected);
    assert!(
        row.signature
            .contains("|bank:made-up/train(share=1,seed=0,n=48)#"),
        "{}",
        row.signature
    );
    assert!(
        row.signature.contains("|method:nnn(k=4,alpha=0.5)|"),
        "{}",
        row.signature
    );
    let all: std::collections::BTreeSet<_> = scores.iter().map(|row| &row.signature).collect();
    assert_eq!(all.len(), scores.len(), "no two rows have one signature");
}

#[test]
fn vectors_by_role() {
    let lab = by_role();
    lab.run(&role_config("query_to_gallery"), &[]);
    let scores = lab.scores("lab");
    let nnn = scores
        .iter()
        .find(|row| row.cell.method == "nnn")
        .expect("a row");
    assert_eq!(
        (nnn.n_queries, nnn.n_gallery, nnn.cell.reference_size),
        (30, 20, 30)
    );
    assert_eq!(nnn.cell.model, "made-up");
    assert_eq!((nnn.cluster.as_str(), nnn.n_clusters), ("gallery item", 20));
    let biases = lab.files("results/lab/bias");
    // A header of 128 bytes and one f32 a gallery item.
    assert_eq!(
        biases.values().map(Vec::len).collect::<Vec<_>>(),
        [128 + 4 * 20]
    );
}

#[test]
fn parameters_for_vectors_by_role_are_chosen_on_past_queries_with_answers() {
    let lab = by_role();
    let answers =
        "reference_queries: {file: past.npy}\n      reference_to_gallery: {file: answers.json}";
    let config =
        role_config("query_to_gallery").replace("reference_queries: {file: past.npy}", answers);
    let search = "methods: [raw, nnn: {k: [1, 4, 9], alpha: [0.25, 1]}]\nchoose: validation\nhold_out: {images: 12}";
    let config = config.replace("methods: [raw, nnn: {k: 4, alpha: 0.5}]", search);
    lab.run(&config, &[]);
    // Twelve of thirty past queries choose, the others are the bank.
    assert_best_of(&lab, "validation", "validation", 12);
    let scores = lab.scores("lab");
    let nnn = scores
        .iter()
        .find(|row| row.cell.method == "nnn")
        .expect("a row");
    assert_eq!((nnn.cell.reference_size, nnn.n_queries), (18, 30));
}

#[test]
fn vectors_by_role_without_answers_choose_nothing() {
    let search = "methods: [nnn: {k: [1, 4]}]\nchoose: validation";
    let config =
        role_config("query_to_gallery").replace("methods: [raw, nnn: {k: 4, alpha: 0.5}]", search);
    let parts = [
        "choose: validation",
        "reference_to_gallery",
        "choose: fixed",
    ];
    by_role().refuses(config, &[], &parts);
}

#[test]
fn inputs_are_recorded_with_their_checksums() {
    let lab = by_dataset();
    lab.run(&dataset_config(""), &[]);
    let record = lab.record("lab");
    assert_eq!(record["complete"], true);
    let files = record["inputs"][0]["files"].as_object().expect("files");
    assert_eq!(files.len(), 4);
    for (file, sum) in files {
        let found = nnn_files::sha256_file(&lab.path(file)).expect("an input");
        assert_eq!(*sum, found, "{file}");
    }
}
