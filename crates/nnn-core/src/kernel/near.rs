//! Which of many scores can matter.
#![allow(unsafe_code)]

use crate::dispatch::dispatched;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Scores that are looked at together, and places that are written beyond the last.
pub(crate) const CHUNK: usize = 32;

/// Writes the places of the scores that, less `least`, are at least `cut`, ascending, and says how many there are. What is after them
/// in `near` is overwritten.
///
/// # Panics
/// `least` is shorter than `scores`, or `near` has no room for [`CHUNK`] places more.
pub(crate) fn near_places(scores: &[f32], least: &[f32], cut: f32, near: &mut [u32]) -> usize {
    let least = &least[..scores.len()];
    assert!(near.len() >= scores.len() + CHUNK);
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the feature was just detected, and the lengths checked.
        return unsafe { compressed(scores, least, cut, near) };
    }
    counted(scores, least, cut, near)
}

dispatched! {
    /// [`near_places`] without intrinsics.
    pub(crate) fn counted(scores: &[f32], least: &[f32], cut: f32, near: &mut [u32]) -> usize {
        let mut found = 0;
        for (chunk, (scores, least)) in scores.chunks(32).zip(least.chunks(32)).enumerate() {
            // Counting has no early exit, so it compiles to a few wide comparisons.
            let pairs = scores.iter().zip(least);
            if pairs.map(|(score, least)| u32::from(score - least >= cut)).sum::<u32>() == 0 {
                continue;
            }
            let near = &mut near[found..found + 32];
            let mut some = 0;
            for (place, (score, least)) in scores.iter().zip(least).enumerate() {
                near[some & 31] = (chunk * 32 + place) as u32;
                some += usize::from(score - least >= cut);
            }
            found += some;
        }
        found
    }
}

/// [`near_places`] with a mask for 16 scores, whose places are moved together in a register.
///
/// # Safety
/// `least` is as long as `scores`, and `near` is longer by [`CHUNK`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn compressed(scores: &[f32], least: &[f32], cut: f32, near: &mut [u32]) -> usize {
    const LANES: usize = CHUNK / 2;
    let (cuts, mut found) = (_mm512_set1_ps(cut), 0);
    let mut places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for start in (0..scores.len()).step_by(LANES) {
        let rest = scores.len() - start;
        let whole = if rest < LANES {
            u16::MAX >> (LANES - rest)
        } else {
            u16::MAX
        };
        // SAFETY: `start` is below the length of both; the mask leaves out what is past their ends. As many places as scores were
        // looked at are before `found`, so that a register's more fit.
        unsafe {
            let score = _mm512_maskz_loadu_ps(whole, scores.as_ptr().add(start));
            let least = _mm512_maskz_loadu_ps(whole, least.as_ptr().add(start));
            let near_mask =
                _mm512_mask_cmp_ps_mask::<_CMP_GE_OQ>(whole, _mm512_sub_ps(score, least), cuts);
            if near_mask != 0 {
                let some = _mm512_maskz_compress_epi32(near_mask, places);
                _mm512_storeu_si512(near.as_mut_ptr().add(found).cast(), some);
                found += near_mask.count_ones() as usize;
            }
        }
        places = _mm512_add_epi32(places, _mm512_set1_epi32(LANES as i32));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_a_plain_loop_at_every_length() {
        for len in 0..200 {
            for cut in [-1.0, 0.1, 0.4, 2.0] {
                let score = |seed: usize| move |i: usize| ((i * 37 + seed) % 101) as f32 / 101.0;
                let scores: Vec<f32> = (0..len).map(score(len)).collect();
                let least: Vec<f32> = (0..len).map(score(3 * len + 5)).collect();
                let want: Vec<u32> = (0..len as u32)
                    .filter(|&i| scores[i as usize] - least[i as usize] >= cut)
                    .collect();
                for find in [near_places, counted] {
                    let mut near = vec![7; len + CHUNK];
                    let found = find(&scores, &least, cut, &mut near);
                    assert_eq!(near[..found], want, "{len} scores, cut {cut}");
                }
            }
        }
    }
}
