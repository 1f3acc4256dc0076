//! Draws hubs before and after a correction from a results folder:
//!
//! ```text
//! cargo run -p nnn-report --example hubs -- results/quickstart docs/hubs.svg "nnn(k=128,alpha=0.75)" "train 20 %"
//! ```
//!
//! The method is named as it writes itself, the last argument is the name of its reference set. The folder must hold
//! `queries/`, which a run writes and which is not in the repository.

use std::error::Error;
use std::ffi::OsStr;
use std::path::Path;
use std::{env, fs};

use nnn_report::{OccurrenceRow, ScoreRow, draw_hubs, occurrences, read_queries, read_scores};

/// The direction that is drawn, and how many of the best items of each query count.
const DIRECTION: &str = "t2i";
const K: usize = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, picture, method, reference] = arguments.as_slice() else {
        return Err("expected a results folder, a file to write, a method, a reference set".into());
    };
    let scores = read_scores(Path::new(folder))?;
    let raw = row(Path::new(folder), &scores, "raw", "")?;
    let corrected = row(Path::new(folder), &scores, method, reference)?;
    fs::write(picture, draw_hubs(&raw, &corrected))?;
    Ok(())
}

/// How often a method finds the items, from the file of its trial.
fn row(
    folder: &Path,
    scores: &[ScoreRow],
    method: &str,
    reference: &str,
) -> Result<OccurrenceRow, Box<dyn Error>> {
    let own = |row: &&ScoreRow| {
        let cell = &row.cell;
        cell.direction == DIRECTION && cell.reference_set == reference
    };
    let scores: Vec<_> = scores.iter().filter(own).cloned().collect();
    let name = match reference {
        "" => "none".to_owned(),
        name => letters(name),
    };
    for entry in fs::read_dir(folder.join("queries"))? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let mut parts = stem.rsplit("--");
        let (set, direction) = (parts.next(), parts.next());
        if set.map(letters) == Some(name.clone()) && direction == Some(DIRECTION) {
            let rows = occurrences(&read_queries(&path)?, &scores, K);
            let mut rows = rows.into_iter();
            let found = rows.find(|row| row.cell.method_signature() == method);
            return found.ok_or_else(|| format!("{}: no {method}", path.display()).into());
        }
    }
    Err(format!("{}: no queries of {reference}", folder.display()).into())
}

/// What a name and its form in a file name have in common.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}
