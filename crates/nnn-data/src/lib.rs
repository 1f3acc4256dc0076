//! Cards, pairs, reference sets and embedding files.

mod atomic;
mod checksum;

pub use atomic::write_atomically;
pub use checksum::{Sha256, sha256_bytes, sha256_file};
