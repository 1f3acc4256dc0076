"""What several tests share: vectors with hubs, formulas in f64, and lists that are compared by their scores."""

import numpy as np

# Half the distance from 1 to the next f32.
ROUNDOFF = 2.0**-24


def unit(rows):
    """Rows of length one, in f64."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def made(seed=0, *, gallery=300, queries=60, bank=200, dim=24, clusters=8):
    """f32 unit vectors near the centres of clusters, gallery and queries about directions of their own, some nearer than others: hubs."""
    random = np.random.default_rng(seed)
    centres = unit(random.standard_normal((clusters, dim)))
    image, text = 0.6 * unit(random.standard_normal((2, dim)))

    def side(rows, middle):
        spread = random.uniform(0.5, 2.0, size=(rows, 1)) / np.sqrt(dim)
        noise = spread * random.standard_normal((rows, dim))
        return unit(middle + centres[random.integers(clusters, size=rows)] + noise).astype(np.float32)

    return side(gallery, image + 0.3 * text), side(queries, text + 0.3 * image), side(bank, text + 0.3 * image)


def cosines(left, right):
    """All similarities in f64 of vectors as they are in f32, brought to unit length."""
    return unit(left.astype(np.float64)) @ unit(right.astype(np.float64)).T


def top_means(gallery, bank, k):
    """The mean of each item's `k` largest similarities to the bank, in f64."""
    return np.sort(cosines(gallery, bank), axis=1)[:, -k:].mean(axis=1)


def bound(dim, length=1.0):
    """How far a score in f32 may lie from the exact one: `dim` products added in any order, of a query of unit length and an item of
    `length`, and both brought to unit length and rounded before."""
    steps = (dim + 6) * ROUNDOFF
    return length * steps / (1 - steps)


def assert_ranked(found, scores, slack):
    """The rows `found` are, place by place, those of the largest `scores` of each query, up to `slack` for the rounding of each of two
    scores that are compared."""
    best = -np.sort(-scores, axis=1)[:, : found.shape[1]]
    there = np.take_along_axis(scores, found, axis=1)
    assert np.abs(there - best).max() <= 2 * slack
    assert all(len(set(row)) == len(row) for row in found.tolist())
