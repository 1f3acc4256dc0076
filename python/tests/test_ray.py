"""Shards on Ray, in one process's cluster; tools/ray_cluster.py has two nodes, one of which is killed."""

import os
from pathlib import Path

import numpy as np
import pytest

import nnn_bench

ray = pytest.importorskip("ray")

from cluster_data import ALPHA, K, METHOD, PAGE, draw, read_biases, run_page, write_shard

import nnn_bench.ray as on_ray
from nnn_bench import shards


@pytest.fixture(scope="module", autouse=True)
def cluster():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=200 << 20, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def data(tmp_path):
    return draw(tmp_path)


def expected(data):
    return nnn_bench.bias(data.items, data.bank, "nnn", k=K, alpha=ALPHA)


def bits(values):
    return np.asarray(values, np.float32).view(np.uint32)


def run(data, out="out", **options):
    return on_ray.bias(data.gallery, data.address("bank"), data.folder / out, METHOD, **options)


def test_biases_have_the_bits_of_one_process_and_are_there_at_the_second_call(data):
    reports = run(data)
    assert [(Path(it["shard"]).name, it["rows"], it["computed"]) for it in reports] == [
        ("part-000.parquet", 40, True),
        ("part-001.parquet", 1, True),
        ("part-002.parquet", 25, True),
        ("part-003.parquet", 34, True),
    ]
    ids, values = read_biases(data.folder / "out")
    assert ids == [f"item-{row}" for row in range(len(data.items))]
    assert (bits(values) == bits(expected(data))).all()
    os.remove(data.folder / "out" / "part-001.parquet")
    assert [it["computed"] for it in run(data)] == [False, True, False, False]


def test_blocks_have_the_bits_of_the_whole_bank_and_are_resumed(tmp_path):
    chunk = nnn_bench.Partial.CHUNK
    data = draw(tmp_path, bank_rows=2 * chunk + 100)
    assert all(it["computed"] for it in run(data, block=chunk))
    assert (bits(read_biases(data.folder / "out")[1]) == bits(expected(data))).all()
    os.remove(data.folder / "out" / "part-003.parquet")
    assert [it["computed"] for it in run(data, block=2 * chunk)] == [False, False, False, True]
    assert not any(it["computed"] for it in run(data)), "blocks leave the mark of the whole bank"


def test_what_is_wrong_with_a_shard_reaches_the_caller_with_its_name(data):
    rows = data.items[40:41].copy()
    rows[0, 3] = np.nan
    write_shard(data.paths[1], rows, ["item-40"])
    with pytest.raises(Exception, match="part-001.parquet") as error:
        run(data)
    assert "row 0" in str(error.value)


def test_metrics_are_those_of_one_process(data):
    run(data)
    found = on_ray.evaluate(
        data.address("queries"), data.gallery, data.relevance, {"nnn": data.folder / "out"}, metrics=("R@1", "R@5", "MRR")
    )
    evaluation, paths = shards.lay_out_evaluation(data.address("queries"), data.gallery, data.relevance, {"nnn": data.folder / "out"})
    thresholds = shards.merge(*[shards.thresholds_of_shard(evaluation, path) for path in paths])
    counts = shards.merge(*[shards.counts_of_shard(evaluation, path, thresholds) for path in paths])
    assert found == dict(zip(["raw", "nnn"], counts.metrics(data.relevance, ["R@1", "R@5", "MRR"])))


def test_an_executor_gives_results_and_errors():
    executor = on_ray.executor()
    futures = [executor.submit(pow, base, 2) for base in range(5)]
    assert [future.result() for future in futures] == [0, 1, 4, 9, 16]
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result()


def test_a_sweep_on_ray_has_the_tables_of_one_process(data):
    trials = {name: nnn_bench.Trial(data.queries, data.items, data.relevance, data.bank[:rows]) for name, rows in (("a", 300), ("b", 150))}
    methods = {"raw": None, "nnn": {"k": [1, K], "alpha": [ALPHA]}}
    options = {"choose": "fixed", "resamples": 50, "permutations": 50}
    here = nnn_bench.sweep(trials, methods, **options)
    there = nnn_bench.sweep(trials, methods, executor=on_ray.executor(), **options)
    assert here.scores.rows() == there.scores.rows() and len(here.scores) > 0
    assert here.comparisons.rows() == there.comparisons.rows()


def test_many_results_are_merged_along_a_tree(monkeypatch):
    monkeypatch.setattr(on_ray.shards, "merge", lambda *parts: sum(parts))
    refs = [ray.put(number) for number in range(100)]
    assert ray.get(on_ray._joined(refs, {"num_cpus": 1})) == sum(range(100))


def test_the_lines_of_the_page_run(data, monkeypatch):
    np.save(data.address("queries"), data.queries[:2])
    monkeypatch.chdir(data.folder)
    names = run_page("ray")
    assert (bits(read_biases("out")[1]) == bits(nnn_bench.bias(data.items, data.bank, PAGE))).all()
    assert set(names["found"]) == {"raw", "nnn"}
