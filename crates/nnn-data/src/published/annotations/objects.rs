//! Objects with an image and its captions: a JSON list of them, as BLIP and LAVIS read it, or one a line, as the `metadata.jsonl`
//! of an image folder has them. Keys that are not read are skipped while parsing.

use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place};
use super::json::{Texts, parse};
use super::names::{CAPTION, IMAGE};
use super::{Input, either};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use std::fmt;

/// Reads `[{"image", "caption"}]` or lines of such objects, a caption being a text or a list of texts.
pub(super) fn list(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let text = input.text(rows)?;
    let keys = Keys::of(rows);
    if text.trim_start().starts_with('{') {
        return lines(&text, &keys, rows);
    }
    let objects = parse(Objects(&keys), &text, rows)?;
    for (at, object) in objects.into_iter().enumerate() {
        push(Place::Item("", at), object, &keys, rows)?;
    }
    Ok(())
}

fn lines(text: &str, keys: &Keys, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    for (line, content) in (1u64..).zip(text.lines()) {
        if content.trim().is_empty() {
            continue;
        }
        let place = Place::Line(line);
        let mut parser = serde_json::Deserializer::from_str(content);
        let parsed = OneObject(keys).deserialize(&mut parser);
        let whole = parsed.and_then(|object| parser.end().map(|()| object));
        let object = whole.map_err(|error| {
            let problem = AnnotationProblem::Malformed {
                format: "JSON, one object a line",
                problem: error.to_string(),
            };
            rows.error(place.clone(), problem)
        })?;
        push(place, object, keys, rows)?;
    }
    Ok(())
}

/// The keys that are read.
struct Keys {
    /// The first that is there is the image's name.
    image: Vec<String>,
    caption: Vec<String>,
    /// Whether all keys of captions are read, not only the first that is there.
    several: bool,
    split: String,
    url: String,
}

impl Keys {
    fn of(rows: &Rows<'_, '_>) -> Self {
        let names = &rows.part().columns;
        let captions = names.captions();
        let own = |own: &[&str]| own.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let named = |given: Option<String>, own: &str| given.unwrap_or_else(|| own.to_owned());
        Self {
            image: names
                .image
                .as_ref()
                .map_or(own(&IMAGE), |it| vec![it.to_string()]),
            several: captions.as_ref().is_some_and(|it| it.len() > 1),
            caption: captions.unwrap_or_else(|| own(&CAPTION)),
            split: named(names.split.as_ref().map(ToString::to_string), "split"),
            url: named(names.url.as_ref().map(ToString::to_string), "url"),
        }
    }

    fn wants(&self, key: &str) -> bool {
        let listed = |keys: &[String]| keys.iter().any(|it| it == key);
        listed(&self.image) || listed(&self.caption) || key == self.split || key == self.url
    }
}

/// What is read of an object.
#[derive(Default)]
struct Object {
    wanted: Vec<(String, Value)>,
    /// Names of other keys.
    others: Vec<String>,
}

impl Object {
    fn get(&self, key: &str) -> Option<&Value> {
        let found = self.wanted.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value).filter(|it| !it.is_null())
    }

    fn text(&self, key: &str) -> Result<Option<&str>, AnnotationProblem> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(key, other, "a text")),
        }
    }

    fn first<'k>(&self, keys: &'k [String]) -> Result<&'k str, AnnotationProblem> {
        let there = |key: &&String| self.wanted.iter().any(|(name, _)| name == *key);
        let found = keys.iter().find(there).map(String::as_str);
        found.ok_or_else(|| {
            let names: Vec<&str> = keys.iter().map(String::as_str).collect();
            let all = self.wanted.iter().map(|(name, _)| name).chain(&self.others);
            AnnotationProblem::NoKey {
                wanted: either(&names),
                found: all.cloned().collect(),
            }
        })
    }

    fn captions(&self, keys: &Keys) -> Result<Vec<String>, AnnotationProblem> {
        let first = self.first(&keys.caption)?;
        if !keys.several {
            return self.texts(first);
        }
        let all = keys.caption.iter().map(|key| self.texts(key));
        let all: Vec<Vec<String>> = all.collect::<Result<_, _>>()?;
        let there = all.into_iter().flatten();
        Ok(there.filter(|it| !it.trim().is_empty()).collect())
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, AnnotationProblem> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let texts = Texts::deserialize(value);
        texts
            .map(Texts::into_vec)
            .map_err(|_| wrong(key, value, "a text or a list of texts"))
    }

    fn is_whole(&self, keys: &Keys) -> bool {
        let list = |key: &String| matches!(self.get(key), Some(Value::Array(_)));
        keys.several
            || keys
                .caption
                .iter()
                .find(|key| self.get(key).is_some())
                .is_some_and(list)
    }
}

fn wrong(key: &str, value: &Value, expected: &'static str) -> AnnotationProblem {
    AnnotationProblem::Value {
        what: format!("{key:?}"),
        found: value.to_string(),
        expected,
    }
}

fn push(
    place: Place,
    object: Object,
    keys: &Keys,
    rows: &mut Rows<'_, '_>,
) -> Result<(), AnnotationError> {
    let row = || {
        let image = object.first(&keys.image)?;
        let image = object
            .text(image)?
            .ok_or_else(|| wrong(image, &Value::Null, "a text"))?;
        Ok(Row {
            split: object.text(&keys.split)?,
            image,
            captions: object.captions(keys)?,
            address: object.text(&keys.url)?,
            whole: object.is_whole(keys),
            ..Row::default()
        })
    };
    let row = row().map_err(|problem| rows.error(place.clone(), problem))?;
    rows.push(place, row)
}

/// A list of objects.
struct Objects<'a>(&'a Keys);

impl<'de> DeserializeSeed<'de> for Objects<'_> {
    type Value = Vec<Object>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Object>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_> {
    type Value = Vec<Object>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects, each with an image and its captions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Object>, A::Error> {
        let mut objects = Vec::new();
        while let Some(object) = list.next_element_seed(OneObject(self.0))? {
            objects.push(object);
        }
        Ok(objects)
    }
}

struct OneObject<'a>(&'a Keys);

impl<'de> DeserializeSeed<'de> for OneObject<'_> {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneObject<'_> {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an image and its captions")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some(key) = map.next_key::<String>()? {
            if !self.0.wants(&key) {
                map.next_value::<IgnoredAny>()?;
                object.others.push(key);
                continue;
            }
            if object.wanted.iter().any(|(name, _)| *name == key) {
                return Err(de::Error::custom(format_args!("two keys {key:?}")));
            }
            object.wanted.push((key, map.next_value()?));
        }
        Ok(object)
    }
}
