//! Many biases ranked at once.
//!
//! The biases of a batch are laid out item by item, so that an item is compared under all of them at once. A bias less its mean
//! over the gallery, `b'`, orders every row as the bias does, and biases of one batch are alike (they are sorted by how far
//! they spread). An item `j` can stand at or above the relevant item `r` under some bias only if
//! `s_j - min b'_j >= min (s_r - b'_r)`, the minima over the biases of the batch: one subtraction per item and batch finds the few
//! that are then compared under all its biases.

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
        additive.sort_by_cached_key(|(_, bias)| spread([*bias]));
        let mut batches: Vec<Self> = additive.chunks(WIDTH).map(Self::additive).collect();
        for mut group in gated {
            group.sort_by_cached_key(|(_, gate)| spread(gate.biases()));
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
        let mut near = Vec::new();
        let standing = |row: &Row<'_>| {
            let mut count = Count::new(self.pack(row.best), row);
            count.add(row, most, &mut near);
            Some(count.standing(most))
        };
        rows.iter().map(standing).collect()
    }

    fn pack(&self, best: u32) -> &Pack {
        match &self.biases {
            Biases::Additive(_) => &self.packs[0],
            Biases::Gated(gates) => &self.packs[gates[0].choice(best)],
        }
    }
}

/// How far biases spread over the gallery: the sum of squares about the mean, as bits, which order like the numbers.
fn spread<'a>(biases: impl IntoIterator<Item = &'a GalleryBias>) -> u64 {
    let squares = biases.into_iter().map(|bias| {
        let mean = mean(bias.values());
        let squares = bias.values().iter().map(|&b| (f64::from(b) - mean).powi(2));
        squares.sum::<f64>()
    });
    squares.sum::<f64>().to_bits()
}

fn mean(values: &[f32]) -> f64 {
    let sum: f64 = values.iter().copied().map(f64::from).sum();
    sum / values.len() as f64
}

/// Items that are compared before it is looked whether more need be.
const STEP: usize = 32;

/// A query's scores as they are counted.
pub(super) struct Row<'a> {
    pub(super) scores: &'a [f32],
    /// The best raw item.
    pub(super) best: u32,
    relevant: &'a [u32],
    /// The scores, below all others where an item is relevant.
    others: Vec<f32>,
}

impl<'a> Row<'a> {
    pub(super) fn new(scores: &'a [f32], relevant: &'a [u32]) -> Self {
        let mut others = scores.to_vec();
        for &item in relevant {
            others[item as usize] = f32::NEG_INFINITY;
        }
        Self {
            best: best_items(scores, 1)[0],
            scores,
            relevant,
            others,
        }
    }
}

/// Where relevant items stand, one place per bias.
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
    /// The best corrected score of the items so far, where nothing else is asked for.
    highest: Lane<f32>,
    greater: Lane<u32>,
    equal: Lane<u32>,
}

impl<'a> Count<'a> {
    fn new(pack: &'a Pack, row: &Row<'_>) -> Self {
        let (thresholds, shared) = pack.thresholds(row.scores, row.relevant);
        Self {
            pack,
            thresholds,
            shared,
            highest: [f32::NEG_INFINITY; WIDTH],
            greater: [0; WIDTH],
            equal: [0; WIDTH],
        }
    }

    /// Looks at the items that can matter, until no more can; `near` is scratch.
    fn add(&mut self, row: &Row<'_>, most: u32, near: &mut Vec<bool>) {
        near.resize(row.others.len(), false);
        let cut = self.pack.cut(&self.thresholds);
        mark(&row.others, &self.pack.least, cut, near);
        let mut items = marked(near);
        let mut some = [0; STEP];
        loop {
            let count = fill(&mut some, &mut items);
            self.compare(row, &some[..count], most);
            if count < STEP || self.is_settled(most) {
                return;
            }
        }
    }

    fn compare(&mut self, row: &Row<'_>, some: &[u32], most: u32) {
        let items = &self.pack.items;
        // Whether an item is above is all that the first place depends on.
        if most == 1 {
            highest(&row.others, some, items, &mut self.highest);
        } else {
            let counts = (&mut self.greater, &mut self.equal);
            compare(&row.others, some, items, &self.thresholds, counts);
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
    /// `(gallery)` of one value per bias; the places of absent biases hold those of the first.
    items: Vec<Lane<f32>>,
    /// Every bias's mean over the gallery.
    means: Lane<f64>,
    /// `(gallery)`: not above the least of `b - mean(b)` over the biases.
    least: Vec<f32>,
}

impl Pack {
    fn new(biases: &[&GalleryBias]) -> Self {
        let mut items = vec![[0.0; WIDTH]; biases[0].values().len()];
        let mut means = [0.0; WIDTH];
        for place in 0..WIDTH {
            let bias = biases.get(place).unwrap_or(&biases[0]);
            for (item, &value) in items.iter_mut().zip(bias.values()) {
                item[place] = value;
            }
            means[place] = mean(bias.values());
        }
        let least = |item: &Lane<f32>| {
            let centred = item
                .iter()
                .zip(&means)
                .map(|(&b, mean)| f64::from(b) - mean);
            (centred.fold(f64::INFINITY, f64::min) as f32).next_down()
        };
        Self {
            least: items.iter().map(least).collect(),
            items,
            means,
        }
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

    /// An item whose score less `least` is below this, in f32, reaches the threshold of no bias.
    ///
    /// If the f32 difference `s - b` is at least `t`, the exact one is at least `t` less half a unit in its last place, which
    /// 2^-23 of it covers. So `s - (b - mean) >= t + mean - 2^-23 |t|`, the more so with `least` for `b - mean`, and rounding to
    /// f32, which keeps the order, loses nothing against the right side rounded down. In f64 that side is off by far less than the half
    /// of 2^-23 that is not needed, unless the mean is huge beside it: 2^-50 of both covers it.
    fn cut(&self, thresholds: &Lane<f32>) -> f32 {
        let pairs = thresholds.iter().zip(&self.means);
        let cuts = pairs.map(|(&threshold, &mean)| {
            let threshold = f64::from(threshold);
            let slack = threshold.abs() / f64::from(1 << 23) + mean.abs() * f64::EPSILON * 4.0;
            threshold + mean - slack
        });
        (cuts.fold(f64::INFINITY, f64::min) as f32).next_down()
    }
}

dispatched! {
    /// Marks the items whose score less `least` is at least `cut`.
    pub(crate) fn mark(scores: &[f32], least: &[f32], cut: f32, near: &mut [bool]) -> () {
        for ((near, score), least) in near.iter_mut().zip(scores).zip(least) {
            *near = score - least >= cut;
        }
    }
}

/// The places of what is marked, ascending.
fn marked(near: &[bool]) -> impl Iterator<Item = u32> {
    let chunks = near.chunks(STEP).enumerate();
    let chunks = chunks.filter(|(_, chunk)| chunk.iter().fold(false, |any, &near| any | near));
    chunks.flat_map(|(at, chunk)| {
        let places = (at * STEP) as u32..;
        places
            .zip(chunk)
            .filter(|(_, near)| **near)
            .map(|(place, _)| place)
    })
}

/// Takes as many as there is room for, and says how many.
fn fill(some: &mut [u32; STEP], items: &mut impl Iterator<Item = u32>) -> usize {
    let pairs = some.iter_mut().zip(items);
    pairs.map(|(place, item)| *place = item).count()
}

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
