//! `tables/`: the tables of the NNN paper and a few more, made from the records.
//!
//! A table is laid out by the file that is named after it, its caption is put into words by `caption`, and it is written in
//! every one of the `formats`.

mod bank_search;
mod bias;
mod caption;
mod choosing;
mod classes;
mod comparisons;
mod folder;
pub(crate) mod formats;
mod histogram;
mod hubness;
mod params;
mod r1;
mod recall;
mod series;
mod sweep;

use std::path::Path;

use crate::error::ReportError;
use crate::number::distinct;
use crate::records::{AbsentModel, ClassRow, Records, ScoreRow};
use crate::tables::folder::{files, slug};
use crate::tables::formats::{SCORES, Table};
use crate::tables::sweep::Sweep;

pub(crate) use bias::{has_classes, meaning, sign_of};
pub(crate) use caption::retrieval;

const FOLDER: &str = "tables";

/// Stem of the tables that are made from `classes.csv`.
const CLASSES: &str = "classes";

/// Writes the tables of every direction into `folder/tables`, each in all formats and as CSV, and removes
/// those of an earlier run.
///
/// | file | what it shows |
/// |---|---|
/// | `r1_t2i` | R@1 as in Tables 1, 2, A6 and A7 of the paper: models x (data set, method, reference set) |
/// | `recall_t2i` | R@1, R@5 and R@10 as in Tables A8 to A11: with the half-width of the binomial interval |
/// | `hubness_t2i` | skewness, kurtosis, mean absolute error and maximum of the k-occurrences as in Table 3, and their Gini coefficient, Robin Hood index, shares of anti-hubs and hubs: before (raw), after |
/// | `params_t2i` | the parameters chosen, as in Tables A1 and A2 |
/// | `by_parameter_t2i` | R@1 by the one parameter that the fixed settings of a method differ in, as in Tables A3 and A4 |
/// | `by_share_t2i` | R@1 by the share of the same items that serves as reference set, as in Tables A12 to A15 |
/// | `bias_t2i` | how unequally two groups are listed, with the standard deviation over queries, and precision: one line per method |
/// | `classes_t2i` | biases class by class: one line per class, one column per method |
///
/// and the same for `i2t`; all directions together:
///
/// | file | what it shows |
/// |---|---|
/// | `bank_search` | the exact search of the reference set and the one through an index, as in Table A5 |
/// | `comparisons` | every two methods of a trial under the objective: gain, wins, ties, losses, corrected p-value |
/// | `choosing` | what choosing each method's parameters took and gave |
///
/// and the figures `hubs_t2i--MODEL--DATASET--REFERENCE.svg`: how many gallery items are found first how often, before and
/// after.
///
/// Where the paper's layout would be wider than twelve columns, the methods are lines instead. A table whose metrics were
/// not measured, or that would have one column, is not written. A file of several tables has a CSV file for each
/// (`recall_t2i--coco.csv`).
///
/// Percent has two decimals. The best value of a model on a data set is bold, and so are all that print the same;
/// `chosen: oracle` and transductive methods are marked and not compared. Captions name the sizes, the reference sets, the
/// interval and how parameters were chosen. A file of another origin in the folder is left alone.
///
/// # Errors
/// [`ReportError::Write`] or [`ReportError::Read`] where the file system refuses.
pub fn write_tables(folder: &Path, records: &Records<'_>) -> Result<(), ReportError> {
    folder::write(&folder.join(FOLDER), all_files(records))
}

/// Names and texts of all files that the records allow.
fn all_files(records: &Records<'_>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let absent: Vec<String> = records.absent_models.iter().map(absent_note).collect();
    for (name, mut tables) in all_tables(records.scores, records.classes) {
        for table in &mut tables {
            table.notes.extend(absent.iter().cloned());
        }
        let source = match name.starts_with(CLASSES) {
            true => "classes.csv",
            false => SCORES,
        };
        all.extend(files(&name, source, &tables));
    }
    let compared = comparisons::tables(records.comparisons, records.objective);
    let others = [
        ("comparisons", "comparisons.csv", compared),
        (
            "choosing",
            "choosing.csv",
            choosing::tables(records.choosing),
        ),
        (
            "bank_search",
            "run.json",
            bank_search::tables(records.searches),
        ),
    ];
    for (name, source, tables) in others {
        if !tables.is_empty() {
            all.extend(files(name, source, &tables));
        }
    }
    all.extend(histogram::pictures(records.occurrences));
    all
}

fn absent_note(model: &AbsentModel) -> String {
    let AbsentModel { name, reason } = model;
    format!("{name} is not measured, as it has no public checkpoint: {reason}.")
}

/// All tables that the scores allow, with the stems of their files.
fn all_tables(rows: &[ScoreRow], classes: &[ClassRow]) -> Vec<(String, Vec<Table>)> {
    let mut all = Vec::new();
    for direction in distinct(rows.iter().map(|row| row.cell.direction.as_str())) {
        let here = rows.iter().filter(|row| row.cell.direction == direction);
        let sweep = Sweep::new(here.collect());
        let made = [
            ("r1", r1::tables(&sweep, direction)),
            ("recall", recall::tables(&sweep, direction)),
            ("hubness", hubness::tables(&sweep, direction)),
            ("params", params::tables(&sweep, direction)),
            ("by_parameter", series::by_parameter(&sweep, direction)),
            ("by_share", series::by_share(&sweep, direction)),
            ("bias", bias::tables(&sweep, direction)),
            (CLASSES, of_classes(classes, &sweep, direction)),
        ];
        for (stem, tables) in made {
            if !tables.is_empty() {
                all.push((format!("{stem}_{}", slug(direction)), tables));
            }
        }
    }
    all
}

fn of_classes(rows: &[ClassRow], sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let here = rows.iter().filter(|row| row.cell.direction == direction);
    classes::tables(&here.collect::<Vec<_>>(), sweep, direction)
}
