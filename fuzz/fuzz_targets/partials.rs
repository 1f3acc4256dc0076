//! Statistics of a part of a bank. The first byte picks a sound one, which pairs of bytes (a place) and a byte (its new value) change, or
//! that the rest is the bytes; the checksum is then made right, so that more than its check is reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_core::{Bank, BankPart, Embeddings, Param, Partial, PassOptions, Stat, StatPlan};
use std::sync::LazyLock;

/// Sound ones, each of the first part of a bank of two chunks.
static SOUND: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let of_query = |stat: Stat| [(Bank::Query, stat)];
    let many = [
        (Bank::Query, Stat::TopMean { k: 3 }),
        (Bank::Gallery, Stat::Mean),
        (Bank::Query, Stat::Deviation),
        (
            Bank::Gallery,
            Stat::LogMeanExp {
                beta: Param::new(0.5).expect("finite"),
            },
        ),
    ];
    vec![
        sound(&of_query(Stat::TopMean { k: 2 })),
        sound(&of_query(Stat::Deviation)),
        sound(&of_query(Stat::LogMeanExp {
            beta: Param::new(2.0).expect("finite"),
        })),
        sound(&of_query(Stat::Moments)),
        sound(&many),
    ]
});

fn sound(stats: &[(Bank, Stat)]) -> Vec<u8> {
    let values = (0..2 * (Partial::CHUNK + 8)).map(|it| (it as f32).sin());
    let bank = Embeddings::normalize(values.collect(), 2).expect("vectors");
    let items = Embeddings::normalize(vec![1.0, 0.0, 0.6, 0.8], 2).expect("vectors");
    let mut plan = StatPlan::default();
    for (bank, stat) in stats {
        plan.need(*bank, stat.clone());
    }
    let part = |of: Bank| BankPart {
        bank: of,
        first: 0,
        rows: bank.rows().slice(0..Partial::CHUNK),
        total: bank.len(),
    };
    let partial = Partial::collect(
        &plan,
        items.rows(),
        part(stats[0].0),
        PassOptions::default(),
    );
    partial.expect("a partial").to_bytes()
}

/// The same bytes with the checksum that the message about the wrong one names.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let said = Partial::from_bytes(bytes).err()?.to_string();
    let sum = said.split_once("have the checksum ")?.1.get(..16)?;
    let at = bytes.windows(8).rposition(|it| it == b"numbers ")? + 8;
    let mut sealed = bytes.to_vec();
    sealed.get_mut(at..at + 16)?.copy_from_slice(sum.as_bytes());
    Some(sealed)
}

fn made(bytes: &[u8]) -> Option<Vec<u8>> {
    let (which, rest) = bytes.split_first()?;
    let Some(mut made) = SOUND.get(usize::from(*which)).cloned() else {
        return Some(rest.to_vec());
    };
    for change in rest.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % made.len();
        made[place] = change[2];
    }
    Some(made)
}

fuzz_target!(|bytes: &[u8]| {
    let Some(made) = made(bytes) else { return };
    let made = sealed(&made).unwrap_or(made);
    let Ok(mut partial) = Partial::from_bytes(&made) else {
        return;
    };
    let written = partial.to_bytes();
    let again = Partial::from_bytes(&written).expect("read back");
    assert_eq!(written, again.to_bytes());
    // All of it is there already.
    let _ = partial.merge(again);
});
