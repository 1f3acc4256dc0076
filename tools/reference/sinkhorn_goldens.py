"""Golden values for crates/method-sinkhorn: potentials of POT, the package that the authors of SN and DBSN call.

Python 3.11 with numpy 2.4.6 and POT 0.9.7.post1. Run at the root of the repository:

    python tools/reference/sinkhorn_goldens.py crates/method-sinkhorn/tests/golden

sinkhorn.json  cases with `gallery`, `bank` and `gallery_bank` (f32 vectors, row-major) and, for SN and DBSN at several
               temperatures and numbers of iterations, the biases `-tau ln u` of the gallery's items from both of POT's
               algorithms; they are defined up to a constant

Everything is in f64 from the f32 vectors. POT's test of convergence is switched off, as it would end the longer runs.
"""

import json
import sys
from pathlib import Path

import numpy as np
import ot

TAUS = (0.005, 0.01, 0.025, 0.5)
ITERATIONS = (1, 3, 10, 50)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def random_case(rng):
    return {name: unit(rng.normal(size=(n, 6))) for name, n in (("gallery", 17), ("bank", 29), ("gallery_bank", 13))}


def clustered_case(rng):
    """Both modalities around four centres, a gap between them, and two gallery items alike."""
    centres, gap = rng.normal(size=(4, 6)), rng.normal(size=6)

    def side(n, shift):
        return unit(centres[rng.integers(0, 4, size=n)] + 0.3 * rng.normal(size=(n, 6)) + shift)

    case = {"gallery": side(15, gap), "bank": side(31, -gap), "gallery_bank": side(11, gap)}
    case["gallery"][9] = case["gallery"][2]
    return case


def biases(rows, bank, gallery, tau, iterations):
    cost = 1.0 - rows.astype(np.float64) @ bank.astype(np.float64).T
    marginals = [np.full(n, 1.0 / n) for n in cost.shape]
    options = dict(numItermax=iterations, stopThr=0.0, warn=False, log=True)
    found = {}
    for method in ("sinkhorn", "sinkhorn_log"):
        _, log = ot.sinkhorn(*marginals, cost, reg=tau, method=method, **options)
        assert log["niter"] == iterations - 1
        log_u = log["log_u"] if method == "sinkhorn_log" else np.log(log["u"])
        found[method] = (-tau * log_u[:gallery]).tolist()
    return found


def outputs(case):
    gallery, bank = case["gallery"], case["bank"]
    sides = {"sn": gallery, "dbsn": np.concatenate([gallery, case["gallery_bank"]])}
    return [
        {"method": name, "tau": tau, "iterations": n, **biases(rows, bank, len(gallery), tau, n)}
        for name, rows in sides.items()
        for tau in TAUS
        for n in ITERATIONS
    ]


def main(folder):
    rng = np.random.default_rng(20250804)
    cases = []
    for name, make in (("random", random_case), ("clustered", clustered_case)):
        case = make(rng)
        vectors = {key: value.ravel().tolist() for key, value in case.items()}
        cases.append({"name": name, "dim": 6, **vectors, "outputs": outputs(case)})
    text = json.dumps({"cases": cases}, separators=(",", ":")) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sinkhorn.json").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
