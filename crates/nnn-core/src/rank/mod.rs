//! Ranking: one pass over the queries serves any number of fitted corrections.

mod batch;

use crate::dispatch::dispatched;
use crate::score::{Delivery, DotScorer, Keep, RowSink, Scorer};
use crate::topk::best_items;
use crate::{Fitted, GalleryBias, MovedVectors, Rankings, Relevance, TieRule};
use batch::{Batch, Row, Standing};
use rayon::prelude::*;

/// What a ranking pass is to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankOptions {
    /// Ranks of items of equal score.
    pub ties: TieRule,
    /// How many best items are kept for each query; 0 keeps none and is fastest.
    pub top: usize,
    /// Ranks of all relevant items, not only of the best placed one.
    pub all_relevant: bool,
    /// Ranks above this need not be told apart: any number above it may stand for them. Fewer items are looked at then.
    pub depth: Option<usize>,
}

impl RankOptions {
    /// Ranks above this are not told apart.
    fn most(&self) -> u32 {
        let depth = self.depth.and_then(|depth| u32::try_from(depth).ok());
        depth.unwrap_or(u32::MAX)
    }
}

/// Ranks the gallery for every query with every correction: `scorer` is `(query, gallery)`, the result has one
/// [`Rankings`] for each of `methods`, in their order.
///
/// # Panics
/// `relevance` was not made for the queries and gallery of `scorer`.
#[must_use]
pub fn rank(
    scorer: &DotScorer<'_>,
    relevance: &Relevance,
    methods: &[&Fitted],
    options: RankOptions,
) -> Vec<Rankings> {
    let mut all: Vec<Option<Rankings>> = methods.iter().map(|_| None).collect();
    rank_each(scorer, relevance, methods, options, |method, rankings| {
        all[method] = Some(rankings);
    });
    all.into_iter().flatten().collect()
}

/// As [`rank`], but hands over one correction's rankings at a time, with its place in `methods`: a grid of thousands is
/// held as one number per query and point.
///
/// Scores are computed once for all corrections that are rules over them, and once more for each that moves vectors.
/// Those that subtract a bias are ranked together, without a copy of the row.
///
/// # Panics
/// As [`rank`].
pub fn rank_each(
    scorer: &DotScorer<'_>,
    relevance: &Relevance,
    methods: &[&Fitted],
    options: RankOptions,
    mut done: impl FnMut(usize, Rankings),
) {
    assert_eq!(
        scorer.rows(),
        relevance.queries(),
        "one list of relevant items per query"
    );
    assert_eq!(
        scorer.columns(),
        relevance.gallery(),
        "lists made for this gallery"
    );
    let mut rules = Vec::new();
    for (place, method) in methods.iter().enumerate() {
        match method {
            Fitted::VectorMoving(moved) => {
                let rankings = rank_moved(scorer, relevance, moved, options);
                done(place, rankings);
            }
            _ => rules.push((place, *method)),
        }
    }
    if !rules.is_empty() {
        rank_rules(scorer, relevance, &rules, options, &mut done);
    }
}

fn rank_moved(
    scorer: &DotScorer<'_>,
    relevance: &Relevance,
    moved: &MovedVectors,
    options: RankOptions,
) -> Rankings {
    let queries = moved.query.apply(scorer.row_vectors());
    let scorer = scorer.over(queries.rows(), moved.gallery.rows());
    let raw = Fitted::Additive(GalleryBias::zero(scorer.columns()));
    let mut found = Rankings::empty(scorer.columns());
    rank_rules(&scorer, relevance, &[(0, &raw)], options, &mut |_, r| {
        found = r
    });
    found
}

/// Ranks all rules over the same scores in one pass.
fn rank_rules(
    scorer: &DotScorer<'_>,
    relevance: &Relevance,
    rules: &[(usize, &Fitted)],
    options: RankOptions,
    done: &mut impl FnMut(usize, Rankings),
) {
    let plan = RankPlan::new(rules, scorer.columns(), options);
    let mut queries: Vec<QueryRanks> = (0..scorer.rows())
        .map(|query| QueryRanks::new(&plan, relevance, query))
        .collect();
    let at_once = (HELD_BYTES / size_of::<f32>() / scorer.columns()).max(GROUP);
    for (part, queries) in queries.chunks_mut(at_once).enumerate() {
        let mut rows: Vec<Keep> = queries.iter().map(|_| Keep::default()).collect();
        let mut sinks: Vec<_> = rows.iter_mut().map(|r| r as &mut dyn RowSink).collect();
        scorer.stream(Delivery::WholeRows, part * at_once, &mut sinks);
        let groups = queries.par_chunks_mut(GROUP).zip(rows.par_chunks(GROUP));
        groups.for_each(|(queries, rows)| rank_group(&plan, queries, rows));
    }
    for (rule, &(place, _)) in rules.iter().enumerate() {
        let ranks = queries.iter().map(|query| query.ranks_of(rule));
        let top = queries.iter().map(|query| query.top_of(rule));
        let rankings = Rankings::gather(scorer.columns(), ranks, top);
        let grades = queries.iter().map(|query| query.grades_of(rule));
        done(
            place,
            match grades.collect::<Option<Vec<&[f64]>>>() {
                Some(grades) if !grades.is_empty() => rankings.with_grades(grades.concat()),
                _ => rankings,
            },
        );
    }
}

struct RankPlan<'a> {
    rules: Vec<&'a Fitted>,
    batches: Vec<Batch<'a>>,
    /// Places in `rules` of those that rewrite rows.
    rescaling: Vec<usize>,
    zero: GalleryBias,
    options: RankOptions,
}

impl<'a> RankPlan<'a> {
    fn new(rules: &[(usize, &'a Fitted)], gallery: usize, options: RankOptions) -> Self {
        let rules: Vec<&Fitted> = rules.iter().map(|rule| rule.1).collect();
        let rescaling = |&rule: &usize| matches!(rules[rule], Fitted::Rescaling(_));
        let rescaling = (0..rules.len()).filter(rescaling).collect();
        Self {
            batches: Batch::all(&rules),
            rescaling,
            zero: GalleryBias::zero(gallery),
            options,
            rules,
        }
    }
}

/// One query's ranks and best items under every rule.
struct QueryRanks<'a> {
    plan: &'a RankPlan<'a>,
    relevant: &'a [u32],
    /// The grades of these, where all their ranks are wanted.
    given_grades: Option<&'a [f64]>,
    /// Ranks kept of each rule, and best items.
    width: usize,
    top_width: usize,
    /// `(rule, width)`; ranks are whole or halves far below 2^23, exact in f32.
    ranks: Vec<f32>,
    /// The grades at these ranks, where there are any; as `ranks`.
    grades: Vec<f64>,
    /// `(rule, top_width)`.
    top: Vec<u32>,
}

impl<'a> QueryRanks<'a> {
    fn new(plan: &'a RankPlan<'a>, relevance: &'a Relevance, query: usize) -> Self {
        let all = plan.options.all_relevant;
        let relevant = relevance.of(query);
        Self {
            plan,
            relevant,
            given_grades: relevance.grades_of(query).filter(|_| all),
            width: if all { relevant.len() } else { 1 },
            top_width: plan.options.top.min(relevance.gallery()),
            ranks: Vec::new(),
            grades: Vec::new(),
            top: Vec::new(),
        }
    }

    /// Makes room for what is found under every rule.
    fn make_room(&mut self) {
        let rules = self.plan.rules.len();
        self.ranks = vec![0.0; rules * self.width];
        self.top = vec![0; rules * self.top_width];
        if self.given_grades.is_some() {
            self.grades = vec![0.0; rules * self.width];
        }
    }

    fn grades_of(&self, rule: usize) -> Option<&[f64]> {
        self.given_grades?;
        Some(&self.grades[rule * self.width..][..self.width])
    }

    fn ranks_of(&self, rule: usize) -> &[f32] {
        &self.ranks[rule * self.width..][..self.width]
    }

    fn top_of(&self, rule: usize) -> &[u32] {
        &self.top[rule * self.top_width..][..self.top_width]
    }

    fn keep_ranks(&mut self, rule: usize, ranks: impl IntoIterator<Item = f64>) {
        let places = &mut self.ranks[rule * self.width..][..self.width];
        for (place, rank) in places.iter_mut().zip(ranks) {
            *place = rank as f32;
        }
    }

    fn keep_exact(&mut self, rule: usize, found: &[Placed]) {
        self.keep_ranks(rule, found.iter().map(|placed| placed.rank));
        if let Some(given) = self.given_grades {
            let places = &mut self.grades[rule * self.width..][..self.width];
            for (place, placed) in places.iter_mut().zip(found) {
                *place = given[placed.relevant];
            }
        }
    }

    fn keep_top(&mut self, rule: usize, row: &[f32]) {
        if self.top_width > 0 {
            let items = best_items(row, self.top_width);
            self.top[rule * self.top_width..][..self.top_width].copy_from_slice(&items);
        }
    }
}

/// The rank of a relevant item, and its place among the query's relevant items.
struct Placed {
    rank: f64,
    relevant: usize,
}

/// Bytes of whole rows held at a time.
const HELD_BYTES: usize = 16 << 20;

/// Queries ranked together, so that biases fetched for one serve the others.
const GROUP: usize = 32;

/// Ranks some queries under all rules.
fn rank_group(plan: &RankPlan<'_>, queries: &mut [QueryRanks<'_>], rows: &[Keep]) {
    let rows: Vec<Row> = (queries.iter().zip(rows))
        .map(|(query, row)| Row::new(&row.0, query.relevant))
        .collect();
    queries.iter_mut().for_each(QueryRanks::make_room);
    for batch in &plan.batches {
        let standings = match plan.options.all_relevant {
            true => vec![None; rows.len()],
            false => batch.standings(&rows, plan.options.most()),
        };
        for ((query, row), standing) in queries.iter_mut().zip(&rows).zip(standings) {
            query.keep_batch(batch, row, standing);
        }
    }
    for (query, row) in queries.iter_mut().zip(&rows) {
        query.keep_rescaled(row.scores);
    }
}

impl QueryRanks<'_> {
    /// Ranks one batch; where scores are equal, or all relevant items are wanted, its biases one by one.
    fn keep_batch(&mut self, batch: &Batch<'_>, row: &Row<'_>, standing: Option<Standing>) {
        for (place, &rule) in batch.rules.iter().enumerate() {
            let bias = batch.bias(place, row.best);
            match standing.and_then(|standing| standing.rank(place)) {
                Some(rank) => self.keep_ranks(rule, [rank]),
                None => {
                    let found = self.exact_ranks(row.scores, bias);
                    self.keep_exact(rule, &found);
                }
            }
            if self.top_width > 0 {
                let pairs = row.scores.iter().zip(bias.values());
                let corrected: Vec<f32> = pairs.map(|(score, bias)| score - bias).collect();
                self.keep_top(rule, &corrected);
            }
        }
    }

    /// Ranks what rewrites rows.
    fn keep_rescaled(&mut self, scores: &[f32]) {
        let plan = self.plan;
        let mut row = Vec::new();
        for &rule in &plan.rescaling {
            row.clear();
            row.extend_from_slice(scores);
            plan.rules[rule].apply(&mut row);
            let found = self.exact_ranks(&row, &plan.zero);
            self.keep_exact(rule, &found);
            self.keep_top(rule, &row);
        }
    }

    /// Ascending ranks under `row - bias`: of all relevant items, or of the best placed. Items that share a rank are in the gallery's
    /// order.
    fn exact_ranks(&self, row: &[f32], bias: &GalleryBias) -> Vec<Placed> {
        let ties = self.plan.options.ties;
        let placed = |relevant: usize| {
            let item = self.relevant[relevant] as usize;
            let rank = rank_of(row, bias.values(), item, ties);
            Placed { rank, relevant }
        };
        let mut found: Vec<Placed> = self.candidates(row, bias).map(placed).collect();
        found.sort_by(|a, b| a.rank.total_cmp(&b.rank));
        found
    }

    /// The places of the relevant items whose rank must be counted: all, or those that share the best score, as no other can be first.
    fn candidates(&self, row: &[f32], bias: &GalleryBias) -> impl Iterator<Item = usize> {
        let score = move |item: u32| row[item as usize] - bias.values()[item as usize];
        let scores = self.relevant.iter().map(|&item| score(item));
        let best = scores.fold(f32::NEG_INFINITY, f32::max);
        let all = self.plan.options.all_relevant;
        (0..self.relevant.len()).filter(move |&place| all || score(self.relevant[place]) == best)
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
