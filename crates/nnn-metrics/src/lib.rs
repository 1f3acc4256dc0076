//! Retrieval metrics, hubness, intervals and paired tests.
//!
//! Everything is computed from [`Rankings`](nnn_core::Rankings): the ranks, from 1, of the relevant items of every query,
//! and the head of its list. Ties were settled there, by a [`TieRule`](nnn_core::TieRule). Values are fractions, never
//! percent.
//!
//! # Metrics with a value for every query
//! `r` is the rank of the first relevant item of a query, `r_1 < r_2 < ...` the ranks of all its relevant items, `R` their
//! number.
//!
//! | name | a query's value | over queries | source |
//! |---|---|---|---|
//! | `R@K` | 1 if `r <= K`, else 0: the hit rate, IR's Success@K | mean | NNN paper, Tables 1 and 2 |
//! | `MedR` | `r` | median, the middle two averaged | QB-Norm, metric.py |
//! | `MeanR` | `r` | mean | QB-Norm, metric.py |
//! | `MRR` | `1 / r` | mean | Voorhees, 1999 |
//! | `nDCG@K` | `sum_{r_j <= K} g_j / log2(r_j + 1)`, over its largest value; `g_j` the grade, 1 without | mean | Järvelin and Kekäläinen, 2002 |
//! | `nDCG_exp@K` | the same with `2^g_j - 1` in place of `g_j` | mean | Burges et al., 2005 |
//! | `mAP@R` | `(1 / R) sum_{r_j <= R} j / r_j` | mean | Musgrave, Belongie and Lim, 2020 |
//! | `P@K` | `#{j: r_j <= K} / K` | mean | trec_eval |
//!
//! # Metrics of two groups
//! How unequally two groups of gallery items are listed, such as photographs of people perceived as men and as women. They
//! have a value for every query, and read [`Groups`](nnn_core::Groups) beside the rankings ([`Ranked`]).
//!
//! | name | which items count | a query's value | best | source |
//! |---|---|---|---|---|
//! | `bias@K` | the first `K` of the whole gallery, whatever they show | `(a - b) / K`, `a` and `b` of them in the first and second group | 0 | NNN paper, section 3.3 |
//! | `abs_bias@K` | the same | `abs((a - b) / K)` | low | |
//! | `class_bias@K` | of the items that answer the query, the first `K` | `(a - b) / (a + b)` | 0 | VisoGender: Bias@K |
//! | `skew@K` | the same | `ln(a / K) - ln(q)`, `q` the first group's share of all items that answer; `a = 0` counts as 1 | 0 | VisoGender: Skew@K |
//! | `max_skew@K` | the same | the larger one of the two groups' skews | low | VisoGender: MaxSkew@K |
//! | `NDKL` | all items that answer the query | see [`GroupMetric::Ndkl`] | low | VisoGender: NDKL |
//!
//! Over queries all are means; `sd(M)` is the standard deviation over queries of any metric `M` that is a mean. The formulas of
//! VisoGender (arXiv 2306.12424) are those of the authors' `src/metrics.py` at 51ef6c7, where also the log of a share of 0 is
//! taken as that of `1 / K`. They differ here in this: the authors average over occupations, which is the mean over queries
//! where each occupation has one; a `K` beyond the number of answering items stands for that number (the authors' code stops
//! there); items in neither group are left out. `P@K` is the NNN paper's Retrieval@K: the share of the first `K` that show
//! the query's class.
//!
//! # Metrics of a whole run
//! `N` are the K-occurrences of the `n` gallery items, zeros included (how many queries list the item among their first
//! `K`); `m` is their mean, `m_p` the mean of `(N - m)^p`.
//!
//! | name | value | source |
//! |---|---|---|
//! | `k_skewness@K` | `m_3 / m_2^1.5`, 0 if all are equal | Radovanović, Nanopoulos and Ivanović, 2010 |
//! | `k_kurtosis@K` | `m_4 / m_2^2 - 3` (excess), 0 if all are equal | NNN paper, Table 3 (K = 1) |
//! | `k_mae@K` | `sum abs(N_i - m) / n` | NNN paper, Table 3 |
//! | `k_max@K` | the largest | NNN paper, Table 3 |
//! | `gini@K` | `sum_ij abs(N_i - N_j) / (2 n^2 m)` | scikit-hubness |
//! | `robin_hood@K` | `sum abs(N_i - m) / (2 n m)` | scikit-hubness |
//! | `antihub@K` | share of items with `N = 0` | scikit-hubness |
//! | `hub_share@K` | share of places taken by items with `N >= 2 m` | scikit-hubness, at equal numbers of queries and items |
//!
//! # Uncertainty
//! [`binomial_interval`] is the paper's; [`bootstrap_interval`] draws whole [`Clusters`] (the captions of one image are not
//! independent). [`compare`] gives the gain of one method over another on the same queries with a bootstrap interval and a
//! randomisation test by cluster, [`compare_all`] does it for many pairs at once, [`holm`] corrects several p-values. All are
//! seeded and do not depend on the number of threads.
//!
//! ```
//! use nnn_core::Rankings;
//! use nnn_metrics::{Clusters, IntervalKind, Metric, Resampling};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Four captions of two images: ranks 1, 3, 1 and 2 of their image among five.
//! let ranks = [1.0, 3.0, 1.0, 2.0].map(|rank| vec![rank]).to_vec();
//! let rankings = Rankings::new(5, ranks, vec![vec![]; 4]);
//! let clusters = Clusters::from_ids(&["a.jpg", "a.jpg", "b.jpg", "b.jpg"]);
//! let metric: Metric = "R@1".parse()?;
//! let measured = metric.measure(&rankings, IntervalKind::Bootstrap, &clusters, &Resampling::default())?;
//! assert_eq!(measured.value, 0.5);
//! # Ok(())
//! # }
//! ```

mod clusters;
mod error;
mod groups;
mod hubness;
mod info;
mod interval;
mod metric;
mod paired;
mod query;
mod resample;

pub use clusters::Clusters;
pub use error::{MetricError, ParseMetricError};
pub use groups::{Audit, GroupMetric, Ranked};
pub use hubness::{HUB_SIZE, HubnessMetric, HubnessStatistic, k_occurrence};
pub use info::{Goal, MetricInfo, Needs, Reads};
pub use interval::{Interval, Measurement, binomial_interval};
pub use metric::{IntervalKind, Metric, list};
pub use paired::{Comparison, Contest, bootstrap_interval, compare, compare_all, holm};
pub use query::QueryMetric;
pub use resample::Resampling;
