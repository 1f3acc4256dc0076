//! What the tests of several crates share, and nothing else uses: one module per feature, so that a test builds only what it
//! needs.

#[cfg(feature = "checkpoints")]
pub mod checkpoints;
#[cfg(feature = "damage")]
pub mod damage;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "methods")]
pub mod methods;
