"""The same files through the command line and through this package: the same bits, of every method."""

import csv
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from oracles import made

import nnn_bench

ROOT = Path(__file__).parents[2]
METRICS = ["R@1", "R@10", "MRR", "MedR", "nDCG@10", "k_skewness@10", "robin_hood@10"]
CONFIG = """
experiment: both
embeddings:
  - name: both
    by_role:
      gallery: {{file: gallery.npy}}
      queries: {{file: queries.npy}}
      query_to_gallery: {{file: answers.json}}
      reference_queries: {{file: bank.npy}}
      reference_gallery: {{file: others.npy}}
methods: [{methods}]
choose: fixed
metrics: [{metrics}]
"""


def runner():
    """The program, where `NNN_RUNNER` or a build of the workspace has it."""
    named = os.environ.get("NNN_RUNNER")
    built = [ROOT / "target" / profile / "runner" for profile in ("release", "debug")]
    found = [path for path in ([Path(named).resolve()] if named else built) if path.is_file()]
    if not found:
        pytest.skip("no runner is built: `cargo build -p runner`, or its path in NNN_RUNNER")
    return max(found, key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Vectors in files, and what the program finds in them."""
    folder = tmp_path_factory.mktemp("both")
    gallery, queries, bank = made(5, gallery=400, queries=150, bank=300, dim=32)
    others = made(6, gallery=250, dim=32)[0]
    answers = np.argsort(-(queries @ gallery.T), axis=1)[np.arange(150), np.arange(150) % 7]
    for name, rows in {"gallery": gallery, "queries": queries, "bank": bank, "others": others}.items():
        np.save(folder / f"{name}.npy", rows)
    (folder / "answers.json").write_text(json.dumps(answers.tolist()))
    names = [method["name"] for method in nnn_bench.methods()]
    (folder / "both.yaml").write_text(CONFIG.format(methods=", ".join(names), metrics=", ".join(METRICS)))
    command = [runner(), "run", "both.yaml", "--results", "results", "--cache", "cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    trial = nnn_bench.Trial(queries, gallery, answers, nnn_bench.Bank(bank, gallery=others))
    return folder / "results" / "both", names, trial


def test_every_number_of_every_method_is_the_same(both):
    folder, names, trial = both
    found = nnn_bench.sweep(trial, names, metrics=METRICS, choose="fixed").scores.rows()
    ours = {(row["method"], row["params"], row["metric"]): row for row in found}
    with open(folder / "scores.csv") as file:
        theirs = list(csv.DictReader(file))
    assert len(theirs) == len(ours) == len(names) * len(METRICS)
    numbers = ["value", "ci_low", "ci_high", "binomial_low", "binomial_high", "delta_raw", "delta_low", "delta_high", "p_value"]
    for row in theirs:
        own = ours[row["method"], row["params"], row["metric"]]
        for name in numbers:
            written = float(row[name]) if row[name] else None
            assert own[name] == written, f"{row['method']}, {row['metric']}, {name}"


def test_every_bias_has_the_same_bits(both):
    folder, _, _ = both
    gallery, bank, others = (np.load(folder.parents[1] / f"{name}.npy") for name in ("gallery", "bank", "others"))
    banks = nnn_bench.Bank(bank, gallery=others)
    # The file is named after trial and signature: `...--nnn_k=128,alpha=0.75.npy`.
    written = {path.stem.split("--")[-1].split("_")[0]: path for path in (folder / "bias").glob("*.npy")}
    assert set(written) == {it["name"] for it in nnn_bench.methods() if it["kind"] == "additive"} - {"raw"}
    for name, path in written.items():
        ours = nnn_bench.bias(gallery, banks, name)
        assert ours.tobytes() == np.load(path).tobytes(), name
