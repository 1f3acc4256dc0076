//! The best path through a text by the sum of its pieces' scores.

use super::Pieces;
use super::proto::Kind;

/// How much an unknown character costs below the lowest score.
const UNKNOWN_PENALTY: f32 = 10.0;

/// The best way to an end of a part.
#[derive(Clone, Copy)]
struct Best {
    id: u32,
    score: f32,
    start: usize,
}

/// Parts of a text with their ids, of the highest sum of scores; of equal sums, the one found first.
///
/// Sums are kept in single and compared in double precision, as the library does, or near-ties would come out otherwise.
pub(super) fn split<'a>(pieces: &Pieces, text: &'a str) -> Vec<(&'a str, u32)> {
    let range = ScoreRange::of(pieces);
    let mut best: Vec<Option<Best>> = vec![None; text.len() + 1];
    for (start, first) in text.char_indices() {
        let so_far = best[start].map_or(0.0, |it| it.score);
        let single = start + first.len_utf8();
        let mut known = false;
        let longest = text.len().min(start.saturating_add(pieces.longest));
        for end in (single..=longest).filter(|&end| text.is_char_boundary(end)) {
            let id = pieces.find(&text[start..end]);
            let Some(id) = id.filter(|&id| pieces.kind(id) != Kind::Unused) else {
                continue;
            };
            let score = match pieces.kind(id) {
                Kind::UserDefined => f64::from((end - start) as f32 * range.highest) - 0.1,
                _ => f64::from(pieces.scores[id as usize]),
            };
            improve(&mut best[end], id, start, score + f64::from(so_far));
            known |= end == single;
        }
        if !known {
            let score = range.lowest - UNKNOWN_PENALTY + so_far;
            improve(&mut best[single], pieces.unknown, start, f64::from(score));
        }
    }
    back(&best, text)
}

fn improve(target: &mut Option<Best>, id: u32, start: usize, score: f64) {
    if target.is_none_or(|it| score > f64::from(it.score)) {
        let score = score as f32;
        *target = Some(Best { id, score, start });
    }
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

/// Lowest and highest score of the normal pieces; the highest is above zero, as in the library.
struct ScoreRange {
    lowest: f32,
    highest: f32,
}

impl ScoreRange {
    fn of(pieces: &Pieces) -> Self {
        let normal = pieces.scores.iter().zip(&pieces.kinds);
        let normal = normal.filter(|(_, kind)| **kind == Kind::Normal);
        let start = (f32::MAX, f32::MIN_POSITIVE);
        let (lowest, highest) = normal.fold(start, |(low, high), (score, _)| {
            (low.min(*score), high.max(*score))
        });
        Self { lowest, highest }
    }
}
