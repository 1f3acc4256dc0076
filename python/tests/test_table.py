"""Tables are read by what reads Arrow."""

import pickle

import numpy as np
import pytest
from oracles import made

import nnn_bench

GALLERY, QUERIES, BANK = made(21, gallery=60, queries=30, bank=40)


@pytest.fixture(scope="module")
def table():
    trial = nnn_bench.Trial(QUERIES, GALLERY, np.arange(30), BANK)
    options = {"metrics": ["R@1", "k_max@5"], "choose": "fixed", "permutations": 50, "resamples": 50}
    return nnn_bench.sweep({"one": trial, "two": trial}, {"raw": {}, "nnn": {"k": [1, 8]}}, **options).scores


def test_a_table_is_columns_and_rows(table):
    assert len(table) == 12 and table.columns[:4] == ["trial", "method", "kind", "params"]
    assert table["trial"] == ["one"] * 6 + ["two"] * 6
    rows = table.rows()
    assert [row["value"] for row in rows] == table["value"]
    assert type(rows[0]["n_queries"]) is int and rows[0]["delta_raw"] is None
    with pytest.raises(KeyError, match="no column `values`; there are trial, method"):
        table["values"]


def test_a_table_is_readable(table):
    lines = repr(table).splitlines()
    assert len(lines) == 13
    assert lines[0].split()[:4] == ["trial", "method", "kind", "params"]
    assert lines[1].split()[:3] == ["one", "raw", "additive"]


def test_a_long_table_shows_its_start():
    grid = {"k": list(range(1, 31)), "alpha": 0.5}
    points = nnn_bench.choose(QUERIES, GALLERY, np.arange(30), BANK, grid=grid).grid
    assert len(points) == 30 and repr(points).splitlines()[-1] == "... 30 rows"


def test_a_table_pickles(table):
    again = pickle.loads(pickle.dumps(table))
    assert again.columns == table.columns and again.rows() == table.rows()


def test_pyarrow_reads_a_table(table):
    pyarrow = pytest.importorskip("pyarrow")
    read = pyarrow.table(table)
    assert read.column_names == table.columns and read.to_pylist() == table.rows()
    assert read.schema.field("value").type == pyarrow.float64()


def test_polars_reads_a_table(table):
    polars = pytest.importorskip("polars")
    read = polars.DataFrame(table)
    assert read.columns == table.columns and read.to_dicts() == table.rows()


def test_pandas_reads_a_table(table):
    pandas = pytest.importorskip("pandas")
    read = pandas.DataFrame(table.rows())
    assert list(read.columns) == table.columns and read["value"].tolist() == table["value"]
