//! SHA-256, the checksum of cards, caches and provenance (the one that hubs and `sha256sum` print).

use sha2::Digest;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// An incremental SHA-256; every part that is fed is preceded by its length, so parts cannot run together.
#[derive(Clone, Default)]
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// Starts an empty checksum.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one part, preceded by its length as eight little-endian bytes.
    #[must_use]
    pub fn part(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// The checksum as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(self) -> String {
        hex(&self.0.finalize())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256")
    }
}

/// SHA-256 of `bytes` as 64 lower-case hexadecimal digits, equal to what `sha256sum` prints.
#[must_use]
pub fn sha256_bytes(bytes: &[u8]) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// SHA-256 of `bytes` as the 32 bytes that it is.
#[must_use]
pub fn sha256_raw(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// SHA-256 of a file's content, read in pieces of 1 MiB.
///
/// # Errors
/// The file cannot be opened or read.
pub fn sha256_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = sha2::Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&buffer[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answer() {
        assert_eq!(
            sha256_bytes(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn parts_cannot_run_together() {
        let first = Sha256::new().part("ab").part("c").hex();
        let second = Sha256::new().part("a").part("bc").hex();
        assert_ne!(first, second);
    }
}
