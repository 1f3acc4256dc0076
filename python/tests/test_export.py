"""Exports hold what augment makes, and say how to ask it."""

import json

import numpy as np
import pytest
from oracles import assert_ranked, bound, cosines, made

import nnn_bench

GALLERY, QUERIES, BANK = made(16)
BIAS = nnn_bench.bias(GALLERY, BANK, k=8)


@pytest.mark.parametrize("form", ["ip", "l2", "cosine"])
def test_an_export_holds_the_augmented_items(tmp_path, form):
    manifest = nnn_bench.export(GALLERY, BIAS, tmp_path / "out", form=form)
    assert manifest == json.loads((tmp_path / "out" / "manifest.json").read_text())
    constants = nnn_bench.Form.of(BIAS, form)
    items = np.load(tmp_path / "out" / "items.npy")
    assert (items == nnn_bench.augment(GALLERY, BIAS, constants)).all()
    assert np.float32(manifest["query_suffix"]).tolist() == constants.query_suffix.tolist()
    assert (manifest["form"], manifest["count"], manifest["dim"]) == (form, len(GALLERY), GALLERY.shape[1])
    assert manifest["method"] == "bias" and manifest["inputs"] == []
    assert (tmp_path / "out" / "queries.md").read_text().startswith(f"# {len(GALLERY)} items corrected by bias")


def test_biases_and_their_bank_make_one_export(tmp_path):
    """But for the name of the method, which an array of biases has not."""
    by_bias = nnn_bench.export(GALLERY, BIAS, str(tmp_path / "a"), method="nnn", k=8)
    by_bank = nnn_bench.export(GALLERY, BANK, tmp_path / "b", k=8)
    by_signature = nnn_bench.export(GALLERY, nnn_bench.Bank(BANK), tmp_path / "c", method="nnn(k=8)")
    assert by_bias == by_bank == by_signature
    assert by_bank["method"] == "nnn(k=8,alpha=0.75)"


@pytest.mark.parametrize("method", ["gr_clip", "whitening", "abtt(d=2)"])
def test_moved_vectors_come_with_what_moves_queries(tmp_path, method):
    bank = nnn_bench.Bank(BANK, gallery=GALLERY[:150])
    manifest = nnn_bench.export(GALLERY, bank, tmp_path, method=method, form="cosine")
    items, steps = np.load(tmp_path / "items.npy").astype(np.float64), manifest["query_map"]
    asked = QUERIES / np.linalg.norm(QUERIES, axis=1, keepdims=True)
    if steps.get("shift"):
        asked = asked - np.load(tmp_path / steps["shift"])[0]
    if steps.get("matrix"):
        asked = asked @ np.load(tmp_path / steps["matrix"]).T
    asked = asked / np.linalg.norm(asked, axis=1, keepdims=True) if steps["normalize"] else asked
    found = nnn_bench.rank(QUERIES, GALLERY, 5, method=method, bank=bank)
    assert_ranked(found, asked @ items.T, 8 * bound(2 * GALLERY.shape[1]))
    assert manifest["query_suffix"] == [] and "c" not in manifest


@pytest.mark.parametrize("to", ["parquet", "npy", "fvecs", "jsonl", "pgcopy"])
def test_every_format_is_written_with_ids(tmp_path, to):
    ids = [f"item {row}" for row in range(len(GALLERY))]
    manifest = nnn_bench.export(GALLERY, BIAS, tmp_path, to=to, ids=ids)
    assert manifest["items"] == to and manifest["named_ids"]
    assert all((tmp_path / file["file"]).exists() for file in manifest["files"])


def test_parquet_reads_back(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    nnn_bench.export(GALLERY, BIAS, tmp_path, to="parquet", ids=range(5, 305), form="l2")
    table = parquet.read_table(tmp_path / "items.parquet")
    assert table.column("id").to_pylist()[:2] == ["5", "6"]
    assert (np.array(table.column("vector").to_pylist(), np.float32) == nnn_bench.augment(GALLERY, BIAS, "l2")).all()


def test_new_items_beside_an_export_keep_its_form(tmp_path):
    form = nnn_bench.Form.of(BIAS, "ip")
    first = nnn_bench.export(GALLERY[:200], BIAS[:200], tmp_path / "a", form=form)
    then = nnn_bench.export(GALLERY[200:], BIAS[200:], tmp_path / "b", form=form)
    assert (first["c"], first["offset"]) == (then["c"], then["offset"]) == (form.scale, form.offset)


def test_a_scale_takes_the_place_of_the_balanced_one(tmp_path):
    assert nnn_bench.export(GALLERY, BIAS, tmp_path, scale=2.0)["c"] == 2.0


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (BIAS, {"ids": ["a"] * 300}, 'ids: rows 0 and 1 of the gallery have the same id "a"; an engine would keep one of them'),
        (BIAS, {"ids": ["a"]}, "ids: has 1 values, expected 300, one for each item"),
        (BIAS[:3], {}, "bias_or_bank: has 3 values, expected 300, one for each item"),
        (BIAS, {"to": "csv"}, "to: `csv`, expected parquet, npy, fvecs, jsonl or pgcopy"),
        (BIAS, {"form": "dot"}, "form: `dot`, expected ip, l2 or cosine"),
        (BIAS, {"scale": -1.0}, "scale: the scale is -1"),
        (BIAS, {"form": nnn_bench.Form("ip"), "scale": 1.0}, "scale: a Form has a scale of its own"),
        (BANK, {"method": "dis"}, r"method: `dis\(.*\)` cannot be exported: it is gated"),
        (BANK, {"method": "ls"}, r"method: `ls\(.*\)` cannot be exported: it rewrites all scores of a query by a rule"),
        (BANK, {"method": "dsl"}, "cannot be exported: it reads all evaluated queries at once"),
        (BANK, {"method": "raw"}, "method: `raw` cannot be exported: it changes nothing"),
        (BANK, {"method": "whitening", "scale": 2.0}, "scale: a scale is for biases, but `whitening"),
        (BANK, {"method": "whitening", "form": nnn_bench.Form("ip")}, "form: a scale is for biases, but `whitening"),
        (BIAS, {"method": "whitening"}, "method: `whitening"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_is_written(tmp_path, given, options, message):
    with pytest.raises(ValueError, match=message):
        nnn_bench.export(GALLERY, given, tmp_path / "out", **options)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_moved_vector_without_a_direction_has_a_place_in_inner_products_only(tmp_path):
    # The mean of the gallery bank is the first item, so that nothing is left of it.
    gallery = np.eye(3, dtype=np.float32)[:2]
    bank = nnn_bench.Bank(gallery[:1], gallery=gallery[:1])
    nnn_bench.export(gallery, bank, tmp_path / "ip", method="gr_clip", form="ip")
    with pytest.raises(ValueError, match=r"form: row 0 \(id 0\) has length 0 once it is moved, which has no place in the form cosine"):
        nnn_bench.export(gallery, bank, tmp_path / "cosine", method="gr_clip", form="cosine")


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OSError, match="file"):
        nnn_bench.export(GALLERY, BIAS, tmp_path / "file" / "out")


def test_more_coordinates_than_pgvector_holds_are_refused(tmp_path):
    wide = np.random.default_rng(0).standard_normal((2, 16_000))
    with pytest.raises(ValueError, match="to: the items have 16001 coordinates, but `vector` of pgvector holds 16000"):
        nnn_bench.export(wide, np.zeros(2), tmp_path, to="pgcopy")
