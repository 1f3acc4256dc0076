"""Golden values for NNN in crates/nnn-core, from the authors' own library, which shares no code with it.

Python 3.11 with nnn-retrieval 1.0.1, numpy 2.4.6, torch 2.15.0. Run at the root of the repository:

    python tools/reference/nnn_goldens.py crates/nnn-core/tests/golden

nnn.json  scores of `NNNRanker` over `NNNRetriever` for all pairs, from vectors widened to float64.
"""

import json
import sys
from pathlib import Path

import numpy as np
from nnn import NNNRanker, NNNRetriever

DIM = 8


def unit_rows(random, rows):
    vectors = random.normal(size=(rows, DIM)) + 0.3
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def written(rows):
    """The shortest decimals that read back as the same float32."""
    return [float(str(value)) for value in rows.ravel()]


def nnn(rows, k, alpha):
    retriever = NNNRetriever(DIM)
    ranker = NNNRanker(retriever, rows["gallery"], rows["query_bank"], alternate_ks=k, alternate_weight=alpha)
    values, items = ranker.search(rows["queries"], len(rows["gallery"]))
    return np.take_along_axis(values, np.argsort(items, axis=1), axis=1)


def main():
    random = np.random.default_rng(20241031)
    rows = {name: unit_rows(random, size) for name, size in {"gallery": 24, "queries": 12, "query_bank": 30}.items()}
    wide = {name: matrix.astype(np.float64) for name, matrix in rows.items()}
    points = [(1, 0.25), (4, 0.75), (16, 0.5), (30, 1.5)]
    cases = [{"parameters": [k, a], "scores": nnn(wide, k, a).ravel().tolist()} for k, a in points]
    data = {"dim": DIM} | {name: written(matrix) for name, matrix in rows.items()}
    text = json.dumps(data | {"cases": cases}, separators=(",", ":"))
    (Path(sys.argv[1]) / "nnn.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
