//! Files that something has damaged, for readers that must end whatever they are given.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Other bytes in some places, and perhaps an end.
pub type Changes = (Vec<(Index, u8)>, Option<Index>);

/// Any of them.
pub fn changes() -> impl Strategy<Value = Changes> {
    (
        vec(any::<(Index, u8)>(), 0..8),
        proptest::option::weighted(0.2, any::<Index>()),
    )
}

/// Makes them; `bytes` are not empty.
pub fn change(bytes: &mut Vec<u8>, (changes, end): Changes) {
    for (at, byte) in changes {
        let at = at.index(bytes.len());
        bytes[at] = byte;
    }
    if let Some(end) = end {
        bytes.truncate(end.index(bytes.len()));
    }
}
