//! Many biases ranked at once.
//!
//! The biases of a batch are laid out item by item, so that an item is compared under all of them at once, and a group of
//! queries passes over some items before the next ones, so that biases are fetched once for all. An item can stand at or
//! above the relevant item `r` only if `s_j - b_j >= t = s_r - b_r`, hence only if `s_j >= t + min b`: runs of items that all fail
//! this for every bias of the batch are skipped.

use crate::dispatch::dispatched;
use crate::topk::best_items;
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

    /// Where the best placed relevant item of each row stands under every bias of the batch. Ranks above `most` are not told
    /// apart.
    pub(super) fn standings(&self, rows: &[Row<'_>], most: u32) -> Vec<Option<Standing>> {
        let mut counts: Vec<Count> = (rows.iter())
            .map(|row| Count::new(self.pack(row.best), row))
            .collect();
        let gallery = self.packs[0].items.len();
        for first in (0..gallery).step_by(TILE) {
            let tile = first..gallery.min(first + TILE);
            for (row, count) in rows.iter().zip(&mut counts) {
                if !count.is_settled(most) {
                    count.add(row, tile.clone(), most);
                }
            }
        }
        counts
            .iter()
            .map(|count| Some(count.standing(most)))
            .collect()
    }

    fn pack(&self, best: u32) -> &Pack {
        match &self.biases {
            Biases::Additive(_) => &self.packs[0],
            Biases::Gated(gates) => &self.packs[gates[0].choice(best)],
        }
    }
}

/// Items whose biases stay in a second-level cache while the rows of a group pass over them.
const TILE: usize = 2048;

/// Items of which only the best is looked at first.
const CHUNK: usize = 64;

/// A query's scores as they are counted.
pub(super) struct Row<'a> {
    pub(super) scores: &'a [f32],
    /// The best raw item.
    pub(super) best: u32,
    relevant: &'a [u32],
    /// The scores, below all others where an item is relevant.
    others: Vec<f32>,
    /// The best of every [`CHUNK`] of `others`.
    peaks: Vec<f32>,
}

impl<'a> Row<'a> {
    pub(super) fn new(scores: &'a [f32], relevant: &'a [u32]) -> Self {
        let mut others = scores.to_vec();
        for &item in relevant {
            others[item as usize] = f32::NEG_INFINITY;
        }
        let peak = |chunk: &[f32]| chunk.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Self {
            best: best_items(scores, 1)[0],
            peaks: others.chunks(CHUNK).map(peak).collect(),
            scores,
            relevant,
            others,
        }
    }
}

/// Where relevant items stand, a place a bias.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    greater: Lane<u32>,
    /// Whether another item has the same corrected score.
    tied: Lane<bool>,
    most: u32,
}

impl Standing {
    /// The rank under one bias, if no tie is in its way.
    pub(super) fn rank(&self, place: usize) -> Option<f64> {
        let greater = self.greater[place];
        let known = greater >= self.most || !self.tied[place];
        known.then(|| f64::from(greater) + 1.0)
    }
}

/// What is known of one row under every bias, after some of the items.
struct Count<'a> {
    pack: &'a Pack,
    thresholds: Lane<f32>,
    /// Whether several relevant items stand at the threshold.
    shared: Lane<bool>,
    /// No item of a lower score can reach any threshold.
    cut: f32,
    /// The best corrected score of the items so far, where nothing else is asked for.
    highest: Lane<f32>,
    greater: Lane<u32>,
    equal: Lane<u32>,
}

impl<'a> Count<'a> {
    fn new(pack: &'a Pack, row: &Row<'_>) -> Self {
        let (thresholds, shared) = pack.thresholds(row.scores, row.relevant);
        Self {
            cut: pack.cut(&thresholds),
            pack,
            thresholds,
            shared,
            highest: [f32::NEG_INFINITY; WIDTH],
            greater: [0; WIDTH],
            equal: [0; WIDTH],
        }
    }

    fn add(&mut self, row: &Row<'_>, tile: std::ops::Range<usize>, most: u32) {
        let (scores, items) = (&row.others[tile.clone()], &self.pack.items[tile.clone()]);
        let peaks = &row.peaks[tile.start / CHUNK..tile.end.div_ceil(CHUNK)];
        // Whether an item is above is all that the first place depends on.
        if most == 1 {
            highest(scores, peaks, self.cut, items, &mut self.highest);
        } else {
            let counts = (&mut self.greater, &mut self.equal);
            compare(scores, peaks, self.cut, items, &self.thresholds, counts);
        }
    }

    fn is_settled(&self, most: u32) -> bool {
        let above = |lane: usize| self.highest[lane] > self.thresholds[lane];
        (0..WIDTH).all(|lane| self.greater[lane] >= most || above(lane))
    }

    fn standing(&self, most: u32) -> Standing {
        let mut standing = Standing {
            greater: self.greater,
            tied: self.shared,
            most,
        };
        for lane in 0..WIDTH {
            let (highest, threshold) = (self.highest[lane], self.thresholds[lane]);
            standing.greater[lane] += u32::from(highest > threshold);
            standing.tied[lane] |= self.equal[lane] > 0 || highest == threshold;
        }
        standing
    }
}

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

    /// The best corrected score of a relevant item under every bias, and whether several have it.
    fn thresholds(&self, scores: &[f32], relevant: &[u32]) -> (Lane<f32>, Lane<bool>) {
        let (mut best, mut shared) = ([f32::NEG_INFINITY; WIDTH], [false; WIDTH]);
        for &item in relevant {
            let (score, biases) = (scores[item as usize], &self.items[item as usize]);
            for lane in 0..WIDTH {
                let corrected = score - biases[lane];
                shared[lane] = corrected == best[lane] || shared[lane] && corrected < best[lane];
                best[lane] = best[lane].max(corrected);
            }
        }
        (best, shared)
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
    /// Raises every bias's best corrected score to that of the items in chunks whose peak is at least `cut`.
    pub(crate) fn highest(
        scores: &[f32], peaks: &[f32], cut: f32, items: &[[f32; 32]], best: &mut [f32; 32]
    ) -> () {
        let mut found = *best;
        let chunks = scores.chunks(64).zip(items.chunks(64));
        for (_, (scores, items)) in peaks.iter().zip(chunks).filter(|(peak, _)| **peak >= cut) {
            for (score, biases) in scores.iter().zip(items) {
                for i in 0..32 {
                    let corrected = score - biases[i];
                    found[i] = if corrected > found[i] { corrected } else { found[i] };
                }
            }
        }
        *best = found;
    }
}

dispatched! {
    /// Adds to every bias's counts the items above and at its threshold, of chunks whose peak is at least `cut`.
    pub(crate) fn compare(
        scores: &[f32], peaks: &[f32], cut: f32, items: &[[f32; 32]], thresholds: &[f32; 32],
        counts: (&mut [u32; 32], &mut [u32; 32])
    ) -> () {
        let (mut greater, mut equal) = (*counts.0, *counts.1);
        let chunks = scores.chunks(64).zip(items.chunks(64));
        for (_, (scores, items)) in peaks.iter().zip(chunks).filter(|(peak, _)| **peak >= cut) {
            for (score, biases) in scores.iter().zip(items) {
                for i in 0..32 {
                    let corrected = score - biases[i];
                    greater[i] += u32::from(corrected > thresholds[i]);
                    equal[i] += u32::from(corrected == thresholds[i]);
                }
            }
        }
        (*counts.0, *counts.1) = (greater, equal);
    }
}
