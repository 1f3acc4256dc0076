//! What a config expects: published tables by their names, numbers of its own, or both.

use nnn_report::Expectation;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// One `{published: ..., tables: [...]}`, or a list of such items and of single numbers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ExpectSpec {
    Tables(TablesSpec),
    Listed(Vec<ExpectItem>),
}

/// An item of the list: published tables, or one number.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ExpectItem {
    /// Begins with `published` or `tables`.
    Tables(TablesSpec),
    Number(Box<Expectation>),
}

/// The numbers of published tables, as far as this config measures them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TablesSpec {
    /// The publication: a folder in `experiments/` with a folder `published/` in it, such as `nnn-emnlp2024`.
    pub(crate) published: String,
    /// Its tables, as in `[1, 2, A6, gender]`: the files `table-1.csv`, `table-2.csv`, `table-a6.csv`, `gender.csv`.
    pub(crate) tables: Vec<TableName>,
}

/// A table's name or number, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TableName(pub(crate) String);

impl Default for ExpectSpec {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl ExpectSpec {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A list of numbers alone.
    pub(crate) fn of(numbers: Vec<Expectation>) -> Self {
        let item = |number| ExpectItem::Number(Box::new(number));
        Self::Listed(numbers.into_iter().map(item).collect())
    }

    /// The items, each with where it stands in the config.
    pub(crate) fn items(&self) -> Vec<(String, ExpectItem)> {
        match self {
            Self::Tables(tables) => {
                vec![("expect".to_owned(), ExpectItem::Tables(tables.clone()))]
            }
            Self::Listed(items) => {
                let numbered = items.iter().cloned().enumerate();
                numbered
                    .map(|(index, item)| (format!("expect[{index}]"), item))
                    .collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for ExpectSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpectVisitor)
    }
}

struct ExpectVisitor;

impl<'de> Visitor<'de> for ExpectVisitor {
    type Value = ExpectSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{published: NAME, tables: [...]}, or a list of such items and of numbers")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExpectSpec, A::Error> {
        TablesSpec::deserialize(MapAccessDeserializer::new(map)).map(ExpectSpec::Tables)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ExpectSpec, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(ExpectSpec::Listed(items))
    }
}

impl<'de> Deserialize<'de> for ExpectItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = ExpectItem;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{published: NAME, tables: [...]}, or {model: ..., metric: ..., paper: ...}")
    }

    /// The first key tells which it is, so that every mistake is reported where it stands.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ExpectItem, A::Error> {
        let first: Option<String> = map.next_key()?;
        let is_tables = matches!(first.as_deref(), Some("published" | "tables"));
        let whole = MapAccessDeserializer::new(Resumed { first, rest: map });
        match is_tables {
            true => TablesSpec::deserialize(whole).map(ExpectItem::Tables),
            false => Expectation::deserialize(whole).map(|it| ExpectItem::Number(Box::new(it))),
        }
    }
}

/// A map whose first key has been read.
struct Resumed<A> {
    first: Option<String>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Resumed<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(key) => seed
                .deserialize(StringDeserializer::<A::Error>::new(key))
                .map(Some),
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.rest.next_value_seed(seed)
    }
}

impl<'de> Deserialize<'de> for TableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = TableName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table's number or name, such as 1 or A6")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<TableName, E> {
        Ok(TableName(name.to_lowercase()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<TableName, E> {
        Ok(TableName(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<TableName, E> {
        Ok(TableName(number.to_string()))
    }
}

impl JsonSchema for TableName {
    fn schema_name() -> Cow<'static, str> {
        "TableName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "integer"], "description": "A table's number or name, such as 1 or A6."})
    }
}
