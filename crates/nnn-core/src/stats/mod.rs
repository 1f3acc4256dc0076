//! Bank statistics: what the rows of a bank say about each gallery item, reduced to a few numbers per item.
//!
//! Where a statistic belongs:
//! - [`Stat`] holds what several methods share, and what has to be computed inside a pass of the core: everything that one
//!   fused pass reduces at once while the scores stream by (means of the largest, a deviation, log-mean-exps and the
//!   like), places in the lists of bank rows, moments of a bank, and Sinkhorn's potentials, which take rounds of passes
//!   that all temperatures share.
//! - [`NeighborStat`] is for what one method alone reads: any function of an item's nearest bank rows, up to all of them.
//!   It lives in the method's own crate, so that a new method needs no change here. The squared length of a centroid
//!   (`method-dissim`) and pooled vectors (`method-invgc`) are such.

mod bins;
mod exponentials;
mod items;
mod lists;
mod moments;
mod neighbors;
mod partial;
mod places;
mod potential;
mod softmax;
mod sums;

pub(crate) use bins::MOST_BYTES as MOST_HISTOGRAM_BYTES;
pub(crate) use items::ITEMS as HISTOGRAMS_AT_ONCE;
pub use lists::LargestLists;
pub(crate) use neighbors::LIST_BYTES;
pub use neighbors::{NeighborStat, Neighbors, OwnStat};
pub use partial::{BankPart, Partial, PartialError};
pub(crate) use potential::KEPT_BYTES as KEPT_SCORES;

use crate::score::{Blocking, DimensionMismatch, DotScorer};
use crate::{Device, Kernel, Param, Rows};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use thiserror::Error;

/// A set of items that a correction learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bank {
    /// Reference items of the query's modality: NNN's reference queries, QB-Norm's query bank.
    Query,
    /// Reference items of the gallery's modality: DBNorm's second bank.
    Gallery,
    /// The evaluated queries themselves: what reads them is transductive.
    Evaluated,
}

impl fmt::Display for Bank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Query => "query bank",
            Self::Gallery => "gallery bank",
            Self::Evaluated => "set of evaluated queries",
        })
    }
}

/// Numbers of each gallery item, computed from its similarities `s_1..s_M` to a bank of `M` rows `d_1..d_M`: one number
/// per item where nothing else is said.
///
/// A statistic that only one method reads need not be here: see [`NeighborStat`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stat {
    /// `(1/M) sum s_i`.
    Mean,
    /// Standard deviation `sqrt((1/M) sum s_i^2 - mean^2)`.
    Deviation,
    /// Mean of the `k` largest `s_i`, `1 <= k <= M`.
    TopMean {
        /// How many of the largest similarities count.
        k: usize,
    },
    /// The `k`-th largest `s_i`, `1 <= k <= M`.
    Kth {
        /// Place, from 1.
        k: usize,
    },
    /// Mean Euclidean distance to the `k` nearest bank rows: of `sqrt(2 - 2 s_i)` over the `k` largest `s_i`.
    TopDistance {
        /// How many of the nearest rows count.
        k: usize,
    },
    /// The `depth` largest `s_i` in descending order: `depth` numbers per item.
    Largest {
        /// How many, `1 <= depth <= M`.
        depth: usize,
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
    /// What a method crate brings itself, made by `into()` from its [`NeighborStat`].
    Own(OwnStat),
    /// Of the bank itself, not of any item: the mean `(1/M) sum d_i`, then the second moments `(1/M) sum d_i d_i^T`, row
    /// by row: `d + d * d` numbers. Of dimensions above [`Stat::MOST_MOMENTS`] there are none.
    Moments,
    /// Of the bank itself, not of any item: the mean `(1/M) sum d_i` alone, `d` numbers.
    Centroid,
    /// `tau ln u` of Sinkhorn's scaling `diag(u) exp((S - 1) / tau) diag(v)` of the similarities of items to bank rows, with
    /// uniform marginals, after so many rounds of `v`, then `u`, from `u = 1`; see [`BankStats::collect`].
    Potential {
        /// Temperature, above 0; above `2^24` it counts as `2^24`.
        tau: Param,
        /// Rounds, at least 1.
        iterations: usize,
        /// Whether the rows of the gallery bank stand beside the gallery's items in the scaled matrix.
        stacked: bool,
    },
}

impl Stat {
    /// The largest dimension of which second moments are computed. Twice as many numbers as they have, in f64, are 4 GiB
    /// there, and a decomposition of them takes hours; beyond it a slip in a dimension would take all of a machine's memory.
    pub const MOST_MOMENTS: usize = 1 << 14;

    /// Numbers that the statistic has for `gallery` items of dimension `dim`.
    #[must_use]
    pub fn len(&self, gallery: usize, dim: usize) -> usize {
        match self {
            Self::Largest { depth } => gallery * depth,
            Self::Own(own) => gallery * own.numbers(dim),
            Self::Moments => dim + dim * dim,
            Self::Centroid => dim,
            _ => gallery,
        }
    }

    /// Whether it reads more of a bank than its similarities to the gallery, which may be all that is known of it
    /// ([`Embeddings::similarities`](crate::Embeddings::similarities)).
    #[must_use]
    pub fn reads_vectors(&self) -> bool {
        match self {
            Self::Moments | Self::Centroid => true,
            Self::Own(own) => own.reads_vectors(),
            Self::Potential { stacked, .. } => *stacked,
            _ => false,
        }
    }

    /// Whether it can be computed from parts of a bank, one by one: see [`Partial`].
    #[must_use]
    pub fn merges(&self) -> bool {
        self.why_whole().is_none()
    }

    /// What keeps it from being computed from parts of a bank.
    fn why_whole(&self) -> Option<&'static str> {
        match self {
            Self::BestPlace { .. } => Some("an item's place depends on all other items"),
            Self::Potential { .. } => Some("every round reads the whole bank and all items"),
            Self::Own(_) => Some("it may read the vectors of all of its rows"),
            _ => None,
        }
    }

    /// How many rows of a bank of `bank` rows the statistic cannot do without.
    fn rows_needed(&self, bank: usize) -> usize {
        match *self {
            Self::TopMean { k } | Self::Kth { k } | Self::TopDistance { k } => k,
            Self::Largest { depth: k } => k,
            Self::Own(ref own) => own.neighbors(bank),
            _ => 1,
        }
    }

    /// Whether its own numbers make sense.
    fn is_valid(&self) -> bool {
        match *self {
            Self::LogMeanExp { beta } => beta.get() > 0.0,
            Self::Potential {
                tau, iterations, ..
            } => tau.get() > 0.0 && iterations > 0,
            Self::BestPlace { depth } => depth > 0,
            Self::Own(ref own) => own.is_valid() && own.neighbors(1) > 0,
            _ => self.rows_needed(1) > 0,
        }
    }
}

impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Deviation => f.write_str("deviation"),
            Self::TopMean { k } => write!(f, "top_mean(k={k})"),
            Self::Kth { k } => write!(f, "kth(k={k})"),
            Self::TopDistance { k } => write!(f, "top_distance(k={k})"),
            Self::Largest { depth } => write!(f, "largest(depth={depth})"),
            Self::LogMeanExp { beta } => write!(f, "log_mean_exp(beta={beta})"),
            Self::BestPlace { depth } => write!(f, "best_place(depth={depth})"),
            Self::Own(own) => own.fmt(f),
            Self::Moments => f.write_str("moments"),
            Self::Centroid => f.write_str("centroid"),
            Self::Potential {
                tau,
                iterations,
                stacked,
            } => write!(
                f,
                "potential(tau={tau},iterations={iterations},stacked={stacked})"
            ),
        }
    }
}

/// Why statistics or a fitted method cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FitError {
    /// A statistic needs a bank that there is none of.
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
    #[error(
        "{parameter} = {k} is larger than the {bank}, which has {size} item{}",
        if *size == 1 { "" } else { "s" }
    )]
    KExceedsBank {
        /// The parameter that it is: `k` or `depth`.
        parameter: &'static str,
        /// The `k` asked for.
        k: usize,
        /// The bank.
        bank: Bank,
        /// Its number of rows.
        size: usize,
    },
    /// A count of directions asks for more than the vectors have; it is never clamped.
    #[error("{asked} directions are asked for, but the vectors have dimension {dim}")]
    BeyondDimension {
        /// The count asked for.
        asked: usize,
        /// The dimension.
        dim: usize,
    },
    /// Second moments are a matrix of dimension times dimension, which does not fit.
    #[error(
        "second moments of the {bank} are asked for, a matrix of dimension x dimension; the vectors have dimension {dim}, and \
         the largest that is allowed is {}",
        Stat::MOST_MOMENTS
    )]
    MomentsDimension {
        /// The bank.
        bank: Bank,
        /// The dimension.
        dim: usize,
    },
    /// A statistic's own numbers make no sense.
    #[error("{stat} is out of range: counts start at 1, temperatures and shares above 0")]
    OutOfRange {
        /// The statistic.
        stat: Stat,
    },
    /// A temperature is so small that every weight of an item vanishes.
    #[error(
        "{stat}: the weights of item {item} underflow; tau is too small for these similarities"
    )]
    Underflow {
        /// The statistic.
        stat: Stat,
        /// The item's place in the gallery; from the gallery's length on, in the gallery bank stacked below it.
        item: usize,
    },
    /// A statistic is to be computed from parts of a bank, and cannot be.
    #[error("{stat} cannot be computed from parts of the {bank}, as {why}; give it the whole bank")]
    DoesNotMerge {
        /// The statistic.
        stat: Stat,
        /// Its bank.
        bank: Bank,
        /// What it reads.
        why: &'static str,
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

impl<S: Into<Stat>> FromIterator<(Bank, S)> for StatPlan {
    fn from_iter<I: IntoIterator<Item = (Bank, S)>>(needs: I) -> Self {
        let needs = needs.into_iter();
        Self(needs.map(|(bank, stat)| (bank, stat.into())).collect())
    }
}

impl StatPlan {
    /// Declares a need; repeating one costs nothing.
    pub fn need(&mut self, bank: Bank, stat: impl Into<Stat>) {
        self.0.insert((bank, stat.into()));
    }

    /// All needs in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Bank, &Stat)> {
        self.0.iter().map(|(bank, stat)| (*bank, stat))
    }

    /// What is read of one bank.
    fn of_bank(&self, bank: Bank) -> Vec<Stat> {
        let own = self.iter().filter(|need| need.0 == bank);
        own.map(|need| need.1.clone()).collect()
    }

    /// Whether nothing is needed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any statistic reads this bank.
    #[must_use]
    pub fn uses(&self, bank: Bank) -> bool {
        self.iter().any(|need| banks_of(need).contains(&Some(bank)))
    }

    /// Checks the needs against the sizes of the banks before anything is computed.
    ///
    /// # Errors
    /// A needed bank is missing or empty, a `k` exceeds it, or a number of a statistic is out of range.
    pub fn check(&self, sizes: BankSizes) -> Result<(), FitError> {
        for need in self.iter() {
            for bank in banks_of(need).into_iter().flatten() {
                check_need(bank, need.1, sizes.get(bank))?;
            }
        }
        Ok(())
    }

    /// Checks the needs against the dimension of the vectors before anything is computed.
    ///
    /// # Errors
    /// [`FitError::MomentsDimension`]: second moments of too large a dimension.
    pub fn check_dim(&self, dim: usize) -> Result<(), FitError> {
        let moments = self.iter().find(|(_, stat)| **stat == Stat::Moments);
        match moments.filter(|_| dim > Stat::MOST_MOMENTS) {
            Some((bank, _)) => Err(FitError::MomentsDimension { bank, dim }),
            None => Ok(()),
        }
    }
}

impl StatPlan {
    /// Checks that all of it can be computed from parts of the banks, one by one: see [`Partial`].
    ///
    /// # Errors
    /// [`FitError::DoesNotMerge`] for the first need that cannot.
    pub fn merges(&self) -> Result<(), FitError> {
        let whole = self.iter().find_map(|(bank, stat)| {
            let why = stat.why_whole()?;
            let stat = stat.clone();
            Some(FitError::DoesNotMerge { stat, bank, why })
        });
        whole.map_or(Ok(()), Err)
    }

    /// How many scores [`BankStats::collect`] computes for `gallery` items: what its progress counts up to.
    #[must_use]
    pub fn scores(&self, gallery: usize, sizes: BankSizes) -> u64 {
        let of = |bank: Bank| {
            let needs = self.of_bank(bank);
            let once = |wanted: fn(&Stat) -> bool| usize::from(needs.iter().any(wanted));
            let passes = once(items::is_reduction)
                + once(|stat| matches!(stat, Stat::BestPlace { .. }))
                + once(|stat| matches!(stat, Stat::Own(_)));
            let rounds = |stacked: bool| potential::rounds(&needs, stacked);
            let beside = gallery + sizes.gallery.unwrap_or(0);
            sizes.get(bank).unwrap_or(0)
                * (gallery * (passes + rounds(false)) + beside * rounds(true))
        };
        let banks = [Bank::Query, Bank::Gallery, Bank::Evaluated];
        banks.map(|bank| of(bank) as u64).iter().sum()
    }
}

/// The banks that a statistic reads.
fn banks_of((bank, stat): (Bank, &Stat)) -> [Option<Bank>; 2] {
    let stacked = matches!(stat, Stat::Potential { stacked: true, .. });
    [Some(bank), stacked.then_some(Bank::Gallery)]
}

fn check_need(bank: Bank, stat: &Stat, size: Option<usize>) -> Result<(), FitError> {
    let named = || stat.clone();
    if !stat.is_valid() {
        return Err(FitError::OutOfRange { stat: named() });
    }
    match size {
        None => Err(FitError::MissingBank {
            stat: named(),
            bank,
        }),
        Some(0) => Err(FitError::EmptyBank { bank }),
        Some(size) => match stat.rows_needed(size) {
            k if k > size => Err(FitError::KExceedsBank {
                parameter: match stat {
                    Stat::Largest { .. } => "depth",
                    _ => "k",
                },
                k,
                bank,
                size,
            }),
            _ => Ok(()),
        },
    }
}

/// Numbers of rows; `None`: there is no such bank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BankSizes {
    /// Of the query bank.
    pub query: Option<usize>,
    /// Of the gallery bank.
    pub gallery: Option<usize>,
    /// Of the evaluated queries.
    pub evaluated: Option<usize>,
}

impl BankSizes {
    fn get(self, bank: Bank) -> Option<usize> {
        match bank {
            Bank::Query => self.query,
            Bank::Gallery => self.gallery,
            Bank::Evaluated => self.evaluated,
        }
    }
}

/// The sets that corrections may learn from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Banks<'a> {
    /// Items of the query's modality.
    pub query: Option<Rows<'a>>,
    /// Items of the gallery's modality.
    pub gallery: Option<Rows<'a>>,
    /// The evaluated queries, for transductive methods.
    pub evaluated: Option<Rows<'a>>,
}

impl<'a> Banks<'a> {
    /// One of them, if it is there.
    #[must_use]
    pub fn get(&self, bank: Bank) -> Option<Rows<'a>> {
        match bank {
            Bank::Query => self.query,
            Bank::Gallery => self.gallery,
            Bank::Evaluated => self.evaluated,
        }
    }

    fn sizes(&self) -> BankSizes {
        let size = |rows: Option<Rows<'_>>| rows.map(|rows| rows.len());
        BankSizes {
            query: size(self.query),
            gallery: size(self.gallery),
            evaluated: size(self.evaluated),
        }
    }
}

/// How a pass over a bank is computed and watched; changes no result.
#[derive(Clone, Copy, Default)]
pub struct PassOptions<'a> {
    /// Sizes of the blocks.
    pub blocking: Blocking,
    /// Told the number of scores after each block, from several threads, and 0 before a block is begun: what unwinds there ends the pass
    /// without computing the others.
    pub progress: Option<&'a (dyn Fn(u64) + Sync)>,
    /// What computes the products.
    pub kernel: Kernel,
    /// What tells which scores cannot matter, faster than this processor does.
    pub device: Option<&'a dyn Device>,
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
        let scorer = DotScorer::new(rows, columns)?;
        let mut scorer = scorer.with_blocking(self.blocking).with_kernel(self.kernel);
        if let Some(device) = self.device {
            scorer = scorer.with_device(device);
        }
        if let Some(progress) = self.progress {
            scorer = scorer.with_progress(progress);
        }
        Ok(scorer)
    }
}

/// Computed statistics: for each declared `(bank, stat)` its numbers, item by item.
#[derive(Debug, Clone, PartialEq)]
pub struct BankStats {
    gallery: usize,
    banks: BankSizes,
    values: BTreeMap<(Bank, Stat), Vec<f64>>,
}

impl BankStats {
    /// Computes all planned statistics: one pass over each bank for everything that reduces an item's row, one more with
    /// the sides exchanged if a list of places is wanted, one for statistics of neighbours, and for potentials one per round.
    ///
    /// Numbers of an item depend on that item and the banks alone, whatever other items there are, but for
    /// [`Stat::BestPlace`] and [`Stat::Potential`]: so a gallery may come in any number of parts. For a bank in parts there is
    /// [`Partial`].
    ///
    /// # Errors
    /// As [`StatPlan::check`]; the dimensions of gallery and bank differ; or a temperature is too small.
    pub fn collect(
        plan: &StatPlan,
        gallery: Rows<'_>,
        banks: Banks<'_>,
        options: PassOptions<'_>,
    ) -> Result<Self, FitError> {
        Self::collect_in(sums::CHUNK, plan, gallery, banks, options)
    }

    /// The same in chunks of another size.
    fn collect_in(
        chunk: usize,
        plan: &StatPlan,
        gallery: Rows<'_>,
        banks: Banks<'_>,
        options: PassOptions<'_>,
    ) -> Result<Self, FitError> {
        plan.check(banks.sizes())?;
        plan.check_dim(gallery.dim())?;
        let mut values = BTreeMap::new();
        for bank in [Bank::Query, Bank::Gallery, Bank::Evaluated] {
            let Some(rows) = banks.get(bank).filter(|_| plan.uses(bank)) else {
                continue;
            };
            let dimension = |_| FitError::Dimension {
                gallery: gallery.dim(),
                bank,
                other: rows.dim(),
            };
            let needs = plan.of_bank(bank);
            let item_major = options.scorer(gallery, rows).map_err(dimension)?;
            let bank_major = options.scorer(rows, gallery).map_err(dimension)?;
            let mut computed = items::reduce_items(&needs, &item_major, chunk);
            computed.extend(places::best_places(&needs, &bank_major));
            computed.extend(neighbors::neighbor_stats(&needs, &item_major));
            computed.extend(moments::moments(&needs, &item_major, chunk));
            computed.extend(potential::potentials(&needs, &bank_major, banks.gallery)?);
            values.extend(
                computed
                    .into_iter()
                    .map(|(stat, column)| ((bank, stat), column)),
            );
        }
        Ok(Self {
            gallery: gallery.len(),
            banks: banks.sizes(),
            values,
        })
    }

    /// The same statistics with one of one number per item, computed elsewhere, added or put in place of the one there.
    ///
    /// # Panics
    /// `column` does not have a number for every gallery item.
    #[must_use]
    pub fn with_column(mut self, bank: Bank, stat: impl Into<Stat>, column: Vec<f64>) -> Self {
        assert_eq!(column.len(), self.gallery, "a number for every item");
        self.values.insert((bank, stat.into()), column);
        self
    }

    /// Number of gallery items.
    #[must_use]
    pub fn gallery(&self) -> usize {
        self.gallery
    }

    /// Number of rows of a bank, where there is one: what turns a count of them into a share.
    #[must_use]
    pub fn bank(&self, bank: Bank) -> Option<usize> {
        self.banks.get(bank)
    }

    /// One statistic: its numbers for every gallery item, item by item.
    ///
    /// # Errors
    /// The statistic was not in the plan: a method forgot to declare it.
    pub fn get(&self, bank: Bank, stat: impl Into<Stat>) -> Result<&[f64], FitError> {
        let need = (bank, stat.into());
        match self.values.get(&need) {
            Some(column) => Ok(column),
            None => Err(FitError::NotDeclared { stat: need.1, bank }),
        }
    }

    /// All statistics in a fixed order.
    pub fn columns(&self) -> impl Iterator<Item = (Bank, &Stat, &[f64])> {
        self.values
            .iter()
            .map(|((bank, stat), column)| (*bank, stat, column.as_slice()))
    }
}
