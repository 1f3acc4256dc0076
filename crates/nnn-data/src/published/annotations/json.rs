//! The JSON formats: Karpathy's, COCO's own, and plain lists as BLIP and LAVIS read them. What is not needed is skipped
//! while parsing, so that tokens and licences cost no memory.

use super::Input;
use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place};
use crate::published::source::ColumnNames;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::collections::HashMap;
use std::fmt;

fn parse<'de, S: DeserializeSeed<'de>>(
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
    split: Option<String>,
    sentences: Vec<Sentence>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Sentence {
    raw: String,
}

/// Reads `{"images": [{"filename", "split", "sentences": [{"raw"}]}]}`.
pub(super) fn karpathy(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let text = input.text(rows)?;
    let file: Karpathy = parse(std::marker::PhantomData, &text, rows)?;
    for (at, image) in file.images.into_iter().enumerate() {
        let captions = image.sentences.into_iter().map(|it| it.raw).collect();
        let row = Row {
            split: image.split.as_deref(),
            image: &image.filename,
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

/// Reads `[{"image", "caption"}]`, a caption being a text or a list of texts.
pub(super) fn list(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let text = input.text(rows)?;
    let names = rows.part().columns.clone();
    let items = parse(Items(&names), &text, rows)?;
    for (at, item) in items.into_iter().enumerate() {
        let whole = matches!(item.captions, Texts::Many(_));
        let row = Row {
            split: item.split.as_deref(),
            image: &item.image,
            captions: item.captions.into_vec(),
            address: item.url.as_deref(),
            whole,
            ..Row::default()
        };
        rows.push(Place::Item("", at), row)?;
    }
    Ok(())
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

struct Item {
    image: String,
    captions: Texts,
    split: Option<String>,
    url: Option<String>,
}

/// A list of objects whose keys the card may name.
struct Items<'a>(&'a ColumnNames);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Vec<Item>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Item>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<Item>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects, each with an image and its captions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Item>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(ItemSeed(self.0))? {
            items.push(item);
        }
        Ok(items)
    }
}

struct ItemSeed<'a>(&'a ColumnNames);

impl<'de> DeserializeSeed<'de> for ItemSeed<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ItemSeed<'_> {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an image and its captions")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let name = |given: &Option<String>, own: &str| given.clone().unwrap_or(own.to_owned());
        let image_key = name(&self.0.image, "image");
        let caption_key = name(&self.0.caption, "caption");
        let split_key = name(&self.0.split, "split");
        let url_key = name(&self.0.url, "url");
        let (mut image, mut captions, mut split, mut url) = (None, None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match &key {
                _ if key == image_key => image = Some(map.next_value()?),
                _ if key == caption_key => captions = Some(map.next_value()?),
                _ if key == split_key => split = map.next_value()?,
                _ if key == url_key => url = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let missing = |key: &str| A::Error::custom(format_args!("missing key {key:?}"));
        Ok(Item {
            image: image.ok_or_else(|| missing(&image_key))?,
            captions: captions.ok_or_else(|| missing(&caption_key))?,
            split,
            url,
        })
    }
}
