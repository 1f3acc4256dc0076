//! Tables of judgements in columns: `.parquet`, Arrow and Feather, as `datasets` and ranx write them.

use super::{Judgement, Judgements, Key, Means, Place, expected_columns};
use crate::file_error::FileProblem;
use crate::vectors::files::{column_ids, column_numbers};
use std::path::Path;

/// What pandas calls the index of its rows.
const INDEX: &str = "__index_level_0__";

/// Reads the columns of a file, whose names are given.
pub(super) fn read(path: &Path, names: &[String]) -> Result<Judgements, FileProblem> {
    let named = |part: Means| names.iter().find(|name| Means::of(name) == Some(part));
    if let Some(other) = names
        .iter()
        .find(|name| Means::of(name).is_none() && *name != INDEX)
    {
        return Err(no_judgements(format!("unknown column {other:?}")));
    }
    let (Some(query), Some(gallery)) = (named(Means::Query), named(Means::Gallery)) else {
        return Err(no_judgements(format!(
            "the columns are {}",
            names.join(", ")
        )));
    };
    let queries = column_ids(path, query)?;
    let items = column_ids(path, gallery)?;
    let grades = match named(Means::Grade) {
        Some(grade) => column_numbers(path, grade)?,
        None => vec![1.0; queries.len()],
    };
    let all = queries.into_iter().zip(items).zip(grades).enumerate();
    let all = all.map(|(row, ((query, item), grade))| Judgement {
        query: Key::Id(query),
        item,
        grade,
        place: Place::Row(row),
    });
    Ok(Judgements {
        all: all.collect(),
        ..Judgements::default()
    })
}

fn no_judgements(what: String) -> FileProblem {
    FileProblem::Unusable(format!("{what}; expected {}", expected_columns()))
}
