//! Records that carry a checksum of themselves: JSON whose second line is that of all others.

use anyhow::{Context, Result, ensure};
use nnn_files::sha256_bytes;
use serde::Serialize;

/// How the second line begins.
const SEAL: &str = "  \"record_sha256\": \"";

/// What stands behind the checksum.
const SEAL_END: &str = "\",\n";

/// The first line of a record.
const FIRST: &str = "{\n";

/// A record as text.
pub(super) fn sealed(record: &impl Serialize) -> Result<String> {
    let text = format!("{}\n", serde_json::to_string_pretty(record)?);
    let sum = sha256_bytes(text.as_bytes());
    let rest = text.strip_prefix(FIRST).unwrap_or_default();
    Ok(format!("{FIRST}{SEAL}{sum}{SEAL_END}{rest}"))
}

/// The text without the line of its checksum, if every byte is as it was written; none where there is no such line.
pub(super) fn unsealed(text: &str) -> Result<Option<String>> {
    let sealed = text
        .strip_prefix(FIRST)
        .and_then(|it| it.strip_prefix(SEAL));
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let (sum, rest) = sealed
        .split_once(SEAL_END)
        .context("its checksum has no end")?;
    let text = format!("{FIRST}{rest}");
    let found = sha256_bytes(text.as_bytes());
    ensure!(sum == found, "checksum {sum} expected, content has {found}");
    Ok(Some(text))
}
