//! What the tests of several crates share, and nothing else uses: one module a feature, so that a test builds only what it
//! needs.

#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "methods")]
pub mod methods;
