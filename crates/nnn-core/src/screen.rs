//! The largest scores of every row without most of the scores: products of bytes say which ones can matter, and only
//! those are computed. The result has the bits of the pass that computes all.
//!
//! # The bound
//! Let `a`, `b` be two vectors of length one (within 1e-4), `x = R(a - m)` and `y = R(b - n)` the same in their frames (`m`, `n`
//! any centres, `R` orthogonal), and `x'`, `y'` these rounded to bytes. Then `a.b = x.y + n.a + m.b - m.n`, and
//! `x.y - x'.y' = (x-x').y' + x.(y-y')`, which by Cauchy and Schwarz is at most `|x-x'| |y'| + |x| |y-y'|` in size; all these
//! lengths are computed, not estimated ([`LENGTHS`] covers their own rounding). The product `x'.y'` is exact in whole
//! numbers, and `m.b` is rounded to half of the product of the two units.
//!
//! # The closer bound
//! What this leaves is looked at again. The residuals `x - x'` and `y - y'` are rounded to bytes as well, `x"` and `y"` in units
//! 256 times finer. Then `x.y - x'.y' - x".y' - x'.y" = (x-x'-x").y' + x'.(y-y'-y") + (x-x').(y-y')`, which is at most
//! `|x-x'-x"| |y'| + |x'| |y-y'-y"| + |x-x'| |y-y'|` in size. The two products that are new have one unit and are one product
//! of vectors of `2 d` bytes. On unit vectors of 512 numbers the first bound is about 1e-2 wide and this one 3e-4, most of it
//! the allowance for f32 that follows, so that hardly more than `k` scores a row are computed in the end.
//!
//! To both come roundings in f32, with `u = 2^-24`: the score is a chain of `d` fused steps, below `d u`; `n.a` and `m.b` are
//! sums of products of vectors no longer than 1.01, below `d u` each; a rotation is four times at most 17 additions and a
//! scaling of vectors no longer than 2.1, so `x` and `y` are off by less than `160 u` each and their product by less than
//! `700 u`; residuals are off by less than `3 u`, and so are products with them by `20 u`; what turns whole numbers into bounds
//! rounds a few numbers below 5. All is below `(4 d + 2048) u`.
//!
//! # The search
//! So each score has an upper bound, and a lower one below it. A score whose upper bound is below `k` lower bounds cannot be
//! among the `k` largest and is dropped. What is left at the end is computed: first the `k` of the highest upper bounds, then
//! those others that can still be above the lowest of these. A sample of the columns, multiplied first without any bounds,
//! tells about where the `k`-th largest score will lie; with that guess most scores are dropped at once. A row whose guess was
//! too high, which shows at the end, is computed in full.

use crate::Rows;
use crate::kernel::bytes::{ByteKernel, Find, Found, MAX_ROWS};
use crate::kernel::chains::Chains;
use crate::kernel::{LANES, PANEL};
use crate::quantize::{ColumnBytes, FINER, Frame, PanelFacts, RowBytes, Strided};
use crate::score::{Delivery, DotScorer, Scorer};
use crate::topk::{LargestScores, better_first};
use rayon::prelude::*;

/// A bank has to be this many times larger than `k` for screening to be worth its while: on smaller ones, too many scores
/// are among the largest.
const WORTHWHILE: usize = 32;

/// Dimensions from which on products take longer than what screening adds, up to where sums of bytes stay in 32 bits.
const DIMENSIONS: std::ops::RangeInclusive<usize> = 32..=65536;

/// What to screen with, if the sizes make it faster.
fn suits(k: usize, scorer: &DotScorer<'_>) -> Option<ByteKernel> {
    let fits = DIMENSIONS.contains(&scorer.row_vectors().dim());
    // What is given needs no product.
    let fits = fits && !scorer.is_given();
    let pays = fits && scorer.columns() / WORTHWHILE >= k.max(32);
    scorer.kernel().bytes.filter(|_| pays)
}

/// Covers the rounding of lengths that were computed in f32.
const LENGTHS: f64 = 1.01;

/// Columns rounded at a time, in units of the blocking: bytes are smaller than floats.
const STEP: usize = 2;

/// Bytes of candidates held at a time, at about five times `k` a row.
const HELD_BYTES: usize = 80 << 20;

/// Rows at a time, whose vectors are held in their frame until they are rounded.
const ROWS_AT_ONCE: usize = 1 << 14;

/// Bytes of panels that a task multiplies all its rows with before it goes on; with their vectors in two times whole numbers
/// this is three times as much, within a small second-level cache.
const STRIP_BYTES: usize = 128 * 1024;

/// Rows of a task, in units of the blocking: what is looked at closely is fetched once for all of them.
const ROWS_A_TASK: usize = 8;

/// One in so many columns is in the sample.
const SAMPLE: usize = 16;

/// The `k` largest scores of every row of `scorer`; as `largest[i]` pushed with all scores of row `i`.
///
/// `None` where this processor cannot screen, the sizes do not make it faster, or the scores lie so close together that
/// bytes do not tell them apart.
pub(crate) fn largest(k: usize, scorer: &DotScorer<'_>) -> Option<Vec<LargestScores>> {
    search(k, scorer, suits(k, scorer)?)
}

/// The `k` best columns of every row of `scorer` with their scores, best first, ties to the lower column.
///
/// `None` as for [`largest`].
pub(crate) fn best(k: usize, scorer: &DotScorer<'_>) -> Option<Vec<Vec<(f32, u32)>>> {
    let found: Vec<BestPairs> = search(k, scorer, suits(k, scorer)?)?;
    Some(found.into_iter().map(BestPairs::into_best).collect())
}

fn search<C: Collect>(k: usize, scorer: &DotScorer<'_>, kernel: ByteKernel) -> Option<Vec<C>> {
    let (items, bank) = (scorer.row_vectors(), scorer.column_vectors());
    let most = (HELD_BYTES / (5 * k * size_of::<Candidate>())).clamp(1024, ROWS_AT_ONCE);
    let parts = items.len().div_ceil(most).max(1);
    let at_once = items.len().div_ceil(parts).max(1);
    let mut found = Vec::with_capacity(items.len());
    for start in (0..items.len()).step_by(at_once) {
        let items = items.slice(start..items.len().min(start + at_once));
        let search = Search::new(scorer.over(items, bank), kernel);
        let screens = search.sweep(
            search
                .guesses(k)?
                .iter()
                .map(|&guess| Screen::new(k, guess)),
            Look::All,
        )?;
        found.extend(search.compute(k, screens));
    }
    Some(found)
}

/// Takes the scores that may be among the largest of a row.
trait Collect: Send {
    fn new(k: usize) -> Self;
    fn push(&mut self, columns: &[u32], scores: &[f32]);
}

impl Collect for LargestScores {
    fn new(k: usize) -> Self {
        Self::new(k)
    }

    fn push(&mut self, _columns: &[u32], scores: &[f32]) {
        self.push(scores);
    }
}

/// The best columns so far and some others.
struct BestPairs {
    k: usize,
    pairs: Vec<(f32, u32)>,
}

impl Collect for BestPairs {
    fn new(k: usize) -> Self {
        let pairs = Vec::new();
        Self { k, pairs }
    }

    fn push(&mut self, columns: &[u32], scores: &[f32]) {
        self.pairs
            .extend(scores.iter().copied().zip(columns.iter().copied()));
        if self.pairs.len() > 4 * self.k + 256 {
            self.pairs.select_nth_unstable_by(self.k - 1, better_first);
            self.pairs.truncate(self.k);
        }
    }
}

impl BestPairs {
    fn into_best(mut self) -> Vec<(f32, u32)> {
        self.pairs.sort_unstable_by(better_first);
        self.pairs.truncate(self.k);
        self.pairs
    }
}

/// A closer look takes as long as computing some scores with others beside them: it has to be for one in so many at most.
const WORTH_LOOKING: usize = 6;

/// What a sweep looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Every column, with bounds.
    All,
    /// A sample of the columns, with products of bytes in place of bounds: they are off by much less.
    Sample,
}

/// Some rows and the columns that they are to be multiplied with.
struct Search<'a> {
    scorer: DotScorer<'a>,
    kernel: ByteKernel,
    left: RowBytes,
    /// Frame of the columns.
    frame: Frame,
    /// The product of the two sides' centres.
    centres: f64,
}

impl<'a> Search<'a> {
    fn new(scorer: DotScorer<'a>, kernel: ByteKernel) -> Self {
        let (own, frame) = Frame::pair(scorer.row_vectors(), scorer.column_vectors());
        Self {
            left: RowBytes::new(scorer.row_vectors(), &own, &kernel),
            centres: frame.centres(),
            scorer,
            kernel,
            frame,
        }
    }

    /// For each row a score that, most likely, at least `k` are not below: in the sample, the one below as many as hardly
    /// ever belong to the `k` largest of all.
    fn guesses(&self, k: usize) -> Option<Vec<f32>> {
        let place = unlikely(k as f64 / SAMPLE as f64);
        let screens = (0..self.scorer.rows()).map(|_| Screen::new(place, f32::NEG_INFINITY));
        let screens = self.sweep(screens, Look::Sample)?;
        Some(screens.iter().map(|screen| screen.least as f32).collect())
    }

    /// What is left of the columns, for every row.
    fn sweep(&self, screens: impl Iterator<Item = Screen>, look: Look) -> Option<Vec<Screen>> {
        let stride = match look {
            Look::All => 1,
            Look::Sample => SAMPLE,
        };
        let columns = self.scorer.columns().div_ceil(stride);
        let mut screens: Vec<Screen> = screens.collect();
        let step = STEP * self.scorer.columns_at_once(Delivery::Pieces);
        for start in (0..columns).step_by(step) {
            let columns = Strided {
                rows: self.scorer.column_vectors(),
                first: start * stride,
                stride,
                len: step.min(columns - start),
            };
            self.screen(&columns, look, &mut screens);
            if is_hopeless(&screens, start + columns.len) {
                return None;
            }
        }
        screens.par_iter_mut().for_each(Screen::cut);
        Some(screens)
    }

    fn screen(&self, columns: &Strided<'_>, look: Look, screens: &mut [Screen]) {
        let right = ColumnBytes::new(columns, &self.frame, &self.left, &self.kernel);
        let rows_a_task = self.rows_a_task();
        let groups = screens.par_chunks_mut(rows_a_task).enumerate();
        groups.for_each(|(group, screens)| {
            let task = Task {
                search: self,
                columns,
                right: &right,
                first_row: group * rows_a_task,
                look,
            };
            task.run(screens);
            // The sample's scores come again in the pass over all columns.
            if look == Look::All {
                self.scorer.advance(screens.len() * columns.len);
            }
        });
    }

    /// As many as are worth fetching columns for, in as many tasks for every thread.
    fn rows_a_task(&self) -> usize {
        let threads = rayon::current_num_threads();
        let rows = self.scorer.rows();
        let most = ROWS_A_TASK * self.scorer.rows_at_once();
        let tasks = rows.div_ceil(most).next_multiple_of(threads);
        rows.div_ceil(tasks).next_multiple_of(self.kernel.rows)
    }

    /// The scores of what is left.
    fn compute<C: Collect>(&self, k: usize, screens: Vec<Screen>) -> Vec<C> {
        let (items, bank) = (self.scorer.row_vectors(), self.scorer.column_vectors());
        let mut rows: Vec<Exact<C>> = (screens.into_iter().enumerate())
            .map(|(row, screen)| Exact::new(k, items.row(row), screen, self.scorer.kernel().chains))
            .collect();
        for round in [Round::Highest, Round::Rest] {
            rows.par_iter_mut().for_each(|row| row.begin(round));
            for start in (0..bank.len()).step_by(NEAR) {
                let end = (start + NEAR) as u32;
                rows.par_iter_mut()
                    .for_each(|row| row.compute_below(end, bank));
            }
        }
        rows.par_iter_mut()
            .filter(|row| !row.is_certain())
            .for_each(|row| row.compute_all(bank));
        rows.par_iter_mut().for_each(|row| row.flush());
        rows.into_iter().map(|row| row.found).collect()
    }
}

/// A number that a Poisson number of this mean hardly ever reaches (once in some thousands): above it by deviations and some.
fn unlikely(mean: f64) -> usize {
    (mean + 3.5 * mean.sqrt() + 2.0).ceil() as usize
}

/// Whether bytes leave so many scores that computing all is better; it also bounds what is held, however large the bank.
fn is_hopeless(screens: &[Screen], seen: usize) -> bool {
    let looked_at: usize = screens.iter().map(|screen| screen.looked_at).sum();
    if looked_at / screens.len().max(1) > seen / WORTH_LOOKING {
        return true;
    }
    let kept: usize = screens.iter().map(|screen| screen.kept.len()).sum();
    let expected: usize = screens.iter().map(|screen| 20 * screen.k + 1024).sum();
    kept > expected + HELD_BYTES / size_of::<Candidate>()
}

/// Some rows before the columns of one step.
struct Task<'a> {
    search: &'a Search<'a>,
    columns: &'a Strided<'a>,
    right: &'a ColumnBytes,
    first_row: usize,
    look: Look,
}

impl Task<'_> {
    fn run(&self, screens: &mut [Screen]) {
        let rows = self.search.kernel.rows;
        let panel_bytes = size_of_val(self.right.panel(0));
        let strip = (STRIP_BYTES / panel_bytes).max(1);
        let panels = self.right.panels.len();
        let mut found = Found::NONE;
        let first_block = self.first_row / rows;
        let blocks = screens.chunks_mut(rows).enumerate();
        let mut blocks: Vec<Block<'_>> = blocks
            .map(|(block, screens)| self.block(first_block + block, screens))
            .collect();
        (self.search.kernel.run)(&mut |find| {
            for start in (0..panels).step_by(strip) {
                for block in &mut blocks {
                    for panel in start..panels.min(start + strip) {
                        self.find(block, panel, find, &mut found);
                    }
                }
            }
        });
    }

    fn block<'s>(&self, index: usize, screens: &'s mut [Screen]) -> Block<'s> {
        let search = self.search;
        let mut block = Block {
            index,
            first_row: index * search.kernel.rows,
            bounds: Bounds {
                above: [0.0; MAX_ROWS],
                length: [0.0; MAX_ROWS],
                residual: [0.0; MAX_ROWS],
                rest: [0.0; MAX_ROWS],
                least: [f64::INFINITY; MAX_ROWS],
            },
            screens,
        };
        for (r, screen) in block.screens.iter().enumerate() {
            let facts = &search.left.facts[block.first_row + r];
            block.bounds.least[r] = screen.least;
            block.bounds.above[r] = f64::from(facts.with_other) - search.centres;
            if self.look == Look::Sample {
                continue;
            }
            block.bounds.above[r] += self.rounding();
            block.bounds.length[r] = LENGTHS * f64::from(facts.rounded.length);
            block.bounds.residual[r] = LENGTHS * f64::from(facts.rounded.residual);
            block.bounds.rest[r] = LENGTHS * f64::from(facts.rounded.rest);
        }
        block
    }

    /// See the head of this file.
    fn rounding(&self) -> f64 {
        let dim = self.search.scorer.row_vectors().dim();
        (4.0 * dim as f64 + 2048.0) * f64::from(f32::EPSILON) / 2.0
    }

    /// One block of rows and one panel of columns.
    fn find(&self, block: &mut Block<'_>, panel: usize, find: &mut Find<'_>, found: &mut Found) {
        let facts = &self.right.panels[panel];
        let unit = f64::from(self.search.left.unit) * f64::from(facts.unit);
        let mut cuts = [i32::MAX; MAX_ROWS];
        let (residual, length) = (f64::from(facts.residual), f64::from(facts.length));
        let rows = self.search.kernel.rows;
        block.bounds.cuts(unit, residual, length, &mut cuts[..rows]);
        let left = self.search.left.block(block.index);
        find(left, self.right.panel(panel), &cuts, found);
        let last = self.columns.len - panel * PANEL;
        let valid = if last < PANEL {
            (1 << last) - 1
        } else {
            u32::MAX
        };
        for r in 0..block.screens.len() {
            let columns = found.columns[r] & valid;
            if columns != 0 {
                self.keep(block, r, panel, columns, &found.sums[r]);
            }
        }
    }

    /// Keeps what a closer look at some columns of a panel leaves of them.
    fn keep(
        &self,
        block: &mut Block<'_>,
        r: usize,
        panel: usize,
        columns: u32,
        sums: &[i32; PANEL],
    ) {
        let facts = &self.right.panels[panel];
        let unit = f64::from(self.search.left.unit) * f64::from(facts.unit);
        let finer = unit / f64::from(FINER);
        let (slack, width) = match self.look {
            Look::All => {
                let slack = block.bounds.closer_slack(r, unit, facts);
                (slack, 2.0 * (slack + self.rounding()))
            }
            Look::Sample => (0.0, 0.0),
        };
        let above = block.bounds.above[r] + slack;
        let pairs = self.search.left.pairs(block.first_row + r);
        let (screen, least) = (&mut block.screens[r], block.bounds.least[r]);
        // Grown by a quarter, not doubled: there is one list a row.
        if screen.kept.capacity() - screen.kept.len() < PANEL {
            screen.kept.reserve_exact(screen.kept.len() / 4 + PANEL);
        }
        each_bit(columns, |column| {
            let place = panel * PANEL + column;
            let more = match self.look {
                Look::All => f64::from(self.right.second_product(pairs, place)) * finer,
                Look::Sample => 0.0,
            };
            let bound = f64::from(sums[column]) * unit + more + above;
            if bound >= least {
                screen.kept.push(Candidate {
                    bound: (bound as f32).next_up(),
                    column: self.columns.place(place) as u32,
                });
            }
        });
        screen.width = screen.width.max(width);
        if self.look == Look::All {
            screen.looked_at += columns.count_ones() as usize;
        }
        if screen.kept.len() > screen.room {
            screen.cut();
            block.bounds.least[r] = screen.least;
        }
    }
}

fn each_bit(mut bits: u32, mut found: impl FnMut(usize)) {
    while bits != 0 {
        found(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// One block of rows.
struct Block<'s> {
    index: usize,
    first_row: usize,
    bounds: Bounds,
    screens: &'s mut [Screen],
}

/// What makes a sum of bytes an upper bound of a score: `sum * unit + above + slack`.
struct Bounds {
    above: [f64; MAX_ROWS],
    /// Lengths as in [`Rounded`](crate::quantize::Rounded), at least.
    length: [f64; MAX_ROWS],
    residual: [f64; MAX_ROWS],
    rest: [f64; MAX_ROWS],
    /// See [`Screen::least`].
    least: [f64; MAX_ROWS],
}

impl Bounds {
    /// The sums below which nothing matters, given a panel's unit, residual and length.
    fn cuts(&self, unit: f64, residual: f64, length: f64, cuts: &mut [i32]) {
        let mut numbers = [0.0; MAX_ROWS];
        for (r, number) in numbers[..cuts.len()].iter_mut().enumerate() {
            let above = self.above[r] + self.residual[r] * length + self.length[r] * residual;
            // Two units cover that of the columns' start and the rounding towards zero of what follows.
            *number = (self.least[r] - above) * (1.0 / unit) - 2.0;
        }
        for (cut, number) in cuts.iter_mut().zip(numbers) {
            // Saturates.
            *cut = number as i32;
        }
    }

    /// The slack of the sum with its second product.
    fn closer_slack(&self, row: usize, unit: f64, panel: &PanelFacts) -> f64 {
        let (length, residual, rest) = (self.length[row], self.residual[row], self.rest[row]);
        rest * f64::from(panel.length)
            + (length + residual) * f64::from(panel.rest)
            + residual * f64::from(panel.residual)
            + unit
    }
}

/// A score that may be among the largest.
#[derive(Clone, Copy)]
struct Candidate {
    /// Not below the score.
    bound: f32,
    column: u32,
}

/// The candidates of one row.
struct Screen {
    k: usize,
    guess: f32,
    kept: Vec<Candidate>,
    /// How many columns had a closer look.
    looked_at: usize,
    /// How many are kept before they are cut back.
    room: usize,
    /// No upper bound is further above its score than this.
    width: f64,
    /// Not above the `k`-th largest score so far, unless the guess is; it only grows.
    least: f64,
}

impl Screen {
    fn new(k: usize, guess: f32) -> Self {
        Self {
            k,
            guess,
            kept: Vec::new(),
            looked_at: 0,
            room: 8 * k + 256,
            width: 0.0,
            least: f64::from(guess),
        }
    }

    /// Drops what cannot be among the `k` largest.
    fn cut(&mut self) {
        if self.kept.len() <= self.k {
            return;
        }
        let mut bounds: Vec<f32> = self.kept.iter().map(|c| c.bound).collect();
        let (_, kth, _) = bounds.select_nth_unstable_by(self.k - 1, |a, b| b.total_cmp(a));
        self.least = self.least.max(f64::from(*kth) - self.width);
        let least = self.least;
        self.kept.retain(|c| f64::from(c.bound) >= least);
        self.room = self.room.max(2 * self.kept.len());
    }
}

/// Columns whose candidates are computed for all rows before the next ones, so that their vectors are fetched once.
const NEAR: usize = 4096;

/// Which candidates are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    /// The `k` of the highest upper bounds.
    Highest,
    /// All others that may be above the lowest of these scores.
    Rest,
}

/// One row whose candidates are being computed.
struct Exact<'a, C> {
    item: &'a [f32],
    chains: Chains,
    screen: Screen,
    found: C,
    /// Bounds from here on belong to the first round.
    high: f32,
    /// Candidates from `next` on are to be computed in this round.
    todo: Vec<u32>,
    next: usize,
    /// The lowest score so far, and that of the first round.
    lowest: f32,
    sure: f32,
    pending: Vec<&'a [f32]>,
}

impl<'a, C: Collect> Exact<'a, C> {
    fn new(k: usize, item: &'a [f32], screen: Screen, chains: Chains) -> Self {
        let mut bounds: Vec<f32> = screen.kept.iter().map(|c| c.bound).collect();
        let mut high = f32::NEG_INFINITY;
        if bounds.len() > k {
            high = *bounds
                .select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a))
                .1;
        }
        Self {
            item,
            chains,
            screen,
            found: C::new(k),
            high,
            todo: Vec::new(),
            next: 0,
            lowest: f32::INFINITY,
            sure: f32::INFINITY,
            pending: Vec::with_capacity(2 * LANES),
        }
    }

    fn begin(&mut self, round: Round) {
        self.flush();
        self.sure = self.lowest;
        let (high, lowest) = (self.high, self.lowest);
        let wanted = |c: &&Candidate| match round {
            Round::Highest => c.bound >= high,
            Round::Rest => c.bound < high && c.bound >= lowest,
        };
        // Candidates were found, and so are kept, in ascending order of columns.
        let wanted = self.screen.kept.iter().filter(wanted);
        self.todo = wanted.map(|c| c.column).collect();
        self.next = 0;
    }

    /// Whether the guess held: no column that it dropped is among the `k` largest.
    fn is_certain(&self) -> bool {
        self.screen.kept.len() >= self.screen.k && self.sure >= self.screen.guess
    }

    /// Computes all scores of the row.
    fn compute_all(&mut self, bank: Rows<'a>) {
        self.flush();
        self.found = C::new(self.screen.k);
        self.todo = (0..bank.len() as u32).collect();
        self.next = 0;
        self.compute_below(bank.len() as u32, bank);
    }

    /// Computes the candidates of columns below `end`.
    fn compute_below(&mut self, end: u32, bank: Rows<'a>) {
        while let Some(&column) = self.todo.get(self.next).filter(|&&c| c < end) {
            self.next += 1;
            self.pending.push(bank.row(column as usize));
            // While the first are computed, the others are fetched.
            if self.pending.len() == 2 * LANES {
                self.compute_first();
            }
        }
    }

    /// Pushes all pending scores.
    fn flush(&mut self) {
        while !self.pending.is_empty() {
            self.compute_first();
        }
    }

    /// Pushes the scores of the first pending vectors. Where there are fewer than the product takes, one fills up.
    fn compute_first(&mut self) {
        let count = self.pending.len().min(LANES);
        let (now, next) = self.pending.split_at(count);
        let scores = (self.chains)(
            self.item,
            std::array::from_fn(|i| now[i.min(count - 1)]),
            next,
        );
        self.lowest = scores[..count].iter().copied().fold(self.lowest, f32::min);
        let columns = &self.todo[self.next - self.pending.len()..][..count];
        self.found.push(columns, &scores[..count]);
        self.pending.drain(..count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kernel;
    use crate::kernel::bytes::references;
    use crate::kernel::tests::noise;
    use crate::score::{Keep, RowSink};
    use crate::{Blocking, Embeddings};

    struct All(LargestScores);

    impl RowSink for All {
        fn piece(&mut self, _first: usize, scores: &mut [f32]) {
            self.0.push(scores);
        }
    }

    fn bits(largest: Vec<LargestScores>) -> Vec<Vec<u32>> {
        let row = |l: LargestScores| l.into_descending().iter().map(|v| v.to_bits()).collect();
        largest.into_iter().map(row).collect()
    }

    /// Every way in which any processor may screen, as far as this one can run it.
    fn kernels() -> Vec<Kernel> {
        let portable = *Kernel::available().last().expect("the portable one");
        let mut kernels = Kernel::available();
        kernels.extend(references().map(|bytes| portable.with_bytes(bytes)));
        kernels.retain(|kernel| kernel.bytes.is_some());
        kernels
    }

    fn same_as_all(k: usize, columns: usize, gallery: &Embeddings, bank: &Embeddings) {
        let scorer = DotScorer::new(gallery.rows(), bank.rows()).expect("one dimension");
        let scorer = scorer.with_blocking(Blocking { columns, rows: 20 });
        let mut all: Vec<All> = (0..gallery.len())
            .map(|_| All(LargestScores::new(k)))
            .collect();
        let mut sinks: Vec<_> = all.iter_mut().map(|a| a as &mut dyn RowSink).collect();
        scorer.stream(Delivery::Pieces, 0, &mut sinks);
        let all = bits(all.into_iter().map(|a| a.0).collect());
        let items: Vec<Vec<u32>> = (rows(&scorer).iter())
            .map(|scores| crate::best_items(scores, k))
            .collect();
        for kernel in kernels() {
            let scorer = scorer.with_kernel(kernel);
            if let Some(found) = largest(k, &scorer) {
                assert_eq!(bits(found), all, "{kernel:?}");
                let best = best(k, &scorer).expect("as above").into_iter();
                let best: Vec<Vec<u32>> = best.map(|b| b.iter().map(|p| p.1).collect()).collect();
                assert_eq!(best, items, "{kernel:?}");
            }
        }
    }

    /// A sample of a large bank may hold a thousand of the `k` largest; the guess is found for any number.
    #[test]
    fn guesses_are_made_for_any_k() {
        for k in [1usize, 100, 12_000, 1_000_000] {
            let mean = k as f64 / SAMPLE as f64;
            let place = unlikely(mean) as f64;
            assert!(
                place > mean && place <= 2.0 * mean + 12.0,
                "k = {k}: {place}"
            );
        }
    }

    /// Rows that are each there several times, so that the columns of the best scores are decided by ties.
    #[test]
    fn screening_settles_ties_as_the_whole_pass_does() {
        let (gallery, some) = (noise(20, 40, 5), noise(300, 40, 6));
        let bank = some.select(&(0..6000).map(|i| i % 300).collect::<Vec<u32>>());
        for k in [1, 3, 50, 150] {
            same_as_all(k, 4096, &gallery, &bank);
        }
    }

    #[test]
    fn screening_finds_the_scores_of_the_whole_pass() {
        for (gallery, bank, dim) in [(3, 40, 1), (17, 700, 35), (30, 5000, 64), (15, 9000, 131)] {
            for k in [1, 7, 39, 500] {
                if k >= bank {
                    continue;
                }
                for columns in [32, 100, 4096] {
                    same_as_all(k, columns, &noise(gallery, dim, 1), &noise(bank, dim, 2));
                }
            }
        }
    }

    /// Scores closer to each other than bfloat16 can tell apart, in ascending order, so that every one is a new largest.
    #[test]
    fn screening_tells_scores_apart_that_its_products_cannot() {
        let angles = (0..6000).map(|i| 1.2 - f64::from(i) * 1e-4 / 6.0);
        let bank = angles.flat_map(|angle| [angle.cos() as f32, angle.sin() as f32]);
        let bank = Embeddings::normalize(bank.collect(), 2).expect("valid");
        let gallery = Embeddings::normalize(vec![1.0, 0.0, 0.6, 0.8, -1.0, 0.1], 2).expect("valid");
        for k in [1, 5, 40] {
            for columns in [64, 3000] {
                same_as_all(k, columns, &gallery, &bank);
            }
        }
    }

    /// Rows whose coordinates differ in size as `shape` says, all leaning towards one direction by `lean`.
    fn shaped(
        rows: usize,
        dim: usize,
        seed: u64,
        lean: f32,
        shape: fn(usize) -> f32,
    ) -> Embeddings {
        let noise = noise(rows, dim, seed);
        let place = |(i, &v): (usize, &f32)| v * shape(i % dim) + lean / (1 + i % dim) as f32;
        let data = noise.rows().data().iter().enumerate().map(place);
        Embeddings::normalize(data.collect(), dim).expect("valid")
    }

    /// Banks made against the screen: rows that differ from one another by less than bytes or f32 can tell, some of them equal,
    /// and rows whose coordinates lie half-way between two bytes, so that rounding leaves as much as it can.
    #[test]
    fn screening_is_right_where_it_is_attacked() {
        let (some, dim) = (noise(3, 96, 8), 96);
        let nudged = |i: usize, c: usize, by: f32| {
            let value = some.rows().row(i % 3)[c];
            if c == i / 3 % dim {
                value + by * (i % 5) as f32
            } else {
                value
            }
        };
        for by in [0.0, 1e-7, 1e-5, 1e-3] {
            let data = (0..2000 * dim).map(|at| nudged(at / dim, at % dim, by));
            let bank = Embeddings::normalize(data.collect(), dim).expect("valid");
            for k in [1, 3, 60] {
                same_as_all(k, 700, &noise(33, dim, 9), &bank);
                same_as_all(k, 700, &some, &bank);
            }
        }
        let half_way = |at: usize| ((at * 7 + at / dim * 3) % 11) as f32 - 5.5;
        let data = (0..2000 * dim).map(half_way).collect();
        let bank = Embeddings::normalize(data, dim).expect("valid");
        for k in [1, 62] {
            same_as_all(k, 4096, &noise(20, dim, 9), &bank);
        }
    }

    /// Vectors may be off length one by a little, and their coordinates tiny or all in one place.
    #[test]
    fn screening_takes_vectors_of_every_shape() {
        let shapes: [fn(usize) -> f32; 4] = [
            |i| if i == 3 { 1e4 } else { 1.0 },
            |i| if i == 0 { 1.0 } else { 1e-38 },
            |i| 0.5f32.powi(i as i32 % 120),
            |i| if i % 2 == 0 { 1e-6 } else { 1.0 },
        ];
        for (seed, dim) in (0..).zip([32, 63, 65, 200]) {
            for shape in shapes {
                let (left, right) = (
                    shaped(35, dim, 3 + seed, 0.0, shape),
                    shaped(1100, dim, 40 + seed, 0.1, shape),
                );
                for k in [1, 34] {
                    same_as_all(k, 500, &left, &right);
                }
            }
        }
    }

    /// `k` up to the bank's size: where screening does not pay, it says so and nothing else.
    #[test]
    fn screening_leaves_to_the_whole_pass_what_does_not_pay() {
        let (gallery, bank) = (noise(5, 64, 1), noise(2000, 64, 2));
        let scorer = DotScorer::new(gallery.rows(), bank.rows()).expect("one dimension");
        for kernel in kernels() {
            let scorer = scorer.with_kernel(kernel);
            assert!(largest(62, &scorer).is_some(), "{kernel:?}");
            for k in [63, 1999, 2000] {
                assert!(largest(k, &scorer).is_none(), "{kernel:?}");
            }
        }
        assert!(
            largest(
                1,
                &scorer.with_kernel(*Kernel::available().last().expect("portable"))
            )
            .is_none()
        );
    }

    /// Every upper bound is one, and no further above its score than it claims: whatever the vectors look like.
    #[test]
    fn no_score_is_outside_its_bounds() {
        let shapes: [fn(usize) -> f32; 5] = [
            |_| 1.0,
            |i| if i == 3 { 300.0 } else { 1.0 },
            |i| if i == 0 { 1.0 } else { 1e-30 },
            |i| 0.7f32.powi(i as i32 % 200),
            |i| if i % 2 == 0 { 1e-4 } else { 1.0 },
        ];
        for (seed, dim) in (0..).zip([32, 33, 47, 64, 100, 131, 512, 768, 1000]) {
            for shape in shapes {
                for lean in [0.0, 0.5, 1e3] {
                    let left = shaped(29, dim, 3 + seed, lean, shape);
                    let right = shaped(320, dim, 40 + seed, -lean, shape);
                    check_bounds(&left, &right);
                    check_bounds(&left, &left);
                }
            }
        }
    }

    fn check_bounds(left: &Embeddings, right: &Embeddings) {
        let scorer = DotScorer::new(left.rows(), right.rows()).expect("one dimension");
        let scores = rows(&scorer);
        let columns = Strided {
            rows: right.rows(),
            first: 0,
            stride: 1,
            len: right.len(),
        };
        for kernel in kernels().into_iter().filter_map(|kernel| kernel.bytes) {
            let search = Search::new(scorer, kernel);
            let mut screens: Vec<Screen> = (0..left.len())
                .map(|_| Screen::new(usize::MAX / 16, f32::NEG_INFINITY))
                .collect();
            search.screen(&columns, Look::All, &mut screens);
            for (screen, scores) in screens.iter().zip(&scores) {
                check_screen(screen, scores, kernel.name);
            }
        }
    }

    fn check_screen(screen: &Screen, scores: &[f32], kernel: &str) {
        assert_eq!(screen.kept.len(), scores.len());
        for candidate in &screen.kept {
            let score = f64::from(scores[candidate.column as usize]);
            let (bound, width) = (f64::from(candidate.bound), screen.width);
            assert!(
                bound >= score && bound - width <= score,
                "{kernel}: {score} {bound} {width}"
            );
        }
    }

    fn rows(scorer: &DotScorer<'_>) -> Vec<Vec<f32>> {
        let mut rows: Vec<Keep> = (0..scorer.rows()).map(|_| Keep::default()).collect();
        let mut sinks: Vec<_> = rows.iter_mut().map(|r| r as &mut dyn RowSink).collect();
        scorer.stream(Delivery::Pieces, 0, &mut sinks);
        rows.into_iter().map(|row| row.0).collect()
    }
}
