//! What a search found, and how far it is from an exact one.

use nnn_core::{Bank, BankStats, FitError, Stat};

/// The similarities of each gallery item to the bank rows that a search found, descending: `(gallery, k)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    k: usize,
    similarities: Vec<f32>,
}

/// How a statistic from an index compares with the exact one, over all gallery items that were searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    /// How many of the nearest rows count.
    pub k: usize,
    /// Number of gallery items compared.
    pub items: usize,
    /// Share of the `k` nearest bank rows that were found, 0 to 1; a row as near as the `k`-th counts as one of them.
    pub recall: f64,
    /// Mean difference of the mean similarity, exact less approximate: at least 0, in units of similarity.
    pub mean_error: f64,
    /// Largest such difference.
    pub largest_error: f64,
}

impl Nearest {
    pub(crate) fn new(k: usize, similarities: Vec<f32>) -> Self {
        Self { k, similarities }
    }

    /// [`Stat::TopMean`] of the `k` best rows found: one number per gallery item, in f64 as in the exact pass.
    ///
    /// # Panics
    /// `k` is 0 or above the number searched for.
    #[must_use]
    pub fn top_mean(&self, k: usize) -> Vec<f64> {
        let mean = |found: &[f32]| found.iter().map(|&s| f64::from(s)).sum::<f64>() / k as f64;
        self.best(k).map(mean).collect()
    }

    /// Compares with `exact`, which holds [`Stat::TopMean`] and [`Stat::Kth`] of the query bank at this `k`.
    ///
    /// # Errors
    /// `exact` lacks one of the two.
    ///
    /// # Panics
    /// As [`Nearest::top_mean`].
    pub fn accuracy(&self, k: usize, exact: &BankStats) -> Result<Accuracy, FitError> {
        let means = exact.get(Bank::Query, Stat::TopMean { k })?;
        let bounds = exact.get(Bank::Query, Stat::Kth { k })?;
        let errors = means.iter().zip(self.top_mean(k)).map(|(e, a)| e - a);
        let (sum, largest_error) =
            errors.fold((0.0, 0.0), |(sum, most), e| (sum + e, f64::max(most, e)));
        let near = |(found, bound): (&[f32], &f64)| {
            found.iter().filter(|&&s| f64::from(s) >= *bound).count()
        };
        let hits: usize = self.best(k).zip(bounds).map(near).sum();
        let items = means.len();
        Ok(Accuracy {
            k,
            items,
            recall: hits as f64 / (items * k) as f64,
            mean_error: sum / items as f64,
            largest_error,
        })
    }

    fn best(&self, k: usize) -> impl Iterator<Item = &[f32]> {
        assert!((1..=self.k).contains(&k), "k was searched for");
        self.similarities.chunks_exact(self.k).map(move |f| &f[..k])
    }
}
