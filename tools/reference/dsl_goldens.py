"""Golden values for crates/method-dsl, with scipy's softmax.

Python 3.11 with numpy 2.4.6, scipy 1.17.1. Run at the root of the repository:

    python tools/reference/dsl_goldens.py crates/method-dsl/tests/golden

dsl.json  `x * softmax(x / 1000 over the queries) * n` of similarities times CLIP's scale of 100, and the same at other
          temperatures `t`, in float64. On cosines `beta` is 100 / t.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.special import softmax

DIM, SCALE = 8, 100.0


def unit_rows(random, rows):
    vectors = random.normal(size=(rows, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def written(rows):
    """The shortest decimals that read back as the same float32."""
    return [float(str(value)) for value in rows.ravel()]


def dsl(similarities, temperature):
    logits = SCALE * similarities
    return logits * softmax(logits / temperature, axis=0) * len(logits)


def main():
    random = np.random.default_rng(20210909)
    rows = {"gallery": unit_rows(random, 24), "queries": unit_rows(random, 16)}
    similarities = rows["queries"].astype(np.float64) @ rows["gallery"].astype(np.float64).T
    assert (similarities < 0).any(), "negative similarities are seen"
    cases = []
    for temperature in (1000, 100, 5, 1):
        values = dsl(similarities, temperature)
        cases.append({"parameters": [SCALE / temperature], "scores": values.ravel().tolist()})
    data = {"dim": DIM} | {name: written(matrix) for name, matrix in rows.items()}
    text = json.dumps(data | {"cases": cases}, separators=(",", ":"))
    (Path(sys.argv[1]) / "dsl.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
