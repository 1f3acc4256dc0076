//! Many biases compared at once.
//!
//! The biases of a batch are laid out item by item, so that an item is compared under all of them at once. A bias less its mean
//! over the gallery, `b'`, orders every row as the bias does, and biases of one batch are alike (they are sorted by how far
//! they spread). An item `j` can reach the threshold `t` of some bias only if `s_j - min b'_j >= min (t + mean(b))`, the minima
//! over the biases of the batch: one subtraction per item and batch finds the few that are then compared under all its biases.

use super::plan::Rule;
use crate::GalleryBias;
use crate::dispatch::dispatched;
use crate::kernel::near::{CHUNK, near_places};
use rayon::prelude::*;
use std::ops::Range;

/// Biases compared together: two registers of the widest instruction set.
pub(super) const WIDTH: usize = 32;

/// Fewer biases than these are compared one by one.
const FEWEST: usize = 4;

/// Values of one item, or counts, under every bias of a batch.
pub(super) type Lane<T> = [T; WIDTH];

/// Up to [`WIDTH`] rules whose gate, if they have one, is the same.
pub(super) struct Batch {
    /// Places of the rules in the list of all.
    pub(super) rules: Vec<usize>,
    /// The biases laid out for counting: one form, or one a choice of the gate.
    pub(super) packs: Vec<Pack>,
}

impl Batch {
    /// Batches of all rules that have company, and the places of those that have none.
    pub(super) fn all(rules: &[Rule<'_>]) -> (Vec<Self>, Vec<usize>) {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            match groups.iter_mut().find(|g| rules[g[0]].same_gate(rule)) {
                Some(group) => group.push(place),
                None => groups.push(vec![place]),
            }
        }
        let spreads: Vec<u64> = rules.par_iter().map(|rule| spread(rule.biases())).collect();
        let (mut batches, mut alone) = (Vec::new(), Vec::new());
        for mut group in groups {
            group.sort_by_key(|&place| spreads[place]);
            for some in group.chunks(WIDTH) {
                match some.len() < FEWEST {
                    true => alone.extend_from_slice(some),
                    false => batches.push(Self::new(some, rules)),
                }
            }
        }
        (batches, alone)
    }

    fn new(members: &[usize], rules: &[Rule<'_>]) -> Self {
        let pack = |choice: usize| {
            let biases = members.iter().map(|&rule| &rules[rule].biases()[choice]);
            Pack::new(&biases.collect::<Vec<_>>())
        };
        let choices = rules[members[0]].biases().len();
        Self {
            rules: members.to_vec(),
            packs: (0..choices).map(pack).collect(),
        }
    }

    /// The value of every lane, those of absent rules as that of the first.
    pub(super) fn lanes<T>(&self, value: impl Fn(usize) -> T) -> Lane<T> {
        std::array::from_fn(|lane| {
            value(self.rules[if lane < self.rules.len() { lane } else { 0 }])
        })
    }
}

/// How far biases spread over the gallery: the sum of squares about the mean, as bits, which order like the numbers.
fn spread(biases: &[GalleryBias]) -> u64 {
    let squares = biases.iter().map(|bias| {
        let mean = mean(bias.values());
        let squares = bias.values().iter().map(|&b| (f64::from(b) - mean).powi(2));
        squares.sum::<f64>()
    });
    squares.sum::<f64>().to_bits()
}

fn mean(values: &[f32]) -> f64 {
    let sum: f64 = values.iter().copied().map(f64::from).sum();
    sum / values.len().max(1) as f64
}

/// Items laid out at a time, so that what is written lane by lane stays in a cache.
const BLOCK: usize = 1024;

/// Biases by item.
pub(super) struct Pack {
    /// `(gallery)` of one value per bias; the places of absent biases hold those of the first.
    items: Vec<Lane<f32>>,
    /// Every bias's mean over the gallery.
    means: Lane<f64>,
    /// `(gallery)`: not above the least of `b - mean(b)` over the biases.
    least: Vec<f32>,
}

impl Pack {
    fn new(biases: &[&GalleryBias]) -> Self {
        let gallery = biases[0].values().len();
        let bias = |lane: usize| biases.get(lane).unwrap_or(&biases[0]).values();
        let means: Vec<f64> = biases.par_iter().map(|bias| mean(bias.values())).collect();
        let means = std::array::from_fn(|lane| *means.get(lane).unwrap_or(&means[0]));
        let mut items = vec![[0.0; WIDTH]; gallery];
        let mut all_least = vec![0.0; gallery];
        let blocks = (items.par_chunks_mut(BLOCK)).zip(all_least.par_chunks_mut(BLOCK));
        blocks.enumerate().for_each(|(block, (items, all_least))| {
            for lane in 0..WIDTH {
                let values = &bias(lane)[block * BLOCK..];
                for (item, &value) in items.iter_mut().zip(values) {
                    item[lane] = value;
                }
            }
            for (place, item) in all_least.iter_mut().zip(items) {
                *place = least(item, &means);
            }
        });
        Self {
            items,
            means,
            least: all_least,
        }
    }

    /// The best corrected score of some items under every bias, with the first item that has it, or the last.
    pub(super) fn best(&self, scores: &[f32], items: &[u32], last: bool) -> Lane<(f32, u32)> {
        let mut best = [(f32::NEG_INFINITY, u32::MAX); WIDTH];
        for (&score, &item) in scores.iter().zip(items) {
            for (best, bias) in best.iter_mut().zip(&self.items[item as usize]) {
                let corrected = score - bias;
                if corrected > best.0 || last && corrected == best.0 {
                    *best = (corrected, item);
                }
            }
        }
        best
    }

    /// An item whose score less `least` is below this, in f32, reaches the threshold of no bias.
    ///
    /// If the f32 difference `s - b` is at least `t`, the exact one is at least `t` less half a unit in its last place, which
    /// 2^-23 of it covers. So `s - (b - mean) >= t + mean - 2^-23 |t|`, the more so with `least` for `b - mean`, and rounding to
    /// f32, which keeps the order, loses nothing against the right side rounded down. In f64 that side is off by far less than the half
    /// of 2^-23 that is not needed, unless the mean is huge beside it: 2^-50 of both covers it.
    pub(super) fn cut(&self, thresholds: &Lane<f32>) -> f32 {
        let pairs = thresholds.iter().zip(&self.means);
        let cuts = pairs.map(|(&threshold, &mean)| {
            let threshold = f64::from(threshold);
            let slack = threshold.abs() / f64::from(1 << 23) + mean.abs() * f64::EPSILON * 4.0;
            threshold + mean - slack
        });
        (cuts.fold(f64::INFINITY, f64::min) as f32).next_down()
    }

    /// The items from `first` on that may reach the threshold of some bias, by their places in `scores`.
    pub(super) fn near<'a>(
        &self,
        first: usize,
        scores: &[f32],
        cut: f32,
        near: &'a mut Vec<u32>,
    ) -> &'a [u32] {
        near.resize(scores.len() + CHUNK, 0);
        let range = first..first + scores.len();
        let found = near_places(scores, &self.least[range], cut, near);
        &near[..found]
    }

    /// What is subtracted from the scores at some places from `first` on before they are held against a cut.
    pub(super) fn least_of(&self, first: usize, places: &[u32]) -> impl Iterator<Item = f32> {
        places
            .iter()
            .map(move |&place| self.least[first + place as usize])
    }

    /// The biases of some items.
    pub(super) fn items(&self, range: Range<usize>) -> &[Lane<f32>] {
        &self.items[range]
    }
}

fn least(item: &Lane<f32>, means: &Lane<f64>) -> f32 {
    let centred = item.iter().zip(means).map(|(&b, mean)| f64::from(b) - mean);
    (centred.fold(f64::INFINITY, f64::min) as f32).next_down()
}

/// Items that are compared before it is looked whether more need be.
pub(super) const STEP: usize = 32;

dispatched! {
    /// Raises every bias's best corrected score to that of some items.
    pub(crate) fn highest(scores: &[f32], some: &[u32], items: &[[f32; 32]], best: &mut [f32; 32]) -> () {
        let mut found = *best;
        for &item in some {
            let (score, biases) = (scores[item as usize], &items[item as usize]);
            for i in 0..32 {
                let corrected = score - biases[i];
                found[i] = if corrected > found[i] { corrected } else { found[i] };
            }
        }
        *best = found;
    }
}

dispatched! {
    /// Adds to every bias's counts those of some items that are above and at its threshold.
    pub(crate) fn compare(
        scores: &[f32], some: &[u32], items: &[[f32; 32]], thresholds: &[f32; 32],
        counts: (&mut [u32; 32], &mut [u32; 32])
    ) -> () {
        let (mut greater, mut equal) = (*counts.0, *counts.1);
        for &item in some {
            let (score, biases) = (scores[item as usize], &items[item as usize]);
            for i in 0..32 {
                let corrected = score - biases[i];
                greater[i] += u32::from(corrected > thresholds[i]);
                equal[i] += u32::from(corrected == thresholds[i]);
            }
        }
        (*counts.0, *counts.1) = (greater, equal);
    }
}
