"""The scikit-learn estimator: conventions, forms, and its neighbours beside those of `rank`."""

import doctest
import importlib
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from oracles import assert_ranked, bound, cosines, made, top_means
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import nnn_bench
from nnn_bench import HubnessCorrector

PARAMS = {"k": 8, "alpha": 0.75}
METRICS = {"ip": None, "l2": "euclidean", "cosine": "cosine"}

# The checks fit as little as one row, and the bank is then that row: parameters fit it.
CHECKED = [
    HubnessCorrector(params={"k": 1}),
    HubnessCorrector(params={"k": 1}, form="l2"),
    HubnessCorrector(params={"k": 1}, form="cosine"),
    HubnessCorrector("raw"),
    HubnessCorrector("is"),
    HubnessCorrector("centering"),
    HubnessCorrector("dualis"),
]
# Of a check that fails the docstring of the estimator has the reason, too.
EXPECTED_FAILURES = {
    "check_estimators_dtypes": "its matrix of whole numbers has a row of zeros, which has no direction; the next test has the types",
}


@parametrize_with_checks(CHECKED, expected_failed_checks=lambda _: EXPECTED_FAILURES)
def test_it_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "int64"])
def test_it_takes_numbers_of_any_type(dtype):
    items = (30 * np.random.default_rng(0).normal(size=(20, 5))).round().astype(dtype)
    assert np.abs(items).max(axis=1).min() > 0
    corrector = HubnessCorrector(params={"k": 2}).fit(items)
    found = corrector.transform(items)
    assert found.dtype == np.float32
    # Whole numbers below 256 are the same in all types.
    assert np.array_equal(found, HubnessCorrector(params={"k": 2}).fit_transform(items.astype(np.float64)))
    assert corrector.kneighbors(items, 1, return_distance=False).shape == (20, 1)


def test_a_row_of_zeros_is_an_error():
    with pytest.raises(ValueError, match="row 3 is a zero vector"):
        HubnessCorrector("raw").fit(np.vstack([np.eye(3), np.zeros((1, 3))]))


@pytest.fixture(scope="module")
def data():
    return made(1)


def exact(data):
    """Corrected scores in f64."""
    gallery, queries, bank = data
    return cosines(queries, gallery) - PARAMS["alpha"] * top_means(gallery, bank, PARAMS["k"])


def test_its_bias_is_that_of_the_function(data):
    gallery, _, bank = data
    corrector = HubnessCorrector(params=PARAMS).fit(gallery, bank=bank)
    assert np.array_equal(corrector.bias_, nnn_bench.bias(gallery, bank, **PARAMS))


def test_its_neighbours_are_those_of_rank_and_of_the_formula(data):
    gallery, queries, bank = data
    distances, items = HubnessCorrector(params=PARAMS, n_neighbors=7).fit(gallery, bank=bank).kneighbors(queries)
    expected, scores = nnn_bench.rank(queries, gallery, 7, method="nnn(k=8,alpha=0.75)", bank=bank, scores=True)
    assert np.array_equal(items, expected)
    assert np.array_equal(distances, 1 - scores)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert_ranked(items, exact(data), bound(gallery.shape[1]))


def test_without_a_correction_distances_are_cosine_distances(data):
    gallery, queries, _ = data
    distances, items = HubnessCorrector("raw").fit(gallery).kneighbors(queries, 4)
    theirs, _ = NearestNeighbors(n_neighbors=4, metric="cosine").fit(gallery).kneighbors(queries)
    assert_ranked(items, cosines(queries, gallery), bound(gallery.shape[1]))
    # Both are in f32.
    assert np.abs(distances - theirs).max() <= 2 * bound(gallery.shape[1]) + 2.0**-23


@pytest.mark.parametrize("form", METRICS)
def test_an_index_of_augmented_vectors_finds_the_corrected_neighbours(data, form):
    gallery, queries, bank = data
    corrector = HubnessCorrector(params=PARAMS, form=form)
    items, asked = corrector.fit_transform(gallery, bank=bank), corrector.transform_queries(queries)
    assert items.dtype == asked.dtype == np.float32
    assert items.shape[1] == asked.shape[1] == gallery.shape[1] + (2 if form == "cosine" else 1)
    if METRICS[form] is None:
        found = np.argsort(-(asked.astype(np.float64) @ items.astype(np.float64).T), axis=1, kind="stable")[:, :10]
    else:
        index = NearestNeighbors(n_neighbors=10, metric=METRICS[form], algorithm="brute").fit(items)
        found = index.kneighbors(asked, return_distance=False)
    # Half a squared distance, the worst of the forms: (d + 8) u (|q| + |x|)^2 / 2.
    lengths = np.linalg.norm(items, axis=1).max() + np.linalg.norm(asked, axis=1).max()
    assert_ranked(found, exact(data), bound(2 * items.shape[1] + 12) * lengths**2)


def test_fit_transform_is_fit_and_transform(data):
    gallery, _, bank = data
    both = HubnessCorrector(params=PARAMS).fit_transform(gallery, bank=bank)
    apart = HubnessCorrector(params=PARAMS).fit(gallery, bank=bank).transform(gallery.copy())
    assert np.array_equal(both, apart)


def test_new_items_get_what_they_would_have_got_among_the_others(data):
    gallery, _, bank = data
    corrector = HubnessCorrector(params=PARAMS).fit(gallery, bank=bank)
    assert np.array_equal(corrector.transform(gallery[40:50]), corrector.transform(gallery)[40:50])


def test_the_items_are_their_own_bank_unless_there_is_another(data):
    gallery = data[0]
    own = HubnessCorrector(params=PARAMS).fit(gallery)
    assert np.array_equal(own.bias_, nnn_bench.bias(gallery, gallery, **PARAMS))


def test_an_item_that_is_its_own_reference_is_left_out_by_one_more_neighbour(data):
    """What the docstring says of `k + 1` and `alpha (k + 1) / k`."""
    gallery, k, alpha = data[0], 8, 0.75
    counted = HubnessCorrector(params={"k": k + 1, "alpha": alpha * (k + 1) / k}).fit(gallery).bias_
    others = cosines(gallery, gallery)
    np.fill_diagonal(others, -1.0)
    without = alpha * np.sort(others, axis=1)[:, -k:].mean(axis=1)
    # They differ by the item's own similarity, alpha / k, which is the same for all.
    assert np.abs(counted - without - alpha / k).max() <= 2 * bound(gallery.shape[1])
    assert np.ptp(HubnessCorrector(params={"k": 1}).fit(gallery).bias_) <= 2 * bound(gallery.shape[1])


def test_a_bank_with_two_sides_serves_methods_that_read_both(data):
    gallery, queries, bank = data
    both = nnn_bench.Bank(bank, gallery=gallery[:100])
    corrector = HubnessCorrector("dualis", {"beta1": 3.0, "beta2": 20.0}).fit(gallery, bank=both)
    expected = nnn_bench.rank(queries, gallery, 5, method="dualis(beta1=3,beta2=20)", bank=both)
    assert np.array_equal(corrector.kneighbors(queries, return_distance=False), expected)


@pytest.mark.parametrize("method", ["gr_clip", "whitening", "abtt(d=2)", "localadj", "invgc"])
@pytest.mark.parametrize("form", ["ip", "cosine"])
def test_methods_that_move_vectors_give_moved_vectors(data, method, form):
    gallery, queries, bank = data
    both = nnn_bench.Bank(bank, gallery=gallery[:150])
    corrector = HubnessCorrector(method, form=form).fit(gallery, bank=both)
    items, asked = corrector.transform(gallery), corrector.transform_queries(queries)
    scores = asked.astype(np.float64) @ items.astype(np.float64).T
    found = corrector.kneighbors(queries, 5, return_distance=False)
    # Moving rounds a vector a few times more, in a matrix of as many products as there are coordinates.
    assert_ranked(found, scores, 4 * bound(2 * gallery.shape[1]))
    assert not hasattr(corrector, "bias_")
    assert np.array_equal(found, nnn_bench.rank(queries, gallery, 5, method=method, bank=both))


@pytest.mark.parametrize("method", ["sn", "dbsn", "invgc"])
def test_methods_that_read_the_whole_gallery_take_no_new_items(data, method):
    gallery, _, bank = data
    corrector = HubnessCorrector(method).fit(gallery, bank=nnn_bench.Bank(bank, gallery=gallery[:50]))
    assert len(corrector.transform(gallery.copy())) == len(gallery)
    with pytest.raises(ValueError, match=f"X: what `{method}` does to an item depends on all other items"):
        corrector.transform(gallery[:10])


@pytest.mark.parametrize("method", ["dis", "ls", "dsl"])
def test_methods_that_no_vector_can_hold_are_refused_with_the_reason(data, method):
    with pytest.raises(ValueError, match=method):
        HubnessCorrector(method).fit(data[0])


def test_an_unknown_method_and_a_k_above_the_bank_are_errors(data):
    with pytest.raises(ValueError, match="nn2"):
        HubnessCorrector("nn2").fit(data[0])
    with pytest.raises(ValueError, match="201.*200|200.*201"):
        HubnessCorrector(params={"k": 201}).fit(data[0], bank=data[2])


def test_a_refit_forgets_a_method_of_another_kind(data):
    gallery, queries, _ = data
    corrector = HubnessCorrector("gr_clip").fit(gallery).set_params(method="csls").fit(gallery)
    assert corrector.transform_queries(queries).shape[1] == gallery.shape[1] + 1
    assert not hasattr(corrector.set_params(method="gr_clip").fit(gallery), "bias_")


def test_it_is_cloned_and_pickled(data):
    gallery, queries, bank = data
    corrector = HubnessCorrector("csls(k=4)").fit(gallery, bank=bank)
    again = pickle.loads(pickle.dumps(corrector))
    assert np.array_equal(again.transform(gallery[:5]), corrector.transform(gallery[:5]))
    assert np.array_equal(again.kneighbors(queries)[1], corrector.kneighbors(queries)[1])
    assert clone(corrector).get_params() == corrector.get_params()


def test_a_pipeline_hands_the_bank_on(data):
    gallery, _, bank = data
    pipeline = make_pipeline(FunctionTransformer(), HubnessCorrector(params=PARAMS))
    found = pipeline.fit_transform(gallery, hubnesscorrector__bank=bank)
    assert np.array_equal(found, HubnessCorrector(params=PARAMS).fit_transform(gallery, bank=bank))


def test_the_example_of_the_docstring_is_right():
    found = doctest.testmod(importlib.import_module("nnn_bench.estimator"))
    assert found.attempted > 0
    assert found.failed == 0


def test_new_columns_have_names():
    pandas = pytest.importorskip("pandas")
    gallery = made(2, gallery=20)[0]
    table = HubnessCorrector(params={"k": 2}).set_output(transform="pandas").fit_transform(gallery)
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns)[-1] == f"hubnesscorrector{gallery.shape[1]}"
