//! `experiments/nnn-emnlp2024`: every number in `published/` is the paper's, every number of the paper is there, and every config
//! expects all of its table. The paper as it is printed is not part of the repository: where it is not beside it, the tests that
//! compare with it are skipped.

use crate::lab::{Lab, skip, workspace};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What a number is about: row of the paper, data set, direction, reference set, method, parameters, choice, metric.
type Key = [String; 8];

/// The published number of a key: as a fraction or in its own unit, or alpha and k.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    One(f64),
    Chosen { alpha: f64, k: f64 },
}

/// A line of a table in `published/`.
#[derive(Debug, Clone, Deserialize)]
struct Line {
    model: String,
    dataset: String,
    direction: String,
    method: String,
    metric: String,
    reference: String,
    share: Option<f64>,
    params: String,
    chosen: String,
    #[serde(default)]
    value: Option<f64>,
    #[serde(default)]
    paper_params: String,
    #[serde(default)]
    steps: String,
    tolerance: f64,
    informative: String,
    notes: String,
}

impl Line {
    fn key(&self) -> Key {
        let reference = self
            .share
            .map_or(String::new(), |share| set(&self.reference, share));
        let Self {
            model,
            dataset,
            direction,
            ..
        } = self;
        let Self {
            method,
            params,
            chosen,
            metric,
            ..
        } = self;
        [
            model, dataset, direction, &reference, method, params, chosen, metric,
        ]
        .map(String::clone)
    }

    fn number(&self) -> Number {
        let param = |name: &str| {
            let mut pairs = self.paper_params.split(',');
            let value = pairs.find_map(|pair| pair.strip_prefix(name));
            value.expect("a parameter").parse().expect("a number")
        };
        match self.value {
            Some(value) => Number::One(value),
            None => Number::Chosen {
                alpha: param("alpha="),
                k: param("k="),
            },
        }
    }

    /// How many printed numbers it stands for; what Table A5's file takes from Table A10 is printed there.
    fn printed(&self) -> usize {
        match self.number() {
            _ if self.notes.split(' ').any(|note| note == "orig-of-a10") => 0,
            Number::One(_) => 1,
            Number::Chosen { .. } => 2,
        }
    }
}

/// A reference set in a key.
fn set(dataset: &str, share: f64) -> String {
    format!("{dataset} {share}")
}

#[derive(Deserialize)]
struct ModelCard {
    name: String,
    source: BTreeMap<String, Value>,
    #[serde(default)]
    published_rows: BTreeMap<String, String>,
}

fn folder() -> PathBuf {
    workspace().join("experiments/nnn-emnlp2024")
}

/// Paths of this ending in a folder, by their stems.
fn files(folder: &Path, ending: &str) -> BTreeMap<String, PathBuf> {
    let files = fs::read_dir(folder).expect("the folder");
    let paths = files.map(|file| file.expect("a file").path());
    let own = paths.filter(|path| path.extension().is_some_and(|it| it == ending));
    own.map(|path| {
        (
            path.file_stem().expect("a name").display().to_string(),
            path,
        )
    })
    .collect()
}

/// All tables of numbers, by the stem of their file.
fn tables() -> BTreeMap<String, Vec<Line>> {
    let mut files = files(&folder().join("published"), "csv");
    files.remove("notes").expect("the notes");
    let read = |path: &PathBuf| {
        let mut lines = csv::Reader::from_path(path).expect("a table");
        let lines = lines.deserialize().map(|line| line.expect("a line"));
        lines.collect()
    };
    files
        .iter()
        .map(|(stem, path)| (stem.clone(), read(path)))
        .collect()
}

fn read_yaml<T: for<'a> Deserialize<'a>>(path: &Path) -> T {
    let text = fs::read_to_string(path).expect("a file");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the cards of every row of the paper, and whether they have checkpoints.
fn models() -> BTreeMap<String, Vec<(String, bool)>> {
    let mut models: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
    for path in files(&workspace().join("configs/models"), "yaml").values() {
        let card: ModelCard = read_yaml(path);
        let public = !card.source.contains_key("unavailable");
        for row in card.published_rows.into_values() {
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

    /// Rows by their names on the cards.
    fn rows(&self) -> Vec<(String, Vec<f64>)> {
        let rows = self.content["rows"].as_object().expect("rows").iter();
        let row = |(name, numbers): (&String, &Value)| {
            let name = match name.as_str() {
                "BLIP (= BLIP ft. COCO)" => "BLIP ft. COCO",
                "BEiT-3 base" => "BEiT-3",
                name => name,
            };
            let name = name.replace("BEiT-3 Large", "BEiT-3 L");
            let numbers = numbers.as_array().expect("numbers").iter();
            let numbers = numbers.map(|number| number.as_f64().expect("a number"));
            (name, numbers.collect())
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
            let own = set(evaluated, 0.2);
            let (reference, [method, params, chosen]) = match what {
                "orig" => return Some(place([evaluated, self.direction], RAW, "R@1")),
                "dbnorm" => (own, found("dualis")),
                "nnn_refF" => (set("flickr30k", 0.2), found("nnn")),
                "nnn_refC" => (set("coco", 0.2), found("nnn")),
                "DN" => (own, found("dn")),
                "DualIS" => (own, found("dualis")),
                "DualDIS" => (own, found("dualdis")),
                "NNN" => (own, found("nnn")),
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
            let share = |share| set(self.dataset, share);
            let reference = match column {
                "orig" => return Some(place(task, RAW, "R@1")),
                "full" => share(1.0),
                "50pct" => share(0.5),
                "20pct" => share(0.2),
                "10pct" => share(0.1),
                k => {
                    let k = k
                        .strip_prefix('k')
                        .unwrap_or_else(|| panic!("no column {k}"));
                    let params = format!("k={k},alpha=0.75");
                    return Some(place(task, ["coco 1", "nnn", &params, "fixed"], "R@1"));
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
                Some(letter) => place(
                    task,
                    [&set(dataset(letter), 1.0), "nnn", "", "validation"],
                    &metric,
                ),
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
                    place: place(
                        task,
                        [&set(dataset(reference), 1.0), "nnn", "", "validation"],
                        "R@1",
                    ),
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
                    place: place(["coco", "t2i"], ["coco 1", "nnn", "", "validation"], metric),
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
        let mut cells = Vec::new();
        for (statistic, numbers) in self.rows() {
            let (name, corrected) = match statistic.strip_suffix(" (NNN)") {
                Some(name) => (name, true),
                None => (statistic.as_str(), statistic == "Delta accuracy"),
            };
            let (metric, unit) = match name {
                "Kurtosis" => ("k_kurtosis@1", 1.0),
                "MAE" => ("k_mae@1", 1.0),
                "Max" => ("k_max@1", 1.0),
                "Delta accuracy" => ("gain:R@1", 100.0),
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
                let own = set(evaluated, 1.0);
                let how = match corrected {
                    true => [&own, "nnn", "", "validation"],
                    false => RAW,
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
        let nnn = ["coco 1", "nnn", "k=16,alpha=0.75", "fixed"];
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
        let nnn = ["coco 1", "nnn+itm", "", "validation"];
        let cell = |(name, how): (&str, [&str; 4])| Cell {
            row: "BLIP ft. COCO".to_owned(),
            place: place(["coco", "t2i"], how, "R@1"),
            number: Number::One(self.content[name].as_f64().expect("a number") / 100.0),
            printed: 1,
        };
        [("orig", raw), ("nnn", nnn)].map(cell).into()
    }
}

/// The cells of every table, by the stem of the file that has its numbers.
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

fn key(row: &str, place: &[String; 7]) -> Key {
    let [a, b, c, d, e, f, g] = place.clone();
    [row.to_owned(), a, b, c, d, e, f, g]
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
    let (tables, cells) = (tables(), cells(&paper));
    assert!(tables.keys().eq(cells.keys()), "{:?}", cells.keys());
    let mut printed = 0;
    for (stem, cells) in &cells {
        let lines = &tables[stem];
        let found: BTreeMap<Key, Number> = lines
            .iter()
            .map(|line| (line.key(), line.number()))
            .collect();
        assert_eq!(found.len(), lines.len(), "{stem}: twice the same");
        let mut known = BTreeSet::new();
        for cell in cells {
            let key = key(&cell.row, &cell.place);
            let number = found.get(&key);
            let number = number.unwrap_or_else(|| panic!("{stem}: nothing has {key:?}"));
            assert!(is_same(*number, cell.number), "{stem}: {key:?}: {number:?}");
            printed += cell.printed;
            known.insert(key);
        }
        let others: Vec<_> = found.keys().filter(|key| !known.contains(*key)).collect();
        let is_orig_of_a10 = |key: &&Key| stem == "table-a5" && key[4] == "raw";
        assert!(others.iter().all(is_orig_of_a10), "{stem}: {others:?}");
    }
    assert_eq!(printed, 1814);
}

/// 1,814 numbers, beside the 504 intervals of Tables A8 to A11. Every row has a card, and 258 have none with a checkpoint.
#[test]
fn the_tables_hold_as_many_numbers_as_the_readme_says() {
    let (tables, models) = (tables(), models());
    let lines = || tables.values().flatten();
    let count = |lines: &mut dyn Iterator<Item = &Line>| lines.map(Line::printed).sum::<usize>();
    let has_none = |line: &&Line| models[&line.model].iter().all(|(_, public)| !public);
    assert_eq!(count(&mut lines()), 1814);
    assert_eq!(count(&mut lines().filter(has_none)), 258);
    let readme = fs::read_to_string(folder().join("README.md")).expect("the README");
    for count in ["1,814", "258", "1,556", "504"] {
        assert!(readme.contains(count), "README.md does not name {count}");
    }
}

/// What Table A5's file repeats of Table A10 has the same numbers.
#[test]
fn what_stands_in_two_tables_is_the_same() {
    let tables = tables();
    let original: BTreeMap<Key, Number> = tables["table-a10"]
        .iter()
        .map(|line| (line.key(), line.number()))
        .collect();
    let copied: Vec<_> = tables["table-a5"]
        .iter()
        .filter(|line| line.method == "raw")
        .collect();
    assert_eq!(copied.len(), 8);
    for line in copied {
        assert_eq!(original.get(&line.key()), Some(&line.number()), "{line:?}");
    }
}

/// Notes stand at the numbers that README.md speaks of, and only there.
#[test]
fn notes_stand_where_the_readme_says() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (tables, models) = (tables(), models());
    for line in tables.values().flatten() {
        let several = models[&line.model].len() > 1;
        assert_eq!(line.notes.contains("base-or-large"), several, "{line:?}");
        for note in line.notes.split_whitespace() {
            let twin = note.starts_with("a1") || note.starts_with("a8-") || note.starts_with("a9-");
            *counts.entry(if twin { "twin" } else { note }).or_default() += 1;
        }
    }
    let expected = [
        // Two of fourteen rows of most tables; two of eight in Table A5, two of four columns in Table 3, appendix F.
        ("base-or-large", 2 * 1624 / 14 + 12 + 14 + 2),
        // CLIP's R@5 and R@10 in Table A10.
        ("below-others", 2),
        ("gain-of-full", 4),
        ("misprint", 1),
        ("no-lambda", 2 * 28),
        ("one-v100", 3 * 8),
        ("orig-above", 2 * 14 + 8),
        ("orig-below", 3 * 14),
        ("orig-of-a10", 8),
        // 48 of 56 rows, in either table.
        ("twin", 2 * 48),
        ("which-caption", 2),
        ("which-images", 8),
    ];
    assert_eq!(counts, expected.into());
}

/// What is informative, and steps of grids, follow from the table.
#[test]
fn what_is_not_judged_is_what_the_readme_says() {
    for (stem, lines) in tables() {
        for line in lines {
            let shown = match &*stem {
                "table-a5" => line.metric.contains("search:") && line.metric != "exact_search:R@1",
                "appendix-f" => true,
                _ => line.method == "dn",
            };
            assert_eq!(
                line.informative,
                if shown { "true" } else { "" },
                "{stem}: {line:?}"
            );
            let chosen = ["table-a1", "table-a2"].contains(&&*stem);
            let steps = if chosen { "k*2,alpha+0.125" } else { "" };
            assert_eq!((&*line.steps, line.value.is_none()), (steps, chosen));
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
    for (stem, lines) in tables() {
        for it in &lines {
            let recall = it.metric.starts_with("R@") || it.metric == "exact_search:R@1";
            if !recall || it.value.is_none() {
                continue;
            }
            let nothing_drawn = it.method.starts_with("raw") || it.chosen == "fixed";
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

/// What a config says of its expectations in a dry run.
fn expected(said: &str, experiment: &str) -> String {
    let (_, own) = said
        .split_once(&format!("experiment {experiment}\n"))
        .unwrap_or_else(|| panic!("no {experiment} in {said}"));
    let own = own.split("\nexperiment ").next().unwrap_or_default();
    let mut lines = own
        .lines()
        .filter_map(|line| line.strip_prefix("  expected: "));
    lines.next().expect("expectations").to_owned()
}

fn dry_run(configs: &[String]) -> String {
    let lab = Lab::new();
    let cache = lab.path("cache").display().to_string();
    let options = ["run", "--dry-run", "--offline", "--cache", &cache].map(str::to_owned);
    let arguments: Vec<String> = options.iter().chain(configs).cloned().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = lab.command(&arguments);
    let output = command
        .current_dir(workspace())
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (said, complained) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(0), "{complained}");
    said
}

/// Every config is checked as before a run, without a network: names, parameters, metrics, cards. It expects every number of
/// its table, of every model that may be the number's row.
#[test]
fn every_experiment_can_be_planned_and_expects_all_of_its_table() {
    let (configs, models) = (files(&folder(), "yaml"), models());
    let paths: Vec<String> = configs
        .values()
        .map(|path| path.display().to_string())
        .collect();
    let said = dry_run(&paths);
    for (stem, lines) in tables() {
        let table = stem.trim_start_matches("table-");
        let entries: usize = lines.iter().map(|line| models[&line.model].len()).sum();
        let count = |line: &Line| line.printed().max(1);
        let numbers: usize = lines.iter().map(count).sum();
        let all = format!(
            "nnn-emnlp2024, table {table}: {numbers} of {numbers} numbers, in {entries} entries"
        );
        assert_eq!(expected(&said, &format!("nnn-{stem}")), all);
    }
    // CLIP on COCO, of Table 3.
    let hubs = "nnn-emnlp2024, table 3: 7 of 28 numbers, in 7 entries; left out: 14 of other models, 7 of other data sets";
    assert_eq!(expected(&said, "nnn-figure-hubs"), hubs);
    assert_eq!(configs.len(), tables().len() + 1);
}

/// The main configs expect what Tables 1, 2, A6 and A7 print of their data set: eight numbers for each row of Tables 1 and 2, and
/// of Tables A6 and A7 the four that are not among these.
#[test]
fn the_main_configs_expect_the_papers_tables() {
    let configs = ["coco", "flickr30k", "coco-all-methods", "visogender"];
    let said = dry_run(&configs.map(|name| format!("configs/{name}.yaml")));
    let half = format!(
        "nnn-emnlp2024, tables 1, 2, a6, a7: {} of 504 numbers, in {} entries; left out: {} expected already, 252 of other data sets",
        14 * 12,
        16 * 12,
        14 * 6
    );
    for name in ["coco", "flickr30k", "coco-all-methods"] {
        assert_eq!(expected(&said, name), half, "{name}");
    }
    let all = "nnn-emnlp2024, table gender: 8 of 8 numbers, in 8 entries";
    assert_eq!(expected(&said, "visogender"), all);
}
