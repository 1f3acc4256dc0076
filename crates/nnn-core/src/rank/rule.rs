//! Rules that are biases.

use crate::{Fitted, GalleryBias, GatedBias};

/// A rule that is a bias, or one of several by the query's best raw item.
#[derive(Clone, Copy)]
pub(super) enum Rule<'a> {
    Additive(&'a GalleryBias),
    Gated(&'a GatedBias),
}

impl<'a> Rule<'a> {
    /// What a correction is, unless it rewrites rows or moves vectors.
    pub(super) fn of(fitted: &'a Fitted) -> Option<Self> {
        match fitted {
            Fitted::Additive(bias) => Some(Self::Additive(bias)),
            Fitted::Gated(gate) => Some(Self::Gated(gate)),
            Fitted::Rescaling(_) | Fitted::VectorMoving(_) => None,
        }
    }

    /// Its biases: one, or one a choice of the gate.
    pub(super) fn biases(self) -> &'a [GalleryBias] {
        match self {
            Self::Additive(bias) => std::slice::from_ref(bias),
            Self::Gated(gate) => gate.biases(),
        }
    }

    /// Which of the biases applies where an item is the best.
    pub(super) fn choice(self, best: u32) -> usize {
        match self {
            Self::Additive(_) => 0,
            Self::Gated(gate) => gate.choice(best),
        }
    }

    pub(super) fn same_gate(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Additive(_), Self::Additive(_)) => true,
            (Self::Gated(one), Self::Gated(other)) => one.same_gate(other),
            _ => false,
        }
    }
}
