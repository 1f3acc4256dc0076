"""Beside other packages, each where it is installed: nnn-retrieval, kiez, scikit-learn, faiss; and QB-Norm's formula in NumPy.

Every tolerance is a bound on the rounding of both sides: scores here are sums of f32 products of vectors that were brought to unit
length (`oracles.bound`), the other side is in f64 unless a test says so.
"""

import numpy as np
import pytest
from oracles import ROUNDOFF, assert_ranked, bound, cosines, made, top_means, unit

import nnn_bench

K = 10


@pytest.fixture(scope="module")
def data():
    return made(3)


def all_items(queries, gallery):
    return np.tile(np.arange(len(gallery)), (len(queries), 1))


# nnn-retrieval, the authors' package.


def nnn_ranker(gallery, bank, k, alpha):
    """The authors' ranker on vectors in f64: what it computes is in the type that it is given."""
    nnn = pytest.importorskip("nnn")
    wide = [rows.astype(np.float64) for rows in (gallery, bank)]
    return nnn.NNNRanker(nnn.NNNRetriever(gallery.shape[1]), *wide, alternate_ks=k, alternate_weight=alpha)


@pytest.mark.parametrize(("k", "alpha"), [(1, 0.5), (8, 0.75), (200, 1.5)])
def test_the_bias_is_that_of_nnn_retrieval(data, k, alpha):
    gallery, _, bank = data
    means = nnn_ranker(gallery, bank, k, alpha).alignment_means.numpy()[:, 0]
    ours = nnn_bench.bias(gallery, bank, k=k, alpha=alpha)
    # Theirs is the mean alone; the weight comes in when it ranks.
    assert np.abs(ours - alpha * means).max() <= alpha * (bound(gallery.shape[1]) + ROUNDOFF)


def test_the_ranking_is_that_of_nnn_retrieval(data):
    gallery, queries, bank = data
    values, items = nnn_ranker(gallery, bank, 8, 0.75).search(queries.astype(np.float64), K)
    ours, scores = nnn_bench.rank(queries, gallery, K, method="nnn(k=8,alpha=0.75)", bank=bank, scores=True)
    slack = 2 * bound(gallery.shape[1])
    assert np.abs(values - scores).max() <= slack
    exact = cosines(queries, gallery) - 0.75 * top_means(gallery, bank, 8)
    assert_ranked(ours, exact, slack)
    assert_ranked(items, exact, slack)


def test_nnn_retrieval_takes_vectors_of_any_length_as_they_are(data):
    """A trap: the package does not bring vectors to unit length, and this one does."""
    gallery, _, bank = data
    theirs = nnn_ranker(2 * gallery, bank, 8, 1.0).alignment_means.numpy()[:, 0]
    ours = nnn_bench.bias(2 * gallery, bank, k=8, alpha=1.0)
    assert np.abs(theirs - 2 * ours).max() <= 2 * bound(gallery.shape[1]) + 4 * ROUNDOFF


def test_dn_is_that_of_nnn_retrieval_without_its_second_correction(data):
    """A trap: `DNRanker` subtracts NNN's bias, too, unless its weight is 0."""
    nnn = pytest.importorskip("nnn")
    gallery, queries, bank = data
    wide = [rows.astype(np.float64) for rows in (gallery, bank)]
    means = {"retrieval_dev_embeds": wide[0][:100], "query_dev_embeds": wide[1], "dn_lambda": 0.25}
    ranker = nnn.DNRanker(nnn.NNNRetriever(gallery.shape[1]), *wide, alternate_ks=8, alternate_weight=0, **means)
    _, items = ranker.search(queries.astype(np.float64), K)
    exact = cosines(queries, gallery) - 0.25 * unit(gallery.astype(np.float64)) @ wide[1].mean(axis=0)
    assert_ranked(items, exact, bound(gallery.shape[1]))
    assert_ranked(nnn_bench.rank(queries, gallery, K, method="dn(lambda=0.25)", bank=bank), exact, bound(gallery.shape[1]))


def test_a_k_above_the_bank_is_an_error_there_and_here(data):
    gallery, _, bank = data
    with pytest.raises(RuntimeError, match="out of range"):
        nnn_ranker(gallery, bank, len(bank) + 1, 1.0)
    with pytest.raises(ValueError, match="201.*200|200.*201"):
        nnn_bench.bias(gallery, bank, k=len(bank) + 1)


# kiez. Its bank is the side that queries come from: `fit(bank, gallery)`.


def kiez_distances(method, bank, gallery, queries, distances):
    """kiez's reduced distances of all pairs."""
    method.fit(bank.astype(np.float64), gallery.astype(np.float64))
    items = all_items(queries, gallery)
    reduced, places = method.transform(distances.copy(), items, queries.astype(np.float64))
    reduced, places = np.asarray(reduced), np.asarray(places)
    by_item = np.empty_like(reduced)
    np.put_along_axis(by_item, places, reduced, axis=1)
    return by_item


def search(metric, candidates):
    kiez = pytest.importorskip("kiez.neighbors")
    return kiez.SklearnNN(n_candidates=candidates, algorithm="brute", metric=metric)


def euclidean(similarities):
    return np.sqrt(np.maximum(2.0 - 2.0 * similarities, 0.0))


def assert_same_order(ours, distances, relative):
    """Our lists are those of the least distances, which are known up to a share of themselves."""
    least = np.sort(distances, axis=1)[:, : ours.shape[1]]
    there = np.take_along_axis(distances, ours, axis=1)
    assert np.abs(there - least).max() <= relative * np.abs(least).max()


@pytest.mark.parametrize("k", [2, 10, 200])
def test_csls_is_half_of_that_of_kiez(data, k):
    """`2 d - r(q) - r(g)` of cosine distances. `r(q)` orders nothing, so that half of the rest is a bias."""
    reductions = pytest.importorskip("kiez.hubness_reduction")
    gallery, queries, bank = data
    distances = 1.0 - cosines(queries, gallery)
    theirs = kiez_distances(reductions.CSLS(search("cosine", k)), bank, gallery, queries, distances)
    bias = nnn_bench.bias(gallery, bank, "csls", k=k).astype(np.float64)
    ours = distances + bias
    # Up to one number per query.
    apart = theirs / 2 - ours
    assert np.ptp(apart, axis=1).max() <= 2 * bound(gallery.shape[1])


@pytest.mark.parametrize("k", [2, 10])
def test_dissimlocal_is_half_of_that_of_kiez(data, k):
    """`|q - g|^2 - |q - c(q)|^2 - |g - c(g)|^2`, shifted by kiez so that none is negative; neither the shift nor `c(q)` orders anything."""
    reductions = pytest.importorskip("kiez.hubness_reduction")
    gallery, queries, bank = (unit(rows.astype(np.float64)) for rows in data)
    similarities = queries @ gallery.T
    theirs = kiez_distances(reductions.DisSimLocal(nn_algo=search("sqeuclidean", k)), bank, gallery, queries, 2.0 - 2.0 * similarities)
    bias = nnn_bench.bias(gallery, bank, "dissimlocal", k=k).astype(np.float64)
    apart = theirs / 2 - (1.0 - similarities + bias)
    # The bias is made of a mean similarity and of half the squared length of a mean of unit vectors.
    assert np.ptp(apart, axis=1).max() <= 4 * bound(gallery.shape[1])


@pytest.mark.parametrize(("ours", "theirs"), [("ls", "standard"), ("nicdm", "nicdm")])
def test_local_scaling_orders_as_that_of_kiez(data, ours, theirs):
    """The order is compared: a query's own factor is another one, as kiez takes it from all distances that it is given."""
    reductions = pytest.importorskip("kiez.hubness_reduction")
    gallery, queries, bank = data
    method = reductions.LocalScaling(method=theirs, nn_algo=search("euclidean", K))
    distances = kiez_distances(method, bank, gallery, queries, euclidean(cosines(queries, gallery)))
    found = nnn_bench.rank(queries, gallery, K, method=f"{ours}(k={K})", bank=bank)
    # The least squared distance of the data is above 2^-4: a cosine's error becomes 2^4 times as large a share of it.
    assert euclidean(cosines(queries, gallery)).min() ** 2 > 2.0**-4
    assert_same_order(found, distances, 2**6 * bound(gallery.shape[1]))


def test_normal_mutual_proximity_is_that_of_kiez_over_all_candidates(data):
    """kiez estimates means and deviations from a query's candidates; over all items, and cosine distances, it is the same formula."""
    reductions = pytest.importorskip("kiez.hubness_reduction")
    gallery, queries, bank = data
    distances = 1.0 - cosines(queries, gallery)
    method = reductions.MutualProximity(method="normal", nn_algo=search("cosine", len(bank)))
    theirs = kiez_distances(method, bank, gallery, queries, distances)
    found = nnn_bench.rank(queries, gallery, K, method="mp_normal", bank=bank)
    # The distribution's slope is below 0.4 a deviation, of which the least is above 2^-5.
    deviations = np.concatenate([distances.std(axis=1), (1.0 - cosines(gallery, bank)).std(axis=1)])
    assert deviations.min() > 2.0**-5
    assert_same_order(found, theirs, 2**6 * bound(gallery.shape[1]))


def test_empirical_mutual_proximity_differs_from_that_of_kiez(data):
    """kiez counts, among a query's candidates, the items that are farther from both, by the places of bank rows taken for places of
    items. Here two shares are multiplied, one of the gallery and one of the bank: see the README of method-scaling."""
    reductions = pytest.importorskip("kiez.hubness_reduction")
    gallery, queries, bank = data
    method = reductions.MutualProximity(method="empiric", nn_algo=search("cosine", len(bank)))
    distances = 1.0 - cosines(queries, gallery)
    theirs = kiez_distances(method, bank, gallery, queries, distances)
    similarities, known = cosines(queries, gallery), cosines(gallery, bank)
    shares = np.array([[(row < s).mean() * (known[g] < s).mean() for g, s in enumerate(row)] for row in similarities])
    found = nnn_bench.rank(queries, gallery, K, method=f"mp_empirical(depth={len(bank)})", bank=bank)
    # A similarity that nearly equals another may count on either side of it: one of each share.
    assert_ranked(found, shares, (1 / len(gallery) + 1 / len(bank)) / 2)
    assert (found != np.argsort(theirs, axis=1, kind="stable")[:, :K]).any(axis=1).mean() > 0.5
    # What kiez counts instead: of the items `j` the row `j` of the bank, and of those beyond the bank its farthest row.
    beyond = np.repeat(1.0 - known.min(axis=1, keepdims=True) + 1e-6, len(gallery) - len(bank), axis=1)
    rows = np.hstack([1.0 - known, beyond])
    counted = np.array([[((of > d) & (rows[g] > d)).mean() for g, d in enumerate(of)] for of in distances])
    assert np.abs(1.0 - theirs - counted).max() <= 1 / len(gallery)


# scikit-learn and faiss on augmented vectors.


@pytest.mark.parametrize(("form", "metric"), [("l2", "euclidean"), ("cosine", "cosine")])
@pytest.mark.parametrize("method", ["nnn(k=8,alpha=0.75)", "csls(k=10)", "is(beta=30)", "dn(lambda=0.5)"])
def test_scikit_learn_finds_the_corrected_neighbours(data, form, metric, method):
    neighbors = pytest.importorskip("sklearn.neighbors")
    gallery, queries, bank = data
    bias = nnn_bench.bias(gallery, bank, method)
    form = nnn_bench.Form.of(bias, form)
    items, asked = nnn_bench.augment(gallery, bias, form), nnn_bench.augment_queries(queries, form)
    index = neighbors.NearestNeighbors(n_neighbors=K, metric=metric, algorithm="brute").fit(items)
    found = index.kneighbors(asked, return_distance=False)
    exact = cosines(queries, gallery) - bias.astype(np.float64)
    lengths = np.linalg.norm(items, axis=1).max() + np.linalg.norm(asked, axis=1).max()
    assert_ranked(found, exact, bound(2 * items.shape[1] + 12) * lengths**2)
    assert_ranked(nnn_bench.rank(queries, gallery, K, bias=bias), exact, bound(gallery.shape[1]))


def test_faiss_finds_the_corrected_neighbours(data):
    faiss = pytest.importorskip("faiss")
    gallery, queries, bank = data
    bias = nnn_bench.bias(gallery, bank, k=8)
    form = nnn_bench.Form.of(bias, "ip")
    index = faiss.IndexFlatIP(gallery.shape[1] + 1)
    index.add(nnn_bench.augment(gallery, bias, form))
    _, found = index.search(nnn_bench.augment_queries(queries, form), K)
    exact = cosines(queries, gallery) - bias.astype(np.float64)
    assert_ranked(found, exact, 2 * bound(gallery.shape[1] + 1, length=2))


# QB-Norm, which is no package: its formulas in NumPy, in f64.


def inverted_softmax(gallery, queries, bank, beta):
    """`exp(beta s) / sum_i exp(beta s_i)`."""
    return np.exp(beta * cosines(queries, gallery)) / np.exp(beta * cosines(bank, gallery)).sum(axis=0)


@pytest.mark.parametrize("beta", [1 / 1.99, 20.0, 80.0])
def test_is_orders_as_the_formula_of_qb_norm(data, beta):
    gallery, queries, bank = data
    logs = np.log(inverted_softmax(gallery, queries, bank, beta)) / beta
    found = nnn_bench.rank(queries, gallery, K, method=f"is(beta={beta})", bank=bank)
    assert_ranked(found, logs, 2 * bound(gallery.shape[1]))


@pytest.mark.parametrize("k", [1, 3])
def test_dis_corrects_the_queries_whose_best_item_is_active(data, k):
    gallery, queries, bank = data
    raw, beta = cosines(queries, gallery), 20.0
    active = np.unique(np.argsort(-cosines(bank, gallery), axis=1, kind="stable")[:, :k])
    gated = np.isin(raw.argmax(axis=1), active)
    assert 0 < gated.sum() < len(queries)
    # Log and division by beta change no order within a row. The published code mixes both scales in one matrix.
    logs = np.log(inverted_softmax(gallery, queries, bank, beta)) / beta
    found = nnn_bench.rank(queries, gallery, K, method=f"dis(beta={beta},k={k})", bank=bank)
    assert_ranked(found, np.where(gated[:, None], logs, raw), 2 * bound(gallery.shape[1]))


# Hubness.


def test_the_skewness_of_k_occurrences_is_that_of_the_definition(data):
    gallery, queries, _ = data
    found = nnn_bench.hubness(queries, gallery, K)
    counts = np.bincount(nnn_bench.rank(queries, gallery, K).ravel(), minlength=len(gallery))
    assert np.array_equal(found["k_occurrence"], counts)
    centred = counts - counts.mean()
    skewness = (centred**3).mean() / (centred**2).mean() ** 1.5
    assert abs(found[f"k_skewness@{K}"] - skewness) <= 1e-12 * abs(skewness)
