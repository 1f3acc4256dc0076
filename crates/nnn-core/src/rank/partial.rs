//! What is known of a ranking from a part of the gallery, and how it adds up.

use super::count::{Asked, Tally, Target};
use super::found::QueryRanks;
use super::shard::ShardError;
use crate::topk::better_first;
use crate::{Rankings, Relevance, TieRule};

/// The largest gallery: twice a rank is held in 32 bits.
pub(super) const MOST_ITEMS: usize = i32::MAX as usize;

/// Of what sizes partial results are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// Where the targets of each query begin, and the number of all; a query has one, or as many as relevant items.
    pub(super) starts: Vec<usize>,
    pub(super) rules: usize,
    /// Biases of all rules: one each, or one a choice of its gate.
    pub(super) forms: usize,
    pub(super) ties: TieRule,
    /// Whether all relevant items of a query have their ranks, or only the best placed one.
    pub(super) all: bool,
    /// Gallery items that were seen.
    pub(super) items: usize,
}

impl Shape {
    pub(super) fn queries(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether the best raw item of a query decides anything.
    pub(super) fn is_gated(&self) -> bool {
        self.forms > self.rules
    }

    /// Takes in the shape of other queries with the same items.
    fn append(&mut self, other: &Self) {
        let last = self.starts[self.queries()];
        let starts = other.starts[1..].iter().map(|start| last + start);
        self.starts.extend(starts);
    }

    /// Takes in the shape of other items with the same queries.
    fn merge(&mut self, other: &Self) -> Result<(), ShardError> {
        let alike = Self {
            items: self.items,
            ..other.clone()
        };
        let items = self.items + other.items;
        if *self != alike || items > MOST_ITEMS {
            return Err(ShardError::Differ);
        }
        self.items = items;
        Ok(())
    }

    /// That all items of the gallery were seen.
    fn whole(&self, gallery: usize) -> Result<(), ShardError> {
        match self.items == gallery {
            true => Ok(()),
            false => Err(ShardError::Incomplete {
                items: self.items,
                gallery,
            }),
        }
    }
}

/// The best raw item of every query, and what each rule's gate makes of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Gates {
    pub(super) best: Vec<Target>,
    /// `(query, rule)`.
    pub(super) choices: Vec<u8>,
}

impl Gates {
    fn append(&mut self, other: Self) {
        self.best.extend(other.best);
        self.choices.extend(other.choices);
    }

    fn merge(&mut self, other: &Self, rules: usize) {
        for (query, best) in self.best.iter_mut().enumerate() {
            if better_first(&other.best[query], best).is_lt() {
                *best = other.best[query];
                let range = query * rules..(query + 1) * rules;
                self.choices[range.clone()].copy_from_slice(&other.choices[range]);
            }
        }
    }
}

/// The corrected scores that relevant items of some part of a gallery have, for every query and correction: those of several parts
/// [merge](Thresholds::merge) into what the items of each part are [counted](super::Shard::count) against.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    pub(super) shape: Shape,
    /// Query after query, `(form, width)` each; the item counts in the whole gallery.
    pub(super) targets: Vec<Target>,
    /// Only where a rule has a choice.
    pub(super) gates: Option<Gates>,
}

impl Thresholds {
    /// Those of no query.
    pub(super) fn none(shape: Shape) -> Self {
        Self {
            gates: shape.is_gated().then(Gates::default),
            targets: Vec::new(),
            shape,
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.shape.append(&other.shape);
        self.targets.extend(other.targets);
        if let (Some(gates), Some(others)) = (&mut self.gates, other.gates) {
            gates.append(others);
        }
    }

    /// Those of two parts of the gallery together, in either order.
    ///
    /// # Errors
    /// [`ShardError::Differ`]: they are not of the same queries, corrections and options.
    pub fn merge(mut self, other: &Self) -> Result<Self, ShardError> {
        if self.gates.is_some() != other.gates.is_some() {
            return Err(ShardError::Differ);
        }
        self.shape.merge(&other.shape)?;
        let later = self.shape.ties == TieRule::TrecEval;
        for (target, &other) in self.targets.iter_mut().zip(&other.targets) {
            let wins = match other.0 == target.0 {
                true => (other.1 > target.1) == later,
                false => other.0 > target.0,
            };
            if wins {
                *target = other;
            }
        }
        if let (Some(gates), Some(others)) = (&mut self.gates, &other.gates) {
            gates.merge(others, self.shape.rules);
        }
        Ok(self)
    }

    /// That they are of the whole of a gallery and of what a part counts.
    pub(super) fn fit(&self, part: &Shape, gallery: usize) -> Result<(), ShardError> {
        let alike = Shape {
            items: self.shape.items,
            ..part.clone()
        };
        match alike == self.shape {
            true => self.shape.whole(gallery),
            false => Err(ShardError::Differ),
        }
    }

    /// What a query is counted by.
    pub(super) fn of(&self, query: usize) -> Asked<'_> {
        let (from, to) = (self.shape.starts[query], self.shape.starts[query + 1]);
        let (forms, rules) = (self.shape.forms, self.shape.rules);
        let choices = self.gates.as_ref();
        Asked {
            relevant: &[],
            targets: &self.targets[from * forms..to * forms],
            choices: choices.map_or(&[], |gates| &gates.choices[query * rules..][..rules]),
        }
    }
}

/// How many items of some part of a gallery are above and beside the thresholds, and its best items: those of several parts
/// [merge](Counts::merge) into the ranking of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    pub(super) shape: Shape,
    /// Best items of every query and rule.
    pub(super) top_width: usize,
    /// Query after query, `(rule, width)` each.
    pub(super) tallies: Vec<Tally>,
    /// `(query, rule, top_width)`, best first, filled up with [`NO_ITEM`].
    pub(super) top: Vec<Target>,
}

/// After the last item of a list that is not full.
const NO_ITEM: Target = (f32::NEG_INFINITY, u32::MAX);

impl Counts {
    /// Those of no query.
    pub(super) fn none(shape: Shape, top_width: usize) -> Self {
        Self::gather(shape, top_width, Vec::new())
    }

    /// Puts what was counted of each query together.
    pub(super) fn gather(
        shape: Shape,
        top_width: usize,
        counted: Vec<(Vec<Tally>, Vec<Vec<Target>>)>,
    ) -> Self {
        let mut tallies = Vec::new();
        let mut top = Vec::with_capacity(counted.len() * shape.rules * top_width);
        for (some, lists) in counted {
            tallies.extend(some);
            for list in lists.iter().filter(|_| top_width > 0) {
                let end = top.len() + top_width;
                top.extend(list);
                top.resize(end, NO_ITEM);
            }
        }
        Self {
            shape,
            top_width,
            tallies,
            top,
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.shape.append(&other.shape);
        self.tallies.extend(other.tallies);
        self.top.extend(other.top);
    }

    /// Those of two parts of the gallery together, in either order.
    ///
    /// # Errors
    /// [`ShardError::Differ`]: they are not of the same queries, corrections and options.
    pub fn merge(mut self, other: &Self) -> Result<Self, ShardError> {
        if self.top_width != other.top_width {
            return Err(ShardError::Differ);
        }
        self.shape.merge(&other.shape)?;
        for (tally, other) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.greater += other.greater;
            tally.beside += other.beside;
        }
        let width = self.top_width.max(1);
        let mut both = Vec::with_capacity(2 * width);
        for (top, other) in self.top.chunks_mut(width).zip(other.top.chunks(width)) {
            both.clear();
            both.extend(top.iter().chain(other));
            both.sort_by(better_first);
            top.copy_from_slice(&both[..width]);
        }
        Ok(self)
    }

    /// The rankings of the whole gallery, one for each correction, in their order.
    ///
    /// # Errors
    /// [`ShardError::Incomplete`]: parts of the gallery are missing. [`ShardError::Differ`]: `relevance` is not what was ranked.
    pub fn finish(&self, relevance: &Relevance) -> Result<Vec<Rankings>, ShardError> {
        self.shape.whole(relevance.gallery())?;
        let (queries, all) = (relevance.queries(), self.shape.all);
        let width = |query: usize| if all { relevance.of(query).len() } else { 1 };
        let starts = &self.shape.starts;
        let alike = self.shape.queries() == queries
            && (0..queries).all(|query| starts[query + 1] - starts[query] == width(query))
            && (self.top.iter()).all(|item| (item.1 as usize) < relevance.gallery());
        if !alike {
            return Err(ShardError::Differ);
        }
        let (rules, top) = (self.shape.rules, self.top_width);
        let mut ranks: Vec<QueryRanks<'_>> = (0..queries)
            .map(|query| QueryRanks::new(relevance, query, all, rules, top))
            .collect();
        let places: Vec<usize> = (0..rules).collect();
        self.keep(&mut ranks, &places);
        let gathered = places
            .iter()
            .map(|&rule| QueryRanks::gather(&ranks, rule, relevance.gallery()));
        Ok(gathered.collect())
    }

    /// Writes the ranks and best items of some queries: those of rule `r` as of `places[r]`.
    pub(super) fn keep(&self, ranks: &mut [QueryRanks<'_>], places: &[usize]) {
        let (rules, top) = (self.shape.rules, self.top_width);
        for (query, ranks) in ranks.iter_mut().enumerate() {
            let (from, to) = (self.shape.starts[query], self.shape.starts[query + 1]);
            let tallies = self.tallies[from * rules..to * rules].chunks(to - from);
            for (&place, tallies) in places.iter().zip(tallies) {
                ranks.keep_ranks(place, tallies, self.shape.ties);
            }
            for (rule, &place) in places.iter().enumerate().filter(|_| top > 0) {
                let best = &self.top[(query * rules + rule) * top..][..top];
                ranks.keep_top(place, best.iter().map(|item| item.1));
            }
        }
    }
}
