//! Lists of captions in one field: as JSON, or as Python prints a list of strings.

use super::error::{AnnotationProblem, excerpt};
use py_literal::Value;

/// Reads a list of texts written either way.
pub(super) fn parse(field: &str) -> Result<Vec<String>, AnnotationProblem> {
    let json = match serde_json::from_str::<Vec<String>>(field) {
        Ok(texts) => return Ok(texts),
        Err(error) => error,
    };
    python(field).map_err(|python| AnnotationProblem::Malformed {
        format: "a list of captions",
        problem: format!(
            "as JSON: {json}; as Python: {python}; found {}",
            excerpt(field)
        ),
    })
}

/// Whether a column holds lists: all values that are not blank begin as one does, with `['`, `["` or `[]`.
pub(super) fn is_column<'a>(values: impl Iterator<Item = &'a str>) -> bool {
    let mut any = false;
    for value in values.filter(|value| !value.trim().is_empty()) {
        if !begins(value) {
            return false;
        }
        any = true;
    }
    any
}

fn begins(value: &str) -> bool {
    let inner = value.trim_start().strip_prefix('[');
    inner.is_some_and(|inner| inner.trim_start().starts_with(['\'', '"', ']']))
}

/// The captions in a field of a column of lists, or of one whose fields are a caption each.
pub(super) fn captions(field: &str, are_lists: bool) -> Result<Vec<String>, AnnotationProblem> {
    match are_lists {
        true if field.trim().is_empty() => Ok(Vec::new()),
        true => parse(field),
        false if begins(field) && parse(field).is_ok() => Err(AnnotationProblem::Value {
            what: "the caption".to_owned(),
            found: format!("a list ({field})"),
            expected: "one caption, as others of the column are",
        }),
        false => Ok(vec![field.to_owned()]),
    }
}

/// A flat list of string literals. Its outline is read here and only the strings by the library, whose time and stack
/// grow with the nesting of what it is given.
fn python(field: &str) -> Result<Vec<String>, String> {
    let mut rest = field
        .trim()
        .strip_prefix('[')
        .ok_or("no `[` at the beginning")?;
    let mut texts = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            return match after.trim_start() {
                "" => Ok(texts),
                _ => Err("something follows the `]`".to_owned()),
            };
        }
        let item = texts.len();
        let length = literal(rest).ok_or_else(|| format!("item {item} is no complete string"))?;
        texts.push(unescape(&rest[..length]).map_err(|error| format!("item {item}: {error}"))?);
        rest = rest[length..].trim_start();
        rest = match rest.strip_prefix(',') {
            Some(after) => after,
            None if rest.starts_with(']') => rest,
            None => return Err(format!("no `,` or `]` after item {item}")),
        };
    }
}

/// Length of the string literal at the beginning, quotes included.
fn literal(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|first| "'\"".contains(*first))?;
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn unescape(literal: &str) -> Result<String, String> {
    // Nearly all are plain, which needs no grammar.
    if !literal.contains(['\\', '\n', '\r']) {
        return Ok(literal[1..literal.len() - 1].to_owned());
    }
    match literal.parse::<Value>() {
        Ok(Value::String(text)) => Ok(text),
        Ok(_) => Err("not a string".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn fails(field: &str) -> String {
        parse(field).expect_err("a broken list").to_string()
    }

    #[test]
    fn both_ways_of_writing() {
        assert_eq!(
            parse(r#"["it's", "\u00e9\n"]"#).expect("JSON"),
            ["it's", "é\n"]
        );
        let python = r#" ['a', "it's", 'both \' and "', 'é \xe9 \u00e9\n', "#;
        let texts = parse(&format!("{python}]")).expect("Python");
        assert_eq!(texts, ["a", "it's", "both ' and \"", "é é é\n"]);
        assert!(parse("[]").expect("nothing").is_empty());
        assert_eq!(
            parse("['[x], (y) {z}']").expect("brackets"),
            ["[x], (y) {z}"]
        );
    }

    #[test]
    fn broken_lists_say_what_breaks_them() {
        for (field, expected) in [
            ("['a", "item 0 is no complete string"),
            ("['a', b]", "item 1 is no complete string"),
            ("['a' 'b']", "no `,` or `]` after item 0"),
            ("['''a''']", "no `,` or `]` after item 0"),
            ("['a'] x", "something follows the `]`"),
            ("['a', ['b']]", "item 1 is no complete string"),
            ("[1]", "item 0 is no complete string"),
            (r"['\N{BULLET}']", "item 0: "),
            (r"['\ud83d']", "item 0: "),
            ("['a\nb']", "item 0: "),
            ("a", "no `[` at the beginning"),
        ] {
            let message = fails(field);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_at_once() {
        fails(&"[".repeat(1_000_000));
        fails(&format!("['a', {}", "[(".repeat(1_000_000)));
    }
}
