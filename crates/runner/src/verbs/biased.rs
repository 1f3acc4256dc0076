//! Biases from a file, beside the vectors that they belong to.

use crate::verbs::arrays::{Parts, each_vectors};
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{Embeddings, Rows};
use nnn_export::{BiasFile, BiasFileError, BiasRows, Ids, vector_marks};
use nnn_files::counted;
use std::path::Path;

/// Rows of vectors read at a time.
const ROWS: usize = 4096;

/// Hands on items with their ids, unit vectors and biases, some at a time. `ids`, if any, must be those of the biases.
///
/// # Errors
/// A vector is not the one that the bias at its place was computed for, there are more of one than of the other, or what `take` gives.
pub(crate) fn each_biased(
    path: &Path,
    gallery: &Parts,
    ids: Option<Vec<String>>,
    mut take: impl FnMut(&Ids, Rows<'_>, &[f32]) -> Result<()>,
) -> Result<()> {
    let file = BiasFile::open(path)?;
    let dim = file.header().dim;
    let mut biases = Biases::new(path, file.blocks()?, ids);
    let of = format!("{} has dimension", path.display());
    each_vectors(gallery, ROWS, (dim, &of), |part, vectors| {
        biases.of(part, vectors, &mut take)
    })?;
    biases.ended()
}

/// Biases that are handed on beside the vectors that they belong to.
struct Biases<'a, I> {
    path: &'a Path,
    blocks: I,
    held: Option<BiasRows>,
    /// The row of the next bias.
    next: usize,
    ids: Option<Vec<String>>,
}

impl<'a, I: Iterator<Item = Result<BiasRows, BiasFileError>>> Biases<'a, I> {
    fn new(path: &'a Path, blocks: I, ids: Option<Vec<String>>) -> Self {
        Self {
            path,
            blocks,
            held: None,
            next: 0,
            ids,
        }
    }

    /// Hands on a block of vectors with its biases, in as many pieces as these come in.
    fn of(
        &mut self,
        part: &Path,
        block: &Embeddings,
        take: &mut impl FnMut(&Ids, Rows<'_>, &[f32]) -> Result<()>,
    ) -> Result<()> {
        let rows = block.rows();
        let marks = vector_marks(rows);
        let mut from = 0;
        while from < block.len() {
            let biases = self.up_to(block.len() - from, part)?;
            let to = from + biases.biases.len();
            self.check(&biases, &marks[from..to], part)?;
            take(&biases.ids, rows.slice(from..to), &biases.biases)?;
            self.next += to - from;
            from = to;
        }
        Ok(())
    }

    /// The next biases, `most` at most and one at least.
    fn up_to(&mut self, most: usize, part: &Path) -> Result<BiasRows> {
        let held = match self.held.take() {
            Some(held) => held,
            None => self.blocks.next().transpose()?.with_context(|| {
                let (path, rows) = (self.path.display(), counted(self.next, "item"));
                format!(
                    "{path} has {rows}, but the gallery has more, in {}",
                    part.display()
                )
            })?,
        };
        let (first, rest) = split(held, most);
        self.held = rest;
        Ok(first)
    }

    fn check(&self, biases: &BiasRows, marks: &[u64], part: &Path) -> Result<()> {
        for (place, mark) in marks.iter().enumerate() {
            let (row, id) = (self.next + place, biases.ids.text(place));
            if let Some(ids) = &self.ids
                && ids[row] != id
            {
                let path = self.path.display();
                bail!(
                    "row {row} has the id {:?}, but in {path} it is {id:?}",
                    ids[row]
                );
            }
            ensure!(
                biases.vectors[place] == *mark,
                "row {row} (id {id}) has another vector in {} than the bias in {} was computed for",
                part.display(),
                self.path.display()
            );
        }
        Ok(())
    }

    /// Refuses biases without vectors.
    fn ended(&mut self) -> Result<()> {
        // Whether the rows are those that were written is said after the last.
        let more = self.held.is_some() || self.blocks.next().transpose()?.is_some();
        ensure!(
            !more,
            "the gallery has {}, but {} has more",
            counted(self.next, "item"),
            self.path.display()
        );
        Ok(())
    }
}

/// The first `most` rows, and the others if there are any.
fn split(mut rows: BiasRows, most: usize) -> (BiasRows, Option<BiasRows>) {
    if rows.biases.len() <= most {
        return (rows, None);
    }
    let rest = BiasRows {
        biases: rows.biases.split_off(most),
        vectors: rows.vectors.split_off(most),
        ids: match &mut rows.ids {
            Ids::Named(names) => Ids::Named(names.split_off(most)),
            Ids::Rows(range) => {
                let end = std::mem::replace(&mut range.end, range.start + most);
                Ids::Rows(range.end..end)
            }
        },
    };
    (rows, Some(rest))
}
