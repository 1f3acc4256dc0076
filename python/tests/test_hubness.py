"""Hubness beside its definitions."""

import numpy as np
import pytest
from oracles import made

import nnn_bench

GALLERY, QUERIES, BANK = made(14, gallery=200, queries=300)
K = 5


def test_occurrences_are_counted_over_all_lists():
    found = nnn_bench.hubness(QUERIES, GALLERY, K)
    counts = np.bincount(nnn_bench.rank(QUERIES, GALLERY, K).ravel(), minlength=len(GALLERY))
    assert found["k_occurrence"].dtype == np.int64
    assert (found["k_occurrence"] == counts).all()


def test_statistics_are_those_of_the_definitions():
    found = nnn_bench.hubness(QUERIES, GALLERY, K, method="nnn(k=8)", bank=BANK)
    n = found.pop("k_occurrence").astype(np.float64)
    mean, centred = n.mean(), n - n.mean()
    deviation = np.sqrt((centred**2).mean())
    differences = np.abs(n[:, None] - n[None, :]).sum()
    expected = {
        "k_skewness": (centred**3).mean() / deviation**3,
        "k_kurtosis": (centred**4).mean() / deviation**4 - 3,
        "k_mae": np.abs(centred).mean(),
        "k_max": n.max(),
        "gini": differences / (2 * len(n) ** 2 * mean),
        "robin_hood": np.abs(centred).sum() / (2 * n.sum()),
        "antihub": (n == 0).mean(),
        "hub_share": n[n >= 2 * mean].sum() / n.sum(),
    }
    assert found == pytest.approx({f"{name}@{K}": value for name, value in expected.items()}, rel=1e-12)


def test_a_correction_makes_hubs_smaller():
    before = nnn_bench.hubness(QUERIES, GALLERY, K)
    after = nnn_bench.hubness(QUERIES, GALLERY, K, bias=nnn_bench.bias(GALLERY, BANK, k=8))
    assert after["k_skewness@5"] < before["k_skewness@5"]


def test_no_query_has_no_hubness():
    with pytest.raises(ValueError, match="queries: no query to measure"):
        nnn_bench.hubness(QUERIES[:0], GALLERY, K)
