//! Vectors moved on the spot, from files of a gallery and of banks. All are held in memory: a map is fitted to the whole.

use super::options::{ExportOptions, servable};
use super::whole::Items;
use crate::verbs::arrays::{labels, named, parts, sums, vectors};
use crate::verbs::fitting::fitting;
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{Fitted, MethodKind, PassOptions};
use nnn_export::{Ids, Manifest};
use nnn_files::counted;

pub(super) fn export(options: &ExportOptions) -> Result<Manifest> {
    let Some(method) = &options.method else {
        bail!("--reference needs --method, one that moves vectors");
    };
    if servable(method)? == MethodKind::Additive {
        bail!(
            "`{method}` has a bias for every item: compute it by `runner bias` and export that with --bias"
        );
    }
    let fitting = fitting(method, &options.reference, &options.reference_gallery)?;
    let gallery = vectors(&options.gallery)?.context("--gallery names no file")?;
    ensure!(
        !gallery.is_empty(),
        "{} has no rows",
        named(&options.gallery)
    );
    let Fitted::VectorMoving(moved) = fitting.fit(gallery.rows(), PassOptions::default())? else {
        bail!("`{method}` does not move vectors");
    };
    let names = [
        &options.gallery,
        &options.reference,
        &options.reference_gallery,
    ];
    let mut inputs = Vec::new();
    for names in names {
        inputs.extend(sums(&parts(names)?)?);
    }
    let items = Items {
        ids: ids(options, gallery.len())?,
        method: fitting.point().signature(),
        inputs,
    };
    items.moved(options, &moved)
}

/// Ids from a file, or rows.
fn ids(options: &ExportOptions, items: usize) -> Result<Ids> {
    if options.ids.is_empty() {
        return Ok(Ids::Rows(0..items));
    }
    let ids = labels(&parts(&options.ids)?)?;
    ensure!(
        ids.len() == items,
        "{}: {}, expected {items}, one for each item of {}",
        named(&options.ids),
        counted(ids.len(), "id"),
        named(&options.gallery)
    );
    Ok(Ids::Named(ids))
}
