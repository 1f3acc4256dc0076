//! `shown/*.json`: what a page shows of a trial besides numbers: its worst hubs, and queries that a correction won and lost.

use std::cmp::Reverse;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use nnn_files::write_atomically;
use serde::{Deserialize, Serialize};

use crate::error::ReportError;
use crate::number::merit;
use crate::records::occurrences::found;
use crate::records::queries::{QueryColumn, QueryTable};
use crate::records::rows::{CellId, ChoosingRow, ScoreRow};

/// Items of a trial under raw and under one correction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The correction, and the trial.
    pub cell: CellId,
    /// The items that raw ranks first for most queries and those that the correction does, the worst of raw first.
    pub hubs: Vec<Hub>,
    /// Queries whose first item answers them only with the correction, and those that it answers only without.
    pub changed: Changed,
    /// Some of these queries.
    pub queries: Vec<ShownQuery>,
    /// Every gallery item that is named above, once.
    pub items: Vec<ShownItem>,
}

/// How many queries a correction changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Queries whose first item answers them only with the correction.
    pub won: usize,
    /// Queries whose first item answers them only without it.
    pub lost: usize,
    /// All queries.
    pub of: usize,
}

/// A gallery item and how many queries rank it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hub {
    /// Gallery row.
    pub item: u32,
    /// Queries that rank it first under raw.
    pub before: usize,
    /// And with the correction.
    pub after: usize,
}

/// A query with its best items before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownQuery {
    /// What asks; its row counts queries.
    pub query: ShownItem,
    /// Rank of the first item that answers it, under raw and with the correction.
    pub ranks: (f64, f64),
    /// Gallery rows of the best items under raw, best first.
    pub before: Vec<u32>,
    /// And with the correction.
    pub after: Vec<u32>,
    /// Those of both that answer it.
    pub answers: Vec<u32>,
}

impl ShownQuery {
    /// Whether the correction found what raw did not.
    #[must_use]
    pub fn is_won(&self) -> bool {
        self.ranks.1 < self.ranks.0
    }
}

/// An item as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownItem {
    /// Its row.
    pub row: u32,
    /// Its caption, its file or its id; absent where nothing is known but the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A small JPEG of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Picture>,
}

/// A small JPEG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The file, in base 64.
    pub jpeg: String,
}

impl Picture {
    /// Of the bytes of a JPEG file.
    #[must_use]
    pub fn new(width: u32, height: u32, jpeg: &[u8]) -> Self {
        Self {
            width,
            height,
            jpeg: BASE64_STANDARD.encode(jpeg),
        }
    }
}

/// What of a trial is shown, by rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The correction, and the trial.
    pub cell: CellId,
    /// See [`Shown::hubs`].
    pub hubs: Vec<Hub>,
    /// See [`Shown::changed`].
    pub changed: Changed,
    /// Queries, with their ranks and lists before and after.
    pub queries: Vec<SelectedQuery>,
}

/// A query of a [`Selection`].
#[derive(Debug, Clone, PartialEq)]
pub struct SelectedQuery {
    /// Its row.
    pub query: usize,
    /// See [`ShownQuery::ranks`].
    pub ranks: (f64, f64),
    /// See [`ShownQuery::before`].
    pub before: Vec<u32>,
    /// See [`ShownQuery::after`].
    pub after: Vec<u32>,
}

/// How many of raw's worst hubs are shown, and how many of the correction's.
const HUBS: (usize, usize) = (6, 2);

/// How many queries won are shown, and how many lost.
const QUERIES: usize = 3;

/// How many best items of a query.
const LIST: usize = 5;

/// Selects what is shown of a trial, by rules:
///
/// - The correction is the one whose chosen point did best on the held-out items, the first of equals; where nothing was chosen
///   there, the first of the report. No result on the evaluated items decides it. Oracles, transductive methods and lists ranked
///   again are not shown.
/// - Hubs are the six items that raw ranks first most often, and the two that the correction does; of equals the lower rows.
/// - Of the queries won, in their order, the three in the middle of each third; as many of those lost. Their places decide, not
///   how far they moved.
///
/// None without a correction or without lists. `raw` has the lists of raw for the same queries, `scores` and `choosing` are those of
/// the trial.
#[must_use]
pub fn select_shown(
    raw: &QueryColumn,
    table: &QueryTable,
    scores: &[ScoreRow],
    choosing: &[ChoosingRow],
) -> Option<Selection> {
    let score = shown_method(scores, choosing)?;
    let cell = &score.cell;
    let signature = cell.method_signature();
    let mut columns = table.methods.iter();
    let after = columns.find(|it| it.method == signature && it.chosen == cell.chosen)?;
    let lists = raw.top_width.min(after.top_width);
    (lists > 0 && !table.query_ids.is_empty()).then(|| {
        let (changed, queries) = changed(raw, after);
        Selection {
            cell: cell.clone(),
            hubs: hubs(raw, after, score.n_gallery),
            changed,
            queries,
        }
    })
}

/// A row of the correction that is shown.
fn shown_method<'a>(scores: &'a [ScoreRow], choosing: &[ChoosingRow]) -> Option<&'a ScoreRow> {
    let can = |cell: &CellId| cell.method != "raw" && cell.is_counted();
    let held_out = choosing.iter().filter(|row| can(&row.cell));
    let held_out = held_out.filter_map(|row| Some((row, merit(&row.metric, row.validation?))));
    let best = held_out.reduce(|best, next| if next.1 > best.1 { next } else { best });
    let mut own = scores.iter().filter(|row| can(&row.cell));
    match best {
        Some((row, _)) => own.find(|score| score.cell == row.cell),
        None => own.next(),
    }
}

fn hubs(before: &QueryColumn, after: &QueryColumn, gallery: usize) -> Vec<Hub> {
    let (before, after) = (found(before, 1, gallery), found(after, 1, gallery));
    let largest = |counts: &[usize], most: usize| {
        let mut items: Vec<usize> = (0..gallery).filter(|&item| counts[item] > 0).collect();
        items.sort_by_key(|&item| Reverse(counts[item]));
        items.truncate(most);
        items
    };
    let mut items = largest(&before, HUBS.0);
    for item in largest(&after, HUBS.1) {
        if !items.contains(&item) {
            items.push(item);
        }
    }
    let hub = |item: usize| Hub {
        item: item as u32,
        before: before[item],
        after: after[item],
    };
    items.into_iter().map(hub).collect()
}

/// The queries whose first item answers them only before or only after: how many, and those shown.
fn changed(before: &QueryColumn, after: &QueryColumn) -> (Changed, Vec<SelectedQuery>) {
    let ranks = before.first_rank.iter().zip(&after.first_rank);
    let first = |rank: f64| rank <= 1.0;
    let (mut won, mut lost) = (Vec::new(), Vec::new());
    for (query, (&raw, &new)) in ranks.enumerate() {
        match (first(raw), first(new)) {
            (false, true) => won.push(query),
            (true, false) => lost.push(query),
            _ => {}
        }
    }
    let list = |column: &QueryColumn, query: usize| {
        let top = &column.top[query * column.top_width..][..column.top_width.min(LIST)];
        top.to_vec()
    };
    let select = |query: usize| SelectedQuery {
        query,
        ranks: (before.first_rank[query], after.first_rank[query]),
        before: list(before, query),
        after: list(after, query),
    };
    let shown = spread(&won).chain(spread(&lost));
    let queries = shown.map(select).collect();
    let changed = Changed {
        won: won.len(),
        lost: lost.len(),
        of: before.first_rank.len(),
    };
    (changed, queries)
}

/// At most [`QUERIES`] of some queries: the middle of each of as many equal parts.
fn spread(queries: &[usize]) -> impl Iterator<Item = usize> {
    let shown = queries.len().min(QUERIES);
    (0..shown).map(move |part| queries[(2 * part + 1) * queries.len() / (2 * shown)])
}

/// Writes what is shown of a trial as JSON. The file is replaced whole or not at all.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses.
pub fn write_shown(path: &Path, shown: &Shown) -> Result<(), ReportError> {
    write_atomically(path, |out| {
        serde_json::to_writer(&mut *out, shown)?;
        out.write_all(b"\n")
    })
    .map_err(ReportError::write(path))
}

/// Reads what [`write_shown`] wrote.
///
/// # Errors
/// [`ReportError::Read`] where the file is absent or holds something else.
pub fn read_shown(path: &Path) -> Result<Shown, ReportError> {
    let read = || Ok(serde_json::from_slice(&std::fs::read(path)?)?);
    read().map_err(ReportError::read(path))
}
