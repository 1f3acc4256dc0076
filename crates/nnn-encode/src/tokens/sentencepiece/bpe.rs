//! Byte-pair encoding: of all neighbours that make a piece, the pair of the highest score is joined, again and again.

use super::Pieces;
use super::normalize::Normalizer;
use super::proto::Kind;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

/// A part of the text in a linked list; empty once it was joined to the one before.
struct Symbol<'a> {
    text: &'a str,
    start: usize,
    before: Option<usize>,
    after: Option<usize>,
    /// A user-defined piece, never joined.
    whole: bool,
}

/// Two neighbours that make a piece.
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    /// Bytes of the piece: those of its halves, unless one has changed since.
    bytes: usize,
}

/// What is being split.
struct Merging<'a> {
    pieces: &'a Pieces,
    text: &'a str,
    symbols: Vec<Symbol<'a>>,
    queue: BinaryHeap<Pair>,
    /// What unused pieces were made of.
    halves: HashMap<&'a str, (&'a str, &'a str)>,
}

/// Parts of a text with their ids.
pub(super) fn split<'a>(
    pieces: &'a Pieces,
    normalizer: &Normalizer,
    text: &'a str,
) -> Vec<(&'a str, u32)> {
    let mut merging = Merging {
        pieces,
        text,
        symbols: symbols(normalizer, text),
        queue: BinaryHeap::new(),
        halves: HashMap::new(),
    };
    for right in 1..merging.symbols.len() {
        merging.offer(Some(right - 1), Some(right));
    }
    while let Some(pair) = merging.queue.pop() {
        merging.join(&pair);
    }
    merging.parts()
}

/// Single characters and user-defined pieces.
fn symbols<'a>(normalizer: &Normalizer, text: &'a str) -> Vec<Symbol<'a>> {
    let (mut symbols, mut start) = (Vec::new(), 0);
    while let Some(first) = text[start..].chars().next() {
        let kept = normalizer.kept(&text[start..]);
        let end = start + kept.unwrap_or(first.len_utf8());
        let count = symbols.len();
        symbols.push(Symbol {
            text: &text[start..end],
            start,
            before: usize::checked_sub(count, 1),
            after: (end < text.len()).then_some(count + 1),
            whole: kept.is_some(),
        });
        start = end;
    }
    symbols
}

impl<'a> Merging<'a> {
    /// Puts two neighbours into the queue if they make a piece.
    fn offer(&mut self, left: Option<usize>, right: Option<usize>) {
        let (Some(left), Some(right)) = (left, right) else {
            return;
        };
        let (first, second) = (&self.symbols[left], &self.symbols[right]);
        if first.whole || second.whole {
            return;
        }
        let bytes = first.text.len() + second.text.len();
        let joined = &self.text[first.start..first.start + bytes];
        let Some(id) = self.pieces.find(joined) else {
            return;
        };
        if self.pieces.kind(id) == Kind::Unused {
            self.halves.insert(joined, (first.text, second.text));
        }
        self.queue.push(Pair {
            // No minus zero, which would be ordered below zero.
            score: self.pieces.scores[id as usize] + 0.0,
            left,
            right,
            bytes,
        });
    }

    /// Joins a pair, unless one of its halves was joined to another meanwhile.
    fn join(&mut self, pair: &Pair) {
        let (first, second) = (&self.symbols[pair.left], &self.symbols[pair.right]);
        let gone = first.text.is_empty() || second.text.is_empty();
        if gone || first.text.len() + second.text.len() != pair.bytes {
            return;
        }
        let (start, after) = (first.start, second.after);
        self.symbols[pair.left].text = &self.text[start..start + pair.bytes];
        self.symbols[pair.left].after = after;
        self.symbols[pair.right].text = "";
        if let Some(after) = after {
            self.symbols[after].before = Some(pair.left);
        }
        self.offer(self.symbols[pair.left].before, Some(pair.left));
        self.offer(Some(pair.left), after);
    }

    /// What is left, with unused pieces taken apart again.
    fn parts(&self) -> Vec<(&'a str, u32)> {
        let left = self
            .symbols
            .iter()
            .map(|it| it.text)
            .filter(|it| !it.is_empty());
        let mut stack: Vec<&str> = left.collect();
        stack.reverse();
        let mut parts = Vec::new();
        while let Some(text) = stack.pop() {
            let id = self.pieces.ids.get(text).copied();
            let id = id.unwrap_or(self.pieces.unknown);
            match self.halves.get(text) {
                Some((first, second)) if self.pieces.kind(id) == Kind::Unused => {
                    stack.extend([second, first]);
                }
                _ => parts.push((text, id)),
            }
        }
        parts
    }
}

impl Ord for Pair {
    /// The higher score first, of equal ones the one further left.
    fn cmp(&self, other: &Self) -> Ordering {
        let score = self.score.total_cmp(&other.score);
        score.then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}
