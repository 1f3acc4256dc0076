//! Biases from a bank in parts.

use crate::array::Matrix;
use crate::call::{Options, Task, Watch, run};
use crate::error::{unfit, whole, wrong};
use crate::method::Chosen;
use nnn_core::{Bank, BankPart, BankSizes, FitError, Partial, PartialError, PassOptions};
use numpy::PyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// What some rows of a bank say about items: partial statistics, which add up to those of the whole bank bit for bit.
///
/// Parts are read where they are, by any number of processes and machines, and merged in any order. A part begins at a multiple of
/// `Partial.CHUNK` rows and has a multiple of that many, but for the last one of the bank. All parts see the same items; items in parts
/// need none of this, as an item's bias does not depend on the others.
///
/// A `Partial` pickles, and `to_bytes` writes safetensors.
///
/// Attributes
/// ----------
/// CHUNK : int
///     65,536.
///
/// Examples
/// --------
/// >>> parts = [Partial.collect(items, bank[at:at + Partial.CHUNK], at, len(bank)) for at in range(0, len(bank), Partial.CHUNK)]
/// >>> whole = functools.reduce(Partial.merge, parts)
/// >>> b = whole.bias(items, "nnn", k=128, alpha=0.75)
#[pyclass(module = "nnn_bench", name = "Partial", eq)]
#[derive(Clone, PartialEq)]
pub(crate) struct PyPartial(Partial);

#[pymethods]
impl PyPartial {
    #[classattr]
    const CHUNK: usize = Partial::CHUNK;

    /// What a part of a bank says about items.
    ///
    /// Parameters
    /// ----------
    /// items : array (n, dim)
    ///     The items, all of them or those whose biases are wanted.
    /// part : array (rows, dim)
    ///     Rows ``first`` to ``first + len(part)`` of the bank.
    /// first : int
    ///     The place of the first of them in the bank: a multiple of `CHUNK`.
    /// total : int
    ///     Rows of the whole bank.
    /// method : str
    ///     The method whose statistics are collected, by name or signature.
    /// bank : {"query", "gallery"}
    ///     Which bank it is a part of.
    /// threads : int, optional
    ///     Threads to compute on; all cores without.
    /// progress : callable, optional
    ///     Makes a bar, such as ``tqdm``.
    /// **params
    ///     The method's parameters.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     The part cuts a chunk in two, the bank is too small, or the method needs its bank whole.
    #[staticmethod]
    #[pyo3(signature = (
        items, part, first, total, method="nnn", *, bank="query", threads=None, progress=None, **params
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords of Python")]
    fn collect<'py>(
        py: Python<'py>,
        items: &Bound<'py, PyAny>,
        part: &Bound<'py, PyAny>,
        first: i64,
        total: i64,
        method: &str,
        bank: &str,
        threads: Option<i64>,
        progress: Option<Bound<'py, PyAny>>,
        params: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let place = Place {
            bank: bank_of(bank)?,
            first: whole("first", first, 0)?,
            total: whole("total", total, 0)?,
        };
        let chosen = Chosen::of(method, params)?;
        let (items, part) = (Matrix::of(items, "items")?, Matrix::of(part, "part")?);
        let task = Task {
            name: "partial",
            scores: chosen.plan.scores(items.len(), place.sizes(part.len())),
        };
        let (items, part) = (items.view(), part.view());
        let options = Options { threads, progress };
        let partial = run(py, &options, task, |watch| {
            let (items, part) = (items.vectors()?, part.vectors()?);
            let part = place.of(part.rows());
            collected(&chosen, items.rows(), part, watch)
        })?;
        Ok(Self(partial))
    }

    /// Adds what other rows say about the same items: of the same bank or of another one.
    ///
    /// Parameters
    /// ----------
    /// other : Partial
    ///     It stays as it is.
    ///
    /// Returns
    /// -------
    /// Partial
    ///     This one, which now knows both.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     They are of other methods, items or sizes of a bank, or have rows in common; then nothing was added.
    fn merge<'py>(slf: Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let other = match other.cast::<Self>() {
            Ok(other) => other.borrow().0.clone(),
            Err(_) => {
                let kind = other.get_type();
                let said = format!("other: expected a Partial, got {kind}");
                return Err(PyTypeError::new_err(said));
            }
        };
        let merged = slf.borrow_mut().0.merge(other);
        merged.map_err(|error| wrong("other", error))?;
        Ok(slf)
    }

    /// All of it as bytes, in the form of safetensors.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }

    /// What `to_bytes` wrote.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     They are something else, of another version or not what was written.
    #[staticmethod]
    fn from_bytes(b: &[u8]) -> PyResult<Self> {
        let read = Partial::from_bytes(b);
        Ok(Self(read.map_err(|error| wrong("b", error))?))
    }

    /// The biases of the items, once all rows are in: the bits of `bias` over the whole bank.
    ///
    /// Parameters
    /// ----------
    /// items : array (n, dim)
    ///     The items that all parts have seen.
    /// method : str
    ///     That of `collect`, or another one that reads the same statistics, such as ``"nnn"`` with another ``alpha``.
    /// **params
    ///     The method's parameters.
    ///
    /// Returns
    /// -------
    /// float32 (n,)
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     Rows are missing, the items are others, or the method is not additive or reads what was not collected.
    #[pyo3(signature = (items, method="nnn", **params))]
    fn bias<'py>(
        &self,
        py: Python<'py>,
        items: &Bound<'py, PyAny>,
        method: &str,
        params: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let chosen = Chosen::of(method, params)?;
        chosen.check_additive()?;
        let items = Matrix::of(items, "items")?;
        let items = items.view();
        let biases = run(py, &Options::none(), Task::QUIET, |_| {
            let items = items.vectors()?;
            finished(self.0.clone(), &chosen, items.rows())
        })?;
        Ok(PyArray1::from_vec(py, biases))
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let bytes = slf.borrow().to_bytes(slf.py());
        Ok((slf.get_type().getattr("from_bytes")?, (bytes,)))
    }
}

/// Where a part lies in its bank.
#[derive(Clone, Copy)]
struct Place {
    bank: Bank,
    first: usize,
    total: usize,
}

impl Place {
    /// Sizes by which the scores of the part are counted.
    fn sizes(self, rows: usize) -> BankSizes {
        let rows = Some(rows);
        match self.bank {
            Bank::Gallery => BankSizes {
                gallery: rows,
                ..BankSizes::default()
            },
            _ => BankSizes {
                query: rows,
                ..BankSizes::default()
            },
        }
    }

    fn of(self, rows: nnn_core::Rows<'_>) -> BankPart<'_> {
        let Self { bank, first, total } = self;
        BankPart {
            bank,
            rows,
            first,
            total,
        }
    }
}

fn bank_of(name: &str) -> PyResult<Bank> {
    match name {
        "query" => Ok(Bank::Query),
        "gallery" => Ok(Bank::Gallery),
        _ => Err(wrong(
            "bank",
            format!("`{name}`, expected `query` or `gallery`"),
        )),
    }
}

fn collected(
    chosen: &Chosen,
    items: nnn_core::Rows<'_>,
    part: BankPart<'_>,
    watch: &Watch,
) -> PyResult<Partial> {
    let method = chosen.signature();
    if !chosen.plan.uses(part.bank) {
        let bank = part.bank;
        return Err(wrong("method", format!("{method} reads no {bank}")));
    }
    let tell = |scores| watch.advance(scores);
    let options = PassOptions {
        progress: Some(&tell),
        ..PassOptions::default()
    };
    let found = Partial::collect(&chosen.plan, items, part, options);
    found.map_err(|error| match error {
        PartialError::Fit(FitError::KExceedsBank { .. }) => {
            wrong("total", format!("{method}: {error}"))
        }
        PartialError::Fit(FitError::DoesNotMerge { .. } | FitError::OutOfRange { .. }) => {
            wrong("method", format!("{method}: {error}"))
        }
        _ => wrong("part", error),
    })
}

fn finished(partial: Partial, chosen: &Chosen, items: nnn_core::Rows<'_>) -> PyResult<Vec<f32>> {
    let method = chosen.signature();
    let stats = partial.finish(items).map_err(|error| match error {
        PartialError::FinishedWith { .. } => wrong("items", error),
        PartialError::Fit(error) => unfit(&method, &error),
        _ => wrong("Partial", error),
    })?;
    let fitted = chosen
        .point
        .fit(&stats, items)
        .map_err(|error| match error {
            FitError::NotDeclared { stat, bank } => wrong(
                "method",
                format!("{method} reads {stat} of the {bank}, which was not collected"),
            ),
            other => unfit(&method, &other),
        })?;
    let bias = fitted.additive().map(|bias| bias.values().to_vec());
    bias.ok_or_else(|| wrong("method", format!("{method} is no bias")))
}
