//! What an engine answered, as lines of JSON.

use crate::error::ExportError;
use crate::ids::Id;
use nnn_files::open_text;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::io::BufRead;
use std::path::Path;

/// One query's answer: `{"query": 17, "ids": [...]}`, best first, perhaps with the engine's own `scores`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The query's row, or its id.
    pub query: Id,
    /// The items, best first.
    pub ids: Vec<Id>,
    /// What the engine scored them by, for messages.
    #[serde(default)]
    pub scores: Option<Vec<f64>>,
    /// Its line in the file, from one.
    #[serde(skip)]
    pub line: usize,
}

/// Reads answers of at least `k` ids each; ids are made what the items' are, texts or rows.
///
/// # Errors
/// The file cannot be read, is empty, or has a line that is no answer, repeats an id or a query, or is too short; the line is named.
pub fn read_answers(path: &Path, k: usize, texts: bool) -> Result<Vec<Answer>, ExportError> {
    let file = open_text(path).map_err(ExportError::io(path))?;
    let mut answers = Vec::new();
    let mut asked: HashMap<Id, usize> = HashMap::new();
    for (line, text) in (1..).zip(file.lines()) {
        let text = text.map_err(ExportError::io(path))?;
        if text.trim().is_empty() {
            continue;
        }
        let wrong = |what: String| ExportError::unusable(path, format!("line {line}: {what}"));
        let answer = answer(&text, texts).map_err(wrong)?;
        check(&answer, k).map_err(wrong)?;
        if let Some(earlier) = asked.insert(answer.query.clone(), line) {
            let query = &answer.query;
            return Err(wrong(format!(
                "the query {query} was answered in line {earlier} already"
            )));
        }
        answers.push(Answer { line, ..answer });
    }
    match answers.is_empty() {
        true => Err(ExportError::unusable(
            path,
            format!("it has no answer; expected {EXPECTED} in every line"),
        )),
        false => Ok(answers),
    }
}

const EXPECTED: &str = "{\"query\": ROW OR ID, \"ids\": [...]}";

fn answer(text: &str, texts: bool) -> Result<Answer, String> {
    let mut answer: Answer = serde_json::from_str(text)
        .map_err(|it| format!("{it}; expected {EXPECTED}, perhaps with \"scores\""))?;
    for id in &mut answer.ids {
        *id = match (&*id, texts) {
            (Id::Row(row), true) => Id::Text(row.to_string()),
            (Id::Text(text), false) => Id::Row(text.parse().map_err(|_| {
                format!("the id {text:?} is no item's: these have their rows as ids")
            })?),
            (kept, _) => kept.clone(),
        };
    }
    Ok(answer)
}

fn check(answer: &Answer, k: usize) -> Result<(), String> {
    let found = answer.ids.len();
    if found < k {
        return Err(format!("{found} ids, expected at least {k} (see `--k`)"));
    }
    if let Some(scores) = &answer.scores
        && scores.len() != found
    {
        return Err(format!("{} scores for {found} ids", scores.len()));
    }
    let mut seen = HashSet::new();
    match answer.ids.iter().find(|id| !seen.insert(*id)) {
        Some(id) => Err(format!("the id {id} is there twice")),
        None => Ok(()),
    }
}
