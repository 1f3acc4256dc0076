//! Names that file systems take.

use crate::sha256_bytes;

/// Most bytes of a part of a file's name: file systems take names of 255, and two such parts stand in some.
const LONGEST: usize = 110;

/// An ASCII name as it is, or if it is longer than 110 bytes its beginning and ten digits of its checksum.
#[must_use]
pub fn short_name(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let sum = sha256_bytes(name.as_bytes());
    let kept: String = name.chars().take(LONGEST - 11).collect();
    format!("{kept}-{}", &sum[..10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stay_apart_and_short_ones_as_they_are() {
        let [a, b] = ["a", "b"].map(|end| short_name("x".repeat(200) + end));
        assert!(a.len() == LONGEST && b.len() == LONGEST && a != b);
        assert_eq!(short_name("x".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(short_name("nnn".to_owned()), "nnn");
    }
}
