//! The valid name that a wrong one may have meant.

/// `; did you mean ...?` with the most similar of the valid names; empty if none is similar at all.
#[must_use]
pub fn hint<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(wrong, valid);
    near.map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// What is wrong with a name of a `kind`, such as a method, with the nearest valid one and all of them.
#[must_use]
pub fn unknown<'a>(
    kind: &str,
    name: &str,
    valid: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let known: Vec<_> = valid.clone().into_iter().collect();
    let near = hint(name, valid);
    format!(
        "unknown {kind} `{name}`{near} (known: {})",
        known.join(", ")
    )
}

/// The most similar of the valid names, if any is similar at all.
fn nearest<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let similarity = |name: &str| strsim::jaro_winkler(&wrong.to_lowercase(), &name.to_lowercase());
    valid
        .into_iter()
        .map(|name| (similarity(name), name))
        .filter(|&(similarity, _)| similarity > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
