"""Golden values for crates/method-invgc: numpy in f64, with whole (gallery, bank) matrices as the paper has them.

Python 3.11 with numpy 2.4.6. Run at the root of the repository:

    python tools/reference/invgc_goldens.py crates/method-invgc/tests/golden/invgc.json

Scores are (query, gallery).
"""

import json
import sys
from pathlib import Path

import numpy as np

DIM = 12


def vectors(rng, count, centre):
    """Unit vectors around a centre; as f32."""
    x = centre + rng.normal(size=(count, DIM)) * 0.4
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def away_from_all(gallery, bank, rate):
    similar = gallery @ bank.T
    return unit(gallery - rate * (similar - similar.mean()) @ bank / len(bank))


def away_from_nearest(gallery, bank, rate, pool):
    similar = gallery @ bank.T
    count = max(1, int(pool * len(bank)))
    kept = np.zeros_like(similar)
    nearest = np.argsort(-similar, axis=1, kind="stable")[:, :count]
    np.put_along_axis(kept, nearest, np.take_along_axis(similar, nearest, 1), 1)
    return unit(gallery - rate * kept @ bank / count)


def moved(step, gallery, gallery_bank, query_bank, r_g, r_q, *more):
    steps = step(gallery, gallery_bank, r_g, *more), step(gallery, query_bank, r_q, *more)
    return unit(0.5 * steps[0] + 0.5 * steps[1])


def shortest(matrix):
    """f32 as the shortest decimals that read back."""
    return [[float(str(value)) for value in row] for row in matrix]


def main():
    rng = np.random.default_rng(21)
    text, image = rng.normal(size=(2, DIM)) * 0.3
    data = {
        "queries": vectors(rng, 5, text),
        "gallery": vectors(rng, 7, image),
        "query_bank": vectors(rng, 60, text),
        "gallery_bank": vectors(rng, 35, image),
    }
    q, g, bank_q, bank_g = (v.astype(np.float64) for v in data.values())
    scores = {}
    for r_g, r_q in ((0, 0), (0.5, 0.5), (0.1, 2), (5, 0), (1, 5)):
        scores[f"invgc(r_g={r_g},r_q={r_q})"] = q @ moved(away_from_all, g, bank_g, bank_q, r_g, r_q).T
        for pool in (0.01, 0.1, 1):
            new = moved(away_from_nearest, g, bank_g, bank_q, r_g, r_q, pool)
            scores[f"localadj(r_g={r_g},r_q={r_q},pool={pool})"] = q @ new.T
    inputs = {key: shortest(value) for key, value in data.items()}
    found = {method: value.tolist() for method, value in scores.items()}
    Path(sys.argv[1]).write_text(json.dumps([{"name": "numpy", "dim": DIM, **inputs, "scores": found}]) + "\n")


main()
