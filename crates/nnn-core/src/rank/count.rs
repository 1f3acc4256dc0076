//! One query's items above and beside its thresholds, counted tile by tile.

use super::RankOptions;
use super::batch::{Batch, Lane, Pack, STEP, WIDTH, compare, highest};
use super::plan::Plan;
use super::tally::{Asked, Piece, Tally, Target, is_beside, within};
use crate::TieRule;
use crate::score::{Line, parts};
use crate::topk::BestItems;

/// Some items of a tile that are compared under all biases of a batch.
struct Compared<'t> {
    /// Place of the tile's first item in the whole gallery.
    first: usize,
    scores: &'t [f32],
    /// The biases of the tile's items.
    items: &'t [Lane<f32>],
    /// Places in the tile.
    places: &'t [u32],
}

impl Compared<'_> {
    /// The items with their corrected scores under one bias.
    fn corrected(&self, lane: usize) -> impl Iterator<Item = Target> {
        self.places.iter().map(move |&place| {
            let at = place as usize;
            (
                self.scores[at] - self.items[at][lane],
                self.first as u32 + place,
            )
        })
    }
}

/// One batch of a query.
struct BatchCount {
    /// Scores of the targets, and their items.
    thresholds: Lane<f32>,
    targets: Lane<u32>,
    tallies: (Lane<u32>, Lane<u32>),
    /// The lowest scores of the top lists.
    lowest: Lane<f32>,
}

/// What the items of a batch are held against before anything else is fetched.
struct Look<'a> {
    pack: &'a Pack,
    /// An item below it is above and beside no target.
    cut: f32,
    /// An item below it comes into no top list.
    top_cut: f32,
}

impl BatchCount {
    fn new(targets: Lane<Target>) -> Self {
        Self {
            thresholds: targets.map(|target| target.0),
            targets: targets.map(|target| target.1),
            tallies: ([0; WIDTH], [0; WIDTH]),
            lowest: [f32::NEG_INFINITY; WIDTH],
        }
    }

    fn compare(&mut self, some: &Compared<'_>, options: &RankOptions) {
        let greater = &mut self.tallies.0;
        let mut equal = [0; WIDTH];
        // Whether an item is above is all that the first place depends on.
        if options.most() == 1 {
            let mut best = [f32::NEG_INFINITY; WIDTH];
            highest(some.scores, some.places, some.items, &mut best);
            for lane in 0..WIDTH {
                greater[lane] |= u32::from(best[lane] > self.thresholds[lane]);
                equal[lane] = u32::from(best[lane] == self.thresholds[lane]);
            }
        } else {
            let counts = (greater, &mut equal);
            compare(
                some.scores,
                some.places,
                some.items,
                &self.thresholds,
                counts,
            );
        }
        if equal != [0; WIDTH] {
            self.add_beside(some, options.ties);
        }
    }

    fn add_beside(&mut self, some: &Compared<'_>, ties: TieRule) {
        for lane in 0..WIDTH {
            let (threshold, target) = (self.thresholds[lane], self.targets[lane]);
            let equal = some.corrected(lane).filter(|item| item.0 == threshold);
            let beside = equal.filter(|item| is_beside(ties, item.1, target));
            self.tallies.1[lane] += beside.count() as u32;
        }
    }

    fn is_settled(&self, most: u32) -> bool {
        self.tallies.0.iter().all(|&greater| greater >= most)
    }

    /// Puts one item into the lists of the batch's rules where it is among the best, and says whether any needs more from now on.
    fn keep(
        &mut self,
        (score, item): Target,
        biases: &Lane<f32>,
        rules: &[usize],
        top: &mut [BestItems],
    ) -> bool {
        let mut raised = false;
        for (lane, &rule) in rules.iter().enumerate() {
            let corrected = score - biases[lane];
            if corrected > self.lowest[lane] {
                let lowest = top[rule].push_one(item, corrected);
                raised |= lowest > self.lowest[lane];
                self.lowest[lane] = lowest;
            }
        }
        let first = self.lowest[0];
        self.lowest[rules.len()..].fill(first);
        raised
    }
}

/// A rule that is counted by itself.
struct Alone<'a> {
    rule: usize,
    bias: &'a [f32],
    targets: &'a [Target],
    tallies: Vec<Tally>,
}

/// Items that are looked at before those that are near are compared: after a few of these no more may be needed.
const LOOK: usize = 256;

/// One query while the gallery passes.
pub(super) struct QueryCount<'a> {
    plan: &'a Plan<'a>,
    asked: Asked<'a>,
    /// Place of the first item of this part in the whole gallery.
    first: usize,
    looks: Vec<Look<'a>>,
    batches: Vec<BatchCount>,
    alone: Vec<Alone<'a>>,
    /// The best items of every rule, where they are wanted.
    top: Vec<BestItems>,
}

impl<'a> QueryCount<'a> {
    pub(super) fn new(plan: &'a Plan<'a>, first: usize, asked: Asked<'a>) -> Self {
        let top = plan.options.top;
        let lists = plan.rules.iter().filter(|_| top > 0);
        let mut query = Self {
            plan,
            asked,
            first,
            looks: Vec::with_capacity(plan.batches.len()),
            batches: Vec::with_capacity(plan.batches.len()),
            alone: Vec::new(),
            top: lists.map(|_| BestItems::growing(top)).collect(),
        };
        for &rule in &plan.alone {
            query.begin_alone(rule);
        }
        for batch in &plan.batches {
            query.begin(batch);
        }
        query
    }

    fn choice(&self, rule: usize) -> usize {
        self.asked
            .choices
            .get(rule)
            .map_or(0, |&choice| choice.into())
    }

    fn form(&self, rule: usize) -> usize {
        self.plan.forms[rule] + self.choice(rule)
    }

    /// Targets under each rule.
    fn width(&self) -> usize {
        self.asked.targets.len() / self.plan.all_forms().max(1)
    }

    fn begin(&mut self, batch: &'a Batch) {
        let common = self.choice(batch.rules[0]);
        // Gates that are alike in this part of the gallery may not be in the part that has the query's best item.
        let agree = batch.rules.iter().all(|&rule| self.choice(rule) == common);
        let targets = batch.lanes(|rule| self.asked.targets[self.form(rule)]);
        let (pack, count) = (&batch.packs[common], BatchCount::new(targets));
        self.looks.push(match agree {
            true => Look {
                pack,
                cut: pack.cut(&count.thresholds),
                top_cut: f32::NEG_INFINITY,
            },
            false => Look {
                pack,
                cut: f32::INFINITY,
                top_cut: f32::INFINITY,
            },
        });
        self.batches.push(count);
        if !agree {
            batch.rules.iter().for_each(|&rule| self.begin_alone(rule));
        }
    }

    fn begin_alone(&mut self, rule: usize) {
        let width = self.width();
        self.alone.push(Alone {
            rule,
            bias: self.plan.rules[rule].biases()[self.choice(rule)].values(),
            targets: &self.asked.targets[self.form(rule) * width..][..width],
            tallies: vec![Tally::default(); width],
        });
    }

    /// Rules that are counted by themselves.
    pub(super) fn alone(&self) -> usize {
        self.alone.len()
    }

    /// Puts the relevant items below all others, where only the others are counted.
    pub(super) fn hide(&self, line: &mut Line<'_>) {
        let options = &self.plan.options;
        if self.plan.several || options.ties == TieRule::Average {
            return;
        }
        let start = (self.first + line.first) as u32;
        for at in within(self.asked.relevant, start, line.scores.len()) {
            line.hide((self.asked.relevant[at] - start) as usize);
        }
    }

    /// Counts the items of a line under one batch; `near` is scratch.
    pub(super) fn add(&mut self, batch: usize, line: &mut Line<'_>, near: &mut Vec<u32>) {
        let (options, look) = (&self.plan.options, &mut self.looks[batch]);
        if look.cut == f32::INFINITY {
            return;
        }
        for range in parts(line.scores.len(), LOOK) {
            let (first, start) = (line.first + range.start, range.start);
            let items = look.pack.items(first..first + range.len());
            let near = look
                .pack
                .near(first, &line.scores[range.clone()], look.cut, near);
            line.settle(start, near);
            for places in near.chunks(STEP) {
                let count = &mut self.batches[batch];
                let some = Compared {
                    first: self.first + first,
                    scores: &line.scores[range.clone()],
                    items,
                    places,
                };
                count.compare(&some, options);
                if count.is_settled(options.most()) {
                    look.cut = f32::INFINITY;
                    return;
                }
            }
        }
    }

    /// Keeps the best of the items of a line under one batch; `near` is scratch.
    pub(super) fn keep(&mut self, batch: usize, line: &mut Line<'_>, near: &mut Vec<u32>) {
        let (rules, look) = (&self.plan.batches[batch].rules, &mut self.looks[batch]);
        if look.top_cut == f32::INFINITY {
            return;
        }
        for range in parts(line.scores.len(), line.at_once()) {
            let (first, start) = (line.first + range.start, range.start);
            let items = look.pack.items(first..first + range.len());
            let near = look
                .pack
                .near(first, &line.scores[range.clone()], look.top_cut, near);
            line.settle(start, near);
            for (&place, least) in near.iter().zip(look.pack.least_of(first, near)) {
                let score = line.scores[start + place as usize];
                // The cut may have risen since.
                if score - least >= look.top_cut {
                    let item = (score, (self.first + first) as u32 + place);
                    let count = &mut self.batches[batch];
                    if count.keep(item, &items[place as usize], rules, &mut self.top) {
                        look.top_cut = look.pack.cut(&count.lowest);
                    }
                }
            }
        }
    }

    /// Counts the items of a line under one of the rules that are counted by themselves; `near` is scratch.
    pub(super) fn add_alone(&mut self, place: usize, line: &mut Line<'_>, near: &mut Vec<u32>) {
        let Some(alone) = self.alone.get_mut(place) else {
            return;
        };
        let bias = &alone.bias[line.first..][..line.scores.len()];
        // What is below all targets is counted of none: of it an upper bound is enough.
        let lowest = alone.targets.iter().map(|target| target.0);
        let lowest = lowest.fold(f32::INFINITY, f32::min);
        line.settle_from(0..line.scores.len(), bias, lowest, near);
        let piece = Piece {
            first: self.first + line.first,
            scores: line.scores,
            bias,
        };
        piece.add(self.plan.options.ties, alone.targets, &mut alone.tallies);
    }

    /// Keeps the best of the items of a line under one of these rules; `corrected` and `near` are scratch.
    pub(super) fn keep_alone(
        &mut self,
        place: usize,
        line: &mut Line<'_>,
        corrected: &mut Vec<f32>,
        near: &mut Vec<u32>,
    ) {
        let Some(alone) = self.alone.get(place) else {
            return;
        };
        let top = &mut self.top[alone.rule];
        for range in parts(line.scores.len(), line.at_once()) {
            let first = line.first + range.start;
            let bias = &alone.bias[first..first + range.len()];
            line.settle_from(range.clone(), bias, top.threshold(), near);
            corrected.clear();
            let pairs = line.scores[range].iter().zip(bias);
            corrected.extend(pairs.map(|(score, bias)| score - bias));
            top.push((self.first + first) as u32, corrected);
        }
    }

    /// What was counted: `(rule, width)`, and the best items of every rule.
    pub(super) fn finish(self) -> (Vec<Tally>, Vec<Vec<Target>>) {
        let width = self.width();
        let mut tallies = vec![Tally::default(); self.plan.rules.len() * width];
        for (batch, count) in self.plan.batches.iter().zip(self.batches) {
            for (lane, &rule) in batch.rules.iter().enumerate() {
                tallies[rule] = Tally {
                    greater: count.tallies.0[lane],
                    beside: count.tallies.1[lane],
                };
            }
        }
        // After the batches: of those whose rules have different choices nothing was counted.
        for alone in self.alone {
            tallies[alone.rule * width..][..width].copy_from_slice(&alone.tallies);
        }
        (
            tallies,
            self.top.into_iter().map(BestItems::into_best).collect(),
        )
    }
}
