//! Globally corrected retrieval (GC): an item is offered first to the queries that rank high among all that could ask for
//! it.
//!
//! `rank_g(q) = 1 + #{i: s(d_i,g) > s(q,g)}` is the query's place in the list of the bank queries `d_i` sorted by
//! similarity to item `g`; the best item is that of the lowest `rank_g(q)`, and of these the one of the highest `s(q,g)`.
//!
//! Dinu, Lazaridou, Baroni, "Improving Zero-Shot Learning by Mitigating the Hubness Problem", ICLR 2015 workshop, arXiv
//! 1412.6568.

mod gc;

pub use gc::{Gc, GcFamily};
