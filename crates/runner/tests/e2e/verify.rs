//! `runner verify`: the exact corrected ranking, and an engine's answers beside it.

use crate::lab::{Ended, Lab};
use crate::vectors::{Noise, json, npy};
use serde_json::{Value, json};
use std::fs;

const ITEMS: usize = 40;
const QUERIES: usize = 12;

/// An export of items of which the last is the first once more, and queries.
fn lab(ids: &[&str]) -> Lab {
    let lab = Lab::new();
    let mut gallery = Noise(1).rows(ITEMS);
    gallery[ITEMS - 1] = gallery[0].clone();
    lab.write("gallery.npy", npy(&gallery));
    lab.write("queries.npy", npy(&Noise(3).rows(QUERIES)));
    lab.write("bank.npy", npy(&Noise(2).rows(100)));
    let names: Vec<String> = (0..ITEMS).map(|item| format!("item {item}")).collect();
    lab.write("ids.json", json(&names));
    let options = [&["bias", "--gallery", "gallery.npy"], ids].concat();
    let more = [
        "--reference",
        "bank.npy",
        "--method",
        "nnn(k=4)",
        "--out",
        "bias.parquet",
    ];
    well(&lab.call(&[&options[..], &more].concat()));
    let export = [
        "export",
        "--bias",
        "bias.parquet",
        "--gallery",
        "gallery.npy",
        "--form",
        "cosine",
    ];
    well(&lab.call(&[&export[..], &["--to", "fvecs", "--out", "out"]].concat()));
    lab
}

fn well(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

const NAMED: [&str; 2] = ["--ids", "ids.json"];

/// The exact lists of all queries.
fn truth(lab: &Lab) -> Vec<Value> {
    let options = [
        "verify",
        "out",
        "--queries",
        "queries.npy",
        "--out",
        "truth.jsonl",
    ];
    well(&lab.call(&options));
    let text = fs::read_to_string(lab.path("truth.jsonl")).expect("lists");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn verify(lab: &Lab, answers: &[Value], options: &[&str]) -> Ended {
    let lines: String = answers.iter().map(|it| format!("{it}\n")).collect();
    lab.write("answers.jsonl", lines);
    let all = [
        "verify",
        "out",
        "--queries",
        "queries.npy",
        "--results",
        "answers.jsonl",
    ];
    lab.call(&[&all[..], options].concat())
}

#[test]
fn the_exact_lists_are_those_of_the_formula() {
    let lab = lab(&NAMED);
    let unit = |row: &Vec<f32>| {
        let length = row
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
            .sqrt();
        row.iter()
            .map(|&v| f64::from(v) / length)
            .collect::<Vec<f64>>()
    };
    let dot = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut gallery = Noise(1).rows(ITEMS);
    gallery[ITEMS - 1] = gallery[0].clone();
    let [gallery, bank, queries] = [gallery, Noise(2).rows(100), Noise(3).rows(QUERIES)]
        .map(|rows| rows.iter().map(unit).collect::<Vec<_>>());
    let bias = |item: &Vec<f64>| {
        let mut scores: Vec<f64> = bank.iter().map(|row| dot(row, item)).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        0.75 * scores[..4].iter().sum::<f64>() / 4.0
    };
    let biases: Vec<f64> = gallery.iter().map(bias).collect();
    for (query, line) in queries.iter().zip(truth(&lab)) {
        let scores: Vec<f64> = gallery
            .iter()
            .zip(&biases)
            .map(|(item, bias)| dot(item, query) - bias)
            .collect();
        let mut places: Vec<usize> = (0..ITEMS).collect();
        places.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let expected: Vec<String> = places[..10].iter().map(|it| format!("item {it}")).collect();
        assert_eq!(line["ids"], json!(expected));
        for (found, &place) in line["scores"]
            .as_array()
            .expect("scores")
            .iter()
            .zip(&places)
        {
            // Vectors, the bias and the appended coordinate are each rounded to f32.
            let error = found.as_f64().expect("a number") - scores[place];
            assert!(error.abs() < 20.0 * f64::from(f32::EPSILON), "{error}");
        }
    }
}

/// From the vectors and biases before the export, the lists are those from the export, and the scores up to what it rounds.
#[test]
fn the_exact_lists_from_the_source_are_those_from_the_export() {
    let lab = lab(&NAMED);
    let from_export = truth(&lab);
    let source = ["--bias", "bias.parquet", "--gallery", "gallery.npy"];
    let options = [
        "verify",
        "out",
        "--queries",
        "queries.npy",
        "--out",
        "source.jsonl",
    ];
    well(&lab.call(&[&options[..], &source].concat()));
    let text = fs::read_to_string(lab.path("source.jsonl")).expect("lists");
    assert_eq!(text.lines().count(), QUERIES);
    for (line, other) in text.lines().zip(&from_export) {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["ids"], other["ids"]);
        let scores = |line: &Value| line["scores"][0].as_f64().expect("a number");
        assert!((scores(&line) - scores(other)).abs() <= f64::from(f32::EPSILON));
    }
    let more = [
        "--reference",
        "bank.npy",
        "--method",
        "csls(k=4)",
        "--out",
        "csls.parquet",
    ];
    well(
        &lab.call(
            &[
                &["bias", "--gallery", "gallery.npy", "--ids", "ids.json"],
                &more[..],
            ]
            .concat(),
        ),
    );
    let other = ["--bias", "csls.parquet", "--gallery", "gallery.npy"];
    lab.call(&[&options[..], &other].concat()).refused(&[
        "40 biases of `csls(k=4)`, but the export has 40 items of `nnn(k=4,alpha=0.75)`",
    ]);
}

#[test]
fn right_answers_pass_and_are_enough() {
    for ids in [&NAMED[..], &[]] {
        let lab = lab(ids);
        let ended = verify(&lab, &truth(&lab), &["--at-least", "1"]);
        well(&ended);
        let said = "12 queries: recall@10 1.0000, order kept 1.0000, exact list 1.0000";
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
        assert!(!ended.stdout.contains("differ"), "{}", ended.stdout);
    }
}

#[test]
fn a_wrong_order_is_told_from_a_tie() {
    let lab = lab(&NAMED);
    let mut answers = truth(&lab);
    // The first item and its copy are a tie wherever both are listed, a lower row first.
    let both = |line: &Value| {
        let ids = line["ids"].as_array().expect("ids");
        let place = |id: &str| ids.iter().position(|it| it == id);
        Some((place("item 0")?, place("item 39")?))
    };
    let tied = answers.iter().position(|line| both(line).is_some());
    let tied = tied.expect("some list has both");
    let (first, second) = both(&answers[tied]).expect("both");
    assert_eq!(first + 1, second);
    answers[tied]["ids"]
        .as_array_mut()
        .expect("ids")
        .swap(first, second);
    let ended = verify(&lab, &answers, &["--at-least", "1"]);
    well(&ended);
    assert!(
        ended
            .stdout
            .contains("2 places differ, 2 of them by a tie within f32 rounding"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("a tie within f32 rounding\n"),
        "{}",
        ended.stdout
    );
    let wrong = (tied + 1) % QUERIES;
    answers[wrong]["ids"]
        .as_array_mut()
        .expect("ids")
        .swap(0, 9);
    let ended = verify(&lab, &answers, &["--at-least", "0.95"]);
    assert_eq!(ended.code, Some(1));
    let said = "recall@10 1.0000, order kept 0.9167, exact list 0.9167";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
    let line = format!("query {wrong}, place 1: ");
    assert!(
        ended.stdout.contains(&line) && ended.stdout.contains("no tie"),
        "{}",
        ended.stdout
    );
    well(&verify(&lab, &answers, &["--at-least", "0.9"]));
}

#[test]
fn what_an_engine_missed_lowers_recall_and_not_the_order() {
    let lab = lab(&NAMED);
    let answers = truth(&lab);
    let long = [
        "verify",
        "out",
        "--queries",
        "queries.npy",
        "--k",
        "11",
        "--out",
        "long.jsonl",
    ];
    well(&lab.call(&long));
    let text = fs::read_to_string(lab.path("long.jsonl")).expect("lists");
    let mut last = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut missing: Vec<Value> = answers.clone();
    let found = last.next().expect("a list")["ids"][10].clone();
    let ids = missing[0]["ids"].as_array_mut().expect("ids");
    let lost = ids.remove(4);
    ids.push(found);
    missing[0]
        .as_object_mut()
        .expect("an object")
        .remove("scores");
    assert!(lost != "item 0" && lost != "item 39");
    let ended = verify(&lab, &missing, &[]);
    well(&ended);
    let said = "recall@10 0.9917, order kept 1.0000, exact list 0.9167";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
}

#[test]
fn queries_may_be_named() {
    let lab = lab(&NAMED);
    let names: Vec<String> = (0..QUERIES).map(|query| format!("q{query}")).collect();
    lab.write("queries.json", json(&names));
    let mut answers = truth(&lab);
    for (answer, name) in answers.iter_mut().zip(&names) {
        answer["query"] = json!(name);
    }
    let named = ["--query-ids", "queries.json"];
    well(&verify(
        &lab,
        &answers[3..5],
        &[&named[..], &["--at-least", "1"]].concat(),
    ));
    verify(&lab, &answers, &[]).refused(&["answers.jsonl: line 1", "\"q0\"", "need --query-ids"]);
}

#[test]
fn answers_that_are_none_are_named_by_their_line() {
    let lab = lab(&NAMED);
    let good = truth(&lab)[1].to_string();
    let ids = |count: usize| -> Vec<String> { (0..count).map(|it| format!("item {it}")).collect() };
    let mut repeated = ids(9);
    repeated.push("item 3".to_owned());
    let mut unknown = ids(9);
    unknown.push("item 99".to_owned());
    let cases = [
        ("{\"query\": 2".to_owned(), "line 2: EOF"),
        (
            json!({"query": 2}).to_string(),
            "line 2: missing field `ids`",
        ),
        (
            json!({"query": 2, "ids": ids(10), "distances": []}).to_string(),
            "line 2: unknown field `distances`",
        ),
        (
            json!({"query": 2, "ids": ids(9)}).to_string(),
            "line 2: 9 ids, expected at least 10",
        ),
        (
            json!({"query": 2, "ids": repeated}).to_string(),
            "line 2: the id \"item 3\" is there twice",
        ),
        (
            json!({"query": 2, "ids": unknown}).to_string(),
            "line 2: no item of the export has the id \"item 99\"",
        ),
        (
            json!({"query": 2, "ids": ids(10), "scores": [1.0]}).to_string(),
            "line 2: 1 scores for 10 ids",
        ),
        (
            json!({"query": 12, "ids": ids(10)}).to_string(),
            "line 2: the query 12 is no row from 0 to 11",
        ),
        (
            good.clone(),
            "line 2: the query 1 was answered in line 1 already",
        ),
    ];
    let options = [
        "verify",
        "out",
        "--queries",
        "queries.npy",
        "--results",
        "answers.jsonl",
    ];
    for (line, said) in cases {
        lab.write("answers.jsonl", format!("{good}\n{line}\n"));
        lab.call(&options).refused(&["answers.jsonl", said]);
    }
    lab.write("answers.jsonl", "\n");
    lab.call(&options)
        .refused(&["answers.jsonl: it has no answer"]);
}

#[test]
fn what_does_not_fit_the_export_is_refused() {
    let lab = lab(&NAMED);
    let all = ["verify", "out", "--queries", "queries.npy"];
    lab.call(&[&all[..], &["--k", "41"]].concat())
        .refused(&["--k is 41, expected 1 to 40"]);
    lab.call(&["verify", "nowhere", "--queries", "queries.npy"])
        .refused(&[
            "nowhere/manifest.json",
            "expected a folder that `runner export` wrote",
        ]);
    let wide = Noise(3)
        .rows(2)
        .into_iter()
        .map(|row| [row, vec![0.1, 0.2]].concat());
    lab.write("wide.npy", npy(&wide.collect()));
    lab.call(&["verify", "out", "--queries", "wide.npy"])
        .refused(&[
            "wide.npy has dimension 8",
            "queries of dimension 6, to which it appends",
        ]);
    let path = lab.path("out/items.fvecs");
    let mut bytes = fs::read(&path).expect("items");
    bytes[20] ^= 1;
    fs::write(&path, bytes).expect("changed");
    lab.call(&all)
        .refused(&["items.fvecs", "it was changed after it was exported"]);
}
