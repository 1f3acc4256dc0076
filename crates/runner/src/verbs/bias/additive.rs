//! An additive method over a gallery: what of it is computed in blocks, and what a file of its biases says.

use super::request::BiasRequest;
use crate::provenance::code_version;
use crate::verbs::arrays::{Parts, check_dim, each_vectors, vectors};
use crate::verbs::fitting::fitting;
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{Bank, Embeddings, Fitted, MethodFamily, MethodKind, PassOptions, Rows, StatPlan};
use nnn_export::{BankMark, BiasHeader};
use nnn_trial::{Fitting, from_signature, unservable};

/// Whose dimension vectors must have.
const OF_BANKS: &str = "those of the bank have dimension";

/// The method and its banks, and the gallery.
pub(super) struct Additive<'a> {
    request: &'a BiasRequest,
    fitting: Fitting,
    /// Whether an item's bias depends on the other items.
    whole: bool,
}

impl<'a> Additive<'a> {
    pub(super) fn new(request: &'a BiasRequest) -> Result<Self> {
        let family = check(request)?;
        let BiasRequest {
            method,
            reference,
            reference_gallery,
            ..
        } = request;
        let fitting = fitting(method, reference, reference_gallery)?;
        Ok(Self {
            request,
            fitting,
            whole: family.whole_gallery(),
        })
    }

    /// Dimension of the vectors.
    pub(super) fn dim(&self) -> usize {
        self.fitting.dim()
    }

    pub(super) fn header(&self) -> BiasHeader {
        let mark = |bank: Option<&Embeddings>| bank.map(|it| BankMark::of(it.rows()));
        BiasHeader {
            method: self.fitting.point().signature(),
            dim: self.dim(),
            query_bank: mark(self.fitting.query()),
            gallery_bank: mark(self.fitting.gallery()),
            code: code_version(),
        }
    }

    /// Hands on the gallery in blocks of `rows`, or whole where all items have to be corrected together.
    pub(super) fn each_block(
        &self,
        gallery: &Parts,
        rows: usize,
        mut take: impl FnMut(&Embeddings) -> Result<()>,
    ) -> Result<()> {
        let of = (self.dim(), OF_BANKS);
        if self.whole {
            let all = vectors(&self.request.gallery)?.context("no gallery")?;
            check_dim(&gallery[0].0, all.dim(), of)?;
            return take(&all);
        }
        each_vectors(gallery, rows, of, |_, block| take(block))
    }

    /// Refuses to correct new items by themselves where a bias depends on all items.
    pub(super) fn of_new_items(&self) -> Result<()> {
        ensure!(
            !self.whole,
            "{}: a bias depends on all items of the gallery; compute all of them anew",
            self.fitting.point().signature()
        );
        Ok(())
    }

    /// The biases of some items.
    pub(super) fn biases(&self, items: Rows<'_>) -> Result<Vec<f32>> {
        match self.fitting.fit(items, PassOptions::default())? {
            Fitted::Additive(bias) => Ok(bias.values().to_vec()),
            // `check` let no other through.
            _ => bail!("{} is no bias", self.fitting.point().signature()),
        }
    }
}

/// Refuses, before any bank is read, what is not one number for every item, and banks that the method does not read.
fn check(request: &BiasRequest) -> Result<&'static dyn MethodFamily> {
    let method = &request.method;
    let (family, point) = from_signature(method)?;
    if let Some(reason) = unservable(family.kind()) {
        bail!("`{method}` {reason}");
    }
    ensure!(
        family.kind() == MethodKind::Additive,
        "`{method}` changes the vectors of both sides; `runner export --method` writes the changed ones"
    );
    let plan = StatPlan::of([&*point]);
    let method = point.signature();
    ensure!(
        !plan.is_empty(),
        "{method} reads no bank, so that there is nothing to compute"
    );
    let (query, gallery) = (&request.reference, &request.reference_gallery);
    for (bank, option, files) in [
        (Bank::Query, "--reference", query),
        (Bank::Gallery, "--reference-gallery", gallery),
    ] {
        ensure!(
            files.is_empty() || plan.uses(bank),
            "{method} reads no {bank}: leave {option} out"
        );
    }
    Ok(family)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnn_core::{BankStats, Banks, Normalizer, ParamGrid, PassOptions};
    use nnn_trial::METHODS;

    fn vectors(rows: usize, seed: usize) -> Embeddings {
        let value = |at: usize| ((at * 7919 + seed * 104_729) % 1009) as f32 / 1009.0 - 0.4;
        Embeddings::normalize((0..rows * 16).map(value).collect(), 16).expect("vectors")
    }

    fn biases(point: &dyn Normalizer, items: Rows<'_>, banks: Banks<'_>) -> Vec<f32> {
        let plan = StatPlan::of([point]);
        let stats = BankStats::collect(&plan, items, banks, PassOptions::default());
        let fitted = point
            .fit(&stats.expect("statistics"), items)
            .expect("fitted");
        fitted.additive().expect("a bias").values().to_vec()
    }

    /// Every additive method of the registry either has the same biases in any blocks, or is one that is computed whole.
    #[test]
    fn biases_of_blocks_are_those_of_the_whole_gallery() {
        let (items, query, gallery) = (vectors(50, 1), vectors(300, 2), vectors(200, 3));
        let banks = Banks {
            query: Some(query.rows()),
            gallery: Some(gallery.rows()),
            evaluated: None,
        };
        let mut whole = Vec::new();
        for family in METHODS
            .iter()
            .filter(|it| it.kind() == MethodKind::Additive)
        {
            let point = family
                .expand(&ParamGrid::new())
                .expect("defaults")
                .remove(0);
            let all = biases(&*point, items.rows(), banks);
            let blocks =
                [0..13, 13..14, 14..50].map(|it| biases(&*point, items.rows().slice(it), banks));
            match family.whole_gallery() {
                true => whole.push(family.name()),
                false => assert_eq!(blocks.concat(), all, "{}", family.name()),
            }
        }
        assert_eq!(whole, ["sn", "dbsn"]);
    }
}
