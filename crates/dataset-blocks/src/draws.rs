//! Integer random draws that give the same values on every machine and with every release of `rand`.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// What a stream of draws is used for; each purpose has a stream of its own, so that one more draw for the captions
/// never moves a pixel.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Scene,
    Captions,
}

/// Draws for one purpose of one scene: `ChaCha8` keyed by SHA-256 of the seed, the style and the split, positioned on
/// the scene's own stream. Scene `i` is therefore the same however many scenes are made, and in whatever order.
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    pub(crate) fn new(seed: u64, style: &str, split: &str, index: u64, purpose: Purpose) -> Self {
        let key: [u8; 32] = Sha256::digest(format!("blocks|{seed}|{style}|{split}")).into();
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index.wrapping_mul(2).wrapping_add(purpose as u64));
        Self(rng)
    }

    /// Uniform in `0..bound`, by a multiplication and a shift (bias below `bound / 2^32`).
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// Uniform in `low..=high`.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low + 1) as u32) as i32
    }

    /// True in `percent` of 100 draws.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// An index drawn in proportion to its weight; the last index if every weight is 0.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (index, &weight) in weights.iter().enumerate() {
            if left < weight {
                return index;
            }
            left -= weight;
        }
        weights.len().saturating_sub(1)
    }

    /// One of the items, each as likely as the others. The slice is never empty: all are constants of this crate.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len() as u32) as usize]
    }

    /// A whole random word, the seed of a scene's pixel noise.
    pub(crate) fn word(&mut self) -> u32 {
        self.0.next_u32()
    }
}

/// A hash of a pixel's place: noise that needs no stream, so pixels may be drawn in any order.
pub(crate) fn pixel_hash(seed: u32, x: u32, y: u32) -> u32 {
    let mut h = seed ^ x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^ (h >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(index: u64, purpose: Purpose) -> Draws {
        Draws::new(0, "everyday", "test", index, purpose)
    }

    #[test]
    fn purposes_and_scenes_have_streams_of_their_own() {
        let mut words: Vec<u32> = (0..50)
            .flat_map(|index| {
                [Purpose::Scene, Purpose::Captions].map(|purpose| draws(index, purpose).word())
            })
            .collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 100);
    }

    #[test]
    fn bounds_are_reached_and_kept() {
        let draws = &mut draws(0, Purpose::Scene);
        let values: Vec<i32> = (0..1000).map(|_| draws.between(-3, 3)).collect();
        assert_eq!(values.iter().min(), Some(&-3));
        assert_eq!(values.iter().max(), Some(&3));
        assert!((0..100).all(|_| draws.below(1) == 0));
        assert!((0..100).all(|_| !draws.chance(0) && draws.chance(100)));
    }

    #[test]
    fn weights_are_shares() {
        let draws = &mut draws(1, Purpose::Scene);
        let mut counts = [0; 4];
        for _ in 0..10_000 {
            counts[draws.weighted(&[1, 0, 6, 3])] += 1;
        }
        assert_eq!(counts[1], 0);
        // Expected 1000, 6000 and 3000; six standard deviations of a binomial count are at most 294.
        for (count, expected) in [(counts[0], 1000), (counts[2], 6000), (counts[3], 3000)] {
            assert!(
                (expected - 294..=expected + 294).contains(&count),
                "{counts:?}"
            );
        }
    }
}
