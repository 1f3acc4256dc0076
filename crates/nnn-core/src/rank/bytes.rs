//! Partial results as bytes, so that they travel between processes: all numbers little-endian.

use super::count::{Tally, Target};
use super::partial::{Counts, Gates, MOST_ITEMS, Shape, Thresholds};
use super::shard::ShardError;
use crate::TieRule;

/// The first bytes of each kind; the last is the version.
const THRESHOLDS: [u8; 8] = *b"NNN-thr\x01";
const COUNTS: [u8; 8] = *b"NNN-cnt\x01";

impl Thresholds {
    /// As bytes; [`Thresholds::from_bytes`] reads them back.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = THRESHOLDS.to_vec();
        put_shape(&mut out, &self.shape);
        put_targets(&mut out, &self.targets);
        let gates = self.gates.as_ref();
        put_targets(&mut out, gates.map_or(&[], |gates| &gates.best));
        let choices = gates.map_or(&[][..], |gates| &gates.choices);
        put_size(&mut out, choices.len());
        out.extend_from_slice(choices);
        out
    }

    /// Reads what [`Thresholds::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ShardError::Bytes`]: they are of another kind or version, cut off, or do not agree among themselves.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ShardError> {
        let mut reader = Reader::new(bytes, THRESHOLDS, "thresholds")?;
        let shape = reader.shape()?;
        let (targets, best) = (reader.targets()?, reader.targets()?);
        let choices = reader.size()?;
        let choices = reader.take(choices)?.to_vec();
        let queries = shape.queries();
        let gated = if shape.is_gated() { queries } else { 0 };
        let agree = best.len() == gated
            && Some(choices.len()) == gated.checked_mul(shape.rules)
            && Some(targets.len()) == shape.starts[queries].checked_mul(shape.forms);
        reader.end(agree)?;
        Ok(Self {
            gates: shape.is_gated().then_some(Gates { best, choices }),
            shape,
            targets,
        })
    }
}

impl Counts {
    /// As bytes; [`Counts::from_bytes`] reads them back.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = COUNTS.to_vec();
        put_shape(&mut out, &self.shape);
        put_size(&mut out, self.top_width);
        put_size(&mut out, self.tallies.len());
        for tally in &self.tallies {
            out.extend(tally.greater.to_le_bytes());
            out.extend(tally.beside.to_le_bytes());
        }
        put_targets(&mut out, &self.top);
        out
    }

    /// Reads what [`Counts::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ShardError::Bytes`]: they are of another kind or version, cut off, or do not agree among themselves.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ShardError> {
        let mut reader = Reader::new(bytes, COUNTS, "counts")?;
        let (shape, top_width) = (reader.shape()?, reader.size()?);
        let tallies = reader.pairs(|greater, beside| Tally {
            greater: u32::from_le_bytes(greater),
            beside: u32::from_le_bytes(beside),
        })?;
        let top = reader.targets()?;
        let lists = shape.queries().checked_mul(shape.rules);
        let counted = |tally: &Tally| tally.greater as usize + tally.beside as usize;
        let agree = tallies.iter().all(|tally| counted(tally) <= shape.items)
            && Some(tallies.len()) == shape.starts[shape.queries()].checked_mul(shape.rules)
            && Some(top.len()) == lists.and_then(|lists| lists.checked_mul(top_width));
        reader.end(agree)?;
        Ok(Self {
            shape,
            top_width,
            tallies,
            top,
        })
    }
}

fn put_size(out: &mut Vec<u8>, size: usize) {
    out.extend((size as u64).to_le_bytes());
}

fn put_targets(out: &mut Vec<u8>, targets: &[Target]) {
    put_size(out, targets.len());
    for (score, item) in targets {
        out.extend(score.to_le_bytes());
        out.extend(item.to_le_bytes());
    }
}

fn put_shape(out: &mut Vec<u8>, shape: &Shape) {
    let ties = TieRule::ALL.iter().position(|rule| *rule == shape.ties);
    let sizes = [
        shape.rules,
        shape.forms,
        ties.unwrap_or(0),
        usize::from(shape.all),
        shape.items,
        shape.starts.len(),
    ];
    sizes
        .iter()
        .chain(&shape.starts)
        .for_each(|&size| put_size(out, size));
}

/// Takes bytes from the front.
struct Reader<'a> {
    rest: &'a [u8],
    found: usize,
    expected: &'static str,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], kind: [u8; 8], expected: &'static str) -> Result<Self, ShardError> {
        let mut reader = Self {
            rest: bytes,
            found: bytes.len(),
            expected,
        };
        match reader.take(8)? == kind {
            true => Ok(reader),
            false => Err(reader.refuse("they begin otherwise, or are of another version")),
        }
    }

    fn refuse(&self, reason: &'static str) -> ShardError {
        ShardError::Bytes {
            found: self.found,
            expected: self.expected,
            reason,
        }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], ShardError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(bytes)
            .ok_or(self.refuse("they are cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn size(&mut self) -> Result<usize, ShardError> {
        let mut size = [0; 8];
        size.copy_from_slice(self.take(8)?);
        usize::try_from(u64::from_le_bytes(size)).map_err(|_| self.refuse("a size is too large"))
    }

    /// A list of pairs of four bytes each.
    fn pairs<T>(&mut self, make: impl Fn([u8; 4], [u8; 4]) -> T) -> Result<Vec<T>, ShardError> {
        let size = self.size()?.checked_mul(8);
        let bytes = self.take(size.ok_or(self.refuse("a size is too large"))?)?;
        let pair = |pair: &[u8]| {
            let half = |at: usize| std::array::from_fn(|i| pair[at + i]);
            make(half(0), half(4))
        };
        Ok(bytes.chunks_exact(8).map(pair).collect())
    }

    fn targets(&mut self) -> Result<Vec<Target>, ShardError> {
        self.pairs(|score, item| (f32::from_le_bytes(score), u32::from_le_bytes(item)))
    }

    fn shape(&mut self) -> Result<Shape, ShardError> {
        let (rules, forms) = (self.size()?, self.size()?);
        let ties = TieRule::ALL.get(self.size()?).copied();
        let (all, items) = (self.size()? == 1, self.size()?);
        let count = self.size()?;
        if items > MOST_ITEMS {
            return Err(self.refuse("a size is too large"));
        }
        if count > self.rest.len() / 8 {
            return Err(self.refuse("they are cut off"));
        }
        let starts: Vec<usize> = (0..count).map(|_| self.size()).collect::<Result<_, _>>()?;
        if starts.first() != Some(&0) || !starts.is_sorted() {
            return Err(self.refuse("queries do not begin one after the other"));
        }
        Ok(Shape {
            starts,
            rules,
            forms,
            ties: ties.ok_or(self.refuse("their tie rule is not known"))?,
            all,
            items,
        })
    }

    /// That nothing is left, and that what was read agrees.
    fn end(&self, agree: bool) -> Result<(), ShardError> {
        match (self.rest.is_empty(), agree) {
            (true, true) => Ok(()),
            (false, _) => Err(self.refuse("there are more than their sizes say")),
            (_, false) => Err(self.refuse("their sizes do not agree")),
        }
    }
}
