//! Which splits of a data set a config reads, and of which of them the images: known from the config alone, so that
//! nothing is fetched that nothing reads.

use crate::plan::Plan;
use crate::spec::ReferenceSpec;
use nnn_core::Bank;
use nnn_data::{DatasetCard, Direction};
use std::collections::BTreeSet;

/// What a config reads of one data set.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Splits of which anything is read.
    pub(crate) splits: BTreeSet<String>,
    /// Splits of which images are read.
    pub(crate) images: BTreeSet<String>,
}

impl Needs {
    /// What a plan reads of a data set of a card, which it evaluates or only draws reference sets from.
    pub(crate) fn of(plan: &Plan, card: &DatasetCard, evaluated: bool) -> Self {
        let mut needs = Self::default();
        if evaluated {
            needs.add(&plan.spec.split, true);
            if plan.chooses_on_hold_out() {
                needs.add(&plan.spec.hold_out.split, true);
            }
        }
        let statistics = plan.statistics();
        let drawn = |set: &&ReferenceSpec| match &set.dataset {
            Some(name) => *name == card.name,
            None => evaluated && set.texts.is_none(),
        };
        let sets = plan.spec.reference_sets.iter().filter(drawn);
        for set in sets.filter(|_| !statistics.is_empty()) {
            let mut directions = plan.spec.directions.iter();
            let images = directions.any(|&it| statistics.uses(images_as(it)));
            needs.add(set.split(), images);
        }
        needs
    }

    fn add(&mut self, split: &str, images: bool) {
        self.splits.insert(split.to_owned());
        if images {
            self.images.insert(split.to_owned());
        }
    }
}

/// The bank that a reference set's images are in one direction.
pub(crate) fn images_as(direction: Direction) -> Bank {
    match direction {
        Direction::T2i => Bank::Gallery,
        Direction::I2t => Bank::Query,
    }
}
