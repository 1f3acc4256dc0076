"""A bank in parts says what the whole bank says, bit for bit."""

import itertools
import pickle

import numpy as np
import pytest

import nnn_bench
from nnn_bench import Partial

CHUNK = Partial.CHUNK
ROWS = 2 * CHUNK + 1000


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(17)
    items = random.standard_normal((40, 6)).astype(np.float32)
    return items, random.standard_normal((ROWS, 6)).astype(np.float32)


def parts(data, cuts, method="nnn(k=20)", **options):
    items, bank = data
    return [Partial.collect(items, bank[a:b], a, len(bank), method, **options) for a, b in itertools.pairwise(cuts)]


def bits(values):
    return values.view(np.uint32)


def merged(some):
    first, *others = [pickle.loads(pickle.dumps(it)) for it in some]
    for other in others:
        first.merge(other)
    return first


@pytest.mark.parametrize("method", ["nnn(k=20)", "csls(k=500)", "is(beta=20)", "dn(lambda=0.5)"])
@pytest.mark.parametrize("cuts", [[0, ROWS], [0, CHUNK, ROWS], [0, 2 * CHUNK, ROWS], [0, CHUNK, 2 * CHUNK, ROWS]])
def test_parts_in_any_cut_and_order_are_the_whole(data, method, cuts):
    items, bank = data
    expected = nnn_bench.bias(items, bank, method)
    for order in itertools.permutations(parts(data, cuts, method)):
        assert (bits(merged(order).bias(items, method)) == bits(expected)).all()


def test_merging_gives_itself_and_leaves_the_other(data):
    first, second = parts(data, [0, CHUNK, ROWS])
    before = second.to_bytes()
    assert first.merge(second) is first
    assert second.to_bytes() == before


def test_one_part_serves_all_that_read_the_same(data):
    items, bank = data
    whole = merged(parts(data, [0, CHUNK, ROWS]))
    for alpha in (0.25, 1.5):
        found = whole.bias(items, "nnn", k=20, alpha=alpha)
        assert (bits(found) == bits(nnn_bench.bias(items, bank, "nnn", k=20, alpha=alpha))).all()
    with pytest.raises(ValueError, match=r"method: nnn\(k=21,alpha=0.75\) reads top_mean\(k=21\) of the query bank, which was not collected"):
        whole.bias(items, k=21)


def test_two_banks_merge(data):
    items, bank = data
    method = "dualis(beta1=3,beta2=20)"
    other = bank[: CHUNK + 7]
    some = [
        *parts(data, [0, 2 * CHUNK, ROWS], method),
        Partial.collect(items, other[CHUNK:], CHUNK, len(other), method, bank="gallery"),
        Partial.collect(items, other[:CHUNK], 0, len(other), method, bank="gallery"),
    ]
    expected = nnn_bench.bias(items, nnn_bench.Bank(bank, gallery=other), method)
    assert (bits(merged(some).bias(items, method)) == bits(expected)).all()
    with pytest.raises(ValueError, match="bank: dualis.* needs a gallery bank"):
        merged(some[:2]).bias(items, method)


def test_bytes_are_read_back_or_refused(data):
    part = parts(data, [0, CHUNK])[0]
    written = part.to_bytes()
    assert Partial.from_bytes(written) == part == pickle.loads(pickle.dumps(part))
    with pytest.raises(ValueError, match="b: no partial statistics"):
        Partial.from_bytes(written[:-1])
    with pytest.raises(ValueError, match="b: no partial statistics"):
        Partial.from_bytes(b"")


def test_what_does_not_belong_together_is_refused(data):
    items, bank = data
    first, second = parts(data, [0, CHUNK, ROWS])
    cases = [
        (lambda: first.merge(first), "other: rows 0 to 65535 of the query bank are in both parts; every row counts once"),
        (lambda: first.merge(parts(data, [CHUNK, ROWS], "csls(k=3)")[0]), "other: .* is in the plan of one part"),
        (lambda: first.merge(Partial.collect(-items, bank[CHUNK:], CHUNK, ROWS, k=20)), "other: one part of a bank has seen"),
        (lambda: first.bias(items, k=20), f"Partial: rows {CHUNK} to {ROWS - 1} of the query bank, which has {ROWS}, are in no part"),
        (lambda: merged([first, second]).bias(-items, k=20), "items: the parts of a bank have seen"),
        (lambda: Partial.collect(items, bank[:1000], 0, ROWS), "part: a part has 1000 rows of the query bank from row 0 on"),
        (lambda: Partial.collect(items, bank[:1000], 5, ROWS), "part: a part has 1000 rows of the query bank from row 5 on"),
        (lambda: Partial.collect(items, bank[:0], 0, ROWS), "part: the query bank is empty"),
        (lambda: Partial.collect(items, bank[:100], 0, 100), "total: nnn.*: k = 128 is larger than the query bank, which has 100 items"),
        (lambda: Partial.collect(items, bank[:, :5], 0, ROWS), "part: the gallery has dimension 6, the query bank has dimension 5"),
        (lambda: Partial.collect(items, bank, -1, ROWS), "first: -1, expected a whole number >= 0"),
        (lambda: Partial.collect(items, bank, 0, ROWS, bank="both"), "bank: `both`, expected `query` or `gallery`"),
        (lambda: Partial.collect(items, bank, 0, ROWS, bank="gallery"), "method: nnn.* reads no gallery bank"),
        (lambda: Partial.collect(items, bank, 0, ROWS, "sn"), "method: sn.* cannot be computed from parts of the query bank"),
        (lambda: first.bias(items, "ls"), "method: `ls"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="other: expected a Partial"):
        first.merge(3)
