//! Values of a config that were replaced on the command line.

/// Keys of a config whose replacement may leave out what is expected.
const NARROWING: [&str; 11] = [
    "models",
    "datasets",
    "directions",
    "reference_sets",
    "methods",
    "metrics",
    "split",
    "embeddings",
    "choose",
    "rerank",
    "compute.bank_search",
];

/// What was replaced on the command line so that expected rows may not be there.
pub(crate) fn narrowed(overrides: &[String]) -> Option<String> {
    let narrowing = |it: &&String| {
        let path = it.split('=').next().unwrap_or_default();
        let within = |key: &&str| format!("{path}.").starts_with(&format!("{key}."));
        NARROWING.iter().any(within)
    };
    let narrowing: Vec<_> = overrides.iter().filter(narrowing).cloned().collect();
    (!narrowing.is_empty()).then(|| format!("run with --set {}", narrowing.join(" --set ")))
}
