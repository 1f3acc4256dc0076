//! Similarities that someone else computed as a data source: the protocols of QB-Norm and DBNorm for video and audio, which
//! publish matrices and no vectors.

use super::array_file::{ArrayFile, ArrayFiles, paths_of};
use super::error::{SimilarityError, SourceError};
use super::files::{Mask, read_mask, read_shared};
use super::roles::EmbeddedRoles;
use crate::{Cluster, Direction, FileError};
use nnn_core::{EmbeddingError, Embeddings, Relevance, SharedValues};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Matrices of similarities. There may be several texts per item (a video, a recording), some of them missing.
///
/// A matrix is one file or several with rows after rows. In direction `t2i` texts ask for items. In `i2t` items ask for texts,
/// and the matrix in `similarities` is transposed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimilaritySource {
    /// Similarities of the evaluated texts to the evaluated items, `(texts, items)`: cosines, from -1 to 1.
    pub similarities: ArrayFiles,
    /// Text `t` belongs to item `t / captions_per_item`. Exactly one of this and `text_to_item` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions_per_item: Option<usize>,
    /// For every text the column of its item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_to_item: Option<ArrayFiles>,
    /// For every text whether it exists (any shape, row after row, such as `(items, captions_per_item)`). Without it all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_mask: Option<ArrayFile>,
    /// Similarities of past queries to the gallery, `(past queries, gallery)`: the query bank. The gallery are the items in
    /// `t2i`, all texts (masked ones too) in `i2t`.
    pub reference_queries: ArrayFiles,
    /// For every past query whether it exists. Without it all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_mask: Option<ArrayFile>,
    /// Similarities of items like the gallery's to the gallery, `(any number, gallery)`, for methods with a second bank.
    #[serde(default, skip_serializing_if = "ArrayFiles::is_empty")]
    pub reference_gallery: ArrayFiles,
}

/// A matrix as it was read.
struct Given<'a> {
    /// Its key, and its files.
    what: &'static str,
    file: &'a ArrayFiles,
    values: SharedValues,
    columns: usize,
    /// Whether rows and columns have been exchanged since.
    turned: bool,
}

impl<'a> Given<'a> {
    fn read(what: &'static str, files: &'a ArrayFiles, base: &Path) -> Result<Self, SourceError> {
        if files.is_empty() {
            return Err(SimilarityError::NoFile(what).into());
        }
        let (values, columns) = read_shared(&files.parts(base)?)?;
        let given = Self {
            what,
            file: files,
            values,
            columns,
            turned: false,
        };
        let rows = given.rows();
        size(what, files, "rows", rows, rows > 0, "at least 1".to_owned())?;
        Ok(given)
    }

    fn rows(&self) -> usize {
        self.data().len() / self.columns.max(1)
    }

    fn data(&self) -> &[f32] {
        (*self.values).as_ref()
    }

    /// The chosen rows and columns; all in order are no copy.
    fn select(&self, rows: &[u32], columns: &[u32]) -> Result<Embeddings, SimilarityError> {
        let values = self.chosen(rows, columns);
        let wrong = |error| SimilarityError::Values {
            what: self.what,
            file: self.file.clone(),
            error: self.in_file(error, rows, columns),
        };
        Embeddings::similarities(values, columns.len()).map_err(wrong)
    }

    fn chosen(&self, rows: &[u32], columns: &[u32]) -> SharedValues {
        let all = |chosen: &[u32], count: usize| chosen.iter().copied().eq(0..count as u32);
        if all(rows, self.rows()) && all(columns, self.columns) {
            return Arc::clone(&self.values);
        }
        let data = self.data();
        let row = |&row: &u32| &data[row as usize * self.columns..][..self.columns];
        let values = rows.iter().map(row);
        let values = values.flat_map(|row| columns.iter().map(|&column| row[column as usize]));
        Arc::new(values.collect::<Vec<f32>>())
    }

    /// An error at the place that its value has in the file.
    fn in_file(&self, mut error: EmbeddingError, rows: &[u32], columns: &[u32]) -> EmbeddingError {
        if let EmbeddingError::NoCosine { row, column, .. }
        | EmbeddingError::NotFinite { row, column, .. } = &mut error
        {
            (*row, *column) = (rows[*row] as usize, columns[*column] as usize);
            if self.turned {
                std::mem::swap(row, column);
            }
        }
        error
    }

    /// Rows and columns exchanged.
    fn turn(self) -> Self {
        let data = self.data();
        let column = |column| data.iter().skip(column).step_by(self.columns).copied();
        let values: Vec<f32> = (0..self.columns).flat_map(column).collect();
        Self {
            columns: self.rows(),
            values: Arc::new(values),
            turned: true,
            ..self
        }
    }
}

/// Who asks whom, and which answers are right.
struct Question<'a> {
    /// `(queries, gallery)` before anything is masked.
    given: Given<'a>,
    queries: Vec<u32>,
    gallery: Vec<u32>,
    relevance: Relevance,
    clusters: Vec<u32>,
    cluster: Cluster,
}

impl SimilaritySource {
    /// Reads and checks everything; files lie relative to `base`.
    ///
    /// # Errors
    /// [`SourceError`] names the files that do not fit, with their sizes.
    pub fn load(&self, base: &Path, direction: Direction) -> Result<EmbeddedRoles, SourceError> {
        let asked = self.question(base, direction)?;
        let reference = (&self.reference_queries, &self.reference_mask);
        let reference_queries = asked.bank("reference_queries", reference, base)?;
        let reference_gallery = match &self.reference_gallery {
            files if files.is_empty() => None,
            files => Some(asked.bank("reference_gallery", (files, &None), base)?),
        };
        let items = asked.gallery.len();
        let no_items = |error| SimilarityError::Values {
            what: asked.given.what,
            file: asked.given.file.clone(),
            error,
        };
        Ok(EmbeddedRoles {
            gallery: Embeddings::basis(items).map_err(no_items)?,
            queries: asked.given.select(&asked.queries, &asked.gallery)?,
            query_ids: asked.queries.iter().map(u32::to_string).collect(),
            gallery_ids: None,
            findings: Vec::new(),
            relevance: asked.relevance,
            clusters: asked.clusters,
            cluster: asked.cluster,
            reference_queries,
            reference_to_gallery: None,
            reference_gallery,
            groups: None,
            query_classes: None,
        })
    }

    fn question(&self, base: &Path, direction: Direction) -> Result<Question<'_>, SourceError> {
        let given = Given::read("similarities", &self.similarities, base)?;
        let (texts, items) = (given.rows(), given.columns);
        let text_to_item = self.text_to_item(base, given.file, (texts, items))?;
        let table = self.captions_per_item.map(|each| [items, each]);
        let kept = kept_rows(self.text_mask.as_ref(), base, "text_mask", texts, table)?;
        let owner = |&text: &u32| text_to_item[text as usize];
        let owners: Vec<u32> = kept.iter().map(owner).collect();
        let items: Vec<u32> = (0..items as u32).collect();
        let lists = match direction {
            Direction::T2i => Relevance::one_each(&owners, items.len()),
            Direction::I2t => Relevance::new(&texts_of(&owners, items.len())?, owners.len()),
        };
        let relevance = lists.map_err(|error| SourceError::Relevance {
            file: given.file.clone(),
            error,
        })?;
        Ok(match direction {
            Direction::T2i => Question {
                given,
                queries: kept,
                gallery: items,
                relevance,
                clusters: owners,
                cluster: Cluster::Item,
            },
            Direction::I2t => Question {
                given: given.turn(),
                queries: items.clone(),
                gallery: kept,
                relevance,
                clusters: items,
                cluster: Cluster::Query,
            },
        })
    }

    /// All files, for their checksums, in the order of their rows.
    ///
    /// # Errors
    /// As [`ArrayFiles::paths`].
    pub fn files(&self, base: &Path) -> Result<Vec<PathBuf>, FileError> {
        let blocks = [
            &self.similarities,
            &self.reference_queries,
            &self.reference_gallery,
        ];
        let mut files = paths_of(blocks.into_iter().chain(&self.text_to_item), base)?;
        let masks = [&self.text_mask, &self.reference_mask];
        files.extend(masks.into_iter().flatten().map(|file| file.at(base)));
        Ok(files)
    }

    fn text_to_item(
        &self,
        base: &Path,
        file: &ArrayFiles,
        (texts, items): (usize, usize),
    ) -> Result<Vec<u32>, SourceError> {
        match (self.captions_per_item, &self.text_to_item) {
            (Some(each), None) => {
                let expected = format!("{items} items with {each} captions each");
                let fits = each.checked_mul(items) == Some(texts) && each > 0;
                size("similarities", file, "rows", texts, fits, expected)?;
                Ok((0..texts).map(|text| (text / each) as u32).collect())
            }
            (None, Some(file)) => {
                let owners = file.indices(base)?;
                let entries = owners.len();
                let fits = entries == texts;
                size(
                    "text_to_item",
                    file,
                    "entries",
                    entries,
                    fits,
                    texts.to_string(),
                )?;
                let beyond = owners.iter().find(|&&item| item as usize >= items);
                let found = beyond.map_or(0, |&item| item as usize);
                let expected = format!("columns from 0 to {}", items.saturating_sub(1));
                size(
                    "text_to_item",
                    file,
                    "as a column",
                    found,
                    beyond.is_none(),
                    expected,
                )?;
                Ok(owners)
            }
            (None, None) => Err(SimilarityError::Answers("none").into()),
            (Some(_), Some(_)) => Err(SimilarityError::Answers("both").into()),
        }
    }
}

impl Question<'_> {
    /// Items by their similarities to the gallery, without those that a mask leaves out.
    fn bank(
        &self,
        what: &'static str,
        (files, mask): (&ArrayFiles, &Option<ArrayFile>),
        base: &Path,
    ) -> Result<Embeddings, SourceError> {
        let bank = Given::read(what, files, base)?;
        let (columns, expected) = (bank.columns, self.given.columns);
        let fits = columns == expected;
        size(
            what,
            bank.file,
            "columns",
            columns,
            fits,
            expected.to_string(),
        )?;
        let rows = kept_rows(mask.as_ref(), base, "reference_mask", bank.rows(), None)?;
        Ok(bank.select(&rows, &self.gallery)?)
    }
}

/// The rows that a mask keeps, at least one. A mask of two dimensions must have the shape of `table`, if one is known: a
/// transposed mask would have as many entries.
fn kept_rows(
    mask: Option<&ArrayFile>,
    base: &Path,
    what: &'static str,
    rows: usize,
    table: Option<[usize; 2]>,
) -> Result<Vec<u32>, SourceError> {
    let Some(file) = mask else {
        return Ok((0..rows as u32).collect());
    };
    let files = &ArrayFiles::from(file.clone());
    let Mask { flags, shape } = read_mask(&file.at(base), file.key.as_deref())?;
    if let (Some(table), &[items, each]) = (table, shape.as_slice())
        && [items, each] != table.map(|count| count as u64)
    {
        return Err(SimilarityError::Shape {
            what,
            file: files.clone(),
            found: format!("{shape:?}"),
            expected: format!("{table:?}"),
        }
        .into());
    }
    let entries = flags.len();
    size(
        what,
        files,
        "entries",
        entries,
        entries == rows,
        rows.to_string(),
    )?;
    let kept: Vec<u32> = (0u32..)
        .zip(flags)
        .filter_map(|(row, kept)| kept.then_some(row))
        .collect();
    let expected = "at least 1".to_owned();
    size(
        what,
        files,
        "rows that are there",
        kept.len(),
        !kept.is_empty(),
        expected,
    )?;
    Ok(kept)
}

/// The texts of every item.
fn texts_of(owners: &[u32], items: usize) -> Result<Vec<Vec<u32>>, SimilarityError> {
    let mut lists = vec![Vec::new(); items];
    for (text, &item) in (0u32..).zip(owners) {
        lists[item as usize].push(text);
    }
    match lists.iter().position(Vec::is_empty) {
        Some(item) => Err(SimilarityError::ItemWithoutText { item }),
        None => Ok(lists),
    }
}

/// Refuses a number that does not fit.
fn size(
    what: &'static str,
    file: &ArrayFiles,
    unit: &'static str,
    found: usize,
    fits: bool,
    expected: String,
) -> Result<(), SimilarityError> {
    if fits {
        return Ok(());
    }
    Err(SimilarityError::Size {
        what,
        file: file.clone(),
        unit,
        found,
        expected,
    })
}
