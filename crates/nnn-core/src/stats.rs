//! Bank statistics: what every bank row says about each gallery item, reduced to one number an item.

use crate::exp::{STEP, SUMS, add_exponentials, add_scores, exp_nonpositive};
use crate::score::{Blocking, Delivery, DimensionMismatch, DotScorer, RowSink, Scorer};
#[cfg(target_arch = "x86_64")]
use crate::screen;
use crate::topk::{LargestScores, any_above, best_items};
use crate::{Param, Rows};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use thiserror::Error;

/// One of the two reference sets of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bank {
    /// Reference items of the query's modality: NNN's reference queries, QB-Norm's query bank.
    Query,
    /// Reference items of the gallery's modality: DBNorm's second bank.
    Gallery,
}

impl fmt::Display for Bank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Query => "query bank",
            Self::Gallery => "gallery bank",
        })
    }
}

/// A number per gallery item, computed from its similarities `s_1..s_M` to a bank of `M` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stat {
    /// `(1/M) sum s_i`.
    Mean,
    /// Mean of the `k` largest `s_i`, `1 <= k <= M`.
    TopMean {
        /// How many of the largest similarities count.
        k: usize,
    },
    /// `ln((1/M) sum exp(beta s_i))`, `beta > 0`: log-sum-exp less the constant `ln M`, which changes no ranking and
    /// would cost all precision at a small `beta`.
    LogMeanExp {
        /// Inverse temperature.
        beta: Param,
    },
    /// The best place, from 1, that the item has in the list of any bank row, up to `depth`; `depth + 1` if it is in
    /// none. The items with a place up to `k` are the activation set of a gate of width `k`.
    BestPlace {
        /// Length of the lists.
        depth: usize,
    },
}

impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::TopMean { k } => write!(f, "top_mean(k={k})"),
            Self::LogMeanExp { beta } => write!(f, "log_mean_exp(beta={beta})"),
            Self::BestPlace { depth } => write!(f, "best_place(depth={depth})"),
        }
    }
}

/// Why statistics or a fitted method cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FitError {
    /// A statistic needs a bank that the task does not have.
    #[error("{stat} needs a {bank}, but this reference set has none")]
    MissingBank {
        /// The statistic.
        stat: Stat,
        /// The absent bank.
        bank: Bank,
    },
    /// A bank holds no rows.
    #[error("the {bank} is empty; it needs at least one item")]
    EmptyBank {
        /// The empty bank.
        bank: Bank,
    },
    /// `k` asks for more similarities than the bank has; it is never clamped.
    #[error("k = {k} is larger than the {bank}, which has {size} items")]
    KExceedsBank {
        /// The `k` asked for.
        k: usize,
        /// The bank.
        bank: Bank,
        /// Its number of rows.
        size: usize,
    },
    /// A statistic was read that no method had declared.
    #[error("{stat} of the {bank} was not declared in `needs`")]
    NotDeclared {
        /// The statistic.
        stat: Stat,
        /// Its bank.
        bank: Bank,
    },
    /// Gallery and bank have different dimensions.
    #[error(
        "the gallery has dimension {gallery}, the {bank} has dimension {other}; they must agree"
    )]
    Dimension {
        /// Dimension of the gallery.
        gallery: usize,
        /// The bank.
        bank: Bank,
        /// Its dimension.
        other: usize,
    },
}

/// The statistics that a set of methods needs, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatPlan(BTreeSet<(Bank, Stat)>);

impl StatPlan {
    /// Declares a need; repeating one costs nothing.
    pub fn need(&mut self, bank: Bank, stat: Stat) {
        self.0.insert((bank, stat));
    }

    /// All needs in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Bank, Stat)> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing is needed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any statistic reads this bank.
    #[must_use]
    pub fn uses(&self, bank: Bank) -> bool {
        self.0.iter().any(|&(b, _)| b == bank)
    }

    /// Checks the needs against the sizes of the banks (`None`: there is no such bank) before anything is computed.
    ///
    /// # Errors
    /// A needed bank is missing or empty, or a `k` exceeds it.
    pub fn check(
        &self,
        query_bank: Option<usize>,
        gallery_bank: Option<usize>,
    ) -> Result<(), FitError> {
        for (bank, stat) in self.iter() {
            let size = match bank {
                Bank::Query => query_bank,
                Bank::Gallery => gallery_bank,
            };
            check_need(bank, stat, size)?;
        }
        Ok(())
    }
}

fn check_need(bank: Bank, stat: Stat, size: Option<usize>) -> Result<(), FitError> {
    match (stat, size) {
        (_, None) => Err(FitError::MissingBank { stat, bank }),
        (_, Some(0)) => Err(FitError::EmptyBank { bank }),
        (Stat::TopMean { k }, Some(size)) if k > size => {
            Err(FitError::KExceedsBank { k, bank, size })
        }
        _ => Ok(()),
    }
}

/// The reference sets of one task.
#[derive(Debug, Clone, Copy, Default)]
pub struct Banks<'a> {
    /// Items of the query's modality.
    pub query: Option<Rows<'a>>,
    /// Items of the gallery's modality.
    pub gallery: Option<Rows<'a>>,
}

impl<'a> Banks<'a> {
    /// One of the two, if it is there.
    #[must_use]
    pub fn get(&self, bank: Bank) -> Option<Rows<'a>> {
        match bank {
            Bank::Query => self.query,
            Bank::Gallery => self.gallery,
        }
    }
}

/// How a pass over a bank is computed and watched; changes no result.
#[derive(Clone, Copy, Default)]
pub struct PassOptions<'a> {
    /// Sizes of the blocks.
    pub blocking: Blocking,
    /// Told the number of scores after each block, from several threads.
    pub progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl<'a> PassOptions<'a> {
    /// A scorer with these options.
    ///
    /// # Errors
    /// The dimensions differ.
    pub fn scorer(
        &self,
        rows: Rows<'a>,
        columns: Rows<'a>,
    ) -> Result<DotScorer<'a>, DimensionMismatch> {
        let scorer = DotScorer::new(rows, columns)?.with_blocking(self.blocking);
        Ok(match self.progress {
            Some(progress) => scorer.with_progress(progress),
            None => scorer,
        })
    }
}

/// Computed statistics: for each declared `(bank, stat)` one f64 a gallery item.
#[derive(Debug, Clone, PartialEq)]
pub struct BankStats {
    gallery: usize,
    values: BTreeMap<(Bank, Stat), Vec<f64>>,
}

impl BankStats {
    /// Computes all planned statistics: one pass over each bank for everything that reduces an item's row, and one more
    /// with the sides exchanged if a list of places is wanted.
    ///
    /// # Errors
    /// As [`StatPlan::check`]; and the dimensions of gallery and bank differ.
    pub fn collect(
        plan: &StatPlan,
        gallery: Rows<'_>,
        banks: Banks<'_>,
        options: PassOptions<'_>,
    ) -> Result<Self, FitError> {
        plan.check(banks.query.map(|b| b.len()), banks.gallery.map(|b| b.len()))?;
        let mut values = BTreeMap::new();
        for bank in [Bank::Query, Bank::Gallery] {
            let Some(rows) = banks.get(bank).filter(|_| plan.uses(bank)) else {
                continue;
            };
            let dimension = |_| FitError::Dimension {
                gallery: gallery.dim(),
                bank,
                other: rows.dim(),
            };
            let needs: Vec<Stat> = plan.iter().filter(|n| n.0 == bank).map(|n| n.1).collect();
            let item_major = options.scorer(gallery, rows).map_err(dimension)?;
            let bank_major = options.scorer(rows, gallery).map_err(dimension)?;
            let computed = reduce_items(&needs, &item_major)
                .into_iter()
                .chain(best_places(&needs, &bank_major));
            values.extend(computed.map(|(stat, column)| ((bank, stat), column)));
        }
        Ok(Self {
            gallery: gallery.len(),
            values,
        })
    }

    /// Puts stored statistics together again.
    ///
    /// # Panics
    /// A column is not of length `gallery`.
    #[must_use]
    pub fn from_columns(
        gallery: usize,
        columns: impl IntoIterator<Item = (Bank, Stat, Vec<f64>)>,
    ) -> Self {
        let values: BTreeMap<_, _> = columns
            .into_iter()
            .map(|(bank, stat, column)| ((bank, stat), column))
            .collect();
        assert!(values.values().all(|column| column.len() == gallery));
        Self { gallery, values }
    }

    /// Number of gallery items.
    #[must_use]
    pub fn gallery(&self) -> usize {
        self.gallery
    }

    /// One statistic, a value for every gallery item.
    ///
    /// # Errors
    /// The statistic was not in the plan: a method forgot to declare it.
    pub fn get(&self, bank: Bank, stat: Stat) -> Result<&[f64], FitError> {
        let column = self.values.get(&(bank, stat));
        column
            .map(Vec::as_slice)
            .ok_or(FitError::NotDeclared { stat, bank })
    }

    /// All statistics in a fixed order.
    pub fn columns(&self) -> impl Iterator<Item = (Bank, Stat, &[f64])> + '_ {
        self.values
            .iter()
            .map(|(&(bank, stat), column)| (bank, stat, column.as_slice()))
    }
}

/// Everything that reduces one gallery item's row of bank scores, in one pass.
fn reduce_items(needs: &[Stat], scorer: &DotScorer<'_>) -> Vec<(Stat, Vec<f64>)> {
    let needs: Vec<Stat> = needs
        .iter()
        .copied()
        .filter(|stat| !matches!(stat, Stat::BestPlace { .. }))
        .collect();
    if needs.is_empty() {
        return Vec::new();
    }
    let folds = screened_folds(&needs, scorer).unwrap_or_else(|| all_folds(&needs, scorer));
    let finished: Vec<Vec<f64>> = folds
        .into_iter()
        .map(|fold| fold.finish(&needs, scorer.columns()))
        .collect();
    let column = |index: usize| finished.iter().map(|row| row[index]).collect();
    needs
        .iter()
        .enumerate()
        .map(|(index, &stat)| (stat, column(index)))
        .collect()
}

/// Reductions of all scores of every item.
fn all_folds(needs: &[Stat], scorer: &DotScorer<'_>) -> Vec<ItemFold> {
    let mut folds: Vec<ItemFold> = (0..scorer.rows()).map(|_| ItemFold::new(needs)).collect();
    let mut sinks: Vec<_> = folds.iter_mut().map(|f| f as &mut dyn RowSink).collect();
    scorer.stream(Delivery::Pieces, 0, &mut sinks);
    folds
}

/// The same where nothing but top means is wanted and few scores decide them, or `None`.
#[cfg(target_arch = "x86_64")]
fn screened_folds(needs: &[Stat], scorer: &DotScorer<'_>) -> Option<Vec<ItemFold>> {
    let top_means = needs.iter().map(|need| match need {
        Stat::TopMean { k } => Some(*k),
        _ => None,
    });
    let k = top_means
        .collect::<Option<Vec<usize>>>()?
        .into_iter()
        .max()?;
    let found = screen::suits(k, scorer.columns()).then(|| screen::largest(k, scorer))??;
    let fold = |largest| ItemFold {
        largest,
        ..ItemFold::new(&[])
    };
    Some(found.into_iter().map(fold).collect())
}

#[cfg(not(target_arch = "x86_64"))]
fn screened_folds(_needs: &[Stat], _scorer: &DotScorer<'_>) -> Option<Vec<ItemFold>> {
    None
}

/// Running reductions of one gallery item.
struct ItemFold {
    largest: LargestScores,
    sum: Option<[f64; SUMS]>,
    exponentials: Exponentials,
}

impl ItemFold {
    fn new(needs: &[Stat]) -> Self {
        let (mut largest, mut sum, mut betas) = (0, None, Vec::new());
        for need in needs {
            match need {
                Stat::Mean => sum = Some([0.0; SUMS]),
                Stat::TopMean { k } => largest = largest.max(*k),
                Stat::LogMeanExp { beta } => betas.push(beta.get()),
                Stat::BestPlace { .. } => {}
            }
        }
        Self {
            largest: LargestScores::new(largest),
            sum,
            exponentials: Exponentials::new(betas),
        }
    }

    /// The values of `needs`, in their order.
    fn finish(self, needs: &[Stat], bank: usize) -> Vec<f64> {
        let descending = self.largest.into_descending();
        let mut logs = self.exponentials.finish(bank);
        let mut value = |need: &Stat| match need {
            Stat::TopMean { k } => mean(&descending[..*k]),
            Stat::LogMeanExp { .. } => logs.next().unwrap_or(f64::NAN),
            Stat::Mean | Stat::BestPlace { .. } => {
                self.sum.map_or(f64::NAN, |sums| total(&sums) / bank as f64)
            }
        };
        needs.iter().map(&mut value).collect()
    }
}

impl RowSink for ItemFold {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.largest.push(scores);
        if let Some(sums) = &mut self.sum {
            add_scores(scores, sums);
        }
        self.exponentials.push(scores);
    }
}

/// Running `sum exp(beta s)` for every `beta`, scaled by the largest score so far so that none overflows.
struct Exponentials {
    betas: Vec<f64>,
    shift: f32,
    sums: Vec<[f64; SUMS]>,
}

impl Exponentials {
    fn new(betas: Vec<f64>) -> Self {
        Self {
            shift: f32::NEG_INFINITY,
            sums: vec![[0.0; SUMS]; betas.len()],
            betas,
        }
    }

    fn push(&mut self, scores: &[f32]) {
        if self.betas.is_empty() {
            return;
        }
        for step in scores.chunks(STEP) {
            if any_above(step, self.shift) {
                self.rescale(step.iter().copied().fold(self.shift, f32::max));
            }
            let shift = f64::from(self.shift);
            // The exponential of what is missing in the last step is zero.
            let mut differences = [f64::NEG_INFINITY; STEP];
            for (difference, &score) in differences.iter_mut().zip(step) {
                *difference = f64::from(score) - shift;
            }
            add_exponentials(&differences, &self.betas, &mut self.sums);
        }
    }

    fn rescale(&mut self, shift: f32) {
        if self.shift.is_finite() {
            let difference = f64::from(self.shift) - f64::from(shift);
            for (beta, sums) in self.betas.iter().zip(&mut self.sums) {
                let [factor] = exp_nonpositive([beta * difference]);
                sums.iter_mut().for_each(|sum| *sum *= factor);
            }
        }
        self.shift = shift;
    }

    /// `ln((1/bank) sum exp(beta s))` for every `beta`.
    fn finish(self, bank: usize) -> impl Iterator<Item = f64> {
        let shift = f64::from(self.shift);
        let pairs = self.betas.into_iter().zip(self.sums);
        pairs.map(move |(beta, sums)| beta * shift + (total(&sums) / bank as f64).ln())
    }
}

fn total(sums: &[f64; SUMS]) -> f64 {
    sums.iter().sum()
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64
}

/// Bank rows ranked at a time: bounds the memory of their lists.
const BANK_ROWS: usize = 1 << 14;

/// Best places for every wanted depth, in one bank-major pass at the largest.
fn best_places(needs: &[Stat], bank_major: &DotScorer<'_>) -> Vec<(Stat, Vec<f64>)> {
    let wanted: Vec<(Stat, usize)> = needs
        .iter()
        .filter_map(|&stat| match stat {
            Stat::BestPlace { depth } => Some((stat, depth)),
            _ => None,
        })
        .collect();
    let Some(deepest) = wanted.iter().map(|w| w.1).max() else {
        return Vec::new();
    };
    let places = best_places_to(deepest, bank_major);
    let cut = |depth: usize| places.iter().map(|&p| p.min(depth + 1) as f64).collect();
    wanted
        .into_iter()
        .map(|(stat, depth)| (stat, cut(depth)))
        .collect()
}

fn best_places_to(depth: usize, bank_major: &DotScorer<'_>) -> Vec<usize> {
    let mut places = vec![depth + 1; bank_major.columns()];
    for first in (0..bank_major.rows()).step_by(BANK_ROWS) {
        let rows = BANK_ROWS.min(bank_major.rows() - first);
        let mut lists: Vec<BestOfRow> = (0..rows).map(|_| BestOfRow::new(depth)).collect();
        let mut sinks: Vec<_> = lists.iter_mut().map(|l| l as &mut dyn RowSink).collect();
        bank_major.stream(Delivery::WholeRows, first, &mut sinks);
        for list in &lists {
            for (place, &item) in (1..).zip(&list.items) {
                let best = &mut places[item as usize];
                *best = place.min(*best);
            }
        }
    }
    places
}

struct BestOfRow {
    depth: usize,
    items: Vec<u32>,
}

impl BestOfRow {
    fn new(depth: usize) -> Self {
        Self {
            depth,
            items: Vec::new(),
        }
    }
}

impl RowSink for BestOfRow {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.items = best_items(scores, self.depth);
    }
}
