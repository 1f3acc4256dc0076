"""The same on Dask: the core knows no engine."""

import os

import numpy as np
import pytest

import nnn_bench

distributed = pytest.importorskip("distributed")

from cluster_data import ALPHA, K, METHOD, draw, read_biases

import nnn_bench.dask as on_dask


@pytest.fixture(scope="module")
def client():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            yield client


def test_biases_and_metrics_are_those_of_one_process(client, tmp_path):
    data = draw(tmp_path)
    out = data.folder / "out"
    reports = on_dask.bias(client, data.gallery, data.address("bank"), out, METHOD)
    assert all(it["computed"] for it in reports)
    wanted = nnn_bench.bias(data.items, data.bank, "nnn", k=K, alpha=ALPHA)
    found = read_biases(out)[1]
    assert (found.view(np.uint32) == wanted.view(np.uint32)).all()

    os.remove(out / "part-002.parquet")
    again = on_dask.bias(client, data.gallery, data.address("bank"), out, METHOD)
    assert [it["computed"] for it in again] == [False, False, True, False]

    metrics = on_dask.evaluate(client, data.address("queries"), data.gallery, data.relevance, {"nnn": out}, metrics=("R@1",))
    table = nnn_bench.evaluate(data.queries, data.items, data.relevance, ("R@1",), method=METHOD, bank=data.bank)
    assert list(metrics) == ["raw", "nnn"]
    assert metrics["nnn"]["R@1"] == pytest.approx(table.rows()[-1]["value"])
