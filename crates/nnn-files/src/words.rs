//! Counts in messages.

/// A noun as it follows a count: `image` behind 1, `images` behind any other number. The last word takes the ending:
/// `-ies` for `-y`, `-es` for `-s`, else `-s`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => noun.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        _ if noun.ends_with('s') => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// A count and its noun: `1 image`, `12 queries`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {}", plural(count, noun))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guards against messages such as "1 images".
    #[test]
    fn one_is_singular_and_nothing_else_is() {
        let texts = [0, 1, 2].map(|count| counted(count, "empty caption"));
        assert_eq!(
            texts,
            ["0 empty captions", "1 empty caption", "2 empty captions"]
        );
        let ends = ["query", "class", "gallery item"].map(|noun| plural(2, noun));
        assert_eq!(ends, ["queries", "classes", "gallery items"]);
    }
}
