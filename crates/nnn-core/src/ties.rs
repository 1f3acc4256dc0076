//! THE tie rule and its documented alternatives.

use std::fmt;
use std::str::FromStr;

/// Which rank an item gets among items of exactly the same score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TieRule {
    /// Lower gallery index first: the rule of this project, and the only one that top lists use.
    #[default]
    Index,
    /// The item comes before all its equals: `1 + #greater`.
    Optimistic,
    /// The mean over all orders of its equals: `1 + #greater + #equal / 2` (McSherry and Najork, 2008).
    Average,
    /// As trec_eval orders documents of one score: by descending identifier, here the gallery index.
    TrecEval,
}

impl TieRule {
    /// All rules, with [`TieRule::Index`] first.
    pub const ALL: [Self; 4] = [Self::Index, Self::Optimistic, Self::Average, Self::TrecEval];

    /// The rank, from 1, of an item that `greater` items outscore and that shares its score with `equal_before` items
    /// of lower index and `equal_after` items of higher index.
    #[must_use]
    pub fn rank(self, greater: usize, equal_before: usize, equal_after: usize) -> f64 {
        let ahead = match self {
            Self::Index => equal_before as f64,
            Self::Optimistic => 0.0,
            Self::Average => (equal_before + equal_after) as f64 / 2.0,
            Self::TrecEval => equal_after as f64,
        };
        1.0 + greater as f64 + ahead
    }

    /// The name used in configs and signatures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Optimistic => "optimistic",
            Self::Average => "average",
            Self::TrecEval => "trec_eval",
        }
    }
}

impl fmt::Display for TieRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TieRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|rule| rule.name() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|rule| rule.name()).collect();
            format!(
                "unknown tie rule `{text}`, expected one of {}",
                names.join(", ")
            )
        })
    }
}
