//! Means of the largest similarities to the query bank through an index, and the record of the search.

use crate::plan::settings::{BankSearch, SEARCH_METRIC, top_mean, top_means};
use anyhow::{Context, Result};
use nnn_ann::{Accuracy, BankIndex, Nearest};
use nnn_core::{Bank, BankStats, Embeddings, Rows, Stat, StatPlan};
use nnn_report::{ScoreRow, SearchRow};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Instant;

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
    pub(super) ks: Vec<usize>,
    pub(super) nearest: Nearest,
    seconds: f64,
}

impl<'a> Search<'a> {
    /// Builds the index; `plan` needs at least one mean of the largest similarities.
    pub(crate) fn start(
        settings: BankSearch,
        bank: &'a Embeddings,
        plan: &StatPlan,
    ) -> Result<Self> {
        let started = Instant::now();
        let index = BankIndex::build(bank, settings.ivf).context("`compute.bank_search`")?;
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

    pub(crate) fn find(&self, gallery: Rows<'_>) -> Result<Found> {
        let started = Instant::now();
        let most = self.ks.last().copied().unwrap_or(1);
        let nearest = self.index.nearest(gallery, most);
        Ok(Found {
            ks: self.ks.clone(),
            nearest: nearest.context("`compute.bank_search`")?,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// The record of the search that found `found`, and of its check where one was made.
    pub(super) fn record(&self, found: &Found, check: Option<SearchCheck>) -> SearchRecord {
        SearchRecord {
            index: self.settings.ivf.to_string(),
            bank: self.bank,
            build_seconds: self.build_seconds,
            search_seconds: found.seconds,
            check,
        }
    }

    /// Whether what is found is to be compared with the exact pass.
    pub(super) fn is_checked(&self) -> bool {
        self.settings.check
    }
}

impl SearchRecord {
    /// A row for every reported method that read the index and was compared; `scores` are those of the same trial.
    pub(crate) fn rows(&self, scores: &[ScoreRow]) -> Vec<SearchRow> {
        let Some(check) = &self.check else {
            return Vec::new();
        };
        let first = scores.first().map(|row| &row.metric);
        let measured = scores.iter().filter(|row| Some(&row.metric) == first);
        let row = |score: &ScoreRow| {
            let own = |change: &&Change| change.method == score.cell.method_signature();
            let change = check.recall_at_1.iter().find(own)?;
            Some(SearchRow {
                cell: score.cell.clone(),
                index: self.index.clone(),
                metric: SEARCH_METRIC.to_owned(),
                exact: change.exact,
                approximate: change.approximate,
                exact_seconds: check.exact_seconds,
                build_seconds: self.build_seconds,
                search_seconds: self.search_seconds,
            })
        };
        measured.filter_map(row).collect()
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
pub(crate) struct SearchRecord {
    index: String,
    /// Rows of the query bank.
    bank: usize,
    build_seconds: f64,
    search_seconds: f64,
    /// None where the config asks for no check.
    check: Option<SearchCheck>,
}

/// An approximate search beside the exact one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SearchCheck {
    pub(super) exact_seconds: f64,
    /// Gallery items compared: all.
    pub(super) items: usize,
    pub(super) means: Vec<MeanCheck>,
    pub(super) recall_at_1: Vec<Change>,
}

/// [`Accuracy`] as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MeanCheck {
    k: usize,
    recall: f64,
    mean_error: f64,
    largest_error: f64,
}

/// R@1 of one point, 0 to 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) method: String,
    pub(super) approximate: f64,
    pub(super) exact: f64,
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
