//! Metrics that read which of two groups the listed items belong to.

use std::fmt;
use std::num::NonZeroUsize;

use nnn_core::{Group, Groups, Rankings, Relevance};

use crate::error::MetricError;
use crate::info::{Goal, MetricInfo, Needs, Reads};

/// How unequally two groups of gallery items are listed: one number for every query, their mean over queries.
///
/// Two kinds differ in which items count. `bias@K` and `abs_bias@K` (NNN paper, section 3.3) count **all of the first `K`
/// of the whole gallery**, whatever they show. The others (VisoGender, arXiv 2306.12424, `src/metrics.py` at 51ef6c7)
/// rank **only the items that answer the query** (the photographs of its occupation), and of these only those in one of
/// the two groups: `n` items, of which `n_1` and `n_2` are in the first and second group, and `c_1(k)`, `c_2(k)` among the
/// first `k`. A `K` beyond `n` stands for `n`; the authors' code has no value there. Without any such item a value is 0.
///
/// All are 0 where the groups are listed evenly. In the order of lists ties go to the lower index, whatever the
/// [`TieRule`](nnn_core::TieRule) of the ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupMetric {
    /// `bias@K`: with `a` and `b` items of the first and second group among the first `K` of the gallery,
    /// `(a - b) / K`; -1 to 1. Items in neither group count in `K`.
    Bias(NonZeroUsize),
    /// `abs_bias@K`: the size of `bias@K`, so that queries biased in opposite ways do not cancel; 0 to 1.
    AbsBias(NonZeroUsize),
    /// `class_bias@K`, the authors' Bias@K: `(c_1(K) - c_2(K)) / (c_1(K) + c_2(K))`; -1 to 1.
    ClassBias(NonZeroUsize),
    /// `skew@K`, the authors' Skew@K of the first group: `ln p - ln q` with `p = c_1(K) / K` and `q = n_1 / n`, where a `p` of 0
    /// is replaced by `1 / K`. 0 if the first group has no item.
    Skew(NonZeroUsize),
    /// `max_skew@K`, the authors' MaxSkew@K: the larger one of the skews of the two groups; a group without items has none.
    MaxSkew(NonZeroUsize),
    /// `NDKL`: `sum_k KL(k) / log2(k + 1)` over `sum_k 1 / log2(k + 1)`, `k` from 1 to `n`, with
    /// `KL(k) = sum_g (c_g(k) / k) ln((c_g(k) / k) / (n_g / n))`, 0 for `c_g(k) = 0`; from 0 (Geyik, Ambler and Kenthapadi,
    /// 2019).
    Ndkl,
}

/// What metrics with groups read beside rankings.
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a> {
    /// The group of every gallery item.
    pub groups: &'a Groups,
    /// Which items answer which query.
    pub relevance: &'a Relevance,
}

/// What metrics are computed from: rankings, and groups if they are known.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// Ranks and lists.
    pub rankings: &'a Rankings,
    /// Groups and answers, of the same gallery and queries.
    pub audit: Option<Audit<'a>>,
}

impl<'a> From<&'a Rankings> for Ranked<'a> {
    /// Without groups.
    fn from(rankings: &'a Rankings) -> Self {
        Self {
            rankings,
            audit: None,
        }
    }
}

const BIAS: MetricInfo = MetricInfo {
    pattern: "bias@K",
    doc: "first group less second group among the first K of the whole gallery, over K, every item counted whatever it shows, -1 to 1; best at 0",
    reads: Reads::TopGroups,
    goal: Goal::Zero,
};
const ABS_BIAS: MetricInfo = MetricInfo {
    pattern: "abs_bias@K",
    doc: "mean over queries of the size of bias@K, so that opposite biases do not cancel, 0 to 1",
    reads: Reads::TopGroups,
    goal: Goal::Lower,
};
const CLASS_BIAS: MetricInfo = MetricInfo {
    pattern: "class_bias@K",
    doc: "VisoGender's Bias@K: first group less second group, over both, among the first K of only the items that answer the query, -1 to 1; best at 0",
    reads: Reads::ListGroups,
    goal: Goal::Zero,
};
const SKEW: MetricInfo = MetricInfo {
    pattern: "skew@K",
    doc: "VisoGender's Skew@K of the first group: ln of its share of the first K over its share of all, of only the items that answer the query; a share of 0 counts as 1/K; best at 0",
    reads: Reads::ListGroups,
    goal: Goal::Zero,
};
const MAX_SKEW: MetricInfo = MetricInfo {
    pattern: "max_skew@K",
    doc: "VisoGender's MaxSkew@K: the larger skew@K of the two groups, of only the items that answer the query, from 0",
    reads: Reads::ListGroups,
    goal: Goal::Lower,
};
const NDKL: MetricInfo = MetricInfo {
    pattern: "NDKL",
    doc: "normalised discounted Kullback-Leibler divergence of the groups' shares of the first k from their shares of all, k = 1 to all of only the items that answer the query, from 0",
    reads: Reads::ListGroups,
    goal: Goal::Lower,
};

impl GroupMetric {
    /// Its line in the list of metrics.
    #[must_use]
    pub fn info(self) -> &'static MetricInfo {
        match self {
            Self::Bias(_) => &BIAS,
            Self::AbsBias(_) => &ABS_BIAS,
            Self::ClassBias(_) => &CLASS_BIAS,
            Self::Skew(_) => &SKEW,
            Self::MaxSkew(_) => &MAX_SKEW,
            Self::Ndkl => &NDKL,
        }
    }

    /// What a ranking pass has to keep for it: the list's head, or all of it. A whole list takes four bytes per query and item.
    #[must_use]
    pub fn needs(self) -> Needs {
        let top = match self {
            Self::Bias(k) | Self::AbsBias(k) => k.get(),
            _ => Needs::WHOLE,
        };
        Needs {
            all_relevant: false,
            top,
        }
    }

    /// Refuses rankings from which it cannot be computed.
    ///
    /// # Errors
    /// [`MetricError::NoGroups`]; [`MetricError::ListTooShort`].
    pub(crate) fn check(self, ranked: &Ranked<'_>) -> Result<(), MetricError> {
        let metric = self.to_string();
        let (width, gallery) = (ranked.rankings.top_width(), ranked.rankings.gallery());
        let needed = match self.needs().top {
            Needs::WHOLE => gallery,
            top => top,
        };
        if ranked.audit.is_none() {
            return Err(MetricError::NoGroups { metric });
        }
        if needed > width {
            return Err(MetricError::ListTooShort {
                metric,
                needed,
                width,
                gallery,
            });
        }
        Ok(())
    }

    /// The value of one query, of rankings that passed [`GroupMetric::check`].
    pub(crate) fn per_query(self, rankings: &Rankings, audit: Audit<'_>, query: usize) -> f64 {
        let list = rankings.top(query);
        let class = || Ranking::of_answers(list, audit, query);
        match self {
            Self::Bias(k) => bias(list, audit.groups, k.get()),
            Self::AbsBias(k) => bias(list, audit.groups, k.get()).abs(),
            Self::ClassBias(k) => class().bias(k.get()),
            Self::Skew(k) => class().skew(Group::First, k.get()).unwrap_or(0.0),
            Self::MaxSkew(k) => class().max_skew(k.get()),
            Self::Ndkl => class().ndkl(),
        }
    }
}

impl fmt::Display for GroupMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bias(k)
            | Self::AbsBias(k)
            | Self::ClassBias(k)
            | Self::Skew(k)
            | Self::MaxSkew(k) => f.write_str(&self.info().name(k)),
            Self::Ndkl => f.write_str(self.info().pattern),
        }
    }
}

fn bias(list: &[u32], groups: &Groups, k: usize) -> f64 {
    let side = |&item: &u32| match groups.of(item) {
        Some(Group::First) => 1.0,
        Some(Group::Second) => -1.0,
        None => 0.0,
    };
    list[..k].iter().map(side).sum::<f64>() / k as f64
}

/// The groups of the items that answer a query, best first, without those in neither.
struct Ranking(Vec<Group>);

impl Ranking {
    fn of_answers(list: &[u32], audit: Audit<'_>, query: usize) -> Self {
        let answers = audit.relevance.of(query);
        let own = list
            .iter()
            .filter(|item| answers.binary_search(item).is_ok());
        Self(own.filter_map(|&item| audit.groups.of(item)).collect())
    }

    /// How many of the first `k` are in a group.
    fn count(&self, group: Group, k: usize) -> f64 {
        self.0[..k].iter().filter(|&&of| of == group).count() as f64
    }

    fn share(&self, group: Group, k: usize) -> f64 {
        self.count(group, k) / k as f64
    }

    /// A cutoff within the list.
    fn within(&self, k: usize) -> usize {
        k.min(self.0.len())
    }

    fn bias(&self, k: usize) -> f64 {
        match self.within(k) {
            0 => 0.0,
            k => (self.count(Group::First, k) - self.count(Group::Second, k)) / k as f64,
        }
    }

    /// None of a group without items.
    fn skew(&self, group: Group, k: usize) -> Option<f64> {
        let k = self.within(k);
        let expected = self.share(group, self.0.len());
        let listed = self.count(group, k).max(1.0) / k as f64;
        (expected > 0.0).then(|| listed.ln() - expected.ln())
    }

    fn max_skew(&self, k: usize) -> f64 {
        let skews = [Group::First, Group::Second].map(|group| self.skew(group, k));
        skews.into_iter().flatten().reduce(f64::max).unwrap_or(0.0)
    }

    fn divergence(&self, k: usize) -> f64 {
        let term = |group| match self.share(group, k) {
            0.0 => 0.0,
            share => share * (share.ln() - self.share(group, self.0.len()).ln()),
        };
        term(Group::First) + term(Group::Second)
    }

    fn ndkl(&self) -> f64 {
        let discounts = (1..=self.0.len()).map(|k| 1.0 / (k as f64 + 1.0).log2());
        let discounted = discounts
            .clone()
            .zip(1..)
            .map(|(d, k)| d * self.divergence(k));
        match self.0.len() {
            0 => 0.0,
            _ => discounted.sum::<f64>() / discounts.sum::<f64>(),
        }
    }
}
