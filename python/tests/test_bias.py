"""Biases beside the formula in f64, whatever threads compute them."""

import pickle

import numpy as np
import pytest
from oracles import ROUNDOFF, bound, made, top_means

import nnn_bench


@pytest.fixture(scope="module")
def data():
    return made(12, gallery=500, bank=400)


def bits(values):
    return values.view(np.uint32)


@pytest.mark.parametrize(("k", "alpha"), [(1, 1.0), (8, 0.75), (400, 1.5), (3, 0.0)])
def test_nnn_is_the_mean_of_the_largest_similarities(data, k, alpha):
    gallery, _, bank = data
    found = nnn_bench.bias(gallery, bank, "nnn", k=k, alpha=alpha)
    assert found.dtype == np.float32 and found.shape == (len(gallery),)
    expected = alpha * top_means(gallery, bank, k)
    # Of the products, and of the result.
    assert np.abs(found - expected).max() <= alpha * (bound(gallery.shape[1]) + 2 * ROUNDOFF)


@pytest.mark.parametrize("method", ["nnn(k=8)", "csls(k=8)", "is(beta=20)", "dn", "sn", "dissimlocal(k=8)"])
def test_threads_change_no_bit(data, method):
    gallery, _, bank = data
    one, two, all_cores = (nnn_bench.bias(gallery, bank, method, threads=threads) for threads in (1, 2, None))
    assert (bits(one) == bits(two)).all() and (bits(one) == bits(all_cores)).all()


def test_parameters_are_keywords_or_stand_in_the_signature(data):
    gallery, _, bank = data
    forms = [
        nnn_bench.bias(gallery, bank, k=8, alpha=0.5),
        nnn_bench.bias(gallery, bank, "nnn", k=np.int64(8), alpha=np.float32(0.5)),
        nnn_bench.bias(gallery, bank, "nnn(k=8,alpha=0.5)"),
        nnn_bench.bias(gallery, bank, "nnn( k=8, alpha=0.5 )"),
        nnn_bench.bias(gallery, bank, "nnn(k=8)", alpha=0.5),
    ]
    assert all((bits(form) == bits(forms[0])).all() for form in forms)
    default = nnn_bench.bias(gallery, bank)
    assert (bits(default) == bits(nnn_bench.bias(gallery, bank, k=128, alpha=0.75))).all()


def test_a_gallery_in_parts_has_the_biases_of_the_whole(data):
    gallery, _, bank = data
    parts = [nnn_bench.bias(gallery[part], bank, k=8) for part in (slice(0, 1), slice(1, 333), slice(333, None))]
    assert (bits(np.concatenate(parts)) == bits(nnn_bench.bias(gallery, bank, k=8))).all()
    assert nnn_bench.bias(gallery[:0], bank, k=8).shape == (0,)


def test_nothing_is_subtracted_by_raw(data):
    gallery, _, bank = data
    assert (nnn_bench.bias(gallery, bank, "raw") == 0).all()


def test_a_bank_is_what_its_arrays_are(data):
    gallery, queries, bank = data
    both = nnn_bench.Bank(bank, gallery=queries)
    assert (len(both), both.gallery_len, both.dim) == (len(bank), len(queries), bank.shape[1])
    assert repr(both) == f"Bank({len(bank)}, gallery={len(queries)}, dim={bank.shape[1]})"
    found = nnn_bench.bias(gallery, both, k=8)
    assert (bits(found) == bits(nnn_bench.bias(gallery, bank, k=8))).all()
    dual = nnn_bench.bias(gallery, both, "dualis")
    assert np.isfinite(dual).all()


def test_a_bank_pickles_with_all_bits(data):
    """Guards against vectors that are normalised a second time, which may move a bit."""
    gallery, queries, bank = data
    long = 7 * bank.astype(np.float64)
    for one in (nnn_bench.Bank(long, gallery=3 * queries), nnn_bench.Bank(bank), nnn_bench.Bank(gallery=queries)):
        again = pickle.loads(pickle.dumps(one))
        assert repr(again) == repr(one)
        method = "nnn(k=8)" if len(one) else "dualis"
        if len(one):
            assert (bits(nnn_bench.bias(gallery, again, method)) == bits(nnn_bench.bias(gallery, one, method))).all()
        for kept, restored in zip(one.__reduce__()[1], again.__reduce__()[1]):
            assert (kept is None) == (restored is None)
            assert kept is None or (bits(kept) == bits(restored)).all()


def test_progress_adds_up_to_the_total(data):
    gallery, _, bank = data
    bars = []

    class Bar:
        def __init__(self, **given):
            self.given, self.done, self.closed = given, 0, False
            bars.append(self)

        def update(self, more):
            assert more > 0 and not self.closed
            self.done += more

        def close(self):
            self.closed = True

    nnn_bench.bias(gallery, bank, "is(beta=20)", progress=Bar)
    nnn_bench.rank(bank, gallery, 5, method="csls(k=8)", bank=bank, progress=Bar)
    nnn_bench.rank(bank, gallery, 5, method="ls(k=8)", bank=bank, progress=Bar)
    nnn_bench.rank(bank, gallery, 5, method="gr_clip", bank=nnn_bench.Bank(bank, gallery=gallery), progress=Bar)
    nnn_bench.hubness(bank, gallery, 5, progress=Bar)
    nnn_bench.Partial.collect(gallery, bank, 0, len(bank), k=8, progress=Bar)
    assert [bar.given["total"] for bar in bars] == [bar.done for bar in bars]
    assert all(bar.closed for bar in bars)
    assert bars[0].given == {"total": len(gallery) * len(bank), "desc": "bias", "unit": "scores", "unit_scale": True}
    assert len(bars) == 6


def test_what_a_bar_raises_stops_the_call(data):
    gallery, _, bank = data

    def broken(**_):
        raise RuntimeError("no terminal")

    with pytest.raises(RuntimeError, match="no terminal"):
        nnn_bench.bias(gallery, bank, k=8, progress=broken)


def test_all_methods_are_told_with_their_parameters():
    known = nnn_bench.methods()
    assert [method["name"] for method in known[:2]] == ["raw", "nnn"]
    nnn = known[1]
    assert (nnn["kind"], nnn["transductive"]) == ("additive", False)
    k, alpha = nnn["params"]
    assert (k["name"], k["default"], k["range"]) == ("k", 128, "a whole number >= 1")
    assert k["grid"][:3] == [1, 2, 4] and all(type(value) is int for value in k["grid"])
    assert (alpha["name"], alpha["default"]) == ("alpha", 0.75)
    assert {method["kind"] for method in known} == {"additive", "gated", "rescaling", "vector-moving"}


def test_a_fork_computes_with_threads_of_its_own(data):
    """Guards against a child that waits for threads which only its parent has."""
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here")
    gallery, _, bank = data
    expected = nnn_bench.bias(gallery, bank, k=8)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply_async(nnn_bench.bias, (gallery, bank), {"k": 8}).get(timeout=60)
    assert (bits(found) == bits(expected)).all()
