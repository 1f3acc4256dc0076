//! What is known about a metric beside its value.

/// What a metric reads of a ranking pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reads {
    /// The rank of the first relevant item of every query.
    FirstRank,
    /// The ranks of all relevant items of every query.
    AllRanks,
    /// The `K` best items of every query.
    TopItems,
    /// The `K` best items of every query, and the group of each.
    TopGroups,
    /// The whole list of every query, the group of every item, and which items answer the query.
    ListGroups,
    /// What another metric reads.
    Metric,
}

impl Reads {
    /// Whether it reads groups of gallery items.
    #[must_use]
    pub fn groups(self) -> bool {
        matches!(self, Self::TopGroups | Self::ListGroups)
    }
}

/// Which of two values of a metric is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// The larger one.
    Higher,
    /// The smaller one.
    Lower,
    /// The one closer to zero.
    Zero,
}

impl Goal {
    /// A number that is the larger the better the value.
    #[must_use]
    pub fn merit(self, value: f64) -> f64 {
        match self {
            Self::Higher => value,
            Self::Lower => -value,
            Self::Zero => -value.abs(),
        }
    }
}

/// What a ranking pass has to keep for a set of metrics. The default keeps nothing but first ranks, which is enough for
/// metrics that read [`Reads::FirstRank`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Needs {
    /// Whether the ranks of all relevant items are needed, not only the first.
    pub all_relevant: bool,
    /// How many of the best items are needed for each query; [`Needs::WHOLE`] for all there are.
    pub top: usize,
}

impl Needs {
    /// All items of a gallery of any size.
    pub const WHOLE: usize = usize::MAX;

    /// What satisfies both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            all_relevant: self.all_relevant || other.all_relevant,
            top: self.top.max(other.top),
        }
    }
}

/// A line of the list of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricInfo {
    /// The name, with a `K` at its end where a cutoff goes: `R@K`.
    pub pattern: &'static str,
    /// What it is, in one line: definition, range or unit.
    pub doc: &'static str,
    /// What it reads of a ranking pass.
    pub reads: Reads,
    /// Which of two values is the better one.
    pub goal: Goal,
}

impl MetricInfo {
    /// The name with its cutoff filled in, if it has one.
    pub(crate) fn name(&self, k: impl std::fmt::Display) -> String {
        match self.pattern.strip_suffix('K') {
            Some(stem) => format!("{stem}{k}"),
            None => self.pattern.to_owned(),
        }
    }
}
