"""Golden values for crates/method-dissim, from kiez, which shares no code with it.

Python 3.11 with kiez 0.5.0, numpy 1.26.4, scikit-learn 1.5.2, in an environment of their own: kiez needs these older
versions. Run at the root of the repository:

    python tools/reference/dissim_goldens.py crates/method-dissim/tests/golden

dissim.json  kiez's DisSimLocal of all pairs, in float64: `|q - g|^2 - |q - c(q)|^2 - |g - c(g)|^2`, with the negative sign a
             similarity. Its `c(q)` is the centroid of all items, as it is given all distances, and it shifts all values
             to be non-negative; neither orders anything.
"""

import json
import sys
from pathlib import Path

import numpy as np
from kiez.hubness_reduction import DisSimLocal
from kiez.neighbors import SklearnNN
from sklearn.metrics.pairwise import euclidean_distances

DIM = 8


def unit_rows(random, rows):
    vectors = random.normal(size=(rows, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def written(rows):
    """The shortest decimals that read back as the same float32."""
    return [float(str(value)) for value in rows.ravel()]


def dissim(queries, gallery, bank, k):
    method = DisSimLocal(nn_algo=SklearnNN(n_candidates=k, algorithm="brute", metric="sqeuclidean"))
    method.fit(bank, gallery)
    distances = euclidean_distances(queries, gallery, squared=True)
    items = np.tile(np.arange(len(gallery)), (len(queries), 1))
    reduced, _ = method.transform(distances, items, queries)
    return -reduced


def main():
    random = np.random.default_rng(20160212)
    sizes = {"gallery": 24, "queries": 12, "query_bank": 30}
    rows = {name: unit_rows(random, size) for name, size in sizes.items()}
    wide = {name: matrix.astype(np.float64) for name, matrix in rows.items()}
    cases = []
    # kiez refuses k = 1.
    for k in (2, 10, 30):
        values = dissim(wide["queries"], wide["gallery"], wide["query_bank"], k)
        cases.append({"parameters": [k], "scores": values.ravel().tolist()})
    data = {"dim": DIM} | {name: written(matrix) for name, matrix in rows.items()}
    text = json.dumps(data | {"cases": cases}, separators=(",", ":"))
    (Path(sys.argv[1]) / "dissim.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
