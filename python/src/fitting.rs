//! A method fitted to banks, under watch.

use crate::bank::BankViews;
use crate::call::Watch;
use crate::error::{unfit, wrong};
use crate::method::Chosen;
use nnn_core::{Bank, BankSizes, BankStats, Banks, FitError, Fitted, PassOptions, Rows};
use nnn_trial::TrialError;
use pyo3::prelude::*;

/// How many scores it takes to fit a method to so many items.
pub(crate) fn scores(chosen: &Chosen, items: usize, sizes: BankSizes) -> u64 {
    chosen.plan.scores(items, sizes)
}

/// The correction of some items.
///
/// # Errors
/// `ValueError`: a bank is missing or too small, dimensions do not agree, or a value of a bank is wrong.
pub(crate) fn fit(
    chosen: &Chosen,
    items: Rows<'_>,
    banks: BankViews<'_>,
    evaluated: Option<Rows<'_>>,
    watch: &Watch,
) -> PyResult<Fitted> {
    let read = |bank| chosen.plan.uses(bank);
    let query = banks.query.filter(|_| read(Bank::Query));
    let gallery = banks.gallery.filter(|_| read(Bank::Gallery));
    let [query, gallery] = [query, gallery].map(|view| view.map(|view| view.vectors()));
    let (query, gallery) = (query.transpose()?, gallery.transpose()?);
    let banks = Banks {
        query: query.as_ref().map(|it| it.rows()),
        gallery: gallery.as_ref().map(|it| it.rows()),
        evaluated: evaluated.filter(|_| read(Bank::Evaluated)),
    };
    check(chosen, items, banks)?;
    let refused = |error: FitError| unfit(&chosen.signature(), &error);
    let tell = |scores| watch.advance(scores);
    let options = PassOptions {
        progress: Some(&tell),
        ..PassOptions::default()
    };
    let stats = BankStats::collect(&chosen.plan, items, banks, options).map_err(refused)?;
    chosen.point.fit(&stats, items).map_err(refused)
}

/// What a pass would not refuse itself.
fn check(chosen: &Chosen, items: Rows<'_>, banks: Banks<'_>) -> PyResult<()> {
    if let (Some(query), Some(gallery)) = (banks.query, banks.gallery)
        && query.dim() != gallery.dim()
    {
        let (query, gallery) = (query.dim(), gallery.dim());
        let error = TrialError::BankDimensions { query, gallery };
        return Err(wrong("bank", error));
    }
    let (asked, dim) = (chosen.point.least_dim(), items.dim());
    match asked > dim {
        true => Err(unfit(
            &chosen.signature(),
            &FitError::BeyondDimension { asked, dim },
        )),
        false => Ok(()),
    }
}
