//! What is ranked over one set of scores.

use super::RankOptions;
use super::batch::Batch;
use super::rule::Rule;
use super::tally::MOST_ITEMS;
use crate::Relevance;

/// Bytes of what queries that are counted together hold, unless few of them hold more.
pub(crate) const HELD_BYTES: usize = 64 << 20;

/// Rules over the same scores, and what of them is wanted.
pub(super) struct Plan<'a> {
    pub(super) rules: Vec<Rule<'a>>,
    /// The place of each rule's first bias among those of all, and the number of all.
    pub(super) forms: Vec<usize>,
    pub(super) batches: Vec<Batch>,
    /// Places of the rules that are counted one by one: all of them where a query has several ranks.
    pub(super) alone: Vec<usize>,
    pub(super) options: RankOptions,
    /// Whether a query has several ranks under one rule.
    pub(super) several: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn new(rules: Vec<Rule<'a>>, relevance: &Relevance, options: RankOptions) -> Self {
        assert!(relevance.gallery() <= MOST_ITEMS, "ranks in 32 bits");
        let most = (0..relevance.queries())
            .map(|query| relevance.of(query).len())
            .max();
        let several = options.all_relevant && most > Some(1);
        let (batches, alone) = match several {
            true => (Vec::new(), (0..rules.len()).collect()),
            false => Batch::all(&rules),
        };
        let mut forms = vec![0];
        for rule in &rules {
            forms.push(forms[forms.len() - 1] + rule.biases().len());
        }
        Self {
            rules,
            forms,
            batches,
            alone,
            options,
            several,
        }
    }

    /// Biases of all rules together.
    pub(super) fn all_forms(&self) -> usize {
        self.forms[self.rules.len()]
    }

    /// Whether every rule has the choice that is made for it: `(query, rule)`.
    pub(super) fn has(&self, choices: &[u8]) -> bool {
        let biases = self.rules.iter().map(|rule| rule.biases().len()).cycle();
        choices
            .iter()
            .zip(biases)
            .all(|(&choice, biases)| usize::from(choice) < biases)
    }

    /// Queries that are counted together: as many as some memory holds, so that packed columns serve them all.
    pub(super) fn queries_at_once(&self, gallery: usize) -> usize {
        const FEWEST: usize = 64;
        let top = self.options.top.min(gallery);
        let each =
            self.all_forms() * 8 + self.rules.len() * (16 + 24 * top) + self.batches.len() * 512;
        (HELD_BYTES / each.max(1)).max(FEWEST)
    }
}
