"""Long calls of the Python package, one process each: `python calls.py NAME`, in a folder with the inputs that `cases.py` wrote.

What a call returns is written as JSON, whole or not at all, so that it can be compared.
"""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import nnn_bench
import numpy as np

METHOD = "nnn(k=16,alpha=0.75)"


def load(*names):
    return [np.load(f"{name}.npy") for name in names]


def keep(name, value):
    """Writes what was found under another name first: this script is killed, too."""
    os.makedirs("out", exist_ok=True)
    Path(f".{name}").write_text(json.dumps(value))
    os.replace(f".{name}", f"out/{name}")


def columns(table):
    return {name: table[name] for name in table.columns}


def measures():
    """`evaluate`, `sweep` and the estimator's `fit`: they write nothing themselves."""
    queries, gallery, bank = load("queries", "gallery", "bank")
    relevance, few = np.arange(len(queries)) % len(gallery), {"resamples": 200, "permutations": 200}
    keep("evaluate.json", columns(nnn_bench.evaluate(queries, gallery, relevance, method=METHOD, bank=bank, **few)))
    trial = nnn_bench.Trial(queries, gallery, relevance, bank)
    swept = nnn_bench.sweep(trial, {"raw": None, "nnn": {"k": [4, 16], "alpha": [0.5, 0.75]}}, choose="oracle", **few)
    keep("sweep.json", [columns(table) for table in (swept.scores, swept.comparisons, swept.grid, swept.choosing)])
    if not find_spec("sklearn"):
        return
    fitted = nnn_bench.HubnessCorrector(METHOD).fit(gallery, bank=bank)
    keep("fit.json", np.asarray(fitted.transform(gallery)).tolist())


def export():
    """An export from Python, in the folder of an earlier one."""
    gallery, bank = load("gallery", "bank")
    biases = nnn_bench.bias(gallery, bank, METHOD)
    nnn_bench.export(gallery, biases, "out/search", method=METHOD, form="l2", to="jsonl")


def shards():
    """Biases of the shards of a gallery, and of one bank in blocks, each a file of its own; then what killed workers left is removed."""
    from nnn_bench import shards

    job, paths = shards.lay_out("gallery", "bank.npy", "out/biases", METHOD)
    for path in paths:
        shards.bias_of_shard(job, path)
    shards.tidy(job)
    job, paths = shards.lay_out("gallery", "bank.npy", "out/merged", METHOD)
    for path in paths:
        if not shards.found_shard(job, path):
            parts = [shards.partial_of_block(job, path, block) for block in shards.blocks(job, nnn_bench.Partial.CHUNK)]
            shards.finish_shard(job, path, *parts)
    shards.tidy(job)
    shards.write_bank("gallery", "out/unit.npy")


CALLS = {"measures": measures, "export": export, "shards": shards}

if __name__ == "__main__":
    CALLS[sys.argv[1]]()
