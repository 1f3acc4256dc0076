//! `report.html`: written by `run`, and by `report` again.

use crate::blocks::{SWEEP, drawn};
use crate::lab::Lab;
use crate::vectors::{by_dataset, by_role, dataset_config};
use std::fs;

fn page(lab: &Lab, file: &str) -> String {
    fs::read_to_string(lab.path(file)).expect("a page")
}

/// Every part of the page is there, with pictures, and `report` writes the same bytes.
#[test]
fn a_run_writes_its_page_and_report_writes_it_again() {
    let lab = drawn(64, 24);
    let ended = lab.run(SWEEP, &[]);
    let written = page(&lab, "results/lab/report.html");
    for part in ["answer", "scores", "trials", "provenance"] {
        assert!(written.contains(&format!("id=\"e0-{part}\"")), "no {part}");
    }
    for part in [
        "class=\"hubs\"",
        "class=\"queries\"",
        "class=\"heat\"",
        "data:image/jpeg",
    ] {
        assert!(written.contains(part), "no {part}");
    }
    let answer = ended.stdout.lines().last().expect("a line");
    assert!(answer.starts_with("R@1 against raw: of "), "{answer}");
    let shown = answer.replace('\'', "&#39;");
    assert!(
        written.contains(answer) || written.contains(&shown),
        "the page says it too"
    );
    fs::remove_file(lab.path("results/lab/report.html")).expect("removed");
    let ended = lab.call(&["report", "results/lab"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with(answer), "{}", ended.stdout);
    assert_eq!(page(&lab, "results/lab/report.html"), written);
}

/// No result on the evaluated items decides which correction is shown: it is the one that the held-out items like best.
#[test]
fn what_is_shown_follows_from_the_held_out_items() {
    let lab = drawn(64, 24);
    lab.run(SWEEP, &[]);
    let choosing = fs::read_to_string(lab.path("results/lab/choosing.csv")).expect("a table");
    let oracle = choosing
        .lines()
        .filter(|line| line.contains("oracle"))
        .count();
    assert!(oracle > 0, "the sweep has oracles: {choosing}");
    for file in fs::read_dir(lab.path("results/lab/shown")).expect("a folder") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("JSON");
        assert!(text.contains("\"chosen\":\"validation\""), "{text}");
    }
}

#[test]
fn several_experiments_are_one_page_beside_them() {
    let lab = by_dataset();
    for name in ["first", "second"] {
        lab.run(
            &dataset_config("").replace("experiment: lab", &format!("experiment: {name}")),
            &[],
        );
    }
    let ended = lab.call(&["report", "results/first", "results/second"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let both = page(&lab, "results/report.html");
    for part in [
        "id=\"e0\"",
        "id=\"e1\"",
        "href=\"first/scores.csv\"",
        "href=\"second/scores.csv\"",
    ] {
        assert!(both.contains(part), "no {part}");
    }
    let ended = lab.call(&["report", "results/first", "--out", "mine.html"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(page(&lab, "mine.html").contains("href=\"results/first/scores.csv\""));
}

/// Ids of a gallery from elsewhere name its hubs.
#[test]
fn hubs_of_vectors_are_named_by_their_ids() {
    let lab = by_role();
    let ids: Vec<String> = (0..20).map(|row| format!("<b>sku-{row}</b>")).collect();
    lab.write("ids.txt", ids.join("\n") + "\n");
    lab.run(
        "experiment: lab
embeddings:
  - name: own
    model: mine
    direction: t2i
    by_role:
      gallery: {file: gallery.npy}
      gallery_ids: {file: ids.txt}
      queries: {file: queries.npy}
      query_to_gallery: {file: answers.json}
      reference_queries: {file: past.npy}
methods: [raw, nnn: {k: 4, alpha: 0.5}]
metrics: [R@1]
statistics: {resamples: 50, permutations: 50}
",
        &[],
    );
    let page = page(&lab, "results/lab/report.html");
    assert!(
        page.contains("&lt;b&gt;sku-") && !page.contains("<b>sku-"),
        "{page}"
    );
}

#[test]
fn a_folder_that_is_no_result_is_refused() {
    let lab = by_dataset();
    lab.run(&dataset_config(""), &[]);
    let ended = lab.call(&["report", "results/none"]);
    ended.refused(&[
        "results/none/run.json: cannot be read; expected a folder that `runner run` wrote",
    ]);
    let record = fs::read_dir(lab.path("results/lab/trials")).expect("records");
    let record = record.last().expect("a record").expect("a record").path();
    fs::write(&record, "{}").expect("written");
    let ended = lab.call(&["report", "results/lab"]);
    ended.refused(&["trials/", "not what the run wrote"]);
}
