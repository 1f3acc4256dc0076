"""Methods measured, chosen and compared."""

import concurrent.futures
import functools
import pickle

import numpy as np
import pytest
from oracles import made

import nnn_bench

GALLERY, QUERIES, BANK = made(20, gallery=150, queries=120, bank=100)
RELEVANCE = np.random.default_rng(1).integers(150, size=120)
HELD_OUT = slice(0, 50)
TEST = slice(50, 120)


def trial(**options):
    held_out = (QUERIES[HELD_OUT], GALLERY, RELEVANCE[HELD_OUT])
    return nnn_bench.Trial(QUERIES[TEST], GALLERY, RELEVANCE[TEST], BANK, validation=held_out, **options)


def hit_rate(k, queries=TEST, **correction):
    found = nnn_bench.rank(QUERIES[queries], GALLERY, k, **correction)
    return (found == RELEVANCE[queries][:, None]).any(axis=1).mean()


def test_metrics_are_those_of_the_ranking():
    table = nnn_bench.evaluate(QUERIES[TEST], GALLERY, RELEVANCE[TEST], ["R@1", "R@10", "MRR", "k_skewness@10"], bank=BANK, k=8)
    values = {row["metric"]: row for row in table.rows()}
    assert list(values) == ["R@1", "R@10", "MRR", "k_skewness@10"]
    correction = {"method": "nnn(k=8)", "bank": BANK}
    for k in (1, 10):
        row = values[f"R@{k}"]
        assert row["value"] == pytest.approx(hit_rate(k, **correction), rel=1e-12)
        assert row["delta_raw"] == pytest.approx(hit_rate(k, **correction) - hit_rate(k), abs=1e-12)
        assert row["ci_low"] <= row["value"] <= row["ci_high"]
        assert 0 < row["p_value"] <= 1
    assert values["k_skewness@10"]["value"] == nnn_bench.hubness(QUERIES[TEST], GALLERY, **correction)["k_skewness@10"]
    assert values["k_skewness@10"]["ci_low"] is None
    assert {(row["method"], row["params"], row["kind"]) for row in values.values()} == {("nnn", "k=8,alpha=0.75", "additive")}
    assert {(row["n_queries"], row["n_clusters"], row["n_gallery"]) for row in values.values()} == {(70, len(set(RELEVANCE[TEST])), 150)}


def test_raw_is_measured_whether_there_is_a_bank_or_not():
    for bank in (None, BANK):
        row = nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, ["R@1"], method="raw", bank=bank).rows()[0]
        assert row["value"] == pytest.approx(hit_rate(1, slice(None)))
        assert row["delta_raw"] is None


def test_equal_seeds_give_equal_numbers_on_any_number_of_threads():
    def rows(**options):
        return nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, bank=BANK, k=8, resamples=200, permutations=100, **options).rows()

    assert rows(threads=1) == rows(threads=2) == rows()
    assert rows(seed=1) != rows(seed=2)


def test_clusters_are_drawn_whole():
    clusters = [f"image {query // 5}" for query in range(120)]
    row = nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, ["R@10"], bank=BANK, k=8, clusters=clusters).rows()[0]
    assert row["n_clusters"] == 24


def test_parameters_are_chosen_on_held_out_items():
    grid = {"k": [1, 8, 50], "alpha": [0.25, 0.75]}
    swept = nnn_bench.sweep(trial(), {"raw": None, "nnn": grid}, metrics=["R@10"], objective="R@10", permutations=100, resamples=100)
    points = {(k, alpha): hit_rate(10, HELD_OUT, method=f"nnn(k={k},alpha={alpha})", bank=BANK) for k in grid["k"] for alpha in grid["alpha"]}
    held_out = [row for row in swept.grid.rows() if row["evaluated_on"] == "validation"]
    assert [row["value"] for row in held_out] == pytest.approx(list(points.values()))
    best = max(points, key=points.get)
    signature = f"k={best[0]},alpha={best[1]}"
    assert [row["params"] for row in held_out if row["selected"]] == [signature]
    chosen = swept.choosing.rows()
    assert [(row["params"], row["points"], row["metric"]) for row in chosen] == [(signature, 6, "R@10")]
    assert chosen[0]["validation"] == pytest.approx(points[best])
    scores = {row["method"]: row for row in swept.scores.rows()}
    assert scores["nnn"]["value"] == pytest.approx(hit_rate(10, method=f"nnn({signature})", bank=BANK))
    assert scores["nnn"]["chosen"] == "validation" and scores["nnn"]["trial"] == "trial"
    compared = swept.comparisons.rows()
    assert [(row["method_a"], row["method_b"]) for row in compared] == [("nnn", "raw")]
    assert compared[0]["delta"] == pytest.approx(scores["nnn"]["value"] - scores["raw"]["value"])
    assert compared[0]["wins"] + compared[0]["ties"] + compared[0]["losses"] == 70

    choice = nnn_bench.choose(QUERIES[HELD_OUT], GALLERY, RELEVANCE[HELD_OUT], BANK, grid=grid, objective="R@10")
    assert choice.signature == f"nnn({signature})"
    assert choice.params == {"k": best[0], "alpha": best[1]} and type(choice.params["k"]) is int
    assert choice.value == pytest.approx(points[best])
    assert choice.grid["value"] == pytest.approx(list(points.values()))
    assert choice.grid["k"] == [1, 1, 8, 8, 50, 50] and sum(choice.grid["selected"]) == 1


def test_one_point_is_chosen_from_one():
    choice = nnn_bench.choose(QUERIES, GALLERY, RELEVANCE, BANK, "nnn(k=8)", grid={"alpha": 0.5}, objective="MRR")
    assert choice.signature == "nnn(k=8,alpha=0.5)" and len(choice.grid) == 1


def test_points_that_the_bank_does_not_allow_are_left_out_with_a_warning():
    with pytest.warns(UserWarning, match=r"left out, as nobody asked for it: nnn\(k=128,.*larger than the query bank, which has 100 items"):
        choice = nnn_bench.choose(QUERIES, GALLERY, RELEVANCE, BANK)
    assert max(choice.grid["k"]) == 64
    with pytest.raises(ValueError, match="k = 128 is larger than the query bank"):
        nnn_bench.choose(QUERIES, GALLERY, RELEVANCE, BANK, grid={"k": [1, 128]})


def test_fixed_points_are_all_reported():
    methods = {"raw": {}, "csls": {"k": [1, 8]}, "dis(beta=20)": {"k": 1}, "whitening": {"dims": 8}}
    bank = nnn_bench.Bank(BANK, gallery=GALLERY[:70])
    one = nnn_bench.Trial(QUERIES, GALLERY, RELEVANCE, bank)
    swept = nnn_bench.sweep(one, methods, metrics=["R@5", "MedR"], objective="R@5", choose="fixed", permutations=50, resamples=50)
    assert [(row["method"], row["params"]) for row in swept.scores.rows() if row["metric"] == "R@5"] == [
        ("raw", ""), ("csls", "k=1"), ("csls", "k=8"), ("dis", "beta=20,k=1"), ("whitening", "dims=8"),
    ]
    assert len(swept.comparisons) == 10 and len(swept.grid) == len(swept.choosing) == 0
    p_holm = swept.comparisons["p_holm"]
    assert all(holm >= p for holm, p in zip(p_holm, swept.comparisons["p_value"]))


def made_elsewhere(seed):
    gallery, queries, bank = made(seed, gallery=60, queries=30, bank=40)
    return nnn_bench.Trial(queries, gallery, np.arange(30), bank)


@pytest.mark.parametrize("executor", [None, "threads", "processes"])
def test_trials_run_anywhere_with_the_same_numbers(executor):
    trials = {"a": made_elsewhere(1), "b": functools.partial(made_elsewhere, 2)}
    options = {"metrics": ["R@5"], "objective": "R@5", "choose": "fixed", "permutations": 50, "resamples": 50, "threads": 1}
    expected = nnn_bench.sweep({"a": made_elsewhere(1), "b": made_elsewhere(2)}, ["raw", "nnn(k=8)"], **options)
    pools = {"threads": concurrent.futures.ThreadPoolExecutor, "processes": concurrent.futures.ProcessPoolExecutor}
    if executor is None:
        found = nnn_bench.sweep(trials, ["raw", "nnn(k=8)"], **options)
    else:
        with pools[executor](2) as pool:
            found = nnn_bench.sweep(trials, ["raw", "nnn(k=8)"], executor=pool, **options)
    for name in ("scores", "comparisons", "grid", "choosing"):
        assert getattr(found, name).rows() == getattr(expected, name).rows()
    assert found.scores["trial"] == ["a", "a", "b", "b"]


def test_progress_adds_up_to_the_total():
    bars = []

    class Bar:
        def __init__(self, total, **_):
            self.total, self.done = total, 0
            bars.append(self)

        def update(self, more):
            self.done += more

        def close(self):
            pass

    grid = {"nnn": {"k": [1, 8]}, "whitening": {"dims": [4, 8]}}
    bank = nnn_bench.Bank(BANK, gallery=GALLERY)
    one = nnn_bench.Trial(QUERIES, GALLERY, RELEVANCE, bank, validation=(QUERIES, GALLERY, RELEVANCE))
    nnn_bench.sweep(one, grid, progress=Bar, permutations=10, resamples=10)
    assert [bar.done for bar in bars] == [bar.total for bar in bars] and len(bars) == 1


def test_a_trial_pickles_with_all_bits():
    graded = [{int(item): 2.0, int(item + 1) % 150: 1.0} for item in RELEVANCE]
    clusters = np.arange(120) // 3
    bank = nnn_bench.Bank(5 * BANK, gallery=GALLERY[:60])
    one = nnn_bench.Trial(3 * QUERIES, 2 * GALLERY, graded, bank, clusters=clusters, validation=(QUERIES, GALLERY, RELEVANCE))
    again = pickle.loads(pickle.dumps(one))
    assert repr(again) == repr(one) == "Trial(120 queries, 150 items, bank of 100, dim=24)"
    options = {"metrics": ["nDCG@10", "R@1"], "objective": "MRR", "permutations": 50, "resamples": 50}
    found, expected = (nnn_bench.sweep(it, {"nnn": {"k": [1, 8], "alpha": "paper"}}, **options) for it in (again, one))
    for name in ("scores", "comparisons", "grid", "choosing"):
        assert getattr(found, name).rows() == getattr(expected, name).rows()


WRONG = [
    (lambda: nnn_bench.Trial(QUERIES, GALLERY, RELEVANCE[:5]), "relevance: has 5 entries, expected 120, one for each query"),
    (lambda: nnn_bench.Trial(QUERIES, GALLERY, RELEVANCE, clusters=[1]), "clusters: has 1 entries, expected 120, one for each query"),
    (lambda: nnn_bench.Trial(QUERIES[:, :4], GALLERY, RELEVANCE), "queries: has dimension 4, but the gallery has 24; they must agree"),
    (lambda: nnn_bench.Trial(QUERIES, GALLERY, RELEVANCE, BANK[:, :4]), "bank: has dimension 4, but the gallery has 24"),
    (lambda: nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, ["recall@5"], method="raw"), "metrics: unknown metric `recall@5`, did you mean R@5"),
    (lambda: nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, ["bias@5"], method="raw"), "metrics: `bias@5` reads which of two groups"),
    (lambda: nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, ["gini@500"], method="raw"), "metrics: .*`gini@500` needs a gallery of at least 500"),
    (lambda: nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, bank=BANK), "bank: nnn.*k = 128 is larger than the query bank"),
    (lambda: nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE), "bank: nnn.* needs a query bank"),
    (lambda: nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, method="raw", resamples=0), "resamples: 0, expected a whole number >= 1"),
    (lambda: nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, method="raw", seed=-1), "seed: -1, expected a whole number >= 0"),
    (lambda: nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, method="raw", ties="none"), "ties: unknown tie rule `none`"),
    (
        lambda: nnn_bench.sweep(nnn_bench.Trial(QUERIES, GALLERY, RELEVANCE, BANK), {"nnn": {"k": [1, 2]}}),
        "validation: there are no held-out items to choose parameters on",
    ),
    (lambda: nnn_bench.sweep(trial(), "nnn", choose="test"), "choose: `test`, expected fixed, validation or oracle"),
    (lambda: nnn_bench.sweep(trial(), {"nnn": {"k": "all"}}), "k: `all`, expected numbers or `paper`"),
    (lambda: nnn_bench.sweep(trial(), {"nnn": {"k": []}}), "parameter `k` has an empty list of values"),
    (lambda: nnn_bench.sweep(trial(), "nnm"), "method: .*nnm"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_a_wrong_value_is_a_value_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_wrong_type_is_a_type_error():
    with pytest.raises(TypeError, match="method `nnn` has no parameter `kk`"):
        nnn_bench.evaluate(QUERIES, GALLERY, RELEVANCE, bank=BANK, kk=3)
    with pytest.raises(TypeError, match="metrics: expected a list of names, got the text 'R@1'"):
        nnn_bench.sweep(trial(), "raw", metrics="R@1")
    with pytest.raises(TypeError, match="methods: nnn has 3, expected a dict of parameters and values"):
        nnn_bench.sweep(trial(), {"nnn": 3})
