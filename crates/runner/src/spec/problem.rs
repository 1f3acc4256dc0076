//! What is wrong with a YAML text, in the words of a config: place, what was found, what was expected, and the line.

use nnn_files::hint;
use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Location, MessageFormatter, UserMessageFormatter};

/// Reads YAML; the error begins with `line L, column C:` and ends with the line in question.
pub(crate) fn parse_yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| describe(&error, text))
}

fn describe(error: &Error, text: &str) -> String {
    let message = message(error.without_snippet());
    match error.location() {
        Some(at) if at.line() > 0 => format!(
            "line {}, column {}: {message}{}",
            at.line(),
            at.column(),
            excerpt(at, text)
        ),
        _ => message,
    }
}

fn message(error: &Error) -> String {
    match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => unknown("key", field, expected),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => unknown("value", variant, expected),
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        Error::InvalidScalar { ty, .. } => format!("expected {}", scalar(ty)),
        Error::Unexpected { expected, .. } => format!("expected {}", node(expected)),
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}

fn unknown(what: &str, found: &str, expected: &[&str]) -> String {
    let near = hint(found, expected.iter().copied());
    format!(
        "unknown {what} `{found}`{near} (known: {})",
        expected.join(", ")
    )
}

/// A Rust number type in words.
fn scalar(name: &str) -> &str {
    match name {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" | "floating point" => "a number",
        "bool" | "boolean" => "true or false",
        other => other,
    }
}

/// A parser's event in words.
fn node(name: &str) -> &str {
    match name {
        "sequence start" => "a list, such as [a, b]",
        "mapping start" => "a map, such as {key: value}",
        "string scalar" => "one word or quoted text",
        other => other,
    }
}

/// The line, with a mark under the column.
fn excerpt(at: Location, text: &str) -> String {
    let number = at.line().to_string();
    let line = usize::try_from(at.line() - 1).ok();
    let Some(line) = line.and_then(|line| text.lines().nth(line)) else {
        return String::new();
    };
    let before = line.chars().take(at.column().saturating_sub(1) as usize);
    let blank: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
    format!(
        "\n  {number} | {line}\n  {:width$} | {blank}^",
        "",
        width = number.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnn_data::{DatasetCard, ModelCard};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    const CARDS: [&str; 3] = [
        include_str!("../../../../configs/datasets/blocks.yaml"),
        include_str!("../../../../configs/datasets/blocks-styled.yaml"),
        include_str!("../../../../configs/models/blocks-clip.yaml"),
    ];

    /// Reads a text as either kind of card; what is wrong is said in words.
    fn read(text: &str) {
        let errors = [
            parse_yaml::<DatasetCard>(text).err(),
            parse_yaml::<ModelCard>(text).err(),
        ];
        for error in errors.into_iter().flatten() {
            assert!(!error.is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_card_or_an_error(text in "(?s).{0,200}") {
            read(&text);
        }

        #[test]
        fn a_changed_card_is_a_card_or_an_error(
            which in 0..CARDS.len(),
            changes in vec((any::<Index>(), "(?s).|[:{}\\[\\]&*!|>'\"%@`#,\\-\n\t ]|é|\u{10ffff}"), 0..6),
        ) {
            let mut text: Vec<char> = CARDS[which].chars().collect();
            for (at, new) in changes {
                let at = at.index(text.len());
                text.splice(at..at + 1, new.chars());
            }
            read(&text.into_iter().collect::<String>());
        }
    }
}
