//! One query's list.

use crate::bias_file::Ids;
use crate::forms::{Form, rounding};
use crate::ids::Id;

/// An item's exact corrected score for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The item.
    pub id: Id,
    /// `s - b`, or the product of moved vectors: in f64, from the f32 vectors.
    pub score: f64,
    /// How far an engine's f32 score may lie from it.
    pub rounding: f64,
}

impl Scored {
    /// Whether f32 rounding allows either order.
    #[must_use]
    pub fn ties_with(&self, other: &Self) -> bool {
        (self.score - other.score).abs() <= self.rounding + other.rounding
    }
}

/// One query's list.
#[derive(Debug, Clone)]
pub struct List {
    pub(super) query: Vec<f32>,
    /// Length of the query with its suffix.
    pub(super) length: f64,
    /// The best items, best first; of equals the one that came first.
    pub best: Vec<Scored>,
    /// The exact scores of the items that an engine returned, in its order; none for ids that no item has.
    pub answered: Vec<Option<Scored>>,
}

/// An item before it is scored.
pub(super) struct Item<'a> {
    pub(super) vector: &'a [f32],
    pub(super) bias: f64,
    /// Length with what is appended.
    pub(super) length: f64,
}

impl List {
    /// Adds items; `answered` are the places of some of them among them and in the engine's answer.
    pub(super) fn push(
        &mut self,
        k: usize,
        (form, extra): (Form, usize),
        ids: &Ids,
        items: &[Item<'_>],
        answered: &[(usize, usize)],
    ) {
        let scores = items.iter().map(|it| dot(it.vector, &self.query) - it.bias);
        let scores: Vec<f64> = scores.collect();
        let scored = |row: usize, length: f64, dim: usize| Scored {
            id: ids.id(row),
            score: scores[row],
            rounding: rounding(form, dim + extra, items[row].length, length),
        };
        let (length, dim) = (self.length, self.query.len());
        for (row, &score) in scores.iter().enumerate() {
            let full = self.best.len() == k;
            if !full || self.best.last().is_some_and(|it| score > it.score) {
                let above = |it: &Scored| it.score >= score;
                let place = self.best.partition_point(above);
                self.best.insert(place, scored(row, length, dim));
                self.best.truncate(k);
            }
        }
        for &(row, place) in answered {
            self.answered[place] = Some(scored(row, length, dim));
        }
    }
}

/// Sums side by side in [`dot`].
const LANES: usize = 8;

/// In f64, where the products of f32 are exact.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    let rest = a_rest.iter().zip(b_rest);
    let rest = rest.map(|(&a, &b)| f64::from(a) * f64::from(b));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

pub(super) fn squares(values: &[f32]) -> f64 {
    dot(values, values)
}
