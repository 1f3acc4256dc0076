//! Text to the text that pieces are found in: the model's own rules for characters, and spaces as U+2581.

use super::proto::NormalizerSpec;
use std::collections::HashMap;

/// What a space becomes.
const SPACE: &str = "\u{2581}";

/// A model's rules.
#[derive(Clone)]
pub(super) struct Normalizer {
    rules: Option<Rules>,
    /// User-defined pieces by their first character, the longest first.
    kept: HashMap<char, Vec<String>>,
    /// Whether a text begins with a space of its own.
    pub(super) dummy_prefix: bool,
    /// That space stands at the end instead.
    suffix: bool,
    /// Runs of spaces become one, none stands at either end.
    squeeze: bool,
    /// What a space becomes.
    space: &'static str,
}

/// `precompiled_charsmap`: a double array over the bytes of what is replaced, and the replacements.
#[derive(Clone)]
struct Rules {
    units: Vec<u32>,
    /// Each ends with a zero byte.
    targets: String,
}

impl Normalizer {
    pub(super) fn new<'a>(
        spec: &NormalizerSpec,
        suffix: bool,
        user_defined: impl Iterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let mut kept: HashMap<char, Vec<String>> = HashMap::new();
        for piece in user_defined {
            let first = piece.chars().next();
            kept.entry(first.unwrap_or_default())
                .or_default()
                .push(piece.to_owned());
        }
        kept.values_mut()
            .for_each(|it| it.sort_by_key(|piece| usize::MAX - piece.len()));
        let charsmap = spec.precompiled_charsmap();
        Ok(Self {
            rules: (!charsmap.is_empty())
                .then(|| Rules::parse(charsmap))
                .transpose()?,
            kept,
            dummy_prefix: spec.add_dummy_prefix(),
            suffix,
            squeeze: spec.remove_extra_whitespaces(),
            space: if spec.escape_whitespaces() {
                SPACE
            } else {
                " "
            },
        })
    }

    /// Bytes of the longest user-defined piece that `text` begins with.
    pub(super) fn kept(&self, text: &str) -> Option<usize> {
        let pieces = self.kept.get(&text.chars().next()?)?;
        pieces
            .iter()
            .find(|it| text.starts_with(it.as_str()))
            .map(String::len)
    }

    /// The normalised text.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut rest = text;
        while self.squeeze && !rest.is_empty() {
            let (to, length) = self.first(rest);
            if to != " " {
                break;
            }
            rest = &rest[length..];
        }
        let mut out = String::with_capacity(text.len() + 2 * SPACE.len());
        if rest.is_empty() {
            return out;
        }
        if self.dummy_prefix && !self.suffix {
            out.push_str(self.space);
        }
        self.append(rest, &mut out);
        while self.squeeze && out.ends_with(self.space) {
            out.truncate(out.len() - self.space.len());
        }
        if self.dummy_prefix && self.suffix {
            out.push_str(self.space);
        }
        out
    }

    fn append(&self, mut rest: &str, out: &mut String) {
        let mut after_space = self.squeeze;
        while !rest.is_empty() {
            let (to, length) = self.first(rest);
            let to = if after_space {
                to.trim_start_matches(' ')
            } else {
                to
            };
            if !to.is_empty() {
                after_space = self.squeeze && to.ends_with(' ');
                out.extend(
                    to.split_inclusive(' ')
                        .flat_map(|it| match it.strip_suffix(' ') {
                            Some(word) => [word, self.space],
                            None => [it, ""],
                        }),
                );
            }
            rest = &rest[length..];
        }
    }

    /// What the beginning of a text becomes, and how many bytes of it that is: a user-defined piece as it is, or else
    /// by the longest rule, or else one character as it is.
    fn first<'a>(&'a self, text: &'a str) -> (&'a str, usize) {
        if let Some(length) = self.kept(text) {
            return (&text[..length], length);
        }
        let rule = self.rules.as_ref().and_then(|it| it.longest(text));
        rule.unwrap_or_else(|| {
            let length = text.chars().next().map_or(0, char::len_utf8);
            (&text[..length], length)
        })
    }
}

impl Rules {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let broken = || "its character map is broken".to_string();
        let (size, rest) = bytes.split_first_chunk().ok_or_else(broken)?;
        let (units, targets) = rest
            .split_at_checked(u32::from_le_bytes(*size) as usize)
            .ok_or_else(broken)?;
        let (units, []) = units.as_chunks() else {
            return Err(broken());
        };
        let targets = str::from_utf8(targets).map_err(|_| broken())?;
        Ok(Self {
            units: units.iter().map(|it| u32::from_le_bytes(*it)).collect(),
            targets: targets.to_owned(),
        })
    }

    /// The replacement of the longest beginning of `text` that has one, and that beginning's bytes. A unit of the
    /// double array (Darts' format) holds a label in bits 0-7 (and 31), whether a value follows in bit 8, and the offset of
    /// its children in bits 10-30, times 256 where bit 9 is set. What points outside ends the search.
    fn longest(&self, text: &str) -> Option<(&str, usize)> {
        let mut found = None;
        let mut at = offset(*self.units.first()?);
        for (index, byte) in text.bytes().enumerate() {
            at ^= usize::from(byte);
            let Some(&unit) = self.units.get(at) else {
                break;
            };
            if unit & (1 << 31 | 0xff) != u32::from(byte) {
                break;
            }
            at ^= offset(unit);
            if unit >> 8 & 1 == 1 {
                let value = self.units.get(at).map(|it| it & !(1 << 31));
                found = value.map(|it| (it as usize, index + 1)).or(found);
            }
        }
        let (target, length) = found.filter(|(_, length)| text.is_char_boundary(*length))?;
        let target = self.targets.get(target..)?;
        Some((target.split('\0').next().unwrap_or(target), length))
    }
}

fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 1 << 9) >> 6)) as usize
}
