//! Ids that repeat, found with eight bytes an item.

use nnn_export::Ids;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Hashes of ids.
#[derive(Default)]
pub(super) struct Repeats(Vec<u64>);

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

impl Repeats {
    /// Adds ids; rows cannot repeat.
    pub(super) fn add(&mut self, ids: &Ids) {
        if let Ids::Named(names) = ids {
            self.0.extend(names.iter().map(|name| hash(name)));
        }
    }

    /// The hashes that two ids have: of one id twice, or, once in 10^5 galleries of ten million, of two.
    pub(super) fn suspects(mut self) -> Suspects {
        self.0.sort_unstable();
        let pairs = self.0.windows(2).filter(|pair| pair[0] == pair[1]);
        Suspects {
            hashes: pairs.map(|pair| pair[0]).collect(),
            rows: 0,
            seen: HashMap::new(),
        }
    }
}

/// A second look at all ids.
pub(super) struct Suspects {
    hashes: HashSet<u64>,
    rows: usize,
    seen: HashMap<String, usize>,
}

impl Suspects {
    /// Whether a second look is not needed.
    pub(super) fn is_none(&self) -> bool {
        self.hashes.is_empty()
    }

    /// An id that was there before, and both rows.
    pub(super) fn repeated(&mut self, ids: &Ids) -> Option<(String, [usize; 2])> {
        let Ids::Named(names) = ids else {
            return None;
        };
        for name in names {
            let row = self.rows;
            self.rows += 1;
            if self.hashes.contains(&hash(name))
                && let Some(earlier) = self.seen.insert(name.clone(), row)
            {
                return Some((name.clone(), [earlier, row]));
            }
        }
        None
    }
}
