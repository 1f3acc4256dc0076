"""Bad input gets one message: argument, place, value, and what was expected."""

import numpy as np
import pytest
from oracles import made

import nnn_bench

GALLERY, QUERIES, BANK = made(19)


def changed(rows, at, value):
    rows = rows.copy()
    rows[at] = value
    return rows


WRONG = [
    (lambda: nnn_bench.bias(changed(GALLERY, (7, 3), np.nan), BANK), "gallery: row 7, column 3 is NaN; embeddings must be finite"),
    (lambda: nnn_bench.bias(GALLERY, changed(BANK, 5, 0)), "bank: row 5 is a zero vector; it has no direction to compare"),
    (lambda: nnn_bench.Bank(changed(BANK, 5, 0)), "reference: row 5 is a zero vector"),
    (lambda: nnn_bench.Bank(BANK, gallery=changed(BANK, (0, 0), np.inf)), "gallery: row 0, column 0 is inf; embeddings must be finite"),
    (
        lambda: nnn_bench.bias(changed(GALLERY.astype(np.float64), (2, 1), 1e300), BANK),
        r"gallery: row 2, column 1 is 1e300, beyond the range of f32 \(3.4028235e38\)",
    ),
    (lambda: nnn_bench.bias(GALLERY[:, :0], BANK), "gallery: embeddings need a dimension of at least 1, got 0"),
    (lambda: nnn_bench.bias(GALLERY[0], BANK), r"gallery: has the shape \(24,\), expected two dimensions \(items, dim\)"),
    (
        lambda: nnn_bench.bias(GALLERY, BANK[:, :5]),
        "bank: nnn.*: the gallery has dimension 24, the query bank has dimension 5; they must agree",
    ),
    (lambda: nnn_bench.Bank(BANK, gallery=GALLERY[:, :5]), "gallery: has dimension 5, but reference has 24; they must agree"),
    (lambda: nnn_bench.Bank(), "reference: expected vectors"),
    (
        lambda: nnn_bench.bias(GALLERY, BANK, k=500),
        r"bank: nnn\(k=500,alpha=0.75\): k = 500 is larger than the query bank, which has 200 items",
    ),
    (lambda: nnn_bench.bias(GALLERY, BANK[:0], k=1), "bank: nnn.*: the query bank is empty; it needs at least one item"),
    (
        lambda: nnn_bench.bias(GALLERY, nnn_bench.Bank(gallery=BANK), k=1),
        "bank: nnn.*: .* needs a query bank, but this reference set has none; give it as `bank`",
    ),
    (
        lambda: nnn_bench.bias(GALLERY, BANK, "dualis"),
        r"bank: dualis.* needs a gallery bank, but this reference set has none; give it as `bank=Bank\(queries, gallery=items\)`",
    ),
    (lambda: nnn_bench.bias(GALLERY, BANK, "nnm"), "method: .*`nnm`.*nnn"),
    (lambda: nnn_bench.bias(GALLERY, BANK, "nnn(k=3"), r"method: `nnn\(k=3` is no method signature; expected `name` or `name\(parameter=value,...\)`"),
    (lambda: nnn_bench.bias(GALLERY, BANK, k=0), "method: parameter `k` is 0, expected a whole number >= 1"),
    (lambda: nnn_bench.bias(GALLERY, BANK, k=1.5), "method: parameter `k` is 1.5, expected a whole number >= 1"),
    (lambda: nnn_bench.bias(GALLERY, BANK, k=8, alpha=-1), "method: parameter `alpha` is -1, expected a number >= 0"),
    (lambda: nnn_bench.bias(GALLERY, BANK, "nnn(k=3)", k=4), r"k: is given twice: `nnn\(k=3\)` has it, too"),
    (
        lambda: nnn_bench.bias(GALLERY, BANK, "dis"),
        "method: `dis.*` is gated: which bias is subtracted depends on the query's own best item, which is known only after a search",
    ),
    (lambda: nnn_bench.bias(GALLERY, BANK, "ls"), r"method: `ls.*` rewrites all scores of a query by a rule \(it is rescaling\)"),
    (lambda: nnn_bench.bias(GALLERY, BANK, "whitening"), "method: `whitening.*` changes the vectors of both sides; `export` writes"),
    (lambda: nnn_bench.bias(GALLERY, BANK, k=8, threads=0), "threads: 0, expected a whole number >= 1"),
    (lambda: nnn_bench.rank(QUERIES, GALLERY, 0), "k: 0, expected a whole number >= 1"),
    (lambda: nnn_bench.rank(QUERIES, GALLERY, 301), "k: 301 is larger than the gallery, which has 300 items"),
    (lambda: nnn_bench.rank(QUERIES[:, :5], GALLERY), "queries: have dimension 5, but the gallery has 24; they must agree"),
    (lambda: nnn_bench.rank(changed(QUERIES, 3, 0), GALLERY), "queries: row 3 is a zero vector"),
    (lambda: nnn_bench.rank(QUERIES, GALLERY, bias=np.zeros(5)), "bias: has 5 values, expected 300, one for each item"),
    (lambda: nnn_bench.rank(QUERIES, GALLERY, bias=np.full(300, np.nan)), "bias: item 0 has NaN, expected a finite number of f32"),
    (lambda: nnn_bench.rank(QUERIES, GALLERY, bias=np.full(300, 1e300)), "bias: item 0 has inf, expected a finite number of f32"),
    (lambda: nnn_bench.rank(QUERIES, GALLERY, bank=BANK), "bank: raw reads no bank: leave it out, or name a method that reads one"),
    (
        lambda: nnn_bench.rank(QUERIES, GALLERY, method="nnn", bias=np.zeros(300)),
        "bias: is given, so that there is nothing for a method or a bank to do: leave them out",
    ),
    (lambda: nnn_bench.rank(QUERIES, GALLERY, method="nnn"), "bank: nnn.* needs a query bank"),
    (lambda: nnn_bench.rank(QUERIES, GALLERY, method="whitening(dims=25)", bank=nnn_bench.Bank(BANK, gallery=GALLERY)), r"method: whitening\(dims=25\): 25 directions are asked for, but the vectors have dimension 24"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_a_wrong_value_is_a_value_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


TYPES = [
    (lambda: nnn_bench.bias("gallery.npy", BANK), "gallery: expected an array of numbers, got str"),
    (lambda: nnn_bench.bias(GALLERY, None), "bank: expected an array of numbers, got NoneType"),
    (lambda: nnn_bench.bias(GALLERY, BANK, kk=3), "method `nnn` has no parameter `kk`; it has `k`, `alpha`"),
    (lambda: nnn_bench.bias(GALLERY, BANK, k="3"), "k: expected a number, got <class 'str'>"),
    (lambda: nnn_bench.bias(GALLERY, BANK, k=[1, 2]), "k: expected a number, got <class 'list'>"),
    (lambda: nnn_bench.bias(GALLERY, BANK, 7), "str"),
    (lambda: nnn_bench.rank(QUERIES, GALLERY, "ten"), "integer"),
    (lambda: nnn_bench.bias(GALLERY), "bank"),
]


@pytest.mark.parametrize(("call", "message"), TYPES)
def test_a_wrong_type_is_a_type_error(call, message):
    with pytest.raises(TypeError, match=message):
        call()
