//! What a terminal shows: the summary of a run, in lines that fit its width.

pub(crate) mod lines;
mod summary;

pub use lines::Style;
pub use summary::summary;
