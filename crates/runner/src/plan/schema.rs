//! What the schema of a config says of methods: which are registered, and the parameters of each.

use crate::spec::MethodSpec;
use nnn_core::{MethodFamily, ParamInfo};
use nnn_trial::METHODS;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

impl JsonSchema for MethodSpec {
    fn schema_name() -> Cow<'static, str> {
        "MethodSpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = METHODS.iter().map(|family| family.name()).collect();
        let options: Map<_, _> = METHODS
            .iter()
            .map(|family| (family.name().to_owned(), options_schema(*family)))
            .collect();
        json_schema!({
            "description": "A method by its name, or as `name: {parameter: values}`.",
            "oneOf": [
                {"type": "string", "enum": names},
                {"type": "object", "properties": options, "additionalProperties": false,
                 "minProperties": 1, "maxProperties": 1},
            ],
        })
    }
}

/// What may stand under a method's name.
fn options_schema(family: &dyn MethodFamily) -> Value {
    let mut properties: Map<_, _> = family
        .params()
        .iter()
        .map(|info| (info.name.to_owned(), values_schema(info)))
        .collect();
    let choose = json!({"enum": ["fixed", "validation", "oracle"]});
    properties.insert("choose".to_owned(), choose);
    json!({
        "type": ["object", "null"], "description": family.doc(),
        "properties": properties, "additionalProperties": false,
    })
}

fn values_schema(info: &ParamInfo) -> Value {
    let mut number = json!({
        "type": if info.whole { "integer" } else { "number" },
        if info.above_min { "exclusiveMinimum" } else { "minimum" }: info.min,
    });
    if info.max.is_finite() {
        number["maximum"] = info.max.into();
    }
    json!({
        "description": format!("{} (default {})", info.doc, info.default),
        "oneOf": [number.clone(), {"type": "array", "items": number, "minItems": 1}, {"const": "paper"}],
    })
}
