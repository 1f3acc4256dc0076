//! Sinkhorn normalisation: SN with a query bank, DBSN with a gallery bank beside it.
//!
//! Pan et al., "Hubness Reduction with Dual Bank Sinkhorn Normalization for Cross-Modal Retrieval", ACM MM 2025,
//! arXiv 2508.02538. The similarities `S` of items (rows) to bank queries (columns) are scaled to
//! `diag(u) exp(-(1 - S) / tau) diag(v)`, whose rows sum to `1/N` and columns to `1/M`, by rounds of first `v`, then `u`,
//! from `u = 1`. The score is `s(q,g) + tau ln u_g`, so the bias is `-tau ln u_g`: high for an item that is close to many
//! bank queries which have no other item as close.
//!
//! - SN: the rows are the gallery.
//! - DBSN: the rows are the gallery and, below it, the gallery bank; the gallery's part of `u` is kept.
//!
//! The statistic [`Stat::Potential`] is computed in `nnn-core`: one pass over the query bank per round.

mod dbsn;
mod sn;

pub use dbsn::{Dbsn, DbsnFamily};
pub use sn::{Sn, SnFamily};

use nnn_core::{Bank, BankStats, FitError, Fitted, GalleryBias, Param, ParamInfo, Stat};

/// `tau` and `iterations`, shared by both methods.
///
/// The grid of `tau` is that of the authors' study of the temperature (`tau.py` in ppanzx/DBSN at 44aacaa); their
/// comparisons use 0.01 and 10 iterations throughout, and no grid of iterations is published.
///
/// From the least `tau` on no weight underflows, whatever the similarities of up to 10^8 items are: between -1 and 1,
/// `exp(-2 / 0.0032)` is 4e-272. A round is a pass over the bank; a thousand are far beyond what changes a ranking.
const PARAMS: &[ParamInfo] = &[
    ParamInfo::number(
        "tau",
        "temperature of the scaled matrix, in units of similarity; below 0.0032 weights may \
         underflow, above 2^24 it counts as 2^24",
    )
    .default(0.01)
    .min(0.0032)
    .grid(&[
        0.005, 0.0075, 0.01, 0.0125, 0.015, 0.0175, 0.02, 0.0225, 0.025,
    ]),
    ParamInfo::whole(
        "iterations",
        "rounds of scaling both sides, one pass over the query bank each",
    )
    .default(10.0)
    .min(1.0)
    .max(1000.0)
    .grid(&[10.0]),
];

fn potential(tau: Param, iterations: Param, stacked: bool) -> Stat {
    Stat::Potential {
        tau,
        iterations: iterations.get() as usize,
        stacked,
    }
}

/// The bias `-tau ln u` of every gallery item.
fn fitted(stats: &BankStats, potential: Stat) -> Result<Fitted, FitError> {
    let potentials = stats.get(Bank::Query, potential)?;
    let biases = potentials.iter().map(|potential| -potential);
    Ok(Fitted::Additive(GalleryBias::from_f64(biases)))
}
