//! Methods as written: `nnn`, or `nnn: {k: 16, alpha: [0.5, 0.75]}`.

use nnn_trial::{Choose, Values};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// A method and the values of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MethodSpec {
    pub(crate) name: String,
    pub(crate) options: MethodOptions,
}

/// Parameter values by name, and how to choose among them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct MethodOptions {
    pub(crate) choose: Option<Choose>,
    pub(crate) params: BTreeMap<String, WrittenValues>,
}

impl<'de> Deserialize<'de> for MethodSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MethodVisitor)
    }
}

struct MethodVisitor;

impl<'de> Visitor<'de> for MethodVisitor {
    type Value = MethodSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a method's name, or `name: {parameter: values}`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<MethodSpec, E> {
        Ok(MethodSpec {
            name: name.to_owned(),
            options: MethodOptions::default(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MethodSpec, A::Error> {
        let entry = map.next_entry::<String, Option<MethodOptions>>()?;
        let Some((name, options)) = entry else {
            return Err(A::Error::custom(
                "expected a method's name, found an empty map",
            ));
        };
        if let Some(second) = map.next_key::<String>()? {
            return Err(A::Error::custom(format!(
                "`{name}` and `{second}` stand in one list item; write each method as an item of its own"
            )));
        }
        let options = options.unwrap_or_default();
        Ok(MethodSpec { name, options })
    }
}

impl<'de> Deserialize<'de> for MethodOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OptionsVisitor)
    }
}

struct OptionsVisitor;

impl<'de> Visitor<'de> for OptionsVisitor {
    type Value = MethodOptions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of parameters to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MethodOptions, A::Error> {
        let mut options = MethodOptions::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == "choose" {
                options.choose = Some(map.next_value()?);
            } else {
                let values = map.next_value()?;
                options.params.insert(key, values);
            }
        }
        Ok(options)
    }
}

/// [`Values`] as YAML has them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WrittenValues(pub(crate) Values);

impl<'de> Deserialize<'de> for WrittenValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor).map(Self)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a list of numbers, or `paper` for the published grid")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Values, E> {
        Ok(Values::Listed(vec![value]))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Values, E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Values, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Values, E> {
        if text == "paper" {
            return Ok(Values::Published);
        }
        Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Values::Listed(values))
    }
}

impl Serialize for MethodSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.options == MethodOptions::default() {
            return serializer.serialize_str(&self.name);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.name, &self.options)?;
        map.end()
    }
}

impl Serialize for MethodOptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(choose) = &self.choose {
            map.serialize_entry("choose", choose)?;
        }
        for (name, values) in &self.params {
            map.serialize_entry(name, values)?;
        }
        map.end()
    }
}

impl Serialize for WrittenValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Values::Listed(values) => values.serialize(serializer),
            Values::Published => serializer.serialize_str("paper"),
        }
    }
}
