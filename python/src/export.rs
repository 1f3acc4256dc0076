//! Vectors for search engines, as files.

use crate::array::{Matrix, View, floats, numbers, one_each};
use crate::bank::{Bank, BankViews, Sides};
use crate::call::{Options, Task, Watch, run};
use crate::error::{io, wrong};
use crate::fitting;
use crate::forms::{PyForm, named};
use crate::method::Chosen;
use nnn_core::{Fitted, MethodKind, MovedVectors, Rows};
use nnn_export::{
    About, Constants, Delivery, ExportError, Form, Format, Ids, Manifest, Shape, Spread,
};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use std::path::PathBuf;

/// What exports say of the program that wrote them.
const PROGRAM: &str = concat!("nnn-bench ", env!("CARGO_PKG_VERSION"));

/// What stands in for a method where biases come without one.
const UNNAMED: &str = "bias";

/// What is exported.
enum Source<'py> {
    Biases(Vec<f32>),
    Fitted(Chosen, Sides<'py>),
}

/// Where an export goes, and how.
struct Target {
    folder: PathBuf,
    form: Form,
    format: Format,
    scale: Option<f64>,
    /// Those of an earlier export, for new items beside it.
    constants: Option<Constants>,
    ids: Ids,
    method: String,
}

/// Writes item vectors by which a search engine ranks as the correction does, with a manifest and the lines that load and ask them.
///
/// The files are those of ``runner export``: the items in one of its formats, ``queries.md``, which says how each engine is given
/// the items and asked, and at last ``manifest.json``.
///
/// Parameters
/// ----------
/// gallery : array (n, dim)
///     The items. Rows are scaled to unit length.
/// bias_or_bank : array (n,), or Bank or array (m, dim)
///     The biases of the items, or the bank that `method` learns from.
/// out : path
///     A folder, which is made. An earlier export in it is replaced.
/// method : str, optional
///     With a bank: an additive or vector-moving method, by name or signature; ``"nnn"`` if left out. With biases: what the manifest
///     calls them.
/// form : Form or {"ip", "l2", "cosine"}
///     What the engine ranks by. A `Form` is used as it is: that of an earlier export, for new items beside it.
/// to : {"parquet", "npy", "fvecs", "jsonl", "pgcopy"}
///     Format of the items.
/// ids : sequence of str or int, optional
///     The items' ids, each once; their rows if left out.
/// scale : float, optional
///     Of the appended coordinate, in place of the one that the biases ask for.
/// threads : int, optional
///     Threads to compute on; all cores without.
/// progress : callable, optional
///     Makes a bar, such as ``tqdm``.
/// **params
///     The method's parameters.
///
/// Returns
/// -------
/// dict
///     The manifest: form, constants, what queries get appended, and what to expect of engines.
///
/// Raises
/// ------
/// ValueError
///     No engine can serve the method, an id is there twice, or a bias or a vector has no place in the form; it is named.
/// OSError
///     A file cannot be written.
#[pyfunction]
#[pyo3(signature = (
    gallery, bias_or_bank, out, *, method=None, form=None, to="npy", ids=None, scale=None, threads=None, progress=None, **params
), text_signature = "(gallery, bias_or_bank, out, *, method=None, form='ip', to='npy', ids=None, scale=None, threads=None, progress=None, **params)")]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
pub(crate) fn export<'py>(
    py: Python<'py>,
    gallery: &Bound<'py, PyAny>,
    bias_or_bank: &Bound<'py, PyAny>,
    out: PathBuf,
    method: Option<&str>,
    form: Option<&Bound<'py, PyAny>>,
    to: &str,
    ids: Option<&Bound<'py, PyAny>>,
    scale: Option<f64>,
    threads: Option<i64>,
    progress: Option<Bound<'py, PyAny>>,
    params: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let items = Matrix::of(gallery, "gallery")?;
    if items.len() == 0 {
        return Err(wrong("gallery", "has no rows"));
    }
    let (source, method) = source(bias_or_bank, method, params, items.len())?;
    let (form, constants) = form_of(form)?;
    if constants.is_some() && scale.is_some() {
        let said = "a Form has a scale of its own; leave this one out";
        return Err(wrong("scale", said));
    }
    if let Source::Fitted(chosen, _) = &source {
        check_scale(chosen, scale.is_some(), constants.is_some())?;
    }
    let format: Result<Format, String> = to.parse();
    let target = Target {
        folder: out,
        form,
        format: format.map_err(|expected| wrong("to", format!("`{to}`, {expected}")))?,
        scale,
        constants,
        ids: ids_of(ids, items.len())?,
        method,
    };
    let manifest = write(py, &items, &source, &target, &Options { threads, progress })?;
    to_dict(py, &manifest)
}

/// What is exported, and what the manifest calls it.
fn source<'py>(
    value: &Bound<'py, PyAny>,
    method: Option<&str>,
    params: Option<&Bound<'py, PyDict>>,
    items: usize,
) -> PyResult<(Source<'py>, String)> {
    let name = "bias_or_bank";
    let is_bank = value.cast::<Bank>().is_ok();
    let dims = || -> PyResult<usize> { floats(value, name, &[1, 2])?.getattr("ndim")?.extract() };
    if is_bank || 2 == dims()? {
        let chosen = Chosen::of(method.unwrap_or("nnn"), params)?;
        check_servable(&chosen)?;
        let signature = chosen.signature();
        return Ok((Source::Fitted(chosen, Sides::of(value)?), signature));
    }
    let biases = numbers(value, name)?;
    one_each(name, biases.len(), items)?;
    let named = match method {
        None => UNNAMED.to_owned(),
        Some(method) => {
            let chosen = Chosen::of(method, params)?;
            check_servable(&chosen)?;
            chosen.check_additive()?;
            chosen.signature()
        }
    };
    Ok((Source::Biases(biases), named))
}

/// Refuses what no engine can serve.
fn check_servable(chosen: &Chosen) -> PyResult<()> {
    match nnn_trial::servable(chosen.family) {
        Ok(_) => Ok(()),
        Err(reason) => {
            let method = chosen.signature();
            Err(wrong(
                "method",
                format!("`{method}` cannot be exported: it {reason}"),
            ))
        }
    }
}

/// Refuses a scale of vectors that are moved.
fn check_scale(chosen: &Chosen, scale: bool, constants: bool) -> PyResult<()> {
    let argument = match (scale, constants) {
        (true, _) => "scale",
        (_, true) => "form",
        _ => return Ok(()),
    };
    match chosen.family.kind() {
        MethodKind::VectorMoving => Err(wrong(
            argument,
            format!(
                "a scale is for biases, but `{}` moves vectors",
                chosen.signature()
            ),
        )),
        _ => Ok(()),
    }
}

fn form_of(form: Option<&Bound<'_, PyAny>>) -> PyResult<(Form, Option<Constants>)> {
    let Some(form) = form else {
        return Ok((Form::Ip, None));
    };
    match form.cast::<PyForm>() {
        Ok(form) => Ok((form.get().0.form, Some(form.get().0))),
        Err(_) => Ok((named("form", form.extract()?)?, None)),
    }
}

fn ids_of(ids: Option<&Bound<'_, PyAny>>, items: usize) -> PyResult<Ids> {
    static AS_IDS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let Some(ids) = ids else {
        return Ok(Ids::Rows(0..items));
    };
    let as_ids = AS_IDS.import(ids.py(), "nnn_bench._arrays", "as_ids")?;
    let named: Vec<String> = as_ids.call1((ids, "ids"))?.extract()?;
    one_each("ids", named.len(), items)?;
    Ok(Ids::Named(named))
}

fn write(
    py: Python<'_>,
    items: &Matrix<'_>,
    source: &Source<'_>,
    target: &Target,
    options: &Options<'_>,
) -> PyResult<Manifest> {
    let scores = match source {
        Source::Biases(_) => 0,
        Source::Fitted(chosen, banks) => fitting::scores(chosen, items.len(), banks.sizes(None)),
    };
    let by = match source {
        Source::Biases(biases) => By::Biases(biases),
        Source::Fitted(chosen, banks) => By::Fitted(chosen, banks.views()),
    };
    let task = Task {
        name: "export",
        scores,
    };
    let items = items.view();
    run(py, options, task, |watch| target.write(items, &by, watch))
}

/// What is exported, for threads that do not hold the GIL.
enum By<'a> {
    Biases(&'a [f32]),
    Fitted(&'a Chosen, BankViews<'a>),
}

impl Target {
    fn write(&self, items: View<'_>, by: &By<'_>, watch: &Watch) -> PyResult<Manifest> {
        self.ids.check_unique().map_err(|it| wrong("ids", it))?;
        let items = items.vectors()?;
        let (chosen, banks) = match by {
            By::Biases(biases) => return self.biased(items.rows(), biases),
            By::Fitted(chosen, banks) => (chosen, banks),
        };
        match fitting::fit(chosen, items.rows(), *banks, None, watch)? {
            Fitted::Additive(bias) => self.biased(items.rows(), bias.values()),
            Fitted::VectorMoving(moved) => self.moved(&moved),
            // `check_servable` let no other through.
            other => Err(wrong("method", other.kind().name())),
        }
    }

    fn shape(&self, dim: usize) -> Shape {
        Shape {
            rows: self.ids.len() as u64,
            dim,
            named: matches!(self.ids, Ids::Named(_)),
        }
    }

    fn begin(&self, dim: usize, constants: Option<Constants>) -> PyResult<Delivery> {
        let form = (self.form, self.format);
        let begun = Delivery::begin(&self.folder, form, self.shape(dim), constants);
        begun.map_err(|error| refused(&error))
    }

    /// Writes vectors with a bias each.
    fn biased(&self, items: Rows<'_>, biases: &[f32]) -> PyResult<Manifest> {
        let mut spread = Spread::default();
        spread.extend(biases.iter().copied());
        let constants = match self.constants {
            Some(constants) => constants,
            None => {
                Constants::of(self.form, &spread, self.scale).map_err(|it| wrong("scale", it))?
            }
        };
        let mut delivery = self.begin(items.dim(), Some(constants))?;
        let pushed = delivery.push(&self.ids, items.data(), biases);
        pushed.map_err(|error| refused(&error))?;
        self.finish(delivery, Some(&spread), None)
    }

    /// Writes vectors that were moved, and what moves queries.
    fn moved(&self, moved: &MovedVectors) -> PyResult<Manifest> {
        let vectors = &moved.gallery;
        let mut delivery = self.begin(vectors.dim(), None)?;
        let pushed = delivery.push(&self.ids, vectors.data(), &[]);
        pushed.map_err(|error| refused(&error))?;
        self.finish(delivery, None, Some(moved))
    }

    fn finish(
        &self,
        delivery: Delivery,
        spread: Option<&Spread>,
        moved: Option<&MovedVectors>,
    ) -> PyResult<Manifest> {
        let finished = delivery.finish(About {
            method: self.method.clone(),
            spread,
            query_map: moved.map(|moved| &moved.query),
            inputs: Vec::new(),
            program: PROGRAM.to_owned(),
        });
        finished.map_err(|error| refused(&error))
    }
}

fn refused(error: &ExportError) -> PyErr {
    match error {
        ExportError::Io { path, problem } => io(path, problem),
        ExportError::BeyondPgvector { .. } => wrong("to", error),
        ExportError::NoDirection { .. } => wrong("form", error),
        ExportError::Bias { .. } => wrong("bias_or_bank", error),
        _ => wrong("out", error),
    }
}

/// A manifest as it stands in its file.
fn to_dict<'py>(py: Python<'py>, manifest: &Manifest) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(manifest);
    let text = text.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    py.import("json")?.call_method1("loads", (text,))
}
