//! What a terminal shows: the summary of a run, in the fullest form that fits.

mod blocks;
mod brief;
pub(crate) mod lines;
mod overview;
mod setups;
mod summary;

pub use lines::Style;
pub use summary::summary;
