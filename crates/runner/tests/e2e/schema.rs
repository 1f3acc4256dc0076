//! The JSON Schema of configs: it is one, and what it says of a config is what the program says.

use crate::lab::{Lab, workspace};
use crate::vectors::{dataset_config, role_config};
use serde_json::Value;
use std::fs;

fn schema() -> Value {
    let ended = Lab::new().call(&["schema"]);
    assert_eq!(ended.code, Some(0));
    serde_json::from_str(&ended.stdout).expect("JSON")
}

/// The keywords that say nothing about validity, or say it together with another one.
const SILENT: [&str; 9] = [
    "$schema",
    "$defs",
    "title",
    "description",
    "default",
    "format",
    "required",
    "minItems",
    "maxProperties",
];

/// Checks a value against as much of JSON Schema as ours uses; an unknown keyword fails the test.
struct Validator(Value);

impl Validator {
    fn valid(&self, value: &Value, schema: &Value) -> bool {
        match schema {
            Value::Bool(any) => *any,
            _ => self.keywords(value, schema),
        }
    }

    fn keywords(&self, value: &Value, schema: &Value) -> bool {
        let object = schema.as_object().expect("a schema");
        assert!(object.get("maxProperties").is_none_or(|most| *most == 1));
        object
            .iter()
            .all(|(keyword, rule)| self.keyword(value, schema, keyword, rule))
    }

    fn keyword(&self, value: &Value, schema: &Value, keyword: &str, rule: &Value) -> bool {
        let matching = || {
            list(rule)
                .iter()
                .filter(|one| self.valid(value, one))
                .count()
        };
        match keyword {
            "type" => types(rule).iter().any(|name| is(value, name)),
            "enum" => list(rule).contains(value),
            "const" => value == rule,
            "$ref" => self.valid(value, self.definition(rule)),
            "anyOf" => matching() > 0,
            "oneOf" => matching() == 1,
            "allOf" => matching() == list(rule).len(),
            "minimum" => value.as_f64().is_none_or(|v| v >= number(rule)),
            "maximum" => value.as_f64().is_none_or(|v| v <= number(rule)),
            "exclusiveMinimum" => value.as_f64().is_none_or(|v| v > number(rule)),
            "items" => value
                .as_array()
                .is_none_or(|all| all.iter().all(|v| self.valid(v, rule))),
            "properties" => self.properties(value, schema),
            "additionalProperties" => closed(value, schema),
            "minProperties" => value.as_object().is_none_or(|map| map.len() == 1),
            _ => {
                assert!(SILENT.contains(&keyword), "unknown keyword {keyword}");
                present(value, schema) && long_enough(value, schema)
            }
        }
    }

    fn definition(&self, reference: &Value) -> &Value {
        let path = reference.as_str().expect("a reference");
        let pointer = path
            .strip_prefix('#')
            .expect("a reference within the schema");
        self.0.pointer(pointer).expect("a definition")
    }

    fn properties(&self, value: &Value, schema: &Value) -> bool {
        let known = |name: &String| schema["properties"].get(name);
        value.as_object().is_none_or(|map| {
            map.iter()
                .all(|(name, value)| known(name).is_none_or(|rule| self.valid(value, rule)))
        })
    }
}

fn list(rule: &Value) -> &[Value] {
    rule.as_array().expect("a list")
}

fn number(rule: &Value) -> f64 {
    rule.as_f64().expect("a number")
}

fn types(rule: &Value) -> Vec<&str> {
    let one = rule.as_str().map(|name| vec![name]);
    one.unwrap_or_else(|| list(rule).iter().filter_map(Value::as_str).collect())
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("unknown type {other}"),
    }
}

fn closed(value: &Value, schema: &Value) -> bool {
    assert_eq!(schema["additionalProperties"], false);
    let known = |name: &String| schema["properties"].get(name).is_some();
    value.as_object().is_none_or(|map| map.keys().all(known))
}

fn present(value: &Value, schema: &Value) -> bool {
    let wanted = schema.get("required").map_or(&[][..], list);
    let has = |map: &serde_json::Map<String, Value>, name: &Value| {
        map.contains_key(name.as_str().unwrap_or_default())
    };
    value
        .as_object()
        .is_none_or(|map| wanted.iter().all(|name| has(map, name)))
}

fn long_enough(value: &Value, schema: &Value) -> bool {
    let least = schema.get("minItems").map_or(0.0, number);
    value.as_array().is_none_or(|all| all.len() as f64 >= least)
}

fn parse(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

pub(crate) fn assert_valid(text: &str, expected: bool) {
    let schema = schema();
    let validator = Validator(schema.clone());
    assert_eq!(validator.valid(&parse(text), &schema), expected, "{text}");
}

#[test]
fn shipped_configs_are_valid() {
    let folders = ["configs", "experiments/nnn-emnlp2024"].map(|it| workspace().join(it));
    let files = folders
        .iter()
        .flat_map(|it| fs::read_dir(it).expect("configs"));
    let files = files.map(|entry| entry.expect("an entry").path());
    let configs: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    assert!(!configs.is_empty());
    for path in configs {
        assert_valid(&fs::read_to_string(path).expect("a config"), true);
    }
}

#[test]
fn configs_of_vectors_are_valid() {
    assert_valid(&dataset_config(""), true);
    assert_valid(&role_config("relevance"), true);
    assert_valid(
        &dataset_config("methods: [nnn: {k: [1, 2], alpha: paper, choose: oracle}]"),
        true,
    );
    assert_valid(
        &dataset_config("compute: {bank_search: {ivf: {lists: 4, probes: 2}, check: false}}"),
        true,
    );
    assert_valid(
        &dataset_config("expect: [{published: nnn-emnlp2024, tables: [1, A6]}]"),
        true,
    );
}

#[test]
fn mistakes_are_not() {
    for mistake in [
        "metod: [raw]",
        "methods: [nn]",
        "methods: [nnn: {k: 0}]",
        "methods: [nnn: {alfa: 1}]",
        "methods: [nnn: {k: 1}, is: many]",
        "directions: [sideways]",
        "top: many",
        "compute: {threads: -1}",
        "compute: {bank_search: {ivf: {lists: 4}}}",
        "compute: {bank_search: {ivf: {lists: 4, probes: 2}, chek: true}}",
        "reference_sets: [{share: few}]",
        "statistics: {resample: 1}",
        "expect: {published: nnn-emnlp2024}",
        "expect: [{published: nnn-emnlp2024, table: [1]}]",
        "expect: [{model: noise}]",
    ] {
        assert_valid(&dataset_config(mistake), false);
    }
    assert_valid("methods: [raw]", false);
}
