//! `runner export`: vectors by which an engine ranks as the correction does.

use crate::blocks::{SWEEP, drawn};
use crate::lab::{Files, Lab, assert_same};
use crate::vectors::{DIM, GALLERY, Matrix, Noise, QUERIES, by_role, json, npy};
use nnn_export::{BiasFile, BiasWriter, Form, Manifest, read_items};
use nnn_report::{read_bias, read_queries};
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const FORMS: [&str; 3] = ["ip", "l2", "cosine"];
const FORMATS: [&str; 5] = ["parquet", "npy", "fvecs", "jsonl", "pgcopy"];

/// A sweep over vectors by role with a method of every kind.
const CONFIG: &str = "
experiment: lab
embeddings:
  - name: made-up
    by_role:
      gallery: {file: gallery.npy}
      queries: {file: queries.npy}
      query_to_gallery: {file: answers.json}
      gallery_ids: {file: ids.json}
      reference_queries: {file: past.npy}
      reference_gallery: {file: items.npy}
methods: [raw, nnn: {k: [4, 8], alpha: 0.5}, dis: {beta: 20, k: 1}, ls: {k: 4}, gr_clip, whitening: {dims: 4}]
statistics: {resamples: 40, permutations: 40}
";

const NNN: &str = "nnn(k=4,alpha=0.5)";

fn swept() -> Lab {
    let lab = by_role();
    lab.write("items.npy", npy(&Noise(7).rows(QUERIES)));
    lab.write("ids.json", json(&names(GALLERY)));
    lab.run(CONFIG, &[]);
    lab
}

fn names(items: usize) -> Vec<String> {
    (0..items).map(|item| format!("item {item}")).collect()
}

/// `gallery.npy`, `ids.json`, `bank.npy` and the biases of the one against the other.
fn biased(items: usize) -> Lab {
    let lab = Lab::new();
    lab.write("gallery.npy", npy(&Noise(1).rows(items)));
    lab.write("ids.json", json(&names(items)));
    lab.write("bank.npy", npy(&Noise(2).rows(100)));
    bias(&lab, &["gallery.npy", "--ids", "ids.json"], "bias.parquet");
    lab
}

fn bias(lab: &Lab, gallery: &[&str], out: &str) {
    let rest = [
        "--reference",
        "bank.npy",
        "--method",
        "nnn(k=4)",
        "--out",
        out,
    ];
    let ended = lab.call(&[&["bias", "--gallery"], gallery, &rest].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

fn export(lab: &Lab, options: &[&str], out: &str) -> Manifest {
    let ended = lab.call(&[&["export"], options, &["--out", out]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    Manifest::read(&lab.path(out)).expect("a manifest")
}

fn refused(lab: &Lab, options: &[&str], parts: &[&str]) {
    lab.call(&[&["export"], options, &["--out", "refused"]].concat())
        .refused(parts);
    assert!(!lab.path("refused/manifest.json").exists(), "{parts:?}");
    let left = lab.files("refused");
    assert!(left.is_empty(), "{:?}", left.keys());
}

/// All items of an export, and their ids as texts.
fn items(lab: &Lab, out: &str, manifest: &Manifest) -> (Vec<String>, Matrix) {
    let (mut ids, mut rows) = (Vec::new(), Vec::new());
    let shape = manifest.shape();
    read_items(
        manifest.items,
        &lab.path(out),
        shape,
        &mut |some, values| {
            ids.extend((0..some.len()).map(|at| some.text(at)));
            rows.extend(values.chunks(manifest.dim_out).map(<[f32]>::to_vec));
            Ok(())
        },
    )
    .expect("items");
    (ids, rows)
}

fn unit(row: &[f32]) -> Vec<f64> {
    let length = row
        .iter()
        .map(|&v| f64::from(v).powi(2))
        .sum::<f64>()
        .sqrt();
    row.iter().map(|&v| f64::from(v) / length).collect()
}

/// An exact engine: the places of all items, best first.
fn engine(form: Form, items: &Matrix, query: &[f64]) -> Vec<u32> {
    let score = |item: &Vec<f32>| {
        let pairs = || item.iter().zip(query).map(|(&x, &q)| (f64::from(x), q));
        let product: f64 = pairs().map(|(x, q)| x * q).sum();
        match form {
            Form::Ip => product,
            Form::L2 => -pairs().map(|(x, q)| (x - q).powi(2)).sum::<f64>(),
            Form::Cosine => {
                product
                    / item
                        .iter()
                        .map(|&x| f64::from(x).powi(2))
                        .sum::<f64>()
                        .sqrt()
            }
        }
    };
    let scores: Vec<f64> = items.iter().map(score).collect();
    let mut places: Vec<u32> = (0..items.len() as u32).collect();
    places.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
    places
}

/// The best items of every query as the sweep ranked them.
fn ranked(lab: &Lab, method: &str) -> Vec<Vec<u32>> {
    let folder = lab.path("results/lab/queries");
    let files = fs::read_dir(folder)
        .expect("queries")
        .map(|it| it.expect("a file").path());
    let tables = files.map(|it| read_queries(&it).expect("a table"));
    let mut columns = tables.flat_map(|table| table.methods);
    let column = columns.find(|it| it.method == method).expect("the method");
    column
        .top
        .chunks(column.top_width)
        .map(<[u32]>::to_vec)
        .collect()
}

#[test]
fn an_engine_ranks_an_export_of_results_as_the_sweep_did() {
    let lab = swept();
    let mut noise = Noise(2);
    noise.rows(GALLERY);
    let queries = noise.rows(QUERIES);
    for (form, format) in FORMS
        .iter()
        .flat_map(|form| FORMATS.map(|format| (form, format)))
    {
        let options = [
            "results/lab",
            "--method",
            NNN,
            "--form",
            form,
            "--to",
            format,
        ];
        let manifest = export(&lab, &options, format);
        let (ids, rows) = items(&lab, format, &manifest);
        assert_eq!(ids, names(GALLERY));
        assert_eq!(manifest.method, NNN);
        for (query, expected) in queries.iter().zip(ranked(&lab, NNN)) {
            let suffix = manifest.query_suffix.iter().map(|&it| f64::from(it));
            let query: Vec<f64> = unit(query).into_iter().chain(suffix).collect();
            let found = engine(manifest.form, &rows, &query);
            assert_eq!(found[..expected.len()], expected, "{form} {format}");
        }
    }
}

#[test]
fn moved_vectors_rank_as_the_sweep_did_from_results_and_from_banks() {
    let lab = swept();
    for method in ["gr_clip", "whitening(dims=4)"] {
        for form in FORMS {
            let how = ["--method", method, "--form", form, "--to", "npy"];
            let from_results = export(&lab, &[&["results/lab"], &how[..]].concat(), "a");
            let banks = [
                "--gallery",
                "gallery.npy",
                "--ids",
                "ids.json",
                "--reference",
                "past.npy",
            ];
            let other = ["--reference-gallery", "items.npy"];
            let from_banks = export(&lab, &[&banks[..], &other, &how].concat(), "b");
            assert_eq!(from_results.files, from_banks.files);
            assert_eq!((from_results.c, from_results.query_suffix.len()), (None, 0));
            let ended = lab.call(&["verify", "a", "--queries", "queries.npy", "--sample", "30"]);
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            let lines: Vec<&str> = ended.stdout.lines().collect();
            assert_eq!(lines.len(), QUERIES);
            for (line, expected) in lines.iter().zip(ranked(&lab, method)) {
                let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
                let expected: Vec<String> =
                    expected.iter().map(|it| format!("item {it}")).collect();
                let found = line["ids"].as_array().expect("ids");
                assert_eq!(found[..expected.len()], expected, "{method} {form}");
            }
        }
    }
}

#[test]
fn what_cannot_be_served_is_refused_with_the_reason() {
    let lab = swept();
    let how = ["--form", "ip", "--to", "npy"];
    let cases: [(&[&str], &[&str]); 9] = [
        (
            &["results/lab", "--method", "dis"],
            &["`dis(beta=20,k=1)` cannot be exported", "gated"],
        ),
        (
            &["results/lab", "--method", "ls"],
            &["cannot be exported", "rescaling"],
        ),
        (
            &["results/lab", "--method", "csls"],
            &["nothing there is of this --method", "--method 'gr_clip'"],
        ),
        (
            &["results/lab", "--method", "nnn"],
            &[
                "name one by --method",
                "--method 'nnn(k=8,alpha=0.5)' --trial 'made-up--made-up--t2i--reference_queries'",
            ],
        ),
        (&["results/lab"], &["name one by --method"]),
        (
            &["results/lab", "--method", NNN, "--trial", "other"],
            &["nothing there is of this --method and --trial"],
        ),
        (
            &["elsewhere", "--method", NNN],
            &["expected a folder that `runner run` wrote"],
        ),
        (
            &[
                "--gallery",
                "gallery.npy",
                "--reference",
                "past.npy",
                "--method",
                NNN,
            ],
            &["`runner bias`"],
        ),
        (
            &["--gallery", "gallery.npy"],
            &["expected results of `runner run`; or --bias"],
        ),
    ];
    for (options, parts) in cases {
        refused(&lab, &[options, &how].concat(), parts);
    }
    lab.write("gallery.npy", npy(&Noise(8).rows(GALLERY)));
    let changed = ["results/lab", "--method", NNN];
    refused(
        &lab,
        &[&changed[..], &how].concat(),
        &["have changed since; run its config again"],
    );
}

/// More items than a block of either file, in parts that end where no block does.
#[test]
fn an_export_of_biases_does_not_depend_on_how_the_gallery_is_cut() {
    let lab = biased(20_000);
    let gallery = Noise(1).rows(20_000);
    for (part, range) in [0..1, 1..7000, 7000..20_000].into_iter().enumerate() {
        lab.write(&format!("parts/{part}.npy"), npy(&gallery[range].to_vec()));
    }
    for format in FORMATS {
        let how = ["--bias", "bias.parquet", "--form", "cosine", "--to", format];
        let whole = export(
            &lab,
            &[&how[..], &["--gallery", "gallery.npy"]].concat(),
            "whole",
        );
        let parts = export(
            &lab,
            &[&how[..], &["--gallery", "parts", "--ids", "ids.json"]].concat(),
            "cut",
        );
        assert_eq!(whole.files, parts.files, "{format}");
        assert_eq!(whole.inputs.len(), 2);
        assert_eq!(parts.inputs.len(), 4);
        let (ids, rows) = items(&lab, "whole", &whole);
        assert_eq!(ids, names(20_000));
        for (row, item) in rows.iter().zip(&gallery) {
            let same = row
                .iter()
                .zip(unit(item))
                .all(|(found, unit)| *found == unit as f32);
            assert!(same, "{format}");
        }
    }
}

#[test]
fn items_that_are_not_those_of_the_biases_are_named() {
    let lab = biased(50);
    let rows = |seed, rows| Noise(seed).rows(rows);
    let mut other = rows(1, 50);
    other[17][3] += 0.001;
    lab.write("other.npy", npy(&other));
    lab.write("more.npy", npy(&rows(1, 51)));
    lab.write("fewer.npy", npy(&rows(1, 49)));
    let wide: Matrix = rows(1, 50)
        .into_iter()
        .map(|row| [row, vec![1.0]].concat())
        .collect();
    lab.write("wide.npy", npy(&wide));
    let mut swapped = names(50);
    swapped.swap(3, 4);
    lab.write("swapped.json", json(&swapped));
    lab.write("short.json", json(&names(49)));
    bias(&lab, &["gallery.npy"], "unnamed.parquet");
    let cases: [(&[&str], &[&str]); 9] = [
        (
            &["--bias", "bias.parquet", "--gallery", "other.npy"],
            &["row 17 (id item 17) has another vector in other.npy"],
        ),
        (
            &["--bias", "bias.parquet", "--gallery", "more.npy"],
            &["bias.parquet has 50 items, but the gallery has more, in more.npy"],
        ),
        (
            &["--bias", "bias.parquet", "--gallery", "fewer.npy"],
            &["the gallery has 49 items, but bias.parquet has more"],
        ),
        (
            &["--bias", "bias.parquet", "--gallery", "wide.npy"],
            &["wide.npy: vectors of dimension 7, but bias.parquet has dimension 6"],
        ),
        (
            &[
                "--bias",
                "bias.parquet",
                "--gallery",
                "gallery.npy",
                "--ids",
                "swapped.json",
            ],
            &["row 3 has the id \"item 4\"", "it is \"item 3\""],
        ),
        (
            &[
                "--bias",
                "bias.parquet",
                "--gallery",
                "gallery.npy",
                "--ids",
                "short.json",
            ],
            &["short.json", "49 ids, expected 50"],
        ),
        (
            &[
                "--bias",
                "unnamed.parquet",
                "--gallery",
                "gallery.npy",
                "--ids",
                "ids.json",
            ],
            &["computed without ids"],
        ),
        (
            &["--bias", "gallery.npy", "--gallery", "gallery.npy"],
            &["gallery.npy: not a readable .parquet file"],
        ),
        (
            &[
                "--bias",
                "bias.parquet",
                "--gallery",
                "gallery.npy",
                "--method",
                "csls",
            ],
            &["has biases of `nnn(k=4,alpha=0.75)`, not of `csls`"],
        ),
    ];
    for (options, parts) in cases {
        refused(
            &lab,
            &[options, &["--form", "ip", "--to", "npy"]].concat(),
            parts,
        );
    }
    let whole = ["--bias", "bias.parquet", "--gallery", "gallery.npy"];
    let scaled = ["--form", "l2", "--to", "npy", "--scale", "2"];
    refused(
        &lab,
        &[&whole[..], &scaled].concat(),
        &["the L2 form has none"],
    );
    let scaled = ["--form", "ip", "--to", "npy", "--scale=-1"];
    refused(
        &lab,
        &[&whole[..], &scaled].concat(),
        &["the scale is -1, expected a number above 0"],
    );
    let among = ["--form", "ip", "--to", "npy", "--out", "."];
    lab.call(&[&["export"], &whole[..], &among].concat())
        .refused(&["--out .: the gallery lies there, in gallery.npy"]);
    let unknown = lab.call(
        &[
            &["export"],
            &whole[..],
            &["--form", "dot", "--to", "npy", "--out", "x"],
        ]
        .concat(),
    );
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.stderr.contains("expected ip, l2 or cosine"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_bias_that_is_no_number_is_named() {
    let lab = biased(50);
    let file = BiasFile::open(&lab.path("bias.parquet")).expect("biases");
    let header = file.header().clone();
    let mut rows = file
        .blocks()
        .expect("rows")
        .next()
        .expect("rows")
        .expect("rows");
    rows.biases[31] = f32::NAN;
    let mut bytes = Vec::new();
    let mut out = BiasWriter::new(&mut bytes, &header, true).expect("begun");
    out.push(&rows).expect("pushed");
    out.finish().expect("finished");
    lab.write("nan.parquet", bytes);
    let options = [
        "--bias",
        "nan.parquet",
        "--gallery",
        "gallery.npy",
        "--form",
        "ip",
        "--to",
        "npy",
    ];
    refused(
        &lab,
        &options,
        &["nan.parquet: row 31 (id item 31) has bias NaN, expected a finite number"],
    );
}

#[test]
fn ids_that_repeat_are_named() {
    let lab = swept();
    let mut ids = names(GALLERY);
    ids[9] = "item 2".to_owned();
    lab.write("twice.json", json(&ids));
    let banks = [
        "--gallery",
        "gallery.npy",
        "--reference",
        "past.npy",
        "--reference-gallery",
        "items.npy",
    ];
    let how = [
        "--ids",
        "twice.json",
        "--method",
        "gr_clip",
        "--form",
        "ip",
        "--to",
        "npy",
    ];
    refused(
        &lab,
        &[&banks[..], &how].concat(),
        &["rows 2 and 9", "the same id \"item 2\""],
    );
}

#[test]
fn new_items_are_exported_beside_the_old() {
    let lab = biased(50);
    lab.write("new.npy", npy(&Noise(1).rows(50)[10..12].to_vec()));
    bias(&lab, &["new.npy"], "new.parquet");
    let old = [
        "--bias",
        "bias.parquet",
        "--gallery",
        "gallery.npy",
        "--to",
        "npy",
    ];
    let new = [
        "--bias",
        "new.parquet",
        "--gallery",
        "new.npy",
        "--to",
        "npy",
    ];
    for form in FORMS {
        let first = export(&lab, &[&old[..], &["--form", form]].concat(), form);
        let second = export(
            &lab,
            &[&new[..], &["--form", form, "--like", form]].concat(),
            "new",
        );
        assert_eq!(first.constants(), second.constants());
        let (_, before) = items(&lab, form, &first);
        let (_, after) = items(&lab, "new", &second);
        assert_eq!(before[10..12], after, "{form}");
    }
    let how = ["--form", "cosine", "--like", "ip"];
    refused(
        &lab,
        &[&new[..], &how].concat(),
        &["--like ip is in the form ip", "in the form cosine"],
    );
    // The other way round the new items' biases go beyond the old ones'.
    for form in ["l2", "cosine"] {
        export(&lab, &[&new[..], &["--form", form]].concat(), "few");
        let how = ["--form", form, "--like", "few"];
        refused(
            &lab,
            &[&old[..], &how].concat(),
            &["(id \"item ", "the bias ", "export all items anew"],
        );
    }
}

/// A gallery of three items, so wide that pgvector's limits matter.
#[test]
fn limits_of_pgvector_are_told_with_both_numbers() {
    let cases = [
        (1999, None),
        (
            2000,
            Some(
                "2001 coordinates; pgvector's indexes take 2000 of `vector` and 4000 of `halfvec`: index",
            ),
        ),
        (
            4000,
            Some(
                "4001 coordinates; pgvector's indexes take 2000 of `vector` and 4000 of `halfvec`: only a search",
            ),
        ),
        (
            16_000,
            Some("the items have 16001 coordinates, but `vector` of pgvector holds 16000"),
        ),
    ];
    for (dim, said) in cases {
        let lab = Lab::new();
        let mut noise = Noise(3);
        let mut rows = |count| -> Matrix {
            (0..count)
                .map(|_| (0..dim).map(|_| noise.next()).collect())
                .collect()
        };
        lab.write("gallery.npy", npy(&rows(3)));
        lab.write("bank.npy", npy(&rows(5)));
        bias(&lab, &["gallery.npy"], "bias.parquet");
        let how = [
            "--bias",
            "bias.parquet",
            "--gallery",
            "gallery.npy",
            "--form",
            "ip",
        ];
        let ended =
            lab.call(&[&["export"], &how[..], &["--to", "pgcopy", "--out", "out"]].concat());
        match said {
            None => assert!(!ended.stderr.contains("pgvector"), "{}", ended.stderr),
            Some(said) => assert!(ended.stderr.contains(said), "{}", ended.stderr),
        }
        assert_eq!(ended.code, Some(i32::from(dim == 16_000)));
        // Other formats have no such limit.
        export(&lab, &[&how[..], &["--to", "npy"]].concat(), "npy");
    }
}

#[test]
fn an_export_replaces_what_lay_there() {
    let lab = biased(50);
    let how = [
        "--bias",
        "bias.parquet",
        "--gallery",
        "gallery.npy",
        "--form",
        "ip",
        "--to",
    ];
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    export(&lab, &[&how[..], &["npy"]].concat(), "out");
    assert_eq!(
        names(&lab.files("out")),
        ["ids.txt", "items.npy", "manifest.json", "queries.md"]
    );
    export(&lab, &[&how[..], &["jsonl"]].concat(), "out");
    assert_eq!(
        names(&lab.files("out")),
        ["items.jsonl", "manifest.json", "queries.md"]
    );
    // One that was killed as it removed the files of the one before.
    export(&lab, &[&how[..], &["npy"]].concat(), "killed");
    fs::rename(
        lab.path("killed/manifest.json"),
        lab.path("killed/earlier.json"),
    )
    .expect("renamed");
    export(&lab, &[&how[..], &["jsonl"]].concat(), "killed");
    assert_same(&lab.files("killed"), &lab.files("out"));
}

/// Ten calls killed at moments spread over the time that one takes: a manifest is there only where all else is.
#[test]
fn a_killed_export_leaves_nothing_that_looks_whole() {
    let lab = biased(60_000);
    let how = [
        "--bias",
        "bias.parquet",
        "--gallery",
        "gallery.npy",
        "--form",
        "l2",
        "--to",
        "parquet",
    ];
    let started = Instant::now();
    export(&lab, &how, "whole");
    let (taken, whole) = (started.elapsed(), lab.files("whole"));
    let start = || {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
        let command = command.arg("export").args(how).args(["--out", "out"]);
        let command = command.current_dir(lab.path("")).stdout(Stdio::null());
        command.stderr(Stdio::null()).spawn().expect("it starts")
    };
    let mut noise = Noise(5);
    for _ in 0..10 {
        let mut child = start();
        sleep(taken.mul_f64(noise.unit()).max(Duration::from_millis(5)));
        let _ = child.kill();
        child.wait().expect("it ended");
        if lab.path("out/manifest.json").exists() {
            let manifest = Manifest::read(&lab.path("out")).expect("a whole one");
            manifest.check_files(&lab.path("out")).expect("whole files");
        }
    }
    assert!(start().wait().expect("it ended").success());
    assert_same(&lab.files("out"), &whole);
}

#[test]
fn the_manifest_says_all_that_is_needed() {
    let lab = biased(50);
    let how = [
        "--bias",
        "bias.parquet",
        "--gallery",
        "gallery.npy",
        "--form",
        "cosine",
        "--to",
        "npy",
    ];
    let manifest = export(&lab, &how, "out");
    assert_eq!(
        (manifest.dim, manifest.dim_out, manifest.count),
        (DIM, DIM + 2, 50)
    );
    let (_, rows) = items(&lab, "out", &manifest);
    let reach = rows.iter().map(|row| row[DIM].abs()).fold(0.0, f32::max);
    assert_eq!(manifest.reach, Some(f64::from(reach)));
    assert_eq!(manifest.length, Some(f64::from(reach).hypot(1.0)));
    // At the ends of the biases the item's coordinate is as large as the query's, each rounded once.
    let weight = -f64::from(manifest.query_suffix[0]);
    assert!((f64::from(reach) / weight - 1.0).abs() <= 2.0 * f64::from(f32::EPSILON));
    let summary = manifest.bias.expect("biases");
    assert_eq!(
        manifest.offset,
        Some((f64::from(summary.min) + f64::from(summary.max)) / 2.0)
    );
    let largest = rows
        .iter()
        .flat_map(|row| &row[..DIM])
        .fold(0.0, |most: f32, it| most.max(it.abs()));
    assert_eq!(manifest.largest, largest);
    let text = fs::read_to_string(lab.path("out/manifest.json")).expect("text");
    let again: Manifest = serde_json::from_str(&text).expect("it reads back");
    assert_eq!(again, manifest);
}

#[test]
fn queries_md_has_the_words_of_the_form_and_of_the_format() {
    let lab = biased(50);
    let words = [
        ("ip", "METRIC_INNER_PRODUCT", "sqlite-vec"),
        ("l2", "Distance.EUCLID", "<#>"),
        ("cosine", "distance_metric=cosine", "METRIC_L2"),
    ];
    for (form, there, absent) in words {
        for format in FORMATS {
            let how = [
                "--bias",
                "bias.parquet",
                "--gallery",
                "gallery.npy",
                "--form",
                form,
            ];
            let manifest = export(&lab, &[&how[..], &["--to", format]].concat(), "out");
            let text = fs::read_to_string(lab.path("out/queries.md")).expect("a page");
            assert!(!text.contains("{{"), "{text}");
            assert!(
                text.contains(&format!("{:?}", manifest.query_suffix)),
                "{text}"
            );
            // PostgreSQL's binary copy is for PostgreSQL alone.
            assert_eq!(text.contains("\\copy items"), format == "pgcopy");
            assert_eq!(text.contains("## faiss"), format != "pgcopy");
            assert_eq!(text.contains(there), format != "pgcopy", "{form} {format}");
            assert!(!text.contains(absent), "{form} {format}");
        }
    }
}

/// The gallery's vectors come from the cache of the run, and images keep their names.
#[test]
fn encoded_items_are_exported_from_the_results_that_ranked_them() {
    let lab = drawn(40, 12);
    lab.run(SWEEP, &[]);
    let trial = "clip--tiny--t2i--half";
    let which = ["results/lab", "--method", "is(beta=20)", "--trial", trial];
    let manifest = export(
        &lab,
        &[&which[..], &["--form", "l2", "--to", "jsonl"]].concat(),
        "out",
    );
    let (ids, rows) = items(&lab, "out", &manifest);
    assert_eq!(rows.len(), 12);
    assert!(ids.iter().all(|id| id.ends_with(".png")), "{ids:?}");
    let bias =
        read_bias(&lab.path(&format!("results/lab/bias/{trial}--is_beta=20.npy"))).expect("a bias");
    let constants = manifest.constants().expect("constants");
    for (row, bias) in rows.iter().zip(bias) {
        // The appended coordinate is rounded once, which its square doubles.
        let found = constants.penalty(&row[manifest.dim..]) + constants.offset;
        let slack = 2.0 * f64::from(f32::EPSILON) * (found - constants.offset).abs();
        assert!((found - f64::from(bias)).abs() <= slack, "{found} {bias}");
    }
}
