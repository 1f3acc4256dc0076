//! Hands on what its child defines.

mod c;

pub use c::Inner;

pub(crate) const LIMIT: usize = 3;

pub fn outer() {}
