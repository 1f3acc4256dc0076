"""Which offset and scale of the appended coordinate lose least in bytes? Four rules under three ways to quantise, without an engine.

Writes scale.json, and from it a table of docs/engines.md. `mean` and `worst` are over data sets of several dimensions, spreads of
biases and skews.

    python tools/engines/scale.py
"""

import json
from pathlib import Path

import numpy as np
from data import Size, best, make, overlap, unit

OUTPUT = Path(__file__).parent / "scale.json"
NEAREST = 16
STRENGTHS = [0.1, 0.75, 1.5]
SHAPES = [(64, 100), (128, 100), (256, 100), (768, 100), (768, 500)]

# Offset and c from biases.
RULES = {
    "mean, c = 1": lambda b: (b.mean(), 1.0),
    "mean, c = 1 / sqrt(largest deviation)": lambda b: (b.mean(), np.abs(b - b.mean()).max() ** -0.5),
    "mean, c = 1 / sqrt(mean - least)": lambda b: (b.mean(), (b.mean() - b.min()) ** -0.5),
    "middle, c = 1 / sqrt(half range)": lambda b: ((b.max() + b.min()) / 2, (np.ptp(b) / 2) ** -0.5),
}


def one_scale(items, queries):
    """128 levels over the range of all coordinates of the items; queries are cut off at its ends, as Qdrant does."""
    low, step = items.min(), np.ptp(items) / 127
    return [np.clip(np.round((rows - low) / step), 0, 127) * step + low for rows in (items, queries)]


def per_dimension(items, queries):
    """256 levels over each dimension's range, and queries as they are, as faiss's SQ8 does."""
    low, step = items.min(axis=0), np.maximum(np.ptp(items, axis=0) / 255, 1e-30)
    return [np.round((items - low) / step) * step + low, queries]


def normalised(items, queries):
    """Unit length, then 127 levels on each side of 0, as usearch's i8 does."""
    return [np.round(127 * unit(rows)) for rows in (items, queries)]


QUANTISERS = {"one scale": (one_scale, False), "a scale per dimension": (per_dimension, False), "normalised": (normalised, True)}


def coordinates(items, queries, bias, rule, cosine):
    """The ip or the cosine form under a rule."""
    offset, c = RULES[rule](bias)
    extra = c * (bias - offset)
    suffix = [-1 / c, 0.0] if cosine else [-1 / c]
    appended = [extra, np.sqrt(np.maximum(np.square(extra).max() - np.square(extra), 0))][: len(suffix)]
    return np.column_stack([items, *appended]), np.hstack([queries, np.tile(suffix, (len(queries), 1))])


def recall(quantise, truth, items, queries):
    items, queries = quantise(items, queries)
    return overlap(best(items, queries, np.zeros(len(items))), truth)


def biases(items, bank, skewed):
    """The mean of the largest similarities to a bank, or a mean with a long tail of hubs."""
    if skewed:
        return 0.3 + 0.15 * np.random.default_rng(1).pareto(4, len(items))
    return np.partition(items.astype(np.float64) @ bank.astype(np.float64).T, -NEAREST, axis=1)[:, -NEAREST:].mean(axis=1)


def measure(size, skewed):
    """Records of one data set at all strengths."""
    items, queries, bank = make(size)
    plain = best(items, queries, np.zeros(len(items)))
    base = {name: recall(quantise, plain, items, queries) for name, (quantise, _) in QUANTISERS.items()}
    for strength in STRENGTHS:
        bias = strength * biases(items, bank, skewed)
        truth = best(items, queries, bias)
        for rule in RULES:
            for name, (quantise, cosine) in QUANTISERS.items():
                found = recall(quantise, truth, *coordinates(items, queries, bias, rule, cosine))
                facts = {"dim": size.dim, "clusters": size.clusters, "skewed": skewed, "half_range": float(np.ptp(bias) / 2)}
                yield facts | {"rule": rule, "quantiser": name, "recall": found, "plain": base[name]}


def main():
    records = []
    for dim, clusters in SHAPES:
        for skewed in (False, True):
            records += measure(Size(items=3_000, dim=dim, queries=150, bank=1_000, clusters=clusters), skewed)
    OUTPUT.write_text("[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n")


if __name__ == "__main__":
    main()
