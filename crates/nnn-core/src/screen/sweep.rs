//! One pass of byte products over all columns, or over a sample of them, that keeps the columns which may matter.

use super::candidates::{Candidate, HELD_BYTES, Screen};
use super::quantize::{ColumnBytes, FINER, Frame, PanelFacts, RowBytes, Strided};
use crate::kernel::PANEL;
use crate::kernel::bytes::{ByteKernel, Find, Found, MAX_ROWS};
use crate::score::{Delivery, DotScorer, Scorer};
use rayon::prelude::*;

/// Covers the rounding of lengths that were computed in f32.
const LENGTHS: f64 = 1.01;

/// Columns rounded at a time, in units of the blocking: bytes are smaller than floats.
const STEP: usize = 2;

/// Bytes of panels that a share multiplies all its rows with before it goes on; with their vectors in two times whole numbers
/// this is three times as much, within a small second-level cache.
const STRIP_BYTES: usize = 128 * 1024;

/// Rows of a share, in units of the blocking: what is looked at closely is fetched once for all of them.
const ROWS_A_SHARE: usize = 8;

/// One in so many columns is in the sample.
pub(super) const SAMPLE: usize = 16;

/// A closer look takes as long as computing several scores side by side: at most one column in so many may need one.
const WORTH_LOOKING: usize = 6;

/// What a sweep looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Every column, with bounds.
    All,
    /// A sample of the columns, with products of bytes in place of bounds: they are off by much less.
    Sample,
}

/// Some rows in bytes, and the columns that they are to be multiplied with.
pub(super) struct Sweep<'a> {
    scorer: DotScorer<'a>,
    kernel: ByteKernel,
    left: RowBytes,
    /// Frame of the columns.
    frame: Frame,
    /// The product of the two sides' centres.
    centres: f64,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(scorer: DotScorer<'a>, kernel: ByteKernel) -> Self {
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
    pub(super) fn guesses(&self, k: usize) -> Option<Vec<f32>> {
        let place = in_sample(k);
        let screens = (0..self.scorer.rows()).map(|_| Screen::of_sample(place));
        let screens = self.run(screens, Look::Sample)?;
        Some(screens.iter().map(|screen| screen.least as f32).collect())
    }

    /// What is left of the columns, for every row.
    ///
    /// `None` where so many are left that computing all scores is better.
    pub(super) fn run(
        &self,
        screens: impl Iterator<Item = Screen>,
        look: Look,
    ) -> Option<Vec<Screen>> {
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
            self.step(&columns, look, &mut screens);
            if is_hopeless(&screens, start + columns.len) {
                return None;
            }
        }
        screens.par_iter_mut().for_each(Screen::cut);
        Some(screens)
    }

    /// All rows before some of the columns.
    pub(super) fn step(&self, columns: &Strided<'_>, look: Look, screens: &mut [Screen]) {
        let right = ColumnBytes::new(columns, &self.frame, &self.left, &self.kernel);
        let rows_a_share = self.rows_a_share();
        let shares = screens.par_chunks_mut(rows_a_share).enumerate();
        shares.for_each(|(index, screens)| {
            self.scorer.advance(0);
            let share = Share {
                sweep: self,
                columns,
                right: &right,
                first_row: index * rows_a_share,
                look,
            };
            share.run(screens);
            // The sample's scores come again in the pass over all columns.
            if look == Look::All {
                self.scorer.advance(screens.len() * columns.len);
            }
        });
    }

    /// As many as are worth fetching columns for, in as many shares for every thread.
    fn rows_a_share(&self) -> usize {
        let threads = rayon::current_num_threads();
        let rows = self.scorer.rows();
        let most = ROWS_A_SHARE * self.scorer.rows_at_once();
        let shares = rows.div_ceil(most).next_multiple_of(threads);
        rows.div_ceil(shares).next_multiple_of(self.kernel.rows)
    }
}

/// As many of a sample as hardly ever belong to the `k` largest of all.
pub(super) fn in_sample(k: usize) -> usize {
    unlikely(k as f64 / SAMPLE as f64)
}

/// A number that a Poisson number of this mean hardly ever reaches (once in some thousands): above it by deviations and some.
pub(super) fn unlikely(mean: f64) -> usize {
    (mean + 3.5 * mean.sqrt() + 2.0).ceil() as usize
}

/// Whether bytes leave so many scores that computing all is better; it also bounds what is held, however large the bank.
pub(super) fn is_hopeless(screens: &[Screen], seen: usize) -> bool {
    let looked_at: usize = screens.iter().map(|screen| screen.looked_at).sum();
    if looked_at / screens.len().max(1) > seen / WORTH_LOOKING {
        return true;
    }
    let kept: usize = screens.iter().map(|screen| screen.kept.len()).sum();
    let expected: usize = screens.iter().map(|screen| 20 * screen.k + 1024).sum();
    kept > expected + HELD_BYTES / size_of::<Candidate>()
}

/// What one thread does of a step: some of the rows, before all columns of the step.
struct Share<'a> {
    sweep: &'a Sweep<'a>,
    columns: &'a Strided<'a>,
    right: &'a ColumnBytes,
    first_row: usize,
    look: Look,
}

impl Share<'_> {
    fn run(&self, screens: &mut [Screen]) {
        let rows = self.sweep.kernel.rows;
        let panel_bytes = size_of_val(self.right.panel(0));
        let strip = (STRIP_BYTES / panel_bytes).max(1);
        let panels = self.right.panels.len();
        let mut found = Found::NONE;
        let first_block = self.first_row / rows;
        let blocks = screens.chunks_mut(rows).enumerate();
        let mut blocks: Vec<Block<'_>> = blocks
            .map(|(block, screens)| self.block(first_block + block, screens))
            .collect();
        // A strip of panels stays in the second-level cache while all rows of the share pass before it.
        (self.sweep.kernel.run)(&mut |find| {
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
        let sweep = self.sweep;
        let mut block = Block {
            index,
            first_row: index * sweep.kernel.rows,
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
            let facts = &sweep.left.facts[block.first_row + r];
            block.bounds.least[r] = screen.least;
            block.bounds.above[r] = f64::from(facts.with_other) - sweep.centres;
            // A guess needs no bound: with lengths of zero, the sums themselves are compared.
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

    /// What roundings in f32 add to either side of a bound; see the head of [`screen`](super).
    fn rounding(&self) -> f64 {
        let dim = self.sweep.scorer.row_vectors().dim();
        (4.0 * dim as f64 + 2048.0) * f64::from(f32::EPSILON) / 2.0
    }

    /// One block of rows and one panel of columns.
    fn find(&self, block: &mut Block<'_>, panel: usize, find: &mut Find<'_>, found: &mut Found) {
        let facts = &self.right.panels[panel];
        let unit = f64::from(self.sweep.left.unit) * f64::from(facts.unit);
        let mut cuts = [i32::MAX; MAX_ROWS];
        let (residual, length) = (f64::from(facts.residual), f64::from(facts.length));
        let rows = self.sweep.kernel.rows;
        block.bounds.cuts(unit, residual, length, &mut cuts[..rows]);
        let left = self.sweep.left.block(block.index);
        find(left, self.right.panel(panel), &cuts, found);
        // The last panel is filled up with zeros, which are no columns.
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
        let unit = f64::from(self.sweep.left.unit) * f64::from(facts.unit);
        let finer = unit / f64::from(FINER);
        let (slack, width) = match self.look {
            Look::All => {
                let slack = block.bounds.closer_slack(r, unit, facts);
                (slack, 2.0 * (slack + self.rounding()))
            }
            Look::Sample => (0.0, 0.0),
        };
        let above = block.bounds.above[r] + slack;
        let pairs = self.sweep.left.pairs(block.first_row + r);
        let (screen, least) = (&mut block.screens[r], block.bounds.least[r]);
        // Grown by a quarter, not doubled: there is one list per row.
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
                // Rounding to f32 may lower a bound, the next number above may not.
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
            // What the cut has learnt drops columns of the panels that follow at once.
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
    /// Lengths as in [`Rounded`](super::quantize::Rounded), at least.
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
