//! Partial statistics as bytes: a safetensors file, whose tensors hold the numbers and whose one entry of metadata says in
//! lines of text what they are of.
//!
//! ```text
//! version 1
//! chunk 65536                          rows of a chunk
//! items 1000 256 9c3f0e5d11a2b774      number, dimension, fingerprint
//! need query top_mean(k=128)           a statistic of the plan
//! bank query 1000000                   a bank, and its rows
//! sum query 0 3                        a sum that is there: its first chunk, and the logarithm of their number
//! numbers 61d3b2aa90f4c871             fingerprint of these lines and of all tensors
//! ```

use super::super::items::{Reduced, betas, most_needed};
use super::super::sums::{Node, Sums, Tree};
use super::super::{Bank, Stat, StatPlan};
use super::{Items, OfBank, Partial, PartialError, check_plan, fingerprint, moments};
use crate::{Param, parse_signature};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::str::FromStr;

/// What the bytes are of, and how to read them.
const VERSION: u32 = 1;

/// The one entry of metadata.
const KEY: &str = "nnn_core::Partial";

const BANKS: [(&str, Bank); 3] = [
    ("query", Bank::Query),
    ("gallery", Bank::Gallery),
    ("evaluated", Bank::Evaluated),
];

fn name(bank: Bank) -> &'static str {
    let named = BANKS.iter().find(|named| named.1 == bank);
    named.expect("every bank has a name").0
}

/// A tensor by its name.
struct Numbers {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Partial {
    /// All of it, to be read by [`Partial::from_bytes`] on any machine: a safetensors file. Equal ones have equal bytes.
    ///
    /// # Panics
    /// Never, as far as is known: the header of a file would have to be larger than 100 MB.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let tensors = self.tensors();
        let mut lines = self.lines();
        let numbers = checksum(&lines, tensors.values().map(|numbers| &numbers.bytes[..]));
        let _ = writeln!(lines, "numbers {numbers:016x}");
        let views = tensors.iter().map(|(name, numbers)| {
            let view = TensorView::new(numbers.dtype, numbers.shape.clone(), &numbers.bytes);
            (name, view.expect("a shape of its numbers"))
        });
        let metadata = HashMap::from([(KEY.to_owned(), lines)]);
        serialize(views, Some(metadata)).expect("a short header")
    }

    /// Reads what [`Partial::to_bytes`] wrote.
    ///
    /// # Errors
    /// The bytes are of another version, or not what was written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PartialError> {
        let problem = |error: &dyn std::fmt::Display| bad(format!("{error}"));
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| problem(&error))?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| problem(&error))?;
        let lines = header
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(KEY));
        let lines = lines.ok_or_else(|| bad(format!("the metadata has no `{KEY}`")))?;
        check_version(lines)?;
        check_numbers(lines, &tensors)?;
        Reader {
            tensors: &tensors,
            read: 0,
        }
        .partial(lines)
    }

    fn lines(&self) -> String {
        let Items {
            len,
            dim,
            fingerprint,
        } = self.items;
        let mut lines = format!("version {VERSION}\nchunk {}\n", self.chunk);
        let _ = writeln!(lines, "items {len} {dim} {fingerprint:016x}");
        for (bank, stat) in self.plan.iter() {
            let _ = writeln!(lines, "need {} {stat}", name(bank));
        }
        for (&bank, of_bank) in &self.banks {
            let _ = writeln!(lines, "bank {} {}", name(bank), of_bank.total);
            for (first, node) in of_bank.reduced.sums.nodes() {
                let _ = writeln!(lines, "sum {} {first} {}", name(bank), node.level);
            }
        }
        lines
    }

    fn tensors(&self) -> BTreeMap<String, Numbers> {
        let mut tensors = BTreeMap::new();
        for (&bank, of_bank) in &self.banks {
            let wanted = Wanted::of(&self.plan, bank, self.items);
            let reduced = &of_bank.reduced;
            let bytes = reduced.largest.iter().flat_map(|v| v.to_le_bytes());
            let numbers = Numbers {
                dtype: Dtype::F32,
                shape: vec![self.items.len, reduced.held],
                bytes: bytes.collect(),
            };
            tensors.insert(format!("{}.largest", name(bank)), numbers);
            for (first, node) in reduced.sums.nodes() {
                tensors.extend(wanted.tensors(bank, first, &node.sums));
            }
        }
        tensors
    }
}

fn bad(problem: String) -> PartialError {
    PartialError::Bytes { problem }
}

fn checksum<'a>(lines: &'a str, tensors: impl Iterator<Item = &'a [u8]>) -> u64 {
    let words = std::iter::once(lines.as_bytes()).chain(tensors);
    // What is missing in a last word is zero: lengths are in the lines or follow from them.
    let word = |bytes: &[u8]| {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        u32::from_le_bytes(word)
    };
    fingerprint(words.flat_map(|bytes| bytes.chunks(4).map(word)))
}

fn check_version(lines: &str) -> Result<(), PartialError> {
    let first = lines.lines().next().unwrap_or_default();
    match first.strip_prefix("version ") {
        Some(version) if version == VERSION.to_string() => Ok(()),
        Some(version) => Err(PartialError::Version {
            found: version.to_owned(),
            reads: VERSION,
        }),
        None => Err(bad(format!(
            "expected a line `version {VERSION}`, found `{first}`"
        ))),
    }
}

/// Checks that nothing has changed on the way.
fn check_numbers(lines: &str, tensors: &SafeTensors<'_>) -> Result<(), PartialError> {
    let cut = || bad("its description does not end with a line `numbers`".to_owned());
    let (before, after) = lines.rsplit_once("numbers ").ok_or_else(cut)?;
    let by_name: BTreeMap<&str, TensorView<'_>> = tensors.iter().collect();
    let found = checksum(before, by_name.values().map(TensorView::data));
    match format!("{found:016x}\n") == after {
        true => Ok(()),
        false => Err(bad(format!(
            "its numbers have the checksum {found:016x}, but {} was written: it has changed since",
            after.trim_end()
        ))),
    }
}

/// The tensors of a sum, and their shapes.
struct Wanted {
    powers: Option<[usize; 2]>,
    logs: Option<[usize; 2]>,
    vector: Option<[usize; 2]>,
    products: Option<[usize; 2]>,
}

impl Wanted {
    fn of(plan: &StatPlan, bank: Bank, items: Items) -> Self {
        let needs = plan.of_bank(bank);
        let temperatures = betas(&needs).len();
        let dim = items.dim;
        Self {
            powers: needs.contains(&Stat::Deviation).then_some([items.len, 2]),
            logs: (temperatures > 0).then_some([items.len, temperatures]),
            vector: needs.iter().any(moments::is_moment).then_some([1, dim]),
            products: needs.contains(&Stat::Moments).then_some([dim, dim]),
        }
    }

    fn tensors<'a>(
        &self,
        bank: Bank,
        first: usize,
        sums: &'a Sums,
    ) -> impl Iterator<Item = (String, Numbers)> + use<'a> {
        let parts = [
            ("powers", self.powers, &sums.powers),
            ("logs", self.logs, &sums.logs),
            ("vector", self.vector, &sums.vector),
            ("products", self.products, &sums.products),
        ];
        parts.into_iter().filter_map(move |(part, shape, values)| {
            let numbers = Numbers {
                dtype: Dtype::F64,
                shape: shape?.to_vec(),
                bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            };
            Some((format!("{}.{first}.{part}", name(bank)), numbers))
        })
    }
}

/// Reads the lines, and the tensors that follow from them.
struct Reader<'a> {
    tensors: &'a SafeTensors<'a>,
    /// How many tensors were read.
    read: usize,
}

impl Reader<'_> {
    fn partial(&mut self, lines: &str) -> Result<Partial, PartialError> {
        let mut lines = lines.lines().skip(1).map(Line).peekable();
        let [chunk] = lines.next().unwrap_or(Line("")).numbers("chunk")?;
        let chunk = Some(chunk).filter(|&chunk| chunk > 0);
        let chunk = chunk.ok_or_else(|| bad("a chunk of no rows".to_owned()))?;
        let items = lines.next().unwrap_or(Line("")).items()?;
        let mut partial = Partial {
            plan: StatPlan::default(),
            items,
            chunk,
            banks: BTreeMap::new(),
        };
        for line in lines {
            match line.0.split(' ').next() {
                Some("need") => {
                    let (bank, stat) = line.need()?;
                    partial.plan.need(bank, stat);
                }
                Some("bank") => self.bank(line, &mut partial)?,
                Some("sum") => self.sum(line, &mut partial)?,
                Some("numbers") => {}
                _ => return Err(line.error("`need`, `bank`, `sum` or `numbers`")),
            }
        }
        self.whole(partial)
    }

    /// A bank, of which no row is there yet.
    fn bank(&mut self, line: Line<'_>, partial: &mut Partial) -> Result<(), PartialError> {
        let (bank, [total]) = line.of_bank("bank")?;
        check_plan(&partial.plan, bank, total)?;
        let of_bank = OfBank {
            total,
            reduced: Reduced::default(),
        };
        match partial.banks.insert(bank, of_bank) {
            None => Ok(()),
            Some(_) => Err(line.error("a bank once")),
        }
    }

    /// A sum of a bank that was named before.
    fn sum(&mut self, line: Line<'_>, partial: &mut Partial) -> Result<(), PartialError> {
        let (bank, [first, level]) = line.of_bank("sum")?;
        let wanted = Wanted::of(&partial.plan, bank, partial.items);
        let of_bank = partial.banks.get_mut(&bank);
        let of_bank = of_bank.ok_or_else(|| line.error("its bank before"))?;
        let rows = rows_of_node(first, level, of_bank.total, partial.chunk);
        let rows = rows.ok_or_else(|| line.error("chunks of its bank"))?;
        let node = Node {
            level: level as u32,
            sums: self.sums(bank, first, rows, &wanted)?,
        };
        let tree: &mut Tree = &mut of_bank.reduced.sums;
        match tree.overlap(first, &node) {
            Some(_) => Err(line.error("every chunk once")),
            None => {
                tree.add(first, node);
                Ok(())
            }
        }
    }

    fn sums(
        &mut self,
        bank: Bank,
        first: usize,
        rows: usize,
        wanted: &Wanted,
    ) -> Result<Sums, PartialError> {
        let mut read = |part: &str, shape: Option<[usize; 2]>| match shape {
            Some(shape) => self.f64s(&format!("{}.{first}.{part}", name(bank)), shape),
            None => Ok(Vec::new()),
        };
        Ok(Sums {
            rows,
            powers: read("powers", wanted.powers)?,
            logs: read("logs", wanted.logs)?,
            vector: read("vector", wanted.vector)?,
            products: read("products", wanted.products)?,
        })
    }

    /// Adds the lists, and looks for what belongs to nothing.
    fn whole(&mut self, mut partial: Partial) -> Result<Partial, PartialError> {
        for (&bank, of_bank) in &mut partial.banks {
            let most = most_needed(&partial.plan.of_bank(bank));
            let rows = of_bank.reduced.sums.rows();
            if rows == 0 {
                return Err(bad(format!("it has no rows of the {bank}")));
            }
            let held = most.min(rows);
            let tensor = format!("{}.largest", name(bank));
            let bytes = self.bytes(&tensor, Dtype::F32, [partial.items.len, held])?;
            let values = bytes.as_chunks().0.iter();
            of_bank.reduced.largest = values.map(|&v| f32::from_le_bytes(v)).collect();
            of_bank.reduced.held = held;
        }
        match self.tensors.len() {
            there if there == self.read => Ok(partial),
            there => Err(bad(format!("{there} tensors, expected {}", self.read))),
        }
    }

    fn f64s(&mut self, name: &str, shape: [usize; 2]) -> Result<Vec<f64>, PartialError> {
        let bytes = self.bytes(name, Dtype::F64, shape)?.as_chunks().0;
        Ok(bytes.iter().map(|&v| f64::from_le_bytes(v)).collect())
    }

    fn bytes(
        &mut self,
        name: &str,
        dtype: Dtype,
        shape: [usize; 2],
    ) -> Result<&[u8], PartialError> {
        let tensor = self.tensors.tensor(name);
        let tensor = tensor.map_err(|_| bad(format!("the tensor {name} is missing")))?;
        if tensor.dtype() != dtype || tensor.shape() != shape {
            return Err(bad(format!(
                "{name} is {:?} of shape {:?}, expected {dtype:?} of shape {shape:?}",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        self.read += 1;
        Ok(tensor.data())
    }
}

/// How many rows `2^level` chunks from `first` on have, if they are chunks of the bank that are ever summed together.
fn rows_of_node(first: usize, level: usize, total: usize, chunk: usize) -> Option<usize> {
    let count = 1usize.checked_shl(u32::try_from(level).ok()?)?;
    let end = first.checked_add(count)?;
    let fits = first.is_multiple_of(count) && end <= total.div_ceil(chunk);
    fits.then(|| total.min(end.saturating_mul(chunk)) - first * chunk)
}

/// One line of the description.
#[derive(Clone, Copy)]
struct Line<'a>(&'a str);

impl Line<'_> {
    fn error(self, expected: &str) -> PartialError {
        bad(format!(
            "its description says `{}`, expected {expected}",
            self.0
        ))
    }

    /// A keyword and numbers.
    fn numbers<const N: usize>(self, keyword: &str) -> Result<[usize; N], PartialError> {
        let error = || self.error(&format!("`{keyword}` and whole numbers"));
        let mut words = self.0.split(' ');
        words
            .next()
            .filter(|&word| word == keyword)
            .ok_or_else(error)?;
        let numbers: Result<Vec<usize>, _> = words.map(usize::from_str).collect();
        let numbers = numbers.map_err(|_| error())?;
        numbers.try_into().map_err(|_| error())
    }

    /// A keyword, a bank and numbers.
    fn of_bank<const N: usize>(self, keyword: &str) -> Result<(Bank, [usize; N]), PartialError> {
        let error = || self.error("a bank, `query`, `gallery` or `evaluated`");
        let mut words = self.0.splitn(3, ' ').skip(1);
        let bank = words.next().and_then(bank_of).ok_or_else(error)?;
        let rest = format!("{keyword} {}", words.next().unwrap_or_default());
        Ok((bank, Line(&rest).numbers(keyword)?))
    }

    fn items(self) -> Result<Items, PartialError> {
        let error = || self.error("`items`, two numbers and a fingerprint");
        let (rest, fingerprint) = self.0.rsplit_once(' ').ok_or_else(error)?;
        let [len, dim] = Line(rest).numbers("items")?;
        let fingerprint = u64::from_str_radix(fingerprint, 16).map_err(|_| error())?;
        Ok(Items {
            len,
            dim,
            fingerprint,
        })
    }

    fn need(self) -> Result<(Bank, Stat), PartialError> {
        let mut words = self.0.splitn(3, ' ').skip(1);
        let bank = words.next().and_then(bank_of);
        let stat = words.next().and_then(stat_of);
        let need = bank.zip(stat);
        need.ok_or_else(|| self.error("a bank and a statistic that merges"))
    }
}

fn bank_of(word: &str) -> Option<Bank> {
    BANKS
        .iter()
        .find(|named| named.0 == word)
        .map(|named| named.1)
}

/// The statistic that is displayed so.
fn stat_of(text: &str) -> Option<Stat> {
    let (name, parameters) = parse_signature(text).ok()?;
    let number = |name: &str| parameters.get(name)?.first().copied();
    let count = |name: &str| Some(number(name)? as usize);
    let stat = match name.as_str() {
        "mean" => Stat::Mean,
        "deviation" => Stat::Deviation,
        "moments" => Stat::Moments,
        "centroid" => Stat::Centroid,
        "top_mean" => Stat::TopMean { k: count("k")? },
        "kth" => Stat::Kth { k: count("k")? },
        "top_distance" => Stat::TopDistance { k: count("k")? },
        "largest" => Stat::Largest {
            depth: count("depth")?,
        },
        "log_mean_exp" => Stat::LogMeanExp {
            beta: Param::new(number("beta")?)?,
        },
        _ => return None,
    };
    Some(stat).filter(|stat| stat.to_string() == text)
}
