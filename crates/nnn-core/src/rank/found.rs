//! The ranks and best items of queries under every rule.

use super::count::Tally;
use crate::{Rankings, Relevance, TieRule};

/// One query's ranks and best items under every rule.
pub(super) struct QueryRanks<'a> {
    /// The grades of its relevant items, where all their ranks are wanted.
    given_grades: Option<&'a [f64]>,
    /// Ranks kept of each rule, and best items.
    width: usize,
    top_width: usize,
    rules: usize,
    /// `(rule, width)`, ascending for each rule: twice the rank, so that it is whole.
    doubled: Vec<u32>,
    /// The grades at these ranks, where there are any.
    grades: Vec<f64>,
    /// `(rule, top_width)`.
    top: Vec<u32>,
}

impl<'a> QueryRanks<'a> {
    /// For the ranks of all relevant items, or of the best placed one. It takes memory when the first is kept.
    pub(super) fn new(
        relevance: &'a Relevance,
        query: usize,
        all: bool,
        rules: usize,
        top_width: usize,
    ) -> Self {
        Self {
            given_grades: relevance.grades_of(query).filter(|_| all),
            width: if all { relevance.of(query).len() } else { 1 },
            top_width,
            rules,
            doubled: Vec::new(),
            grades: Vec::new(),
            top: Vec::new(),
        }
    }

    fn make_room(&mut self) {
        if self.doubled.is_empty() {
            self.doubled = vec![0; self.rules * self.width];
            self.top = vec![0; self.rules * self.top_width];
            let grades = self.given_grades.map_or(0, |_| self.doubled.len());
            self.grades = vec![0.0; grades];
        }
    }

    /// Keeps what was counted of the relevant items. Those that share a rank stay in the gallery's order.
    pub(super) fn keep_ranks(&mut self, rule: usize, tallies: &[Tally], ties: TieRule) {
        self.make_room();
        if let ([tally], None) = (tallies, self.given_grades) {
            self.doubled[rule * self.width] = tally.doubled(ties);
            return;
        }
        let doubled = tallies.iter().map(|tally| tally.doubled(ties));
        let mut order: Vec<(u32, usize)> = doubled.zip(0..).collect();
        order.sort_unstable();
        let places = rule * self.width..(rule + 1) * self.width;
        for (place, (doubled, relevant)) in places.zip(order) {
            self.doubled[place] = doubled;
            if let Some(given) = self.given_grades {
                self.grades[place] = given[relevant];
            }
        }
    }

    pub(super) fn keep_top(&mut self, rule: usize, items: impl Iterator<Item = u32>) {
        self.make_room();
        let places = &mut self.top[rule * self.top_width..][..self.top_width];
        places
            .iter_mut()
            .zip(items)
            .for_each(|(place, item)| *place = item);
    }

    /// The rankings of all queries under one rule.
    pub(super) fn gather(queries: &[Self], rule: usize, gallery: usize) -> Rankings {
        let ranks = queries
            .iter()
            .map(|query| &query.doubled[rule * query.width..][..query.width]);
        let top = queries
            .iter()
            .map(|query| &query.top[rule * query.top_width..][..query.top_width]);
        let rankings = Rankings::gather(gallery, ranks, top);
        let grades = queries.iter().map(|query| {
            query.given_grades?;
            Some(&query.grades[rule * query.width..][..query.width])
        });
        match grades.collect::<Option<Vec<&[f64]>>>() {
            Some(grades) if !grades.is_empty() => rankings.with_grades(grades.concat()),
            _ => rankings,
        }
    }
}
