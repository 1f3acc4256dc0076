//! What can be wrong with a metric's name, with values, and with what is asked of them.

use thiserror::Error;

/// Why a text is not the name of a metric.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseMetricError {
    /// No metric has this name.
    #[error("unknown metric `{name}`, did you mean {}?", .nearest.join(", "))]
    Unknown {
        /// The text received.
        name: String,
        /// The most similar valid names, best first; `K` stands for a cutoff where the text gave none that is usable.
        nearest: Vec<String>,
    },
    /// The metric exists, its cutoff does not.
    #[error(
        "`{name}`: the K of `{pattern}` must be a whole number from 1, without sign or leading zeros"
    )]
    Cutoff {
        /// The text received.
        name: String,
        /// The pattern of the metric it names.
        pattern: &'static str,
    },
    /// A standard deviation of what is no mean over queries.
    #[error(
        "`{name}`: expected `sd(M)` with M a metric that is a mean over queries, such as `sd(bias@10)`"
    )]
    Spread {
        /// The text received.
        name: String,
    },
}

/// Why a value, an interval or a test cannot be computed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MetricError {
    /// There is no query to average over.
    #[error("no query to measure: at least one is needed")]
    NoQueries,
    /// The rankings keep fewer items per query than the cutoff counts.
    #[error(
        "a k-occurrence at k = {k} needs the {k} best items of every query, the rankings keep {width} of {gallery}"
    )]
    TopTooShort {
        /// The cutoff asked for.
        k: usize,
        /// The number of items kept for each query.
        width: usize,
        /// The number of gallery items.
        gallery: usize,
    },
    /// A metric of groups was asked of rankings whose items have none.
    #[error(
        "`{metric}` reads which of two groups the gallery items belong to, and no groups are given"
    )]
    NoGroups {
        /// The metric.
        metric: String,
    },
    /// The rankings keep fewer items per query than a metric of groups reads.
    #[error(
        "`{metric}` needs the {needed} best items of every query, the rankings keep {width} of {gallery}"
    )]
    ListTooShort {
        /// The metric.
        metric: String,
        /// The number of items it reads of each list.
        needed: usize,
        /// The number of items kept for each query.
        width: usize,
        /// The number of gallery items.
        gallery: usize,
    },
    /// A standard deviation was asked of a single query.
    #[error("a standard deviation over queries needs at least 2 of them, received 1")]
    OneQuery,
    /// Two lists that run over the same queries disagree in length.
    #[error("expected {expected} {what}, one per query, received {received}")]
    Length {
        /// What the list holds.
        what: &'static str,
        /// The number of queries.
        expected: usize,
        /// The length received.
        received: usize,
    },
    /// A value is infinite or not a number.
    #[error("the value of query {query} is {value}, expected a finite number")]
    NotFinite {
        /// The query, from zero.
        query: usize,
        /// The value received.
        value: f64,
    },
    /// A proportion or a p-value is outside `[0, 1]`.
    #[error("{what} is {value}, expected a number from 0 to 1")]
    NotAProbability {
        /// What the number is.
        what: &'static str,
        /// The number received.
        value: f64,
    },
    /// A bootstrap interval was asked of no resamples.
    #[error("a bootstrap interval needs at least 1 resample, received 0")]
    NoResamples,
}
