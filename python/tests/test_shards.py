"""Shards without any engine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import nnn_bench

pytest.importorskip("pyarrow")

from cluster_data import ALPHA, DIM, K, METHOD, PAGE, draw, lists, read_biases, run_page, write_gallery, write_shard

from nnn_bench import shards


@pytest.fixture
def data(tmp_path):
    return draw(tmp_path)


def lay_out(data, out="out", bank="bank", method=METHOD, **options):
    return shards.lay_out(data.gallery, data.address(bank), data.folder / out, method, **options)


def run(data, **options):
    job, paths = lay_out(data, **options)
    return job, [shards.bias_of_shard(job, path) for path in paths]


def expected(data):
    return nnn_bench.bias(data.items, data.bank, "nnn", k=K, alpha=ALPHA)


def bits(values):
    return np.asarray(values, np.float32).view(np.uint32)


def test_no_engine_is_imported():
    code = "import sys, nnn_bench.shards; print(sorted({'ray', 'dask', 'distributed', 'pyspark'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_biases_of_shards_have_the_bits_of_the_whole_gallery(data):
    _, reports = run(data)
    ids, values = read_biases(data.folder / "out")
    assert ids == [f"item-{row}" for row in range(len(data.items))]
    assert (bits(values) == bits(expected(data))).all()
    assert [report["rows"] for report in reports] == [40, 1, 25, 34]
    assert all(report["computed"] for report in reports)


def test_a_run_is_resumed_where_it_ended(data):
    job, _ = run(data)
    lost = job.output(data.paths[2])
    before = Path(lost).read_bytes()
    os.remove(lost)
    times = {path: os.stat(job.output(path)).st_mtime_ns for path in data.paths if job.output(path) != lost}
    _, reports = run(data)
    assert [report["computed"] for report in reports] == [False, False, True, False]
    assert all(os.stat(job.output(path)).st_mtime_ns == time for path, time in times.items())
    assert Path(lost).read_bytes() == before


def test_a_shard_that_changed_is_not_taken_for_done(data):
    job, _ = run(data)
    path = data.paths[1]
    write_shard(path, -data.items[40:41], ["item-40"])
    with pytest.raises(ValueError, match=r"out: .*part-001.parquet is there already and was made of .*shard"):
        shards.bias_of_shard(job, path)
    again, _ = lay_out(data, overwrite=True)
    assert shards.bias_of_shard(again, path)["computed"]
    assert shards.found_shard(job, path)["rows"] == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [({"method": "nnn(k=8,alpha=0.75)"}, "nnn(k=8"), ({"bank": "queries"}, "banks"), ({"id_column": None}, "id_column")],
)
def test_outputs_of_another_job_are_refused_with_what_differs(data, change, named):
    run(data)
    job, paths = lay_out(data, **change)
    with pytest.raises(ValueError, match="there already") as error:
        shards.bias_of_shard(job, paths[0])
    assert named in str(error.value)


def test_one_method_has_one_signature(data):
    jobs = [
        lay_out(data, method="nnn", k=128, alpha=0.75),
        lay_out(data, method="nnn(k=128,alpha=0.75)"),
        lay_out(data, method="nnn(alpha=0.75)", k=128),
    ]
    assert {job.method for job, _ in jobs} == {"nnn(k=128,alpha=0.75)"}
    assert lay_out(data, method="nnn", k=3, alpha=1)[0].method == "nnn(k=3,alpha=1)"


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("nnm", {}, "method"),
        ("nnn", {"kk": 3}, "kk"),
        ("nnn(k=3)", {"k": 4}, "k"),
        ("sn", {}, "all items of the gallery"),
        ("dis", {}, "dis"),
    ],
)
def test_a_method_that_shards_cannot_have_is_refused_before_anything_runs(data, method, params, message):
    with pytest.raises((ValueError, TypeError), match=message):
        lay_out(data, method=method, **params)


def test_every_additive_method_has_the_same_biases_in_shards_or_is_refused(data):
    """Guards against a method whose biases depend on the whole gallery and that does not say so."""
    bank = nnn_bench.Bank(data.bank, gallery=data.queries)
    whole = []
    for method in nnn_bench.methods():
        if method["kind"] != "additive" or method["transductive"] or method["name"] == "raw":
            continue
        small = {it["name"]: 5 for it in method["params"] if it["name"] in ("k", "k1", "k2")}
        all_items = nnn_bench.bias(data.items, bank, method["name"], **small)
        parts = [nnn_bench.bias(data.items[part], bank, method["name"], **small) for part in (slice(0, 33), slice(33, None))]
        if not (bits(np.concatenate(parts)) == bits(all_items)).all():
            whole.append(method["name"])
    assert whole == [it["name"] for it in nnn_bench.methods() if it["kind"] == "additive" and it["whole_gallery"]]


def test_blocks_merge_to_the_bits_of_the_whole_bank(tmp_path):
    chunk = nnn_bench.Partial.CHUNK
    data = draw(tmp_path, bank_rows=2 * chunk + 100)
    job, paths = lay_out(data)
    cut = shards.blocks(job, chunk)
    assert [(it.first, it.end) for it in cut] == [(0, chunk), (chunk, 2 * chunk), (2 * chunk, 2 * chunk + 100)]
    for path in paths:
        partials = [shards.partial_of_block(job, path, block) for block in reversed(cut)]
        shards.finish_shard(job, path, *partials)
    assert (bits(read_biases(job.out)[1]) == bits(expected(data))).all()
    assert not shards.bias_of_shard(job, paths[0])["computed"], "blocks leave the mark of the whole bank"


def test_a_shard_with_a_missing_block_is_not_finished(tmp_path):
    chunk = nnn_bench.Partial.CHUNK
    data = draw(tmp_path, bank_rows=chunk + 5)
    job, paths = lay_out(data)
    first, _ = shards.blocks(job, chunk)
    with pytest.raises(ValueError, match=str(chunk)):
        shards.finish_shard(job, paths[0], shards.partial_of_block(job, paths[0], first))
    assert os.listdir(job.out) == []


def test_a_block_is_a_multiple_of_the_chunk(data):
    with pytest.raises(ValueError, match="block: 1000 rows, expected a multiple of 65536"):
        shards.blocks(lay_out(data)[0], 1000)


def test_both_banks_have_addresses(data):
    bank = {"query": data.address("bank"), "gallery": data.address("queries")}
    job, paths = shards.lay_out(data.gallery, bank, data.folder / "out", "dualis")
    for path in paths:
        shards.bias_of_shard(job, path)
    wanted = nnn_bench.bias(data.items, nnn_bench.Bank(data.bank, gallery=data.queries), "dualis")
    assert (bits(read_biases(job.out)[1]) == bits(wanted)).all()
    with pytest.raises(ValueError, match="bank: 'past' is no side"):
        shards.Banks.of({"past": "bank.npy"})


def test_a_bank_of_parquet_is_that_of_npy(data):
    write_gallery(data.folder / "bank", data.bank, (100, 200))
    job, paths = shards.lay_out(data.gallery, data.folder / "bank", data.folder / "out", METHOD)
    for path in paths:
        shards.bias_of_shard(job, path)
    assert (bits(read_biases(job.out)[1]) == bits(expected(data))).all()
    source = job.banks.query
    assert (source.read(90, 120) == data.bank[90:120]).all()


def test_a_bank_is_written_such_that_it_is_used_where_it_is_mapped(data):
    write_gallery(data.folder / "past", 3 * data.bank, (100, 200))
    shards.write_bank(data.folder / "past", data.folder / "unit.npy")
    mapped = np.load(data.folder / "unit.npy", mmap_mode="r")
    assert mapped.dtype == np.float32 and mapped.shape == data.bank.shape
    lent = nnn_bench.Bank(mapped).__reduce__()[1][0]
    assert lent.__array_interface__["data"][0] == mapped.__array_interface__["data"][0]
    biases = nnn_bench.bias(data.items, mapped, METHOD)
    assert (bits(biases) == bits(nnn_bench.bias(data.items, 3 * data.bank, METHOD))).all()


def test_what_a_killed_call_left_of_a_bank_is_removed(data):
    # As large as the bank, and under a name that no later call would take.
    left, others = data.folder / ".unit.npy.0123abcd.tmp", data.folder / ".other.npy.0123abcd.tmp"
    write_gallery(data.folder / "past", data.bank, (100, 200))
    left.write_bytes(b"half of it")
    others.write_bytes(b"half of it")
    shards.write_bank(data.folder / "past", data.folder / "unit.npy")
    assert not left.exists() and others.exists()


def test_a_bank_that_is_another_one_where_it_is_read_is_refused(data):
    job, paths = lay_out(data)
    np.save(data.address("bank"), data.bank + 1)
    with pytest.raises(ValueError, match="bank: .*when the run was laid out"):
        shards.bias_of_shard(job, paths[0])
    assert os.listdir(job.out) == []


def test_an_item_that_is_no_vector_is_named_with_its_shard(data):
    rows = data.items[41:66].copy()
    rows[3, 5] = np.inf
    write_shard(data.paths[2], rows, [f"item-{row}" for row in range(25)])
    job, paths = lay_out(data)
    with pytest.raises(ValueError, match="part-002.parquet: gallery: row 3, column 5"):
        shards.bias_of_shard(job, paths[2])


def test_addresses_hold_in_any_working_folder(data, monkeypatch):
    monkeypatch.chdir(data.folder)
    job, paths = shards.lay_out("gallery", "bank.npy", "out", METHOD)
    relative, _ = shards.lay_out([os.path.relpath(path) for path in data.paths], "bank.npy", "out", METHOD)
    monkeypatch.chdir("/")
    assert shards.bias_of_shard(job, paths[0])["computed"]
    assert not shards.bias_of_shard(relative, paths[0])["computed"]


def test_a_write_that_fails_leaves_nothing(data, monkeypatch):
    job, paths = lay_out(data)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(shards.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        shards.bias_of_shard(job, paths[0])
    assert os.listdir(job.out) == []


def test_what_killed_workers_left_is_removed(data):
    job, _ = run(data)
    Path(job.out, ".part-000.parquet.0.tmp").write_bytes(b"half")
    shards.tidy(job)
    assert sorted(os.listdir(job.out)) == [Path(path).name for path in data.paths]


# Evaluation


def evaluate(data, biases=None):
    evaluation, paths = shards.lay_out_evaluation(data.address("queries"), data.gallery, data.relevance, biases)
    thresholds = shards.merge(*[shards.thresholds_of_shard(evaluation, path) for path in paths])
    counts = shards.merge(*[shards.counts_of_shard(evaluation, path, thresholds) for path in reversed(paths)])
    return evaluation, dict(zip(evaluation.names, counts.metrics(data.relevance, ["R@1", "R@5"])))


def whole(data, method, metrics):
    """The metrics of one method over the whole gallery, by the function for one machine."""
    options = {"method": method} | ({} if method == "raw" else {"bank": data.bank})
    table = nnn_bench.evaluate(data.queries, data.items, data.relevance, metrics, **options)
    return {row["metric"]: row["value"] for row in table.rows()}


def test_metrics_of_shards_are_those_of_the_whole(data):
    run(data)
    _, found = evaluate(data, {"nnn": data.folder / "out"})
    assert found == {"raw": whole(data, "raw", ("R@1", "R@5")), "nnn": whole(data, METHOD, ("R@1", "R@5"))}
    assert 0 < found["raw"]["R@1"] < 1


def test_merging_leaves_what_is_merged_as_it_is(data):
    """Guards against an engine that merges again what it kept."""
    evaluation, paths = shards.lay_out_evaluation(data.address("queries"), data.gallery, data.relevance)
    parts = [shards.thresholds_of_shard(evaluation, path) for path in paths]
    before = [part.__reduce__()[1] for part in parts]
    once = shards.merge(*parts)
    assert once == shards.merge(*parts)
    assert before == [part.__reduce__()[1] for part in parts]


def test_biases_of_other_vectors_are_refused(data):
    run(data)
    write_shard(data.paths[1], -data.items[40:41], ["item-40"])
    with pytest.raises(ValueError, match="biases: .*part-001.parquet was made of the shard"):
        evaluate(data, data.folder / "out")


def test_ids_are_found_in_their_shards(data):
    assert shards.locate(data.gallery, ["item-70", "item-0", "item-40"]).tolist() == [70, 0, 40]
    with pytest.raises(ValueError, match="ids: 'item-100' is the id of no item"):
        shards.locate(data.gallery, ["item-3", "item-100"])


# Columns and files


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
@pytest.mark.parametrize("shape", [pa.list_, pa.large_list, lambda it: pa.list_(it, DIM)])
def test_vectors_come_in_lists_of_all_kinds(data, kind, shape):
    rows = data.items.astype(kind.to_pandas_dtype())
    column = pa.array([list(row) for row in rows], shape(kind))
    pieces = pa.chunked_array([column[:10], column[10:10], column[10:]])
    assert (shards.matrix(pieces) == rows).all()
    assert shards.matrix(pieces).dtype == rows.dtype


def test_a_fixed_shape_tensor_is_a_column_of_vectors(data):
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(data.items)
    assert (shards.matrix(tensor) == data.items).all()


def test_one_chunk_of_vectors_is_not_copied(data):
    column = lists(data.items)
    assert shards.matrix(column).__array_interface__["data"][0] == column.values.buffers()[1].address


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([[1.0, 2.0], None]), "here: row 1 is missing"),
        (pa.array([[1.0, 2.0], [1.0]]), "here: row 1 has 1 numbers, expected 2 as in row 0"),
        (pa.array([[1.0, 2.0], [1.0, None]]), "here: row 1 lacks a number, expected 2"),
        (pa.array([[1, 2]]), "here: a column of list<.*int64>, expected lists"),
        (pa.array(["a"]), "here: a column of string, expected lists"),
        (pa.chunked_array([[[1.0]], [[1.0, 2.0]]]), r"here: vectors of \[1, 2\] dimensions"),
        (pa.chunked_array([[[1.0]], [[1.0], None]]), "here: row 2 is missing"),
        (pa.array([], pa.list_(pa.float32())), "here: no rows"),
    ],
)
def test_a_column_that_is_no_matrix_is_refused_by_row(column, message):
    with pytest.raises((ValueError, TypeError), match=message):
        shards.matrix(column, "here")


def test_a_column_that_is_not_there_is_named_with_those_that_are(data):
    with pytest.raises(ValueError, match="column: .*part-000.parquet has no column 'emb', it has id, vector, title"):
        shards.read_shard(data.paths[0], "emb")
    with pytest.raises(ValueError, match="id_column: .* has no column 'key'"):
        shards.read_shard(data.paths[0], "vector", "key")


def test_rows_are_ids_where_there_are_none(data):
    assert shards.read_shard(data.paths[2], "vector", None).ids.to_pylist() == list(range(25))


def test_a_gallery_needs_files_of_different_names_and_a_folder_of_its_own(data):
    (data.folder / "empty").mkdir()
    with pytest.raises(ValueError, match="has no .parquet files"):
        shards.list_shards(data.folder / "empty")
    with pytest.raises(ValueError, match="have one name"):
        shards.list_shards([data.paths[0], "elsewhere/part-000.parquet"])
    with pytest.raises(ValueError, match="out: .* is the gallery's own folder"):
        shards.lay_out(data.gallery, data.address("bank"), data.gallery, METHOD)


# The documents


def test_the_loop_of_the_page_runs(data, monkeypatch):
    monkeypatch.chdir(data.folder)
    run_page("")
    assert (bits(read_biases("out")[1]) == bits(nnn_bench.bias(data.items, data.bank, PAGE))).all()


def test_the_lines_for_spark_run(data, monkeypatch):
    pytest.importorskip("pyspark")
    monkeypatch.chdir(data.folder)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    run_page("pyspark")
    found = pq.read_table("spark").sort_by("id")
    order = np.argsort([f"item-{row}" for row in range(len(data.items))])
    wanted = nnn_bench.bias(data.items, data.bank, PAGE)[order]
    assert (bits(found.column("bias").to_numpy()) == bits(wanted)).all()


def test_the_page_has_the_recorded_numbers():
    root = Path(__file__).parents[2]
    page = (root / "docs" / "cluster.md").read_text()
    ray, scaling = (json.loads((root / "python" / "tools" / f"{name}.json").read_text()) for name in ("ray_cluster", "scaling"))
    assert all(ray["checks"].values())
    one, two, ratio = (ray[key] for key in ("one_process_of_two_threads", "two_nodes_of_one_processor", "rate_of_two_nodes_to_one_process"))
    keys = ("items_per_second", "items_per_processor_second")
    for name, values, style in (("one process, two threads", one, ","), ("two nodes, one processor each", two, ","), ("ratio", ratio, ".2f")):
        assert f"| {name} | " + " | ".join(format(values[key], style) for key in keys) + " |\n" in page
    rate = scaling["worker"][1]["gigaflops_per_processor_second"]
    hours = 2 * 1e9 * 1e6 * 512 / (rate * 1e9) / 3600
    assert f"{rate / 100:.2f}e11 operations" in page and f"({hours:.0f} core hours)" in page
    for it in scaling["sample"]["samples"]:
        shares = [format(100 * it[key], ".1f") for key in ("r_at_1", "r_at_1_least", "r_at_1_most")]
        errors = f"{it['rms_error']:.4f} | {it['predicted']:.4f}"
        assert f"| 1/{round(1 / it['fraction'])} | {it['k']} | {errors} | {shares[0]} ({shares[1]}, {shares[2]}) |" in page
