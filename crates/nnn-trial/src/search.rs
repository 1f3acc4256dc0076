//! Means of the largest similarities to the query bank through an index, and the record of the search.

use nnn_ann::{Accuracy, AnnError, BankIndex, Ivf, Nearest};
use nnn_core::{Bank, BankStats, Embeddings, Rows, Stat, StatPlan};
use nnn_metrics::{Metric, QueryMetric};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Instant;

/// What searches are compared by.
pub const SEARCH_METRIC: &str = "R@1";

pub(crate) fn recall_at_one() -> Metric {
    QueryMetric::HitRate(NonZeroUsize::MIN).into()
}

/// The search that an experiment asks for.
#[derive(Debug, Clone, Copy)]
pub struct BankSearch {
    /// The index.
    pub ivf: Ivf,
    /// Whether what is found is compared with the exact pass.
    pub check: bool,
}

impl BankSearch {
    /// Refuses numbers that do not fit each other or a query bank of `bank` rows.
    ///
    /// # Errors
    /// [`AnnError::OutOfRange`] for the first that does not fit.
    pub fn check_bank(&self, bank: usize) -> Result<(), AnnError> {
        self.ivf.check(bank)
    }
}

/// Every `k` of which a plan needs the mean of the largest similarities to the query bank, ascending.
#[must_use]
pub fn top_means(plan: &StatPlan) -> Vec<usize> {
    plan.iter().filter_map(top_mean).collect()
}

/// The `k` of a mean of the largest similarities to the query bank.
fn top_mean(need: (Bank, &Stat)) -> Option<usize> {
    match need {
        (Bank::Query, Stat::TopMean { k }) => Some(*k),
        _ => None,
    }
}

/// The index of one trial.
pub(crate) struct Search<'a> {
    settings: BankSearch,
    index: BankIndex<'a>,
    bank: usize,
    ks: Vec<usize>,
    exact_part: StatPlan,
    build_seconds: f64,
}

/// What was found for the gallery of one task.
pub(crate) struct Found {
    pub(crate) ks: Vec<usize>,
    pub(crate) nearest: Nearest,
    seconds: f64,
}

impl<'a> Search<'a> {
    /// Builds the index; `plan` needs at least one mean of the largest similarities.
    pub(crate) fn start(
        settings: BankSearch,
        bank: &'a Embeddings,
        plan: &StatPlan,
    ) -> Result<Self, AnnError> {
        let started = Instant::now();
        let index = BankIndex::build(bank, settings.ivf)?;
        Ok(Self {
            settings,
            index,
            bank: bank.len(),
            ks: top_means(plan),
            exact_part: plan
                .iter()
                .filter(|&need| top_mean(need).is_none())
                .collect(),
            build_seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// What of the plan is not searched for.
    pub(crate) fn exact_part(&self) -> &StatPlan {
        &self.exact_part
    }

    pub(crate) fn find(&self, gallery: Rows<'_>) -> Result<Found, AnnError> {
        let started = Instant::now();
        let most = self.ks.last().copied().unwrap_or(1);
        let nearest = self.index.nearest(gallery, most);
        Ok(Found {
            ks: self.ks.clone(),
            nearest: nearest?,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// The record of the search that found `found`, and of its check where one was made.
    pub(crate) fn record(&self, found: &Found, check: Option<SearchCheck>) -> SearchRecord {
        SearchRecord {
            index: self.settings.ivf.to_string(),
            bank: self.bank,
            build_seconds: self.build_seconds,
            search_seconds: found.seconds,
            check,
        }
    }

    /// Whether what is found is to be compared with the exact pass.
    pub(crate) fn is_checked(&self) -> bool {
        self.settings.check
    }
}

impl Found {
    pub(crate) fn add_to(&self, stats: BankStats) -> BankStats {
        self.ks.iter().fold(stats, |stats, &k| {
            stats.with_column(Bank::Query, Stat::TopMean { k }, self.nearest.top_mean(k))
        })
    }
}

/// What an index was worth, for the evaluated items of one trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SearchRecord {
    /// The index, such as `ivf(lists=1024,probes=32,seed=0)`.
    pub index: String,
    /// Rows of the query bank.
    pub bank: usize,
    /// Seconds that building it took.
    pub build_seconds: f64,
    /// Seconds that the search took.
    pub search_seconds: f64,
    /// None where no check is asked for.
    pub check: Option<SearchCheck>,
}

/// An approximate search beside the exact one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SearchCheck {
    /// Seconds of the exact pass over the bank.
    pub exact_seconds: f64,
    /// Gallery items compared: all.
    pub items: usize,
    /// The means of every `k`.
    pub means: Vec<MeanCheck>,
    /// What each reported point that reads them comes to.
    pub recall_at_1: Vec<Change>,
}

/// [`Accuracy`] as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MeanCheck {
    /// How many of the largest similarities count.
    pub k: usize,
    /// Share of the nearest rows that were found.
    pub recall: f64,
    /// Mean over items of the exact mean less the found one.
    pub mean_error: f64,
    /// The largest of these differences.
    pub largest_error: f64,
}

/// R@1 of one point, 0 to 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    /// The point's signature.
    pub method: String,
    /// With the means that were found.
    pub approximate: f64,
    /// With the exact ones.
    pub exact: f64,
}

impl Change {
    fn points(&self) -> f64 {
        100.0 * (self.approximate - self.exact)
    }
}

impl From<Accuracy> for MeanCheck {
    fn from(accuracy: Accuracy) -> Self {
        Self {
            k: accuracy.k,
            recall: accuracy.recall,
            mean_error: accuracy.mean_error,
            largest_error: accuracy.largest_error,
        }
    }
}

impl fmt::Display for SearchRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "bank search by {} over {} rows: built in {:.2} s, searched in {:.2} s",
            self.index, self.bank, self.build_seconds, self.search_seconds
        )?;
        self.check
            .iter()
            .try_for_each(|check| write!(f, ", {check}"))
    }
}

impl fmt::Display for SearchCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exact in {:.2} s", self.exact_seconds)?;
        for mean in &self.means {
            let MeanCheck { k, recall, .. } = mean;
            let (error, largest) = (mean.mean_error, mean.largest_error);
            write!(
                f,
                "; k = {k}: recall {recall:.4}, error of the mean {error:.1e}, at most {largest:.1e}"
            )?;
        }
        let size = |change: &Change| change.points().abs();
        let most = self
            .recall_at_1
            .iter()
            .max_by(|a, b| size(a).total_cmp(&size(b)));
        most.map_or(Ok(()), |change| {
            let (points, method) = (change.points(), &change.method);
            write!(f, "; R@1 changes most by {points:+.2} points, of {method}")
        })
    }
}
