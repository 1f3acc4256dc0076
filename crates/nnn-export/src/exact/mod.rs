//! The exact corrected ranking of a few queries, and how an engine's answers compare with it.

mod answers;
mod judged;

pub use answers::{Answer, read_answers};
pub use judged::{Difference, Judged, judge};

use crate::bias_file::Ids;
use crate::forms::{Constants, Form, rounding};
use crate::ids::Id;
use rayon::prelude::*;
use std::collections::HashMap;

/// An item's exact corrected score for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The item.
    pub id: Id,
    /// `s - b`, or the product of moved vectors: in f64, from the f32 vectors.
    pub score: f64,
    /// How far an engine's f32 score may lie from it.
    pub rounding: f64,
}

impl Scored {
    /// Whether f32 rounding allows either order.
    #[must_use]
    pub fn ties_with(&self, other: &Self) -> bool {
        (self.score - other.score).abs() <= self.rounding + other.rounding
    }
}

/// One query's list.
#[derive(Debug, Clone)]
pub struct List {
    query: Vec<f32>,
    /// Length of the query with its suffix.
    length: f64,
    /// The best items, best first; of equals the one that came first.
    pub best: Vec<Scored>,
    /// The exact scores of the items that an engine returned, in its order; none for ids that no item has.
    pub answered: Vec<Option<Scored>>,
}

/// Exact lists of some queries over items that arrive block by block; memory holds the lists alone.
#[derive(Debug)]
pub struct Exact {
    k: usize,
    form: Form,
    constants: Option<Constants>,
    lists: Vec<List>,
    /// Of every id that was answered, the lists and places.
    places: HashMap<Id, Vec<(usize, usize)>>,
}

/// An item before it is scored.
struct Item<'a> {
    vector: &'a [f32],
    bias: f64,
    /// Length with what is appended.
    length: f64,
}

impl Exact {
    /// Lists of the `k` best for queries of unit length (or moved ones), and the scores of what an engine answered: for every query
    /// its ids in order, or none.
    ///
    /// # Panics
    /// There are answers, and not one for every query.
    #[must_use]
    pub fn new(
        k: usize,
        (form, constants): (Form, Option<Constants>),
        queries: Vec<Vec<f32>>,
        answers: &[&[Id]],
    ) -> Self {
        assert!(answers.is_empty() || answers.len() == queries.len());
        let suffix = constants.map_or_else(Vec::new, |it| it.query_suffix());
        let list = |query: Vec<f32>| List {
            length: (squares(&query) + squares(&suffix)).sqrt(),
            query,
            best: Vec::new(),
            answered: Vec::new(),
        };
        let mut lists: Vec<List> = queries.into_iter().map(list).collect();
        let mut places: HashMap<Id, Vec<(usize, usize)>> = HashMap::new();
        for (query, ids) in answers.iter().enumerate() {
            lists[query].answered = vec![None; ids.len()];
            for (place, id) in ids.iter().enumerate() {
                places.entry(id.clone()).or_default().push((query, place));
            }
        }
        Self {
            k,
            form,
            constants,
            lists,
            places,
        }
    }

    /// Adds items as they were exported, with what was appended to them.
    ///
    /// # Panics
    /// The rows are not as many as the ids.
    pub fn push(&mut self, ids: &Ids, rows: &[f32]) {
        let width = rows.len() / ids.len().max(1);
        assert_eq!(rows.len(), ids.len() * width, "one row for every id");
        let item = |row| self.item(row);
        let items: Vec<Item<'_>> = rows.chunks_exact(width.max(1)).map(item).collect();
        let mut found: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.lists.len()];
        if !self.places.is_empty() {
            for row in 0..ids.len() {
                for &(query, place) in self.places.get(&ids.id(row)).into_iter().flatten() {
                    found[query].push((row, place));
                }
            }
        }
        let (k, form) = (self.k, self.form);
        let lists = self.lists.par_iter_mut().zip(found);
        lists.for_each(|(list, found)| list.push(k, form, ids, &items, &found));
    }

    fn item<'r>(&self, row: &'r [f32]) -> Item<'r> {
        let extra = self.constants.as_ref().map_or(0, Constants::extra);
        let (vector, appended) = row.split_at(row.len() - extra);
        let bias = self.constants.as_ref();
        Item {
            vector,
            bias: bias.map_or(0.0, |it| it.penalty(appended) + it.offset),
            length: squares(row).sqrt(),
        }
    }

    /// The lists, in the order of the queries.
    #[must_use]
    pub fn into_lists(self) -> Vec<List> {
        self.lists
    }
}

impl List {
    fn push(
        &mut self,
        k: usize,
        form: Form,
        ids: &Ids,
        items: &[Item<'_>],
        answered: &[(usize, usize)],
    ) {
        let scores = items.iter().map(|it| dot(it.vector, &self.query) - it.bias);
        let scores: Vec<f64> = scores.collect();
        let scored = |row: usize, length: f64, dim: usize| Scored {
            id: ids.id(row),
            score: scores[row],
            rounding: rounding(form, dim + 2, items[row].length, length),
        };
        let (length, dim) = (self.length, self.query.len());
        for (row, &score) in scores.iter().enumerate() {
            let full = self.best.len() == k;
            if !full || self.best.last().is_some_and(|it| score > it.score) {
                let above = |it: &Scored| it.score >= score;
                let place = self.best.partition_point(above);
                self.best.insert(place, scored(row, length, dim));
                self.best.truncate(k);
            }
        }
        for &(row, place) in answered {
            self.answered[place] = Some(scored(row, length, dim));
        }
    }
}

/// Sums side by side in [`dot`].
const LANES: usize = 8;

/// In f64, where the products of f32 are exact.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    let rest = a_rest.iter().zip(b_rest);
    let rest = rest.map(|(&a, &b)| f64::from(a) * f64::from(b));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

fn squares(values: &[f32]) -> f64 {
    dot(values, values)
}
