//! What answers what, as people write it down: lists, pairs, and judgements with grades.
//!
//! Every format becomes one list of [`Judgement`]s, whose ids are then looked up in the rows of the vectors ([`RowNames`]).

mod json;
mod names;
mod table;
mod trec;

pub use names::RowNames;

use super::files::{extension, unknown};
use crate::file_error::{FileError, FileProblem};
use nnn_core::{Judged, Relevance};
use nnn_files::counted;
use std::fmt;
use std::path::Path;

const FORMATS: &str =
    ".csv, .tsv, .json, .jsonl, or TREC's columns in .txt, .trec, .qrels or .qrel";

/// One judgement as a file has it.
struct Judgement {
    query: Key,
    /// The id of a gallery item.
    item: String,
    /// Relevant above 0.
    grade: f64,
    place: Place,
}

/// A query.
enum Key {
    /// By its place among the lists of a file.
    Row(usize),
    /// By its id.
    Id(String),
}

/// Where something stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Line(u64),
    /// A query's list, in a file without lines.
    Query(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Query(query) => write!(f, "query {query}"),
        }
    }
}

impl Place {
    fn problem(&self, detail: impl Into<String>) -> FileProblem {
        FileProblem::Judgement {
            place: self.to_string(),
            detail: detail.into(),
        }
    }
}

/// What a file says.
#[derive(Default)]
struct Judgements {
    all: Vec<Judgement>,
    /// The number of lists, where a query is known by the place of its list.
    lists: Option<usize>,
}

/// What answers what, as a file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The relevant items of every query that is kept, with their grades.
    pub relevance: Relevance,
    /// The rows of the queries that something answers, ascending, where these are not all.
    pub kept: Option<Vec<u32>>,
    /// What a reader of the results should know about how the file was understood.
    pub findings: Vec<String>,
}

/// Reads a file of judgements for queries and a gallery. An item with a grade above 0 is relevant. One with another grade is judged and
/// wrong, like one that is not there.
///
/// | extension | holds |
/// |---|---|
/// | `.csv`, `.tsv` | a table with a header: a query, a gallery item and, where there are grades, a grade, by the names that BEIR, mteb, TREC and ranx give these columns |
/// | `.json` | one list of items per query; an object `{query: [item, ...]}` or `{query: {item: grade}}`; or records; at `key` if given |
/// | `.jsonl` | one list of items or one record per line |
/// | `.txt`, `.trec`, `.qrels`, `.qrel`, none | either table, or TREC's four columns: query, iteration, document, grade |
///
/// Queries and items are ids of `queries` and `gallery`, or numbers of rows from 0. In a table or an object, where queries have names, one
/// without a relevant item is left out. In a list of lists, where they are counted, it is an error.
///
/// # Errors
/// [`FileError`], which names the line or the query.
pub fn read_relevance(
    path: &Path,
    key: Option<&str>,
    queries: &RowNames,
    gallery: &RowNames,
) -> Result<Answered, FileError> {
    judgements(path, key)
        .and_then(|judgements| answered(&judgements, queries, gallery))
        .map_err(|problem| FileError::new(path, problem))
}

fn judgements(path: &Path, key: Option<&str>) -> Result<Judgements, FileProblem> {
    let extension = extension(path);
    let format = match extension.as_str() {
        "json" => return json::read(path, key),
        "jsonl" | "ndjson" => ".jsonl",
        "csv" | "tsv" => ".csv",
        "txt" | "trec" | "qrels" | "qrel" | "" => ".qrels",
        _ => return Err(unknown(path, FORMATS)),
    };
    match key {
        Some(key) => Err(FileProblem::KeyNotUsed {
            key: key.to_owned(),
            format,
        }),
        None if format == ".jsonl" => json::lines(path),
        None => table::read(path),
    }
}

fn answered(
    judgements: &Judgements,
    queries: &RowNames,
    gallery: &RowNames,
) -> Result<Answered, FileProblem> {
    if let Some(found) = judgements.lists
        && found != queries.len()
    {
        return Err(FileProblem::Count {
            what: "relevance lists",
            found,
            expected: queries.len(),
        });
    }
    let mut findings = Vec::new();
    let by_id = judgements.all.iter().filter_map(|it| match &it.query {
        Key::Id(id) => Some((id.as_str(), &it.place)),
        Key::Row(_) => None,
    });
    let mut asked = queries.rows_of(by_id, &mut findings)?.into_iter();
    let items = judgements
        .all
        .iter()
        .map(|it| (it.item.as_str(), &it.place));
    let items = gallery.rows_of(items, &mut findings)?;
    let mut lists: Vec<Vec<Judged>> = vec![Vec::new(); queries.len()];
    for (judgement, item) in judgements.all.iter().zip(items) {
        let query = match judgement.query {
            Key::Row(row) => row,
            Key::Id(_) => asked.next().map_or(0, |row| row as usize),
        };
        lists[query].push((item, judgement.grade));
    }
    if judgements.lists.is_some() {
        return whole(&lists, None, gallery, findings);
    }
    with_answers(lists, queries, gallery, findings)
}

/// Without the queries that nothing answers.
fn with_answers(
    mut lists: Vec<Vec<Judged>>,
    queries: &RowNames,
    gallery: &RowNames,
    mut findings: Vec<String>,
) -> Result<Answered, FileProblem> {
    let is_answered = |list: &Vec<Judged>| list.iter().any(|(_, grade)| !(*grade <= 0.0));
    let rows = (0u32..).zip(&lists);
    let kept: Vec<u32> = rows
        .filter(|row| is_answered(row.1))
        .map(|row| row.0)
        .collect();
    let all = lists.len();
    if kept.is_empty() {
        return Err(FileProblem::NothingRelevant { queries: all });
    }
    if kept.len() == all {
        return whole(&lists, None, gallery, findings);
    }
    let first = (0u32..).zip(&kept).find(|(row, kept)| row != *kept);
    let first = first.map_or(kept.len() as u32, |(row, _)| row);
    findings.push(format!(
        "{} of {} have no relevant gallery item and are left out, the first of them {}",
        all - kept.len(),
        counted(all, "query"),
        queries.name(first)
    ));
    lists.retain(is_answered);
    whole(&lists, Some(kept), gallery, findings)
}

fn whole(
    lists: &[Vec<Judged>],
    kept: Option<Vec<u32>>,
    gallery: &RowNames,
    findings: Vec<String>,
) -> Result<Answered, FileProblem> {
    let relevance = Relevance::graded(lists, gallery.len()).map_err(FileProblem::Relevance)?;
    Ok(Answered {
        relevance,
        kept,
        findings,
    })
}

/// What a column or member of a judgement says, by the names that are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Query,
    Gallery,
    Grade,
    /// TREC's second column, of which nothing is known to depend.
    Iteration,
}

/// Spellings of each part: the first is ours, the others those of BEIR, TREC, ranx and ir_datasets.
const SPELLINGS: [(Part, &[&str]); 4] = [
    (
        Part::Query,
        &[
            "query", "query_id", "queryid", "qid", "q_id", "topic", "topic_id",
        ],
    ),
    (
        Part::Gallery,
        &[
            "gallery",
            "gallery_id",
            "corpus_id",
            "corpusid",
            "doc_id",
            "docid",
            "docno",
            "did",
            "doc",
            "document",
            "document_id",
            "item",
            "item_id",
            "pid",
            "passage_id",
        ],
    ),
    (
        Part::Grade,
        &[
            "score",
            "grade",
            "relevance",
            "rel",
            "label",
            "judgment",
            "judgement",
            "relevance_score",
        ],
    ),
    (Part::Iteration, &["iteration", "iter"]),
];

impl Part {
    fn of(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase().replace(['-', ' '], "_");
        let named = SPELLINGS
            .iter()
            .find(|(_, names)| names.contains(&name.as_str()));
        named.map(|(part, _)| *part)
    }
}

/// What a message says was expected of the names of columns.
fn expected_columns() -> String {
    let names = |part: Part| {
        let (_, names) = SPELLINGS.iter().find(|(found, _)| *found == part)?;
        Some(names.join(", "))
    };
    format!(
        "a query ({}), a gallery item ({}) and, where there are grades, a grade ({})",
        names(Part::Query).unwrap_or_default(),
        names(Part::Gallery).unwrap_or_default(),
        names(Part::Grade).unwrap_or_default(),
    )
}

/// A grade in text.
fn grade(text: &str, place: &Place) -> Result<f64, FileProblem> {
    match text.trim().parse::<f64>() {
        Ok(grade) if grade.is_finite() => Ok(grade),
        _ => Err(place.problem(format!("the grade is {text:?}, expected a number"))),
    }
}
