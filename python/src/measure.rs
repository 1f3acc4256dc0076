//! Methods measured on a trial: chosen, ranked, compared, as tables.

use crate::call::{Options, Task, run};
use crate::error::{unfit, whole, wrong};
use crate::method::refused as refused_param;
use crate::shard::rule;
use crate::table::Table;
use crate::trial::PyTrial;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use nnn_core::{ParamError, PassOptions, RawFamily, parse_signature};
use nnn_metrics::{Metric, MetricError, Resampling, holm};
use nnn_trial::{
    BankVectors, Choose, Listed, Measures, Method, Metrics, Number, Objective, Outcome, Pair,
    Task as Evaluated, Trial, TrialError, Values, check_point, kind, left_out, own_points,
};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyUserWarning};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is measured, as `_sweep.py` hands it over.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Wanted {
    metrics: Vec<String>,
    objective: String,
    choose: String,
    seed: i64,
    resamples: i64,
    permutations: i64,
    ties: String,
    /// Whether points beyond a bank are an error wherever they come from.
    exact: bool,
}

impl Wanted {
    fn measures(&self) -> PyResult<Measures> {
        let metrics = self.metrics.iter().map(|name| metric("metrics", name));
        let metrics = metrics.collect::<PyResult<_>>()?;
        let objective = Objective(metric("objective", &self.objective)?);
        let resampling = Resampling {
            seed: u64::try_from(self.seed).map_err(|_| {
                wrong(
                    "seed",
                    format!("{}, expected a whole number >= 0", self.seed),
                )
            })?,
            bootstraps: whole("resamples", self.resamples, 1)?,
            permutations: whole("permutations", self.permutations, 0)?,
        };
        Ok(Measures {
            metrics: Metrics::new(metrics, objective, resampling),
            objective,
            ties: rule(&self.ties)?,
            top: 0,
            bank_search: None,
            time_methods: false,
        })
    }

    fn choose(&self) -> PyResult<Choose> {
        let all = [Choose::Fixed, Choose::Validation, Choose::Oracle];
        let found = all.into_iter().find(|choose| choose.name() == self.choose);
        found.ok_or_else(|| {
            wrong(
                "choose",
                format!("`{}`, expected fixed, validation or oracle", self.choose),
            )
        })
    }
}

fn metric(argument: &str, name: &str) -> PyResult<Metric> {
    let metric: Metric = name.parse().map_err(|error| wrong(argument, error))?;
    match metric.reads_groups() {
        false => Ok(metric),
        true => Err(wrong(
            argument,
            MetricError::NoGroups {
                metric: metric.to_string(),
            },
        )),
    }
}

/// Measures methods on a trial: scores, comparisons, grid and choosing.
///
/// Parameters
/// ----------
/// trial : Trial
/// methods : list of tuple
///     Names or signatures, each with a dict from parameters to a number, a list of numbers or ``"paper"``.
/// wanted : dict
///     metrics, objective, choose, seed, resamples, permutations, ties, exact.
#[pyfunction]
#[pyo3(signature = (trial, methods, wanted, *, threads=None, progress=None))]
pub(crate) fn _run_trial<'py>(
    py: Python<'py>,
    trial: &Bound<'py, PyTrial>,
    methods: Vec<(String, Bound<'py, PyDict>)>,
    wanted: Wanted,
    threads: Option<i64>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<(Table, Table, Table, Table)> {
    let choose = wanted.choose()?;
    let methods = methods
        .iter()
        .map(|(name, params)| method(name, params, choose));
    let methods: Vec<Method> = methods.collect::<PyResult<_>>()?;
    let run = Run {
        trial: trial.get(),
        methods: within(py, trial.get(), methods, wanted.exact)?,
        measures: wanted.measures()?,
        options: Options { threads, progress },
    };
    run.outcome(py, |outcome, methods| {
        let told = Told {
            outcome,
            methods,
            trial: run.trial,
            objective: run.measures.objective,
        };
        Ok((
            told.scores()?,
            told.comparisons()?,
            told.grid()?,
            told.choosing()?,
        ))
    })
}

/// The best point of a method's grid: its signature, its parameters, the objective's value there, and a table of all points.
///
/// Parameters
/// ----------
/// trial : Trial
///     Held-out items.
/// method : str
/// grid : dict
///     From parameters to a number, a list of numbers or ``"paper"``, which also stands for those left out.
/// wanted : dict
///     As that of `_run_trial`.
#[pyfunction]
#[pyo3(signature = (trial, method, grid, wanted, *, threads=None, progress=None))]
pub(crate) fn _choose<'py>(
    py: Python<'py>,
    trial: &Bound<'py, PyTrial>,
    method: &str,
    grid: &Bound<'py, PyDict>,
    wanted: Wanted,
    threads: Option<i64>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<(String, Bound<'py, PyDict>, f64, Table)> {
    let run = Run {
        trial: trial.get(),
        methods: within(
            py,
            trial.get(),
            vec![self::method(method, grid, Choose::Oracle)?],
            wanted.exact,
        )?,
        measures: wanted.measures()?,
        options: Options { threads, progress },
    };
    let (best, values) = run.outcome(py, |outcome, _| {
        let list = &outcome.lists[0];
        let values = match &outcome.test {
            Some(values) => values.clone(),
            // One point leaves nothing to choose.
            None => vec![outcome.numbers[list.place][0].value],
        };
        Ok((list.chosen.point, values))
    })?;
    let method = &run.methods[0];
    let signature = method.points[best].signature();
    let params = PyDict::new(py);
    for (name, value) in pairs(method, best)? {
        let info = method.family.params().iter().find(|info| info.name == name);
        match info.is_some_and(|info| info.whole) {
            true => params.set_item(name, value as i64)?,
            false => params.set_item(name, value)?,
        }
    }
    let table = points(method, best, &values)?;
    Ok((signature, params, values[best], table))
}

/// The parameters of a point, in their order.
fn pairs(method: &Method, point: usize) -> PyResult<Vec<(String, f64)>> {
    let signature = method.points[point].signature();
    let (_, grid) = parse_signature(&signature).map_err(|it| wrong("method", it))?;
    let names = method.family.params().iter();
    let pairs = names.filter_map(|info| Some((info.name.to_owned(), grid.get(info.name)?[0])));
    Ok(pairs.collect())
}

/// All points of a method with what they came to: a column for each parameter.
fn points(method: &Method, best: usize, values: &[f64]) -> PyResult<Table> {
    let all = (0..values.len()).map(|point| pairs(method, point));
    let all: Vec<Vec<(String, f64)>> = all.collect::<PyResult<_>>()?;
    let signatures = method.points.iter().map(|point| point.signature());
    let signatures: Vec<String> = signatures.collect();
    let mut columns = vec![("signature", texts(signatures.iter().map(String::as_str)))];
    for (at, info) in method.family.params().iter().enumerate() {
        let values = all.iter().map(|pairs| Some(pairs.get(at)?.1));
        columns.push((info.name, numbers(values)));
    }
    columns.push(("value", numbers(values.iter().map(|&value| Some(value)))));
    columns.push((
        "selected",
        flags((0..values.len()).map(|point| point == best)),
    ));
    Table::new(columns)
}

/// A method with lists of values.
fn method(written: &str, params: &Bound<'_, PyDict>, choose: Choose) -> PyResult<Method> {
    let text: String = written.split_whitespace().collect();
    let (name, grid) = parse_signature(&text).map_err(|it| wrong("method", it))?;
    let family = nnn_trial::method(&name).map_err(|it| wrong("method", it))?;
    let mut all: BTreeMap<String, Values> = BTreeMap::new();
    for (name, values) in grid {
        all.insert(name, values.into());
    }
    for (name, given) in params {
        let name: String = name.extract()?;
        if all.insert(name.clone(), values(&name, &given)?).is_some() {
            let said = format!("`{name}` is given twice: `{written}` has it, too");
            return Err(wrong("method", said));
        }
    }
    Method::new(family, &all, choose).map_err(|error| refused_param(&error))
}

/// A number, a list of them, or `paper`.
fn values(name: &str, given: &Bound<'_, PyAny>) -> PyResult<Values> {
    if let Ok(value) = given.extract::<f64>() {
        return Ok(vec![value].into());
    }
    if let Ok(word) = given.extract::<String>() {
        return match word == "paper" {
            true => Ok(Values::Published),
            false => Err(wrong(
                name,
                format!("`{word}`, expected numbers or `paper`"),
            )),
        };
    }
    let listed: PyResult<Vec<f64>> = given
        .try_iter()
        .and_then(|items| items.map(|item| item?.extract()).collect());
    let kind = given.get_type();
    let refused =
        |_| PyTypeError::new_err(format!("{name}: expected numbers or `paper`, got {kind}"));
    Ok(listed.map_err(refused)?.into())
}

/// The methods with the points that the trial's vectors and banks allow; a warning names those that are left out of a published grid.
fn within(
    py: Python<'_>,
    trial: &PyTrial,
    methods: Vec<Method>,
    exact: bool,
) -> PyResult<Vec<Method>> {
    let (dim, sizes) = (trial.test.gallery.dim(), trial.banks.sizes(&trial.test));
    let mut all = Vec::new();
    for method in methods {
        let allowed = match exact {
            true => Ok(None),
            false => method.within(dim, sizes),
        };
        let method = match allowed.map_err(|error: ParamError| wrong("method", error))? {
            None => method,
            Some((allowed, beyond)) => {
                let reason = beyond.error.to_string();
                let left_out = left_out(&beyond.points, &beyond.instead, &reason);
                let text = format!("left out, as nobody asked for it: {left_out}");
                let text = std::ffi::CString::new(text)?;
                PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 2)?;
                allowed
            }
        };
        for point in &method.points {
            let fits = check_point(&**point, dim, sizes);
            fits.map_err(|error| unfit(&point.signature(), &error))?;
        }
        all.push(method);
    }
    Ok(all)
}

/// Methods on a trial, about to be run.
struct Run<'a, 'py> {
    trial: &'a PyTrial,
    methods: Vec<Method>,
    measures: Measures,
    options: Options<'py>,
}

impl Run<'_, '_> {
    /// Runs it, and takes what is wanted of the outcome.
    fn outcome<T: Send>(
        &self,
        py: Python<'_>,
        take: impl FnOnce(&Outcome<'_>, &[&Method]) -> PyResult<T> + Send,
    ) -> PyResult<T> {
        let items = self.trial.test.gallery.len();
        let metrics = &self.measures.metrics;
        let fits = metrics.check_gallery(items, None);
        fits.map_err(|error| wrong("metrics", error))?;
        let fits = self.measures.objective.check_gallery(items, None);
        fits.map_err(|error| wrong("objective", error))?;
        let methods: Vec<&Method> = self.methods.iter().collect();
        let inputs = Inputs {
            methods: &methods,
            test: &self.trial.test,
            validation: self.trial.validation.as_ref(),
            banks: &self.trial.banks,
            measures: &self.measures,
        };
        let task = Task {
            name: "trial",
            scores: inputs.trial(PassOptions::default()).scores(),
        };
        run(py, &self.options, task, |watch| {
            let tell = |scores| watch.advance(scores);
            let pass = PassOptions {
                progress: Some(&tell),
                ..PassOptions::default()
            };
            let outcome = inputs.trial(pass).run().map_err(refused)?;
            take(&outcome, &methods)
        })
    }
}

/// Everything of a trial but its progress.
struct Inputs<'a> {
    methods: &'a [&'a Method],
    test: &'a Evaluated,
    validation: Option<&'a Evaluated>,
    banks: &'a BankVectors,
    measures: &'a Measures,
}

impl<'a> Inputs<'a> {
    fn trial<'b>(&self, pass: PassOptions<'b>) -> Trial<'b>
    where
        'a: 'b,
    {
        Trial {
            methods: self.methods,
            test: self.test,
            validation: self.validation,
            banks: self.banks,
            measures: self.measures,
            pass,
            reranking: None,
        }
    }
}

fn refused(error: TrialError) -> PyErr {
    let argument = match &error {
        TrialError::NoHoldOut => {
            return wrong(
                "validation",
                format!("{error}; give the trial some, or choose=\"fixed\""),
            );
        }
        TrialError::Fit(_) | TrialError::BankDimensions { .. } => "bank",
        TrialError::Metric(_) | TrialError::NoGroups { .. } | TrialError::SmallGallery { .. } => {
            "metrics"
        }
        TrialError::Objective(problem) => return wrong("objective", format!("{error}: {problem}")),
        TrialError::UnknownMethod(_) | TrialError::Param(_) | TrialError::NotOnePoint { .. } => {
            "method"
        }
        _ => return PyRuntimeError::new_err(error.to_string()),
    };
    wrong(argument, error)
}

/// An outcome with what it was made of.
struct Told<'a> {
    outcome: &'a Outcome<'a>,
    methods: &'a [&'a Method],
    trial: &'a PyTrial,
    objective: Objective,
}

/// A point of a method, as results name it.
#[derive(Clone)]
struct Cell {
    method: String,
    kind: String,
    params: String,
    chosen: String,
}

impl Cell {
    fn of(method: &Method, point: usize) -> Self {
        Self {
            method: method.family.name().to_owned(),
            kind: kind(method.family),
            params: method.params(point),
            chosen: method.chosen_word().to_owned(),
        }
    }

    fn raw() -> Self {
        Self {
            method: "raw".to_owned(),
            kind: kind(&RawFamily),
            params: String::new(),
            chosen: String::new(),
        }
    }
}

/// The columns of a cell.
fn cell_columns<'n>(names: [&'n str; 4], cells: &[Cell]) -> Vec<(&'n str, ArrayRef)> {
    let fields: [fn(&Cell) -> &str; 4] = [
        |cell| &cell.method,
        |cell| &cell.kind,
        |cell| &cell.params,
        |cell| &cell.chosen,
    ];
    let columns = names.into_iter().zip(fields);
    columns
        .map(|(name, field)| (name, texts(cells.iter().map(field))))
        .collect()
}

const CELL: [&str; 4] = ["method", "kind", "params", "chosen"];

impl Told<'_> {
    /// Queries, clusters and gallery items of the evaluation.
    fn sizes(&self) -> [usize; 3] {
        let test = &self.trial.test;
        [
            test.queries.len(),
            test.clusters.count(),
            test.gallery.len(),
        ]
    }

    /// One row for each list and metric; a ranking that several lists name is measured under the first.
    fn scores(&self) -> PyResult<Table> {
        let mut seen = Vec::new();
        let mut rows: Vec<(Cell, &Number)> = Vec::new();
        for list in &self.outcome.lists {
            if !seen.contains(&list.place) {
                seen.push(list.place);
                let cell = Cell::of(list.chosen.method, list.chosen.point);
                let numbers = self.outcome.numbers[list.place].iter();
                rows.extend(numbers.map(|number| (cell.clone(), number)));
            }
        }
        let cells: Vec<Cell> = rows.iter().map(|(cell, _)| cell.clone()).collect();
        let mut columns = cell_columns(CELL, &cells);
        columns.push((
            "metric",
            texts(rows.iter().map(|(_, it)| it.metric.as_str())),
        ));
        for (name, of) in NUMBERS {
            columns.push((*name, numbers(rows.iter().map(|(_, number)| of(number)))));
        }
        let names = ["n_queries", "n_clusters", "n_gallery"];
        for (name, size) in names.into_iter().zip(self.sizes()) {
            columns.push((name, counts(rows.iter().map(|_| size))));
        }
        Table::new(columns)
    }

    /// One row for each pair of rankings and metric that is a mean over queries.
    fn comparisons(&self) -> PyResult<Table> {
        let others: Vec<&Listed<'_>> = self.outcome.others().collect();
        let cell = |place: usize| match place {
            0 => Cell::raw(),
            _ => Cell::of(
                others[place - 1].chosen.method,
                others[place - 1].chosen.point,
            ),
        };
        let pairs = &self.outcome.pairs;
        let mut corrected = Vec::new();
        for family in pairs.chunk_by(|a, b| a.metric == b.metric) {
            let p_values: Vec<f64> = family.iter().map(|it| it.comparison.p_value).collect();
            corrected.extend(holm(&p_values).map_err(|it| wrong("metrics", it))?);
        }
        let sides = [
            pairs
                .iter()
                .map(|pair| cell(pair.method))
                .collect::<Vec<_>>(),
            pairs.iter().map(|pair| cell(pair.other)).collect(),
        ];
        let mut columns = cell_columns(["method_a", "kind_a", "params_a", "chosen_a"], &sides[0]);
        columns.extend(cell_columns(
            ["method_b", "kind_b", "params_b", "chosen_b"],
            &sides[1],
        ));
        columns.push(("metric", texts(pairs.iter().map(|it| it.metric.as_str()))));
        for (name, of) in DIFFERENCES {
            columns.push((*name, numbers(pairs.iter().map(|pair| Some(of(pair))))));
        }
        columns.push(("p_holm", numbers(corrected.into_iter().map(Some))));
        for (name, of) in OUTCOMES {
            columns.push((*name, counts(pairs.iter().map(of))));
        }
        let [queries, clusters, _] = self.sizes();
        columns.push(("n_queries", counts(pairs.iter().map(|_| queries))));
        columns.push(("n_clusters", counts(pairs.iter().map(|_| clusters))));
        Table::new(columns)
    }

    /// Every point of every method whose parameters are chosen, on the held-out and on the evaluated items.
    fn grid(&self) -> PyResult<Table> {
        let held_out = self.trial.validation.as_ref();
        let held_out = held_out.map_or(0, |task| task.queries.len());
        let sides = [
            ("validation", held_out, &self.outcome.validation),
            ("test", self.sizes()[0], &self.outcome.test),
        ];
        let mut rows: Vec<(Cell, &str, f64, usize, bool)> = Vec::new();
        for (method, own) in own_points(self.methods) {
            if method.choose == Choose::Fixed {
                continue;
            }
            let mut lists = self.outcome.lists.iter();
            let selected = lists.find(|list| std::ptr::eq(list.chosen.method, method));
            let selected = selected.map(|list| list.chosen.point);
            for (side, queries, values) in sides {
                let values = values
                    .iter()
                    .flat_map(|all| all[own.clone()].iter().enumerate());
                rows.extend(values.map(|(point, &value)| {
                    let cell = Cell::of(method, point);
                    (cell, side, value, queries, selected == Some(point))
                }));
            }
        }
        let cells: Vec<Cell> = rows.iter().map(|row| row.0.clone()).collect();
        let name = self.objective.name();
        let mut columns = cell_columns(CELL, &cells);
        columns.push(("evaluated_on", texts(rows.iter().map(|row| row.1))));
        columns.push(("metric", texts(rows.iter().map(|_| name.as_str()))));
        columns.push(("value", numbers(rows.iter().map(|row| Some(row.2)))));
        columns.push(("n_queries", counts(rows.iter().map(|row| row.3))));
        columns.push(("selected", flags(rows.iter().map(|row| row.4))));
        Table::new(columns)
    }

    /// Every method whose parameters were chosen, and what that gave.
    fn choosing(&self) -> PyResult<Table> {
        let rows = &self.outcome.choosing;
        let cells = rows
            .iter()
            .map(|it| Cell::of(it.chosen.method, it.chosen.point));
        let cells: Vec<Cell> = cells.collect();
        let name = self.objective.name();
        let mut columns = cell_columns(CELL, &cells);
        columns.push(("metric", texts(rows.iter().map(|_| name.as_str()))));
        columns.push(("points", counts(rows.iter().map(|it| it.points))));
        columns.push(("validation", numbers(rows.iter().map(|it| it.validation))));
        columns.push(("test", numbers(rows.iter().map(|it| it.test))));
        Table::new(columns)
    }
}

type Of<R, T> = (&'static str, fn(&R) -> T);

const NUMBERS: &[Of<Number, Option<f64>>] = &[
    ("value", |it| Some(it.value)),
    ("ci_low", |it| it.ci.map(|i| i.low)),
    ("ci_high", |it| it.ci.map(|i| i.high)),
    ("binomial_low", |it| it.binomial.map(|i| i.low)),
    ("binomial_high", |it| it.binomial.map(|i| i.high)),
    ("delta_raw", |it| it.gain.as_ref().map(|g| g.delta)),
    ("delta_low", |it| it.gain.as_ref()?.interval.map(|i| i.low)),
    ("delta_high", |it| {
        it.gain.as_ref()?.interval.map(|i| i.high)
    }),
    ("p_value", |it| it.gain.as_ref()?.p_value),
];

const DIFFERENCES: &[Of<Pair, f64>] = &[
    ("delta", |it| it.comparison.delta),
    ("ci_low", |it| it.comparison.interval.low),
    ("ci_high", |it| it.comparison.interval.high),
    ("p_value", |it| it.comparison.p_value),
];

const OUTCOMES: &[Of<Pair, usize>] = &[
    ("wins", |it| it.comparison.wins),
    ("ties", |it| it.comparison.ties),
    ("losses", |it| it.comparison.losses),
];

fn texts<'t>(values: impl Iterator<Item = &'t str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

fn counts(values: impl Iterator<Item = usize>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(
        values.map(|value| value as i64),
    ))
}

fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values.map(Some)))
}
