//! What both wings need of files of text: their encoding, and what separates the fields of a table.

/// What separates fields, and what messages call it.
pub(crate) const SEPARATORS: [(char, &str); 4] = [
    (',', "comma"),
    ('\t', "tab"),
    (';', "semicolon"),
    ('|', "vertical bar"),
];

/// Bytes that are no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoText {
    /// The line, from one.
    pub(crate) line: u64,
    /// The encoding that was tried: `UTF-8` or `UTF-16`.
    pub(crate) encoding: &'static str,
    /// What is wrong.
    pub(crate) problem: String,
}

/// Text in UTF-8, or in UTF-16 behind its mark, as Excel saves it; a mark is taken off.
pub(crate) fn decoded(bytes: Vec<u8>) -> Result<String, NoText> {
    if let Some(text) = utf16(&bytes) {
        return text.map_err(|line| NoText {
            line,
            encoding: "UTF-16",
            problem: "half a character".to_owned(),
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let (bytes, error) = (error.as_bytes(), error.utf8_error());
        let before = &bytes[..error.valid_up_to()];
        NoText {
            line: before.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1,
            encoding: "UTF-8",
            problem: error.to_string(),
        }
    })?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}

/// Text in UTF-16, if the bytes begin with its mark; otherwise the line of what cannot be read.
fn utf16(bytes: &[u8]) -> Option<Result<String, u64>> {
    let unit = match bytes.get(..2)? {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let units: Vec<u16> = bytes[2..]
        .as_chunks()
        .0
        .iter()
        .map(|&it| unit(it))
        .collect();
    let mut text = String::new();
    for letter in char::decode_utf16(units) {
        match letter {
            Ok(letter) => text.push(letter),
            Err(_) => return Some(Err(text.matches('\n').count() as u64 + 1)),
        }
    }
    Some(Ok(text))
}
