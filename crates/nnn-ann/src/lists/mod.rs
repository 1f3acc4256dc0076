//! The lists of an inverted file: the library's, or none where the crate is built without it.

#[cfg(not(feature = "index"))]
mod absent;
#[cfg(feature = "index")]
mod library;

#[cfg(not(feature = "index"))]
pub(crate) use absent::Lists;
#[cfg(feature = "index")]
pub(crate) use library::Lists;
