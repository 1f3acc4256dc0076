//! How the parameters of a method are set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a method's parameters are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Choose {
    /// Every listed value is a row of its own; parameters left out have their defaults.
    #[default]
    Fixed,
    /// The best grid point on held-out training items; parameters left out have their published grid.
    Validation,
    /// The best grid point on the evaluated items themselves: an upper bound, marked as such.
    Oracle,
}

impl Choose {
    /// The word in configs and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Validation => "validation",
            Self::Oracle => "oracle",
        }
    }
}

/// One value, a list, or the published grid.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// These values.
    Listed(Vec<f64>),
    /// Written `paper`.
    Published,
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Self::Listed(values)
    }
}
