//! `runner bias`: biases from files of vectors, without a sweep.

use crate::lab::Lab;
use crate::vectors::{Matrix, Noise, npy};
use nnn_export::{BiasFile, BiasRows};
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const NNN: [&str; 4] = ["--reference", "bank.npy", "--method", "nnn(k=5,alpha=0.75)"];

/// An id for every item, a line each.
fn ids(items: usize) -> String {
    (0..items).map(|item| format!("item {item}\n")).collect()
}

/// `gallery.npy` of so many items, `ids.txt`, `bank.npy`.
fn lab(items: usize) -> (Lab, Matrix) {
    let lab = Lab::new();
    let gallery = Noise(1).rows(items);
    lab.write("gallery.npy", npy(&gallery));
    lab.write("ids.txt", ids(items));
    lab.write("bank.npy", npy(&Noise(2).rows(400)));
    (lab, gallery)
}

/// Calls `bias` and expects success.
fn bias(lab: &Lab, options: &[&str], out: &str) -> Vec<u8> {
    let ended = lab.call(&[&["bias"], options, &NNN, &["--out", out]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!lab.path(&format!("{out}.parts")).exists());
    fs::read(lab.path(out)).expect("biases")
}

fn rows(lab: &Lab, file: &str) -> BiasRows {
    let file = BiasFile::open(&lab.path(file)).expect("a file of biases");
    let mut all = BiasRows::empty(file.is_named());
    for rows in file.blocks().expect("rows") {
        all.append(&rows.expect("rows")).expect("one kind of ids");
    }
    all
}

/// From the formula, in f64.
fn oracle(gallery: &Matrix, bank: &Matrix, k: usize, alpha: f64) -> Vec<f64> {
    let unit = |row: &Vec<f32>| {
        let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
        let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        row.iter().map(|v| v / length).collect::<Vec<f64>>()
    };
    let bank: Vec<_> = bank.iter().map(unit).collect();
    let of = |item: &Vec<f32>| {
        let item = unit(item);
        let dot = |row: &Vec<f64>| row.iter().zip(&item).map(|(a, b)| a * b).sum::<f64>();
        let mut scores: Vec<f64> = bank.iter().map(dot).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        alpha * scores[..k].iter().sum::<f64>() / k as f64
    };
    gallery.iter().map(of).collect()
}

#[test]
fn biases_are_those_of_the_formula() {
    let (lab, gallery) = lab(60);
    bias(
        &lab,
        &["--gallery", "gallery.npy", "--ids", "ids.txt"],
        "bias.parquet",
    );
    let found = rows(&lab, "bias.parquet");
    assert_eq!(found.ids.text(17), "item 17");
    let wanted = oracle(&gallery, &Noise(2).rows(400), 5, 0.75);
    for (item, (found, wanted)) in found.biases.iter().zip(wanted).enumerate() {
        // Six rounded values a vector, six steps a product, one rounding of the bias: below 20 halves of a unit in the last place of 1.
        let bound = 20.0 * f64::from(f32::EPSILON) / 2.0;
        assert!((f64::from(*found) - wanted).abs() < bound, "item {item}");
    }
    let header = BiasFile::open(&lab.path("bias.parquet")).expect("a file");
    assert_eq!(header.header().method, "nnn(k=5,alpha=0.75)");
    assert_eq!(
        header.header().query_bank.as_ref().map(|it| it.rows),
        Some(400)
    );
}

/// More items than a block holds, cut where no block ends.
#[test]
fn a_gallery_in_any_parts_gives_the_same_bytes() {
    let (lab, gallery) = lab(40_000);
    let whole = bias(
        &lab,
        &["--gallery", "gallery.npy", "--ids", "ids.txt"],
        "whole.parquet",
    );
    for (part, range) in [0..3, 3..20_000, 20_000..40_000].into_iter().enumerate() {
        lab.write(&format!("parts/{part}.npy"), npy(&gallery[range].to_vec()));
    }
    let in_parts = bias(
        &lab,
        &["--gallery", "parts", "--ids", "ids.txt"],
        "parts.parquet",
    );
    assert!(whole == in_parts);
    let named = [
        "--gallery",
        "parts/0.npy",
        "parts/1.npy",
        "parts/2.npy",
        "--ids",
        "ids.txt",
    ];
    assert!(whole == bias(&lab, &named, "named.parquet"));
    assert!(
        whole
            == bias(
                &lab,
                &[&named[..], &["--threads", "1"]].concat(),
                "one.parquet"
            )
    );
}

#[test]
fn new_items_are_appended_as_if_they_had_been_there() {
    for with_ids in [false, true] {
        let (lab, gallery) = lab(30_000);
        let names: Vec<String> = ids(30_000).lines().map(str::to_owned).collect();
        lab.write("old.npy", npy(&gallery[..20_001].to_vec()));
        lab.write("new.npy", npy(&gallery[20_001..].to_vec()));
        lab.write("old.txt", names[..20_001].join("\n"));
        lab.write("new.txt", names[20_001..].join("\n"));
        let with = |name: &'static str, ids: &'static str| match with_ids {
            true => vec!["--gallery", name, "--ids", ids],
            false => vec!["--gallery", name],
        };
        let whole = bias(&lab, &with("gallery.npy", "ids.txt"), "whole.parquet");
        bias(&lab, &with("old.npy", "old.txt"), "grown.parquet");
        let append = [&with("new.npy", "new.txt")[..], &["--append"]].concat();
        assert!(whole == bias(&lab, &append, "grown.parquet"));
        let again = [&["bias"], &append[..], &NNN, &["--out", "grown.parquet"]].concat();
        let said = match with_ids {
            true => "id \"item 20001\" stands at rows 20001 and 30000",
            false => "grown.parquet: its last 9999 items have the vectors of these",
        };
        lab.call(&again).refused(&[said]);
        assert!(whole == fs::read(lab.path("grown.parquet")).expect("still there"));
    }
}

#[test]
fn what_cannot_be_a_bias_is_refused_in_one_line() {
    let (lab, gallery) = lab(50);
    lab.write("ids49.txt", ids(49));
    lab.write("ids51.txt", ids(51));
    lab.write("twice.txt", ids(50).replace("item 31", "item 7"));
    lab.write(
        "wide.npy",
        npy(&gallery
            .iter()
            .map(|row| [&row[..], &[1.0]].concat())
            .collect()),
    );
    let mut broken = gallery;
    broken[33][2] = f32::NAN;
    lab.write("broken.npy", npy(&broken));
    lab.write("text.parquet", "text");
    let gallery = ["--gallery", "gallery.npy"];
    let bank = ["--reference", "bank.npy"];
    let out = ["--out", "bias.parquet"];
    let cases: [(&[&[&str]], &str); 14] = [
        (
            &[&gallery, &bank, &out, &["--method", "dis"]],
            "`dis` is gated",
        ),
        (
            &[&gallery, &bank, &out, &["--method", "gc"]],
            "`gc` rewrites all scores of a query",
        ),
        (
            &[&gallery, &bank, &out, &["--method", "whitening"]],
            "`whitening` changes the vectors",
        ),
        (
            &[&gallery, &bank, &out, &["--method", "nnm"]],
            "unknown method `nnm`; did you mean `nnn`?",
        ),
        (
            &[&gallery, &bank, &out, &["--method", "nnn(k=401)"]],
            "k = 401 is larger than the query bank, which has 400 items",
        ),
        (&[&gallery, &out], "give it with --reference"),
        (
            &[&gallery, &bank, &out, &["--method", "dualis"]],
            "give it with --reference-gallery",
        ),
        (
            &[&gallery, &bank, &out, &["--reference-gallery", "bank.npy"]],
            "nnn(k=128,alpha=0.75) reads no gallery bank: leave --reference-gallery out",
        ),
        (
            &[&gallery, &bank, &out, &["--ids", "ids49.txt"]],
            "49 ids, but the gallery has more items",
        ),
        (
            &[&gallery, &bank, &out, &["--ids", "ids51.txt"]],
            "51 ids, but the gallery has 50 items",
        ),
        (
            &[&gallery, &bank, &out, &["--ids", "twice.txt"]],
            "id \"item 7\" stands at rows 7 and 31",
        ),
        (
            &[&["--gallery", "wide.npy"], &bank, &out],
            "wide.npy: vectors of dimension 7, but those of the bank have dimension 6",
        ),
        (
            &[&["--gallery", "broken.npy"], &bank, &out],
            "broken.npy: row 33, column 2 is NaN",
        ),
        (
            &[&gallery, &bank, &["--append", "--out", "text.parquet"]],
            "text.parquet: not a readable .parquet file",
        ),
    ];
    for (options, said) in cases {
        lab.call(&[&["bias"], &options.concat()[..]].concat())
            .refused(&[said]);
        assert!(!lab.path("bias.parquet").exists(), "{said}");
    }
    bias(&lab, &gallery, "bias.parquet");
    let again = [&["bias"], &gallery[..], &NNN, &out].concat();
    let there = ["bias.parquet: is there already", "--append", "--overwrite"];
    lab.call(&again).refused(&there);
    // Pieces of another call do not make the file that of an interrupted one.
    lab.write(
        "bias.parquet.parts/0123456789abcdef/000000000000000.parquet",
        "",
    );
    lab.call(&again).refused(&there);
}

/// A file of as many items as a piece has, and that piece, as an interrupted call leaves it.
fn interrupted(lab: &Lab) -> (Vec<u8>, String) {
    let gallery = ["--gallery", "gallery.npy"];
    // A full disk stops a call before its pieces are joined: a folder stands where the file is to be written.
    lab.write("bias.parquet/in the way", "");
    let call = [
        &["bias"],
        &gallery[..],
        &NNN,
        &["--out", "bias.parquet", "--overwrite"],
    ]
    .concat();
    lab.call(&call).refused(&["bias.parquet"]);
    fs::remove_dir_all(lab.path("bias.parquet")).expect("removed");
    let whole = bias(lab, &gallery, "whole.parquet");
    let pieces = lab.files("bias.parquet.parts");
    let piece = pieces.keys().find(|it| !it.contains("joined"));
    (
        whole,
        format!("bias.parquet.parts/{}", piece.expect("a piece")),
    )
}

/// Guards against a call that was killed after its file had got its name and was refused when it was made again.
#[test]
fn a_call_that_was_killed_at_its_very_end_ends_well() {
    let (lab, _) = lab(50);
    let (whole, _) = interrupted(&lab);
    lab.write("bias.parquet", &whole);
    assert!(bias(&lab, &["--gallery", "gallery.npy"], "bias.parquet") == whole);
}

/// Guards against a flipped bit in a bias of a finished block that went into the file.
#[test]
fn a_damaged_block_is_found_and_computed_again() {
    let (lab, _) = lab(50);
    let (whole, piece) = interrupted(&lab);
    let good = fs::read(lab.path(&piece)).expect("a piece");
    for at in (4..good.len() - 8).step_by(31) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        lab.write(&piece, bad);
        assert!(bias(&lab, &["--gallery", "gallery.npy"], "bias.parquet") == whole);
        fs::remove_file(lab.path("bias.parquet")).expect("removed");
    }
}

/// What methods that correct all items together give does not depend on the files either, and takes no new items.
#[test]
fn a_method_over_the_whole_gallery_is_computed_whole() {
    let (lab, gallery) = lab(50);
    lab.write("parts/a.npy", npy(&gallery[..20].to_vec()));
    lab.write("parts/b.npy", npy(&gallery[20..].to_vec()));
    let sn = |gallery, out| {
        let options = [
            "bias",
            "--gallery",
            gallery,
            "--reference",
            "bank.npy",
            "--method",
            "sn",
        ];
        [&options[..], &["--out", out]].concat()
    };
    for (gallery, out) in [("gallery.npy", "whole.parquet"), ("parts", "parts.parquet")] {
        let ended = lab.call(&sn(gallery, out));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    assert_eq!(rows(&lab, "whole.parquet"), rows(&lab, "parts.parquet"));
    let append = [&sn("parts/a.npy", "whole.parquet")[..], &["--append"]].concat();
    lab.call(&append).refused(&["a bias depends on all items"]);
}

/// Ten calls killed at moments spread over the time that one takes, each followed by one more kill or by the end.
#[test]
fn a_killed_call_ends_with_the_same_bytes() {
    let (lab, _) = lab(120_000);
    let options = [
        &["bias", "--gallery", "gallery.npy", "--ids", "ids.txt"],
        &NNN[..],
    ]
    .concat();
    let started = Instant::now();
    let whole = bias(&lab, &options[1..5], "whole.parquet");
    let taken = started.elapsed();
    let start = || {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
        let command = command.args(&options).args(["--out", "bias.parquet"]);
        let command = command.current_dir(lab.path("")).stdout(Stdio::null());
        command.stderr(Stdio::null()).spawn().expect("it starts")
    };
    let (mut killed, mut noise) = (0, Noise(5));
    while killed < 10 {
        let mut child = start();
        sleep(
            taken
                .mul_f64(0.9 * noise.unit())
                .max(Duration::from_millis(5)),
        );
        let _ = child.kill();
        if !child.wait().expect("it ended").success() {
            killed += 1;
            continue;
        }
        assert!(whole == fs::read(lab.path("bias.parquet")).expect("biases"));
        fs::remove_file(lab.path("bias.parquet")).expect("removed");
    }
    if !lab.path("bias.parquet").exists() {
        assert!(start().wait().expect("it ended").success());
    }
    assert!(whole == fs::read(lab.path("bias.parquet")).expect("biases"));
}

/// A call that was killed between giving the file its name and removing its pieces: the file, and some of the pieces.
fn killed_as_it_ended(lab: &Lab, options: &[&str], whole: &[u8]) {
    let parts = lab.path("bias.parquet.parts");
    let started = || {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
        let command = command.arg("bias").args(options).args(NNN);
        let command = command
            .args(["--out", "bias.parquet"])
            .current_dir(lab.path(""));
        command.stdout(Stdio::null()).spawn().expect("it starts")
    };
    let mut child = started();
    while !parts.exists() && child.try_wait().expect("a child").is_none() {
        sleep(Duration::from_millis(1));
    }
    child.kill().expect("killed");
    child.wait().expect("it ended");
    assert!(parts.exists(), "it was killed before it was through");
    lab.write("bias.parquet", whole);
}

/// Guards against a call that was refused, its pieces left for good, where the one before was killed in its last moment.
#[test]
fn a_call_that_was_killed_as_it_ended_ends_by_the_same_call() {
    let (lab, gallery) = lab(60_000);
    let all = ["--gallery", "gallery.npy", "--ids", "ids.txt"];
    let whole = bias(&lab, &all, "whole.parquet");
    killed_as_it_ended(&lab, &all, &whole);
    assert!(whole == bias(&lab, &all, "bias.parquet"));
    let again = [&["bias"], &all[..], &NNN, &["--out", "bias.parquet"]].concat();
    lab.call(&again)
        .refused(&["bias.parquet: is there already"]);

    // Another file is still in the way.
    fs::remove_file(lab.path("bias.parquet")).expect("removed");
    let first = bias(&lab, &["--gallery", "bank.npy"], "first.parquet");
    killed_as_it_ended(&lab, &all, &first);
    lab.call(&again)
        .refused(&["bias.parquet: is there already"]);
    assert!(first == fs::read(lab.path("bias.parquet")).expect("still there"));

    // What was added is added once.
    let names = ids(60_000);
    let names: Vec<&str> = names.lines().collect();
    for (name, rows) in [("old", 0..20_000), ("new", 20_000..60_000)] {
        lab.write(&format!("{name}.npy"), npy(&gallery[rows.clone()].to_vec()));
        lab.write(&format!("{name}.txt"), names[rows].join("\n"));
    }
    let [old, new] = ["old", "new"].map(|it| [format!("{it}.npy"), format!("{it}.txt")]);
    let [old, new] = [&old, &new].map(|it| ["--gallery", &it[0], "--ids", &it[1]]);
    fs::remove_dir_all(lab.path("bias.parquet.parts")).expect("removed");
    fs::remove_file(lab.path("bias.parquet")).expect("removed");
    bias(&lab, &old, "bias.parquet");
    let append = [&new[..], &["--append"]].concat();
    killed_as_it_ended(&lab, &append, &whole);
    assert!(whole == bias(&lab, &append, "bias.parquet"));
}
