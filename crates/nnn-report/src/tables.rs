//! `tables/`: the layouts of the NNN paper, made from the scores.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::ReportError;
use crate::frame::write_bytes;
use crate::layout::{Place, Setting, Sweep, mark_notes};
use crate::number::distinct;
use crate::record::{ChoosingRow, ClassRow, ComparisonRow, OccurrenceRow, ScoreRow, SearchRow};
use crate::table::{Cell, MARK, Row, SCORES, Table, csv, latex, markdown};
use crate::{
    bias_table, choosing_table, comparisons_table, histogram, hubness_table, params_table,
    recall_table, search_table, series_table,
};

const FOLDER: &str = "tables";

/// Between the name of a file of tables and what tells the CSV files of its tables apart.
const PART: &str = "--";

/// Stem of the tables that are made from `classes.csv`.
const CLASSES: &str = "classes";

/// A table this wide or narrower is laid out as in the paper; a wider one with a line for each method.
pub(crate) const WIDEST: usize = 12;

/// The metric of Tables 1 and 2.
pub(crate) const METRIC: &str = "R@1";

/// A model of a sweep that was not measured, as there is no public checkpoint of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsentModel {
    /// Its name.
    pub name: String,
    /// Why there is none.
    pub reason: String,
}

/// What the tables are made from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Records<'a> {
    /// Every number.
    pub scores: &'a [ScoreRow],
    /// Every pair of methods.
    pub comparisons: &'a [ComparisonRow],
    /// Every method whose parameters were chosen.
    pub choosing: &'a [ChoosingRow],
    /// Every method that read what an index found.
    pub searches: &'a [SearchRow],
    /// How often gallery items are found, for every method.
    pub occurrences: &'a [OccurrenceRow],
    /// Every metric of groups, class by class.
    pub classes: &'a [ClassRow],
    /// Models that have no row, and why: a note below every table with rows of models.
    pub absent_models: &'a [AbsentModel],
    /// Why what a config expects may not have been run, if it was narrowed on purpose.
    pub narrowed: Option<&'a str>,
    /// The metric whose comparisons are laid out.
    pub objective: &'a str,
}

/// Writes the tables of every direction into `folder/tables`, each as Markdown, as LaTeX (booktabs) and as CSV, and removes
/// those of an earlier run.
///
/// | file | layout |
/// |---|---|
/// | `r1_t2i` | R@1 as in Tables 1, 2, A6 and A7 of the paper: models x (data set, method, reference set) |
/// | `recall_t2i` | R@1, R@5 and R@10 as in Tables A8 to A11: with the half-width of the binomial interval |
/// | `hubness_t2i` | skewness, kurtosis, mean absolute error and maximum of the k-occurrences as in Table 3, and their Gini coefficient, Robin Hood index, shares of anti-hubs and hubs: before (raw), after |
/// | `params_t2i` | the parameters chosen, as in Tables A1 and A2 |
/// | `by_parameter_t2i` | R@1 by the one parameter that the fixed settings of a method differ in, as in Tables A3 and A4 |
/// | `by_share_t2i` | R@1 by the share of the same items that serves as reference set, as in Tables A12 to A15 |
/// | `bias_t2i` | how unequally two groups are listed, with the standard deviation over queries, and precision: a line a method |
/// | `classes_t2i` | biases class by class: a line a class, a column a method |
///
/// and the same for `i2t`; all directions together:
///
/// | file | layout |
/// |---|---|
/// | `bank_search` | exact and approximate search of the reference set, as in Table A5 |
/// | `comparisons` | every two methods of a group under the objective: gain, wins, ties, losses, corrected p-value |
/// | `choosing` | what choosing each method's parameters took and gave |
///
/// and the figures `hubs_t2i--MODEL--DATASET--REFERENCE.svg`: how many gallery items are found first how often, before and
/// after.
///
/// Where the paper's layout would be wider than twelve columns, the methods are lines instead. A table whose metrics were
/// not measured, or that would have one column, is not written. A file of several tables has a CSV file for each
/// (`recall_t2i--coco.csv`). Percent with two decimals; the best value of a model on a data set
/// is bold, all that print the same; `chosen: oracle` and transductive methods are marked and not compared. Captions name the sizes, the reference
/// sets, the interval and how parameters were chosen. A file of another origin in the folder is left alone.
///
/// # Errors
/// [`ReportError::Write`] or [`ReportError::Read`] where the file system refuses.
pub fn write_tables(folder: &Path, records: &Records<'_>) -> Result<(), ReportError> {
    let folder = folder.join(FOLDER);
    let mut written = Vec::new();
    for (name, text) in all_files(records) {
        let path = folder.join(name);
        write_bytes(&path, text.as_bytes())?;
        written.push(path);
    }
    remove_stale(&folder, &written)
}

/// Names and texts of all files that the records allow.
fn all_files(records: &Records<'_>) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let absent: Vec<String> = records.absent_models.iter().map(absent_note).collect();
    for (name, mut tables) in all_tables(records.scores, records.classes) {
        for table in &mut tables {
            table.notes.extend(absent.iter().cloned());
        }
        let source = match name.starts_with(CLASSES) {
            true => "classes.csv",
            false => SCORES,
        };
        files.extend(all_formats(&name, source, &tables));
    }
    let compared = comparisons_table::tables(records.comparisons, records.objective);
    let others = [
        ("comparisons", "comparisons.csv", compared),
        (
            "choosing",
            "choosing.csv",
            choosing_table::tables(records.choosing),
        ),
        (
            "bank_search",
            "run.json",
            search_table::tables(records.searches),
        ),
    ];
    for (name, source, tables) in others {
        if !tables.is_empty() {
            files.extend(all_formats(name, source, &tables));
        }
    }
    files.extend(histogram::pictures(records.occurrences));
    files
}

/// Markdown and LaTeX of all tables, and a CSV file a table.
fn all_formats(name: &str, source: &str, tables: &[Table]) -> Vec<(String, String)> {
    let mut files = vec![
        (format!("{name}.md"), markdown(source, tables)),
        (format!("{name}.tex"), latex(source, tables)),
    ];
    for (at, table) in tables.iter().enumerate() {
        let part = match tables.len() {
            1 => String::new(),
            _ => format!("{PART}{}", slug(&table.part)),
        };
        let mut file = format!("{name}{part}.csv");
        if files.iter().any(|(taken, _)| *taken == file) {
            file = format!("{name}{part}{PART}{at}.csv");
        }
        files.push((file, csv(table)));
    }
    files
}

fn absent_note(model: &AbsentModel) -> String {
    let AbsentModel { name, reason } = model;
    format!("{name} is not measured, as it has no public checkpoint: {reason}.")
}

/// All tables that the scores allow, with the stems of their files.
fn all_tables(rows: &[ScoreRow], classes: &[ClassRow]) -> Vec<(String, Vec<Table>)> {
    let mut files = Vec::new();
    for direction in distinct(rows.iter().map(|row| row.cell.direction.as_str())) {
        let here = rows.iter().filter(|row| row.cell.direction == direction);
        let sweep = Sweep::new(here.collect());
        let made = [
            ("r1", r1_tables(&sweep, direction)),
            ("recall", recall_table::tables(&sweep, direction)),
            ("hubness", hubness_table::tables(&sweep, direction)),
            ("params", params_table::tables(&sweep, direction)),
            (
                "by_parameter",
                series_table::by_parameter(&sweep, direction),
            ),
            ("by_share", series_table::by_share(&sweep, direction)),
            ("bias", bias_table::tables(&sweep, direction)),
            (CLASSES, class_tables(classes, &sweep, direction)),
        ];
        for (stem, tables) in made {
            if !tables.is_empty() {
                files.push((format!("{stem}_{}", slug(direction)), tables));
            }
        }
    }
    files
}

fn class_tables(rows: &[ClassRow], sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let here = rows.iter().filter(|row| row.cell.direction == direction);
    bias_table::class_tables(&here.collect::<Vec<_>>(), sweep, direction)
}

/// A name as part of a file name: letters and digits, `-`, and one `_` for whatever stands between them.
pub(crate) fn slug(name: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let parts = name.split(|c| !kept(c)).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("_")
}

/// What a direction retrieves.
pub(crate) fn task(direction: &str) -> String {
    match direction {
        "t2i" => "Image retrieval (text queries)".to_owned(),
        "i2t" => "Text retrieval (image queries)".to_owned(),
        other => other.to_owned(),
    }
}

fn r1_tables(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let sweep = sweep.only(|row| row.metric == METRIC);
    if sweep.is_empty() {
        return Vec::new();
    }
    let columns: usize = sweep
        .places()
        .iter()
        .map(|&place| sweep.settings_at(place).len())
        .sum();
    let turned = sweep.places().len() * sweep.models().len();
    let title = format!("{}: R@1, percent", task(direction));
    let table = if columns <= WIDEST.max(turned) {
        by_model(&sweep, title)
    } else {
        by_method(&sweep, title)
    };
    vec![table.without_empty_levels()]
}

fn cells<'a>(
    sweep: &Sweep<'a>,
    model: &'a str,
    place: Place<'a>,
    settings: &[Setting<'a>],
) -> Vec<Cell> {
    sweep.cells(model, place, settings, METRIC, |_| String::new())
}

/// As printed in the paper.
fn by_model<'a>(sweep: &Sweep<'a>, title: String) -> Table {
    let mut header = vec![Vec::new(); 3];
    for place in sweep.places() {
        let settings = sweep.settings_at(place);
        for setting in &settings {
            header[0].push(place_label(sweep, place));
            header[1].push(setting.label(&settings));
            header[2].push(setting.reference_set.to_owned());
        }
    }
    let row = |model: &'a str| {
        let places = sweep.places().into_iter();
        Row {
            labels: vec![model.to_owned()],
            cells: places
                .flat_map(|place| cells(sweep, model, place, &sweep.settings_at(place)))
                .collect(),
        }
    };
    Table {
        title,
        notes: notes(sweep, "of a model on a data set"),
        labels: vec!["Model".to_owned()],
        header,
        rows: sweep.models().into_iter().map(row).collect(),
        ..Table::default()
    }
}

/// The same numbers, a line a method.
fn by_method(sweep: &Sweep<'_>, title: String) -> Table {
    let settings = sweep.settings();
    let mut header = vec![Vec::new(); 2];
    let mut columns = Vec::new();
    for place in sweep.places() {
        for model in sweep.models() {
            header[0].push(place_label(sweep, place));
            header[1].push(model.to_owned());
            columns.push(cells(sweep, model, place, &settings));
        }
    }
    let row = |(at, setting): (usize, &Setting<'_>)| Row {
        labels: vec![setting.label(&settings), setting.reference_set.to_owned()],
        cells: columns.iter().map(|column| column[at].clone()).collect(),
    };
    Table {
        title,
        notes: notes(sweep, "of a model on a data set"),
        labels: vec!["Method".to_owned(), "Reference set".to_owned()],
        header,
        rows: settings.iter().enumerate().map(row).collect(),
        ..Table::default()
    }
}

/// Name of a data set in a header; none where there is only one, which the caption names.
pub(crate) fn place_label(sweep: &Sweep<'_>, place: Place<'_>) -> String {
    if sweep.places().len() == 1 {
        String::new()
    } else {
        place.label()
    }
}

/// The part of a caption that all layouts share.
pub(crate) fn notes(sweep: &Sweep<'_>, group: &str) -> Vec<String> {
    let mut notes = notes_without_best(sweep);
    notes.push(format!("Bold: the best {group}."));
    notes
}

/// The same of a table that compares nothing.
pub(crate) fn notes_without_best(sweep: &Sweep<'_>) -> Vec<String> {
    let settings = sweep.settings();
    let mut notes = vec![format!("{}.", sweep.sizes())];
    let references = sweep.references();
    if !references.is_empty() {
        notes.push(format!("Reference sets: {references}."));
    }
    notes.extend(choices(&settings));
    notes
}

/// How parameters came about.
fn choices(settings: &[Setting<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let fixed = settings.iter().filter(|setting| !setting.params.is_empty());
    let (shown, told): (Vec<&Setting<'_>>, Vec<_>) =
        fixed.partition(|setting| setting.is_ambiguous(settings));
    let told = distinct(told.iter().map(|s| format!("{}({})", s.method, s.params)));
    if !told.is_empty() {
        notes.push(format!("Fixed parameters: {}.", told.join(", ")));
    }
    if !shown.is_empty() {
        notes.push("Parameters in parentheses are fixed.".to_owned());
    }
    let searched = |word: &str| {
        let chosen = settings.iter().filter(|setting| setting.chosen == word);
        distinct(chosen.map(|setting| setting.method)).join(", ")
    };
    let validation = searched("validation");
    if !validation.is_empty() {
        notes.push(format!(
            "Parameters of {validation} are chosen on held-out training items, for each model, data set and reference set."
        ));
    }
    notes.extend(mark_notes(
        settings.iter().any(|setting| setting.transductive),
        settings.iter().any(Setting::is_oracle),
    ));
    notes
}

/// Removes generated files that were not just written.
fn remove_stale(folder: &Path, written: &[PathBuf]) -> Result<(), ReportError> {
    if !folder.is_dir() {
        return Ok(());
    }
    let entries = fs::read_dir(folder).map_err(ReportError::read(folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: Result<Vec<_>, _> = paths.collect();
    // All are looked at before the first goes: a CSV file is known by the Markdown beside it.
    let mut stale = Vec::new();
    for path in paths.map_err(ReportError::read(folder))? {
        if !written.contains(&path) && is_generated(&path)? {
            stale.push(path);
        }
    }
    for path in stale {
        fs::remove_file(&path).map_err(ReportError::write(&path))?;
    }
    Ok(())
}

/// Whether a file is one of ours: by its first line or, as CSV has no comments, by that of the Markdown of the same tables.
fn is_generated(path: &Path) -> Result<bool, ReportError> {
    let comment = match path.extension().and_then(OsStr::to_str) {
        Some("md" | "svg") => "<!-- ",
        Some("tex") => "% ",
        Some("csv") => {
            let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
            let name = stem.split(PART).next().unwrap_or_default();
            return is_generated(&path.with_file_name(format!("{name}.md")));
        }
        _ => return Ok(false),
    };
    if !path.is_file() {
        return Ok(false);
    }
    let mark = format!("{comment}{MARK}");
    let mut start = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(mark.len() as u64).read_to_end(&mut start))
        .map_err(ReportError::read(path))?;
    Ok(start == mark.as_bytes())
}
