"""Golden values for crates/method-scaling and crates/method-gc, from libraries that share no code with them.

Python 3.11 with kiez 0.5.0, mpmath 1.3.0, numpy 1.26.4, scikit-learn 1.5.2, scipy 1.17.1. Run at the root of the repository:

    python tools/reference/scaling_goldens.py crates/method-scaling/tests/golden crates/method-gc/tests/golden

scaling.json  unit vectors (32 bits) of a gallery, a query bank and queries, and for each (query, gallery):
              `ls`, `nicdm`     kiez's distances at `k`; nicdm's up to a factor per query, as kiez averages a query's
                                distances over all of the gallery that is to be scored
              `mp_normal`       scipy's log probabilities over the cosines; kiez's distance over 1 - cosine is one less
                                their exponential, which is asserted here
              `mp_gamma`        scipy's log probabilities of gamma distributions over 1 - cosine, fitted by moments
              `mp_empirical`    the product of two shares, by numpy from the definition
              `zscore`          scikit-learn's StandardScaler, fitted to the bank
log_cdf.json  scipy's logarithm of the normal distribution function
log_gamma.json  mpmath's logarithms of the regularised incomplete gamma functions, in 50 digits: a series or a fraction up to a
              shape of 25, an integral above
gc.json       the same vectors and scipy's ranks of each query among the bank
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from kiez.hubness_reduction import LocalScaling, MutualProximity
from mpmath import mp
from scipy.stats import gamma, norm, rankdata
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


def mutual_gamma(bank, rows):
    def log(axis_rows, of, axis):
        mean, variance = 1.0 - of.mean(axis=axis, keepdims=True), of.var(axis=axis, keepdims=True)
        return gamma.logsf(1.0 - axis_rows, mean**2 / variance, scale=variance / mean)

    return log(rows, rows, 1) + log(rows.T, bank, 1).T


def deviance(ratio):
    return ratio - 1 - mp.log(ratio)


def log_tail_by_integral(a, ratio, sign):
    """ln of the probability beyond `ratio` times the mean, above for sign = 1: the density's integral without its largest factor."""
    slope = a * abs(1 - 1 / ratio)
    width = 1 / (mp.sqrt(a) + slope)
    ends = [width * step for step in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)]
    if sign < 0:
        ends = [end for end in ends if end < ratio] + [ratio]
    at = deviance(ratio)

    def density(step):
        there = ratio + sign * step
        return mp.exp(-a * (deviance(there) - at)) / there if there > 0 else mp.zero

    stirling = mp.loggamma(a) - ((a - 0.5) * mp.log(a) - a + mp.log(2 * mp.pi) / 2)
    return mp.log(mp.quad(density, ends)) - a * at + mp.log(a / (2 * mp.pi)) / 2 - stirling


def log_tails(a, ratio):
    """ln P(a, x) and ln Q(a, x) at x = a ratio: the smaller as it is, the other as its complement."""
    a, ratio = mp.mpf(a), mp.mpf(ratio)
    upper = ratio > 1
    if a < 25:
        ends = (a * ratio, mp.inf) if upper else (0, a * ratio)
        smaller = mp.log(mp.gammainc(a, *ends, regularized=True))
    else:
        smaller = log_tail_by_integral(a, ratio, 1 if upper else -1)
    other = mp.log1p(-mp.exp(smaller))
    return [other, smaller] if upper else [smaller, other]


def gamma_tails():
    mp.dps = 50
    shapes = [3e-8, 1e-3, 0.1, 0.7, 1.0, 2.5, 9.9, 10.1, 24.0, 25.0, 31.0, 120.0, 711.0, 5e3, 1e5, 1e8, 1e12, 1e15]
    ratios = [1e-7, 1e-3, 0.1, 0.3, 0.4999, 0.5001, 0.8, 0.97, 1 - 1e-6, 1.0, 1 + 1e-7, 1.01, 1.2, 1.6, 1.9999, 2.0001, 3.0, 40.0, 1e4]
    pairs = [(a, ratio) for a in shapes for ratio in ratios]
    tails = [log_tails(a, ratio) for a, ratio in pairs]
    below, above = ([float(tail[side]) for tail in tails] for side in (0, 1))
    return {"a": [a for a, _ in pairs], "lambda": [ratio for _, ratio in pairs], "below": below, "above": above}


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
        "mp_gamma": mutual_gamma(bank, rows),
        "mp_empirical": mutual_empirical(bank, rows, DEPTH),
        "mp_empirical_exact": mutual_empirical(bank, rows, BANK),
        "zscore": StandardScaler().fit(bank.T).transform(rows),
    }
    write(scaling, "scaling.json", vectors | values)
    x = np.concatenate([np.linspace(-45, 45, 181), [-1e7, -1e4, -100.0, -30.0, -29.999999, -1e-9, 1e-300, 1e9]])
    write(scaling, "log_cdf.json", {"x": x, "log": norm.logcdf(x)})
    write(scaling, "log_gamma.json", gamma_tails())
    write(gc, "gc.json", vectors | {"rank": ranks(bank, rows)})


if __name__ == "__main__":
    main(*sys.argv[1:])
