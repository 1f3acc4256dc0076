"""Golden values for crates/method-dbnorm: the mathematics of DBNorm's released functions, in float64.

Python 3.11 with numpy 2.4.6, scipy 1.17.1. Run at the root of the repository:

    python tools/reference/dbnorm_goldens.py crates/method-dbnorm/tests/golden

No package offers DBNorm, so its functions (yimuwangcs/Better_Cross_Modal_Retrieval at c055b86) are written anew from
what they compute, with the test similarities where the code passes the wrong matrix, and without its writes into its
arguments.

dualis.json    product of both softmaxes, `dynamic_normalized=False`
released.json  product of both gated factors, `dynamic_normalized=True`
dualdis.json   the same gates with the logarithm of a softmax, or `s`, added up instead of multiplied

Names are the NNN paper's: `beta1` and the gallery bank, `beta2` and the query bank.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.special import logsumexp

DIM = 8


def unit_rows(random, rows):
    vectors = random.normal(size=(rows, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def written(rows):
    """The shortest decimals that read back as the same float32."""
    return [float(str(value)) for value in rows.ravel()]


def log_softmax(scores, bank, beta):
    """ln(exp(beta s) / sum over the bank's rows of exp(beta s'))."""
    return beta * scores - logsumexp(beta * bank, axis=0)


def active(scores, bank, k):
    """Whether each query's best item is among the k best of some row of the bank."""
    best = np.argsort(-bank, axis=1, kind="stable")[:, :k]
    return np.isin(np.argmax(scores, axis=1), np.unique(best))


def dualis(scores, banks, betas):
    return sum(log_softmax(scores, bank, beta) for bank, beta in zip(banks, betas))


def released(scores, banks, betas, k):
    product = np.ones_like(scores)
    for bank, beta in zip(banks, betas):
        gate = active(scores, bank, k)[:, None]
        product *= np.where(gate, np.exp(log_softmax(scores, bank, beta)), scores)
    return product


def dualdis(scores, banks, betas, k):
    total = np.zeros_like(scores)
    for bank, beta in zip(banks, betas):
        gate = active(scores, bank, k)[:, None]
        total += np.where(gate, log_softmax(scores, bank, beta), scores)
    return total


def main():
    random = np.random.default_rng(20241031)
    sizes = {"gallery": 24, "queries": 16, "query_bank": 9, "gallery_bank": 7}
    rows = {name: unit_rows(random, size) for name, size in sizes.items()}
    wide = {name: matrix.astype(np.float64) for name, matrix in rows.items()}
    scores = wide["queries"] @ wide["gallery"].T
    banks = [wide[name] @ wide["gallery"].T for name in ("gallery_bank", "query_bank")]
    for k in (1, 2):
        gates = {tuple(pair) for pair in np.stack([active(scores, bank, k) for bank in banks], axis=1)}
        assert len(gates) == 4, "every state of the gates is seen"
    data = {"dim": DIM} | {name: written(matrix) for name, matrix in rows.items()}
    folder = Path(sys.argv[1])

    def write(name, cases):
        (folder / name).write_text(json.dumps(data | {"cases": cases}, separators=(",", ":")) + "\n")

    def case(parameters, values):
        return {"parameters": parameters, "scores": values.ravel().tolist()}

    plain = [(3, 1 / 1.99), (0.001, 0.001), (10, 80), (400, 400), (0, 50), (5, 0)]
    write("dualis.json", [case(betas, dualis(scores, banks, betas)) for betas in plain])
    gated = [(3, 1 / 1.99, 1), (10, 80, 1), (1.5, 0.3, 2)]
    write("dualdis.json", [case(p, dualdis(scores, banks, p[:2], p[2])) for p in gated])
    gated.append((0, 20, 1))
    write("released.json", [case(p, released(scores, banks, p[:2], p[2])) for p in gated])


if __name__ == "__main__":
    main()
