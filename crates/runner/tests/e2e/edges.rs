//! Where a machine or a file system is at its limits or odd: few files and threads, clocks, names that are no text, line ends and marks of
//! other systems, folders that cannot be written, and two processes at once.

use crate::blocks::{SWEEP, card_of_the_model, drawn};
use crate::lab::{Lab, assert_same, lasting, skip};
use crate::vectors::{GALLERY, Matrix, Noise, QUERIES, by_role, json, npy, role_config};
use assert_cmd::cargo::cargo_bin;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

/// Vectors by role: so many items, queries and past queries, and a gallery bank of two; none of them are equal.
fn shaped(dim: usize, [gallery, queries, past]: [usize; 3]) -> Lab {
    let lab = Lab::new();
    let mut noise = Noise(7);
    let mut rows = |count: usize| -> Matrix {
        let mut row = || (0..dim).map(|_| noise.next()).collect();
        (0..count).map(|_| row()).collect()
    };
    lab.write("gallery.npy", npy(&rows(gallery)));
    lab.write("queries.npy", npy(&rows(queries)));
    lab.write("past.npy", npy(&rows(past)));
    lab.write("others.npy", npy(&rows(2)));
    let answers: Vec<usize> = (0..queries).map(|query| query % gallery).collect();
    lab.write("answers.json", json(&answers));
    lab
}

/// These methods on [`shaped`] vectors, whose gallery may be too small for the usual metrics.
fn methods(list: &str) -> String {
    let config = role_config("query_to_gallery");
    let config = config.replace("[raw, nnn: {k: 4, alpha: 0.5}]", list);
    let others = "      reference_gallery: {file: others.npy}\nmethods:";
    let config = config.replacen("methods:", others, 1);
    format!("{config}metrics: [R@1, MedR, MRR]\n")
}

const ALL: &str = "[raw, nnn: {k: 1, alpha: 0.5}, csls: {k: 1}, dn, is, dis: {k: 1}, dualis, \
    dualdis: {k: 1}, dualdis_released: {k: 1}, sn, dbsn, ls: {k: 1}, nicdm: {k: 1}, mp_normal, mp_empirical: {depth: 1}, zscore, \
    gc: {depth: 1}, dsl, dissimlocal: {k: 1}, centering, gr_clip, abtt: {d: 1}, whitening, spectral_tempering, \
    mp_gamma, snn, simhub_in, k_reciprocal: {k1: 1}, query_expansion, invgc, localadj]";

fn all_are_numbers(lab: &Lab, list: &str) {
    lab.run(&methods(list), &[]);
    let scores = lab.scores("lab");
    assert!(!scores.is_empty());
    for row in scores {
        assert!(row.value.is_finite(), "{}: {}", row.signature, row.value);
    }
}

#[test]
fn one_item_one_query_and_a_bank_of_one() {
    all_are_numbers(&shaped(6, [1, 1, 1]), ALL);
}

/// All directions are 1 and -1; banks of the one and evaluated vectors of the other do not overlap.
#[test]
fn vectors_of_one_dimension() {
    let lab = shaped(1, [3, 1, 1]);
    for (file, rows) in [
        ("queries.npy", vec![vec![2.0]]),
        ("past.npy", vec![vec![-3.0]]),
        ("gallery.npy", vec![vec![1.0], vec![5.0], vec![3.0]]),
        ("others.npy", vec![vec![-1.0]]),
    ] {
        lab.write(file, npy(&rows));
    }
    all_are_numbers(&lab, ALL);
}

/// A matrix of dimension times dimension in f64 would take 34 GB. Guards against the end of the program in its allocation, and
/// against one for `gr_clip`, which reads the mean alone.
#[test]
fn vectors_of_a_very_large_dimension() {
    let lab = shaped(65_536, [8, 2, 8]);
    for method in ["abtt: {d: 1}", "whitening", "spectral_tempering", "invgc"] {
        let config = methods(&format!("[{method}]"));
        let name = method.split(':').next().unwrap_or(method);
        lab.refuses(config, &[], &[name, "dimension 65536", "16384"]);
    }
    all_are_numbers(
        &lab,
        "[raw, nnn: {k: 1, alpha: 0.5}, dn, centering, gr_clip, dissimlocal: {k: 1}]",
    );
}

/// Guards against a list of a hundred thousand places in a message, and against `on_error` that a folder did not know.
#[test]
fn a_hundred_thousand_empty_captions() {
    let lab = Lab::new();
    card_of_the_model(&lab);
    let mut captions = String::from("image,split,caption\n");
    for row in 0..100_000 {
        captions.push_str(&format!("{}.png,test,\"\"\n", row / 5));
    }
    lab.write("data/captions.csv", captions);
    lab.write(
        "datasets/tiny.yaml",
        "{name: tiny, description: d, licence: l, source: {folder: ../data}, splits: [test]}",
    );
    let config = SWEEP.replace(
        "reference_sets:\n",
        "reference_sets:\n  - {name: same, split: test, transductive: true}\n",
    );
    let config = config.replace(
        "  - {name: all}\n  - {name: half, share: 0.5, seed: 4}\n",
        "",
    );
    let config = config.replace("choose: validation", "choose: fixed");
    lab.write("config.yaml", config);
    for (on_error, part) in [("fail", "line 2: empty caption"), ("skip", "test")] {
        let option = format!("compute.on_error={on_error}");
        let ended = lab.call(&["run", "config.yaml", "--set", &option]);
        ended.refused(&["captions.csv", part]);
        assert!(ended.stderr.len() < 2000, "{}", ended.stderr);
    }
}

/// The program below a shell with limits.
#[cfg(unix)]
pub(crate) fn below(lab: &Lab, limits: &str, arguments: &[&str]) -> Output {
    let mut shell = Command::new("sh");
    shell
        .current_dir(lab.path(""))
        .args(["-c", &format!("{limits} && exec \"$@\""), "sh"]);
    shell.arg(cargo_bin("runner")).args(arguments);
    shell.output().expect("a shell")
}

#[cfg(unix)]
#[test]
fn a_hundred_files_where_few_may_be_open() {
    let lab = shaped(6, [100, 5, 5]);
    let mut noise = Noise(9);
    for part in 0..100 {
        lab.write(&format!("part_{part}.npy"), npy(&noise.rows(1)));
    }
    let config = methods("[raw, nnn: {k: 1, alpha: 0.5}]");
    lab.write(
        "config.yaml",
        config.replace("gallery.npy", "\"part_*.npy\""),
    );
    let output = below(
        &lab,
        "ulimit -n 32",
        &["run", "config.yaml", "--set", "compute.threads=64"],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Address space for some, but not for thousands of stacks. The library that computes the model would end the program.
#[cfg(target_os = "linux")]
#[test]
fn threads_of_the_forward_pass_that_the_system_refuses() {
    let lab = drawn(30, 10);
    lab.write("config.yaml", SWEEP);
    let limits = "ulimit -v 6000000 && export CANDLE_NUM_THREADS=6000";
    let output = below(&lab, limits, &["run", "config.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8_lossy(&output.stderr);
    let expected = "6000 threads for the forward pass cannot be started";
    assert!(words.contains(expected), "{words}");
    assert!(!words.contains("panicked"), "{words}");
    lab.run(SWEEP, &[]);
}

/// Guards against results that a clock which ran ahead makes out of date, and against times before zero.
#[test]
fn files_from_the_future() {
    let lab = drawn(30, 10);
    lab.run(SWEEP, &[]);
    let before = lasting(&lab.files("results"));
    let future = SystemTime::now() + Duration::from_secs(400_000_000);
    for folder in ["cache", "results"] {
        for name in lab.files(folder).keys() {
            let file = File::options()
                .append(true)
                .open(lab.path(folder).join(name));
            file.and_then(|it| it.set_modified(future)).expect("a time");
        }
    }
    lab.run(SWEEP, &[]);
    assert_same(&lasting(&lab.files("results")), &before);
    fs::remove_dir_all(lab.path("results")).expect("it can be removed");
    lab.run(SWEEP, &[]);
    assert_same(&lasting(&lab.files("results")), &before);
    assert!(
        lab.record("lab")["seconds_this_run"]
            .as_f64()
            .expect("a number")
            >= 0.0
    );
}

/// Guards against the end of the program where a record holds a path, and against a tokenizer that is looked for under another name.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let name = |bytes| OsStr::from_bytes(bytes);
    let lab = drawn(30, 10);
    let below = lab.path("").join(name(b"w\xff"));
    fs::create_dir_all(&below).expect("a folder");
    for folder in ["models", "datasets"] {
        fs::rename(lab.path(folder), below.join(folder)).expect("it can be moved");
    }
    fs::write(below.join(name(b"c\xfe.yaml")), SWEEP).expect("a config");
    let run = |arguments: &[&OsStr]| {
        let mut command = lab.command(&[]);
        let output = command.current_dir(&below).args(arguments).output();
        let output = output.expect("the program starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let all = [
        &b"run"[..],
        b"c\xfe.yaml",
        b"--results",
        b"r\xff",
        b"--cache",
        b"k\xff",
    ];
    run(&all.map(name));
    run(&[&b"report"[..], b"r\xff/lab"].map(name));
    run(&[&b"check"[..], b"r\xff/lab"].map(name));
}

/// A text as Windows' editors save it.
fn of_windows(text: impl AsRef<str>) -> String {
    format!("\u{feff}{}", text.as_ref().replace('\n', "\r\n"))
}

/// Guards against a mark that becomes part of the first id, or of the first key of a config.
#[test]
fn line_ends_and_marks_of_windows() {
    let files = || {
        let item = |row: usize| format!("item {row}");
        let ids: String = (0..GALLERY).map(|row| item(row) + "\n").collect();
        let asked: String = (0..QUERIES).map(|row| format!("\"ask {row}\"\n")).collect();
        let judged = (0..QUERIES).map(|row| format!("ask {row},{},1\n", item(row % GALLERY)));
        let table = "query-id,corpus-id,score\n".to_owned() + &judged.collect::<String>();
        let lists = (0..QUERIES).map(|row| format!("[{}]\n", row % GALLERY));
        let numbers: Vec<usize> = (0..QUERIES).map(|row| row % GALLERY).collect();
        [
            ("ids.txt", ids),
            ("asked.jsonl", asked),
            ("judged.csv", table.clone()),
            ("judged.tsv", table.replace(',', "\t")),
            ("lists.jsonl", lists.collect()),
            ("answers.json", format!("{numbers:?}\n")),
        ]
    };
    let by_id =
        "query_ids: {file: asked.jsonl}\n      gallery_ids: {file: ids.txt}\n      relevance";
    let table = |file: &str| role_config(by_id).replace("answers.json", file);
    let configs = [
        role_config("query_to_gallery"),
        role_config("relevance").replace("answers.json", "lists.jsonl"),
        table("judged.csv"),
        table("judged.tsv"),
    ];
    for config in configs {
        let (plain, marked) = (by_role(), by_role());
        for (name, text) in files() {
            plain.write(name, &text);
            marked.write(name, of_windows(text));
        }
        plain.run(&config, &[]);
        marked.run(&of_windows(&config), &[]);
        let scores = |lab: &Lab| -> Vec<f64> {
            let rows = lab.scores("lab").into_iter();
            rows.map(|row| row.value).collect()
        };
        assert_eq!(scores(&marked), scores(&plain));
    }
}

/// Both draw the data and encode it, or wait for the other; in the end both have the same tables.
#[test]
fn two_processes_with_one_cache() {
    let lab = drawn(30, 10);
    lab.write("config.yaml", SWEEP);
    let start = |results: &str| {
        let mut command = Command::new(cargo_bin("runner"));
        command
            .current_dir(lab.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.args(["run", "config.yaml", "--results", results]);
        command.spawn().expect("the program starts")
    };
    for process in ["one", "two"].map(start) {
        let output = process.wait_with_output().expect("an end");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_same(&lasting(&lab.files("one")), &lasting(&lab.files("two")));
}

/// A folder as a mount that cannot be written, for a program and what it starts; skipped where that is not allowed.
#[cfg(target_os = "linux")]
pub(crate) fn with_read_only(folder: &Path, lab: &Lab, arguments: &[&str]) -> Option<Output> {
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"";
    let unshare = |rest: &str| {
        let mut command = Command::new("unshare");
        command
            .current_dir(lab.path(""))
            .args(["-rm", "sh", "-c", rest]);
        command.arg(folder).arg(cargo_bin("runner")).args(arguments);
        command
            .env("HF_HOME", lab.path("hf"))
            .env("HF_ENDPOINT", "http://127.0.0.1:1");
        command.output().ok()
    };
    if !unshare(script).is_some_and(|it| it.status.success()) {
        skip("no mounts of one's own here");
        return None;
    }
    unshare(&format!("{script} && exec \"$@\""))
}
