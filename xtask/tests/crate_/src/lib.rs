//! Read by `imports.rs`, compiled by nobody.

mod a;
pub mod b;

pub use a::Above;
pub use b::Inner;
