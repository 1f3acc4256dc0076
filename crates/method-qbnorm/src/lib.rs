//! QB-Norm: the inverted softmax (IS) and its dynamic form (DIS) over one query bank.
//!
//! With `L(g) = ln((1/M) sum_i exp(beta s(d_i, g)))` over the `M` bank queries `d_i`, the published score
//! `exp(beta s(q,g)) / sum_i exp(beta s(d_i,g))` orders a query's gallery exactly as `s(q,g) - L(g)/beta` does, which
//! cannot overflow and is a bias per gallery item.
//!
//! - IS: Smith et al., ICLR 2017, arXiv 1702.03859.
//! - DIS: Bogolin et al., "Cross Modal Retrieval with Querybank Normalisation", CVPR 2022, arXiv 2112.12777: IS for a
//!   query whose best raw item lies in the activation set (the items that are among the `k` best of some bank query),
//!   the raw similarity for any other.

mod dis;
mod is;

pub use dis::{Dis, DisFamily};
pub use is::{Is, IsFamily};

use nnn_core::ParamInfo;

/// `beta`, shared by both forms. The grid is the query-bank half of the DBNorm grid in the NNN paper, appendix A:
/// 20 values log-spaced over 0.001 to 400, then 20 evenly over 25 to 200.
const BETA: ParamInfo = ParamInfo::number(
    "beta",
    "inverse temperature of the softmax over the query bank",
)
.default(20.0)
.above(0.0)
.grid(BETA_GRID);

const BETA_GRID: &[f64] = &[
    0.001, 0.00197172, 0.00388768, 0.00766542, 0.0151141, 0.0298007, 0.0587586, 0.115856, 0.228435,
    0.450409, 0.888081, 1.75105, 3.45258, 6.80751, 13.4225, 26.4654, 52.1824, 102.889, 202.869,
    400.0, 25.0, 34.2105, 43.4211, 52.6316, 61.8421, 71.0526, 80.2632, 89.4737, 98.6842, 107.895,
    117.105, 126.316, 135.526, 144.737, 153.947, 163.158, 172.368, 181.579, 190.789, 200.0,
];
