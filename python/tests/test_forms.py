"""Augmented vectors rank as corrected scores do."""

import pickle

import numpy as np
import pytest
from oracles import ROUNDOFF, cosines, made

import nnn_bench

GALLERY, QUERIES, BANK = made(15)
BIAS = nnn_bench.bias(GALLERY, BANK, k=8)
EXACT = cosines(QUERIES, GALLERY) - BIAS.astype(np.float64)


def scores(form, items, queries):
    """What an engine of the form ranks by, in f64."""
    items, queries = items.astype(np.float64), queries.astype(np.float64)
    if form == "l2":
        return -((queries[:, None] - items[None]) ** 2).sum(axis=2)
    products = queries @ items.T
    return products / np.linalg.norm(items, axis=1) if form == "cosine" else products


def assert_same_order(ours, exact, slack):
    """Two items are in another order only where the exact scores are as near as rounding."""
    order = np.argsort(-ours, axis=1)
    along = np.take_along_axis(exact, order, axis=1)
    rises = along[:, 1:] - np.minimum.accumulate(along, axis=1)[:, :-1]
    assert rises.max() <= slack


@pytest.mark.parametrize("form", ["ip", "l2", "cosine"])
@pytest.mark.parametrize("scale", ["name", "balanced", 0.3])
def test_every_form_ranks_as_the_corrected_scores(form, scale):
    if form == "l2" and scale == 0.3:
        pytest.skip("the L2 form has no scale")
    made_of = {"name": lambda: form, "balanced": lambda: nnn_bench.Form.of(BIAS, form)}
    given = made_of.get(scale, lambda: nnn_bench.Form.of(BIAS, form, scale=scale))()
    items, queries = nnn_bench.augment(GALLERY, BIAS, given), nnn_bench.augment_queries(QUERIES, given)
    extra = 2 if form == "cosine" else 1
    assert items.dtype == queries.dtype == np.float32
    assert items.shape == (len(GALLERY), GALLERY.shape[1] + extra)
    assert queries.shape == (len(QUERIES), QUERIES.shape[1] + extra)
    # Coordinates are rounded once each; lengths are below 4.
    assert_same_order(scores(form, items, queries), EXACT, 64 * ROUNDOFF)


def test_the_inner_product_is_the_corrected_score_less_a_constant():
    form = nnn_bench.Form.of(BIAS, "ip")
    items, queries = nnn_bench.augment(GALLERY, BIAS, form), nnn_bench.augment_queries(QUERIES, form)
    apart = scores("ip", items, queries) - form.offset - EXACT
    assert np.abs(apart).max() <= 8 * ROUNDOFF
    assert form.offset == pytest.approx((BIAS.min() + BIAS.max()) / 2, rel=1e-6)


def test_a_form_tells_its_constants():
    ip, l2, cosine = (nnn_bench.Form.of(BIAS, name) for name in ("ip", "l2", "cosine"))
    assert (ip.name, l2.name, cosine.name) == ("ip", "l2", "cosine")
    half = (float(BIAS.max()) - float(BIAS.min())) / 2
    assert ip.scale == cosine.scale == pytest.approx(half**-0.5) and l2.scale == 1.0
    assert l2.offset == BIAS.min()
    assert (ip.extra, l2.extra, cosine.extra) == (1, 1, 2)
    assert l2.query_suffix.tolist() == [0.0]
    assert cosine.query_suffix.tolist() == [np.float32(-1 / cosine.scale), 0.0]
    lengths = np.linalg.norm(nnn_bench.augment(GALLERY, BIAS, cosine).astype(np.float64), axis=1)
    assert np.abs(lengths - cosine.length).max() <= 16 * ROUNDOFF
    assert ip.reach is None and ip.length is None


def test_a_form_is_known_again():
    for name in ("ip", "l2", "cosine"):
        form = nnn_bench.Form.of(BIAS, name)
        assert pickle.loads(pickle.dumps(form)) == form == eval(repr(form), {"Form": nnn_bench.Form})
        assert form != nnn_bench.Form.of(2 * BIAS, name)


def test_new_items_keep_the_form_of_the_old():
    form = nnn_bench.Form.of(BIAS[:200], "ip")
    both = [nnn_bench.augment(GALLERY[part], BIAS[part], form) for part in (slice(0, 200), slice(200, None))]
    assert (np.concatenate(both) == nnn_bench.augment(GALLERY, BIAS, form)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nnn_bench.Form("dot"), "name: `dot`, expected ip, l2 or cosine"),
        (lambda: nnn_bench.Form("ip", scale=0.0), "scale: the scale is 0, expected a number above 0"),
        (lambda: nnn_bench.Form("l2", scale=2.0), "scale: the scale is 2, but the L2 form has none"),
        (lambda: nnn_bench.Form("ip", offset=float("nan")), "offset: NaN, expected a finite number"),
        (lambda: nnn_bench.Form("cosine"), "reach: the cosine form needs it"),
        (lambda: nnn_bench.Form("ip", reach=1.0), "reach: only the cosine form has one"),
        (lambda: nnn_bench.augment(GALLERY, BIAS[:7]), "b: has 7 values, expected 300, one for each item"),
        (lambda: nnn_bench.augment(GALLERY, BIAS, "dot"), "form: `dot`, expected ip, l2 or cosine"),
        (lambda: nnn_bench.augment(GALLERY, np.where(np.arange(300) == 4, np.nan, BIAS)), "b: item 4 has NaN"),
        (lambda: nnn_bench.augment(GALLERY, BIAS - 9, nnn_bench.Form.of(BIAS, "l2")), "b: item 0: the bias .* is below"),
        (lambda: nnn_bench.augment(GALLERY, BIAS + 9, nnn_bench.Form.of(BIAS, "cosine")), "b: item 0: the bias .* lies outside"),
    ],
)
def test_what_has_no_place_in_a_form_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_form_is_a_form_or_a_name():
    with pytest.raises(TypeError, match="form: expected a Form or its name"):
        nnn_bench.augment(GALLERY, BIAS, 3)
