//! Some queries against a part of the gallery, or all of it.

use super::count::QueryCount;
use super::partial::{Counts, Gates, Shape, Thresholds};
use super::plan::Plan;
use super::rule::Rule;
use super::tally::{Asked, Target, within};
use crate::bounded::Bounded;
use crate::score::{DotScorer, Scorer, Tile};
use crate::topk::BestItems;
use crate::{Relevance, TieRule, screen};
use rayon::prelude::*;

/// What no item of a part has.
const NONE: Target = (f32::NEG_INFINITY, u32::MAX);

#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) plan: &'a Plan<'a>,
    /// Some queries, and the items of the part.
    pub(super) scorer: DotScorer<'a>,
    /// Of all queries, in the whole gallery.
    pub(super) relevance: &'a Relevance,
    /// Places of the first query and the first item among all.
    pub(super) first_query: usize,
    pub(super) first_item: usize,
}

impl<'a> Part<'a> {
    /// Calls something with as many queries at a time as are counted together, and with their places.
    pub(super) fn each(&self, mut take: impl FnMut(Self)) {
        let queries = self.scorer.rows();
        let most = self.plan.queries_at_once(self.relevance.gallery());
        let at_once = queries.div_ceil(queries.div_ceil(most).max(1)).max(1);
        for start in (0..queries).step_by(at_once) {
            let rows = self.scorer.row_vectors();
            let rows = rows.slice(start..queries.min(start + at_once));
            take(Self {
                scorer: self.scorer.over(rows, self.scorer.column_vectors()),
                first_query: self.first_query + start,
                ..*self
            });
        }
    }

    fn relevant(&self, query: usize) -> &'a [u32] {
        self.relevance.of(self.first_query + query)
    }

    /// How many targets a query has under each rule.
    fn width(&self, query: usize) -> usize {
        match self.plan.several {
            true => self.relevant(query).len(),
            false => 1,
        }
    }

    fn shape(&self) -> Shape {
        self.shape_of(self.scorer.rows())
    }

    /// Best items that are kept of every query and rule.
    pub(super) fn top_width(&self) -> usize {
        self.plan.options.top.min(self.relevance.gallery())
    }

    /// The shape of what is known of the first queries.
    pub(super) fn shape_of(&self, queries: usize) -> Shape {
        let mut starts = vec![0];
        for query in 0..queries {
            starts.push(starts[query] + self.width(query));
        }
        Shape {
            starts,
            rules: self.plan.rules.len(),
            forms: self.plan.all_forms(),
            ties: self.plan.options.ties,
            all: self.plan.options.all_relevant,
            items: self.scorer.columns(),
        }
    }

    /// The corrected scores of the relevant items of this part.
    pub(super) fn thresholds(&self) -> Thresholds {
        let queries = (0..self.scorer.rows()).into_par_iter();
        let targets: Vec<Vec<Target>> = queries.map(|query| self.targets(query)).collect();
        let shape = self.shape();
        Thresholds {
            gates: shape.is_gated().then(|| self.gates()),
            targets: targets.concat(),
            shape,
        }
    }

    /// `(form, width)`.
    fn targets(&self, query: usize) -> Vec<Target> {
        let (first, width) = (self.first_item as u32, self.width(query));
        let here = within(self.relevant(query), first, self.scorer.columns());
        let items: Vec<u32> = self.relevant(query)[here.clone()]
            .iter()
            .map(|item| item - first)
            .collect();
        let scores = self.scorer.pairs(query, &items);
        let mut targets = vec![NONE; self.plan.all_forms() * width];
        if items.is_empty() {
            return targets;
        }
        match self.plan.several {
            true => self.each_target(&scores, &items, width, here.start, &mut targets),
            false => self.best_targets(&scores, &items, &mut targets),
        }
        for target in targets.iter_mut().filter(|target| target.1 != u32::MAX) {
            target.1 += first;
        }
        targets
    }

    fn each_target(
        &self,
        scores: &[f32],
        items: &[u32],
        width: usize,
        from: usize,
        targets: &mut [Target],
    ) {
        let biases = self.plan.rules.iter().flat_map(|rule| rule.biases());
        for (bias, targets) in biases.zip(targets.chunks_mut(width)) {
            for ((target, score), &item) in targets[from..].iter_mut().zip(scores).zip(items) {
                *target = (score - bias.values()[item as usize], item);
            }
        }
    }

    fn best_targets(&self, scores: &[f32], items: &[u32], targets: &mut [Target]) {
        let (plan, last) = (self.plan, self.plan.options.ties == TieRule::TrecEval);
        for batch in &plan.batches {
            for (choice, pack) in batch.packs.iter().enumerate() {
                let best = pack.best(scores, items, last);
                for (&rule, best) in batch.rules.iter().zip(best) {
                    targets[plan.forms[rule] + choice] = best;
                }
            }
        }
        for &rule in &plan.alone {
            for (choice, bias) in plan.rules[rule].biases().iter().enumerate() {
                let pairs = scores.iter().zip(items);
                let corrected = pairs.map(|(s, &item)| (s - bias.values()[item as usize], item));
                let better = |best: Target, next: Target| match next.0 > best.0
                    || last && next.0 == best.0
                {
                    true => next,
                    false => best,
                };
                targets[plan.forms[rule] + choice] = corrected.fold(NONE, better);
            }
        }
    }

    /// The best raw item of every query, and what each gate makes of it; nothing, where the part has no item.
    fn gates(&self) -> Gates {
        let mut best = best_raw(&self.scorer.quiet());
        let choice = |rule: &Rule<'_>, best: &Target| match *best == NONE {
            true => 0,
            false => rule.choice(best.1) as u8,
        };
        let choices = best.iter().flat_map(|best| {
            let rules = self.plan.rules.iter();
            rules.map(move |rule| choice(rule, best))
        });
        let choices = choices.collect();
        for best in best.iter_mut().filter(|best| **best != NONE) {
            best.1 += self.first_item as u32;
        }
        Gates { best, choices }
    }

    /// Counts what is above and beside the thresholds, those from `first` on.
    pub(super) fn count(&self, thresholds: &Thresholds, first: usize) -> Counts {
        let queries = 0..self.scorer.rows();
        let begin = |query: usize| {
            let asked = thresholds.of(first + query);
            let relevant = self.relevant(query);
            QueryCount::new(self.plan, self.first_item, Asked { relevant, ..asked })
        };
        let mut counts: Vec<QueryCount<'_>> = queries.into_par_iter().map(begin).collect();
        let add = |counts: &mut [QueryCount<'_>], tile: Tile<'_>| add_tile(self.plan, counts, tile);
        match Bounded::new(self.scorer) {
            Some(bounded) => bounded.tiles(&mut counts, add),
            None => self.scorer.tiles(0, &mut counts, add),
        }
        let finished: Vec<_> = counts.into_par_iter().map(QueryCount::finish).collect();
        Counts::gather(self.shape(), self.top_width(), finished)
    }
}

/// The best item of every row and its score; [`NONE`] where there is no column.
fn best_raw(scorer: &DotScorer<'_>) -> Vec<Target> {
    let found = screen::best(1, scorer).unwrap_or_else(|| {
        let mut best: Vec<BestItems> = (0..scorer.rows()).map(|_| BestItems::new(1)).collect();
        scorer.tiles(0, &mut best, |best, mut tile| {
            for (row, best) in best.iter_mut().enumerate() {
                best.push(tile.first as u32, tile.row(row));
            }
        });
        best.into_iter().map(BestItems::into_best).collect()
    });
    let first = |best: Vec<Target>| best.first().copied().unwrap_or(NONE);
    found.into_iter().map(first).collect()
}

/// Biases outside, queries inside, so that biases fetched for one query serve the others.
fn add_tile(plan: &Plan<'_>, counts: &mut [QueryCount<'_>], mut tile: Tile<'_>) {
    let mut near = Vec::new();
    let alone = counts.iter().map(QueryCount::alone).max().unwrap_or(0);
    if plan.options.top > 0 {
        let mut corrected = Vec::new();
        for batch in 0..plan.batches.len() {
            for (row, count) in counts.iter_mut().enumerate() {
                count.keep(batch, &mut tile.line(row), &mut near);
            }
        }
        for place in 0..alone {
            for (row, count) in counts.iter_mut().enumerate() {
                count.keep_alone(place, &mut tile.line(row), &mut corrected, &mut near);
            }
        }
    }
    for (row, count) in counts.iter().enumerate() {
        count.hide(&mut tile.line(row));
    }
    for batch in 0..plan.batches.len() {
        for (row, count) in counts.iter_mut().enumerate() {
            count.add(batch, &mut tile.line(row), &mut near);
        }
    }
    for place in 0..alone {
        for (row, count) in counts.iter_mut().enumerate() {
            count.add_alone(place, &mut tile.line(row), &mut near);
        }
    }
}
