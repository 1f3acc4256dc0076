//! From a file of biases and the vectors that it was computed for. Both are streamed: memory does not grow with the gallery. That
//! no id repeats `runner bias` has seen to.

use super::{ExportOptions, program, servable};
use crate::terminal::progress::Progress;
use crate::verbs::arrays::{each_vectors, labels, named, parts, sums};
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{Embeddings, MethodKind};
use nnn_export::{
    About, BiasFile, BiasFileError, BiasRows, Delivery, FileSum, Ids, Manifest, Shape, Spread,
    vector_marks,
};
use nnn_files::counted;
use std::path::Path;

pub(super) fn export(options: &ExportOptions, path: &Path) -> Result<Manifest> {
    let file = BiasFile::open(path)?;
    let header = file.header().clone();
    let kind = servable(&header.method)?;
    ensure!(
        kind == MethodKind::Additive,
        "`{}` has no bias",
        header.method
    );
    if let Some(method) = &options.method {
        let found = &header.method;
        ensure!(
            method == found,
            "{} has biases of `{found}`, not of `{method}`",
            path.display()
        );
    }
    ensure!(!file.is_empty(), "{}: it has no items", path.display());
    let shape = Shape {
        rows: file.len() as u64,
        dim: header.dim,
        named: file.is_named(),
    };
    let spread = survey(path)?;
    let constants = options.constants(&spread, header.dim, &header.method)?;
    let mut delivery = options.begin(shape, Some(constants))?;
    let mut biases = Biases::new(path, file.blocks()?, own_ids(options, shape, path)?);
    let progress = Progress::new("export", shape.rows, "items");
    let gallery = parts(&options.gallery)?;
    each_vectors(&gallery, (header.dim, path), |part, vectors| {
        biases.deliver(part, vectors, &mut delivery)?;
        progress.advance(vectors.len() as u64);
        Ok(())
    })?;
    biases.ended()?;
    let mut inputs = sums(&gallery)?;
    inputs.push(FileSum::of(Path::new(""), &path.display().to_string())?);
    let about = About {
        method: header.method,
        spread: Some(&spread),
        query_map: None,
        inputs,
        program: program(),
    };
    Ok(delivery.finish(about)?)
}

/// How the biases spread.
fn survey(path: &Path) -> Result<Spread> {
    let mut spread = Spread::default();
    for rows in BiasFile::open(path)?.blocks()? {
        spread.extend(rows?.biases);
    }
    Ok(spread)
}

/// The ids that the command line gives, which must be those of the biases; none where it gives none.
fn own_ids(options: &ExportOptions, shape: Shape, path: &Path) -> Result<Option<Vec<String>>> {
    if options.ids.is_empty() {
        return Ok(None);
    }
    let ids = labels(&parts(&options.ids)?)?;
    let (found, expected) = (counted(ids.len(), "id"), shape.rows);
    let path = path.display();
    ensure!(
        ids.len() as u64 == expected,
        "{}: {found}, expected {expected}, one for each row of {path}",
        named(&options.ids)
    );
    ensure!(
        shape.named,
        "{path} was computed without ids; compute it with them (`runner bias --ids`)"
    );
    Ok(Some(ids))
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
    fn deliver(&mut self, part: &Path, block: &Embeddings, out: &mut Delivery) -> Result<()> {
        let rows = block.rows();
        let marks = vector_marks(rows);
        let mut from = 0;
        while from < block.len() {
            let biases = self.up_to(block.len() - from, part)?;
            let to = from + biases.biases.len();
            self.check(&biases, &marks[from..to], part)?;
            out.push(&biases.ids, rows.slice(from..to).data(), &biases.biases)?;
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
        let more = self.held.is_some() || self.blocks.next().is_some();
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
