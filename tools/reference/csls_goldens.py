"""Golden values for crates/method-csls, from kiez, which shares no code with it.

Python 3.11 with kiez 0.5.0, numpy 1.26.4, scikit-learn 1.5.2, in an environment of their own: kiez needs these older
versions. Run at the root of the repository:

    python tools/reference/csls_goldens.py crates/method-csls/tests/golden

csls.json  kiez's CSLS of all pairs, in float64: `2 d - r(q) - r(g)` of cosine distances, with the negative sign a
           similarity. Its `r(q)` is the mean over the whole row, as it is given all distances; it orders nothing.
"""

import json
import sys
from pathlib import Path

import numpy as np
from kiez.hubness_reduction import CSLS
from kiez.neighbors import SklearnNN
from sklearn.metrics.pairwise import cosine_distances

DIM = 8


def unit_rows(random, rows):
    vectors = random.normal(size=(rows, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def written(rows):
    """The shortest decimals that read back as the same float32."""
    return [float(str(value)) for value in rows.ravel()]


def csls(queries, gallery, bank, k):
    method = CSLS(SklearnNN(n_candidates=k, algorithm="brute", metric="cosine"))
    method.fit(bank, gallery)
    distances = cosine_distances(queries, gallery)
    items = np.tile(np.arange(len(gallery)), (len(queries), 1))
    reduced, _ = method.transform(distances, items, queries)
    return -reduced


def main():
    random = np.random.default_rng(20171011)
    sizes = {"gallery": 24, "queries": 12, "query_bank": 30}
    rows = {name: unit_rows(random, size) for name, size in sizes.items()}
    wide = {name: matrix.astype(np.float64) for name, matrix in rows.items()}
    cases = []
    # kiez refuses k = 1.
    for k in (2, 10, 30):
        values = csls(wide["queries"], wide["gallery"], wide["query_bank"], k)
        cases.append({"parameters": [k], "scores": values.ravel().tolist()})
    data = {"dim": DIM} | {name: written(matrix) for name, matrix in rows.items()}
    text = json.dumps(data | {"cases": cases}, separators=(",", ":"))
    (Path(sys.argv[1]) / "csls.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
