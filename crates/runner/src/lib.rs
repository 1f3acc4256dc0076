//! YAML-specified sweeps of models, data sets, reference sets and methods, as a library; the program `runner` is its
//! command line.
//!
//! A config passes six stages, each a folder here, in this order:
//!
//! 1. `spec`: the config as written. Nothing is loaded.
//! 2. `plan`: names, parameters, metrics and cards are checked against what is registered.
//! 3. `fetch`: what it reads is found, or downloaded and checked.
//! 4. `open`: data is read and checked, reference sets are drawn, the trials are laid out. Still no weight is read.
//! 5. `run`: one trial after the other is encoded, corrected, ranked and measured.
//! 6. `results`: records of trials, tables made of them, and `run.json`.
//!
//! [`sweep()`] is the six in a row. [`verbs`] are what the command line offers. `terminal` is what a person sees meanwhile,
//! `memory` what of it is taken, `warning` what a reader of the results has to know, `provenance` where numbers come from.
//!
//! ```no_run
//! use runner::{Folders, read_plans, sweep};
//!
//! # fn main() -> anyhow::Result<()> {
//! let plans = read_plans(&["configs/quickstart.yaml".into()], &["compute.threads=1".to_owned()])?;
//! let folders = Folders { results: "results".into(), cache: "cache".into() };
//! sweep(&plans, &folders, true, |_, finished| {
//!     println!("{} rows in {}", finished.scores.len(), finished.results.display());
//!     Ok(())
//! })
//! # }
//! ```

mod fetch;
mod memory;
mod open;
mod plan;
mod provenance;
mod results;
mod run;
mod spec;
mod sweep;
mod terminal;
mod threads;
pub mod verbs;
mod warning;

pub use plan::{Plan, read_plans};
pub use spec::{DeviceSpec, Spec, parse_spec, read_spec};
pub use sweep::{Finished, Folders, sweep};
pub use terminal::be_quiet;
pub use terminal::progress::{clear_bars, say_error};
