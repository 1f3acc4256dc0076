//! A method and its banks, with which any items are corrected.

use super::request::BiasRequest;
use crate::plan::methods::from_signature;
use crate::provenance::code_version;
use crate::verbs::arrays::vectors;
use anyhow::{Context, Result, anyhow, bail, ensure};
use nnn_core::{
    Bank, BankSizes, BankStats, Banks, Embeddings, FitError, Fitted, MethodFamily, MethodKind,
    Normalizer, PassOptions, Rows, Stat, StatPlan,
};
use nnn_export::{BankMark, BiasHeader};
use std::path::Path;

/// An additive method at one point, and the banks that it reads.
pub(super) struct Fitting<'a> {
    request: &'a BiasRequest,
    point: Box<dyn Normalizer>,
    plan: StatPlan,
    query: Option<Embeddings>,
    gallery: Option<Embeddings>,
    dim: usize,
}

impl<'a> Fitting<'a> {
    pub(super) fn new(request: &'a BiasRequest) -> Result<Self> {
        let (family, point) = from_signature(&request.method)?;
        check_kind(family, &request.method)?;
        let plan = StatPlan::of([&*point]);
        ensure!(
            !plan.is_empty(),
            "{} reads no bank, so that there is nothing to compute",
            point.signature()
        );
        let given = [
            (Bank::Query, "--reference", &request.reference),
            (
                Bank::Gallery,
                "--reference-gallery",
                &request.reference_gallery,
            ),
        ];
        for (bank, option, files) in given {
            ensure!(
                files.is_empty() || plan.uses(bank),
                "{} reads no {bank}: leave {option} out",
                point.signature()
            );
        }
        let mut fitting = Self {
            query: vectors(&request.reference)?,
            gallery: vectors(&request.reference_gallery)?,
            dim: 0,
            request,
            point,
            plan,
        };
        fitting.dim = fitting.check()?;
        Ok(fitting)
    }

    /// The dimension, once banks are there and have it.
    fn check(&self) -> Result<usize> {
        let size = |bank: &Option<Embeddings>| bank.as_ref().map(Embeddings::len);
        let sizes = BankSizes {
            query: size(&self.query),
            gallery: size(&self.gallery),
            evaluated: None,
        };
        self.plan
            .check(sizes)
            .map_err(|error| self.with_option(error))?;
        let dims = [&self.query, &self.gallery]
            .into_iter()
            .flatten()
            .map(Embeddings::dim);
        let dims: Vec<usize> = dims.collect();
        if let [query, gallery] = dims[..] {
            ensure!(
                query == gallery,
                "the query bank has dimension {query}, the gallery bank {gallery}; they must agree"
            );
        }
        // A plan that reads no bank was refused, and one without its bank just now.
        let dim = dims.first().copied().unwrap_or(0);
        let asked = self.point.least_dim();
        match asked > dim {
            true => Err(FitError::BeyondDimension { asked, dim }.into()),
            false => Ok(dim),
        }
    }

    /// The error of a bank that is not there, with the option that gives it.
    fn with_option(&self, error: FitError) -> anyhow::Error {
        let option = match &error {
            FitError::MissingBank {
                bank: Bank::Query, ..
            } => "--reference",
            FitError::MissingBank {
                bank: Bank::Gallery,
                ..
            } => "--reference-gallery",
            _ => return error.into(),
        };
        anyhow!("{}: {error}; give it with {option}", self.point.signature())
    }

    /// Dimension of the vectors.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn header(&self) -> BiasHeader {
        let mark = |bank: &Option<Embeddings>| bank.as_ref().map(|it| BankMark::of(it.rows()));
        BiasHeader {
            method: self.point.signature(),
            dim: self.dim,
            query_bank: mark(&self.query),
            gallery_bank: mark(&self.gallery),
            code: code_version(),
        }
    }

    /// Refuses vectors that the banks' cannot be compared with.
    pub(super) fn check_dim(&self, path: &Path, found: usize) -> Result<()> {
        ensure!(
            found == self.dim,
            "{}: vectors of dimension {found}, but those of the bank have dimension {}",
            path.display(),
            self.dim
        );
        Ok(())
    }

    /// All items at once.
    pub(super) fn whole_gallery(&self) -> Result<Embeddings> {
        vectors(&self.request.gallery)?.context("no gallery")
    }

    /// Refuses to correct new items by themselves where a bias depends on all items.
    pub(super) fn of_new_items(&self) -> Result<()> {
        ensure!(
            !self.needs_whole_gallery(),
            "{}: a bias depends on all items of the gallery; compute all of them anew",
            self.point.signature()
        );
        Ok(())
    }

    /// Whether all items have to be corrected together.
    pub(super) fn needs_whole_gallery(&self) -> bool {
        needs_whole_gallery(&self.plan)
    }

    /// The biases of some items.
    pub(super) fn biases(&self, items: Rows<'_>) -> Result<Vec<f32>> {
        let banks = Banks {
            query: self.query.as_ref().map(Embeddings::rows),
            gallery: self.gallery.as_ref().map(Embeddings::rows),
            evaluated: None,
        };
        let stats = BankStats::collect(&self.plan, items, banks, PassOptions::default())?;
        match self.point.fit(&stats, items)? {
            Fitted::Additive(bias) => Ok(bias.values().to_vec()),
            // `check_kind` let no other through.
            _ => bail!("{} is no bias", self.point.signature()),
        }
    }
}

/// Whether an item's statistics depend on the other items.
fn needs_whole_gallery(plan: &StatPlan) -> bool {
    let of_all = |stat: &Stat| matches!(stat, Stat::Potential { .. } | Stat::BestPlace { .. });
    plan.iter().any(|(_, stat)| of_all(stat))
}

/// Refuses what is not one number for every item, with the reason.
fn check_kind(family: &dyn MethodFamily, method: &str) -> Result<()> {
    let reason = match family.kind() {
        MethodKind::Additive => return Ok(()),
        MethodKind::Gated => {
            "is gated: which bias is subtracted depends on the query's own best item, so that one number for every item cannot say it"
        }
        MethodKind::Rescaling => {
            "rewrites all scores of a query by a rule, so that one number for every item cannot say it"
        }
        MethodKind::VectorMoving => {
            "changes the vectors of both sides; `runner export --method` writes the changed ones"
        }
    };
    bail!("`{method}` {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::registry::METHODS;
    use nnn_core::ParamGrid;

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
            match needs_whole_gallery(&StatPlan::of([&*point])) {
                true => whole.push(family.name()),
                false => assert_eq!(blocks.concat(), all, "{}", family.name()),
            }
        }
        assert_eq!(whole, ["sn", "dbsn"]);
    }
}
