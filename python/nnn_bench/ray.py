"""Biases and evaluation on a Ray cluster: ``pip install './python[ray]'``.

Only addresses, a few numbers, and in blocks partial statistics travel through Ray. Gallery and bank are read where the tasks run
(`nnn_bench.shards`). What a task computes depends on its inputs alone, so that Ray may run it again when a machine is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import ray
import ray.data

from nnn_bench import shards

__all__ = ["Executor", "bias", "evaluate", "executor"]

#: How many results one task merges.
WIDTH = 16


def bias(
    gallery: str | Path | Iterable[str | Path],
    bank: str | Path | Mapping[str, str | Path],
    out: str | Path,
    method: str = "nnn",
    *,
    block: int | None = None,
    column: str = "vector",
    id_column: str | None = "id",
    threads: int = 1,
    memory: int | None = None,
    overwrite: bool = False,
    **params: Any,
) -> list[dict[str, Any]]:
    """The bias of every item of a gallery in parquet shards, one file in `out` per shard; resumed by the same call.

    Every task holds the whole bank, unless `block` says how many rows of it a task takes (a multiple of ``Partial.CHUNK``): then there is
    a task for every block and shard, and what they say is merged. The biases have the same bits either way, and those of one process.

    - ``bank``: the query bank's address, or ``{"query": ..., "gallery": ...}`` for methods with two.
    - ``threads``: processors of one task; Ray runs as many tasks on a machine as it has processors for.
    - ``memory``: bytes of one task, by which Ray places them; none are reserved without it.

    Gives a report for every shard, in their order: ``{"shard", "rows", "computed", "seconds"}``, where ``computed`` is false for what was
    there already. Errors of `shards.lay_out` are raised at once, those of a shard by Ray, which names it.
    """
    job, paths = shards.lay_out(
        gallery, bank, out, method, column=column, id_column=id_column, threads=threads, overwrite=overwrite, **params
    )
    options = {"num_cpus": threads} | ({} if memory is None else {"memory": memory})
    reports = _whole(job, paths, options) if block is None else _in_blocks(job, paths, shards.blocks(job, block), options)
    shards.tidy(job)
    by_shard = {report["shard"]: report for report in reports}
    return [by_shard[path] for path in paths]


def _whole(job: shards.Job, paths: Sequence[str], options: dict[str, Any]) -> list[dict[str, Any]]:
    """A task of Ray Data for every shard."""

    def bias_of_row(row: dict[str, Any]) -> dict[str, Any]:
        return shards.bias_of_shard(job, row["shard"])

    rows = [{"shard": path} for path in paths]
    data = ray.data.from_items(rows, override_num_blocks=len(rows))
    return data.map(bias_of_row, **options).take_all()


def _in_blocks(job: shards.Job, paths: Sequence[str], cut: list[shards.Block], options: dict[str, Any]) -> list[dict[str, Any]]:
    """A task for every block of the bank and shard, for some shards at a time, since their partial statistics wait in Ray's memory."""
    collect, finish = _task(shards.partial_of_block, options), _task(shards.finish_shard, options)
    there = [path for path in paths if os.path.exists(job.output(path))]
    found = _task(shards.found_shard, options)
    reports = [report for report in ray.get([found.remote(job, path) for path in there]) if report]
    known = {report["shard"] for report in reports}
    running: list[ray.ObjectRef] = []
    for path in paths:
        if path in known:
            continue
        if len(running) >= _window(len(cut), options["num_cpus"]):
            done, running = ray.wait(running, num_returns=1)
            reports += ray.get(done)
        partials = [collect.remote(job, path, block) for block in cut]
        running.append(finish.remote(job, path, _joined(partials, options)))
    return reports + ray.get(running)


def _window(tasks: int, cpus: int) -> int:
    """Shards at work at a time: enough for all processors, and one more."""
    places = int(ray.cluster_resources().get("CPU", 1)) // cpus
    return max(1, -(-places // tasks)) + 1


def _task(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    """A function as a task that Ray repeats however often its machine is lost."""
    return ray.remote(max_retries=-1, **options)(function)


def _joined(results: list[ray.ObjectRef], options: dict[str, Any]) -> ray.ObjectRef:
    """Some results as one, merged along a tree."""
    merge = _task(shards.merge, options)
    while len(results) > 1:
        results = [merge.remote(*results[at : at + WIDTH]) for at in range(0, len(results), WIDTH)]
    return results[0]


def evaluate(
    queries: str | Path,
    gallery: str | Path | Iterable[str | Path],
    relevance: Any,
    biases: str | Path | Mapping[str, str | Path] | None = None,
    metrics: Sequence[str] = ("R@1", "R@5", "R@10"),
    *,
    k: int = 0,
    ties: str = "index",
    column: str = "vector",
    threads: int = 1,
    memory: int | None = None,
) -> dict[str, dict[str, float]]:
    """Metrics of the raw ranking and of corrected ones over a gallery in shards: ``{"raw": {"R@1": ...}, "nnn": {...}}``.

    - ``queries``: an address, as banks have.
    - ``relevance``: for every query the items that answer it, as places in the whole gallery (`shards.locate` finds those of ids).
    - ``biases``: for every corrected ranking its name and the folder that `bias` wrote; one folder alone is named ``corrected``.
    - ``k``: length of the lists of best items, which metrics of hubness such as ``"k_skewness@10"`` read.
    - ``threads``, ``memory``: processors and bytes of one task.

    Shards pass twice: their thresholds are merged, then counts against them are added. The metrics are those over the whole gallery.
    """
    evaluation, paths = shards.lay_out_evaluation(queries, gallery, relevance, biases, k=k, ties=ties, column=column, threads=threads)
    options = {"num_cpus": threads} | ({} if memory is None else {"memory": memory})
    ask, count = _task(shards.thresholds_of_shard, options), _task(shards.counts_of_shard, options)
    shared = ray.put(evaluation)
    thresholds = _joined([ask.remote(shared, path) for path in paths], options)
    counts = ray.get(_joined([count.remote(shared, path, thresholds) for path in paths], options))
    return dict(zip(evaluation.names, counts.metrics(relevance, list(metrics))))


class Executor:
    """``submit(function, *args)`` as a Ray task; what it gives has ``result()``. For ``nnn_bench.sweep(..., executor=...)``."""

    def __init__(self, **options: Any) -> None:
        self._call = _task(_call, {"num_cpus": 1} | options)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Starts a task. Arguments of its own are copied into Ray's memory; hand over a ``ray.put`` for what many tasks share."""
        return self._call.remote(function, *args, **kwargs).future()


def _call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def executor(**options: Any) -> Executor:
    """An executor on the cluster that Ray is connected to. `options` are Ray's for a task: ``num_cpus=4``, ``memory=...``."""
    return Executor(**options)
