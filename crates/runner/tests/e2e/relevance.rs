//! Answers with grades and ids, through the whole program.

use crate::lab::Lab;
use crate::vectors::{GALLERY, QUERIES, by_role, json, role_config};

/// A table of judgements: the answer of `answers.json` with grade 2, the next item with 1, the one after that judged and wrong.
fn judgements(header: &str, query: &str, item: &str) -> String {
    let mut table = format!("{header}\n");
    for row in 0..QUERIES {
        for (grade, next) in [(2, 0), (1, 1), (0, 2)] {
            let answer = (row + next) % GALLERY;
            table += &format!("{query}{row}\t{item}{answer}\t{grade}\n");
        }
    }
    table
}

fn config(more: &str) -> String {
    let config = role_config("relevance").replace("answers.json", "answers.tsv");
    let config = config.replace(
        "      reference_queries",
        &format!("{more}      reference_queries"),
    );
    format!("{config}metrics: [R@1, R@5, nDCG@10, nDCG_exp@10]\n")
}

fn values(lab: &Lab) -> Vec<(String, f64)> {
    let rows = lab.scores("lab");
    let rows = rows
        .iter()
        .map(|row| (format!("{} {}", row.cell.method, row.metric), row.value));
    rows.collect()
}

#[test]
fn grades_and_ids() {
    let lab = by_role();
    lab.write(
        "answers.tsv",
        judgements("query-id\tcorpus-id\tscore", "", ""),
    );
    lab.run(&config(""), &[]);
    let by_row = values(&lab);
    let of = |name: &str| by_row.iter().find(|row| row.0 == name).expect("a row").1;
    assert!(
        of("raw nDCG@10") != of("raw nDCG_exp@10"),
        "grades are gains"
    );
    assert!(lab.warnings("lab", "answers").is_empty());

    // The same judgements by ids that are looked up.
    let ids = |stem: &str, rows: usize| {
        json(
            &(0..rows)
                .map(|row| format!("{stem}{row}"))
                .collect::<Vec<_>>(),
        )
    };
    lab.write("queries.json", ids("what is ", QUERIES));
    lab.write("gallery.json", ids("doc-", GALLERY));
    lab.write(
        "answers.tsv",
        judgements("qid\tdocid\trel", "what is ", "doc-"),
    );
    let files = "      query_ids: {file: queries.json}\n      gallery_ids: {file: gallery.json}\n";
    lab.run(&config(files), &[]);
    assert_eq!(values(&lab), by_row);

    // Without those files the numbers in the ids are rows, and the results say so.
    lab.run(&config(""), &[]);
    assert_eq!(values(&lab), by_row);
    let warnings = lab.warnings("lab", "answers");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn a_query_that_nothing_answers_is_left_out_with_a_warning() {
    let lab = by_role();
    let table = judgements("query\tgallery\tscore", "", "");
    let table: Vec<&str> = table
        .lines()
        .filter(|line| !line.starts_with("7\t"))
        .collect();
    lab.write("answers.tsv", table.join("\n"));
    lab.run(&config(""), &[]);
    let warnings = lab.warnings("lab", "answers");
    let finding = warnings[0]["finding"].as_str().expect("a finding");
    assert!(
        finding.contains("1 of 30 queries have no relevant gallery item"),
        "{finding}"
    );
    assert!(finding.contains("row 7"), "{finding}");
    assert!(
        lab.scores("lab")
            .iter()
            .all(|row| row.n_queries == QUERIES - 1)
    );
    // Nothing else would be said of a column that nobody reads.
    lab.write("answers.tsv", judgements("query\tgallery\tcolour", "", ""));
    lab.refuses(config(""), &[], &["answers.tsv", "line 1", "\"colour\""]);
}
