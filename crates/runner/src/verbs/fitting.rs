//! A method at one point and its banks, from files: what `bias` and `export` compute without a config.

use crate::plan::methods::from_signature;
use crate::verbs::arrays::vectors;
use anyhow::{Result, anyhow, ensure};
use nnn_core::{
    Bank, BankSizes, BankStats, Banks, Embeddings, FitError, Fitted, MethodKind, Normalizer,
    PassOptions, Rows, StatPlan,
};
use nnn_data::ArrayFile;

/// A method at one point, and the banks that it is given.
pub(crate) struct Fitting {
    pub(crate) point: Box<dyn Normalizer>,
    pub(crate) plan: StatPlan,
    pub(crate) query: Option<Embeddings>,
    pub(crate) gallery: Option<Embeddings>,
    /// Dimension of the banks' vectors.
    pub(crate) dim: usize,
}

impl Fitting {
    /// Reads the banks of `method`.
    ///
    /// # Errors
    /// A bank cannot be read, is missing or is too small, or the banks' dimensions do not fit.
    pub(crate) fn read(
        method: &str,
        reference: &[ArrayFile],
        reference_gallery: &[ArrayFile],
    ) -> Result<Self> {
        let (_, point) = from_signature(method)?;
        let plan = StatPlan::of([&*point]);
        let mut fitting = Self {
            query: vectors(reference)?,
            gallery: vectors(reference_gallery)?,
            dim: 0,
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
        // No bank is read where there is none: the plan was checked just now.
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

    /// The correction of some items.
    ///
    /// # Errors
    /// Their dimension is not that of a bank.
    pub(crate) fn fit(&self, items: Rows<'_>) -> Result<Fitted> {
        let banks = Banks {
            query: self.query.as_ref().map(Embeddings::rows),
            gallery: self.gallery.as_ref().map(Embeddings::rows),
            evaluated: None,
        };
        let stats = BankStats::collect(&self.plan, items, banks, PassOptions::default())?;
        Ok(self.point.fit(&stats, items)?)
    }
}

/// Why no number and no vector of an item can hold what methods of a kind do; `None` where one can.
pub(crate) fn unservable(kind: MethodKind) -> Option<&'static str> {
    match kind {
        MethodKind::Additive | MethodKind::VectorMoving => None,
        MethodKind::Gated => Some(
            "is gated: which bias is subtracted depends on the query's own best item, which is known only after a search",
        ),
        MethodKind::Rescaling => Some(
            "rewrites all scores of a query by a rule (it is rescaling), which no number and no vector of an item holds",
        ),
    }
}
