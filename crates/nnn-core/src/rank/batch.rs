//! Many biases ranked at once.
//!
//! An item can stand at or above the relevant item `r` only if `s_j - b_j >= t = s_r - b_r`, hence only if
//! `s_j >= t + min b`. Most items of most rows fail this for all biases of a batch, and only the others are counted: with the
//! biases laid out item by item, each of them is compared under all biases of the batch at once.

use crate::dispatch::dispatched;
use crate::{Fitted, GalleryBias, GatedBias};

/// Biases ranked together: two registers of the widest instruction set.
const WIDTH: usize = 32;

/// Values of one item, or counts, under every bias of a batch.
type Lane<T> = [T; WIDTH];

/// Up to [`WIDTH`] rules whose bias is known once the query's best raw item is.
pub(super) struct Batch<'a> {
    /// Places of the rules in the list of all.
    pub(super) rules: Vec<usize>,
    biases: Biases<'a>,
    /// The biases laid out for counting: one form, or one a choice of the gate.
    packs: Vec<Pack>,
}

enum Biases<'a> {
    Additive(Vec<&'a GalleryBias>),
    /// All with the same gate.
    Gated(Vec<&'a GatedBias>),
}

impl<'a> Batch<'a> {
    /// Batches of all additive and gated ones of `rules`.
    pub(super) fn all(rules: &[&'a Fitted]) -> Vec<Self> {
        let mut additive = Vec::new();
        let mut gated: Vec<Vec<(usize, &GatedBias)>> = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            match rule {
                Fitted::Additive(bias) => additive.push((place, bias)),
                Fitted::Gated(bias) => match gated.iter_mut().find(|g| g[0].1.same_gate(bias)) {
                    Some(group) => group.push((place, bias)),
                    None => gated.push(vec![(place, bias)]),
                },
                _ => {}
            }
        }
        let mut batches: Vec<Self> = additive.chunks(WIDTH).map(Self::additive).collect();
        for group in &gated {
            batches.extend(group.chunks(WIDTH).map(Self::gated));
        }
        batches
    }

    fn additive(members: &[(usize, &'a GalleryBias)]) -> Self {
        let biases: Vec<&GalleryBias> = members.iter().map(|m| m.1).collect();
        Self {
            rules: members.iter().map(|m| m.0).collect(),
            packs: vec![Pack::new(&biases)],
            biases: Biases::Additive(biases),
        }
    }

    fn gated(members: &[(usize, &'a GatedBias)]) -> Self {
        let gates: Vec<&GatedBias> = members.iter().map(|m| m.1).collect();
        let pack = |choice: usize| {
            let biases: Vec<_> = gates.iter().map(|gate| &gate.biases()[choice]).collect();
            Pack::new(&biases)
        };
        Self {
            rules: members.iter().map(|m| m.0).collect(),
            packs: (0..gates[0].biases().len()).map(pack).collect(),
            biases: Biases::Gated(gates),
        }
    }

    /// The bias of one rule for a query whose best raw item is `best`.
    pub(super) fn bias(&self, place: usize, best: u32) -> &'a GalleryBias {
        match &self.biases {
            Biases::Additive(biases) => biases[place],
            Biases::Gated(gates) => gates[place].of(best),
        }
    }

    /// For every bias: how many items are above the best placed relevant one, and how many equal it, itself included.
    /// Where all biases have `most` items above, the rest is not counted.
    pub(super) fn count(
        &self,
        scores: &[f32],
        relevant: &[u32],
        best: u32,
        most: u32,
    ) -> (Lane<u32>, Lane<u32>) {
        let pack = match &self.biases {
            Biases::Additive(_) => &self.packs[0],
            Biases::Gated(gates) => &self.packs[gates[0].choice(best)],
        };
        let thresholds = pack.thresholds(scores, relevant);
        let cut = pack.cut(&thresholds);
        // The best items first, as these are above most thresholds: often they settle all.
        let middle = f32::midpoint(cut, scores[best as usize]);
        let mut counts = ([0; WIDTH], [0; WIDTH]);
        let mut candidates = Vec::new();
        for (low, high) in [(middle, f32::INFINITY), (cut, middle)] {
            candidates.clear();
            between(scores, low, high, &mut candidates);
            for some in candidates.chunks(CHUNK) {
                compare(some, &pack.items, &thresholds, &mut counts);
                if counts.0.iter().all(|&greater| greater >= most) {
                    return counts;
                }
            }
        }
        counts
    }
}

/// Candidates counted between two looks at whether that is enough.
const CHUNK: usize = 64;

/// Biases by item.
struct Pack {
    /// `(gallery)` of one value a bias; the places of absent biases hold those of the first.
    items: Vec<Lane<f32>>,
    least: Lane<f32>,
}

impl Pack {
    fn new(biases: &[&GalleryBias]) -> Self {
        let mut items = vec![[0.0; WIDTH]; biases[0].values().len()];
        let mut least = [0.0; WIDTH];
        for place in 0..WIDTH {
            let bias = biases.get(place).unwrap_or(&biases[0]);
            for (item, &value) in items.iter_mut().zip(bias.values()) {
                item[place] = value;
            }
            least[place] = bias.values().iter().copied().fold(f32::INFINITY, f32::min);
        }
        Self { items, least }
    }

    /// The best corrected score of a relevant item under every bias.
    fn thresholds(&self, scores: &[f32], relevant: &[u32]) -> Lane<f32> {
        let mut thresholds = [f32::NEG_INFINITY; WIDTH];
        for &item in relevant {
            let (score, biases) = (scores[item as usize], &self.items[item as usize]);
            for (threshold, bias) in thresholds.iter_mut().zip(biases) {
                *threshold = threshold.max(score - bias);
            }
        }
        thresholds
    }

    /// No item with a score below this can reach the threshold of any bias. In f64 the sum of two f32 is off by less than
    /// 2^-52 of it, and the corrected f32 score by less than 2^-24 of itself or the threshold: 2^-22 of both covers it.
    fn cut(&self, thresholds: &Lane<f32>) -> f32 {
        let pairs = thresholds.iter().zip(&self.least);
        let cuts = pairs.map(|(&threshold, &least)| {
            let (threshold, least) = (f64::from(threshold), f64::from(least));
            threshold + least - (threshold.abs() + least.abs()) / f64::from(1 << 22)
        });
        (cuts.fold(f64::INFINITY, f64::min) as f32).next_down()
    }
}

dispatched! {
    /// Appends position and value of every score from `low` to below `high`.
    pub(crate) fn between(scores: &[f32], low: f32, high: f32, found: &mut Vec<(u32, f32)>) -> () {
        for (chunk, scores) in scores.chunks(64).enumerate() {
            let inside = |score: f32| score >= low && score < high;
            if scores.iter().map(|&score| u32::from(inside(score))).sum::<u32>() > 0 {
                for (i, &score) in scores.iter().enumerate() {
                    if inside(score) {
                        found.push(((chunk * 64 + i) as u32, score));
                    }
                }
            }
        }
    }
}

dispatched! {
    /// Adds to every bias's counts the items above and at its threshold.
    pub(crate) fn compare(
        candidates: &[(u32, f32)], items: &[[f32; 32]], thresholds: &[f32; 32], counts: &mut ([u32; 32], [u32; 32])
    ) -> () {
        let (mut greater, mut equal) = (counts.0, counts.1);
        for &(item, score) in candidates {
            let biases = &items[item as usize];
            for i in 0..32 {
                let corrected = score - biases[i];
                greater[i] += u32::from(corrected > thresholds[i]);
                equal[i] += u32::from(corrected == thresholds[i]);
            }
        }
        *counts = (greater, equal);
    }
}
