//! Sinkhorn potentials of the gallery.
//!
//! With `K = exp((S - 1) / tau)` and uniform marginals, `1/N` of each of the `N` items and `1/M` of each of the `M` bank
//! rows, a round is `v_d = (1/M) / sum_g u_g K_gd`, then `u_g = (1/N) / sum_d K_gd v_d`. The first in the second:
//! `sum_d K_gd v_d = (1 / (M u_g)) sum_d P_dg`, where `P_dg = u_g K_gd / sum_h u_h K_hd` is the softmax over the items of
//! `S_gd / tau + ln u_g`. So a round is one bank-major pass that adds up every bank row's softmax,
//!
//! `tau ln u_g <- tau ln u_g - tau ln((N/M) sum_d P_dg)`,
//!
//! and neither `v` nor anything of the size of items by bank rows is held. The constant 1 in `K` cancels in `P`.
//!
//! A pass costs the products, shared by all temperatures, and for each temperature an f64 exponential per score: at
//! dimension 512 with AVX-512 (5,000 items, 11,335 bank rows, two threads) a seventh of what the products take.

use super::{FitError, Stat};
use crate::exp::add_softmax;
use crate::score::{Delivery, DotScorer, RowSink, Scorer};
use crate::{Bank, Param, Rows};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Temperatures above this count as this one: the potential is then within `2^-24 range(S)^2` of its limit, the item's
/// centred mean with the sign turned, and a higher temperature would multiply the rounding of logarithms near zero.
const LARGEST_TAU: f64 = 16_777_216.0;

/// An item whose weights sum to less has underflowed. Exponentials below 4e-308 count as zero, so that even 10^12 of them
/// are less than a rounding of this.
///
/// Only the first round can come to that: `sum_d P_dg` is at least `exp(-range(S) / tau) / N` there, which for cosines
/// of up to 10^8 items is enough from `tau = 0.0032` on, and at least `1/N` afterwards, as the round before has given the
/// item its marginal.
const LEAST_WEIGHT: f64 = 1e-280;

/// [`Stat::Potential`] for every wanted temperature and number of rounds: the rounds of a temperature are made once, and
/// all temperatures share the passes.
pub(super) fn potentials(
    needs: &[Stat],
    bank_major: &DotScorer<'_>,
    gallery_bank: Option<Rows<'_>>,
) -> Result<Vec<(Stat, Vec<f64>)>, FitError> {
    let items = bank_major.column_vectors();
    let mut found = scale(scalings(needs, false, items.len()), bank_major, items.len())?;
    let stacked = scalings(
        needs,
        true,
        items.len() + gallery_bank.map_or(0, |b| b.len()),
    );
    if !stacked.is_empty() {
        let bank = gallery_bank.expect("the plan was checked against the banks");
        let both = stack(items, bank)?;
        let scorer = bank_major.over(bank_major.row_vectors(), Rows::raw(&both, items.dim()));
        found.extend(scale(stacked, &scorer, items.len())?);
    }
    Ok(found)
}

/// Passes over the bank that the wanted potentials take.
pub(super) fn rounds(needs: &[Stat], stacked: bool) -> usize {
    let rounds = needs.iter().map(|need| match *need {
        Stat::Potential {
            iterations,
            stacked: other,
            ..
        } if other == stacked => iterations,
        _ => 0,
    });
    rounds.max().unwrap_or(0)
}

/// The gallery's vectors, then the gallery bank's.
fn stack(gallery: Rows<'_>, bank: Rows<'_>) -> Result<Vec<f32>, FitError> {
    if gallery.dim() != bank.dim() {
        return Err(FitError::Dimension {
            gallery: gallery.dim(),
            bank: Bank::Gallery,
            other: bank.dim(),
        });
    }
    Ok([gallery.data(), bank.data()].concat())
}

/// The scaling at one temperature, on its way.
struct Scaling {
    tau: f64,
    /// What is wanted, by the number of rounds.
    wanted: BTreeMap<usize, Stat>,
    /// `tau ln u`, one number per item.
    potentials: Vec<f64>,
}

/// A scaling for every temperature among the needs, at `u = 1`.
fn scalings(needs: &[Stat], of_stacked: bool, items: usize) -> Vec<Scaling> {
    let mut by_tau: BTreeMap<Param, BTreeMap<usize, Stat>> = BTreeMap::new();
    for stat in needs {
        match *stat {
            Stat::Potential {
                tau,
                iterations,
                stacked,
            } if stacked == of_stacked => {
                by_tau
                    .entry(tau)
                    .or_default()
                    .insert(iterations, stat.clone());
            }
            _ => {}
        }
    }
    let start = |(tau, wanted): (Param, _)| Scaling {
        tau: tau.get().min(LARGEST_TAU),
        wanted,
        potentials: vec![0.0; items],
    };
    by_tau.into_iter().map(start).collect()
}

/// Makes all wanted rounds; of every potential, the first `gallery` numbers.
fn scale(
    mut scalings: Vec<Scaling>,
    bank_major: &DotScorer<'_>,
    gallery: usize,
) -> Result<Vec<(Stat, Vec<f64>)>, FitError> {
    let mut found = Vec::new();
    for round in 1.. {
        scalings.retain(|scaling| scaling.last_round() >= round);
        if scalings.is_empty() {
            break;
        }
        let items = bank_major.columns();
        let weights = weights(bank_major, &scalings);
        for (index, scaling) in scalings.iter_mut().enumerate() {
            let weights = &weights[index * items..][..items];
            scaling.update(weights, bank_major.rows())?;
            let wanted = scaling.wanted.get(&round);
            found.extend(wanted.map(|stat| (stat.clone(), scaling.potentials[..gallery].to_vec())));
        }
    }
    Ok(found)
}

impl Scaling {
    fn last_round(&self) -> usize {
        *self.wanted.keys().next_back().expect("made for a need")
    }

    /// `u` of the next round from every item's `sum_d P_dg`.
    fn update(&mut self, weights: &[f64], bank: usize) -> Result<(), FitError> {
        let scale = weights.len() as f64 / bank as f64;
        let places = self.potentials.iter_mut().zip(weights).enumerate();
        for (item, (potential, &weight)) in places {
            if weight < LEAST_WEIGHT {
                let (_, stat) = self.wanted.last_key_value().expect("made for a need");
                let stat = stat.clone();
                return Err(FitError::Underflow { stat, item });
            }
            *potential -= self.tau * (scale * weight).ln();
        }
        Ok(())
    }
}

/// `sum_d P_dg` of every item, for one scaling after the other.
fn weights(bank_major: &DotScorer<'_>, scalings: &[Scaling]) -> Vec<f64> {
    let pass = Pass::new(scalings, bank_major.rows());
    let row = |row| BankRow { row, pass: &pass };
    let mut rows: Vec<BankRow<'_>> = (0..bank_major.rows()).map(row).collect();
    let mut sinks: Vec<_> = rows.iter_mut().map(|r| r as &mut dyn RowSink).collect();
    bank_major.stream(Delivery::WholeRows, 0, &mut sinks);
    pass.sum.into_total()
}

/// Bank rows whose softmaxes are added up one after the other, for one temperature at a time: so the sums of a temperature
/// stay in a cache.
const TOGETHER: usize = 16;

/// A bank row's place and its scores.
type Arrived = (usize, Vec<f32>);

/// One pass over the bank.
struct Pass<'a> {
    scalings: &'a [Scaling],
    rows: usize,
    /// Scores of batchs of [`TOGETHER`] rows that are not complete, by the batch's number.
    waiting: Mutex<BTreeMap<usize, Vec<Arrived>>>,
    sum: TreeSum,
}

impl<'a> Pass<'a> {
    fn new(scalings: &'a [Scaling], rows: usize) -> Self {
        Self {
            scalings,
            rows,
            waiting: Mutex::default(),
            sum: TreeSum::new(rows.div_ceil(TOGETHER)),
        }
    }

    /// Takes a row's scores; the last row of a batch to arrive has all of them added.
    fn take(&self, row: usize, scores: &[f32]) {
        let batch = row / TOGETHER;
        let members = TOGETHER.min(self.rows - batch * TOGETHER);
        let scores = scores.to_vec();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = waiting.entry(batch).or_default();
        rows.push((row, scores));
        if rows.len() < members {
            return;
        }
        let mut rows = std::mem::take(rows);
        waiting.remove(&batch);
        drop(waiting);
        rows.sort_unstable_by_key(|&(row, _)| row);
        self.sum.add(batch, self.softmaxes(&rows));
    }

    /// The sum of some rows' softmaxes, for one temperature after the other.
    fn softmaxes(&self, rows: &[Arrived]) -> Vec<f64> {
        let items = rows[0].1.len();
        let mut terms = vec![0.0; items];
        let mut sums = vec![0.0; items * self.scalings.len()];
        for (scaling, sums) in self.scalings.iter().zip(sums.chunks_exact_mut(items)) {
            for (_, scores) in rows {
                add_softmax(scores, &scaling.potentials, scaling.tau, &mut terms, sums);
            }
        }
        sums
    }
}

/// Hands over a bank row's scores.
struct BankRow<'a> {
    row: usize,
    pass: &'a Pass<'a>,
}

impl RowSink for BankRow<'_> {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.pass.take(self.row, scores);
    }
}

/// The sum of rows of numbers that arrive in any order, from any thread: always the same pairs are added, those of a
/// binary tree over the rows. Besides the rows on their way, it holds some `log2(rows)` sums a thread.
struct TreeSum {
    rows: usize,
    /// Sums that wait for their sibling, by height and place of their parent.
    waiting: Mutex<BTreeMap<(u32, usize), Vec<f64>>>,
}

impl TreeSum {
    fn new(rows: usize) -> Self {
        Self {
            rows,
            waiting: Mutex::default(),
        }
    }

    /// Adds a row, to be called once for each.
    fn add(&self, row: usize, values: Vec<f64>) {
        let (mut sum, mut place, mut places) = (values, row, self.rows);
        for height in 1.. {
            // The last place of a level may be without a sibling: its sum goes up alone. The root waits for ever.
            let alone = places > 1 && place ^ 1 >= places;
            if !alone {
                match self.meet((height, place / 2), sum) {
                    Some(both) => sum = both,
                    None => return,
                }
            }
            (place, places) = (place / 2, places.div_ceil(2));
        }
    }

    /// The sum of both siblings for the second to arrive; `None` for the first, which waits.
    fn meet(&self, parent: (u32, usize), mut sum: Vec<f64>) -> Option<Vec<f64>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sibling) = waiting.remove(&parent) else {
            waiting.insert(parent, sum);
            return None;
        };
        drop(waiting);
        sum.iter_mut().zip(sibling).for_each(|(a, b)| *a += b);
        Some(sum)
    }

    /// The whole sum; empty if no row was added.
    fn into_total(self) -> Vec<f64> {
        let waiting = self.waiting.into_inner();
        let root = waiting.unwrap_or_else(PoisonError::into_inner).pop_last();
        root.map(|(_, sum)| sum).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a batch, of which the last is not full, arrive in another order than theirs.
    #[test]
    fn rows_of_a_batch_are_added_in_their_own_order() {
        let scalings = [0.1, 0.3].map(|tau| Scaling {
            tau,
            wanted: BTreeMap::new(),
            potentials: vec![0.0, 0.01, -0.3],
        });
        let scores = |row: usize| [1.0, 2.0, 3.0].map(|s: f32| (s * (row + 1) as f32).sin());
        let total = |order: &mut dyn Iterator<Item = usize>| {
            let pass = Pass::new(&scalings, 2 * TOGETHER + 3);
            order.for_each(|row| pass.take(row, &scores(row)));
            assert!(pass.waiting.lock().expect("one thread").is_empty());
            pass.sum.into_total()
        };
        let rows = 0..2 * TOGETHER + 3;
        let expected = total(&mut rows.clone());
        assert_eq!(total(&mut rows.clone().rev()), expected);
        let odd_first = rows
            .clone()
            .skip(1)
            .step_by(2)
            .chain(rows.clone().step_by(2));
        assert_eq!(total(&mut odd_first.into_iter()), expected);
        // Every row shares out one at every temperature.
        for sums in expected.chunks_exact(3) {
            let all: f64 = sums.iter().sum();
            assert!((all - rows.len() as f64).abs() < 1e-12, "{all}");
        }
    }

    /// Sums of thirds round, so that another tree would show.
    #[test]
    fn the_order_of_arrival_changes_no_bit() {
        for rows in 1..40 {
            let value = |row: usize| vec![1.0 / (row + 1) as f64, (row as f64).sqrt() / 3.0];
            let total = |order: &mut dyn Iterator<Item = usize>| {
                let sum = TreeSum::new(rows);
                order.for_each(|row| sum.add(row, value(row)));
                assert_eq!(sum.waiting.lock().expect("one thread").len(), 1);
                sum.into_total()
            };
            let expected = total(&mut (0..rows));
            assert_eq!(total(&mut (0..rows).rev()), expected);
            let odd_first = (1..rows).step_by(2).chain((0..rows).step_by(2));
            assert_eq!(total(&mut odd_first.into_iter()), expected);
            let plain: f64 = (0..rows).map(|row| value(row)[0]).sum();
            assert!((expected[0] - plain).abs() <= 40.0 * f64::EPSILON * plain);
        }
    }
}
