//! The documents: their commands run, their configs are read, their numbers are the recorded ones, and their lists name all
//! that there is.
//!
//! A fenced block says by its first word what it holds and by a mark what is done with it:
//!
//! | block | done with it |
//! |---|---|
//! | `sh` | every command is run, in a folder with the project's configs and data and with files made up for the page |
//! | `sh network`, `sh slow` | runs are planned with `--dry-run --offline`, names of crates and tests are looked up |
//! | `sh yours` | nothing: it names files of the reader |
//! | `yaml` | a whole config, which is valid |
//! | `yaml fragment`, `yaml card` | part of a config; a data set's card; both are valid |
//! | `python`, and packages that it needs | run by `python/tests/test_docs.py`, which needs Python |
//! | `text`, `rust`, `toml` | nothing |

use crate::lab::{Lab, workspace};
use crate::schema::assert_valid;
use crate::vectors::{
    GALLERY, Matrix, Noise, QUERIES, by_dataset, by_role, dataset_config, json, npy,
};
use nnn_data::DatasetCard;
use nnn_report::{Style, read_scores, summary};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A page by its path in the workspace.
struct Page {
    path: String,
    text: String,
}

/// A fenced block of a page.
struct Block {
    /// Page and line, for messages.
    place: String,
    /// What stands behind the fence.
    info: String,
    text: String,
}

fn page(path: &str) -> Page {
    let text = fs::read_to_string(workspace().join(path)).expect("a page");
    Page {
        path: path.to_owned(),
        text,
    }
}

fn pages() -> Vec<Page> {
    let files = fs::read_dir(workspace().join("docs")).expect("docs");
    let names = files.map(|it| it.expect("an entry").file_name());
    let names = names.map(|it| it.to_string_lossy().into_owned());
    let pages = names.filter(|it| it.ends_with(".md"));
    let pages = pages.map(|it| format!("docs/{it}"));
    let above = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(str::to_owned);
    let mut all: Vec<String> = above.into_iter().chain(pages).collect();
    all.sort();
    all.iter().map(|path| page(path)).collect()
}

impl Page {
    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = (1..).zip(self.text.lines());
        while let Some((at, line)) = lines.next() {
            let Some(info) = line.trim_start().strip_prefix("```") else {
                continue;
            };
            let inside = lines.by_ref().map(|(_, line)| line);
            let inside = inside.take_while(|line| !line.trim_start().starts_with("```"));
            blocks.push(Block {
                place: format!("{}, line {at}", self.path),
                info: info.to_owned(),
                text: inside.map(|line| format!("{line}\n")).collect(),
            });
        }
        blocks
    }

    fn blocks_of(&self, info: &str) -> Vec<Block> {
        let all = self.blocks().into_iter();
        all.filter(|block| block.info == info).collect()
    }
}

impl Block {
    /// The commands without comments, each as words.
    fn commands(&self) -> Vec<Vec<String>> {
        let lines = self.text.lines().map(words);
        lines.filter(|words| !words.is_empty()).collect()
    }
}

/// The words of a line as a shell takes them apart, up to a comment or a redirection.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    // What stands between quotes is one word, whatever is in it.
    let kept = quoted.map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => part.replace(' ', "\0"),
    });
    let line: String = kept.collect();
    let words = line
        .split_whitespace()
        .take_while(|it| !["#", ">"].contains(it));
    words.map(|word| word.replace('\0', " ")).collect()
}

/// The arguments of a command that runs the program through Cargo.
fn program(words: &[String]) -> Option<&[String]> {
    let at = words.iter().position(|word| word == "--")?;
    let cargo: Vec<&str> = words[..at].iter().map(String::as_str).collect();
    let is_program = matches!(cargo[..], ["cargo", "run", .., "-p", "runner"]);
    is_program.then_some(&words[at + 1..])
}

/// A lab with what a user of the repository has, and the files that the pages make up.
fn repository() -> Lab {
    let lab = by_role();
    let of_dataset = by_dataset().files("");
    let made_up = of_dataset
        .into_iter()
        .chain(similarities())
        .chain(judgements())
        .chain(more_vectors());
    for (name, content) in made_up {
        lab.write(&name, content);
    }
    for folder in [
        "configs",
        "experiments",
        "data/blocks",
        "results/quickstart",
    ] {
        copy(&workspace().join(folder), &lab, folder);
    }
    lab
}

/// Twenty captions of every video, and training captions.
fn similarities() -> [(String, Vec<u8>); 2] {
    let mut noise = Noise(5);
    let mut rows = |count: usize| -> Matrix {
        let row = |_| (0..12).map(|_| noise.next()).collect();
        (0..count).map(row).collect()
    };
    let (test, train) = (npy(&rows(240)), npy(&rows(40)));
    [
        ("test.npy".to_owned(), test),
        ("train.npy".to_owned(), train),
    ]
}

/// New items, and a gallery bank.
fn more_vectors() -> [(String, Vec<u8>); 2] {
    let mut noise = Noise(6);
    let files = ["new.npy", "reference_gallery.npy"];
    files.map(|name| (name.to_owned(), npy(&noise.rows(QUERIES))))
}

/// Judgements of the vectors by role, by ids.
fn judgements() -> [(String, Vec<u8>); 3] {
    let pairs =
        (0..QUERIES).map(|query| format!("q{query}\td{}\t{}\n", query % GALLERY, query % 3 + 1));
    let table = format!("query-id\tcorpus-id\tscore\n{}", pairs.collect::<String>());
    let queries = (0..QUERIES).map(|query| format!("q{query}\n"));
    let queries = format!("id\n{}", queries.collect::<String>());
    let corpus: Vec<String> = (0..GALLERY).map(|item| format!("d{item}")).collect();
    [
        ("test.tsv".to_owned(), table.into_bytes()),
        ("queries.csv".to_owned(), queries.into_bytes()),
        ("corpus.json".to_owned(), json(&corpus)),
    ]
}

fn copy(folder: &Path, lab: &Lab, name: &str) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().expect("a name").to_string_lossy();
        let name = format!("{name}/{file}");
        if path.is_dir() {
            copy(&path, lab, &name);
        } else {
            lab.write(&name, fs::read(&path).expect("a file"));
        }
    }
}

/// Writes the whole configs of a page under the names of their experiments.
fn write_configs(page: &Page, lab: &Lab) {
    for block in page.blocks_of("yaml") {
        let name = block
            .text
            .lines()
            .find_map(|it| it.strip_prefix("experiment: "));
        let name = name.unwrap_or_else(|| panic!("{}: no experiment", block.place));
        lab.write(&format!("{name}.yaml"), &block.text);
    }
}

fn succeeds(lab: &Lab, arguments: &[String], place: &str) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = lab.call(&arguments);
    assert_eq!(
        ended.code,
        Some(0),
        "{place}: {arguments:?}: {}",
        ended.stderr
    );
}

#[test]
fn every_command_of_the_documents_runs_unless_it_is_marked() {
    let lab = repository();
    let mut ran = 0;
    for page in pages() {
        write_configs(&page, &lab);
        for block in page.blocks_of("sh") {
            for words in block.commands() {
                let arguments = program(&words).unwrap_or_else(|| {
                    panic!(
                        "{}: {words:?} is not the program: mark the block",
                        block.place
                    )
                });
                succeeds(&lab, arguments, &block.place);
                ran += 1;
            }
        }
    }
    assert!(ran > 5, "{ran}");
}

#[test]
fn commands_that_take_long_or_a_network_can_be_planned() {
    let lab = repository();
    let experiments = experiments();
    let mut planned = 0;
    for page in pages() {
        for mark in ["sh network", "sh slow"] {
            for block in page.blocks_of(mark) {
                for words in block.commands() {
                    plan(&lab, &words, &block.place, &experiments);
                    planned += 1;
                }
            }
        }
    }
    assert!(planned > 5, "{planned}");
}

/// Plans a run, looks up the results that a check or a page names, or the crates and tests of another command.
fn plan(lab: &Lab, words: &[String], place: &str, experiments: &BTreeSet<String>) {
    let Some(arguments) = program(words) else {
        return look_up(words, place);
    };
    match arguments[0].as_str() {
        "check" | "report" => {
            let folders = arguments[1..].iter().take_while(|it| !it.starts_with("--"));
            for folder in folders {
                let name = folder.strip_prefix("results/");
                let known = name.is_some_and(|name| experiments.contains(name));
                assert!(known, "{place}: no config makes {folder}");
            }
        }
        verb => {
            let rest = usize::from(["run", "fetch"].contains(&verb));
            let rest = arguments[rest..].iter().filter(|it| *it != "--dry-run");
            let plan = ["run", "--dry-run", "--offline"].map(str::to_owned);
            let plan: Vec<String> = plan.into_iter().chain(rest.cloned()).collect();
            succeeds(lab, &plan, place);
        }
    }
}

/// Looks up the crates and the tests that a command of Cargo names.
fn look_up(words: &[String], place: &str) {
    let after = |option: &str| {
        let at = words.iter().position(|word| word == option);
        at.and_then(|at| words.get(at + 1))
    };
    let Some(name) = after("-p") else { return };
    let folder = match name.as_str() {
        "xtask" => workspace().join(name),
        name => workspace().join("crates").join(name),
    };
    assert!(folder.is_dir(), "{place}: there is no crate {name}");
    if let Some(test) = after("--test") {
        let tests = folder.join("tests");
        let found = [format!("{test}.rs"), format!("{test}/main.rs")];
        let found = found.iter().any(|it| tests.join(it).is_file());
        assert!(found, "{place}: {name} has no tests {test}");
    }
}

/// The names of all experiments that configs of the project run.
fn experiments() -> BTreeSet<String> {
    let folders = ["configs", "experiments/nnn-emnlp2024"].map(|it| workspace().join(it));
    let files = folders
        .iter()
        .flat_map(|it| fs::read_dir(it).expect("a folder"));
    let paths = files.map(|it| it.expect("an entry").path());
    let configs = paths.filter(|it| it.extension().is_some_and(|it| it == "yaml"));
    let texts = configs.map(|it| fs::read_to_string(it).expect("a config"));
    let name = |text: String| {
        let name = text.lines().find_map(|it| it.strip_prefix("experiment: "));
        name.map(str::to_owned)
    };
    texts.filter_map(name).collect()
}

/// Guards against a command that nobody runs because its block is marked by a word that no test knows.
#[test]
fn every_block_of_the_documents_is_of_a_known_kind() {
    let known = [
        "sh",
        "sh network",
        "sh slow",
        "sh yours",
        "yaml",
        "yaml fragment",
        "yaml card",
        "text",
        "rust",
        "toml",
    ];
    for block in pages().iter().flat_map(Page::blocks) {
        let Block { place, info, .. } = block;
        let is_python = info.split(' ').next() == Some("python");
        assert!(
            is_python || known.contains(&info.as_str()),
            "{place}: unknown kind {info:?}"
        );
    }
}

#[test]
fn every_config_of_the_documents_is_valid() {
    for page in pages() {
        for block in page.blocks_of("yaml") {
            assert_valid(&block.text, true);
        }
        for block in page.blocks_of("yaml fragment") {
            let needed = [
                ("experiment:", "experiment: part\n"),
                ("methods:", "methods: [raw]\n"),
            ];
            let missing = needed.iter().filter(|(key, _)| !block.text.contains(key));
            let missing: String = missing.map(|(_, line)| *line).collect();
            assert_valid(&format!("{missing}{}", block.text), true);
        }
        for block in page.blocks_of("yaml card") {
            let card: Result<DatasetCard, _> = serde_saphyr::from_str(&block.text);
            assert!(card.is_ok(), "{}: {:?}", block.place, card.err());
        }
    }
}

#[test]
fn the_page_of_configs_is_what_the_schema_says() {
    let ended = Lab::new().call(&["schema", "--markdown"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let current = ended.stdout == page("docs/config.md").text;
    assert!(
        current,
        "docs/config.md is not what the schema says; renew it: \
         cargo run -p runner -- schema --markdown > docs/config.md"
    );
}

/// What `runner list` prints before `end` in every line that is not indented.
fn listed(what: &str, end: &str) -> Vec<String> {
    let configs = workspace().join("configs").display().to_string();
    let ended = Lab::new().call(&["list", what, "--configs", &configs]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let names = ended.stdout.lines().filter(|line| !line.starts_with(' '));
    let names = names.filter_map(|line| Some(line.split_once(end)?.0.to_owned()));
    names.collect()
}

fn names(path: &str, part: &str) {
    assert!(
        page(path).text.contains(part),
        "{path} does not have {part:?}"
    );
}

#[test]
fn the_documents_name_every_method() {
    let methods = listed("methods", " (");
    assert!(methods.len() > 20, "{methods:?}");
    for method in &methods {
        names("docs/methods.md", &format!("\n### {method}\n"));
        names("METHODS.md", &format!("`{method}`"));
        names("configs/methods.yaml", &format!("\n  - {method}"));
    }
    let count = format!("{} methods", methods.len());
    names("README.md", &count);
    names("docs/methods.md", &count);
}

#[test]
fn the_documents_name_every_metric_and_data_set() {
    let metrics = listed("metrics", ": ");
    assert!(metrics.len() > 20, "{metrics:?}");
    for metric in metrics {
        names("docs/metrics.md", &format!("| `{metric}` |"));
    }
    for dataset in listed("datasets", ": ") {
        names("docs/models.md", &format!("`{dataset}`"));
    }
}

#[test]
fn the_documents_name_every_model_family() {
    let ended = Lab::new().call(&["list", "models", "--configs", "nowhere"]);
    let families = ended.stdout.lines().skip_while(|line| *line != "families");
    let families = families.skip(1).take_while(|line| line.starts_with("    "));
    let families: Vec<_> = families
        .filter_map(|line| line.trim().split_once(':'))
        .collect();
    assert!(families.len() > 4, "{}", ended.stdout);
    for (family, _) in families {
        names("docs/models.md", &format!("| `{family}` |"));
    }
}

/// Guards against a table in README.md that no run ever printed. Rows and columns may be left out, no number may differ, and no row
/// may stand under another block's heading: lines are found in the order in which they were printed.
#[test]
fn the_table_of_the_readme_is_what_the_recorded_run_printed() {
    let scores = read_scores(&workspace().join("results/quickstart")).expect("scores");
    let style = Style {
        width: usize::MAX,
        ..Style::default()
    };
    let printed = summary(&scores, style);
    let printed: Vec<Vec<&str>> = printed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let block = page("README.md").blocks_of("text").remove(0);
    let shown = block.text.lines();
    let shown = shown.filter(|line| !line.is_empty() && !line.starts_with('-'));
    let shown: Vec<Vec<&str>> = shown
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(shown.len() > 4, "{shown:?}");
    let mut left = printed.iter();
    for words in shown {
        let found = left.any(|line| is_part(&words, line));
        assert!(found, "{words:?} is not in its place in {printed:?}");
    }
}

/// Whether a line begins as another one and has the rest of its words, in their order.
fn is_part(words: &[&str], line: &[&str]) -> bool {
    let mut rest = line.iter();
    words.first() == line.first() && words.iter().all(|word| rest.any(|it| it == word))
}

#[test]
fn the_readme_is_short() {
    let lines = page("README.md").text.lines().count();
    assert!(
        lines <= 120,
        "README.md has {lines} lines, at most 120 are read"
    );
}

/// The columns of a table, the keys of a record.
fn columns(path: &Path) -> Vec<String> {
    let named = |line: &str| line.split(',').map(str::to_owned).collect();
    match path.extension().and_then(|it| it.to_str()) {
        Some("csv") => {
            let text = fs::read_to_string(path).expect("a table");
            named(text.lines().next().expect("a header"))
        }
        Some("parquet") => {
            let file = fs::File::open(path).expect("a table");
            let file = SerializedFileReader::new(file).expect("parquet");
            let schema = file
                .metadata()
                .file_metadata()
                .schema()
                .get_fields()
                .to_vec();
            schema.iter().map(|field| field.name().to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_page_of_results_names_every_file_and_column() {
    let lab = by_dataset();
    lab.run(&dataset_config("methods: [raw, nnn: {k: [1, 2], alpha: 1, choose: validation}]\nhold_out: {images: 8}\n"), &[]);
    let text = page("docs/results.md").text;
    for name in lab.files("results/lab").keys() {
        let top = match name.split_once('/') {
            Some((folder, _)) => format!("`{folder}/"),
            None => format!("`{name}`"),
        };
        assert!(text.contains(&top), "docs/results.md does not name {top}");
        if name.starts_with("tables/") {
            continue;
        }
        for column in columns(&lab.path("results/lab").join(name)) {
            let column = format!("`{column}`");
            assert!(
                text.contains(&column),
                "docs/results.md lacks {column} of {name}"
            );
        }
    }
    for key in lab.record("lab").as_object().expect("a record").keys() {
        assert!(
            text.contains(&format!("`{key}`")),
            "docs/results.md lacks `{key}` of run.json"
        );
    }
}
