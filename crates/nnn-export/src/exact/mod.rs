//! The exact corrected ranking of a few queries, and how an engine's answers compare with it.

mod answers;
mod judged;
mod list;

pub use answers::{Answer, read_answers};
pub use judged::{Difference, Judged, judge};
pub use list::{List, Scored};

use crate::bias_file::Ids;
use crate::forms::{Constants, Form, FormError};
use crate::ids::Id;
use list::{Item, squares};
use nnn_core::Rows;
use rayon::prelude::*;
use std::collections::HashMap;

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
        self.score(ids, &items);
    }

    /// Adds items from before they were exported: unit vectors and biases.
    ///
    /// # Errors
    /// A bias has no place in the form.
    ///
    /// # Panics
    /// The vectors or biases are not as many as the ids.
    pub fn push_biased(
        &mut self,
        ids: &Ids,
        vectors: Rows<'_>,
        biases: &[f32],
    ) -> Result<(), FormError> {
        assert_eq!([vectors.len(), biases.len()], [ids.len(); 2]);
        let item = |(row, &bias): (usize, &f32)| {
            let mut exported = vectors.row(row).to_vec();
            if let Some(constants) = &self.constants {
                constants.append(bias, &mut exported)?;
            }
            Ok(Item {
                vector: vectors.row(row),
                bias: bias.into(),
                length: squares(&exported).sqrt(),
            })
        };
        let items = biases.iter().enumerate().map(item);
        let items: Vec<Item<'_>> = items.collect::<Result<_, _>>()?;
        self.score(ids, &items);
        Ok(())
    }

    fn item<'r>(&self, row: &'r [f32]) -> Item<'r> {
        let (vector, appended) = row.split_at(row.len() - self.extra());
        let bias = self.constants.as_ref();
        Item {
            vector,
            bias: bias.map_or(0.0, |it| it.penalty(appended) + it.offset),
            length: squares(row).sqrt(),
        }
    }

    fn extra(&self) -> usize {
        self.constants.as_ref().map_or(0, Constants::extra)
    }

    fn score(&mut self, ids: &Ids, items: &[Item<'_>]) {
        let mut found: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.lists.len()];
        if !self.places.is_empty() {
            for row in 0..ids.len() {
                for &(query, place) in self.places.get(&ids.id(row)).into_iter().flatten() {
                    found[query].push((row, place));
                }
            }
        }
        let (k, form, extra) = (self.k, self.form, self.extra());
        let lists = self.lists.par_iter_mut().zip(found);
        lists.for_each(|(list, found)| list.push(k, (form, extra), ids, items, &found));
    }

    /// The lists, in the order of the queries.
    #[must_use]
    pub fn into_lists(self) -> Vec<List> {
        self.lists
    }
}
