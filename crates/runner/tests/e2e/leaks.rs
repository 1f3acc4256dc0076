//! Reference sets that hold evaluated items.

use crate::lab::Lab;
use crate::vectors::{
    IMAGES, Matrix, Noise, QUERIES, by_dataset, by_role, dataset_config, npy, role_config,
};

/// The `IMAGES` vectors with the last `copies` of the train half overwritten by those of the test half.
fn with_copies(copies: usize) -> Matrix {
    let mut images = Noise(9).rows(IMAGES);
    let half = IMAGES / 2;
    for copy in 1..=copies {
        images[half - copy] = images[IMAGES - copy].clone();
    }
    images
}

#[test]
fn the_evaluated_split_is_no_reference_set() {
    let lab = by_dataset();
    let config = dataset_config("reference_sets: [{split: test}]");
    let parts = [
        "reference set `test`",
        "made-up/test",
        "evaluated",
        "transductive: true",
    ];
    lab.refuses(config, &[], &parts);
}

#[test]
fn it_is_one_when_marked_and_stays_marked() {
    let lab = by_dataset();
    let config = dataset_config("reference_sets: [{split: test, transductive: true}]");
    lab.run(&config, &[]);
    let scores = lab.scores("lab");
    let nnn = |row: &&nnn_report::ScoreRow| row.cell.method == "nnn";
    let sets = scores
        .iter()
        .filter(nnn)
        .map(|row| row.cell.reference_set.as_str());
    assert!(sets.into_iter().all(|set| set == "test (transductive)"));
    assert!(scores.iter().any(|row| row.cell.method == "nnn"));
    let warning = &lab.warnings("lab", "transductive")[0];
    assert_eq!(warning["items"], IMAGES / 2);
}

#[test]
fn a_bank_of_copies_is_refused() {
    let lab = by_dataset();
    lab.write("images.npy", npy(&with_copies(IMAGES / 2)));
    let parts = [
        "reference set `train`",
        "24 of its 24 images",
        "made-up/test",
    ];
    lab.refuses(dataset_config(""), &[], &parts);
}

#[test]
fn a_few_duplicates_are_noted() {
    let lab = by_dataset();
    lab.write("images.npy", npy(&with_copies(3)));
    lab.run(&dataset_config(""), &[]);
    let warning = &lab.warnings("lab", "images_duplicated")[0];
    assert_eq!(
        (&warning["images"], &warning["of"]),
        (&3.into(), &24.into())
    );
}

fn roles_with_shared(shared: usize) -> Lab {
    let lab = by_role();
    let mut noise = Noise(3);
    let queries = noise.rows(QUERIES);
    let mut past = noise.rows(QUERIES);
    past[..shared].clone_from_slice(&queries[..shared]);
    lab.write("queries.npy", npy(&queries));
    lab.write("past.npy", npy(&past));
    lab
}

#[test]
fn reference_queries_that_are_the_queries() {
    let lab = roles_with_shared(QUERIES);
    let parts = ["all 30 reference queries", "`made-up`", "evaluated"];
    lab.refuses(role_config("query_to_gallery"), &[], &parts);
}

#[test]
fn a_question_asked_before_is_noted() {
    let lab = roles_with_shared(2);
    lab.run(&role_config("query_to_gallery"), &[]);
    let warning = &lab.warnings("lab", "captions_shared")[0];
    assert_eq!(
        (&warning["captions"], &warning["of"]),
        (&2.into(), &30.into())
    );
}
