//! The check of measured numbers against published and accepted ones: what is expected, what becomes of it, and how people
//! read it.

mod expectation;
mod fields;
mod judge;
mod printed;
mod written;

pub use expectation::{Expectation, GridValue, Step};
pub use judge::{Check, CheckRow, Difference, Verdict, check, tally};
pub use printed::format_check;
pub use written::write_check;
