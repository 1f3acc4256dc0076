//! Mutual proximity with independent normal distributions.

use crate::normal::{Normal, log_cdf, means_and_deviations, need_means_and_deviations};
use crate::proximity::joint;
use crate::to_score;
use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, RowRule,
    Rows, StatPlan,
};

/// The family `mp_normal`; it has no parameters.
#[derive(Debug, Clone, Copy)]
pub struct MpNormalFamily;

impl MethodFamily for MpNormalFamily {
    fn name(&self) -> &'static str {
        "mp_normal"
    }

    fn doc(&self) -> &'static str {
        "ln P((s-m_q)/sd_q) + ln P((s-m_g)/sd_g), P the normal distribution, m and sd over the row and the query bank: mutual proximity (JMLR 13, 2012)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Rescaling
    }

    fn params(&self) -> &'static [ParamInfo] {
        &[]
    }

    fn at(&self, _point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(MpNormal)
    }
}

/// Mutual proximity with independent normal distributions.
#[derive(Debug, Clone, Copy)]
pub struct MpNormal;

impl Normalizer for MpNormal {
    fn signature(&self) -> String {
        "mp_normal".to_owned()
    }

    fn needs(&self, plan: &mut StatPlan) {
        need_means_and_deviations(plan);
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let (means, deviations) = means_and_deviations(stats)?;
        let sides = means.iter().zip(deviations);
        Ok(Fitted::Rescaling(Box::new(Rule {
            items: sides.map(|(&mean, &sd)| Normal::new(mean, sd)).collect(),
        })))
    }
}

/// Both sides' probabilities that another's similarity is lower.
struct Rule {
    /// What each item sees over the query bank.
    items: Vec<Normal>,
}

impl RowRule for Rule {
    fn apply(&self, row: &mut [f32]) {
        let query = Normal::of(row);
        for (score, item) in row.iter_mut().zip(&self.items) {
            let s = f64::from(*score);
            *score = to_score(product(query.standard(s), item.standard(s)));
        }
    }
}

/// A number that orders as `P(a) P(b)` does.
fn product(a: f64, b: f64) -> f64 {
    joint([log_cdf(a), log_cdf(b)], || [log_cdf(-a), log_cdf(-b)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_rise_across_the_join_and_far_out() {
        let values: Vec<f64> = (-4000..4000).map(|i| f64::from(i) / 100.0).collect();
        for b in [-1e7, -40.0, -3.0, 0.0, 10.0, 11.4, 12.0, 37.0, 1e7] {
            let found: Vec<f64> = values.iter().map(|&a| product(a, b)).collect();
            // Where the other side is far lower, its logarithm swallows the differences; none falls.
            assert!(found.windows(2).all(|pair| pair[0] <= pair[1]), "b={b}");
            assert!(found.iter().all(|value| value.is_finite()));
        }
        let diagonal: Vec<f64> = values.iter().map(|&a| product(a, a)).collect();
        assert!(diagonal.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            diagonal
                .windows(2)
                .all(|pair| (pair[0] as f32) < pair[1] as f32)
        );
    }
}
