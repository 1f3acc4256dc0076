//! One bank's share of the product.

use nnn_core::{Bank, BankStats, FitError, Param, Stat, StatPlan};

/// A bank and its inverse temperature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    pub(crate) bank: Bank,
    pub(crate) beta: Param,
}

/// The two sides, gallery bank first.
pub(crate) fn sides(beta1: Param, beta2: Param) -> [Side; 2] {
    let side = |bank, beta| Side { bank, beta };
    [side(Bank::Gallery, beta1), side(Bank::Query, beta2)]
}

impl Side {
    /// Whether the side counts; at 0 its factor is constant.
    pub(crate) fn counts(self) -> bool {
        self.beta.get() > 0.0
    }

    fn stat(self) -> Stat {
        Stat::LogMeanExp { beta: self.beta }
    }

    pub(crate) fn need_softmax(self, plan: &mut StatPlan) {
        if self.counts() {
            plan.need(self.bank, self.stat());
        }
    }

    pub(crate) fn need_places(self, depth: usize, plan: &mut StatPlan) {
        plan.need(self.bank, Stat::BestPlace { depth });
    }

    /// `exp(beta s - L(g))`; of 1 at `beta = 0`.
    pub(crate) fn softmax(self, stats: &BankStats) -> Result<Factor<'_>, FitError> {
        let beta = self.beta.get();
        let logs = if self.counts() {
            stats.get(self.bank, self.stat())?
        } else {
            &[]
        };
        Ok(Factor { beta, logs })
    }

    /// Whether each item is among the `depth` best of some row of the bank.
    pub(crate) fn active(self, depth: usize, stats: &BankStats) -> Result<Vec<bool>, FitError> {
        let places = stats.get(self.bank, Stat::BestPlace { depth })?;
        Ok(places.iter().map(|&place| place <= depth as f64).collect())
    }
}

/// `beta s - log(g)`: the logarithm of a factor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Factor<'a> {
    pub(crate) beta: f64,
    /// One per item; none for zeros.
    logs: &'a [f64],
}

impl Factor<'_> {
    /// `s`.
    pub(crate) const RAW: Self = Self {
        beta: 1.0,
        logs: &[],
    };

    /// What is subtracted for one item. Beyond the range of f64 it counts as the largest.
    pub(crate) fn log(&self, g: usize) -> f64 {
        let log = self.logs.get(g).copied().unwrap_or(0.0);
        log.clamp(f64::MIN, f64::MAX)
    }
}

/// `(sum of logs) / (sum of betas)` for each item: what orders a row as the sum of the factors does. Zero without betas.
pub(crate) fn bias(factors: [Factor<'_>; 2], gallery: usize) -> Vec<f64> {
    let largest = factors.iter().map(|f| f.beta).fold(0.0, f64::max);
    if largest == 0.0 {
        return vec![0.0; gallery];
    }
    // Shares of the largest neither overflow nor vanish.
    let weight: f64 = factors.iter().map(|f| f.beta / largest).sum();
    let log = |g| factors.iter().map(|f| f.log(g) / largest).sum::<f64>();
    (0..gallery).map(|g| log(g) / weight).collect()
}
