//! Ranking: one pass over the queries serves any number of fitted methods.

use crate::dispatch::dispatched;
use crate::score::{Delivery, RowSink, Scorer};
use crate::topk::best_items;
use crate::{Fitted, GalleryBias, Rankings, Relevance, TieRule};

/// What a ranking pass is to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankOptions {
    /// Ranks of items of equal score.
    pub ties: TieRule,
    /// How many best items are kept for each query; 0 keeps none and is fastest.
    pub top: usize,
    /// Ranks of all relevant items, not only of the best placed one.
    pub all_relevant: bool,
}

/// Ranks the gallery for every query with every method: `scorer` is `(query, gallery)`, the result has one
/// [`Rankings`] for each of `methods`, in their order.
///
/// Scores are computed once; an additive method is ranked by counting, without a copy of the row.
///
/// # Panics
/// `relevance` was not made for the queries and gallery of `scorer`.
#[must_use]
pub fn rank(
    scorer: &dyn Scorer,
    relevance: &Relevance,
    methods: &[&dyn Fitted],
    options: RankOptions,
) -> Vec<Rankings> {
    assert_eq!(
        scorer.rows(),
        relevance.queries(),
        "one list of relevant items a query"
    );
    assert_eq!(
        scorer.columns(),
        relevance.gallery(),
        "lists made for this gallery"
    );
    let zero = GalleryBias::zero(scorer.columns());
    let plan = RankPlan {
        methods,
        zero: &zero,
        options,
    };
    let mut queries: Vec<QueryRanks> = (0..scorer.rows())
        .map(|query| QueryRanks {
            plan: &plan,
            relevant: relevance.of(query),
            results: Vec::with_capacity(methods.len()),
        })
        .collect();
    let mut sinks: Vec<_> = queries.iter_mut().map(|q| q as &mut dyn RowSink).collect();
    scorer.stream(Delivery::WholeRows, 0, &mut sinks);
    transpose(queries, methods.len(), scorer.columns())
}

struct RankPlan<'a> {
    methods: &'a [&'a dyn Fitted],
    zero: &'a GalleryBias,
    options: RankOptions,
}

/// One query's ranks and best items under every method.
struct QueryRanks<'a> {
    plan: &'a RankPlan<'a>,
    relevant: &'a [u32],
    results: Vec<(Vec<f64>, Vec<u32>)>,
}

impl RowSink for QueryRanks<'_> {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        let mut scratch = Vec::new();
        for method in self.plan.methods {
            let result = match method.additive() {
                Some(bias) => self.measure(scores, bias, &mut scratch),
                None => {
                    let mut row = scores.to_vec();
                    method.apply(&mut row);
                    self.measure(&row, self.plan.zero, &mut scratch)
                }
            };
            self.results.push(result);
        }
    }
}

impl QueryRanks<'_> {
    /// Ranks and best items of `row - bias`.
    fn measure(
        &self,
        row: &[f32],
        bias: &GalleryBias,
        scratch: &mut Vec<f32>,
    ) -> (Vec<f64>, Vec<u32>) {
        let options = self.plan.options;
        let mut ranks: Vec<f64> = self
            .candidates(row, bias)
            .map(|item| rank_of(row, bias.values(), item as usize, options.ties))
            .collect();
        if !options.all_relevant {
            ranks.sort_unstable_by(f64::total_cmp);
            ranks.truncate(1);
        }
        if options.top == 0 {
            return (ranks, Vec::new());
        }
        scratch.clear();
        scratch.extend(
            row.iter()
                .zip(bias.values())
                .map(|(score, bias)| score - bias),
        );
        (ranks, best_items(scratch, options.top))
    }

    /// The relevant items whose rank must be counted: all, or those that share the best score, as no other can be first.
    fn candidates(&self, row: &[f32], bias: &GalleryBias) -> impl Iterator<Item = u32> {
        let score = move |item: u32| row[item as usize] - bias.values()[item as usize];
        let scores = self.relevant.iter().map(|&item| score(item));
        let best = scores.fold(f32::NEG_INFINITY, f32::max);
        let all = self.plan.options.all_relevant;
        self.relevant
            .iter()
            .copied()
            .filter(move |&item| all || score(item) == best)
    }
}

/// The rank of one item by counting what is above it.
fn rank_of(row: &[f32], bias: &[f32], item: usize, ties: TieRule) -> f64 {
    let score = row[item] - bias[item];
    let (greater, equal) = count(row, bias, score);
    let (greater, equal) = (greater as usize, equal as usize - 1);
    if equal == 0 {
        return ties.rank(greater, 0, 0);
    }
    let before = count(&row[..item], &bias[..item], score).1 as usize;
    ties.rank(greater, before, equal - before)
}

dispatched! {
    /// How many of `row - bias` are above `score`, and how many equal it.
    pub(crate) fn count(row: &[f32], bias: &[f32], score: f32) -> (u32, u32) {
        let (mut greater, mut equal) = (0u32, 0u32);
        for (value, bias) in row.iter().zip(bias) {
            let corrected = value - bias;
            greater += u32::from(corrected > score);
            equal += u32::from(corrected == score);
        }
        (greater, equal)
    }
}

/// From one list a query to one [`Rankings`] a method.
fn transpose(queries: Vec<QueryRanks<'_>>, methods: usize, gallery: usize) -> Vec<Rankings> {
    let mut columns: Vec<(Vec<_>, Vec<_>)> = (0..methods).map(|_| Default::default()).collect();
    for query in queries {
        for ((ranks, top), result) in columns.iter_mut().zip(query.results) {
            ranks.push(result.0);
            top.push(result.1);
        }
    }
    columns
        .into_iter()
        .map(|(ranks, top)| Rankings::new(gallery, ranks, top))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_equal_those_of_a_sorted_list(
            row in prop::collection::vec((-4i8..4).prop_map(|v| f32::from(v) / 4.0), 1..100),
            seed in 0usize..100,
        ) {
            let bias: Vec<f32> = (0..row.len()).map(|i| ((i * 7 + seed) % 3) as f32 / 4.0).collect();
            let item = seed % row.len();
            let mut order: Vec<usize> = (0..row.len()).collect();
            let score = |i: usize| row[i] - bias[i];
            order.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
            let place = |order: &[usize]| order.iter().position(|&i| i == item).expect("listed") as f64 + 1.0;
            prop_assert_eq!(rank_of(&row, &bias, item, TieRule::Index), place(&order));
            order.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(b.cmp(&a)));
            prop_assert_eq!(rank_of(&row, &bias, item, TieRule::TrecEval), place(&order));
            let index = rank_of(&row, &bias, item, TieRule::Index);
            let trec = rank_of(&row, &bias, item, TieRule::TrecEval);
            prop_assert_eq!(rank_of(&row, &bias, item, TieRule::Average), (index + trec) / 2.0);
            let first = order.iter().filter(|&&i| score(i) > score(item)).count() as f64 + 1.0;
            prop_assert_eq!(rank_of(&row, &bias, item, TieRule::Optimistic), first);
        }
    }
}
