//! Runs sweeps.
fn main() {}
