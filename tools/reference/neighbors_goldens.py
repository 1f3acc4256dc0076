"""Golden values for crates/method-neighbors: hub-toolbox's shared neighbours and Simhub-in.

Python 3.11 with hub-toolbox 2.5.2 (installed with --no-deps), numpy 1.26.4, scikit-learn 1.5.2, scipy 1.17.1. Run at the root of the
repository:

    python tools/reference/neighbors_goldens.py crates/method-neighbors/tests/golden/neighbors.json

Unit vectors (32 bits) of a gallery and queries, and for each (query, gallery) what hub-toolbox makes of `1 - s` with the gallery as the
training set and the queries as the test set: `snn` is the share of `k` neighbours that are shared, `simhub_in` the similarity, in
[0, 1]. Similarities of equal size are not in the data.
"""

import json
import sys
import types
from pathlib import Path

import numpy as np
import sklearn.preprocessing

# hub-toolbox asks for a module that scikit-learn has since renamed, for a part of its own that is not used here.
sys.modules["sklearn.preprocessing.label"] = sklearn.preprocessing
from hub_toolbox.shared_neighbors import simhubIN, snn_sample  # noqa: E402

GALLERY, QUERIES, DIM = 40, 12, 16


def unit(rng, rows):
    vectors = rng.normal(size=(rows, DIM))
    # A common direction, so that similarities are as uneven as those of real items.
    vectors[:, 0] += 2.0
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def main(path):
    rng = np.random.default_rng(20130722)
    gallery, queries = unit(rng, GALLERY), unit(rng, QUERIES)
    everything = np.concatenate([gallery, queries]).astype(np.float64)
    distances = 1.0 - everything @ everything[:GALLERY].T
    train, test = np.arange(GALLERY), np.arange(GALLERY, GALLERY + QUERIES)
    cases = []
    for k in (1, 3, 10, 25, 39):
        shared = 1.0 - snn_sample(distances, k, "distance", train, test)
        informative = simhubIN(distances, train, test, k, return_distances=False)
        for name, scores in (("snn", shared), ("simhub_in", informative)):
            cases.append({"name": name, "parameters": [k], "scores": scores.ravel().tolist()})
    values = {"dim": DIM, "gallery": gallery.ravel().tolist(), "queries": queries.ravel().tolist(), "cases": cases}
    Path(path).write_text(json.dumps(values, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
