//! Queries as an export wants them.

use super::options::VerifyOptions;
use crate::verbs::arrays::{labels, named, parts, vectors};
use anyhow::{Context, Result, ensure};
use nnn_core::{Embeddings, VectorMap, Vectors};
use nnn_data::{Matrix, read_matrix};
use nnn_export::{Answer, Id, Manifest};
use nnn_files::counted;
use std::collections::HashMap;
use std::path::Path;

/// All queries, and what they are called.
pub(super) struct Queries {
    rows: Embeddings,
    /// What is done to them, where vectors were moved.
    map: Option<VectorMap>,
    names: Option<Vec<String>>,
}

impl Queries {
    pub(super) fn read(options: &VerifyOptions, manifest: &Manifest) -> Result<Self> {
        let files = named(&options.queries);
        let rows = vectors(&options.queries)?.context("--queries names no file")?;
        ensure!(!rows.is_empty(), "{files} has no rows");
        let map = map(&options.export, manifest)?;
        let dim = manifest.dim;
        ensure!(
            rows.dim() == dim,
            "{files} has dimension {}, but the export is for queries of dimension {dim}, to which it appends what it needs",
            rows.dim()
        );
        let names = match options.query_ids.as_slice() {
            [] => None,
            ids => Some(labels(&parts(ids)?)?),
        };
        if let Some(names) = &names {
            ensure!(
                names.len() == rows.len(),
                "{}: {}, expected {}, one for each row of {files}",
                named(&options.query_ids),
                counted(names.len(), "id"),
                rows.len()
            );
        }
        Ok(Self { rows, map, names })
    }

    /// Some rows, evenly spread.
    pub(super) fn spread(&self, most: usize) -> Vec<usize> {
        let (rows, count) = (self.rows.len(), most.min(self.rows.len()));
        (0..count).map(|at| at * rows / count).collect()
    }

    /// The row of every answer.
    pub(super) fn answered(&self, answers: &[Answer], file: Option<&Path>) -> Result<Vec<usize>> {
        let names = self.names.iter().flatten().map(String::as_str);
        let places: HashMap<&str, usize> = names.zip(0..).collect();
        let row = |answer: &Answer| {
            let found = match (&answer.query, &self.names) {
                (Id::Row(row), None) => usize::try_from(*row)
                    .ok()
                    .filter(|it| *it < self.rows.len()),
                (Id::Row(row), Some(_)) => places.get(row.to_string().as_str()).copied(),
                (Id::Text(name), _) => places.get(name.as_str()).copied(),
            };
            found.with_context(|| {
                let known = match &self.names {
                    Some(_) => "no id of --query-ids".to_owned(),
                    None => format!(
                        "no row from 0 to {}; ids of queries need --query-ids",
                        self.rows.len() - 1
                    ),
                };
                let file = file.unwrap_or(Path::new("")).display();
                format!(
                    "{file}: line {}: the query {} is {known}",
                    answer.line, answer.query
                )
            })
        };
        answers.iter().map(row).collect()
    }

    pub(super) fn name(&self, row: usize) -> Id {
        match &self.names {
            Some(names) => Id::Text(names[row].clone()),
            None => Id::Row(row as i64),
        }
    }

    /// The vectors of some rows, moved if the items were.
    pub(super) fn vectors(&self, rows: &[usize]) -> Vec<Vec<f32>> {
        let chosen: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let chosen = self.rows.select(&chosen);
        match &self.map {
            None => chosen
                .rows()
                .data()
                .chunks(chosen.dim())
                .map(<[f32]>::to_vec)
                .collect(),
            Some(map) => {
                let moved = map.apply(chosen.rows());
                moved
                    .data()
                    .chunks(moved.dim())
                    .map(<[f32]>::to_vec)
                    .collect()
            }
        }
    }
}

/// What the export does to queries; none where it only appends.
fn map(export: &Path, manifest: &Manifest) -> Result<Option<VectorMap>> {
    let Some(written) = &manifest.query_map else {
        return Ok(None);
    };
    let read = |file: &String, shape: [usize; 2]| -> Result<Matrix> {
        let path = export.join(file);
        let found = read_matrix(&path, None)?;
        ensure!(
            [found.rows, found.dim] == shape,
            "{}: shape ({}, {}), expected ({}, {})",
            path.display(),
            found.rows,
            found.dim,
            shape[0],
            shape[1]
        );
        Ok(found)
    };
    let (dim, out) = (manifest.dim, manifest.dim_out);
    let mut map = VectorMap {
        normalize: written.normalize,
        ..VectorMap::default()
    };
    if let Some(file) = &written.shift {
        map.shift = read(file, [1, dim])?.data;
    }
    if let Some(file) = &written.matrix {
        map.matrix = Some(Vectors::new(read(file, [out, dim])?.data, dim));
    }
    Ok(Some(map))
}
