"""A gallery in parts is ranked as the whole."""

import itertools
import pickle

import numpy as np
import pytest
from oracles import made

import nnn_bench
from nnn_bench import Shard

GALLERY, QUERIES, BANK = made(18, gallery=200, queries=50)
BIASES = [np.zeros(200, np.float32), nnn_bench.bias(GALLERY, BANK, k=8)]
ONE = np.random.default_rng(0).integers(200, size=50)
SEVERAL = [sorted({int(item), int(item + 7) % 200, int(3 * item) % 200}) for item in ONE]
METRICS = ["R@1", "R@10", "MedR", "MRR", "nDCG@10", "mAP@R", "P@5", "k_skewness@10"]


def counted(cuts, relevance, order=None, **options):
    shards = [
        Shard(QUERIES, GALLERY[a:b], a, relevance, 200, [bias[a:b] for bias in BIASES], **options)
        for a, b in itertools.pairwise(cuts)
    ]
    order = list(order or range(len(shards)))
    thresholds = travelled(shards[order[0]].thresholds())
    for at in order[1:]:
        thresholds.merge(travelled(shards[at].thresholds()))
    counts = travelled(shards[order[-1]].count(thresholds))
    for at in reversed(order[:-1]):
        assert counts.merge(travelled(shards[at].count(thresholds))) is counts
    return counts


def travelled(it):
    again = pickle.loads(pickle.dumps(it))
    assert again == it
    return again


@pytest.mark.parametrize("relevance", [ONE, SEVERAL], ids=["one", "several"])
def test_parts_in_any_order_have_the_metrics_and_lists_of_the_whole(relevance):
    whole = counted([0, 200], relevance)
    expected = whole.metrics(relevance, METRICS)
    tops = [nnn_bench.rank(QUERIES, GALLERY, 10, bias=bias) for bias in BIASES]
    for order in itertools.permutations(range(3)):
        counts = counted([0, 33, 150, 200], relevance, order)
        assert counts.metrics(relevance, METRICS) == expected
        assert all((found == top).all() for found, top in zip(counts.top(relevance), tops))
        assert all((a == b).all() for a, b in zip(counts.ranks(relevance), whole.ranks(relevance)))
    for place, bias in enumerate(BIASES):
        items = nnn_bench.rank(QUERIES, GALLERY, 200, bias=bias)
        answers = [[it] for it in ONE] if relevance is ONE else SEVERAL
        ranks = [1 + min(np.flatnonzero(np.isin(row, list(answer)))) for row, answer in zip(items, answers)]
        assert whole.ranks(relevance)[place].tolist() == ranks
        assert expected[place]["R@1"] == np.mean(np.array(ranks) == 1)


def test_grades_are_read():
    graded = [{item: 1 + at for at, item in enumerate(items)} for items in SEVERAL]
    found = counted([0, 90, 200], graded).metrics(graded, ["nDCG@10"])
    assert found != counted([0, 200], SEVERAL).metrics(SEVERAL, ["nDCG@10"])
    assert found == counted([0, 200], graded).metrics(graded, ["nDCG@10"])


@pytest.mark.parametrize("ties", ["index", "optimistic", "average", "trec_eval"])
def test_every_tie_rule_adds_up(ties):
    options = {"ties": ties, "all_relevant": False, "k": 0}
    whole, parts = (counted(cuts, ONE, **options) for cuts in ([0, 200], [0, 50, 200]))
    assert all((a == b).all() for a, b in zip(whole.ranks(ONE), parts.ranks(ONE)))


def test_progress_adds_up_to_the_total():
    done = []

    class Bar:
        def __init__(self, total, **_):
            done.append(-total)

        def update(self, more):
            done.append(more)

        def close(self):
            done.append(0)

    shard = Shard(QUERIES, GALLERY, 0, ONE, 200, BIASES)
    shard.count(shard.thresholds(threads=1), threads=2, progress=Bar)
    assert sum(done) == 0 and len(done) > 2


def test_what_does_not_fit_together_is_refused_by_name():
    shard = Shard(QUERIES, GALLERY, 0, ONE, 200, BIASES)
    thresholds = shard.thresholds()
    first = Shard(QUERIES, GALLERY[:90], 0, ONE, 200, [bias[:90] for bias in BIASES])
    half = first.count(thresholds)
    best = Shard(QUERIES, GALLERY, 0, SEVERAL, 200, BIASES, all_relevant=False)
    cases = [
        (lambda: Shard(QUERIES, GALLERY, 5, ONE, 200, BIASES), "first: a part of 200 items from item 5 on, but the gallery has 200"),
        (lambda: Shard(QUERIES[:3], GALLERY, 0, ONE, 200, BIASES), "relevance: scores of 3 queries, but relevant items of 50"),
        (lambda: Shard(QUERIES[:, :5], GALLERY, 0, ONE, 200, BIASES), "items: rows have dimension 5, columns have dimension 24"),
        (lambda: Shard(QUERIES, GALLERY, 0, ONE, 200, [BIASES[0][:9]]), "biases: correction 0 has a bias for 9 items, but the part has 200"),
        (lambda: Shard(QUERIES, GALLERY, 0, ONE, 200, []), "biases: is empty"),
        (lambda: Shard(QUERIES, GALLERY, 0, ONE, 200, [BIASES[0], BIASES[0] * np.nan]), r"biases\[1\]: item 0 has NaN"),
        (lambda: Shard(QUERIES, GALLERY, 0, ONE + 9, 200, BIASES), "relevance: query .* names gallery item 20., but the gallery has 200 items"),
        (lambda: Shard(QUERIES, GALLERY, 0, ONE - 200, 200, BIASES), "relevance: query 0 names gallery item -"),
        (lambda: Shard(QUERIES, GALLERY, 0, [[]] * 50, 200, BIASES), "relevance: query 0 has no relevant gallery item"),
        (lambda: Shard(QUERIES, GALLERY, 0, ONE, 200, BIASES, k=201), "k: 201 is larger than the gallery, which has 200 items"),
        (lambda: Shard(QUERIES, GALLERY, 0, ONE, 200, BIASES, ties="last"), "ties: unknown tie rule `last`, expected one of index"),
        (lambda: shard.count(first.thresholds()), "thresholds: partial results of 90 items, but the gallery has 200"),
        (lambda: half.metrics(ONE), "Counts: partial results of 90 items, but the gallery has 200"),
        (lambda: best.count(best.thresholds()).metrics(SEVERAL, ["MRR", "nDCG@5"]), "metrics: `nDCG@5` reads the ranks of all relevant items"),
        (lambda: shard.count(thresholds).metrics(ONE, ["R@x"]), "metrics: `R@x`: the K of `R@K` must be"),
        (lambda: shard.count(thresholds).metrics(ONE, ["gini@20"]), "metrics: a k-occurrence at k = 20 needs"),
        (lambda: shard.count(thresholds).ranks(SEVERAL), "relevance: partial results differ"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="other: expected Counts"):
        half.merge(thresholds)
