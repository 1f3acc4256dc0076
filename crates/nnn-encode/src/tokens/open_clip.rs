//! How open_clip 3.3.0 cleans a text before any of its tokenizers sees it (`tokenizer.py`): mojibake and typographic
//! characters are repaired as by `ftfy` 6.3.1, HTML entities resolved twice as by Python's `html.unescape`, white space
//! collapsed.
//!
//! OpenAI's own code and the slow tokenizer of `transformers` do nearly the same; a `tokenizer.json` does none of it. So only
//! texts for checkpoints in open_clip's layout are cleaned.

use super::{TokenSettings, is_python_space};
use std::borrow::Cow;

/// What open_clip does to a text, by the name it has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenClipCleaning {
    /// Repaired, single spaces, lower case: what CLIP's own tokenizer is given.
    Lower,
    /// Repaired, single spaces: what a tokenizer named by `hf_tokenizer_name` is given.
    Whitespace,
    /// Repaired, no punctuation, lower case, single spaces: SigLIP's.
    Canonicalize,
}

impl OpenClipCleaning {
    /// The cleaning of a name, if there is such a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "lower" => Some(Self::Lower),
            "whitespace" => Some(Self::Whitespace),
            "canonicalize" => Some(Self::Canonicalize),
            _ => None,
        }
    }

    /// The text that a tokenizer is given.
    #[must_use]
    pub fn clean(self, text: &str) -> String {
        match self {
            Self::Lower => lower(text),
            Self::Whitespace => whitespace(text),
            Self::Canonicalize => canonicalize(text),
        }
    }

    /// Cleaned so, cut to `context` ids and not padded.
    #[must_use]
    pub fn settings(self, context: usize) -> TokenSettings {
        let (clean, cleaning): (fn(&str) -> String, _) = match self {
            Self::Lower => (lower, "open_clip 3.3.0: lower"),
            Self::Whitespace => (whitespace, "open_clip 3.3.0: whitespace"),
            Self::Canonicalize => (canonicalize, "open_clip 3.3.0: canonicalize"),
        };
        TokenSettings {
            clean,
            cleaning,
            ..TokenSettings::cut_to(context)
        }
    }
}

fn lower(text: &str) -> String {
    whitespace(text).to_lowercase()
}

fn whitespace(text: &str) -> String {
    single_spaces(&basic(text))
}

fn canonicalize(text: &str) -> String {
    let spaced = basic(text).replace('_', " ");
    let kept: String = spaced
        .chars()
        .filter(|it| !it.is_ascii_punctuation())
        .collect();
    single_spaces(&kept.to_lowercase())
}

fn basic(text: &str) -> String {
    let repaired = repaired(text);
    unescaped(&unescaped(&repaired)).into_owned()
}

/// As Python's `" ".join(text.split())`.
fn single_spaces(text: &str) -> String {
    let words = text.split(is_python_space).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// `ftfy.fix_text`, by its port, which leaves escapes of terminals and resolves entities where `ftfy` does not: from the
/// first line on that has a `<` in it, as that may be HTML.
fn repaired(text: &str) -> String {
    let text = without_escapes(text);
    let html = text.find('<').map_or(text.len(), |at| {
        text[..at].rfind('\n').map_or(0, |line| line + 1)
    });
    let (plain, html) = text.split_at(html);
    let mut repaired = ported(plain);
    // A form feed passes through unchanged, and means no more than any other white space, to which it comes in the end.
    let hidden = html.replace('\x0c', " ").replace('&', "\x0c");
    repaired.push_str(&ported(&hidden).replace('\x0c', "&"));
    repaired
}

/// The port loses a last character that may begin a sequence of bytes, so that none is the last.
fn ported(text: &str) -> String {
    plsfix::fix_text(&format!("{text}\n"), None)
}

/// Without the escapes that colour a terminal: `ESC [`, digits and semicolons, a letter.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match rest.strip_prefix(|c: char| c.is_ascii_alphabetic()) {
            Some(rest) => out.push_str(rest),
            None => out.extend(["\x1b[", part]),
        }
    }
    out
}

/// `html.unescape` of Python: names with and without their semicolon, the longest that fits, and numbers as browsers read
/// them, but those of no character give nothing.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let reference = reference(&rest[at..]);
        match number(reference) {
            Some(number) => out.extend(character(number)),
            None => out.push_str(&htmlize::unescape(reference)),
        }
        rest = &rest[at + reference.len()..];
    }
    out.push_str(rest);
    out.into()
}

/// What Python takes for a reference, from its `&` on: `#` with digits, or up to 32 characters of a name; and a semicolon.
fn reference(text: &str) -> &str {
    let after = &text[1..];
    let length = match after.strip_prefix('#') {
        Some(digits) => 1 + digits_length(digits),
        None => {
            let in_name = |c: &char| !"\t\n\x0c <&#;".contains(*c);
            let name = after.chars().take_while(in_name).take(32);
            name.map(char::len_utf8).sum()
        }
    };
    let semicolon = length > 0 && after[length..].starts_with(';');
    &text[..1 + length + usize::from(semicolon)]
}

/// Length of a number: decimal digits, or `x` and hexadecimal ones.
fn digits_length(text: &str) -> usize {
    let hexadecimal = text
        .strip_prefix(['x', 'X'])
        .map(|it| it.bytes().take_while(u8::is_ascii_hexdigit).count());
    match hexadecimal {
        Some(digits) if digits > 0 => 1 + digits,
        _ => text.bytes().take_while(u8::is_ascii_digit).count(),
    }
}

/// The number of a numeric reference; one that is too large for any character is the largest.
fn number(reference: &str) -> Option<u32> {
    let digits = reference.strip_prefix("&#")?.trim_end_matches(';');
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let all = !digits.is_empty() && digits.chars().all(|it| it.is_digit(radix));
    all.then(|| u32::from_str_radix(digits, radix).unwrap_or(u32::MAX))
}

/// The character of a number: of 0x80 to 0x9f that of Windows-1252, of no number U+FFFD, of one that text does not have none.
fn character(number: u32) -> Option<char> {
    let invalid = matches!(number, 0x1..=0x8 | 0xb | 0xe..=0x1f | 0x7f | 0xfdd0..=0xfdef);
    let reserved = number <= 0x10_ffff && number & 0xfffe == 0xfffe;
    match number {
        0 => Some('\u{fffd}'),
        0x80..=0x9f => Some(WINDOWS_1252[number as usize - 0x80]),
        _ if invalid || reserved => None,
        _ => Some(char::from_u32(number).unwrap_or('\u{fffd}')),
    }
}

/// Windows-1252 from 0x80 on, with control characters where it has none.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];
