//! DBNorm: the dual inverted softmax (DualIS) and its dynamic form (DualDIS) over a query bank and a gallery bank.
//!
//! Wang, Jian, Xue, "Balance Act: Mitigating Hubness in Cross-Modal Retrieval with Query and Gallery Banks", EMNLP 2023,
//! arXiv 2310.11612. Parameters are named as the NNN paper (arXiv 2410.24114) names them: `beta1` belongs to the gallery
//! bank, `beta2` to the query bank; DBNorm's code has them the other way round.
//!
//! With `L2(g) = ln((1/M) sum_i exp(beta2 s(d_i, g)))` over the query bank and `L1(g)` alike over the gallery bank with
//! `beta1`, the published score is the product of `exp(beta1 s - L1(g))` and `exp(beta2 s - L2(g))`.
//!
//! - DualIS: its logarithm over `beta1 + beta2`, `s - (L1(g) + L2(g)) / (beta1 + beta2)`: a bias per gallery item.
//! - DualDIS: a factor counts only where the query's best raw item lies in that bank's activation set (the items that are
//!   among the `k` best of some bank row); otherwise `s` stands in, in the logarithm ([`DualDis`]) or, as in the released
//!   code, in the product ([`DualDisReleased`]).

mod dualdis;
mod dualis;
mod grid;
mod released;
mod side;

pub use dualdis::{DualDis, DualDisFamily};
pub use dualis::{DualIs, DualIsFamily};
pub use released::{DualDisReleased, DualDisReleasedFamily};

use nnn_core::ParamInfo;

const BETA1: ParamInfo = ParamInfo::number(
    "beta1",
    "inverse temperature of the softmax over the gallery bank; 0 makes its factor constant",
)
.default(3.0)
.grid(&grid::BETA1);

const BETA2: ParamInfo = ParamInfo::number(
    "beta2",
    "inverse temperature of the softmax over the query bank; 0 makes its factor constant",
)
.default(1.0 / 1.99)
.grid(&grid::BETA2);

const K: ParamInfo = ParamInfo::whole(
    "k",
    "an item is active for a bank if it is among the k best of some row of it",
)
.default(1.0)
.min(1.0)
.grid(&[1.0]);
