//! What the index over the query bank was worth for the evaluated items of one trial.

use super::{Trial, fit};
use crate::clock::timed;
use crate::search::{
    Change, Found, MeanCheck, Search, SearchCheck, SearchRecord, recall_at_one, top_means,
};
use crate::{Objective, TrialError};
use nnn_core::{Bank, BankStats, Normalizer, Stat, StatPlan};

impl Trial<'_> {
    /// What the index was worth for the evaluated items: `found` for them, `stats` with it, the reported `points`.
    pub(super) fn search_record(
        &self,
        search: &Search<'_>,
        found: &Found,
        stats: &BankStats,
        points: &[&dyn Normalizer],
    ) -> Result<SearchRecord, TrialError> {
        let check = match search.is_checked() {
            true => Some(self.search_check(found, stats, points)?),
            false => None,
        };
        Ok(search.record(found, check))
    }

    /// Compares with the exact pass over the bank.
    fn search_check(
        &self,
        found: &Found,
        stats: &BankStats,
        points: &[&dyn Normalizer],
    ) -> Result<SearchCheck, TrialError> {
        let (exact, exact_seconds) = timed(|| self.exact_means(&found.ks));
        let exact = exact?;
        let compare = |&k: &usize| found.nearest.accuracy(k, &exact);
        let means: Result<Vec<_>, _> = found.ks.iter().map(compare).collect();
        let mut corrected = stats.clone();
        for &k in &found.ks {
            let stat = Stat::TopMean { k };
            let column = exact.get(Bank::Query, &stat)?.to_vec();
            corrected = corrected.with_column(Bank::Query, stat, column);
        }
        Ok(SearchCheck {
            exact_seconds,
            items: stats.gallery(),
            means: means?.into_iter().map(MeanCheck::from).collect(),
            recall_at_1: changes(self, points, [stats, &corrected])?,
        })
    }

    /// The exact means, and the bounds that say which neighbours are among the nearest.
    fn exact_means(&self, ks: &[usize]) -> Result<BankStats, TrialError> {
        let mut plan = StatPlan::default();
        for &k in ks {
            plan.need(Bank::Query, Stat::TopMean { k });
            plan.need(Bank::Query, Stat::Kth { k });
        }
        let gallery = self.test.gallery.rows();
        let banks = self.banks.rows(self.test);
        Ok(BankStats::collect(&plan, gallery, banks, self.pass)?)
    }
}

/// R@1 of the points that read the index, with approximate and with exact statistics.
fn changes(
    trial: &Trial<'_>,
    points: &[&dyn Normalizer],
    [approximate, exact]: [&BankStats; 2],
) -> Result<Vec<Change>, TrialError> {
    let points: Vec<_> = points.iter().copied().filter(|p| reads(*p)).collect();
    let approximate = recall_at_1(trial, &points, approximate)?;
    let exact = recall_at_1(trial, &points, exact)?;
    let values = approximate.into_iter().zip(exact);
    let change = |(point, (approximate, exact)): (&&dyn Normalizer, _)| Change {
        method: point.signature(),
        approximate,
        exact,
    };
    Ok(points.iter().zip(values).map(change).collect())
}

/// Whether a point reads a mean of the largest similarities.
fn reads(point: &dyn Normalizer) -> bool {
    !top_means(&StatPlan::of([point])).is_empty()
}

fn recall_at_1(
    trial: &Trial<'_>,
    points: &[&dyn Normalizer],
    stats: &BankStats,
) -> Result<Vec<f64>, TrialError> {
    let objective = Objective(recall_at_one());
    let fitted = fit(points.iter().copied(), stats, trial.test.gallery.rows())?;
    let rankings = trial.rank(trial.test, &fitted, false, 0)?;
    let measure = |r| objective.measure(trial.test.ranked(r));
    rankings.iter().map(measure).collect()
}
