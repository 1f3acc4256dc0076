//! The paper's layouts.

use std::fs;
use std::path::Path;

use nnn_report::{ScoreRow, write_tables};

use crate::fixture::{Cell, NNN, RAW, sweep};

/// Writes the tables and reads one back.
fn table(rows: &[ScoreRow], file: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_tables(folder.path(), rows).expect("tables are written");
    fs::read_to_string(folder.path().join("tables").join(file)).expect("the table")
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<_> = entries
        .map(|e| name(e).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Both data sets of Table 1, two models.
fn table_1() -> Vec<ScoreRow> {
    let numbers = [
        ("CLIP", "flickr30k", [0.5882, 0.6460, 0.6370]),
        ("CLIP", "coco", [0.3043, 0.3345, 0.3753]),
        ("SigLIP", "flickr30k", [0.7462, 0.7654, 0.7608]),
        ("SigLIP", "coco", [0.4715, 0.4849, 0.5024]),
    ];
    let mut rows = Vec::new();
    for (model, dataset, values) in numbers {
        let n = if dataset == "coco" {
            (25_010, 5000)
        } else {
            (5000, 1000)
        };
        let references = ["", "flickr30k/train 20%", "coco/train 20%"];
        for (value, reference) in values.into_iter().zip(references) {
            let base = if reference.is_empty() { RAW } else { NNN };
            let cell = Cell {
                model,
                dataset,
                reference,
                n,
                ..base
            };
            rows.push(cell.share("R@1", value, values[0]));
        }
    }
    rows
}

#[test]
fn r1_as_in_table_1() {
    insta::assert_snapshot!(table(&table_1(), "r1_t2i.md"), @"");
    insta::assert_snapshot!(table(&table_1(), "r1_t2i.tex"), @"");
}

#[test]
fn many_methods_become_lines() {
    let mut rows = vec![RAW.share("R@1", 0.5882, 0.5882)];
    for params in ["0.25", "0.5", "0.75", "1", "1.25", "1.5"] {
        for method in ["dn", "dual_is"] {
            let cell = Cell {
                method,
                params,
                chosen: "fixed",
                ..NNN
            };
            rows.push(cell.share("R@1", 0.6, 0.5882));
        }
    }
    insta::assert_snapshot!(table(&rows, "r1_t2i.md"), @"");
}

#[test]
fn recall_with_half_widths_as_in_table_a8() {
    let paper = |cell: &Cell, values: [f64; 3]| {
        let metrics = ["R@1", "R@5", "R@10"].into_iter().zip(values);
        metrics
            .map(|(metric, value)| cell.share(metric, value, value))
            .collect::<Vec<_>>()
    };
    let mut rows = paper(&RAW, [0.5882, 0.8344, 0.9008]);
    rows.extend(paper(&NNN, [0.6552, 0.8784, 0.9300]));
    insta::assert_snapshot!(table(&rows, "recall_t2i.md"), @"");
    insta::assert_snapshot!(table(&rows, "recall_t2i.tex"), @"");
    insta::assert_snapshot!(table(&sweep(), "recall_t2i.md"), @"");
}

#[test]
fn hubness_before_and_after_as_in_table_3() {
    let mut rows = vec![
        RAW.share("R@1", 0.5882, 0.5882),
        NNN.share("R@1", 0.6552, 0.5882),
    ];
    for (cell, values) in [(RAW, [2.4, 9.0, 2.8, 39.0]), (NNN, [0.9, 1.1, 1.7, 15.0])] {
        let metrics = ["k_skewness@1", "k_kurtosis@1", "k_mae@1", "k_max@1"];
        rows.extend(
            metrics
                .into_iter()
                .zip(values)
                .map(|(metric, value)| cell.plain(metric, value)),
        );
    }
    insta::assert_snapshot!(table(&rows, "hubness_t2i.md"), @"");
    insta::assert_snapshot!(table(&rows, "hubness_t2i.tex"), @"");
}

#[test]
fn oracles_are_marked_and_never_best() {
    let text = table(&sweep(), "r1_t2i.md");
    assert!(
        text.contains("nnn†") && text.contains("an upper bound"),
        "{text}"
    );
    assert!(
        text.contains(" 64.94 ") && !text.contains("**64.94**"),
        "{text}"
    );
    assert!(text.contains("**64.60**"), "{text}");
}

#[test]
fn specials_are_escaped() {
    let cell = Cell {
        model: r"a|b_c*d\e",
        dataset: "<50% & $x^2~{#1}>\n",
        ..RAW
    };
    let rows = [cell.share("R@1", 0.5, 0.5)];
    insta::assert_snapshot!(table(&rows, "r1_t2i.md"), @"");
    insta::assert_snapshot!(table(&rows, "r1_t2i.tex"), @"");
}

#[test]
fn only_what_was_measured_is_written_and_only_our_files_are_removed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tables = folder.path().join("tables");
    write_tables(folder.path(), &[]).expect("nothing to write");
    assert!(!tables.exists());

    write_tables(folder.path(), &sweep()).expect("tables are written");
    let all = ["hubness", "r1", "recall"]
        .map(|stem| [format!("{stem}_t2i.md"), format!("{stem}_t2i.tex")]);
    assert_eq!(files(&tables), all.concat());

    fs::write(tables.join("mine.md"), "# Mine\n").expect("a file of another origin");
    fs::write(tables.join("mine.csv"), "a,b\n").expect("a file of another origin");
    write_tables(folder.path(), &[RAW.plain("MRR", 0.5)]).expect("nothing to write");
    assert_eq!(files(&tables), ["mine.csv", "mine.md"]);
}
