//! Metrics that give every query a value.

use std::fmt;
use std::num::NonZeroUsize;

use nnn_core::Rankings;

use crate::error::MetricError;
use crate::groups::{GroupMetric, Ranked};
use crate::info::{Goal, MetricInfo, Needs, Reads};
use crate::resample::{Statistic, median};

/// A metric with a value for every query, so that intervals and paired tests exist.
///
/// All but nDCG take relevance as yes or no: a grade above 0 is a yes. Ranks `r` count from 1. Where the relevant items of one query share a rank, as
/// under [`TieRule::Optimistic`](nnn_core::TieRule::Optimistic) and [`TieRule::Average`](nnn_core::TieRule::Average),
/// nDCG, mAP and P give them consecutive places from that rank on, since no two items can fill one place; the rules of
/// distinct ranks are untouched. Of items with grades that share a rank the one of the lower index comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryMetric {
    /// `R@K`, the hit rate of vision-language papers: 1 if some relevant item has rank `<= K`, else 0.
    ///
    /// This is what information retrieval calls Success@K; it is **not** the share of the relevant items that are
    /// found, which IR calls recall. The two agree where a query has one relevant item (text to image).
    HitRate(NonZeroUsize),
    /// `MedR`: the median over queries of the rank of the first relevant item; of an even number of queries, the mean
    /// of the two middle ranks (as `np.median` in QB-Norm's metric.py).
    MedR,
    /// `MeanR`: the mean over queries of the rank of the first relevant item.
    MeanR,
    /// `MRR`: the mean of `1 / r` of the first relevant item.
    Mrr,
    /// `nDCG@K`: the sum over relevant items of rank `<= K` of `g / log2(r + 1)`, `g` the item's grade (1 where answers have none),
    /// divided by the largest sum that the query's grades allow (Järvelin and Kekäläinen, 2002; trec_eval's `ndcg_cut`).
    Ndcg(NonZeroUsize),
    /// `nDCG_exp@K`: the same with `2^g - 1` in place of `g` (Burges et al., 2005, "Learning to rank using gradient descent").
    /// Without grades the two are equal.
    NdcgExp(NonZeroUsize),
    /// `mAP@R`: with `R` relevant items, the sum of the precisions at the relevant items of rank `<= R`, divided by `R`
    /// (Musgrave, Belongie and Lim, 2020, "A metric learning reality check").
    MapAtR,
    /// `P@K`: the number of relevant items of rank `<= K`, divided by `K` even where the gallery is smaller.
    ///
    /// With the images of a class as what answers a query, it is the share of the first `K` that show the class: the NNN
    /// paper's Retrieval@1 and @5 of its gender study.
    Precision(NonZeroUsize),
    /// How unequally two groups are listed.
    Group(GroupMetric),
}

const HIT_RATE: MetricInfo = MetricInfo {
    pattern: "R@K",
    doc: "share of queries with a relevant item among the first K (IR's Success@K), 0 to 1",
    reads: Reads::FirstRank,
    goal: Goal::Higher,
};
const MED_R: MetricInfo = MetricInfo {
    pattern: "MedR",
    doc: "median rank of the first relevant item, from 1",
    reads: Reads::FirstRank,
    goal: Goal::Lower,
};
const MEAN_R: MetricInfo = MetricInfo {
    pattern: "MeanR",
    doc: "mean rank of the first relevant item, from 1",
    reads: Reads::FirstRank,
    goal: Goal::Lower,
};
const MRR: MetricInfo = MetricInfo {
    pattern: "MRR",
    doc: "mean reciprocal rank of the first relevant item, 0 to 1",
    reads: Reads::FirstRank,
    goal: Goal::Higher,
};
const NDCG: MetricInfo = MetricInfo {
    pattern: "nDCG@K",
    doc: "discounted gain of the relevant items among the first K, over the best possible; an item gains its grade, 0 to 1",
    reads: Reads::AllRanks,
    goal: Goal::Higher,
};
const NDCG_EXP: MetricInfo = MetricInfo {
    pattern: "nDCG_exp@K",
    doc: "nDCG@K where an item of grade g gains 2^g - 1, 0 to 1",
    reads: Reads::AllRanks,
    goal: Goal::Higher,
};
const MAP_AT_R: MetricInfo = MetricInfo {
    pattern: "mAP@R",
    doc: "mean of the precisions at the relevant items among the first R, R the number of relevant items, 0 to 1",
    reads: Reads::AllRanks,
    goal: Goal::Higher,
};
const PRECISION: MetricInfo = MetricInfo {
    pattern: "P@K",
    doc: "share of the first K that is relevant, 0 to 1",
    reads: Reads::AllRanks,
    goal: Goal::Higher,
};

impl QueryMetric {
    /// Its line in the list of metrics.
    #[must_use]
    pub fn info(self) -> &'static MetricInfo {
        match self {
            Self::HitRate(_) => &HIT_RATE,
            Self::MedR => &MED_R,
            Self::MeanR => &MEAN_R,
            Self::Mrr => &MRR,
            Self::Ndcg(_) => &NDCG,
            Self::NdcgExp(_) => &NDCG_EXP,
            Self::MapAtR => &MAP_AT_R,
            Self::Precision(_) => &PRECISION,
            Self::Group(metric) => metric.info(),
        }
    }

    /// What a ranking pass has to keep for it.
    #[must_use]
    pub fn needs(self) -> Needs {
        match self {
            Self::Group(metric) => metric.needs(),
            _ => Needs {
                all_relevant: self.info().reads == Reads::AllRanks,
                top: 0,
            },
        }
    }

    /// The rank above which its values do not differ, if there is one and only the first rank is read.
    #[must_use]
    pub fn depth(self) -> Option<usize> {
        match self {
            Self::HitRate(k) => Some(k.get()),
            _ => None,
        }
    }

    /// Whether it is a proportion of queries, for which [`binomial_interval`](crate::binomial_interval) is meant.
    #[must_use]
    pub fn is_proportion(self) -> bool {
        matches!(self, Self::HitRate(_))
    }

    /// Refuses rankings that do not hold what a metric of groups reads; of any other metric this cannot be seen.
    ///
    /// # Errors
    /// [`MetricError::NoGroups`]; [`MetricError::ListTooShort`].
    pub fn check<'a>(self, ranked: impl Into<Ranked<'a>>) -> Result<(), MetricError> {
        match self {
            Self::Group(metric) => metric.check(&ranked.into()),
            _ => Ok(()),
        }
    }

    /// The value of one query: a rank for `MedR` and `MeanR`, a number in the range of its [`GroupMetric`], else one from 0 to
    /// 1.
    ///
    /// The rankings must hold what [`QueryMetric::needs`] says: from first ranks alone a metric of all ranks would take
    /// every query for one with a single relevant item.
    ///
    /// # Panics
    /// `query` is not below [`Rankings::queries`](nnn_core::Rankings::queries), or [`QueryMetric::check`] would have refused the rankings.
    #[must_use]
    pub fn per_query<'a>(self, ranked: impl Into<Ranked<'a>>, query: usize) -> f64 {
        let Ranked { rankings, audit } = ranked.into();
        let first = rankings.first_rank(query);
        let relevant = rankings.relevant_ranks(query);
        match self {
            Self::HitRate(k) => hit(first, k),
            Self::MedR | Self::MeanR => first,
            Self::Mrr => 1.0 / first,
            Self::Ndcg(k) => ndcg(rankings, query, k.get(), |grade, _| grade),
            Self::NdcgExp(k) => ndcg(rankings, query, k.get(), exponential),
            Self::MapAtR => map_at_r(relevant),
            Self::Precision(k) => precision(relevant, k.get()),
            Self::Group(metric) => {
                let audit = audit.expect("a metric of groups gets groups");
                metric.per_query(rankings, audit, query)
            }
        }
    }

    /// The values of all queries, in their order.
    ///
    /// # Panics
    /// [`QueryMetric::check`] would have refused the rankings.
    #[must_use]
    pub fn values<'a>(self, ranked: impl Into<Ranked<'a>>) -> Vec<f64> {
        let ranked = ranked.into();
        (0..ranked.rankings.queries())
            .map(|query| self.per_query(ranked, query))
            .collect()
    }

    /// The value over all queries: the median for `MedR`, the mean for all others.
    ///
    /// # Errors
    /// [`MetricError::NoQueries`] for no values.
    pub fn aggregate(self, values: &[f64]) -> Result<f64, MetricError> {
        if values.is_empty() {
            return Err(MetricError::NoQueries);
        }
        Ok(match self.statistic() {
            Statistic::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Statistic::Median => median(values),
        })
    }

    /// Whether its value over queries is a mean, so that a test of many pairs is cheap.
    #[must_use]
    pub fn is_mean(self) -> bool {
        self.statistic() == Statistic::Mean
    }

    pub(crate) fn statistic(self) -> Statistic {
        match self {
            Self::MedR => Statistic::Median,
            _ => Statistic::Mean,
        }
    }
}

impl fmt::Display for QueryMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HitRate(k) | Self::Ndcg(k) | Self::NdcgExp(k) | Self::Precision(k) => {
                f.write_str(&self.info().name(k))
            }
            Self::MedR | Self::MeanR | Self::Mrr | Self::MapAtR => f.write_str(self.info().pattern),
            Self::Group(metric) => metric.fmt(f),
        }
    }
}

fn hit(first: f64, k: NonZeroUsize) -> f64 {
    if first <= k.get() as f64 { 1.0 } else { 0.0 }
}

/// The places of relevant items from their ascending ranks, each at least one behind the place before.
fn places(ranks: &[f64]) -> impl Iterator<Item = f64> {
    ranks.iter().scan(0.0_f64, |last, &rank| {
        *last = rank.max(*last + 1.0);
        Some(*last)
    })
}

fn discount(place: f64) -> f64 {
    1.0 / (place + 1.0).log2()
}

/// `2^grade - 1` in units of `2^largest`, which no grade makes too large and which changes no ratio.
fn exponential(grade: f64, largest: f64) -> f64 {
    (grade - largest).exp2() - (-largest).exp2()
}

/// `gain` of the grades of the relevant items, given the largest grade, discounted by their places, over that of the best order.
fn ndcg(rankings: &Rankings, query: usize, k: usize, gain: impl Fn(f64, f64) -> f64) -> f64 {
    let ranks = rankings.relevant_ranks(query);
    let gains: Vec<f64> = match rankings.relevant_grades(query) {
        Some(grades) => {
            let largest = grades.iter().copied().fold(0.0, f64::max);
            grades.iter().map(|&grade| gain(grade, largest)).collect()
        }
        None => vec![gain(1.0, 1.0); ranks.len()],
    };
    let found: f64 = (places(ranks).zip(&gains))
        .take_while(|(place, _)| *place <= k as f64)
        .map(|(place, gain)| gain * discount(place))
        .sum();
    let mut best = gains;
    best.sort_unstable_by(|a, b| b.total_cmp(a));
    let ideal = (1..).zip(best.iter().take(k));
    found
        / ideal
            .map(|(place, gain)| gain * discount(f64::from(place)))
            .sum::<f64>()
}

fn map_at_r(ranks: &[f64]) -> f64 {
    let count = ranks.len() as f64;
    let precisions: f64 = (1..)
        .zip(places(ranks))
        .take_while(|&(_, place)| place <= count)
        .map(|(found, place)| f64::from(found) / place)
        .sum();
    precisions / count
}

fn precision(ranks: &[f64], k: usize) -> f64 {
    let found = places(ranks).take_while(|&place| place <= k as f64).count();
    found as f64 / k as f64
}
