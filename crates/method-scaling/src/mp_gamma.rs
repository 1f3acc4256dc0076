//! Mutual proximity with independent gamma distributions.

use crate::gamma::Gamma;
use crate::normal::{means_and_deviations, need_means_and_deviations};
use crate::proximity::joint;
use crate::to_score;
use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, RowRule,
    Rows, StatPlan,
};

/// The family `mp_gamma`; it has no parameters.
#[derive(Debug, Clone, Copy)]
pub struct MpGammaFamily;

impl MethodFamily for MpGammaFamily {
    fn name(&self) -> &'static str {
        "mp_gamma"
    }

    fn doc(&self) -> &'static str {
        "ln Q_q(1-s) + ln Q_g(1-s), Q the upper tails of gamma distributions of the moments of 1-s over the row and the query bank: mutual proximity (JMLR 13, 2012)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Rescaling
    }

    fn params(&self) -> &'static [ParamInfo] {
        &[]
    }

    fn at(&self, _point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(MpGamma)
    }
}

/// Mutual proximity with independent gamma distributions.
#[derive(Debug, Clone, Copy)]
pub struct MpGamma;

impl Normalizer for MpGamma {
    fn signature(&self) -> String {
        "mp_gamma".to_owned()
    }

    fn needs(&self, plan: &mut StatPlan) {
        need_means_and_deviations(plan);
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let (means, deviations) = means_and_deviations(stats)?;
        let sides = means.iter().zip(deviations);
        let items = sides.map(|(&mean, &sd)| Gamma::of_similarities(mean, sd));
        Ok(Fitted::Rescaling(Box::new(Rule {
            items: items.collect(),
        })))
    }
}

/// Both sides' probabilities that another's distance is larger.
struct Rule {
    /// What each item sees over the query bank.
    items: Vec<Gamma>,
}

impl RowRule for Rule {
    fn apply(&self, row: &mut [f32]) {
        let query = Gamma::of(row);
        for (score, item) in row.iter_mut().zip(&self.items) {
            let s = f64::from(*score);
            let (query, item) = (query.log_tails(s), item.log_tails(s));
            *score = to_score(joint([query.above, item.above], || {
                [query.below, item.below]
            }));
        }
    }
}
