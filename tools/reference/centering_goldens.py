"""Golden values for crates/method-centering: numpy from the formulas, and scikit-learn's PCA.

Python 3.11 with kneed 0.8.5, numpy 2.4.6 and scikit-learn 1.9.1. Run at the root of the repository:

    python tools/reference/centering_goldens.py crates/method-centering/tests/golden/centering.json

Scores are (query, gallery) in f64. `numpy` has banks of different sizes, either of which counts one half. `sklearn` has
banks of one size, so that PCA of their union weighs them alike: `abtt` subtracts the projection on `components_`,
`whitening` is `transform` with `whiten=True`, `spectral_tempering` is `transform` over `explained_variance_` to the power of gamma / 2 with
a gamma by kneed's knee, and all are compared as cosines.
"""

import json
import sys
from pathlib import Path

import numpy as np
from kneed import KneeLocator
from sklearn.decomposition import PCA

DIM = 12


def vectors(rng, count, centre):
    """Unit vectors around a centre, with a different spread in every coordinate; as f32."""
    x = centre + rng.normal(size=(count, DIM)) * np.geomspace(0.5, 0.1, DIM)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def tempering(variances, kept):
    """gamma of spectral tempering: signal to noise at the last kept variance over that at the knee."""
    start = int(0.9 * len(variances))
    ratio = np.maximum(variances[:start] / variances[start:].mean() - 1, 0)
    knee = KneeLocator(np.arange(start), ratio, S=0.5, curve="convex", direction="decreasing").knee
    return min(1.0, ratio[min(kept, start) - 1] / ratio[knee])


def case(rng, query_bank, gallery_bank):
    text, image = rng.normal(size=(2, DIM)) * 0.3
    return {
        "queries": vectors(rng, 5, text),
        "gallery": vectors(rng, 7, image),
        "query_bank": vectors(rng, query_bank, text),
        "gallery_bank": vectors(rng, gallery_bank, image),
    }


def by_numpy(data):
    q, g, bank_q, bank_g = (v.astype(np.float64) for v in data.values())
    mean_q, mean_g = bank_q.mean(0), bank_g.mean(0)
    mu = (mean_q + mean_g) / 2
    weights = np.concatenate([np.full(len(b), 0.5 / len(b)) for b in (bank_q, bank_g)])
    centred = np.concatenate([bank_q, bank_g]) - mu
    _, scale, axes = np.linalg.svd(centred * np.sqrt(weights)[:, None], full_matrices=False)
    scores = {
        "centering": (q - mu) @ (g - mu).T,
        "gr_clip": unit(q - mean_q) @ unit(g - mean_g).T,
    }
    for d in (0, 1, 3, 8):
        left = [x - mu - (x - mu) @ axes[:d].T @ axes[:d] for x in (q, g)]
        scores[f"abtt(d={d})"] = unit(left[0]) @ unit(left[1]).T
    for dims in (0, 1, 5, 12):
        kept = slice(0, dims or DIM)
        white = [(x - mu) @ axes[kept].T / scale[kept] for x in (q, g)]
        scores[f"whitening(dims={dims})"] = unit(white[0]) @ unit(white[1]).T
    for dims in (0, 1, 4, 5, 7, 10, 12):
        kept = dims or DIM
        gamma = tempering(scale**2, kept)
        tempered = [(x - mu) @ axes[:kept].T / scale[:kept] ** gamma for x in (q, g)]
        scores[f"spectral_tempering(dims={dims})"] = unit(tempered[0]) @ unit(tempered[1]).T
    return scores


def by_sklearn(data):
    q, g, bank_q, bank_g = (v.astype(np.float64) for v in data.values())
    both = np.concatenate([bank_q, bank_g])
    scores = {}
    for d in (1, 4):
        pca = PCA(n_components=d).fit(both)
        left = [x - pca.inverse_transform(pca.transform(x)) for x in (q, g)]
        scores[f"abtt(d={d})"] = unit(left[0]) @ unit(left[1]).T
    for dims in (0, 2, 6):
        pca = PCA(n_components=dims or DIM, whiten=True).fit(both)
        scores[f"whitening(dims={dims})"] = unit(pca.transform(q)) @ unit(pca.transform(g)).T
    for dims in (0, 3, 6, 9):
        pca = PCA(n_components=DIM).fit(both)
        kept = dims or DIM
        gamma = tempering(pca.explained_variance_, kept)
        tempered = [pca.transform(x)[:, :kept] / pca.explained_variance_[:kept] ** (gamma / 2) for x in (q, g)]
        scores[f"spectral_tempering(dims={dims})"] = unit(tempered[0]) @ unit(tempered[1]).T
    return scores


def shortest(matrix):
    """f32 as the shortest decimals that read back."""
    return [[float(str(value)) for value in row] for row in matrix]


def main():
    rng = np.random.default_rng(20)
    cases = []
    for name, sizes, scores in (("numpy", (40, 25), by_numpy), ("sklearn", (30, 30), by_sklearn)):
        data = case(rng, *sizes)
        found = {method: value.tolist() for method, value in scores(data).items()}
        inputs = {key: shortest(value) for key, value in data.items()}
        cases.append({"name": name, "dim": DIM, **inputs, "scores": found})
    Path(sys.argv[1]).write_text(json.dumps(cases) + "\n")


main()
