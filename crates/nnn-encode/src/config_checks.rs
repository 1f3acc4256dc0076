//! What several families refuse in a `config.json`.

/// Refuses 0.
///
/// # Errors
/// Names `key`, what was expected and what was received.
pub fn at_least_one(key: &str, value: usize) -> Result<(), String> {
    match value {
        0 => Err(format!("{key}: expected at least 1, received 0")),
        _ => Ok(()),
    }
}

/// Refuses a number of heads that does not divide the width, and zeros.
///
/// # Errors
/// Names `tower` and both numbers.
pub fn heads(tower: &str, width: usize, heads: usize) -> Result<(), String> {
    if width > 0 && heads > 0 && width.is_multiple_of(heads) {
        return Ok(());
    }
    Err(format!(
        "{tower}: num_attention_heads {heads} does not divide hidden_size {width}"
    ))
}

/// Refuses an epsilon of the norms that is not a finite number above 0.
///
/// # Errors
/// Names `tower`, what was expected and what was received.
pub fn epsilon(tower: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(format!(
        "{tower}.layer_norm_eps: expected above 0, received {value}"
    ))
}
