//! A gallery ranked part by part, on one machine or on many.

use super::error::ShardError;
use super::part::Part;
use super::plan::Plan;
use super::rule::Rule;
use super::{Counts, RankOptions, Thresholds};
use crate::score::{DotScorer, Scorer};
use crate::{Fitted, Relevance};

/// A part of a gallery: whole rankings come of what its parts say, in two rounds, on one machine or on many.
///
/// 1. Every part tells its [`Thresholds`]; they merge, in any order.
/// 2. Every part counts its items against the thresholds of all; [`Counts`] merge, in any order, and
///    [finish](Counts::finish) as rankings, which have the bits of [`rank`](crate::rank()) over the whole gallery.
///
/// Items count in the whole gallery: `relevance` is that of all, and `first` is the place of the part's first item. Biases have one value
/// per item of the part. Corrections are additive or gated.
///
/// ```
/// # use nnn_core::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gallery = Embeddings::normalize(vec![1.0, 0.0, 0.6, 0.8, 0.0, 1.0], 2)?;
/// let queries = Embeddings::normalize(vec![0.9, 0.1], 2)?;
/// let relevance = Relevance::one_each(&[2], 3)?;
/// let options = RankOptions { ties: TieRule::Index, top: 2, all_relevant: false, depth: None };
/// let bias = |items| Fitted::Additive(GalleryBias::zero(items));
/// let [one, two] = [bias(1), bias(2)];
/// let [one, two] = [[&one], [&two]];
/// let scorer = |items| DotScorer::new(queries.rows(), gallery.rows().slice(items));
/// let one = Shard::new(scorer(0..1)?, 0, &relevance, &one, options)?;
/// let two = Shard::new(scorer(1..3)?, 1, &relevance, &two, options)?;
///
/// let thresholds = two.thresholds().merge(&one.thresholds())?;
/// let counts = one.count(&thresholds)?.merge(&two.count(&thresholds)?)?;
/// let rankings = counts.finish(&relevance)?;
/// assert_eq!(rankings[0].first_rank(0), 3.0);
/// assert_eq!(rankings[0].top(0), [0, 1]);
/// # Ok(())
/// # }
/// ```
pub struct Shard<'a> {
    scorer: DotScorer<'a>,
    first: usize,
    relevance: &'a Relevance,
    plan: Plan<'a>,
}

impl<'a> Shard<'a> {
    /// The items that are columns of `scorer`, which begin at item `first` of the gallery that `relevance` is of.
    ///
    /// # Errors
    /// [`ShardError`]: sizes do not agree, or a correction is no bias.
    ///
    /// # Panics
    /// The gallery has 2^31 - 1 items or more.
    pub fn new(
        scorer: DotScorer<'a>,
        first: usize,
        relevance: &'a Relevance,
        methods: &[&'a Fitted],
        options: RankOptions,
    ) -> Result<Self, ShardError> {
        check_sizes(&scorer, first, relevance)?;
        let rules = methods.iter().enumerate();
        let rules = rules.map(|(method, fitted)| rule(method, fitted, scorer.columns()));
        let plan = Plan::new(rules.collect::<Result<_, _>>()?, relevance, options);
        Ok(Self {
            scorer,
            first,
            relevance,
            plan,
        })
    }

    fn part(&self) -> Part<'_> {
        Part {
            plan: &self.plan,
            scorer: self.scorer,
            relevance: self.relevance,
            first_query: 0,
            first_item: self.first,
        }
    }

    /// What the relevant items of this part score.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        let mut all = Thresholds::none(self.part().shape_of(0));
        self.part().each(|part| all.append(part.thresholds()));
        all
    }

    /// Counts the items of this part against the thresholds of all parts.
    ///
    /// # Errors
    /// [`ShardError::Incomplete`]: those of a part are missing. [`ShardError::Differ`]: they are of another ranking.
    pub fn count(&self, thresholds: &Thresholds) -> Result<Counts, ShardError> {
        let part = self.part();
        thresholds.fit(&part.shape_of(self.scorer.rows()), self.relevance.gallery())?;
        let choices = thresholds.gates.as_ref();
        if choices.is_some_and(|gates| !self.plan.has(&gates.choices)) {
            return Err(ShardError::Differ);
        }
        let mut all = Counts::none(part.shape_of(0), part.top_width());
        part.each(|part| all.append(part.count(thresholds, part.first_query)));
        Ok(all)
    }
}

fn check_sizes(
    scorer: &DotScorer<'_>,
    first: usize,
    relevance: &Relevance,
) -> Result<(), ShardError> {
    let (items, gallery) = (scorer.columns(), relevance.gallery());
    if scorer.rows() != relevance.queries() {
        return Err(ShardError::Queries {
            scores: scorer.rows(),
            relevance: relevance.queries(),
        });
    }
    if first.checked_add(items).is_none_or(|end| end > gallery) {
        return Err(ShardError::OutOfGallery {
            first,
            items,
            gallery,
        });
    }
    Ok(())
}

fn rule(method: usize, fitted: &Fitted, items: usize) -> Result<Rule<'_>, ShardError> {
    let Some(rule) = Rule::of(fitted) else {
        return Err(ShardError::NoBias {
            method,
            kind: fitted.kind().name(),
            advice: match fitted {
                Fitted::VectorMoving(_) => "move both sides first, and rank them raw",
                _ => "it needs all scores of a query at once",
            },
        });
    };
    let lengths = rule.biases().iter().map(|bias| bias.values().len());
    match lengths.into_iter().find(|&values| values != items) {
        Some(values) => Err(ShardError::Bias {
            method,
            values,
            items,
        }),
        None => Ok(rule),
    }
}
