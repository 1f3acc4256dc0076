//! A method at one point and its banks: what computes corrections where nothing is measured.

use crate::TrialError;
use nnn_core::{
    BankSizes, BankStats, Banks, Embeddings, FitError, Fitted, MethodFamily, MethodKind,
    Normalizer, PassOptions, Rows, StatPlan,
};

/// A method at one point, and the banks that it is given.
pub struct Fitting {
    point: Box<dyn Normalizer>,
    plan: StatPlan,
    query: Option<Embeddings>,
    gallery: Option<Embeddings>,
    dim: usize,
}

impl Fitting {
    /// A method with its query bank and its gallery bank.
    ///
    /// # Errors
    /// A bank is missing or too small, or the banks' dimensions do not fit.
    pub fn new(
        point: Box<dyn Normalizer>,
        query: Option<Embeddings>,
        gallery: Option<Embeddings>,
    ) -> Result<Self, TrialError> {
        let plan = StatPlan::of([&*point]);
        let mut fitting = Self {
            point,
            plan,
            query,
            gallery,
            dim: 0,
        };
        fitting.dim = fitting.check()?;
        Ok(fitting)
    }

    /// The dimension, once banks are there and have it.
    fn check(&self) -> Result<usize, TrialError> {
        let size = |bank: &Option<Embeddings>| bank.as_ref().map(Embeddings::len);
        self.plan.check(BankSizes {
            query: size(&self.query),
            gallery: size(&self.gallery),
            evaluated: None,
        })?;
        let dims = [&self.query, &self.gallery]
            .into_iter()
            .flatten()
            .map(Embeddings::dim);
        let dims: Vec<usize> = dims.collect();
        if let [query, gallery] = dims[..]
            && query != gallery
        {
            return Err(TrialError::BankDimensions { query, gallery });
        }
        // No bank is read where there is none: the plan was checked just now.
        let dim = dims.first().copied().unwrap_or(0);
        let asked = self.point.least_dim();
        if asked > dim {
            return Err(FitError::BeyondDimension { asked, dim }.into());
        }
        self.plan.check_dim(dim)?;
        Ok(dim)
    }

    /// The method at its point.
    #[must_use]
    pub fn point(&self) -> &dyn Normalizer {
        &*self.point
    }

    /// What it reads of its banks.
    #[must_use]
    pub fn plan(&self) -> &StatPlan {
        &self.plan
    }

    /// The query bank.
    #[must_use]
    pub fn query(&self) -> Option<&Embeddings> {
        self.query.as_ref()
    }

    /// The gallery bank.
    #[must_use]
    pub fn gallery(&self) -> Option<&Embeddings> {
        self.gallery.as_ref()
    }

    /// Dimension of the banks' vectors.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The correction of some items.
    ///
    /// # Errors
    /// Their dimension is not that of a bank.
    pub fn fit(&self, items: Rows<'_>, options: PassOptions<'_>) -> Result<Fitted, FitError> {
        let banks = Banks {
            query: self.query.as_ref().map(Embeddings::rows),
            gallery: self.gallery.as_ref().map(Embeddings::rows),
            evaluated: None,
        };
        let stats = BankStats::collect(&self.plan, items, banks, options)?;
        self.point.fit(&stats, items)
    }
}

/// Why no number and no vector of an item can hold what methods of a kind do; `None` where one can.
#[must_use]
pub fn unservable(kind: MethodKind) -> Option<&'static str> {
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

/// The kind of a method that a search engine can serve.
///
/// # Errors
/// Why none can; the method's name goes before it.
pub fn servable(family: &dyn MethodFamily) -> Result<MethodKind, &'static str> {
    let kind = family.kind();
    match unservable(kind) {
        _ if family.transductive() => Err(
            "reads all evaluated queries at once, so that an answer depends on what else is asked",
        ),
        Some(reason) => Err(reason),
        None if family.name() == "raw" => {
            Err("changes nothing: the vectors are served as they are")
        }
        None => Ok(kind),
    }
}
