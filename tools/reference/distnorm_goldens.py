"""Golden values for crates/method-distnorm, from NNN's own library, which shares no code with it.

Python 3.11 with nnn-retrieval 1.0.1, numpy 2.4.6, torch 2.15.0. Run at the root of the repository:

    python tools/reference/distnorm_goldens.py crates/method-distnorm/tests/golden

dn.json  scores of `DNRanker` for all pairs, in float64. Its `alternate_weight` is 0, as the ranker otherwise subtracts
         NNN's bias beside (by default it does).
"""

import json
import sys
from pathlib import Path

import numpy as np
from nnn import DNRanker, NNNRetriever

DIM = 8


def unit_rows(random, rows):
    vectors = random.normal(size=(rows, DIM)) + 0.3
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def written(rows):
    """The shortest decimals that read back as the same float32."""
    return [float(str(value)) for value in rows.ravel()]


def dn(rows, weight):
    ranker = DNRanker(
        NNNRetriever(DIM),
        rows["gallery"],
        rows["query_bank"],
        alternate_ks=1,
        alternate_weight=0,
        retrieval_dev_embeds=rows["gallery_bank"],
        query_dev_embeds=rows["query_bank"],
        dn_lambda=weight,
    )
    values, items = ranker.search(rows["queries"], len(rows["gallery"]))
    return np.take_along_axis(values, np.argsort(items, axis=1), axis=1)


def main():
    random = np.random.default_rng(20230222)
    sizes = {"gallery": 24, "queries": 12, "query_bank": 30, "gallery_bank": 20}
    rows = {name: unit_rows(random, size) for name, size in sizes.items()}
    wide = {name: matrix.astype(np.float64) for name, matrix in rows.items()}
    weights = [0.0, 0.25, 0.5, 1.0]
    cases = [{"parameters": [w], "scores": dn(wide, w).ravel().tolist()} for w in weights]
    del rows["gallery_bank"]
    data = {"dim": DIM} | {name: written(matrix) for name, matrix in rows.items()}
    text = json.dumps(data | {"cases": cases}, separators=(",", ":"))
    (Path(sys.argv[1]) / "dn.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
