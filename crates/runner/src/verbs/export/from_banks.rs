//! Vectors moved on the spot, from files of a gallery and of banks. All are held in memory: a map is fitted to the whole.

use super::options::{ExportOptions, servable};
use super::whole::Items;
use crate::plan::methods::from_signature;
use crate::verbs::arrays::{labels, named, parts, sums, vectors};
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{
    BankStats, Banks, Embeddings, Fitted, MethodKind, Normalizer, PassOptions, StatPlan,
};
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
    let (_, point) = from_signature(method)?;
    let gallery = vectors(&options.gallery)?.context("--gallery names no file")?;
    ensure!(
        !gallery.is_empty(),
        "{} has no rows",
        named(&options.gallery)
    );
    let fitted = fit(options, &*point, &gallery)?;
    let Fitted::VectorMoving(moved) = fitted else {
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
        method: point.signature(),
        inputs,
    };
    items.moved(options, &moved)
}

fn fit(options: &ExportOptions, point: &dyn Normalizer, gallery: &Embeddings) -> Result<Fitted> {
    let query = vectors(&options.reference)?;
    let other = vectors(&options.reference_gallery)?;
    for (names, bank) in [
        (&options.reference, &query),
        (&options.reference_gallery, &other),
    ] {
        if let Some(bank) = bank {
            ensure!(
                bank.dim() == gallery.dim(),
                "{} has dimension {}, but {} has dimension {}",
                named(names),
                bank.dim(),
                named(&options.gallery),
                gallery.dim()
            );
        }
    }
    let asked = point.least_dim();
    let dim = gallery.dim();
    ensure!(
        asked <= dim,
        "`{}` needs vectors of dimension {asked}, the gallery has {dim}",
        point.signature()
    );
    let banks = Banks {
        query: query.as_ref().map(Embeddings::rows),
        gallery: other.as_ref().map(Embeddings::rows),
        evaluated: None,
    };
    let plan = StatPlan::of([point]);
    let stats = BankStats::collect(&plan, gallery.rows(), banks, PassOptions::default());
    let stats = stats.with_context(|| format!("`{}`", point.signature()))?;
    Ok(point.fit(&stats, gallery.rows())?)
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
