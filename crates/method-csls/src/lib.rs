//! Cross-domain similarity local scaling: `2 s(q,g) - r(q) - m_k(g)`, where `r(q)` is the mean similarity of the query to
//! its `k` nearest gallery items and `m_k(g)` that of the item to the `k` nearest queries of the bank.
//!
//! Conneau, Lample, Ranzato, Denoyer, Jégou, "Word Translation Without Parallel Data", ICLR 2018, arXiv 1710.04087,
//! section 2.3.
//!
//! `r(q)` is the same for every item of a row and `2` orders nothing, so that a query's gallery is ordered by
//! `s(q,g) - m_k(g) / 2`: a bias per item, that of NNN at `alpha = 0.5`.

use nnn_core::{
    Bank, BankStats, FitError, Fitted, GalleryBias, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, Rows, Stat, StatPlan, signature,
};

/// The paper and its code use 10 and publish no grid; this one is ours.
const PARAMS: &[ParamInfo] = &[ParamInfo::whole(
    "k",
    "how many of an item's largest similarities to the query bank are averaged",
)
.default(10.0)
.min(1.0)
.grid(&[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0])];

/// The family `csls`.
#[derive(Debug, Clone, Copy)]
pub struct CslsFamily;

impl MethodFamily for CslsFamily {
    fn name(&self) -> &'static str {
        "csls"
    }

    fn doc(&self) -> &'static str {
        "2 s(q,g) - r(q) - mean of the k largest s(d,g) over the query bank: CSLS (ICLR 2018, arXiv 1710.04087)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Additive
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Csls { k: point[0] })
    }
}

/// CSLS at one size of neighbourhood.
#[derive(Debug, Clone, Copy)]
pub struct Csls {
    /// Number of neighbours averaged; a whole number, at least 1 and at most the size of the query bank.
    pub k: Param,
}

impl Csls {
    fn stat(self) -> Stat {
        Stat::TopMean {
            k: self.k.get() as usize,
        }
    }
}

impl Normalizer for Csls {
    fn signature(&self) -> String {
        signature("csls", PARAMS, &[self.k])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, self.stat());
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let means = stats.get(Bank::Query, self.stat())?;
        Ok(Fitted::Additive(GalleryBias::from_f64(
            means.iter().map(|mean| mean / 2.0),
        )))
    }
}
