"""Golden values for crates/method-rerank: numpy, written from the papers.

Python 3.11 with numpy 1.26.4. Run at the root of the repository:

    python tools/reference/rerank_goldens.py crates/method-rerank/tests/golden

k_reciprocal.json     unit vectors (32 bits) of a gallery, a query bank and queries, and for points (k1, k2, lambda) each (query,
                      gallery) distance d* of Zhong et al. (arXiv 1701.08398), with sets and dense encodings. Neighbourhoods of an
                      item are over the gallery and begin with itself; a query is a neighbour of an item if it is as near as the
                      item's `k1`-th nearest of the query bank. A mean of encodings begins with the own one.
query_expansion.json  the same vectors, and for points (n, alpha) each cosine of the expanded query (arXiv 1711.02512; alpha = 0 is
                      average query expansion)
"""

import json
import sys
from pathlib import Path

import numpy as np

GALLERY, BANK, QUERIES, DIM = 40, 60, 12, 8


def unit(rng, rows, centres):
    vectors = centres[rng.integers(len(centres), size=rows)] + 0.7 * rng.normal(size=(rows, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def nearest(similarities, k):
    return set(np.argsort(-similarities, kind="stable")[:k].tolist())


def reciprocal(rows, bank, items, k1, k2, weight):
    """d* of every query and item; `rows` (query, gallery), `bank` (gallery, bank), `items` (gallery, gallery)."""
    size = len(items)
    half = (k1 + 1) // 2
    own = {k: [nearest(items[x], k + 1) for x in range(size)] for k in (k1, half)}
    # The k-reciprocal neighbours, within the gallery.
    mutual = {k: [{y for y in own[k][x] if x in own[k][y]} for x in range(size)] for k in own}

    def expand(start):
        # R*: with those among half as many of each, where two thirds are there.
        found = set(start)
        for c in start:
            if 3 * len(start & mutual[half][c]) >= 2 * len(mutual[half][c]):
                found |= mutual[half][c]
        return found

    def encode(found, similarities):
        # A Gaussian of the distance, which for unit vectors is 2 - 2 s.
        vector = np.zeros(size)
        for y in found:
            vector[y] = np.exp(-(2 - 2 * similarities[y]))
        return vector

    plain = np.array([encode(expand(mutual[k1][x]), items[x]) for x in range(size)])
    # The local query expansion.
    means = np.array([plain[sorted(nearest(items[x], k2))].mean(axis=0) for x in range(size)])
    result = np.empty_like(rows)
    for q, row in enumerate(rows):
        near = nearest(row, k1)
        start = {g for g in near if row[g] >= np.sort(bank[g])[-k1]}
        encodings = [encode(expand(start), row)] + [plain[g] for g in nearest(row, k2 - 1)]
        query = np.mean(encodings, axis=0)
        # The Jaccard distance of encodings, and the sum of both distances.
        jaccard = 1 - np.minimum(query, means).sum(axis=1) / np.maximum(query, means).sum(axis=1)
        result[q] = (1 - weight) * jaccard + weight * (2 - 2 * row)
    return result


def expansion(queries, gallery, n, alpha):
    rows = queries @ gallery.T
    result = np.empty_like(rows)
    for q, row in enumerate(rows):
        best = sorted(nearest(row, n))
        expanded = queries[q] + (np.maximum(row[best], 0) ** alpha) @ gallery[best]
        result[q] = gallery @ (expanded / np.linalg.norm(expanded))
    return result


def write(folder, name, vectors, cases):
    values = vectors | {"cases": [{"parameters": list(point), "scores": scores.ravel().tolist()} for point, scores in cases]}
    Path(folder, name).write_text(json.dumps(values, separators=(",", ":")) + "\n")


def main(folder):
    rng = np.random.default_rng(20170126)
    centres = rng.normal(size=(6, DIM))
    gallery, bank, queries = (unit(rng, rows, centres) for rows in (GALLERY, BANK, QUERIES))
    vectors = {"dim": DIM, "gallery": gallery.ravel().tolist(), "bank": bank.ravel().tolist(), "queries": queries.ravel().tolist()}
    gallery, bank, queries = (rows.astype(np.float64) for rows in (gallery, bank, queries))
    points = [(1, 1, 0.3), (7, 1, 0.0), (10, 1, 0.3), (10, 3, 0.3), (20, 6, 0.3), (9, 4, 0.9), (39, 40, 0.5), (6, 2, 1.0)]
    scores = [reciprocal(queries @ gallery.T, gallery @ bank.T, gallery @ gallery.T, *point) for point in points]
    write(folder, "k_reciprocal.json", vectors, zip(points, scores))
    points = [(1, 0.0), (5, 0.0), (10, 3.0), (40, 1.0), (3, 0.5)]
    write(folder, "query_expansion.json", vectors, [(point, expansion(queries, gallery, *point)) for point in points])


if __name__ == "__main__":
    main(sys.argv[1])
