//! Result records and what is made of them.

mod record;

pub use record::{CellId, Gain, GridRow, Interval, ScoreRow};
