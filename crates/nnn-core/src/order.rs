//! Scores whose order is known and whose values are not wanted: rules that are no bias, in f64 and free of overflow.

use std::cmp::Ordering;

/// Longest row whose places are all exact in f32.
const LONGEST: usize = 1 << 24;

/// Replaces each score of a row by the place of its key among the row's distinct keys, from 0: a higher key becomes a
/// higher score, equal keys become equal scores. `key` is given an item's index and its score.
///
/// A key may be a number or a tuple, which is compared from its first field on.
///
/// # Panics
/// Two keys cannot be compared (NaN), or the row has more than 2^24 items, the most that f32 tells apart.
pub fn rewrite_by_key<K: PartialOrd>(row: &mut [f32], key: impl Fn(usize, f32) -> K) {
    assert!(row.len() <= LONGEST, "places above 2^24 are no f32");
    let keys = row
        .iter()
        .enumerate()
        .map(|(item, &s)| (key(item, s), item));
    let mut keys: Vec<(K, usize)> = keys.collect();
    keys.sort_unstable_by(|a, b| compare(&a.0, &b.0));
    let mut place = 0u32;
    for (i, (key, item)) in keys.iter().enumerate() {
        if i > 0 && keys[i - 1].0 < *key {
            place += 1;
        }
        row[*item] = place as f32;
    }
}

fn compare<K: PartialOrd>(a: &K, b: &K) -> Ordering {
    a.partial_cmp(b).expect("keys are comparable")
}

/// A key in the order of `s exp(beta s - log)`, a similarity weighted by its own softmax, among all `s` and `log` of one
/// finite `beta >= 0`: the sign, then the logarithm of the size. Nothing overflows; an infinite `log` counts as the
/// largest f64.
#[must_use]
pub fn weighted_key(s: f32, beta: f64, log: f64) -> (i8, f64) {
    let s = f64::from(s);
    if s == 0.0 {
        return (0, 0.0);
    }
    // All divided by the same number above zero.
    let scale = beta.max(1.0);
    let exponent = beta / scale * s - log.clamp(f64::MIN, f64::MAX) / scale;
    let size = s.abs().ln() / scale + exponent;
    if s > 0.0 { (1, size) } else { (-1, -size) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_order_as_keys_do(keys in prop::collection::vec(-5i8..5, 0..100)) {
            let mut row = vec![0.5; keys.len()];
            rewrite_by_key(&mut row, |item, _| keys[item]);
            for (i, a) in keys.iter().enumerate() {
                for (j, b) in keys.iter().enumerate() {
                    prop_assert_eq!(a.partial_cmp(b), row[i].partial_cmp(&row[j]));
                }
            }
            let distinct = keys.iter().collect::<std::collections::BTreeSet<_>>().len();
            prop_assert!(row.iter().all(|&place| place >= 0.0 && (place as usize) < distinct));
        }

        /// Two products in f64 are each off by a few units in the last place; keys by a few of their own size.
        #[test]
        fn weighted_keys_order_as_the_product(
            items in prop::collection::vec((-1.0f32..1.0, -3.0f64..3.0), 2..20), beta in 0.0f64..100.0,
        ) {
            let product = |(s, log): (f32, f64)| f64::from(s) * (beta * f64::from(s) - log).exp();
            for &a in &items {
                for &b in &items {
                    if product(a) > product(b) + 1e-13 * (product(a).abs() + product(b).abs()) {
                        prop_assert!(weighted_key(a.0, beta, a.1) > weighted_key(b.0, beta, b.1));
                    }
                }
            }
        }
    }

    #[test]
    fn keys_read_the_score_and_may_be_tuples() {
        let mut row = [0.2, -1.0, 0.2, 0.7];
        rewrite_by_key(&mut row, |item, s| (item < 2, -s));
        assert_eq!(row, [2.0, 3.0, 1.0, 0.0]);
        let mut empty: [f32; 0] = [];
        rewrite_by_key(&mut empty, |_, s| s);
    }

    /// `ln s` decides at `beta = 0`, `s - log / beta` at any that makes the product overflow.
    #[test]
    fn weighted_keys_have_the_right_limits() {
        let scores = [-1.0f32, -1e-40, -0.0, 0.0, 1e-40, 0.5, 1.000_000_1];
        for beta in [0.0, 5e-324, 1e-300, 1.0] {
            for pair in scores.windows(2) {
                let [a, b] = [pair[0], pair[1]].map(|s| weighted_key(s, beta, 0.0));
                assert!(a < b || pair == [-0.0, 0.0], "{pair:?} at beta={beta}");
            }
        }
        assert_eq!(weighted_key(-0.0, 1.0, 2.0), weighted_key(0.0, 1.0, 1.0));
        for beta in [1e5, 1e300, f64::MAX] {
            let worse = weighted_key(0.9, beta, 0.8 * beta);
            assert!(weighted_key(0.6, beta, 0.4 * beta) > worse);
            for log in [f64::NEG_INFINITY, f64::INFINITY, beta] {
                for s in scores {
                    let key = weighted_key(s, beta, log);
                    assert!(key.1.is_finite(), "{s}, {beta}, {log}: {key:?}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "comparable")]
    fn a_key_that_is_no_number_is_refused() {
        rewrite_by_key(&mut [1.0, 2.0], |_, _| f32::NAN);
    }
}
