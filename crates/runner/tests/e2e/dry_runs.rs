//! `--dry-run` on data of one's own: what a run would stop at while it reads annotations is said before, in the same words.

use crate::bad_images::{CONFIG, folder};
use crate::lab::Lab;
use crate::own_images::{lab_with_tables, photographs};
use crate::vectors::{by_dataset, dataset_config};
use std::fs;

/// Expects a run to be refused with all of `parts` in its message, and a dry run with the same message behind its plan.
fn both_refuse(lab: &Lab, arguments: &[&str], parts: &[&str]) {
    let message = |options: &[&str]| {
        let ended = lab.call(&[arguments, options].concat());
        ended.refused(parts);
        let at = ended.stderr.find("error: ").expect("an error");
        (ended.stderr[at..].to_owned(), ended.stdout)
    };
    let (found, plan) = message(&["--dry-run"]);
    assert!(plan.contains("  results: "), "{plan}");
    assert!(lab.files("results").is_empty());
    assert_eq!(found, message(&[]).0);
}

/// `captions.csv` of a folder with one change.
fn refuses_captions(change: impl Fn(&str) -> String, parts: &[&str]) {
    let lab = folder();
    let table = fs::read_to_string(lab.path("pictures/captions.csv")).expect("a table");
    lab.write("pictures/captions.csv", change(&table));
    lab.write("config.yaml", CONFIG);
    both_refuse(&lab, &["config.yaml"], parts);
}

/// Guards against a dry run that did not read captions and so ended well where the run stops.
#[test]
fn captions_of_a_folder() {
    let elsewhere = |table: &str| format!("{table}images/test/000000.png,nowhere,a star\n");
    refuses_captions(
        elsewhere,
        &["captions.csv, line 57", "unknown split \"nowhere\""],
    );
    let more = |table: &str| format!("{table}images/test/000000.png,test,a star\n");
    refuses_captions(more, &["found 5 images and 26 texts, expected 5 and 25"]);
    let absent = |table: &str| table.replace("000003.png", "000003.PNG");
    let parts = [
        "\"images/test/000003.PNG\" is not in ",
        "there is \"images/test/000003.png\"",
    ];
    refuses_captions(
        |table| absent(table).replace("train/000003.PNG", "train/000003.png"),
        &parts,
    );
}

/// Also where the images are still to be downloaded.
/// Guards against a dry run that ended well though the tables cannot be read, and did not look at them before all images were
/// here.
#[test]
fn tables_of_ones_own() {
    let lab = lab_with_tables(&photographs());
    let table = fs::read_to_string(lab.path("test.tsv")).expect("a table");
    lab.write("test.tsv", format!("{table}b0.png\n"));
    let arguments = ["my-copy.yaml", "--set", "models=[clip]"];
    let parts = [
        "data set `my-images`",
        "test.tsv, line 18: the line is 1 fields",
    ];
    both_refuse(&lab, &arguments, &parts);
    let card = fs::read_to_string(lab.path("my-images.yaml")).expect("a card");
    let away = "url: {name: photographs.zip, mirrors: [http://127.0.0.1:9/photographs.zip]}";
    let card = card.replace("  files:\n", &format!("  files:\n    download: [{away}]\n"));
    lab.write("my-images.yaml", card);
    let offline = [&arguments[..], &["--dry-run", "--offline"]].concat();
    let ended = lab.call(&offline);
    ended.refused(&parts);
    assert!(
        ended.stdout.contains("photographs.zip (to download)"),
        "{}",
        ended.stdout
    );
    lab.write("test.tsv", table);
    assert_eq!(lab.call(&offline).code, Some(0));
}

/// Guards against a dry run that did not read queries of one's own.
#[test]
fn queries_of_ones_own() {
    let lab = folder();
    lab.write("queries.csv", "query\na star\n\na red circle\n");
    let set = "directions: [t2i]\nreference_sets: [{texts: {file: queries.csv}}]\n";
    lab.write("config.yaml", format!("{CONFIG}{set}"));
    let parts = [
        "reference set `queries.csv`",
        "queries.csv: line 3: blank, expected a value",
    ];
    both_refuse(&lab, &["config.yaml"], &parts);
}

/// Guards against a dry run that did not read embeddings and their labels.
#[test]
fn labels_of_embeddings() {
    let lab = by_dataset();
    lab.write("splits.json", "[\"train\", 1.5]");
    lab.write("config.yaml", dataset_config(""));
    let parts = [
        "embeddings `made-up`",
        "splits.json: values of type 1.5 (row 1)",
    ];
    both_refuse(&lab, &["config.yaml"], &parts);
}
