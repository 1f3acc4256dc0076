//! Parquet files with one row per image or one row per caption, with the images inside or not.
//!
//! | published as | columns |
//! |---|---|
//! | `yerevann/coco-karpathy` | `filename`, `split`, `sentences` (a list), `url` |
//! | parquet with images, as `datasets` writes it | `image` (`bytes`, `path`), `filename`, `caption` (a text or a list) |

use super::Input;
use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place};
use super::lists;
use crate::published::archive::IdColumn;
use crate::published::leaf::{Leaves, guarded};

const IMAGE: [&str; 2] = ["filename", "image"];
const CAPTION: [&str; 5] = ["sentences", "captions", "caption", "raw", "text"];

/// The columns that are read, row by row.
struct Table {
    images: Vec<Option<String>>,
    captions: Captions,
    splits: Option<Vec<Option<String>>>,
    urls: Option<Vec<Option<String>>>,
}

enum Captions {
    Lists(Vec<Vec<String>>),
    Texts(Vec<Option<String>>),
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
        let image = match inside {
            true => IdColumn(names.image.clone()).leaf(&file)?,
            false => text_leaf(&file, names.image.as_deref(), &IMAGE)?,
        };
        let captions = caption_leaf(&file, names.caption.as_deref())?;
        let optional = |named: Option<&str>, own: &str| match text_leaf(&file, named, &[own]) {
            Ok(leaf) => file.texts(leaf).map(Some),
            Err(error) if named.is_some() => Err(error),
            Err(_) => Ok(None),
        };
        Ok(Self {
            images: file.texts(image)?,
            captions: match file.depth(captions) {
                0 => Captions::Texts(file.texts(captions)?),
                _ => Captions::Lists(file.lists(captions)?),
            },
            splits: optional(names.split.as_deref(), "split")?,
            urls: optional(names.url.as_deref(), "url")?,
        })
    }

    fn push(mut self, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
        let written = match &self.captions {
            Captions::Texts(texts) => texts.iter().flatten().next().is_some_and(|it| is_list(it)),
            Captions::Lists(_) => false,
        };
        let whole = written || matches!(self.captions, Captions::Lists(_));
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
    /// The captions of a row; `written` says that texts are lists as JSON or Python.
    fn of(&mut self, at: usize, written: bool) -> Result<Vec<String>, AnnotationProblem> {
        match self {
            Self::Lists(lists) => Ok(lists.get_mut(at).map(std::mem::take).unwrap_or_default()),
            Self::Texts(texts) => match texts.get_mut(at).and_then(Option::take) {
                Some(text) if written => lists::parse(&text),
                Some(text) => Ok(vec![text]),
                None => Ok(Vec::new()),
            },
        }
    }
}

fn is_list(text: &str) -> bool {
    text.trim_start().starts_with('[')
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

fn text_leaf(file: &Leaves, named: Option<&str>, own: &[&str]) -> Result<usize, String> {
    let leaf = |name: &&str| file.position(|path, depth| depth == 0 && path == [*name]);
    let wanted = named.map_or(own.to_vec(), |name| vec![name]);
    wanted
        .iter()
        .find_map(leaf)
        .ok_or_else(|| missing(file, &wanted))
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
