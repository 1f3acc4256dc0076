//! Amounts of memory as written: `512MiB`, `2GiB`, or a number of bytes.

use bytesize::ByteSize;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Bytes of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemorySpec(pub(crate) u64);

/// What the process has taken differs a little from call to call.
const STEP: u64 = 16 << 20;

impl MemorySpec {
    /// These bytes and a little more, as it can be written, so that what is said to be enough is enough when it is tried.
    pub(crate) fn enough(bytes: u64) -> String {
        let steps = bytes.saturating_add(STEP / 8).div_ceil(STEP);
        format!("{}MiB", steps.saturating_mul(STEP) >> 20)
    }
}

impl fmt::Display for MemorySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", ByteSize::b(self.0).display().iec())
    }
}

impl<'de> Deserialize<'de> for MemorySpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemoryVisitor)
    }
}

struct MemoryVisitor;

impl Visitor<'_> for MemoryVisitor {
    type Value = MemorySpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of memory such as 512MiB or 2GiB")
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<MemorySpec, E> {
        Ok(MemorySpec(bytes))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MemorySpec, E> {
        let size = text.parse::<ByteSize>();
        let size = size.map_err(|_| E::invalid_value(Unexpected::Str(text), &self))?;
        Ok(MemorySpec(size.as_u64()))
    }
}

impl Serialize for MemorySpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl JsonSchema for MemorySpec {
    fn schema_name() -> Cow<'static, str> {
        "MemorySpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An amount of memory, such as `512MiB` or `2GiB`, or a number of bytes.",
            "type": ["string", "integer"],
        })
    }
}
