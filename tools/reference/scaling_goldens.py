"""Golden values for crates/method-scaling and crates/method-gc, from libraries that share no code with them.

Python 3.11 with kiez 0.5.0, numpy 1.26.4, scikit-learn 1.5.2, scipy 1.17.1. Run at the root of the repository:

    python tools/reference/scaling_goldens.py crates/method-scaling/tests/golden crates/method-gc/tests/golden

scaling.json  unit vectors (32 bits) of a gallery, a query bank and queries, and for each (query, gallery):
              `ls`, `nicdm`     kiez's distances at `k`; nicdm's up to a factor per query, as kiez averages a query's
                                distances over all of the gallery that is to be scored
              `mp_normal`       scipy's log probabilities over the cosines; kiez's distance over 1 - cosine is one less
                                their exponential, which is asserted here
              `mp_empirical`    the product of two shares, by numpy from the definition
              `zscore`          scikit-learn's StandardScaler, fitted to the bank
log_cdf.json  scipy's logarithm of the normal distribution function
gc.json       the same vectors and scipy's ranks of each query among the bank
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from kiez.hubness_reduction import LocalScaling, MutualProximity
from scipy.stats import norm, rankdata
from sklearn.preprocessing import StandardScaler

GALLERY, BANK, QUERIES, DIM, K, DEPTH = 40, 60, 12, 16, 7, 20


def unit(rng, rows):
    vectors = rng.normal(size=(rows, DIM))
    # A common direction, so that similarities are as uneven as those of real items.
    vectors[:, 0] += 2.0
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def similarities(left, right):
    return left.astype(np.float64) @ right.astype(np.float64).T


def euclidean(cosines):
    return np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0))


def reduced(method, items, distances, places):
    """kiez's reduction of the queries' `distances` to the items `places`, where `items` has each item's to the bank."""
    method._fit(items, np.zeros(items.shape, dtype=int), None, None)
    return method.transform(distances, places, None)[0]


def every_item(rows):
    return np.tile(np.arange(GALLERY), (len(rows), 1))


def local_scaling(kind, bank, rows):
    items, distances, places = np.sort(euclidean(bank), axis=1)[:, :K], euclidean(rows), every_item(rows)
    # kiez takes its last column for the query's k-th neighbour: scored once more at the end, then dropped.
    kth = np.argsort(distances, axis=1)[:, K - 1 : K]
    columns, places = np.hstack([distances, np.take_along_axis(distances, kth, 1)]), np.hstack([places, kth])
    return reduced(LocalScaling(method=kind, nn_algo=SimpleNamespace(n_candidates=K)), items, columns, places)[:, :-1]


def mutual_normal(bank, rows):
    def log(axis_rows, of, axis):
        return norm.logcdf(axis_rows, of.mean(axis=axis, keepdims=True), of.std(axis=axis, keepdims=True))

    logs = log(rows, rows, 1) + log(rows.T, bank, 1).T
    method = MutualProximity(method="normal", nn_algo=SimpleNamespace(n_candidates=len(bank)))
    kiez = reduced(method, 1.0 - bank, 1.0 - rows, every_item(rows))
    assert np.abs(kiez - (1.0 - np.exp(logs))).max() < 1e-13
    return logs


def mutual_empirical(bank, rows, depth):
    shares = np.empty_like(rows)
    for q, row in enumerate(rows):
        for g, s in enumerate(row):
            below = (bank[g] < s).mean() if s > np.sort(bank[g])[-depth] else 0.0
            shares[q, g] = (row < s).mean() * below
    return shares


def ranks(bank, rows):
    found = [[rankdata(-np.append(bank[g], s), method="min")[-1] for g, s in enumerate(row)] for row in rows]
    return np.array(found, dtype=np.int64)


def write(folder, name, values):
    arrays = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in values.items()}
    Path(folder, name).write_text(json.dumps(arrays, separators=(",", ":")) + "\n")


def main(scaling, gc):
    rng = np.random.default_rng(20241028)
    gallery, queries_of_bank, queries = unit(rng, GALLERY), unit(rng, BANK), unit(rng, QUERIES)
    vectors = {"dim": DIM, "gallery": gallery.ravel(), "bank": queries_of_bank.ravel(), "queries": queries.ravel()}
    bank, rows = similarities(gallery, queries_of_bank), similarities(queries, gallery)
    values = {
        "k": K,
        "depth": DEPTH,
        "ls": local_scaling("standard", bank, rows),
        "nicdm": local_scaling("nicdm", bank, rows),
        "mp_normal": mutual_normal(bank, rows),
        "mp_empirical": mutual_empirical(bank, rows, DEPTH),
        "mp_empirical_exact": mutual_empirical(bank, rows, BANK),
        "zscore": StandardScaler().fit(bank.T).transform(rows),
    }
    write(scaling, "scaling.json", vectors | values)
    x = np.concatenate([np.linspace(-45, 45, 181), [-1e7, -1e4, -100.0, -30.0, -29.999999, -1e-9, 1e-300, 1e9]])
    write(scaling, "log_cdf.json", {"x": x, "log": norm.logcdf(x)})
    write(gc, "gc.json", vectors | {"rank": ranks(bank, rows)})


if __name__ == "__main__":
    main(*sys.argv[1:])
