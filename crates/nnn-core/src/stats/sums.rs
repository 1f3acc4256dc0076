//! Sums over a bank in chunks of fixed places, joined along one tree: the bits of a sum depend on the bank alone, not on
//! the parts in which it arrived nor on the order in which these were merged.
//!
//! Chunk `c` has the bank's rows from `c CHUNK` on. The sum of chunks `2^l i` to `2^l (i + 1)` exists once those of its two
//! halves do, and is the left one joined with the right one. So chunks that lie side by side need no more than one sum for
//! every bit of their number, and what is left at the end is joined in ascending order.

use crate::exp::{exp_m1_nonpositive, exp_nonpositive};
use std::collections::BTreeMap;
use std::ops::Range;

/// Bank rows whose sums are one chain: a smaller bank is one chunk.
pub(super) const CHUNK: usize = 1 << 16;

/// The chunks of a part of a bank.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunks {
    /// Rows of a chunk, [`CHUNK`] but in tests.
    pub(super) size: usize,
    /// The first one's number in the whole bank.
    pub(super) first: usize,
}

impl Chunks {
    pub(super) fn of_whole(size: usize) -> Self {
        Self { size, first: 0 }
    }

    /// The number of every chunk of a part of `rows` rows, and its rows in the part.
    fn iter(self, rows: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let starts = (0..rows).step_by(self.size);
        (self.first..).zip(starts.map(move |start| start..rows.min(start + self.size)))
    }
}

/// What is summed of some bank rows. What is not wanted is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sums {
    /// How many rows.
    pub(super) rows: usize,
    /// `(items, 2)`: the sums of each item's scores and of their squares.
    pub(super) powers: Vec<f64>,
    /// `(items, temperatures)`: `ln((1/rows) sum exp(beta s))`.
    pub(super) logs: Vec<f64>,
    /// The sum of the rows.
    pub(super) vector: Vec<f64>,
    /// `(dim, dim)`: the sum of the rows' products with themselves.
    pub(super) products: Vec<f64>,
}

impl Sums {
    /// All numbers that join by addition.
    fn added(&mut self) -> [&mut Vec<f64>; 3] {
        [&mut self.powers, &mut self.vector, &mut self.products]
    }

    /// These and those of the rows that follow.
    fn join(&mut self, mut right: Self) {
        let rows = (self.rows + right.rows) as f64;
        let shares = [self.rows as f64 / rows, right.rows as f64 / rows];
        for (log, other) in self.logs.iter_mut().zip(&right.logs) {
            *log = log_of_mean([*log, *other], shares);
        }
        for (sums, more) in self.added().into_iter().zip(right.added()) {
            sums.iter_mut()
                .zip(more)
                .for_each(|(sum, more)| *sum += *more);
        }
        self.rows += right.rows;
    }

    /// Appends sums of the same rows for the items that follow.
    fn beside(&mut self, mut other: Self) {
        self.logs.append(&mut other.logs);
        for (sums, more) in self.added().into_iter().zip(other.added()) {
            sums.append(more);
        }
    }
}

/// `ln(share_0 exp(log_0) + share_1 exp(log_1))` of shares that add up to one.
///
/// It is off by a few roundings of the logarithms and of their difference, which are small where the logarithms are: the
/// first form loses nothing near zero, and its logarithm is of a number from `1/e` on; the second one's is of one between
/// 0 and 1 without a difference in it. A mean of logarithms is off by no more than they are, so that `l` levels add `l`
/// such errors to the bound of one chunk.
fn log_of_mean(logs: [f64; 2], shares: [f64; 2]) -> f64 {
    let (high, low) = if logs[0] >= logs[1] { (0, 1) } else { (1, 0) };
    let difference = logs[low] - logs[high];
    if difference > -1.0 {
        return logs[high] + (shares[low] * exp_m1_nonpositive(difference)).ln_1p();
    }
    let [exponential] = exp_nonpositive([difference]);
    logs[high] + (shares[high] + shares[low] * exponential).ln()
}

/// Sums of chunks, joined as far as both halves are there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tree {
    /// By the number of their first chunk.
    nodes: BTreeMap<usize, Node>,
}

/// The sums of `2^level` chunks, the first one's number a multiple of that.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) level: u32,
    pub(super) sums: Sums,
}

impl Node {
    /// The numbers of its chunks.
    pub(super) fn chunks(&self, first: usize) -> Range<usize> {
        first..first + (1 << self.level)
    }
}

impl Tree {
    /// The sums of a part of `rows` rows, from those of each chunk.
    pub(super) fn of_chunks(
        chunks: Chunks,
        rows: usize,
        mut sums_of: impl FnMut(Range<usize>) -> Sums,
    ) -> Self {
        let mut tree = Self::default();
        for (number, rows) in chunks.iter(rows) {
            let rows_of_chunk = rows.len();
            let sums = Sums {
                rows: rows_of_chunk,
                ..sums_of(rows)
            };
            tree.add(number, Node { level: 0, sums });
        }
        tree
    }

    /// Adds what is there of no other node, and joins it as far as it goes.
    pub(super) fn add(&mut self, mut first: usize, mut node: Node) {
        loop {
            let sibling = first ^ (1 << node.level);
            let is_there = |other: &Node| other.level == node.level;
            if !self.nodes.get(&sibling).is_some_and(is_there) {
                break;
            }
            let other = self.nodes.remove(&sibling).expect("it is there");
            let (mut left, right) = match sibling < first {
                true => (other, node),
                false => (node, other),
            };
            left.sums.join(right.sums);
            left.level += 1;
            (first, node) = (first.min(sibling), left);
        }
        self.nodes.insert(first, node);
    }

    /// Adds the nodes of chunks that are not there.
    pub(super) fn merge(&mut self, other: Self) {
        for (first, node) in other.nodes {
            self.add(first, node);
        }
    }

    /// Appends the sums of the same chunks for the items that follow.
    pub(super) fn beside(&mut self, other: Self) {
        for (node, more) in self.nodes.values_mut().zip(other.nodes.into_values()) {
            node.sums.beside(more.sums);
        }
    }

    /// Nodes with the numbers of their first chunks, ascending.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().map(|(&first, node)| (first, node))
    }

    /// Chunks of a node that are there already.
    pub(super) fn overlap(&self, first: usize, node: &Node) -> Option<Range<usize>> {
        let wanted = node.chunks(first);
        let both = self.nodes().map(|(first, node)| {
            let there = node.chunks(first);
            there.start.max(wanted.start)..there.end.min(wanted.end)
        });
        both.into_iter().find(|both| !both.is_empty())
    }

    /// The first chunks of `count` that are missing.
    pub(super) fn gap(&self, count: usize) -> Option<Range<usize>> {
        let mut next = 0;
        for (first, node) in self.nodes() {
            if first > next {
                return Some(next..first);
            }
            next = node.chunks(first).end;
        }
        (next < count).then_some(next..count)
    }

    /// How many bank rows are summed.
    pub(super) fn rows(&self) -> usize {
        self.nodes.values().map(|node| node.sums.rows).sum()
    }

    /// The sums of all chunks.
    pub(super) fn into_total(self) -> Sums {
        let mut nodes = self.nodes.into_values();
        let mut total = nodes.next().map(|node| node.sums).unwrap_or_default();
        nodes.for_each(|node| total.join(node.sums));
        total
    }
}
