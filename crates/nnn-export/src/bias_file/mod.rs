//! `bias.parquet`: a number for every gallery item, and what it was computed from.
//!
//! | column | type | holds |
//! |---|---|---|
//! | `id` | string, or 64-bit integer | the item's id, or its row where items have none |
//! | `bias` | f32 | what is subtracted from the item's similarity |
//! | `vector` | unsigned 64-bit integer | a mark of the item's vector ([`vector_marks`]), by which it is known again |
//!
//! The footer says the method, the dimension and the banks ([`BiasHeader`]), and has a checksum of the rows. Nothing in the file depends on how the gallery
//! was cut into files: equal rows give equal bytes.

mod error;
mod read;
mod write;

pub use error::{BiasFileError, BiasProblem};
pub use read::BiasFile;
pub use write::BiasWriter;

use nnn_core::Rows;
use nnn_files::Sha256;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

const ID: &str = "id";
const BIAS: &str = "bias";
const VECTOR: &str = "vector";

/// Under which key of the footer the header stands, as JSON.
const HEADER: &str = "nnn.bias";

/// Under which key of the footer the checksum of all rows stands. Files of earlier programs have none.
const ROWS: &str = "nnn.bias.rows";

/// The form of the file; another one is refused.
const VERSION: u32 = 1;

/// What all biases of a file have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BiasHeader {
    /// The method at one point, such as `nnn(k=128,alpha=0.75)`.
    pub method: String,
    /// Dimension of the vectors.
    pub dim: usize,
    /// The query bank, if the method read one.
    pub query_bank: Option<BankMark>,
    /// The gallery bank, if the method read one.
    pub gallery_bank: Option<BankMark>,
    /// Version of the program that computed them.
    pub code: String,
}

/// By what a bank is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankMark {
    /// Number of rows.
    pub rows: usize,
    /// SHA-256 of its unit vectors.
    pub sha256: String,
}

impl BankMark {
    /// The mark of a bank.
    #[must_use]
    pub fn of(bank: Rows<'_>) -> Self {
        let start = Sha256::new().part((bank.dim() as u64).to_le_bytes());
        let rows = (0..bank.len()).map(|row| bytes(bank.row(row)));
        Self {
            rows: bank.len(),
            sha256: rows.fold(start, Sha256::part).hex(),
        }
    }
}

impl fmt::Display for BankMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.sha256.get(..10).unwrap_or(&self.sha256);
        write!(f, "{} rows ({start})", self.rows)
    }
}

/// By what an item's vector is known again, for every row: the first 64 bits of the SHA-256 of its values as little-endian f32.
#[must_use]
pub fn vector_marks(rows: Rows<'_>) -> Vec<u64> {
    let mark = |row: usize| {
        let hex = nnn_files::sha256_bytes(&bytes(rows.row(row)));
        u64::from_str_radix(&hex[..16], 16).unwrap_or_default()
    };
    (0..rows.len()).map(mark).collect()
}

fn bytes(row: &[f32]) -> Vec<u8> {
    row.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// What items are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// By ids of their own.
    Named(Vec<String>),
    /// By their rows in the whole gallery.
    Rows(Range<usize>),
}

impl Ids {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Named(names) => names.len(),
            Self::Rows(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them as text.
    ///
    /// # Panics
    /// `at` is not below [`Ids::len`].
    #[must_use]
    pub fn text(&self, at: usize) -> String {
        match self {
            Self::Named(names) => names[at].clone(),
            Self::Rows(rows) => (rows.start + at).to_string(),
        }
    }
}

/// The checksum of rows, which does not depend on the pieces they come in.
#[derive(Debug, Default)]
struct RowSum(Sha256);

impl RowSum {
    fn add(&mut self, rows: &BiasRows) {
        for (at, (bias, vector)) in rows.biases.iter().zip(&rows.vectors).enumerate() {
            let numbers = [bias.to_le_bytes().as_slice(), &vector.to_le_bytes()].concat();
            let sum = std::mem::take(&mut self.0).part(numbers);
            self.0 = match &rows.ids {
                Ids::Named(names) => sum.part(&names[at]),
                // Their places are checked where they are read.
                Ids::Rows(_) => sum,
            };
        }
    }

    fn hex(self) -> String {
        self.0.hex()
    }
}

/// Some consecutive rows of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct BiasRows {
    /// What the items are called.
    pub ids: Ids,
    /// Their biases, in units of similarity.
    pub biases: Vec<f32>,
    /// The marks of their vectors.
    pub vectors: Vec<u64>,
}

impl BiasRows {
    /// No rows, of items with ids of their own (`named`) or called by their rows.
    #[must_use]
    pub fn empty(named: bool) -> Self {
        Self {
            ids: match named {
                true => Ids::Named(Vec::new()),
                false => Ids::Rows(0..0),
            },
            biases: Vec::new(),
            vectors: Vec::new(),
        }
    }

    /// Adds rows behind these; where items are called by their rows, they are numbered on.
    ///
    /// # Errors
    /// [`BiasProblem::MixedIds`].
    pub fn append(&mut self, more: &Self) -> Result<(), BiasProblem> {
        match (&mut self.ids, &more.ids) {
            (Ids::Named(names), Ids::Named(more)) => names.extend_from_slice(more),
            (Ids::Rows(known), Ids::Rows(more)) => known.end += more.len(),
            (_, other) => return Err(BiasProblem::MixedIds { rows: other.len() }),
        }
        self.biases.extend_from_slice(&more.biases);
        self.vectors.extend_from_slice(&more.vectors);
        Ok(())
    }
}
