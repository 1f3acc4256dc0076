//! The JSON formats that have a form of their own: Karpathy's and COCO's. What is not needed is skipped while parsing, so that
//! tokens and licences cost no memory.

use super::Input;
use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::collections::HashMap;
use std::fmt;

pub(super) fn parse<'de, S: DeserializeSeed<'de>>(
    seed: S,
    text: &'de str,
    rows: &Rows<'_, '_>,
) -> Result<S::Value, AnnotationError> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let parsed = seed.deserialize(&mut parser);
    let whole = parsed.and_then(|value| parser.end().map(|()| value));
    whole.map_err(|error| {
        let problem = AnnotationProblem::Malformed {
            format: "JSON",
            problem: error.to_string(),
        };
        rows.error(None, problem)
    })
}

#[derive(Deserialize)]
struct Karpathy {
    images: Vec<KarpathyImage>,
}

#[derive(Deserialize)]
struct KarpathyImage {
    filename: String,
    filepath: Option<String>,
    split: Option<String>,
    sentences: Vec<Sentence>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Sentence {
    raw: String,
}

impl KarpathyImage {
    /// The name of the file, with its folder where names without it are ambiguous.
    fn name(&self, with_folder: bool) -> String {
        match &self.filepath {
            Some(folder) if with_folder && !folder.is_empty() => {
                format!("{folder}/{}", self.filename)
            }
            _ => self.filename.clone(),
        }
    }
}

/// Whether two images of different folders have one name.
fn need_folders(images: &[KarpathyImage]) -> bool {
    let mut folders = HashMap::new();
    images.iter().any(|image| {
        let folder = image.filepath.as_deref();
        *folders.entry(&image.filename).or_insert(folder) != folder
    })
}

/// Reads `{"images": [{"filename", "filepath", "split", "sentences": [{"raw"}]}]}`.
pub(super) fn karpathy(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let text = input.text(rows)?;
    let file: Karpathy = parse(std::marker::PhantomData, &text, rows)?;
    let with_folder = need_folders(&file.images);
    for (at, image) in file.images.into_iter().enumerate() {
        let name = image.name(with_folder);
        let captions = image.sentences.into_iter().map(|it| it.raw).collect();
        let row = Row {
            split: image.split.as_deref(),
            image: &name,
            captions,
            address: image.url.as_deref(),
            whole: true,
            ..Row::default()
        };
        rows.push(Place::Item("images", at), row)?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Coco {
    images: Vec<CocoImage>,
    annotations: Vec<CocoCaption>,
}

#[derive(Deserialize)]
struct CocoImage {
    id: i64,
    file_name: String,
    coco_url: Option<String>,
}

#[derive(Deserialize)]
struct CocoCaption {
    image_id: i64,
    caption: String,
}

/// Reads `{"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}`.
pub(super) fn coco(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let text = input.text(rows)?;
    let Coco {
        images,
        annotations,
    } = parse(std::marker::PhantomData, &text, rows)?;
    let numbers = numbers(&images, rows)?;
    let mut captions: Vec<Vec<String>> = images.iter().map(|_| Vec::new()).collect();
    for (at, CocoCaption { image_id, caption }) in annotations.into_iter().enumerate() {
        match numbers.get(&image_id) {
            Some(&image) => captions[image].push(caption),
            None => {
                let place = Place::Item("annotations", at);
                rows.unknown_image(place, image_id.to_string())?;
            }
        }
    }
    for ((at, image), captions) in images.iter().enumerate().zip(captions) {
        let row = Row {
            split: None,
            image: &image.file_name,
            captions,
            address: image.coco_url.as_deref(),
            whole: true,
            ..Row::default()
        };
        rows.push(Place::Item("images", at), row)?;
    }
    Ok(())
}

/// The images' places by their ids.
fn numbers(
    images: &[CocoImage],
    rows: &Rows<'_, '_>,
) -> Result<HashMap<i64, usize>, AnnotationError> {
    let mut numbers = HashMap::new();
    for (at, image) in images.iter().enumerate() {
        if let Some(first) = numbers.insert(image.id, at) {
            let problem = AnnotationProblem::Twice {
                image: format!("id {}", image.id),
                first: format!("at {}", Place::Item("images", first)),
            };
            return Err(rows.error(Place::Item("images", at), problem));
        }
    }
    Ok(numbers)
}

/// A text or a list of texts.
pub(super) enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(Texts::Many(texts))
    }
}
