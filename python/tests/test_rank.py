"""Rankings beside a sort of all scores, of every kind of method."""

import numpy as np
import pytest
from oracles import assert_ranked, bound, cosines, made, top_means

import nnn_bench


@pytest.fixture(scope="module")
def data():
    return made(13, gallery=400, queries=70, bank=200)


def chain(queries, gallery):
    """Products as the kernels compute them, bit for bit: fused multiply-adds in ascending dimension. A product of two f32 and its
    sum with a third are exact in 80 bits but for rare cases, which a test with few bits a number avoids."""
    total = np.zeros((len(queries), len(gallery)), np.float32)
    for q, g in zip(queries.T, gallery.T):
        product = np.multiply.outer(q.astype(np.float64), g.astype(np.float64))
        total = (product + total.astype(np.float64)).astype(np.float32)
    return total


def coarse(rows):
    """Unit rows of four coordinates of one half, whose products and sums are exact."""
    random = np.random.default_rng(rows)
    out = np.zeros((rows, 8), np.float32)
    for row in out:
        row[random.choice(8, 4, replace=False)] = random.choice([-0.5, 0.5], 4)
    return out


def stable(scores, k):
    """The best items; of equals the lower one first."""
    return np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :k]


def test_similarities_are_ranked_as_a_sort_ranks_them(data):
    gallery, queries, _ = data
    found, scores = nnn_bench.rank(queries, gallery, 10, scores=True)
    assert found.dtype == np.int64 and scores.dtype == np.float32
    assert found.shape == scores.shape == (len(queries), 10)
    assert_ranked(found, cosines(queries, gallery), bound(gallery.shape[1]))
    exact = np.take_along_axis(cosines(queries, gallery), found, axis=1)
    assert np.abs(scores - exact).max() <= bound(gallery.shape[1])
    assert (np.diff(scores, axis=1) <= 0).all()
    assert (nnn_bench.rank(queries, gallery, 10) == found).all()


def test_of_equal_scores_the_lower_item_is_first():
    gallery, queries = coarse(150), coarse(40)
    bias = np.float32(np.arange(150) % 3) / 8
    for b in (np.zeros(150, np.float32), bias):
        expected = chain(queries, gallery) - b
        found, scores = nnn_bench.rank(queries, gallery, 20, bias=b, scores=True)
        assert (found == stable(expected, 20)).all()
        assert (scores == np.take_along_axis(expected, found, axis=1)).all()


def test_a_bias_of_ones_own_ranks_as_the_method_that_it_is_of(data):
    gallery, queries, bank = data
    b = nnn_bench.bias(gallery, bank, k=8)
    by_bias = nnn_bench.rank(queries, gallery, 10, bias=b, scores=True)
    by_method = nnn_bench.rank(queries, gallery, 10, method="nnn(k=8)", bank=bank, scores=True)
    assert all((one.view(np.uint32) == other.view(np.uint32)).all() for one, other in zip(by_bias, by_method))
    exact = cosines(queries, gallery) - 0.75 * top_means(gallery, bank, 8)
    assert_ranked(by_bias[0], exact, 2 * bound(gallery.shape[1]))


def test_corrected_scores_have_the_bits_of_the_ranking(data):
    """The similarity of a pair is the same alone and in any company, and the bias is subtracted in f32."""
    gallery, queries, bank = data
    b = nnn_bench.bias(gallery, bank, k=8)
    raw_items, raw = nnn_bench.rank(queries, gallery, len(gallery), scores=True)
    similarities = np.empty_like(raw)
    np.put_along_axis(similarities, raw_items, raw, axis=1)
    found, scores = nnn_bench.rank(queries, gallery, len(gallery), bias=b, scores=True)
    corrected = similarities - b
    assert (scores.view(np.uint32) == np.take_along_axis(corrected, found, axis=1).view(np.uint32)).all()
    assert (found == stable(corrected, len(gallery))).all()


READ_NO_BANK = ["dsl(beta=10)", "raw", "snn(k=5)", "simhub_in", "query_expansion(n=3,alpha=0)"]
READ_A_BANK = ["dis(beta=20,k=1)", "ls(k=8)", "gc(depth=50)", "gr_clip", "whitening", "mp_normal", "mp_gamma", "dn", "sn", "k_reciprocal(k1=5)"]
METHODS = READ_A_BANK + READ_NO_BANK


@pytest.mark.parametrize("method", METHODS)
def test_lists_of_any_length_and_threads_agree(data, method):
    gallery, queries, bank = data
    reads_none = method in READ_NO_BANK
    options = {"method": method, "bank": None if reads_none else nnn_bench.Bank(bank, gallery=gallery[:150])}
    longest, scores = nnn_bench.rank(queries, gallery, len(gallery), scores=True, threads=1, **options)
    assert (np.sort(longest, axis=1) == np.arange(len(gallery))).all()
    assert (np.diff(scores, axis=1) <= 0).all()
    for k in (1, 7):
        assert (nnn_bench.rank(queries, gallery, k, threads=2, **options) == longest[:, :k]).all()


def test_a_gate_corrects_only_the_queries_that_it_lets_through(data):
    gallery, queries, bank = data
    raw, beta = cosines(queries, gallery), 20.0
    active = np.unique(np.argsort(-cosines(bank, gallery), axis=1, kind="stable")[:, :1])
    gated = np.isin(raw.argmax(axis=1), active)
    assert 0 < gated.sum() < len(queries)
    bias = nnn_bench.bias(gallery, bank, "is", beta=beta)
    found, scores = nnn_bench.rank(queries, gallery, 10, method="dis(beta=20,k=1)", bank=bank, scores=True)
    exact = np.where(gated[:, None], raw - bias, raw)
    assert_ranked(found, exact, 2 * bound(gallery.shape[1]))
    assert np.abs(scores - np.take_along_axis(exact, found, axis=1)).max() <= 2 * bound(gallery.shape[1])


def test_no_query_has_no_list(data):
    gallery, queries, _ = data
    found, scores = nnn_bench.rank(queries[:0], gallery, 3, scores=True)
    assert found.shape == scores.shape == (0, 3)


def test_a_large_gallery_is_ranked_as_its_scores_say():
    """Where bytes say first which scores matter."""
    random = np.random.default_rng(5)
    gallery, queries = random.standard_normal((5000, 64)), random.standard_normal((90, 64))
    found = nnn_bench.rank(queries, gallery, 10)
    assert_ranked(found, cosines(queries, gallery), bound(64))
    zero = nnn_bench.rank(queries, gallery, 10, bias=np.full(5000, 0.0), scores=True)
    shifted = nnn_bench.rank(queries, gallery, 10, bias=np.full(5000, 0.25), scores=True)
    assert (zero[0] == found).all()
    assert (shifted[1] == zero[1] - np.float32(0.25)).all()
