//! The same with upper bounds from the products of a device in place of those from bytes.

use super::candidates::Screen;
use super::sweep::{SAMPLE, in_sample, is_hopeless};
use crate::Rows;
use crate::bounded::Bounded;
use crate::topk::LargestScores;
use rayon::prelude::*;

/// What is left of the columns, for every row; `None` where so many are left that computing all scores is better.
pub(super) fn sweep(k: usize, bounded: &Bounded<'_>) -> Option<Vec<Screen>> {
    let (guesses, expected) = (guesses(k, bounded).into_iter(), in_sample(k) * SAMPLE);
    let mut screens: Vec<Screen> = guesses
        .map(|guess| Screen::new(k, guess, expected))
        .collect();
    let mut hopeless = false;
    bounded.blocks(|rows, columns, bounds| {
        take(&mut screens[rows], columns.start, &bounds, bounded.width());
        bounded.scorer().advance(bounds.len());
        // Of all rows, so that what they hold together is bounded.
        hopeless = is_hopeless(&screens, columns.end);
        !hopeless
    });
    screens.par_iter_mut().for_each(Screen::cut);
    (!hopeless).then_some(screens)
}

fn take(screens: &mut [Screen], first: usize, bounds: &[f32], width: f64) {
    let rows = bounds.par_chunks(bounds.len() / screens.len().max(1));
    let pairs = screens.par_iter_mut().zip(rows);
    pairs.for_each_init(Vec::new, |near, (screen, bounds)| {
        screen.take(first, bounds, width, near)
    });
}

/// For each row a score that, most likely, at least `k` are not below, from bounds of a sample of the columns.
fn guesses(k: usize, bounded: &Bounded<'_>) -> Vec<f32> {
    let (rows, columns) = (
        bounded.scorer().row_vectors(),
        bounded.scorer().column_vectors(),
    );
    let sampled = (0..columns.len())
        .step_by(SAMPLE)
        .flat_map(|column| columns.row(column));
    let sampled: Vec<f32> = sampled.copied().collect();
    let sample = bounded.over(rows, Rows::raw(&sampled, columns.dim()));
    let place = in_sample(k);
    let mut largest: Vec<LargestScores> = rows
        .data()
        .chunks(rows.dim())
        .map(|_| LargestScores::new(place))
        .collect();
    sample.blocks(|rows, _, bounds| {
        let largest = &mut largest[rows];
        let rows = bounds.par_chunks(bounds.len() / largest.len().max(1));
        largest
            .par_iter_mut()
            .zip(rows)
            .for_each(|(largest, bounds)| largest.push(bounds));
        true
    });
    let guess = |largest: LargestScores| match largest.into_descending() {
        found if found.len() < place => f32::NEG_INFINITY,
        found => found[place - 1],
    };
    largest.into_par_iter().map(guess).collect()
}
