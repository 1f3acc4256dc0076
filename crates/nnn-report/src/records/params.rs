//! Parameters as methods write them: `k=128,alpha=0.75`.

/// Names and values, in the order written.
pub(crate) fn pairs(params: &str) -> impl Iterator<Item = (&str, &str)> {
    params.split(',').filter_map(|pair| pair.split_once('='))
}

/// The value of one parameter; absent without it, and where it is no number.
pub(crate) fn number(params: &str, name: &str) -> Option<f64> {
    let (_, value) = pairs(params).find(|(found, _)| *found == name)?;
    value.parse().ok()
}
