//! What rows have in common: the evaluated split and the trial.

use crate::records::rows::CellId;

/// An evaluated split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place<'a> {
    dataset: &'a str,
    split: &'a str,
}

impl<'a> Place<'a> {
    pub(crate) fn of(cell: &'a CellId) -> Self {
        Self {
            dataset: &cell.dataset,
            split: &cell.split,
        }
    }

    /// The data set's name, with the split unless it is the test split.
    pub(crate) fn label(&self) -> String {
        match self.split {
            "test" => self.dataset.to_owned(),
            split => format!("{} ({split})", self.dataset),
        }
    }
}

/// One model on one split in one direction: what raw and every trial of it share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setup<'a> {
    pub(crate) model: &'a str,
    pub(crate) place: Place<'a>,
    pub(crate) direction: &'a str,
}

impl<'a> Setup<'a> {
    pub(crate) fn of(cell: &'a CellId) -> Self {
        Self {
            model: &cell.model,
            place: Place::of(cell),
            direction: &cell.direction,
        }
    }
}

/// One model on one split in one direction with one reference set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trial<'a> {
    pub(crate) setup: Setup<'a>,
    pub(crate) reference_set: &'a str,
}

impl<'a> Trial<'a> {
    pub(crate) fn of(cell: &'a CellId) -> Self {
        Self {
            setup: Setup::of(cell),
            reference_set: &cell.reference_set,
        }
    }
}
