//! Means of the largest similarities to the query bank through an index: the search, its check against the exact pass, and
//! the record of both.

use crate::group::{Group, fit};
use crate::metrics::Objective;
use crate::spec::BankSearchSpec;
use anyhow::{Context, Result};
use nnn_ann::{Accuracy, BankIndex, Ivf, Nearest};
use nnn_core::{Bank, BankStats, Embeddings, Normalizer, Rows, Stat, StatPlan};
use nnn_report::{ScoreRow, SearchRow};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Instant;

/// What searches are compared by.
pub(crate) const SEARCH_METRIC: &str = "R@1";

/// The search that an experiment asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BankSearch {
    pub(crate) ivf: Ivf,
    pub(crate) check: bool,
}

impl BankSearch {
    pub(crate) fn new(spec: &BankSearchSpec) -> Self {
        Self {
            ivf: Ivf {
                lists: spec.ivf.lists,
                probes: spec.ivf.probes,
                seed: spec.ivf.seed,
            },
            check: spec.check,
        }
    }

    /// Refuses numbers that do not fit each other or a query bank of `bank` rows.
    pub(crate) fn check(&self, bank: usize) -> Result<()> {
        self.ivf.check(bank).context("`compute.bank_search.ivf`")
    }
}

/// Every `k` of which a plan needs the mean of the largest similarities to the query bank, ascending.
pub(crate) fn top_means(plan: &StatPlan) -> Vec<usize> {
    plan.iter().filter_map(top_mean).collect()
}

fn top_mean(need: (Bank, &Stat)) -> Option<usize> {
    match need {
        (Bank::Query, Stat::TopMean { k }) => Some(*k),
        _ => None,
    }
}

/// The index of one group.
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
    ks: Vec<usize>,
    nearest: Nearest,
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

    /// What the index was worth for the evaluated items: `found` for them, `stats` with it, the reported `points`.
    pub(crate) fn record(
        &self,
        group: &Group<'_>,
        found: &Found,
        stats: &BankStats,
        points: &[&dyn Normalizer],
    ) -> Result<SearchRecord> {
        let check = match self.settings.check {
            true => Some(found.check(group, stats, points)?),
            false => None,
        };
        Ok(SearchRecord {
            index: self.settings.ivf.to_string(),
            bank: self.bank,
            build_seconds: self.build_seconds,
            search_seconds: found.seconds,
            check,
        })
    }
}

impl SearchRecord {
    /// A row for every reported method that read the index and was compared; `scores` are those of the same group.
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

    /// Compares with the exact pass over the bank.
    fn check(
        &self,
        group: &Group<'_>,
        stats: &BankStats,
        points: &[&dyn Normalizer],
    ) -> Result<SearchCheck> {
        let started = Instant::now();
        let exact = self.exact(group)?;
        let exact_seconds = started.elapsed().as_secs_f64();
        let compare = |&k: &usize| self.nearest.accuracy(k, &exact);
        let means: Result<Vec<Accuracy>, _> = self.ks.iter().map(compare).collect();
        let mut corrected = stats.clone();
        for &k in &self.ks {
            let stat = Stat::TopMean { k };
            let column = exact.get(Bank::Query, &stat)?.to_vec();
            corrected = corrected.with_column(Bank::Query, stat, column);
        }
        Ok(SearchCheck {
            exact_seconds,
            items: stats.gallery(),
            means: means?.into_iter().map(MeanCheck::from).collect(),
            recall_at_1: changes(group, points, [stats, &corrected])?,
        })
    }

    /// The exact means, and the bounds that say which neighbours are among the nearest.
    fn exact(&self, group: &Group<'_>) -> Result<BankStats> {
        let mut plan = StatPlan::default();
        for &k in &self.ks {
            plan.need(Bank::Query, Stat::TopMean { k });
            plan.need(Bank::Query, Stat::Kth { k });
        }
        let gallery = group.test.gallery.rows();
        let banks = group.banks.rows(group.test);
        Ok(BankStats::collect(&plan, gallery, banks, group.pass)?)
    }
}

/// R@1 of the points that read the index, with approximate and with exact statistics.
fn changes(
    group: &Group<'_>,
    points: &[&dyn Normalizer],
    [approximate, exact]: [&BankStats; 2],
) -> Result<Vec<Change>> {
    let points: Vec<_> = points.iter().copied().filter(|p| reads(*p)).collect();
    let approximate = recall_at_1(group, &points, approximate)?;
    let exact = recall_at_1(group, &points, exact)?;
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
    let mut plan = StatPlan::default();
    point.needs(&mut plan);
    !top_means(&plan).is_empty()
}

fn recall_at_1(
    group: &Group<'_>,
    points: &[&dyn Normalizer],
    stats: &BankStats,
) -> Result<Vec<f64>> {
    let objective = Objective(SEARCH_METRIC.parse()?);
    let fitted = fit(points.iter().copied(), stats, group.test.gallery.rows())?;
    let rankings = group.rank(group.test, &fitted, false, 0)?;
    let measure = |r| objective.measure(group.test.ranked(r));
    rankings.iter().map(measure).collect()
}

/// What an index was worth, for the evaluated items of one group.
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
struct SearchCheck {
    exact_seconds: f64,
    /// Gallery items compared: all.
    items: usize,
    means: Vec<MeanCheck>,
    recall_at_1: Vec<Change>,
}

/// [`Accuracy`] as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct MeanCheck {
    k: usize,
    recall: f64,
    mean_error: f64,
    largest_error: f64,
}

/// R@1 of one point, 0 to 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Change {
    method: String,
    approximate: f64,
    exact: f64,
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
