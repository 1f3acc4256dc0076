//! Weighted sets of mutual neighbours, and how far two of them agree.

use crate::neighborhoods::{Lists, Neighborhoods, expanded, half};
use nnn_core::{Rows, best_items};
use rayon::prelude::*;

/// An item, and its weight in an encoding.
type Weighted = (u32, f32);

/// The encodings of a gallery.
pub(crate) struct Encodings {
    k2: usize,
    /// `R(x, k1 / 2)` of every item.
    halves: Lists<u32>,
    /// `V_x` of every item, by ascending items.
    plain: Lists<Weighted>,
    /// For each item, those whose averaged encoding has it, with the weight that it has there.
    inverted: Lists<Weighted>,
    /// The sum of every averaged encoding.
    masses: Vec<f64>,
}

impl Encodings {
    pub(crate) fn new(gallery: Rows<'_>, k1: usize, k2: usize) -> Self {
        let items = gallery.len();
        let near = Neighborhoods::new(gallery, k1.max(k2 - 1));
        let halves = near.mutual(items, half(k1));
        let sets = near.mutual(items, k1);
        let encode = |item: usize| {
            let own = gallery.row(item);
            let similarity = |other: u32| dot(own, gallery.row(other as usize));
            encoded(&expanded(sets.of(item), &halves), similarity)
        };
        let plain: Vec<_> = (0..items).into_par_iter().map(encode).collect();
        let plain: Lists<Weighted> = plain.into_iter().collect();
        let average = |item: usize| {
            let others = near.others(item, k2 - 1).iter();
            let lists = others.map(|&other| plain.of(other as usize));
            averaged(plain.of(item), lists)
        };
        let averages: Vec<_> = (0..items).into_par_iter().map(average).collect();
        Self {
            k2,
            masses: averages.iter().map(|it| mass(it)).collect(),
            inverted: inverted(&averages),
            halves,
            plain,
        }
    }

    /// The averaged encoding of a query of this row, whose mutual neighbours are `set`, ascending.
    pub(crate) fn of_query(&self, row: &[f32], set: &[u32]) -> Vec<Weighted> {
        let similarity = |item: u32| f64::from(row[item as usize]);
        let own = encoded(&expanded(set, &self.halves), similarity);
        let best = best_items(row, self.k2 - 1).into_iter();
        averaged(&own, best.map(|item| self.plain.of(item as usize)))
    }

    /// `sum min / sum max` of a query's encoding and every item's: one less the Jaccard distance.
    pub(crate) fn agreement(&self, query: &[Weighted]) -> Vec<f64> {
        let mut least = vec![0.0; self.inverted.len()];
        for &(item, weight) in query {
            for &(other, its) in self.inverted.of(item as usize) {
                least[other as usize] += f64::from(weight.min(its));
            }
        }
        let own = mass(query);
        let pairs = least.iter().zip(&self.masses);
        // No item's encoding is empty, as it is its own neighbour.
        pairs
            .map(|(least, mass)| least / (own + mass - least))
            .collect()
    }
}

/// `V`: `exp(-d)` of the squared distance `d = 2 - 2 s` to each item of a set.
fn encoded(set: &[u32], similarity: impl Fn(u32) -> f64) -> Vec<Weighted> {
    let weight = |&item: &u32| {
        let s = similarity(item).clamp(-1.0, 1.0);
        (item, libm::exp(2.0 * s - 2.0) as f32)
    };
    set.iter().map(weight).collect()
}

/// The mean of an encoding and others, by ascending items.
fn averaged<'a>(own: &[Weighted], others: impl Iterator<Item = &'a [Weighted]>) -> Vec<Weighted> {
    let (mut all, mut count) = (own.to_vec(), 1.0);
    for other in others {
        all.extend(other);
        count += 1.0;
    }
    // Stable, so that an item's weights are added in the order of the lists.
    all.sort_by_key(|&(item, _)| item);
    let sums = all.chunk_by(|a, b| a.0 == b.0).map(|same| {
        let sum: f64 = same.iter().map(|it| f64::from(it.1)).sum();
        (same[0].0, (sum / count) as f32)
    });
    sums.collect()
}

fn mass(encoding: &[Weighted]) -> f64 {
    encoding.iter().map(|it| f64::from(it.1)).sum()
}

/// Encodings of items by ascending items, turned over.
fn inverted(encodings: &[Vec<Weighted>]) -> Lists<Weighted> {
    let mut lists = vec![Vec::new(); encodings.len()];
    for (item, encoding) in encodings.iter().enumerate() {
        for &(other, weight) in encoding {
            lists[other as usize].push((item as u32, weight));
        }
    }
    lists.into_iter().collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    products.sum()
}
