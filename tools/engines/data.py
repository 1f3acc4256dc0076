"""Seeded data in which a correction changes about half of the top tens, and its exact answers."""

from dataclasses import dataclass

import numpy as np

K = 10
METHOD = "nnn(k=16,alpha=0.75)"
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Size:
    items: int
    dim: int
    queries: int
    bank: int
    clusters: int


FULL = Size(items=10_000, dim=128, queries=500, bank=6_000, clusters=150)
LIGHT = Size(items=3_000, dim=64, queries=200, bank=1_000, clusters=20)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def side(random, rows, middle, centres):
    """Unit vectors about a direction of their modality and near the centres of clusters, some nearer than others: these become hubs."""
    noise = random.standard_normal((rows, len(middle))) * random.uniform(0.75, 2.25, size=(rows, 1)) / np.sqrt(len(middle))
    return unit(middle + centres[random.integers(len(centres), size=rows)] + noise).astype(np.float32)


def make(size, seed=0):
    """Items, queries and a bank of other queries, as f32 matrices."""
    random = np.random.default_rng(seed)
    centres = unit(random.standard_normal((size.clusters, size.dim)))
    image, text = 0.6 * unit(random.standard_normal((2, size.dim)))
    items = side(random, size.items, image + 0.3 * text, centres)
    queries, bank = (side(random, rows, text + 0.3 * image, centres) for rows in (size.queries, size.bank))
    return items, queries, bank


def best(items, queries, bias):
    """The K rows of the largest `q . x - b` in f64; equal scores in the order of rows."""
    items, top = items.astype(np.float64).T, []
    for start in range(0, len(queries), ROWS_AT_ONCE):
        scores = queries[start : start + ROWS_AT_ONCE].astype(np.float64) @ items - bias
        top.append(np.argsort(-scores, axis=1, kind="stable")[:, :K])
    return np.concatenate(top)


def scores_of(items, queries, bias, rows):
    """`q . x - b` in f64 of some rows for every query."""
    return np.einsum("qd,qkd->qk", queries.astype(np.float64), items.astype(np.float64)[rows]) - bias[rows]


def overlap(left, right):
    """The mean share of entries that two lists of the same length have in common."""
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(left.tolist(), right.tolist())]))
