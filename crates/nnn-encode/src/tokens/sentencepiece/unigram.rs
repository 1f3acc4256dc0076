//! The best path through a text by the sum of its pieces' scores.

use super::Pieces;
use super::proto::Kind;

/// How much an unknown character costs below the lowest score.
const UNKNOWN_PENALTY: f32 = 10.0;

/// Sums beyond this start again from zero.
const LARGEST_SUM: f32 = 100_000.0;

/// The best way to an end of a part.
#[derive(Clone, Copy)]
struct Best {
    id: u32,
    score: f32,
    start: usize,
}

/// Parts of a text with their ids, of the highest sum of scores; of equal sums, the one found first. Sums are in single
/// precision, as the library's are, or near-ties would come out otherwise.
pub(super) fn split<'a>(pieces: &Pieces, text: &'a str) -> Vec<(&'a str, u32)> {
    let unknown_score = lowest(pieces) - UNKNOWN_PENALTY;
    let mut best: Vec<Option<Best>> = vec![None; text.len() + 1];
    for (start, first) in text.char_indices() {
        let longest = text.len().min(start.saturating_add(pieces.longest));
        let so_far = sum_at(&mut best, start, longest);
        let single = start + first.len_utf8();
        let mut known = false;
        for end in (single..=longest).filter(|&end| text.is_char_boundary(end)) {
            let id = pieces.find(&text[start..end]);
            let Some(id) = id.filter(|&id| pieces.kind(id) != Kind::Unused) else {
                continue;
            };
            improve(
                &mut best[end],
                id,
                start,
                score(pieces, id, end - start) + so_far,
            );
            known |= end == single;
        }
        if !known {
            improve(
                &mut best[single],
                pieces.unknown,
                start,
                unknown_score + so_far,
            );
        }
    }
    back(&best, text)
}

/// The score of a piece of so many bytes. A user-defined one is above all others, which are logarithms of
/// probabilities, and a long one above several short ones.
fn score(pieces: &Pieces, id: u32, bytes: usize) -> f32 {
    match pieces.kind(id) {
        Kind::UserDefined => (0.1 * (bytes - 1) as f64) as f32,
        _ => pieces.scores[id as usize],
    }
}

/// The sum of the best way to `start`. One that has grown too large is taken off all ways that go on from here, which end
/// at `last` at the latest.
fn sum_at(best: &mut [Option<Best>], start: usize, last: usize) -> f32 {
    let sum = best[start].map_or(0.0, |it| it.score);
    if sum.abs() <= LARGEST_SUM {
        return sum;
    }
    for way in best[start..=last].iter_mut().flatten() {
        way.score -= sum;
    }
    0.0
}

fn improve(target: &mut Option<Best>, id: u32, start: usize, score: f32) {
    if target.is_none_or(|it| score > it.score) {
        *target = Some(Best { id, score, start });
    }
}

/// The lowest score of the normal pieces.
fn lowest(pieces: &Pieces) -> f32 {
    let all = pieces.scores.iter().zip(&pieces.kinds);
    let normal = all.filter(|(_, kind)| **kind == Kind::Normal);
    normal.fold(f32::MAX, |lowest, (score, _)| lowest.min(*score))
}

/// The path that ends where the text does.
fn back<'a>(best: &[Option<Best>], text: &'a str) -> Vec<(&'a str, u32)> {
    let (mut parts, mut end) = (Vec::new(), text.len());
    while let Some(it) = best[end].filter(|it| it.start < end) {
        parts.push((&text[it.start..end], it.id));
        end = it.start;
    }
    parts.reverse();
    parts
}
