//! In place of the lists where the crate is built without the library: there are none.

use crate::ivf::{AnnError, Ivf};
use nnn_core::Rows;

pub(crate) enum Lists {}

impl Lists {
    pub(crate) fn build(_: Rows<'_>, _: Ivf) -> Result<Self, AnnError> {
        Err(AnnError::Absent)
    }

    pub(crate) fn nearest(&self, _: &[f32], _: usize, _: usize) -> Result<Vec<u32>, AnnError> {
        match *self {}
    }
}
