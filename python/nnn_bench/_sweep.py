"""Methods measured on trials: one, many, or the points of one on held-out items."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._core import Table, Trial, _choose, _run_trial

METRICS = ("R@1", "R@5", "R@10")


def evaluate(
    queries: Any,
    gallery: Any,
    relevance: Any,
    metrics: Sequence[str] = METRICS,
    *,
    method: str = "nnn",
    bank: Any = None,
    clusters: Any = None,
    seed: int = 0,
    resamples: int = 2000,
    permutations: int = 10_000,
    ties: str = "index",
    threads: int | None = None,
    progress: Any = None,
    **params: float,
) -> Table:
    """Metrics of one method, with intervals, and with its gain over the similarities as they are.

    Parameters
    ----------
    queries : array (q, dim)
    gallery : array (n, dim)
        Rows of both are scaled to unit length.
    relevance
        The items that answer each query, as `Trial` takes them.
    metrics : sequence of str
        Names, such as ``"R@1"``, ``"MRR"``, ``"nDCG@10"`` or ``"k_skewness@10"``.
    method : str
        A method, by name or signature. ``"raw"`` corrects nothing.
    bank : Bank or array (m, dim), optional
        What the method learns from; no evaluated query may be in it.
    clusters : sequence (q,), optional
        A label for each query; queries of one label are drawn together.
    seed, resamples, permutations : int
        Seed, bootstrap resamples and sign flips. Equal seeds give equal numbers.
    ties : {"index", "optimistic", "average", "trec_eval"}
        The rank of an item among those of its score.
    threads : int, optional
        Threads to compute on; all cores without.
    progress : callable, optional
        Makes a bar, such as ``tqdm``.
    **params
        The method's parameters; those left out have their default.

    Returns
    -------
    Table
        A row for each metric, with the columns of ``scores.csv``: ``value``, its bootstrap interval ``ci_low`` to ``ci_high``,
        ``delta_raw`` with its interval and ``p_value`` (paired, by cluster), and sizes.

    Raises
    ------
    ValueError
        Sizes do not agree, a metric or a method is not known, or the bank is missing or too small.
    TypeError
        Something is no array of numbers, or the method has no such parameter.
    """
    trial = Trial(queries, gallery, relevance, bank, clusters=clusters)
    objective = metrics[0] if metrics else "R@1"
    wanted = _wanted(metrics, objective, "fixed", seed, resamples, permutations, ties, exact=True)
    return _run_trial(trial, [(method, params)], wanted, threads=threads, progress=progress)[0]


@dataclass(frozen=True)
class Sweep:
    """What `sweep` found, as tables with the columns of the files of a run of the command line, and ``trial`` in front.

    Attributes
    ----------
    scores : Table
        A row for each trial, reported method and metric.
    comparisons : Table
        A row for each trial, pair of methods and metric that is a mean over queries, with Holm's correction over the pairs.
    grid : Table
        A row for each point of each method whose parameters were chosen.
    choosing : Table
        A row for each of these methods: what was chosen, and the objective there.
    """

    scores: Table
    comparisons: Table
    grid: Table
    choosing: Table


def sweep(
    trials: Trial | Mapping[str, Trial | Callable[[], Trial]],
    methods: str | Iterable[str] | Mapping[str, Mapping[str, Any] | None],
    *,
    metrics: Sequence[str] = METRICS,
    objective: str = "R@1",
    choose: str = "validation",
    seed: int = 0,
    resamples: int = 2000,
    permutations: int = 10_000,
    ties: str = "index",
    threads: int | None = None,
    progress: Any = None,
    executor: Any = None,
) -> Sweep:
    """Measures methods on trials, chooses their parameters, and compares all of them in pairs.

    All methods and points of a trial share one pass over its banks and one over its queries.

    Parameters
    ----------
    trials : Trial or dict
        One, which is named ``trial``; or by name trials, or functions without arguments that make them, one at a time.
    methods : str, sequence of str, or dict
        Names or signatures; a dict has the values to try: ``{"raw": None, "nnn": {"k": [16, 128], "alpha": "paper"}}``, where ``"paper"``
        stands for the published grid. Where parameters are chosen, those left out have their published grid, else their default.
    metrics : sequence of str
        Names of metrics.
    objective : str
        The metric by which parameters are chosen.
    choose : {"validation", "oracle", "fixed"}
        On the trial's held-out items; on the evaluated items themselves, an upper bound; or not at all: every point is reported.
    seed, resamples, permutations : int
        Seed, bootstrap resamples and sign flips.
    ties : {"index", "optimistic", "average", "trec_eval"}
        The rank of an item among those of its score.
    threads : int, optional
        Threads of each trial; all cores without.
    progress : callable, optional
        Makes a bar, such as ``tqdm``: one for each trial, or with an executor one over all of them.
    executor : optional
        Anything with ``submit(fn, *args)`` that gives something with ``.result()``: those of ``concurrent.futures``, a dask client,
        ``nnn_bench.ray.executor()``. Trials, or the functions that make them, are pickled where it has other processes.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        A name is not known, a bank is missing or too small, or there are no held-out items to choose on.

    Warns
    -----
    UserWarning
        Points of a published grid ask for more than the bank has, and are left out.
    """
    named = {"trial": trials} if isinstance(trials, Trial) else dict(trials)
    wanted = _wanted(metrics, objective, choose, seed, resamples, permutations, ties)
    run = functools.partial(_one, methods=_listed(methods), wanted=wanted, threads=threads)
    if executor is None:
        found = [run(trial, progress=progress) for trial in named.values()]
    else:
        futures = [executor.submit(run, trial) for trial in named.values()]
        found = [future.result() for future in _watched(futures, progress)]
    tables = ([(name, tables[at]) for name, tables in zip(named, found)] for at in range(4))
    return Sweep(*(Table._joined("trial", table) for table in tables))


def _one(trial: Any, *, methods: Any, wanted: Any, threads: int | None, progress: Any = None) -> tuple[Table, ...]:
    """One trial, in whatever process."""
    trial = trial() if callable(trial) else trial
    return _run_trial(trial, methods, wanted, threads=threads, progress=progress)


def _watched(futures: list[Any], progress: Any) -> Iterable[Any]:
    """The futures in their order, with a bar over them."""
    if progress is None:
        yield from futures
        return
    bar = progress(total=len(futures), desc="sweep", unit="trials")
    try:
        for future in futures:
            future.result()
            bar.update(1)
            yield future
    finally:
        bar.close()


def _wanted(
    metrics: Sequence[str],
    objective: str,
    choose: str,
    seed: int,
    resamples: int,
    permutations: int,
    ties: str,
    exact: bool = False,
) -> dict[str, Any]:
    if isinstance(metrics, str):
        raise TypeError(f"metrics: expected a list of names, got the text {metrics!r}")
    return {
        "metrics": list(metrics),
        "objective": objective,
        "choose": choose,
        "seed": seed,
        "resamples": resamples,
        "permutations": permutations,
        "ties": ties,
        "exact": exact,
    }


def _listed(methods: Any) -> list[tuple[str, dict[str, Any]]]:
    """Methods with the values of their parameters."""
    if isinstance(methods, str):
        return [(methods, {})]
    if isinstance(methods, Mapping):
        return [(name, _params(name, params)) for name, params in methods.items()]
    return [(name, {}) for name in methods]


def _params(name: str, params: Any) -> dict[str, Any]:
    if params is None:
        return {}
    if not isinstance(params, Mapping):
        raise TypeError(f"methods: {name} has {params!r}, expected a dict of parameters and values")
    return {key: value.tolist() if hasattr(value, "tolist") else value for key, value in params.items()}


@dataclass(frozen=True)
class Choice:
    """What `choose` found.

    Attributes
    ----------
    signature : str
        The method at its best point, such as ``nnn(k=16,alpha=0.5)``: what other functions take as `method`.
    params : dict
        Its parameters.
    value : float
        The objective there.
    grid : Table
        All points: ``signature``, a column for each parameter, ``value`` and ``selected``.
    """

    signature: str
    params: dict[str, float]
    value: float
    grid: Table


def choose(
    queries: Any,
    gallery: Any,
    relevance: Any,
    bank: Any,
    method: str = "nnn",
    *,
    grid: Mapping[str, Any] | None = None,
    objective: str = "R@1",
    ties: str = "index",
    threads: int | None = None,
    progress: Any = None,
) -> Choice:
    """The best point of a method's grid on held-out items, which are evaluated nowhere and are in no bank.

    Of equal points the first is chosen, as the command line does.

    Parameters
    ----------
    queries : array (q, dim)
        Held-out queries.
    gallery : array (n, dim)
        What they are answered from.
    relevance
        The items that answer each query, as `Trial` takes them.
    bank : Bank or array (m, dim)
        What the method learns from.
    method : str
        A method, by name, or by a signature whose parameters are not chosen.
    grid : dict, optional
        From parameters to numbers; those left out, and those with ``"paper"``, have their published grid.
    objective : str
        The metric by which the best point is told.
    ties : {"index", "optimistic", "average", "trec_eval"}
        The rank of an item among those of its score.
    threads : int, optional
        Threads to compute on; all cores without.
    progress : callable, optional
        Makes a bar, such as ``tqdm``.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        Sizes do not agree, a name is not known, or the bank is missing or too small.

    Warns
    -----
    UserWarning
        Points of a published grid ask for more than the bank has, and are left out.
    """
    trial = Trial(queries, gallery, relevance, bank)
    # No interval and no test is reported.
    wanted = _wanted([objective], objective, "oracle", seed=0, resamples=1, permutations=0, ties=ties)
    return Choice(*_choose(trial, method, _params(method, grid), wanted, threads=threads, progress=progress))
