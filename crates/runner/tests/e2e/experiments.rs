//! `experiments/nnn-emnlp2024`: every number is the paper's, every number of the paper is there, and every config can be
//! planned. The paper's numbers are not part of the repository: where they are not beside it, the first two are skipped.

use crate::lab::{Lab, skip, workspace};
use nnn_report::Expectation;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What an expectation is about: model, data set, direction, reference set, method, parameters, choice, metric.
type Key = [String; 8];

/// The published number of a key: as a fraction or in its own unit, or alpha and k.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    One(f64),
    Chosen { alpha: f64, k: f64 },
}

#[derive(Deserialize)]
struct Experiment {
    experiment: String,
    expect: Vec<Expectation>,
}

#[derive(Deserialize)]
struct ModelCard {
    name: String,
    source: BTreeMap<String, Value>,
    #[serde(default)]
    published_rows: Vec<String>,
}

fn folder() -> PathBuf {
    workspace().join("experiments/nnn-emnlp2024")
}

/// All configs, by the stem of their file.
fn experiments() -> BTreeMap<String, (PathBuf, Experiment)> {
    let files = fs::read_dir(folder()).expect("the folder");
    let paths = files.map(|file| file.expect("a file").path());
    let configs = paths.filter(|path| path.extension().is_some_and(|it| it == "yaml"));
    let read = |path: PathBuf| {
        let stem = path.file_stem().expect("a name").display().to_string();
        let read: Experiment = read_yaml(&path);
        (stem, (path, read))
    };
    configs.map(read).collect()
}

fn read_yaml<T: for<'a> Deserialize<'a>>(path: &Path) -> T {
    let text = fs::read_to_string(path).expect("a file");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the cards of every row of the paper, and whether they have checkpoints.
fn models() -> BTreeMap<String, Vec<(String, bool)>> {
    let mut models: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
    for file in fs::read_dir(workspace().join("configs/models")).expect("cards") {
        let card: ModelCard = read_yaml(&file.expect("a file").path());
        let public = !card.source.contains_key("unavailable");
        for row in card.published_rows {
            let row = row.strip_prefix("NNN (arXiv 2410.24114), Tables 1 and 2, ");
            let row = row
                .expect("a row of the paper")
                .replace("BEiT-3 L", "BEiT-3 Large");
            models
                .entry(row)
                .or_default()
                .push((card.name.clone(), public));
        }
    }
    models
}

fn paper() -> Option<Value> {
    let path = workspace().join("../shared/paper.json");
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// A cell of the paper, without its model.
struct Cell {
    row: String,
    place: [String; 7],
    number: Number,
    /// How many printed numbers it stands for.
    printed: usize,
}

/// One table of the paper, and the task it is about.
struct Table<'a> {
    name: &'a str,
    content: &'a Value,
    dataset: &'a str,
    direction: &'a str,
}

const DATASETS: [(&str, &str); 2] = [("F", "flickr30k"), ("C", "coco")];

fn dataset(letter: &str) -> &'static str {
    let found = DATASETS.iter().find(|(known, _)| *known == letter);
    found.unwrap_or_else(|| panic!("no data set {letter}")).1
}

fn place(task: [&str; 2], how: [&str; 4], metric: &str) -> [String; 7] {
    let [reference, method, params, chosen] = how;
    [task[0], task[1], reference, method, params, chosen, metric].map(str::to_owned)
}

const RAW: [&str; 4] = ["", "raw", "", ""];

fn found(method: &str) -> [&str; 3] {
    [method, "", "validation"]
}

impl Table<'_> {
    fn columns(&self) -> Vec<&str> {
        let columns = self.content["cols"].as_array().expect("columns");
        columns
            .iter()
            .map(|name| name.as_str().expect("a name"))
            .collect()
    }

    /// Rows by their names in Table 1.
    fn rows(&self) -> Vec<(String, Vec<f64>)> {
        let rows = self.content["rows"].as_object().expect("rows").iter();
        let row = |(name, numbers): (&String, &Value)| {
            let name = match name.as_str() {
                "BLIP (= BLIP ft. COCO)" => "BLIP ft. COCO",
                "BEiT-3 base" => "BEiT-3",
                name => name,
            };
            let numbers = numbers.as_array().expect("numbers").iter();
            let numbers = numbers.map(|number| number.as_f64().expect("a number"));
            (name.to_owned(), numbers.collect())
        };
        rows.map(row).collect()
    }

    /// The cells that `place` knows the meaning of, in percent.
    fn percents(&self, place: impl Fn(&str) -> Option<[String; 7]>) -> Vec<Cell> {
        let columns = self.columns();
        let mut cells = Vec::new();
        for (row, numbers) in self.rows() {
            assert_eq!(numbers.len(), columns.len(), "{}, {row}", self.name);
            for (column, number) in columns.iter().zip(numbers) {
                cells.extend(place(column).map(|place| Cell {
                    row: row.clone(),
                    place,
                    number: Number::One(number / 100.0),
                    printed: 1,
                }));
            }
        }
        cells
    }

    /// Tables 1 and 2: `C_nnn_refF`; A6 and A7: `C_DualIS`.
    fn two_datasets(&self) -> Vec<Cell> {
        self.percents(|column| {
            let (letter, what) = column.split_once('_').expect("a data set");
            let evaluated = dataset(letter);
            let own = format!("{evaluated} 20 %");
            let (reference, [method, params, chosen]) = match what {
                "orig" => return Some(place([evaluated, self.direction], RAW, "R@1")),
                "dbnorm" => (own, found("dualis")),
                "nnn_refF" => ("flickr30k 20 %".to_owned(), found("nnn")),
                "nnn_refC" => ("coco 20 %".to_owned(), found("nnn")),
                "DN" => ("train 20 %".to_owned(), found("dn")),
                "DualIS" => ("train 20 %".to_owned(), found("dualis")),
                "DualDIS" => ("train 20 %".to_owned(), found("dualdis")),
                "NNN" => ("train 20 %".to_owned(), found("nnn")),
                other => panic!("no column {other}"),
            };
            let how = [&reference, method, params, chosen];
            Some(place([evaluated, self.direction], how, "R@1"))
        })
    }

    /// A3 and A4: `k16`; A12 to A15: `20pct`.
    fn one_number_apart(&self) -> Vec<Cell> {
        let task = [self.dataset, self.direction];
        self.percents(|column| {
            let share = |size: &str| format!("{}{size}", self.dataset);
            let reference = match column {
                "orig" => return Some(place(task, RAW, "R@1")),
                "full" => share(""),
                "50pct" => share(" 50 %"),
                "20pct" => share(" 20 %"),
                "10pct" => share(" 10 %"),
                k => {
                    let k = k
                        .strip_prefix('k')
                        .unwrap_or_else(|| panic!("no column {k}"));
                    let params = format!("k={k},alpha=0.75");
                    return Some(place(task, ["coco", "nnn", &params, "fixed"], "R@1"));
                }
            };
            Some(place(task, [&reference, "nnn", "", "validation"], "R@1"))
        })
    }

    /// A8 to A11: `nnn_refC_R5`. The intervals, `nnn_refC_R5_ci`, follow from the values, which `nnn-metrics` tests for
    /// all of them.
    fn recalls(&self) -> Vec<Cell> {
        let task = [self.dataset, self.direction];
        self.percents(|column| {
            let (what, cutoff) = column.rsplit_once("_R")?;
            let metric = format!("R@{}", cutoff.parse::<u32>().ok()?);
            Some(match what.strip_prefix("nnn_ref") {
                Some(letter) => place(task, [dataset(letter), "nnn", "", "validation"], &metric),
                None => place(task, RAW, &metric),
            })
        })
    }

    /// A1 and A2: `C_refF_alpha` and `C_refF_k`.
    fn parameters(&self) -> Vec<Cell> {
        let columns = self.columns();
        let mut cells = Vec::new();
        for (row, numbers) in self.rows() {
            for (names, values) in columns.chunks(2).zip(numbers.chunks(2)) {
                let name = names[0].strip_suffix("_alpha").expect("alpha comes first");
                assert_eq!(names[1], format!("{name}_k"));
                let (evaluated, reference) = name.split_once("_ref").expect("a reference set");
                let task = [dataset(evaluated), self.direction];
                cells.push(Cell {
                    row: row.clone(),
                    place: place(task, [dataset(reference), "nnn", "", "validation"], "R@1"),
                    number: Number::Chosen {
                        alpha: values[0],
                        k: values[1],
                    },
                    printed: 2,
                });
            }
        }
        cells
    }

    fn searches(&self) -> Vec<Cell> {
        let columns = self.columns();
        let mut cells = Vec::new();
        for (row, numbers) in self.rows() {
            for (column, number) in columns.iter().zip(numbers) {
                let (metric, unit) = match *column {
                    "base_s" => ("exact_search:seconds", 1.0),
                    "faiss_s" => ("index_search:seconds", 1.0),
                    "factor" => ("index_search:factor", 1.0),
                    "base_IR1" => ("exact_search:R@1", 100.0),
                    "faiss_IR1" => ("R@1", 100.0),
                    other => panic!("no column {other}"),
                };
                cells.push(Cell {
                    row: row.clone(),
                    place: place(["coco", "t2i"], ["coco", "nnn", "", "validation"], metric),
                    number: Number::One(number / unit),
                    printed: 1,
                });
            }
        }
        cells
    }

    /// Table 3: its rows are statistics, its columns models on data sets.
    fn moments(&self) -> Vec<Cell> {
        let columns = self.columns();
        let nnn = ["train", "nnn", "", "validation"];
        let mut cells = Vec::new();
        for (statistic, numbers) in self.rows() {
            let (name, how) = match statistic.strip_suffix(" (NNN)") {
                Some(name) => (name, nnn),
                None => (statistic.as_str(), RAW),
            };
            let (metric, how, unit) = match name {
                "Kurtosis" => ("k_kurtosis@1", how, 1.0),
                "MAE" => ("k_mae@1", how, 1.0),
                "Max" => ("k_max@1", how, 1.0),
                "Delta accuracy" => ("gain:R@1", nnn, 100.0),
                other => panic!("no statistic {other}"),
            };
            for (column, number) in columns.iter().zip(numbers) {
                let (row, evaluated) = match *column {
                    "CLIP_COCO" => ("CLIP", "coco"),
                    "CLIP_Flickr" => ("CLIP", "flickr30k"),
                    "BLIP_COCO" => ("BLIP ft. COCO", "coco"),
                    "BLIP_Flickr" => ("BLIP ft. COCO", "flickr30k"),
                    other => panic!("no column {other}"),
                };
                cells.push(Cell {
                    row: row.to_owned(),
                    place: place([evaluated, "t2i"], how, metric),
                    number: Number::One(number / unit),
                    printed: 1,
                });
            }
        }
        cells
    }

    fn gender(&self) -> Vec<Cell> {
        let nnn = ["coco", "nnn", "k=16,alpha=0.75", "fixed"];
        let metrics = [
            ("bias_n6", "bias@6", 1.0),
            ("bias_n10", "bias@10", 1.0),
            ("precision_at_1", "P@1", 100.0),
            ("precision_at_5", "P@5", 100.0),
        ];
        let mut cells = Vec::new();
        for (name, metric, unit) in metrics {
            for (at, how) in [RAW, nnn].into_iter().enumerate() {
                let number = self.content[name][at].as_f64().expect("a number");
                cells.push(Cell {
                    row: "CLIP".to_owned(),
                    place: place(["visogender", "t2i"], how, metric),
                    number: Number::One(number / unit),
                    printed: 1,
                });
            }
        }
        cells
    }

    /// Appendix F, without its p-value.
    fn reranked(&self) -> Vec<Cell> {
        let raw = ["", "raw+itm", "", ""];
        let nnn = ["coco", "nnn+itm", "", "validation"];
        let cell = |(name, how): (&str, [&str; 4])| Cell {
            row: "BLIP ft. COCO".to_owned(),
            place: place(["coco", "t2i"], how, "R@1"),
            number: Number::One(self.content[name].as_f64().expect("a number") / 100.0),
            printed: 1,
        };
        [("orig", raw), ("nnn", nnn)].map(cell).into()
    }
}

/// The cells of every table, by the stem of the file that expects them.
fn cells(paper: &Value) -> BTreeMap<String, Vec<Cell>> {
    let tables = paper["tables"].as_object().expect("tables");
    let mut cells = BTreeMap::new();
    for (full_name, content) in tables {
        let name = full_name.split('_').next().expect("a name");
        let task = match name {
            "T1" | "A1" | "A6" => ["", "t2i"],
            "T2" | "A2" | "A7" => ["", "i2t"],
            "A8" | "A12" => ["flickr30k", "t2i"],
            "A9" | "A13" => ["flickr30k", "i2t"],
            "A3" | "A10" | "A14" => ["coco", "t2i"],
            "A4" | "A11" | "A15" => ["coco", "i2t"],
            _ => ["", ""],
        };
        let table = Table {
            name,
            content,
            dataset: task[0],
            direction: task[1],
        };
        let (stem, found) = match name {
            "T1" | "T2" => (format!("table-{}", &name[1..]), table.two_datasets()),
            "A6" | "A7" => (
                format!("table-{}", name.to_lowercase()),
                table.two_datasets(),
            ),
            "T3" => ("table-3".to_owned(), table.moments()),
            "A1" | "A2" => (format!("table-{}", name.to_lowercase()), table.parameters()),
            "A3" | "A4" | "A12" | "A13" | "A14" | "A15" => (
                format!("table-{}", name.to_lowercase()),
                table.one_number_apart(),
            ),
            "A5" => ("table-a5".to_owned(), table.searches()),
            "A8" | "A9" | "A10" | "A11" => {
                (format!("table-{}", name.to_lowercase()), table.recalls())
            }
            "gender" => ("gender".to_owned(), table.gender()),
            "crossmodal" => ("appendix-f".to_owned(), table.reranked()),
            other => panic!("nobody knows what table {other} is"),
        };
        cells.insert(stem, found);
    }
    cells
}

fn key(model: &str, place: &[String; 7]) -> Key {
    let [a, b, c, d, e, f, g] = place.clone();
    [model.to_owned(), a, b, c, d, e, f, g]
}

fn key_of(expectation: &Expectation) -> Key {
    let it = expectation.clone();
    [
        it.model,
        it.dataset,
        it.direction,
        it.reference_set.unwrap_or_default(),
        it.method,
        it.params.unwrap_or_default(),
        it.chosen.unwrap_or_default(),
        it.metric,
    ]
}

fn number_of(expectation: &Expectation) -> Number {
    match (&expectation.paper, &expectation.paper_params) {
        (Some(paper), None) => Number::One(*paper),
        (None, Some(params)) => Number::Chosen {
            alpha: params["alpha"].paper,
            k: params["k"].paper,
        },
        other => panic!("{other:?} is neither a number nor parameters"),
    }
}

fn is_same(a: Number, b: Number) -> bool {
    match (a, b) {
        // Fractions are written in full: what is left is the rounding of the division by 100.
        (Number::One(a), Number::One(b)) => (a - b).abs() < 1e-12,
        (a, b) => a == b,
    }
}

#[test]
fn every_number_is_the_papers_and_none_is_missing() {
    let Some(paper) = paper() else {
        return skip("no ../shared/paper.json");
    };
    let (models, experiments, cells) = (models(), experiments(), cells(&paper));
    let (mut printed, mut absent) = (0, 0);
    for (stem, cells) in &cells {
        let (_, experiment) = &experiments[stem];
        let found: BTreeMap<Key, Number> = experiment
            .expect
            .iter()
            .map(|expectation| (key_of(expectation), number_of(expectation)))
            .collect();
        assert_eq!(
            found.len(),
            experiment.expect.len(),
            "{stem}: twice the same"
        );
        let mut known = BTreeSet::new();
        for cell in cells {
            let candidates = &models[&cell.row];
            printed += cell.printed;
            if candidates.iter().all(|(_, public)| !public) {
                absent += cell.printed;
            }
            for (model, _) in candidates {
                let key = key(model, &cell.place);
                let number = found.get(&key);
                let number = number.unwrap_or_else(|| panic!("{stem}: nothing expects {key:?}"));
                assert!(is_same(*number, cell.number), "{stem}: {key:?}: {number:?}");
                known.insert(key);
            }
        }
        let others: Vec<_> = found.keys().filter(|key| !known.contains(*key)).collect();
        let is_orig_of_a10 = |key: &&Key| stem == "table-a5" && key[4] == "raw";
        assert!(others.iter().all(is_orig_of_a10), "{stem}: {others:?}");
    }
    // Beside the 504 intervals of Tables A8 to A11.
    assert_eq!((printed, absent), (1814, 258));
    let readme = fs::read_to_string(folder().join("README.md")).expect("the README");
    for count in ["1,814", "258", "1,556", "504"] {
        assert!(readme.contains(count), "README.md does not name {count}");
    }
}

/// What repeats cells of other tables has the same numbers as they.
#[test]
fn what_is_expected_twice_is_the_same() {
    let experiments = experiments();
    let of = |stem: &str| -> BTreeMap<Key, Number> {
        let expect = experiments[stem].1.expect.iter();
        expect.map(|it| (key_of(it), number_of(it))).collect()
    };
    let pairs = [("figure-hubs", "table-3", 7), ("table-a5", "table-a10", 10)];
    for (copy, original, least) in pairs {
        let original = of(original);
        let raw = |key: &Key| copy == "figure-hubs" || key[4] == "raw";
        let copied: Vec<_> = of(copy).into_iter().filter(|(key, _)| raw(key)).collect();
        assert_eq!(copied.len(), least, "{copy}");
        for (key, number) in copied {
            assert_eq!(original.get(&key), Some(&number), "{copy}: {key:?}");
        }
    }
}

/// Every tolerance follows from one of the rules that README.md gives.
#[test]
fn tolerances_follow_the_stated_rules() {
    let queries = |dataset: &str, direction: &str| match (dataset, direction) {
        ("flickr30k", "t2i") => 5_000.0,
        ("flickr30k", "i2t") => 1_000.0,
        ("coco", "t2i") => 25_010.0,
        ("coco", "i2t") => 5_000.0,
        other => panic!("no task {other:?}"),
    };
    let mut checked = 0;
    for (stem, (_, experiment)) in experiments() {
        for it in &experiment.expect {
            let recall = it.metric.starts_with("R@") || it.metric == "exact_search:R@1";
            if !recall || it.paper_params.is_some() {
                continue;
            }
            let nothing_drawn =
                it.method.starts_with("raw") || it.chosen.as_deref() == Some("fixed");
            let share: f64 = if nothing_drawn { 0.01 } else { 0.032 };
            let offset = if (&*it.dataset, &*it.direction) == ("coco", "t2i") {
                0.0004
            } else {
                0.0
            };
            let queries = match &*stem {
                // One caption an image.
                "appendix-f" => 5_000.0,
                _ => queries(&it.dataset, &it.direction),
            };
            let expected = 1.96 * (share / queries).sqrt() + offset;
            assert!(
                (it.tolerance - expected).abs() <= 0.000_051,
                "{stem}: {it:?}"
            );
            checked += 1;
        }
    }
    assert!(checked > 1_500, "{checked}");
}

/// The share of queries that a new draw changes is the paper's own, as README.md says.
#[test]
fn the_share_of_changed_queries_follows_from_tables_a12_to_a15() {
    let Some(paper) = paper() else {
        return skip("no ../shared/paper.json");
    };
    let tables = [
        ("A12_flickr_image_ablation", 5_000.0),
        ("A13_flickr_text_ablation", 1_000.0),
        ("A14_coco_image_ablation", 25_010.0),
        ("A15_coco_text_ablation", 5_000.0),
    ];
    let mut shares = Vec::new();
    for (name, queries) in tables {
        let rows = paper["tables"][name]["rows"].as_object().expect("rows");
        for column in [2, 3] {
            let gap = |row: &Value| {
                let number = |at: usize| row[at].as_f64().expect("a number");
                (number(column) - number(column + 1)) / 100.0
            };
            let gaps: Vec<f64> = rows.values().map(gap).collect();
            let count = gaps.len() as f64;
            let mean = gaps.iter().sum::<f64>() / count;
            let squares: f64 = gaps.iter().map(|gap| (gap - mean).powi(2)).sum();
            shares.push(queries * squares / (count - 1.0));
        }
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!((mean - 0.032).abs() < 0.000_5, "{mean}");
}

/// Every config is checked as before a run, without a network: names, parameters, metrics, cards.
#[test]
fn every_experiment_can_be_planned() {
    let lab = Lab::new();
    let experiments = experiments();
    let paths = experiments
        .values()
        .map(|(path, _)| path.display().to_string());
    let cache = lab.path("cache").display().to_string();
    let options = ["run", "--dry-run", "--offline", "--cache", &cache].map(str::to_owned);
    let arguments: Vec<String> = options.into_iter().chain(paths).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = lab.command(&arguments);
    let output = command
        .current_dir(workspace())
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (said, complained) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(0), "{complained}");
    for (_, experiment) in experiments.values() {
        let title = format!("experiment {}\n", experiment.experiment);
        assert!(said.contains(&title), "no {title:?} in {said}");
    }
    assert_eq!(experiments.len(), 21);
}

/// `configs/coco.yaml` and `configs/flickr30k.yaml` expect what Tables 1, 2, A6 and A7 do of their data set.
#[test]
fn the_two_main_configs_expect_the_papers_tables() {
    let tables = experiments();
    let number = |it: &Expectation| {
        // Tables A6 and A7 take the data set's own training split.
        let reference = it.reference_set.clone().unwrap_or_default().to_lowercase();
        let reference = reference.replace("train", &it.dataset);
        format!(
            "{} {} {reference} {} {:?} {} {:?} {}",
            it.model, it.direction, it.method, it.chosen, it.metric, it.paper, it.tolerance
        )
    };
    for dataset in ["coco", "flickr30k"] {
        let config: Experiment = read_yaml(&workspace().join(format!("configs/{dataset}.yaml")));
        let of_tables = ["table-1", "table-2", "table-a6", "table-a7"].iter();
        let of_tables = of_tables.flat_map(|table| &tables[*table].1.expect);
        let wanted: BTreeSet<String> = of_tables
            .filter(|it| it.dataset == dataset)
            .map(number)
            .collect();
        let found: BTreeSet<String> = config.expect.iter().map(number).collect();
        assert!(wanted.len() > 100, "{dataset}");
        assert_eq!(found, wanted);
    }
}
