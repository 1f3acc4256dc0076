"""Golden values for crates/nnn-metrics, from libraries that share no code with it.

Python 3.11 with numpy 2.4.6, scipy 1.17.1, ir-measures 0.4.3 (provider pytrec_eval-terrier 0.5.11, which is trec_eval).
Run at the root of the repository:

    python tools/reference/metrics_goldens.py crates/nnn-metrics/tests/golden

ranking.json  per-query values of ir_measures on seeded runs whose scores are small whole numbers, so that ties abound;
              `MedR` and `MeanR` are numpy's over 1 / RR
graded.json   per-query nDCG of ir_measures on seeded runs with grades from -1 to 4: gains as they are, and 2^g - 1 as a table of gains
hubness.json  statistics of occurrence counts: scipy's moments, the rest by definition
paired.json   exact two-sided p-values of the sign-flip test of cluster sums, all 2^n outcomes, by scipy
"""

import json
import sys
from pathlib import Path

import ir_measures
import numpy as np
import scipy.stats
from ir_measures import AP, RR, P, Qrel, ScoredDoc, Success, nDCG

CUTOFFS = (1, 3, 5, 10)


def document(item):
    # Padded: trec_eval orders equal scores by descending name, which then is descending index.
    return f"{item:06d}"


def per_query(measures, qrels, run):
    values = {}
    for metric in ir_measures.pytrec_eval.iter_calc(measures, qrels, run):
        values[str(metric.measure), int(metric.query_id)] = metric.value
    return values


def column(values, name, queries):
    return [values[name, query] for query in queries]


def ranking_case(rng, queries, gallery, most_relevant, levels):
    scores = rng.integers(0, levels, size=(queries, gallery))
    relevant = [
        sorted(rng.choice(gallery, size=rng.integers(1, most_relevant + 1), replace=False).tolist())
        for _ in range(queries)
    ]
    for row, items in zip(scores, relevant):
        row[items] += levels // 3
    qrels = [Qrel(str(q), document(i), 1) for q, items in enumerate(relevant) for i in items]
    run = [ScoredDoc(str(q), document(i), float(s)) for q, row in enumerate(scores) for i, s in enumerate(row)]
    measures = [m @ k for m in (Success, nDCG, P) for k in CUTOFFS] + [RR]
    values = per_query(measures, qrels, run)
    expected = {}
    for k in CUTOFFS:
        expected[f"R@{k}"] = column(values, f"Success@{k}", range(queries))
        expected[f"nDCG@{k}"] = column(values, f"nDCG@{k}", range(queries))
        expected[f"P@{k}"] = column(values, f"P@{k}", range(queries))
    expected["MRR"] = column(values, "RR", range(queries))
    # trec_eval's map_cut at R divides by R: query by query it is mAP@R.
    by_size = per_query([AP @ r for r in range(1, most_relevant + 1)], qrels, run)
    expected["mAP@R"] = [by_size[f"AP@{len(items)}", q] for q, items in enumerate(relevant)]
    ranks = np.rint(1.0 / np.array(expected["MRR"]))
    return {
        "gallery": gallery,
        "scores": scores.tolist(),
        "relevant": relevant,
        "per_query": expected,
        "aggregate": {"MedR": float(np.median(ranks)), "MeanR": float(np.mean(ranks))},
    }


def graded_case(rng, queries, gallery, judged, levels):
    scores = rng.integers(0, levels, size=(queries, gallery))
    grades = []
    for _ in range(queries):
        items = rng.choice(gallery, size=judged, replace=False).tolist()
        given = rng.integers(-1, 5, size=judged)
        given[0] = rng.integers(1, 5)
        grades.append(sorted(zip(items, given.tolist())))
    qrels = [Qrel(str(q), document(i), g) for q, items in enumerate(grades) for i, g in items]
    run = [ScoredDoc(str(q), document(i), float(s)) for q, row in enumerate(scores) for i, s in enumerate(row)]
    gains = {grade: max(0, 2**grade - 1) if grade > 0 else 0 for grade in range(-1, 5)}
    linear = per_query([nDCG @ k for k in CUTOFFS], qrels, run)
    exponential = per_query([nDCG(gains=gains) @ k for k in CUTOFFS], qrels, run)
    name = {str(nDCG(gains=gains) @ k): k for k in CUTOFFS}
    expected = {f"nDCG@{k}": column(linear, f"nDCG@{k}", range(queries)) for k in CUTOFFS}
    for measure, k in name.items():
        expected[f"nDCG_exp@{k}"] = column(exponential, measure, range(queries))
    return {"scores": scores.tolist(), "grades": grades, "per_query": expected}


def hubness_case(name, counts):
    x = np.asarray(counts, dtype=np.float64)
    n, mean = len(x), x.mean()
    return {
        "name": name,
        "occurrences": [int(c) for c in counts],
        "k_skewness": float(scipy.stats.skew(x)),
        "k_kurtosis": float(scipy.stats.kurtosis(x)),
        "k_mae": float(np.abs(x - mean).mean()),
        "k_max": float(x.max()),
        "gini": float(np.abs(x[:, None] - x[None, :]).sum() / (2 * n * n * mean)),
        "robin_hood": float(np.abs(x / x.sum() - 1 / n).sum() / 2),
        "antihub": float(np.mean(x == 0)),
        "hub_share": float(x[x >= 2 * mean].sum() / x.sum()),
    }


def paired_case(rng, clusters, shift):
    sizes = rng.integers(1, 6, size=clusters)
    ids = np.repeat(np.arange(clusters), sizes).tolist()
    method = rng.integers(0, 2, size=sizes.sum()) | (rng.random(sizes.sum()) < shift)
    baseline = rng.integers(0, 2, size=sizes.sum())
    sums = np.bincount(ids, weights=method.astype(float) - baseline)
    test = scipy.stats.permutation_test(
        (sums,), lambda x, axis: x.sum(axis=axis), vectorized=True, permutation_type="samples", n_resamples=np.inf
    )
    return {
        "clusters": ids,
        "method": method.astype(int).tolist(),
        "baseline": baseline.tolist(),
        "p_value": float(test.pvalue),
    }


def write(path, data):
    path.write_text(json.dumps(data, separators=(",", ":")) + "\n")


def main(out):
    rng = np.random.default_rng(20241101)
    write(
        out / "ranking.json",
        [
            ranking_case(rng, queries=41, gallery=30, most_relevant=1, levels=6),
            ranking_case(rng, queries=40, gallery=30, most_relevant=5, levels=4),
            ranking_case(rng, queries=30, gallery=60, most_relevant=12, levels=200),
        ],
    )
    graded = np.random.default_rng(20261129)
    write(
        out / "graded.json",
        [
            graded_case(graded, queries=30, gallery=25, judged=6, levels=5),
            graded_case(graded, queries=20, gallery=40, judged=20, levels=300),
        ],
    )
    popularity = rng.lognormal(0.0, 1.2, size=120)
    write(
        out / "hubness.json",
        [
            hubness_case("poisson", rng.poisson(5.0, size=100)),
            hubness_case("hubs", rng.multinomial(600, popularity / popularity.sum())),
            hubness_case("one hub", [0, 0, 0, 0, 0, 0, 25]),
            hubness_case("two values", [1, 3, 1, 3, 1, 3]),
        ],
    )
    write(out / "paired.json", [paired_case(rng, clusters, shift) for clusters in (4, 9, 13) for shift in (0.2, 0.8)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
