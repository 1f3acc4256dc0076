//! Items that a reference set shares with what is evaluated.

use nnn_core::Rows;
use nnn_files::counted;
use nnn_files::sha256_bytes;
use std::collections::HashMap;
use std::fmt;

/// What identifies the items of one bank or one evaluated split.
#[derive(Debug, Clone, Copy)]
pub struct Identities<'a> {
    /// The data set's name; image ids mean something within one data set only.
    pub dataset: &'a str,
    /// The images' ids.
    pub images: &'a [String],
    /// What the images contain, as checksums in the same order (of their files, or [`row_contents`] of their vectors);
    /// empty where unknown.
    pub contents: &'a [String],
    /// The captions; empty where unknown.
    pub texts: &'a [String],
}

/// Items found on both sides; pairs are (index in the bank, index among the evaluated), ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Images with the same id in the same data set.
    pub images: Vec<(u32, u32)>,
    /// Images with the same content, whatever their ids.
    pub contents: Vec<(u32, u32)>,
    /// How many of the bank's captions also occur among the evaluated, letter case and spacing aside. Captions repeat
    /// by nature, so this is worth a note and no error.
    pub texts: usize,
}

impl Overlap {
    /// Whether an image is on both sides, so that evaluating would need to be called transductive.
    #[must_use]
    pub fn is_leak(&self) -> bool {
        !(self.images.is_empty() && self.contents.is_empty())
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} by id, {} by content and {} in common",
            counted(self.images.len(), "image"),
            counted(self.contents.len(), "image"),
            counted(self.texts, "caption text")
        )
    }
}

/// Compares a reference set with the evaluated items.
#[must_use]
pub fn overlap(bank: Identities<'_>, evaluated: Identities<'_>) -> Overlap {
    let images = if bank.dataset == evaluated.dataset {
        shared(bank.images, evaluated.images)
    } else {
        Vec::new()
    };
    Overlap {
        images,
        contents: shared(bank.contents, evaluated.contents),
        texts: shared(&normalised(bank.texts), &normalised(evaluated.texts)).len(),
    }
}

/// Every entry of `bank` that is also in `evaluated`, with the first place where it is.
#[must_use]
pub fn shared(bank: &[String], evaluated: &[String]) -> Vec<(u32, u32)> {
    let mut places = HashMap::new();
    for (place, id) in (0u32..).zip(evaluated) {
        places.entry(id.as_str()).or_insert(place);
    }
    (0u32..)
        .zip(bank)
        .filter_map(|(index, id)| Some((index, *places.get(id.as_str())?)))
        .collect()
}

/// SHA-256 of every row's little-endian f32 bytes: what identifies an item of which only the vector is known.
#[must_use]
pub fn row_contents(rows: Rows<'_>) -> Vec<String> {
    let row = |values: &[f32]| {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        sha256_bytes(&bytes)
    };
    rows.data().chunks_exact(rows.dim()).map(row).collect()
}

/// A text without letter case and spacing: texts that have the same are repeats of each other.
#[must_use]
pub fn same_wording(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

fn normalised(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| same_wording(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnn_core::Embeddings;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn ids_count_within_a_data_set_and_contents_across() {
        let (left, right) = (names(&["1", "2", "3"]), names(&["3", "4", "1"]));
        let (a, b) = (names(&["x", "y", "z"]), names(&["y", "q", "r"]));
        let bank = Identities {
            dataset: "one",
            images: &left,
            contents: &a,
            texts: &[],
        };
        let mut evaluated = Identities {
            dataset: "one",
            images: &right,
            contents: &b,
            texts: &[],
        };
        assert_eq!(overlap(bank, evaluated).images, [(0, 2), (2, 0)]);
        evaluated.dataset = "two";
        let found = overlap(bank, evaluated);
        assert_eq!(found.images, []);
        assert_eq!(found.contents, [(1, 0)]);
        assert!(found.is_leak());
    }

    #[test]
    fn repeated_captions_are_a_note() {
        let (bank, evaluated) = (
            names(&["A  red cube.", "a red cube.", "b"]),
            names(&["a Red cube. "]),
        );
        let side = |texts| Identities {
            dataset: "one",
            images: &[],
            contents: &[],
            texts,
        };
        let found = overlap(side(&bank), side(&evaluated));
        assert!(!found.is_leak());
        assert_eq!(
            found.to_string(),
            "0 images by id, 0 images by content and 2 caption texts in common"
        );
    }

    #[test]
    fn equal_vectors_are_equal_contents() {
        let rows =
            Embeddings::normalize(vec![1.0, 2.0, 2.0, 1.0, 2.0, 4.0], 2).expect("valid rows");
        let contents = row_contents(rows.rows());
        assert_eq!(contents[0], contents[2]);
        assert_ne!(contents[0], contents[1]);
    }
}
