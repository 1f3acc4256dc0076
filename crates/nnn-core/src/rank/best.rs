//! The best items of every query and their corrected scores, where nothing is known to be relevant.

use super::RankOptions;
use super::part::Part;
use super::plan::Plan;
use super::rescaled::HELD_BYTES;
use super::rule::Rule;
use crate::score::{Delivery, DotScorer, Keep, RowSink, Scorer};
use crate::topk::best_items;
use crate::{Fitted, GalleryBias, Relevance, TieRule, screen};
use rayon::prelude::*;

/// The best gallery items of every query, best first: of equal scores the lower index.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Best {
    /// Items of each query: as many as were asked for, or all.
    pub width: usize,
    /// `(query, width)`, row-major.
    pub items: Vec<u32>,
    /// Their corrected scores, with the bits by which they were ranked: the similarity less the bias, the product of moved vectors,
    /// or what a rule makes of the similarity, of which only the order has a meaning.
    pub scores: Vec<f32>,
}

impl Best {
    fn push(&mut self, (score, item): (f32, u32)) {
        self.items.push(item);
        self.scores.push(score);
    }
}

/// Finds the `n` best items of every query under one correction; `scorer` is `(query, gallery)`. They are those that
/// [`rank`](crate::rank()) keeps.
///
/// # Panics
/// The correction was fitted to another gallery, or the gallery has 2^31 - 1 items or more.
#[must_use]
pub fn best(scorer: &DotScorer<'_>, method: &Fitted, n: usize) -> Best {
    let mut found = Best {
        width: n.min(scorer.columns()),
        ..Best::default()
    };
    if found.width == 0 {
        return found;
    }
    match (method, Rule::of(method)) {
        (Fitted::Additive(bias), _) if is_raw(bias) => best_raw(scorer, bias, &mut found),
        (_, Some(rule)) => best_of_rule(scorer, rule, &mut found),
        (Fitted::VectorMoving(moved), _) => {
            let queries = moved.query.apply(scorer.row_vectors());
            let scorer = scorer.over(queries.rows(), moved.gallery.rows());
            let raw = GalleryBias::zero(scorer.columns());
            best_of_rule(&scorer, Rule::Additive(&raw), &mut found);
        }
        _ => best_rewritten(scorer, method, &mut found),
    }
    found
}

/// Whether nothing is subtracted from any score.
fn is_raw(bias: &GalleryBias) -> bool {
    bias.values().iter().all(|bias| bias.to_bits() == 0)
}

/// Where unit vectors have their own products as scores, most of which need not be computed.
fn best_raw(scorer: &DotScorer<'_>, zero: &GalleryBias, found: &mut Best) {
    match screen::best(found.width, scorer) {
        Some(lists) => lists.concat().into_iter().for_each(|item| found.push(item)),
        None => best_of_rule(scorer, Rule::Additive(zero), found),
    }
}

fn best_of_rule(scorer: &DotScorer<'_>, rule: Rule<'_>, found: &mut Best) {
    // What a rank is asked of does not matter, as none is read: with a depth of 1 counting ends at the first item above.
    let relevance = Relevance::one_each(&vec![0; scorer.rows()], scorer.columns());
    let relevance = relevance.expect("the first item of a gallery that has one");
    let options = RankOptions {
        ties: TieRule::Index,
        top: found.width,
        all_relevant: false,
        depth: Some(1),
    };
    let whole = Part {
        plan: &Plan::new(vec![rule], &relevance, options),
        scorer: *scorer,
        relevance: &relevance,
        first_query: 0,
        first_item: 0,
    };
    whole.each(|part| {
        let counts = part.count(&part.thresholds(), 0);
        counts.top.into_iter().for_each(|target| found.push(target));
    });
}

/// By a rule that needs whole rows, of which some are held at a time.
fn best_rewritten(scorer: &DotScorer<'_>, method: &Fitted, found: &mut Best) {
    let at_once = (HELD_BYTES / (scorer.columns() * size_of::<f32>())).max(scorer.rows_at_once());
    for first in (0..scorer.rows()).step_by(at_once) {
        let some = at_once.min(scorer.rows() - first);
        let mut rows: Vec<Keep> = (0..some).map(|_| Keep::default()).collect();
        let mut sinks: Vec<_> = rows.iter_mut().map(|row| row as &mut dyn RowSink).collect();
        scorer.stream(Delivery::Pieces, first, &mut sinks);
        let rows = rows.into_par_iter().map(|Keep(mut row)| {
            method.apply(&mut row);
            let items = best_items(&row, found.width).into_iter();
            items.map(|item| (row[item as usize], item)).collect()
        });
        let rows: Vec<Vec<(f32, u32)>> = rows.collect();
        rows.concat().into_iter().for_each(|item| found.push(item));
    }
}
