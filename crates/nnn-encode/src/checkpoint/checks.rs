//! What several families refuse in a configuration. Keys are given as the file spells them, so that a message names them.

/// Refuses a `model_type` of another family.
///
/// # Errors
/// Names both.
pub fn model_type(expected: &str, received: &str) -> Result<(), String> {
    if received == expected {
        return Ok(());
    }
    let tower = ["text", "vision"]
        .into_iter()
        .find(|tower| received == format!("{expected}_{tower}_model"));
    let alone = tower.map_or(String::new(), |tower| {
        format!(", which is the {tower} tower alone; images and texts both need theirs")
    });
    Err(format!(
        "model_type: expected {expected}, received {received}{alone}"
    ))
}

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

/// Refuses an epsilon of the norms that is not a finite number above 0.
///
/// # Errors
/// Names `key`, what was expected and what was received.
pub fn epsilon(key: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(format!("{key}: expected above 0, received {value}"))
}

/// Refuses a number of heads that does not divide the width, and zeros.
///
/// # Errors
/// Names both keys and both numbers.
pub fn heads(
    (heads_key, heads): (&str, usize),
    (width_key, width): (&str, usize),
) -> Result<(), String> {
    if width > 0 && heads > 0 && width.is_multiple_of(heads) {
        return Ok(());
    }
    Err(format!(
        "{heads_key} {heads} does not divide {width_key} {width}"
    ))
}

/// Refuses patches that are larger than the image, and zero.
///
/// # Errors
/// Names both keys and both numbers.
pub fn patches(
    (image_key, image): (&str, usize),
    (patch_key, patch): (&str, usize),
) -> Result<(), String> {
    if patch > 0 && patch <= image {
        return Ok(());
    }
    Err(format!(
        "{image_key} {image} holds no patch of {patch_key} {patch}"
    ))
}

/// Refuses images of other than three channels.
///
/// # Errors
/// Names `key`, what was expected and what was received.
pub fn three_channels(key: &str, value: usize) -> Result<(), String> {
    match value {
        3 => Ok(()),
        _ => Err(format!("{key}: expected 3, received {value}")),
    }
}
