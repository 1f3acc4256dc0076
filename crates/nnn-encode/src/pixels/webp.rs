//! WebP animations, whose first frame is not blended with anything.

use std::borrow::Cow;

/// Bytes before the first chunk, and of a chunk's name and length.
const HEAD: usize = 12;
const CHUNK: usize = 8;

/// Where a frame's chunk says how it is blended, and the bit that says it is not.
const FLAGS: usize = 15;
const PLAIN: u8 = 2;

/// The file with a first frame that takes the place of what is below it: libwebp decodes it so whatever it says, while the `image`
/// crate would blend it with nothing, by a level less.
pub(super) fn unblended(bytes: &[u8]) -> Cow<'_, [u8]> {
    match first_frame(bytes).map(|at| at + CHUNK + FLAGS) {
        Some(flags) if flags < bytes.len() => {
            let mut bytes = bytes.to_vec();
            bytes[flags] |= PLAIN;
            bytes.into()
        }
        _ => bytes.into(),
    }
}

/// The place of the first frame's chunk.
fn first_frame(bytes: &[u8]) -> Option<usize> {
    let mut at = HEAD;
    loop {
        let head: &[u8; CHUNK] = bytes.get(at..)?.first_chunk()?;
        let [name @ .., a, b, c, d] = head;
        if name == b"ANMF" {
            return Some(at);
        }
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        at = at.checked_add(CHUNK + length.checked_add(length % 2)?)?;
    }
}
