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
//! At the temperatures of [`softmax::SERVED`] the pass keeps exponentials and weights in f32 ([`softmax`] has the bound), and with
//! the sum of `K_gd v_d` finds the next `u_g` without the last one: what was rounded is what the round began with. Where
//! similarities spread so far that f32 would lose some, and at other temperatures, it is an f64 exponential per score.
//!
//! Scores that fit into [`KEPT_BYTES`] are computed in the first round and kept for the others; they have the same bits.

use super::softmax::{self, GROUP, Line, Member, Work};
use super::{FitError, Stat};
use crate::exp::{STEP, add_softmax};
use crate::score::{DotScorer, Scorer};
use crate::{Bank, Param, Rows};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Bytes of scores that are kept between rounds, at most.
pub(crate) const KEPT_BYTES: usize = 512 << 20;

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
    /// Whether f32 does for these similarities, as far as is known.
    in_f32: bool,
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
        in_f32: softmax::SERVED.contains(&tau.get()),
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
    let mut scores = Scores::new(bank_major, KEPT_BYTES);
    for round in 1.. {
        scalings.retain(|scaling| scaling.last_round() >= round);
        if scalings.is_empty() {
            break;
        }
        make_round(&mut scalings, &mut scores)?;
        for scaling in &scalings {
            let wanted = scaling.wanted.get(&round);
            found.extend(wanted.map(|stat| (stat.clone(), scaling.potentials[..gallery].to_vec())));
        }
    }
    Ok(found)
}

/// One round of all scalings; those that f32 turns out not to do for are computed again, and from then on, in f64.
fn make_round(scalings: &mut [Scaling], scores: &mut Scores<'_>) -> Result<(), FitError> {
    for scaling in &mut *scalings {
        scaling.in_f32 &= scaling.range() <= softmax::MOST_RANGE * scaling.tau;
    }
    let bank = scores.scorer.rows();
    let sums = Pass::over(scores, scalings.iter().collect());
    let mut again = Vec::new();
    for (scaling, sums) in scalings.iter_mut().zip(sums) {
        match scaling.in_f32 && !sums.are_sound() {
            true => again.push(scaling),
            false => scaling.update(&sums.of_items, bank)?,
        }
    }
    if again.is_empty() {
        return Ok(());
    }
    again.iter_mut().for_each(|scaling| scaling.in_f32 = false);
    let quiet = scores.scorer.quiet();
    let announced = std::mem::replace(&mut scores.scorer, quiet);
    let sums = Pass::over(scores, again.iter().map(|scaling| &**scaling).collect());
    scores.scorer = announced;
    let mut updates = again.into_iter().zip(sums);
    updates.try_for_each(|(scaling, sums)| scaling.update(&sums.of_items, bank))
}

impl Scaling {
    fn last_round(&self) -> usize {
        *self.wanted.keys().next_back().expect("made for a need")
    }

    fn peak(&self) -> f64 {
        let potentials = self.potentials.iter().copied();
        potentials.fold(f64::NEG_INFINITY, f64::max)
    }

    fn range(&self) -> f64 {
        let potentials = self.potentials.iter().copied();
        self.peak() - potentials.fold(f64::INFINITY, f64::min)
    }

    /// `u` of the next round from every item's sum: in f32 of `K_gd v_d` with the largest `u` at 1, in f64 of `P_dg`.
    fn update(&mut self, sums: &[f64], bank: usize) -> Result<(), FitError> {
        let scale = sums.len() as f64 / bank as f64;
        let peak = self.peak();
        let places = self.potentials.iter_mut().zip(sums).enumerate();
        for (item, (potential, &sum)) in places {
            if self.in_f32 {
                *potential = peak;
            } else if sum < LEAST_WEIGHT {
                let (_, stat) = self.wanted.last_key_value().expect("made for a need");
                let stat = stat.clone();
                return Err(FitError::Underflow { stat, item });
            }
            *potential -= self.tau * (scale * sum).ln();
        }
        Ok(())
    }
}

/// What a pass finds for one scaling.
struct Found {
    /// As [`Scaling::update`] takes it.
    of_items: Vec<f64>,
    /// In f32, the sum of the `v_d`.
    of_factors: f64,
}

impl Found {
    /// Whether what is below the range of f32 is nothing beside any item's sum: less than `2^-40` of it.
    fn are_sound(&self) -> bool {
        let least = self.of_factors * softmax::LEAST * (1u64 << 40) as f64;
        self.of_items.iter().all(|&sum| sum >= least)
    }
}

/// Bank rows whose softmaxes are added up in one place; a multiple of [`GROUP`], and of the rows of the largest block product.
const TOGETHER: usize = 56;

/// The scores of all bank rows, batch by batch of [`TOGETHER`]. Those of the first batches are kept.
struct Scores<'a> {
    scorer: DotScorer<'a>,
    kept: Vec<OnceLock<Vec<f32>>>,
}

impl<'a> Scores<'a> {
    fn new(scorer: &DotScorer<'a>, bytes: usize) -> Self {
        let of_batch = TOGETHER * scorer.columns() * size_of::<f32>();
        let batches = scorer.rows().div_ceil(TOGETHER);
        let kept = batches.min(bytes / of_batch.max(1));
        Self {
            scorer: *scorer,
            kept: (0..kept).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Hands over every batch, with the scores of its rows, in any order and from several threads.
    fn each_batch(&self, take: impl Fn(usize, &[&[f32]]) + Sync) {
        let columns = self.scorer.columns();
        let there = self.kept.iter().enumerate();
        let there: Vec<_> = there
            .filter_map(|(batch, it)| Some((batch, it.get()?)))
            .collect();
        there.par_iter().for_each(|&(batch, scores)| {
            self.scorer.advance(0);
            take(batch, &scores.chunks(columns).collect::<Vec<_>>());
            self.scorer.advance(scores.len());
        });
        let first = there.len() * TOGETHER;
        self.scorer.whole_rows(TOGETHER, first, |first, rows| {
            let batch = first / TOGETHER;
            take(batch, rows);
            if let Some(kept) = self.kept.get(batch) {
                let _ = kept.set(rows.concat());
            }
        });
    }
}

/// One pass over the bank.
struct Pass<'a> {
    scalings: Vec<&'a Scaling>,
    /// Those in f32, by the exponentials that they share.
    works: Vec<Work<'a>>,
    items: usize,
    sum: TreeSum,
}

impl Pass<'_> {
    /// What every scaling finds.
    fn over(scores: &Scores<'_>, scalings: Vec<&Scaling>) -> Vec<Found> {
        let items = scores.scorer.columns();
        let weights = scalings.iter().map(|scaling| weights(scaling));
        let weights: Vec<Vec<f32>> = weights.collect();
        let pass = Pass {
            works: works(&scalings, &weights),
            items,
            sum: TreeSum::new(scores.scorer.rows().div_ceil(TOGETHER)),
            scalings,
        };
        scores.each_batch(|batch, rows| pass.sum.add(batch, pass.of_batch(rows)));
        let stride = pass.stride();
        let sums = pass.sum.into_total();
        let found = sums.chunks_exact(stride).map(|sums| Found {
            of_items: sums[..items].to_vec(),
            of_factors: sums[stride - 1],
        });
        found.collect()
    }

    /// Numbers of one scaling: those of the items, filled up, and one more.
    fn stride(&self) -> usize {
        self.items.next_multiple_of(STEP) + 1
    }

    /// The sums over some bank rows, for one scaling after the other.
    fn of_batch(&self, rows: &[&[f32]]) -> Vec<f64> {
        let mut sums = vec![0.0; self.stride() * self.scalings.len()];
        let mut terms = Vec::new();
        for (scaling, sums) in self
            .scalings
            .iter()
            .zip(sums.chunks_exact_mut(self.stride()))
        {
            for scores in rows.iter().filter(|_| !scaling.in_f32) {
                terms.resize(self.items, 0.0);
                add_softmax(scores, &scaling.potentials, scaling.tau, &mut terms, sums);
            }
        }
        if !self.works.is_empty() {
            let mut exponentials = vec![0.0; (self.stride() - 1) * GROUP];
            for rows in rows.chunks(GROUP) {
                self.add_in_f32(rows, &mut exponentials, &mut sums);
            }
        }
        sums
    }

    /// Adds what a few rows come to at all scalings in f32.
    fn add_in_f32(&self, rows: &[&[f32]], exponentials: &mut [f32], sums: &mut [f64]) {
        let stride = self.stride();
        let lines = rows.iter().zip(exponentials.chunks_exact_mut(stride - 1));
        let lines = lines.map(|(scores, exponentials)| Line::new(scores, exponentials));
        let mut lines: Vec<Line<'_>> = lines.collect();
        for work in &self.works {
            let mut totals = vec![0.0; work.members.len() * GROUP];
            softmax::exponentials(&mut lines, work, &mut totals);
            for (member, totals) in work.members.iter().zip(totals.chunks_exact(GROUP)) {
                let factors = totals[..lines.len()]
                    .iter()
                    .map(|total| (1.0 / total) as f32);
                let factors: Vec<f32> = factors.collect();
                let sums = &mut sums[member.place * stride..][..stride];
                softmax::add_products(&lines, member.squarings, &factors, &mut sums[..stride - 1]);
                for factor in factors {
                    sums[stride - 1] += f64::from(factor);
                }
            }
        }
    }
}

/// `u` of every item with the largest at 1, and zeros for the fill, where it is needed in f32.
fn weights(scaling: &Scaling) -> Vec<f32> {
    let mut weights = Vec::new();
    if scaling.in_f32 {
        let items = scaling.potentials.len();
        weights.resize(items.next_multiple_of(STEP), 0.0);
        let weights = &mut weights[..items];
        softmax::weights(&scaling.potentials, scaling.peak(), scaling.tau, weights);
    }
    weights
}

/// The scalings in f32, by the exponentials that they share.
fn works<'a>(scalings: &[&Scaling], weights: &'a [Vec<f32>]) -> Vec<Work<'a>> {
    let mut works: Vec<Work<'a>> = Vec::new();
    for (place, scaling) in scalings.iter().enumerate().filter(|it| it.1.in_f32) {
        let (base, squarings) = softmax::Base::of(scaling.tau);
        let member = Member {
            place,
            squarings,
            weights: &weights[place],
        };
        match works.iter_mut().find(|work| work.base == base) {
            Some(work) => work.members.push(member),
            None => works.push(Work {
                base,
                members: vec![member],
            }),
        }
    }
    works
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
    use crate::Embeddings;
    use crate::kernel::tests::noise;

    fn scalings(items: usize) -> Vec<Scaling> {
        let potential = |i: usize| 0.02 * (i as f64).sin();
        let scaling = |tau| Scaling {
            tau,
            wanted: BTreeMap::new(),
            potentials: (0..items).map(potential).collect(),
            in_f32: softmax::SERVED.contains(&tau),
        };
        [0.005, 0.01, 0.02, 0.04, 0.3].map(scaling).into()
    }

    fn found(scores: &Scores<'_>, scalings: &[Scaling]) -> Vec<Found> {
        Pass::over(scores, scalings.iter().collect())
    }

    /// Whatever is kept and however many rows the last batch has.
    #[test]
    fn kept_scores_change_no_bit() {
        for bank in [1, TOGETHER - 1, 3 * TOGETHER + 5] {
            let (gallery, bank) = (noise(71, 24, 1), noise(bank, 24, 2));
            let scorer = DotScorer::new(bank.rows(), gallery.rows()).expect("same dimension");
            let scalings = scalings(71);
            let numbers = |found: Vec<Found>| -> Vec<f64> {
                let of = |it: Found| it.of_items.into_iter().chain([it.of_factors]);
                found.into_iter().flat_map(of).collect()
            };
            let expected = numbers(found(&Scores::new(&scorer, 0), &scalings));
            for bytes in [0, 71 * 4 * TOGETHER, 71 * 4 * TOGETHER * 2, usize::MAX] {
                let scores = Scores::new(&scorer, bytes);
                for round in 0..3 {
                    let got = numbers(found(&scores, &scalings));
                    assert_eq!(got, expected, "{bytes} bytes, round {round}");
                }
            }
        }
    }

    /// What a bank row shares out is one at every temperature, and both ways share it out alike.
    #[test]
    fn f32_is_within_its_bound_of_f64() {
        let (gallery, bank) = (noise(1000, 400, 3), noise(2 * TOGETHER + 3, 400, 4));
        let scorer = DotScorer::new(bank.rows(), gallery.rows()).expect("same dimension");
        let scores = Scores::new(&scorer, 0);
        let mut scalings = scalings(1000);
        let in_f32 = found(&scores, &scalings);
        let served: Vec<bool> = scalings.iter().map(|it| it.in_f32).collect();
        assert_eq!(served, [true, true, true, true, false]);
        scalings.iter_mut().for_each(|it| it.in_f32 = false);
        let in_f64 = found(&scores, &scalings);
        for (scaling, (found, want)) in scalings.iter().zip(in_f32.iter().zip(&in_f64)).take(4) {
            assert!(found.are_sound());
            let logs = found.of_items.iter().zip(&want.of_items).enumerate();
            for (item, (sum, weight)) in logs {
                let potential = scaling.potentials[item] - scaling.peak();
                let off = potential + scaling.tau * (sum.ln() - weight.ln());
                let bound = softmax::error(scaling.tau);
                assert!(
                    off.abs() <= bound,
                    "{}: {off:e}, at most {bound:e}",
                    scaling.tau
                );
            }
            let all: f64 = want.of_items.iter().sum();
            assert!((all - scorer.rows() as f64).abs() < 1e-12 * all, "{all}");
        }
    }

    /// Items that are far from every bank row vanish in f32, and are then computed in f64.
    #[test]
    fn where_f32_does_not_do_f64_does() {
        let far = [vec![1.0, 0.0], vec![-1.0, 0.0], vec![0.0, 1.0]].concat();
        let gallery = Embeddings::normalize(far, 2).expect("valid");
        let bank = Embeddings::normalize([1.0, 0.0].repeat(5), 2).expect("valid");
        let scorer = DotScorer::new(bank.rows(), gallery.rows()).expect("same dimension");
        let one = |in_f32: bool| {
            let mut scalings = scalings(3);
            scalings.iter_mut().for_each(|it| it.in_f32 &= in_f32);
            let mut scores = Scores::new(&scorer, 0);
            make_round(&mut scalings, &mut scores).expect("no underflow");
            scalings
        };
        for (got, want) in one(true).iter().zip(one(false)).take(2) {
            assert!(!got.in_f32);
            assert_eq!(got.potentials, want.potentials);
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
