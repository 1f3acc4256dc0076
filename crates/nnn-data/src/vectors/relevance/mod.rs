//! What answers what, as people write it down: lists, pairs, and judgements with grades.
//!
//! Every format becomes one list of [`Judgement`]s, whose ids are then looked up in the rows of the vectors ([`RowNames`]).

mod columns;
mod json;
mod names;
mod table;
mod trec;
mod unrepeated;

pub use names::RowNames;

use super::files::{Part, at, columns_of, extension, unknown};
use crate::file_error::{FileError, FileProblem};
use nnn_core::{Judged, Relevance, RelevanceError};
use nnn_files::counted;
use std::fmt;
use std::path::Path;

const FORMATS: &str =
    ".csv, .tsv, .json, .jsonl, or TREC's columns in .txt, .trec, .qrels or .qrel";

/// What is said of lists that may have been meant as records.
const PAIRS: &str = "every list begins with its own number, as records of a query and an item would; they are read as lists of \
                     items, records are written as {\"query\": ..., \"gallery\": ..., \"score\": ...}";

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
    /// A row of a table in columns, from zero.
    Row(usize),
    /// A query's list, in a file without lines.
    Query(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
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
    /// Whether these look like records of a query and an item.
    are_pairs: bool,
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
/// | `.parquet`, `.arrow`, `.feather` | the columns of such a table |
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
    read_judgements(&[(path.to_path_buf(), key)], queries, gallery)
}

/// As [`read_relevance`], from several files; lists of a later one go on where those of the one before end.
pub(super) fn read_judgements(
    parts: &[Part<'_>],
    queries: &RowNames,
    gallery: &RowNames,
) -> Result<Answered, FileError> {
    let mut lists = Lists::new(queries, gallery);
    for (path, key) in parts {
        let read = at(path, || {
            judgements(path, *key).and_then(|read| lists.add(&read))
        });
        read?;
    }
    let first = parts.first().map_or(Path::new(""), |part| &part.0);
    at(first, || lists.finish())
}

fn judgements(path: &Path, key: Option<&str>) -> Result<Judgements, FileProblem> {
    if let Some(columns) = columns_of(path) {
        return match key {
            Some(_) => Err(no_key(key, ".parquet")),
            None => columns::read(path, &columns?),
        };
    }
    let extension = extension(path);
    let format = match extension.as_str() {
        "json" => return json::read(path, key),
        "jsonl" | "ndjson" => ".jsonl",
        "csv" | "tsv" => ".csv",
        "txt" | "trec" | "qrels" | "qrel" | "" => ".qrels",
        _ => return Err(unknown(path, FORMATS)),
    };
    match key {
        Some(_) => Err(no_key(key, format)),
        None if format == ".jsonl" => json::lines(path),
        None => table::read(path),
    }
}

/// Judgements are a whole table, not an array in it.
fn no_key(key: Option<&str>, format: &'static str) -> FileProblem {
    let key = key.unwrap_or_default().to_owned();
    FileProblem::KeyNotUsed { key, format }
}

/// The judgements of every query, by rows.
struct Lists<'a> {
    queries: &'a RowNames,
    gallery: &'a RowNames,
    all: Vec<Vec<Judged>>,
    /// The number of lists so far, where a query is known by the place of its list.
    counted: Option<usize>,
    findings: Vec<String>,
}

impl<'a> Lists<'a> {
    fn new(queries: &'a RowNames, gallery: &'a RowNames) -> Self {
        Self {
            queries,
            gallery,
            all: vec![Vec::new(); queries.len()],
            counted: None,
            findings: Vec::new(),
        }
    }

    fn add(&mut self, judgements: &Judgements) -> Result<(), FileProblem> {
        let by_id = judgements.all.iter().filter_map(|it| match &it.query {
            Key::Id(id) => Some((id.as_str(), &it.place)),
            Key::Row(_) => None,
        });
        let mut asked = self.queries.rows_of(by_id, &mut self.findings)?.into_iter();
        let items = judgements
            .all
            .iter()
            .map(|it| (it.item.as_str(), &it.place));
        let items = self.gallery.rows_of(items, &mut self.findings)?;
        let before = self.counted.unwrap_or(0);
        for (judgement, item) in judgements.all.iter().zip(items) {
            let query = match judgement.query {
                Key::Row(row) => Some(before + row),
                Key::Id(_) => asked.next().map(|row| row as usize),
            };
            // Lists beyond the queries are counted, and refused at the end.
            if let Some(list) = query.and_then(|query| self.all.get_mut(query)) {
                list.push((item, judgement.grade));
            }
        }
        if let Some(lists) = judgements.lists {
            self.counted = Some(before + lists);
        }
        if judgements.are_pairs {
            self.findings.push(PAIRS.to_owned());
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Answered, FileProblem> {
        let expected = self.queries.len();
        match self.counted {
            Some(found) if found != expected => Err(FileProblem::Count {
                what: "relevance lists",
                found,
                expected,
            }),
            Some(_) => self.relevance(None),
            None => {
                let kept = self.leave_out()?;
                self.relevance(kept)
            }
        }
    }

    /// Leaves out the queries that nothing answers, and gives the rows of the others if there are any such.
    fn leave_out(&mut self) -> Result<Option<Vec<u32>>, FileProblem> {
        // What is no number is refused later.
        let is_answered =
            |list: &Vec<Judged>| list.iter().any(|(_, grade)| *grade > 0.0 || grade.is_nan());
        let rows = (0u32..).zip(&self.all);
        let kept: Vec<u32> = rows
            .filter(|row| is_answered(row.1))
            .map(|row| row.0)
            .collect();
        let all = self.all.len();
        if kept.is_empty() {
            return Err(FileProblem::NothingRelevant { queries: all });
        }
        if kept.len() == all {
            return Ok(None);
        }
        let first = (0u32..).zip(&kept).find(|(row, kept)| row != *kept);
        let first = first.map_or(kept.len() as u32, |(row, _)| row);
        self.findings.push(format!(
            "{} of {} have no relevant gallery item and are left out, the first of them {}",
            all - kept.len(),
            counted(all, "query"),
            self.queries.name(first)
        ));
        self.all.retain(is_answered);
        Ok(Some(kept))
    }

    fn relevance(mut self, kept: Option<Vec<u32>>) -> Result<Answered, FileProblem> {
        let relevance = Relevance::graded(&self.all, self.gallery.len());
        let relevance = relevance.map_err(|error| self.by_name(error, kept.as_deref()))?;
        // Several files say the same of ids.
        self.findings.dedup();
        Ok(Answered {
            relevance,
            kept,
            findings: self.findings,
        })
    }

    /// What is wrong with a judgement, by the names that the file has for it; `kept` are the rows of the queries.
    fn by_name(&self, error: RelevanceError, kept: Option<&[u32]>) -> FileProblem {
        let place = |query: usize| {
            let row = kept.map_or(query as u32, |kept| kept[query]);
            Place::Query(self.queries.name(row))
        };
        match error {
            RelevanceError::Contradiction {
                query,
                item,
                grades: [one, other],
            } => place(query).problem(format!(
                "gallery item {} is judged twice, with the grades {one} and {other}",
                self.gallery.name(item)
            )),
            RelevanceError::Grade { query, item, grade } => place(query).problem(format!(
                "gallery item {} has the grade {grade}, expected a finite number",
                self.gallery.name(item)
            )),
            other => FileProblem::Relevance(other),
        }
    }
}

/// What a column or member of a judgement says, by the names that are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Query,
    Gallery,
    Grade,
    /// TREC's second column, of which nothing is known to depend.
    Iteration,
}

/// Spellings of each part: the first is ours, the others those of BEIR, TREC, ranx and ir_datasets.
const SPELLINGS: [(Means, &[&str]); 4] = [
    (
        Means::Query,
        &[
            "query", "query_id", "queryid", "qid", "q_id", "topic", "topic_id",
        ],
    ),
    (
        Means::Gallery,
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
        Means::Grade,
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
    (Means::Iteration, &["iteration", "iter"]),
];

impl Means {
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
    let names = |part: Means| {
        let (_, names) = SPELLINGS.iter().find(|(found, _)| *found == part)?;
        Some(names.join(", "))
    };
    format!(
        "a query ({}), a gallery item ({}) and, where there are grades, a grade ({})",
        names(Means::Query).unwrap_or_default(),
        names(Means::Gallery).unwrap_or_default(),
        names(Means::Grade).unwrap_or_default(),
    )
}

/// A grade in text.
fn grade(text: &str, place: &Place) -> Result<f64, FileProblem> {
    match text.trim().parse::<f64>() {
        Ok(grade) if grade.is_finite() => Ok(grade),
        _ => Err(place.problem(format!("the grade is {text:?}, expected a number"))),
    }
}
