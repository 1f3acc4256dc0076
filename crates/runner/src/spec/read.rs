//! YAML with exact positions, overrides from the command line, and the nearest valid name for a wrong one.

use crate::spec::Spec;
use crate::spec::problem::parse_yaml;
use anyhow::{Context, Result, anyhow, bail, ensure};
use nnn_files::hint;
use nnn_files::nearby;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::Path;

/// Reads the text of a config.
///
/// # Errors
/// It is no YAML, or not that of a config: line, column, what was found and what was expected.
pub fn parse_spec(text: &str) -> Result<Spec> {
    parse_yaml(text).map_err(anyhow::Error::msg)
}

/// Reads a config and applies `a.b=c` overrides to it.
///
/// # Errors
/// The file cannot be read, it is no config, or an override does not fit: file, line, column, what was found and what was
/// expected.
pub fn read_spec(path: &Path, overrides: &[String]) -> Result<Spec> {
    // The file alone is read first, so that its own mistakes are reported with their place in it.
    let spec: Spec = read_yaml(path)?;
    if overrides.is_empty() {
        return Ok(spec);
    }
    let mut value: Value = read_yaml(path)?;
    for text in overrides {
        apply_override(&mut value, text).with_context(|| format!("--set {text}"))?;
    }
    serde_json::from_value(value)
        .map_err(|error| anyhow!("{}", in_words(&error.to_string())))
        .with_context(|| format!("--set {}", overrides.join(" --set ")))
}

/// Reads a YAML file into any type; errors carry file, line, column and the nearest valid key.
pub(crate) fn read_yaml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = nnn_files::read_text(path).map_err(|error| unread(path, error))?;
    ensure!(
        !is_blank(&text),
        "{} is empty, expected `key: value` lines",
        path.display()
    );
    parse_yaml(&text).map_err(|problem| anyhow!("{}, {problem}", path.display()))
}

fn unread(path: &Path, error: std::io::Error) -> anyhow::Error {
    let file = path.display();
    match error.kind() {
        ErrorKind::NotFound => anyhow!("{file}: no such file{}", nearby(path)),
        _ => anyhow!("{file}: cannot be read: {error}"),
    }
}

/// Whether there is nothing but comments.
fn is_blank(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}

/// Sets one value: `compute.threads=1`, `methods.2.nnn.k=[1,2]`; the value is read as YAML.
fn apply_override(root: &mut Value, text: &str) -> Result<()> {
    let (path, value) = text
        .split_once('=')
        .context("expected key=value, such as compute.threads=1")?;
    ensure!(
        !path.split('.').any(str::is_empty),
        "expected key=value with a key such as compute.threads, found `{path}`"
    );
    let value: Value =
        parse_yaml(value).map_err(|problem| anyhow!("value `{value}`, {problem}"))?;
    let mut place = root;
    for key in path.split('.') {
        place = step_into(place, key)?;
    }
    *place = value;
    Ok(())
}

fn step_into<'a>(place: &'a mut Value, key: &str) -> Result<&'a mut Value> {
    if place.is_null() {
        *place = Value::Object(serde_json::Map::new());
    }
    match place {
        Value::Object(map) => Ok(map.entry(key).or_insert(Value::Null)),
        Value::Array(list) => {
            let length = list.len();
            let index: usize = key
                .parse()
                .with_context(|| format!("`{key}` is no position in a list of {length}"))?;
            list.get_mut(index).with_context(|| {
                format!(
                    "position {index} is outside a list of {length} (0 to {})",
                    length.saturating_sub(1)
                )
            })
        }
        other => bail!("`{key}` cannot be set inside {other}"),
    }
}

/// serde's message in the words of a config, with the nearest valid name for an unknown one.
fn in_words(message: &str) -> String {
    let words = message
        .replace("unknown field", "unknown key")
        .replace("unknown variant", "unknown value")
        .replace("expected usize", "expected a whole number of at least 0")
        .replace("expected u64", "expected a whole number of at least 0")
        .replace("expected f64", "expected a number");
    let quoted: Vec<&str> = words.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((wrong, valid)) if words.starts_with("unknown ") => {
            format!("{words}{}", hint(wrong, valid.iter().copied()))
        }
        _ => words,
    }
}
