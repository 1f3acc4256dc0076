//! Ranking: one pass over the queries serves any number of fitted corrections.
//!
//! A rank is a count: of the items whose corrected score is above that of the relevant item, and of those beside it that the tie rule
//! looks at. The corrected scores of the relevant items come first, from a few products ([`Thresholds`]). Then the gallery passes in
//! pieces that stay in a cache, and is counted ([`Counts`]). Both add up over parts of a gallery, and all of it is the case of one
//! part ([`Shard`]). Only rules that rewrite rows need whole ones.

mod batch;
mod best;
mod bytes;
mod count;
mod error;
mod found;
mod part;
mod partial;
mod plan;
mod rescaled;
mod rule;
mod shard;
mod tally;

use crate::score::{DotScorer, Scorer};
use crate::{Fitted, GalleryBias, MovedVectors, Rankings, Relevance, TieRule};
pub use best::{Best, best};
pub use error::ShardError;
use found::QueryRanks;
use part::Part;
pub use partial::{Counts, Thresholds};
pub(crate) use plan::HELD_BYTES;
use plan::Plan;
use rescaled::Rescaled;
use rule::Rule;
pub use shard::Shard;

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
/// `relevance` was not made for the queries and gallery of `scorer`, or the gallery has 2^31 - 1 items or more.
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

/// Ranks all rules over the same scores: the biases in one pass, what rewrites rows in another.
fn rank_rules(
    scorer: &DotScorer<'_>,
    relevance: &Relevance,
    rules: &[(usize, &Fitted)],
    options: RankOptions,
    done: &mut impl FnMut(usize, Rankings),
) {
    let gallery = scorer.columns();
    let new = |query| {
        let top = options.top.min(gallery);
        QueryRanks::new(relevance, query, options.all_relevant, rules.len(), top)
    };
    let mut queries: Vec<QueryRanks<'_>> = (0..scorer.rows()).map(new).collect();
    let all = rules.iter().enumerate();
    let biases = all
        .clone()
        .filter_map(|(at, rule)| Some((at, Rule::of(rule.1)?)));
    let (places, biases): (Vec<usize>, Vec<Rule<'_>>) = biases.unzip();
    if !biases.is_empty() {
        rank_biases(
            scorer,
            relevance,
            &Plan::new(biases, relevance, options),
            &places,
            &mut queries,
        );
    }
    let rescaled = all.filter(|(_, rule)| Rule::of(rule.1).is_none());
    let rescaled = Rescaled {
        rules: rescaled.map(|(at, rule)| (at, rule.1)).collect(),
        zero: GalleryBias::zero(gallery),
        options,
    };
    if !rescaled.rules.is_empty() {
        let scorer = if places.is_empty() {
            *scorer
        } else {
            scorer.quiet()
        };
        rescaled.rank(&scorer, relevance, &mut queries);
    }
    for (rule, &(place, _)) in rules.iter().enumerate() {
        done(place, QueryRanks::gather(&queries, rule, gallery));
    }
}

/// Ranks biases, some queries at a time.
fn rank_biases(
    scorer: &DotScorer<'_>,
    relevance: &Relevance,
    plan: &Plan<'_>,
    places: &[usize],
    queries: &mut [QueryRanks<'_>],
) {
    let whole = Part {
        plan,
        scorer: *scorer,
        relevance,
        first_query: 0,
        first_item: 0,
    };
    whole.each(|part| {
        let counts = part.count(&part.thresholds(), 0);
        counts.keep(
            &mut queries[part.first_query..][..part.scorer.rows()],
            places,
        );
    });
}
