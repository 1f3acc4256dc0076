"""The same on a Dask cluster: ``pip install './python[dask]'``. All that is known of the engine is ``map``, ``submit`` and ``gather``.

A Dask client is itself an executor for ``nnn_bench.sweep(..., executor=client)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from distributed import Client

from nnn_bench import shards

__all__ = ["bias", "evaluate"]


def bias(client: Client, gallery: Any, bank: Any, out: Any, method: str = "nnn", **options: Any) -> list[dict[str, Any]]:
    """As `nnn_bench.ray.bias` without blocks; `options` are those of `shards.lay_out`. Resumed by the same call."""
    job, paths = shards.lay_out(gallery, bank, out, method, **options)
    reports = client.gather(client.map(partial(shards.bias_of_shard, job), paths, pure=False))
    shards.tidy(job)
    return reports


def evaluate(
    client: Client,
    queries: Any,
    gallery: Any,
    relevance: Any,
    biases: Any = None,
    metrics: Sequence[str] = ("R@1", "R@5", "R@10"),
    **options: Any,
) -> dict[str, dict[str, float]]:
    """As `nnn_bench.ray.evaluate`; `options` are those of `shards.lay_out_evaluation`."""
    evaluation, paths = shards.lay_out_evaluation(queries, gallery, relevance, biases, **options)
    shared = client.scatter(evaluation, broadcast=True)
    ask = [client.submit(shards.thresholds_of_shard, shared, path, pure=False) for path in paths]
    thresholds = client.submit(shards.merge, *ask, pure=False)
    count = [client.submit(shards.counts_of_shard, shared, path, thresholds, pure=False) for path in paths]
    counts = client.submit(shards.merge, *count, pure=False).result()
    return dict(zip(evaluation.names, counts.metrics(relevance, list(metrics))))
