//! From a file of biases and the vectors that it was computed for. Both are streamed: memory does not grow with the gallery. That
//! no id repeats `runner bias` has seen to.

use super::options::{ExportOptions, servable};
use crate::provenance::code_version;
use crate::terminal::progress::Progress;
use crate::verbs::arrays::{labels, named, parts, sums};
use crate::verbs::biased::each_biased;
use anyhow::{Result, ensure};
use nnn_core::MethodKind;
use nnn_export::{About, BiasFile, FileSum, Manifest, Shape, Spread};
use nnn_files::counted;
use std::path::Path;

pub(super) fn export(options: &ExportOptions, path: &Path) -> Result<Manifest> {
    let file = BiasFile::open(path)?;
    let header = file.header().clone();
    let kind = servable(&header.method)?;
    ensure!(
        kind == MethodKind::Additive,
        "`{}` has no bias",
        header.method
    );
    if let Some(method) = &options.method {
        let found = &header.method;
        ensure!(
            method == found,
            "{} has biases of `{found}`, not of `{method}`",
            path.display()
        );
    }
    ensure!(!file.is_empty(), "{}: it has no items", path.display());
    let shape = Shape {
        rows: file.len() as u64,
        dim: header.dim,
        named: file.is_named(),
    };
    let spread = survey(path)?;
    let constants = options.constants(&spread, header.dim, &header.method)?;
    let mut delivery = options.begin(shape, Some(constants))?;
    let ids = own_ids(options, shape, path)?;
    let progress = Progress::new("export", shape.rows, "items");
    let gallery = parts(&options.gallery)?;
    each_biased(path, &gallery, ids, |ids, vectors, biases| {
        progress.advance(ids.len() as u64);
        Ok(delivery.push(ids, vectors.data(), biases)?)
    })?;
    let mut inputs = sums(&gallery)?;
    inputs.push(FileSum::of(Path::new(""), &path.display().to_string())?);
    let about = About {
        method: header.method,
        spread: Some(&spread),
        query_map: None,
        inputs,
        program: code_version(),
    };
    Ok(delivery.finish(about)?)
}

/// How the biases spread.
fn survey(path: &Path) -> Result<Spread> {
    let mut spread = Spread::default();
    for rows in BiasFile::open(path)?.blocks()? {
        spread.extend(rows?.biases);
    }
    Ok(spread)
}

/// The ids that the command line gives, which must be those of the biases; none where it gives none.
fn own_ids(options: &ExportOptions, shape: Shape, path: &Path) -> Result<Option<Vec<String>>> {
    if options.ids.is_empty() {
        return Ok(None);
    }
    let ids = labels(&parts(&options.ids)?)?;
    let (found, expected) = (counted(ids.len(), "id"), shape.rows);
    let path = path.display();
    ensure!(
        ids.len() as u64 == expected,
        "{}: {found}, expected {expected}, one for each row of {path}",
        named(&options.ids)
    );
    ensure!(
        shape.named,
        "{path} was computed without ids; compute it with them (`runner bias --ids`)"
    );
    Ok(Some(ids))
}
