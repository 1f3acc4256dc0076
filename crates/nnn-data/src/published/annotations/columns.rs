//! Parquet files with one row per image or one row per caption, with the images inside or not.
//!
//! | published as | columns |
//! |---|---|
//! | `yerevann/coco-karpathy` | `filename`, `split`, `sentences` (a list), `url` |
//! | parquet with images, as `datasets` writes it | `image` (`bytes`, `path`), `filename`, `caption` (a text or a list) |
//!
//! Names may be whole numbers. An image inside whose path is null is called by file and row.

use super::Input;
use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place};
use super::lists;
use crate::published::archive::IdColumn;
use crate::published::leaf::{Leaves, guarded};

const IMAGE: [&str; 5] = ["filename", "image", "file_name", "image_name", "filepath"];
const CAPTION: [&str; 6] = ["sentences", "captions", "caption", "raw", "text", "title"];

/// The columns that are read, row by row.
struct Table {
    images: Vec<Option<String>>,
    captions: Captions,
    splits: Option<Vec<Option<String>>>,
    urls: Option<Vec<Option<String>>>,
}

/// Of a column.
enum Captions {
    Lists(Vec<Vec<String>>),
    Texts(Vec<Option<String>>),
    /// Several columns, empty and absent captions left out.
    Joined(Vec<Vec<String>>),
}

/// Reads annotations; `inside` says that the images are in the same file.
pub(super) fn read(
    input: &Input,
    inside: bool,
    rows: &mut Rows<'_, '_>,
) -> Result<(), AnnotationError> {
    if input.member.is_some() || input.extension() != "parquet" {
        let problem = AnnotationProblem::Kind {
            format: if inside { "image_parquet" } else { "parquet" },
            expected: ".parquet, not in an archive",
        };
        return Err(rows.error(None, problem));
    }
    let table = guarded(|| Table::read(input, inside, rows));
    let table = table.map_err(|problem| {
        let format = "parquet";
        rows.error(None, AnnotationProblem::Malformed { format, problem })
    })?;
    table.push(rows)
}

impl Table {
    fn read(input: &Input, inside: bool, rows: &Rows<'_, '_>) -> Result<Self, String> {
        let file = Leaves::open(&input.path)?;
        let names = &rows.part().columns;
        let image = names.image.as_ref().map(ToString::to_string);
        let images = match inside {
            true => IdColumn(image).names(&file, input.name())?,
            false => file.words(word_leaf(&file, image.as_deref(), &IMAGE)?)?,
        };
        let optional =
            |named: Option<String>, own: &str| match word_leaf(&file, named.as_deref(), &[own]) {
                Ok(leaf) => file.words(leaf).map(Some),
                Err(error) if named.is_some() => Err(error),
                Err(_) => Ok(None),
            };
        Ok(Self {
            images,
            captions: Captions::read(&file, names.captions())?,
            splits: optional(names.split.as_ref().map(ToString::to_string), "split")?,
            urls: optional(names.url.as_ref().map(ToString::to_string), "url")?,
        })
    }

    fn push(mut self, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
        let written = match &self.captions {
            Captions::Texts(texts) => lists::is_column(texts.iter().flatten().map(String::as_str)),
            Captions::Lists(_) | Captions::Joined(_) => false,
        };
        let whole = written || !matches!(self.captions, Captions::Texts(_));
        for at in 0..self.images.len() {
            let place = Place::Row(at as u64);
            let Some(image) = self.images[at].take() else {
                let problem = null("the image's name");
                return Err(rows.error(place, problem));
            };
            let captions = self.captions.of(at, written);
            let captions = captions.map_err(|problem| rows.error(place.clone(), problem))?;
            let row = Row {
                split: cell(&self.splits, at),
                image: &image,
                captions,
                address: cell(&self.urls, at),
                whole,
                ..Row::default()
            };
            rows.push(place, row)?;
        }
        Ok(())
    }
}

impl Captions {
    /// The captions of the columns called so, or of the first there is of the format's own.
    fn read(file: &Leaves, named: Option<Vec<String>>) -> Result<Self, String> {
        match named.as_deref() {
            None => Self::one(file, None),
            Some([name]) => Self::one(file, Some(name)),
            Some(names) => {
                let mut joined = vec![Vec::new(); file.rows()];
                for name in names {
                    Self::one(file, Some(name))?.append_to(&mut joined);
                }
                Ok(Self::Joined(joined))
            }
        }
    }

    fn one(file: &Leaves, named: Option<&str>) -> Result<Self, String> {
        let leaf = caption_leaf(file, named)?;
        match file.depth(leaf) {
            0 => Ok(Self::Texts(file.texts(leaf)?)),
            _ => Ok(Self::Lists(file.lists(leaf)?)),
        }
    }

    fn append_to(self, rows: &mut [Vec<String>]) {
        let lists: Vec<Vec<String>> = match self {
            Self::Lists(lists) | Self::Joined(lists) => lists,
            Self::Texts(texts) => texts
                .into_iter()
                .map(|it| it.into_iter().collect())
                .collect(),
        };
        for (row, texts) in rows.iter_mut().zip(lists) {
            row.extend(texts.into_iter().filter(|text| !text.trim().is_empty()));
        }
    }

    /// The captions of a row; `written` says that texts are lists as JSON or Python.
    fn of(&mut self, at: usize, written: bool) -> Result<Vec<String>, AnnotationProblem> {
        match self {
            Self::Lists(lists) | Self::Joined(lists) => {
                Ok(lists.get_mut(at).map(std::mem::take).unwrap_or_default())
            }
            Self::Texts(texts) => match texts.get_mut(at).and_then(Option::take) {
                Some(text) => lists::captions(&text, written),
                None => Ok(Vec::new()),
            },
        }
    }
}

fn cell(column: &Option<Vec<Option<String>>>, at: usize) -> Option<&str> {
    column.as_ref()?.get(at)?.as_deref()
}

fn null(what: &str) -> AnnotationProblem {
    AnnotationProblem::Value {
        what: what.to_owned(),
        found: "null".to_owned(),
        expected: "a text",
    }
}

/// A column of texts or whole numbers.
fn word_leaf(file: &Leaves, named: Option<&str>, own: &[&str]) -> Result<usize, String> {
    let wanted = named.map_or(own.to_vec(), |name| vec![name]);
    let leaf = wanted.iter().find_map(|name| file.named(name));
    leaf.ok_or_else(|| missing(file, &wanted))
}

/// Texts or lists of texts; of a list of objects their `raw`.
fn caption_leaf(file: &Leaves, named: Option<&str>) -> Result<usize, String> {
    let leaf = |name: &&str| {
        let of = |path: &[String], depth| path[0] == *name && depth <= 1;
        let raw = |path: &[String]| path.last().is_some_and(|last| last == "raw");
        file.position(|path, depth| of(path, depth) && raw(path))
            .or_else(|| file.position(of))
    };
    let wanted = named.map_or(CAPTION.to_vec(), |name| vec![name]);
    wanted
        .iter()
        .find_map(leaf)
        .ok_or_else(|| missing(file, &wanted))
}

fn missing(file: &Leaves, wanted: &[&str]) -> String {
    let found = file.names().join(",");
    format!(
        "no column {} of texts, found {found:?}",
        super::either(wanted)
    )
}
