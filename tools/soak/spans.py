"""Intervals of scores: what a similarity can be after rounding, and what that leaves open of a rank.

Two tiers serve every comparison.

`bound` knows nothing of how the program adds. A vector `x` is taken as it is stored, in single precision, and brought to unit
length in f64. The program rounds each coordinate of a unit vector once, so that it is off by a factor `1 + e` with `|e| <= u`,
`u = 2^-24`. It then adds `d` products in f32, with one rounding each (a chain of fused multiply-adds), and no term passes through
more than `d` of them. So the similarity is off by at most

    ((d + 2) u / (1 - (d + 2) u)) sum |a_i b_i|  +  3 d 2^-149

(Higham, Accuracy and Stability, section 3.1). The last term is for what f32 rounds below its normal range. The oracle's own
rounding in f64 adds `(d + 8) 2^-53 sum |a_i b_i|`. Where all coordinates of both unit vectors are multiples of 2^-11, products and
partial sums are multiples of 2^-22 below 4 and exact, so the bound is zero: such rows test the rule for ties.

`bits` holds the program to what it promises of scores: unit vectors by a sum and a quotient in f64, rounded once, and one chain of
fused multiply-adds in ascending dimension. The chain is computed here with the bits of f32, so that intervals are points.
"""

from dataclasses import dataclass

import numpy as np

U32 = 2.0**-24
U64 = 2.0**-53
GRID = 2.0**11
LARGEST = float(np.finfo(np.float32).max)


@dataclass
class Span:
    """Lowest and highest possible values, arrays of one shape."""

    lo: np.ndarray
    hi: np.ndarray

    def widened(self, by):
        return Span(self.lo - by, self.hi + by)

    def rounded(self):
        """After rounding to f32, which keeps order: so the ends may be rounded in place of the value."""
        return Span(to_f32(self.lo), to_f32(self.hi))

    def rows(self, which):
        return Span(self.lo[which], self.hi[which])


def to_f32(values):
    """The nearest f32, as f64; what is beyond becomes the largest, as the program says of biases and scores."""
    return np.clip(values, -LARGEST, LARGEST).astype(np.float32).astype(np.float64)


def minus(scores, biases):
    """`scores - biases` in f32, where one subtraction is rounded once and keeps order in both."""
    lo, hi = (np.float32(end) for end in (scores.lo, scores.hi))
    low, high = (np.float32(end) for end in (biases.lo, biases.hi))
    with np.errstate(over="ignore"):
        return Span((lo - high).astype(np.float64), (hi - low).astype(np.float64))


def unit_rows(values):
    """Rows of unit length in f64."""
    return values / np.sqrt((values * values).sum(axis=1, keepdims=True))


def unit_bits(values):
    """Rows of unit length as the program has them: squares added in order in f64, quotients rounded to f32 once."""
    squares = np.add.accumulate(values * values, axis=1)[:, -1:]
    return (values / np.sqrt(squares)).astype(np.float32).astype(np.float64)


class Vectors:
    """The vectors of one side, from the f32 values that are stored."""

    def __init__(self, values):
        self.values = np.ascontiguousarray(values, dtype=np.float32).astype(np.float64)
        self.unit = unit_rows(self.values)
        self.bits = unit_bits(self.values)
        scaled = self.unit * GRID
        self.exact = (scaled == np.rint(scaled)).all(axis=1)

    def __len__(self):
        return len(self.values)

    def alike(self):
        """A number for every row, equal for rows that are one another's multiples by a power of two: these have one direction to
        the last bit, whatever rounds."""
        _, exponent = np.frexp(np.abs(self.values).max(axis=1, keepdims=True))
        keys = np.ldexp(self.values, -exponent) + 0.0
        return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


def bounded(a, b):
    """The first tier: `(a, b)` similarities."""
    dim = a.unit.shape[1]
    products, sizes = a.unit @ b.unit.T, np.abs(a.unit) @ np.abs(b.unit).T
    share = (dim + 2) * U32
    error = (share / (1 - share) + (dim + 8) * U64) * sizes + 3 * dim * 2.0**-149
    error[np.ix_(a.exact, b.exact)] = 0.0
    return Span(products - error, products + error)


def odd(total, lost):
    """`total` with a last bit that says that something was lost: rounding it again is then rounding once (Boldo, Melquiond)."""
    bits = total.view(np.int64)
    even = (lost != 0) & ((bits & 1) == 0)
    away = np.where((lost > 0) == (total > 0), 1, -1)
    return np.where(even, bits + away, bits).view(np.float64)


def fused(a, b, c):
    """`a b + c` of values of f32, rounded to f32 once. The product is exact in f64."""
    product = a * b
    total = product + c
    near = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    near |= (np.abs(total) < 2.0**-125) & (total != 0)
    if near.any():
        part = total - c
        lost = (product - part) + (c - (total - part))
        total = np.where(near, odd(total, lost), total)
    return total.astype(np.float32).astype(np.float64)


def chained(a, b):
    """The second tier: one chain of fused multiply-adds in ascending dimension."""
    left, right = a.bits, np.ascontiguousarray(b.bits.T)
    score = np.zeros((len(left), right.shape[1]))
    for at in range(left.shape[1]):
        score = fused(left[:, at : at + 1], right[at], score)
    return Span(score, score)


def similarities(a, b, tier):
    return bounded(a, b) if tier == "bound" else chained(a, b)


def ties_of(span, alike, queries, items):
    """For every pair which items certainly tie with it, itself included."""
    lo, hi = span.lo[queries], span.hi[queries]
    own_lo, own_hi = span.lo[queries, items][:, None], span.hi[queries, items][:, None]
    point = (lo == hi) & (own_lo == own_hi) & (lo == own_lo)
    return point | (alike[None, :] == alike[items][:, None])


def pair_ranks(span, alike, queries, items, ties):
    """Best and worst rank of `items[i]` for row `queries[i]`."""
    tie = ties_of(span, alike, queries, items)
    own_lo, own_hi = span.lo[queries, items][:, None], span.hi[queries, items][:, None]
    surely = ((span.lo[queries] > own_hi) & ~tie).sum(axis=1)
    perhaps = ((span.hi[queries] >= own_lo) & ~tie).sum(axis=1)
    place = np.arange(span.lo.shape[1])[None, :]
    before = (tie & (place < items[:, None])).sum(axis=1)
    after = (tie & (place > items[:, None])).sum(axis=1)
    beside = {
        "index": before,
        "optimistic": 0 * before,
        "average": (before + after) / 2,
        "trec_eval": after,
    }[ties]
    return 1.0 + surely + beside, 1.0 + perhaps + beside


def places(span, alike):
    """Best and worst place of every item in every row's list, where equals stand by index. In a row that is not all points, equals
    are known as such only where they are alike."""
    rows, items = span.lo.shape
    order = np.argsort(-span.lo, axis=1, kind="stable")
    best = np.empty((rows, items))
    np.put_along_axis(best, order, np.arange(1.0, items + 1)[None, :].repeat(rows, 0), axis=1)
    worst = best.copy()
    same, index = alike[:, None] == alike[None, :], np.arange(items)
    before = (same & (index[None, :] < index[:, None])).sum(axis=1)
    after = same.sum(axis=1) - 1 - before
    for row in np.flatnonzero((span.lo != span.hi).any(axis=1)):
        lo, hi = span.lo[row], span.hi[row]
        surely = items - np.searchsorted(np.sort(lo), hi, "right")
        perhaps = items - np.searchsorted(np.sort(hi), lo, "left")
        best[row], worst[row] = 1.0 + surely + before, perhaps - after
    return best, worst
