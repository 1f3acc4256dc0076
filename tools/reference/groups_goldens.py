"""Golden values for the metrics of two groups in crates/nnn-metrics, from their definitions.

Python 3.11 with numpy 2.4.6. Run at the root of the repository:

    python tools/reference/groups_goldens.py crates/nnn-metrics/tests/golden

groups.json   seeded runs whose scores are small whole numbers, so that ties abound, with items in neither group, classes
              of which one group is missing, and classes of one image. Of every query the values by the formulas of the
              NNN paper (arXiv 2410.24114, section 3.3) and of VisoGender (arXiv 2306.12424), counted literally: over each
              prefix of each list anew, in double precision; and their means and standard deviations.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

CUTOFFS = (1, 2, 5, 10)
FIRST, SECOND, NEITHER = "first", "second", ""


def bias(listed, k):
    return (listed[:k].count(FIRST) - listed[:k].count(SECOND)) / k


def class_bias(listed, k):
    a, b = listed[:k].count(FIRST), listed[:k].count(SECOND)
    return 0.0 if a + b == 0 else (a - b) / (a + b)


def skew(listed, group, k):
    expected = listed.count(group) / len(listed)
    k = min(k, len(listed))
    found = listed[:k].count(group) / k
    return math.log((found if found else 1 / k) / expected)


def max_skew(listed, k):
    return max((skew(listed, group, k) for group in sorted(set(listed))), default=0.0)


def ndkl(listed):
    total = weight = 0.0
    for k in range(1, len(listed) + 1):
        found = {group: listed[:k].count(group) / k for group in set(listed)}
        expected = {group: listed.count(group) / len(listed) for group in set(listed)}
        divergence = sum(p * math.log(p / expected[group]) for group, p in found.items() if p)
        total += divergence / math.log2(k + 1)
        weight += 1 / math.log2(k + 1)
    return total / weight if listed else 0.0


def values_of(row, groups, relevant):
    order = sorted(range(len(row)), key=lambda item: (-row[item], item))
    whole = [groups[item] for item in order]
    own = [groups[item] for item in order if item in relevant and groups[item] != NEITHER]
    values = {"NDKL": ndkl(own)}
    for k in CUTOFFS:
        if k <= len(row):
            values[f"bias@{k}"] = bias(whole, k)
            values[f"abs_bias@{k}"] = abs(bias(whole, k))
        values[f"class_bias@{k}"] = class_bias(own, k)
        values[f"skew@{k}"] = skew(own, FIRST, k) if FIRST in own else 0.0
        values[f"max_skew@{k}"] = max_skew(own, k)
    return values


def case(rng, queries, gallery, levels, shares):
    scores = rng.integers(0, levels, size=(queries, gallery)).tolist()
    groups = rng.choice([FIRST, SECOND, NEITHER], size=gallery, p=shares).tolist()
    classes = rng.integers(0, queries, size=gallery)
    # Every query has an answer; a class of one image is where no other item was drawn.
    relevant = [sorted({q % gallery, *np.flatnonzero(classes == q).tolist()}) for q in range(queries)]
    rows = [values_of(row, groups, items) for row, items in zip(scores, relevant)]
    per_query = {name: [row[name] for row in rows] for name in rows[0]}
    return {
        "scores": scores,
        "groups": groups,
        "relevant": relevant,
        "per_query": per_query,
        "mean": {name: float(np.mean(column)) for name, column in per_query.items()},
        "sd": {name: float(np.std(column, ddof=1)) for name, column in per_query.items()},
    }


def main(folder):
    rng = np.random.default_rng(2306)
    cases = [
        case(rng, 5, 60, 1000, (0.5, 0.5, 0.0)),
        case(rng, 6, 40, 5, (0.4, 0.4, 0.2)),
        case(rng, 8, 30, 3, (0.1, 0.8, 0.1)),
        case(rng, 7, 12, 4, (0.3, 0.3, 0.4)),
        case(rng, 4, 7, 2, (0.0, 0.6, 0.4)),
    ]
    (folder / "groups.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
