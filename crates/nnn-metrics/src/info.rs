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
}

/// What a ranking pass has to keep for a set of metrics; the default, nothing but first ranks, suffices for none but the
/// metrics that read [`Reads::FirstRank`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Needs {
    /// Whether the ranks of all relevant items are needed, not only the first.
    pub all_relevant: bool,
    /// How many of the best items are needed for each query.
    pub top: usize,
}

impl Needs {
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
    /// Whether the better of two values is the larger one.
    pub higher_is_better: bool,
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
