//! A device whose products are as far from the scores as it says that they may be.

use nnn_core::{Device, Rows};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Off by an error, up, down or not at all, as the place of the pair says; it answers only so often.
#[derive(Debug)]
pub struct Noisy {
    error: f64,
    answers: usize,
    asked: AtomicUsize,
}

impl Noisy {
    /// Off by `error` for so many answers, and then without any.
    pub fn new(error: f64, answers: usize) -> Self {
        Self {
            error,
            answers,
            asked: AtomicUsize::new(0),
        }
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Device for Noisy {
    fn name(&self) -> &str {
        "noisy"
    }

    fn error(&self, _dim: usize) -> f64 {
        self.error
    }

    fn products(&self, rows: Rows<'_>, columns: Rows<'_>) -> Option<Vec<f32>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= self.answers {
            return None;
        }
        let pairs = (0..rows.len()).flat_map(|r| (0..columns.len()).map(move |c| (r, c)));
        let product = |(r, c): (usize, usize)| {
            let pairs = rows.row(r).iter().zip(columns.row(c));
            let score = pairs.fold(0.0f32, |sum, (a, b)| a.mul_add(*b, sum));
            let turn = f64::from((r * 7 + c * 13) as u32 % 3) - 1.0;
            (f64::from(score) + turn * self.error) as f32
        };
        Some(pairs.map(product).collect())
    }
}
