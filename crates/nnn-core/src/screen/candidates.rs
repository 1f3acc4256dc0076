//! The columns of a row whose scores may be among its largest, by their upper bounds.

use crate::kernel::{PANEL, near};

/// Upper bounds that are held against one least score.
const CHUNK: usize = 1024;

/// What is subtracted from them.
const NOTHING: [f32; CHUNK] = [0.0; CHUNK];

/// Bytes of candidates held at a time, at about five times `k` per row.
pub(crate) const HELD_BYTES: usize = 80 << 20;

/// A score that may be among the largest.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    /// Not below the score.
    pub(super) bound: f32,
    pub(super) column: u32,
}

/// The candidates of one row.
pub(super) struct Screen {
    pub(super) k: usize,
    pub(super) guess: f32,
    pub(super) kept: Vec<Candidate>,
    /// How many columns had a closer look.
    pub(super) looked_at: usize,
    /// How many are kept before they are cut back.
    pub(super) room: usize,
    /// No upper bound is further above its score than this.
    pub(super) width: f64,
    /// Not above the `k`-th largest score so far, unless the guess is; it only grows.
    pub(super) least: f64,
}

impl Screen {
    /// For the `k` largest, of which a guess says where the lowest lies; about `expected` columns are above it.
    pub(super) fn new(k: usize, guess: f32, expected: usize) -> Self {
        Self {
            k,
            guess,
            // There is one list per row: to grow all of them by and by takes a tenth of a pass.
            kept: Vec::with_capacity(expected + PANEL),
            looked_at: 0,
            room: 8 * k + 256,
            width: 0.0,
            least: f64::from(guess),
        }
    }

    /// For the `k` largest of a sample. Nothing is known of them, and a cut costs less than what it keeps from being kept.
    pub(super) fn of_sample(k: usize) -> Self {
        let room = 2 * k + 64;
        Self {
            room,
            ..Self::new(k, f32::NEG_INFINITY, room)
        }
    }

    /// Keeps what is not below the least of upper bounds of columns from `first` on, none of which is further above its score than
    /// `width`; `near` is scratch.
    pub(super) fn take(&mut self, first: usize, bounds: &[f32], width: f64, near: &mut Vec<u32>) {
        self.width = width;
        let chunks = (first..).step_by(CHUNK).zip(bounds.chunks(CHUNK));
        for (first, bounds) in chunks {
            near.resize(CHUNK + near::CHUNK, 0);
            // Rounded down, nothing is lost.
            let cut = (self.least as f32).next_down();
            let found = near::near_places(bounds, &NOTHING, cut, near);
            let kept = near[..found].iter().map(|&place| Candidate {
                bound: bounds[place as usize],
                column: first as u32 + place,
            });
            self.kept.extend(kept);
            if self.kept.len() > self.room {
                self.cut();
            }
        }
    }

    /// Drops what cannot be among the `k` largest.
    pub(super) fn cut(&mut self) {
        if self.kept.len() <= self.k {
            return;
        }
        let mut bounds: Vec<f32> = self.kept.iter().map(|c| c.bound).collect();
        let (_, kth, _) = bounds.select_nth_unstable_by(self.k - 1, |a, b| b.total_cmp(a));
        // `k` scores are not below the `k`-th bound less the width of any bound.
        self.least = self.least.max(f64::from(*kth) - self.width);
        let least = self.least;
        self.kept.retain(|c| f64::from(c.bound) >= least);
        // Where bounds lie too close together to drop much, the next cut comes later, so that cuts stay a small part.
        self.room = self.room.max(2 * self.kept.len());
    }
}
