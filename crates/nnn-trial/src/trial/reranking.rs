//! The top of every list ranked again by the model's matching head.
//!
//! A list's first `depth` items are put in the order of their pair scores with the query, equal ones by index; what lies
//! behind stays as it was. The score is the one of the model's authors: the logit of a match, with the cosine added where
//! they add it. It does not depend on the method, which decides on the items alone.

use super::Trial;
use crate::{Task, TrialError};
use nnn_core::{Rankings, Relevance};
use std::error::Error;

/// A query and a gallery item, by their places in a task.
pub type QueryItem = (u32, u32);

/// The logits of pairs, in their order.
pub struct Matched {
    /// One each.
    pub logits: Vec<f32>,
    /// Whether the authors add the cosine of the embeddings.
    pub adds_similarity: bool,
}

/// Looks at queries and gallery items of the evaluated task together.
pub trait PairMatcher {
    /// The logits of some pairs.
    ///
    /// # Errors
    /// The model fails.
    fn matched(&self, pairs: &[QueryItem]) -> Result<Matched, Box<dyn Error + Send + Sync>>;
}

/// How lists are ranked again.
#[derive(Clone, Copy)]
pub struct Reranking<'a> {
    /// How many items of every list.
    pub depth: usize,
    /// What looks at pairs.
    pub matcher: &'a dyn PairMatcher,
}

impl Trial<'_> {
    /// All lists ranked again, in their order; none if the experiment does not ask for it.
    pub(super) fn reranked(
        &self,
        rankings: &[Rankings],
        all: bool,
    ) -> Result<Vec<Rankings>, TrialError> {
        let Some(Reranking { depth, matcher }) = self.reranking else {
            return Ok(Vec::new());
        };
        let pairs = pairs(rankings, depth);
        let Matched {
            mut logits,
            adds_similarity,
        } = matcher.matched(&pairs).map_err(TrialError::Matching)?;
        if adds_similarity {
            for (score, &pair) in logits.iter_mut().zip(&pairs) {
                *score += similarity(self.test, pair);
            }
        }
        let score = |pair: QueryItem| {
            let place = pairs.binary_search(&pair);
            place.map_or(f32::NEG_INFINITY, |place| logits[place])
        };
        let relevance = &self.test.relevance;
        Ok(rankings
            .iter()
            .map(|old| again(old, depth, relevance, all, &score))
            .collect())
    }
}

/// Every pair within the depth of any list, once, in ascending order.
fn pairs(rankings: &[Rankings], depth: usize) -> Vec<QueryItem> {
    let queries = rankings.first().map_or(0, Rankings::queries);
    let mut pairs = Vec::new();
    for query in 0..queries {
        let lists = rankings.iter().map(|it| &it.top(query)[..depth]);
        let mut items: Vec<u32> = lists.flatten().copied().collect();
        items.sort_unstable();
        items.dedup();
        pairs.extend(items.into_iter().map(|item| (query as u32, item)));
    }
    pairs
}

/// The cosine, added up as the scores of lists are: fused, in ascending dimension.
fn similarity(task: &Task, (query, item): QueryItem) -> f32 {
    let query = task.queries.rows().row(query as usize);
    let item = task.gallery.rows().row(item as usize);
    let pairs = query.iter().zip(item);
    pairs.fold(0.0, |sum, (a, b)| a.mul_add(*b, sum))
}

/// One method's lists ranked again; of the ranks, all or each query's first.
fn again(
    old: &Rankings,
    depth: usize,
    relevance: &Relevance,
    all: bool,
    score: &dyn Fn(QueryItem) -> f32,
) -> Rankings {
    let (mut ranks, mut tops) = (Vec::new(), Vec::new());
    for query in 0..old.queries() {
        let mut top = old.top(query).to_vec();
        let mut scored: Vec<(f32, u32)> = top[..depth]
            .iter()
            .map(|&item| (score((query as u32, item)), item))
            .collect();
        scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (place, (_, item)) in top.iter_mut().zip(scored) {
            *place = item;
        }
        let relevant = relevance.of(query);
        let within = top[..depth].iter().enumerate();
        let within = within.filter(|(_, item)| relevant.contains(item));
        // What the list does not hold keeps its rank.
        let behind = old.relevant_ranks(query).iter().copied();
        let mut own: Vec<f64> = within.map(|(place, _)| place as f64 + 1.0).collect();
        own.extend(behind.filter(|&rank| rank > depth as f64));
        if !all {
            own.truncate(1);
        }
        ranks.push(own);
        tops.push(top);
    }
    Rankings::new(old.gallery(), ranks, tops)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_list_is_put_in_the_order_of_its_scores() {
        // The relevant items of query 0 are 3 and 5, of query 1 item 0.
        let relevance = Relevance::new(&[vec![3, 5], vec![0]], 6).expect("relevance");
        let tops = vec![vec![2, 3, 4, 1], vec![5, 4, 3, 2]];
        let old = Rankings::new(6, vec![vec![2.0, 6.0], vec![5.0]], tops);
        let score = |(query, item): QueryItem| match (query, item) {
            (0, 3) => 2.0,
            (0, _) => 1.0,
            (_, item) => -(item as f32),
        };
        let new = again(&old, 3, &relevance, true, &score);
        assert_eq!(new.top(0), [3, 2, 4, 1], "equal scores go by index");
        assert_eq!(new.top(1), [3, 4, 5, 2]);
        assert_eq!(new.relevant_ranks(0), [1.0, 6.0]);
        assert_eq!(new.relevant_ranks(1), [5.0]);
        let first = again(&old, 3, &relevance, false, &score);
        assert_eq!(first.relevant_ranks(0), [1.0]);
        assert_eq!(pairs(&[old, new], 1), [(0, 2), (0, 3), (1, 3), (1, 5)]);
    }
}
