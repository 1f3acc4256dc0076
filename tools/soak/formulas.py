"""Every correction from its paper's formula, as intervals: what the program's number can be.

A `World` is one trial in one tier (see `spans.py`). A method returns `Options`: the rows of scores that it may rank by, and which
of them a query may have. All but the gated methods have one. Additive methods have a bias beside it, with the rounding of the
program: f64 to f32 once, then one subtraction in f32.

What the program documents beside the formulas and is taken over here: distances and deviations are not below a smallest one
(method-scaling); log-mean-exps of inverse temperatures up to 512 are off by `w x^3 exp(x) / 3072` over beta, with `w = 1/2048` and
`x = beta w`, and above by f32 exponentials with an error of `u (2 beta d + 4)` each, `d` from the largest (nnn-core, `bins.rs` and
`exponentials.rs`).
"""

import math
from dataclasses import dataclass, field

import numpy as np

from spans import U32, U64, Span, Vectors, minus, places, similarities


@dataclass
class Options:
    """`rows[i]` where `allowed[i]` is true for a query; `bias` of an additive method, and the same before it is rounded to f32."""

    rows: list
    allowed: list
    bias: Span | None = None
    unrounded: Span | None = None


@dataclass
class World:
    """The sides of a trial as `Vectors`, or as matrices of similarities to the gallery where there are no vectors."""

    tier: str
    queries: object
    gallery: object
    bank: object
    gallery_bank: object = None
    known: dict = field(default_factory=dict)

    def span(self, left, right="gallery"):
        """Similarities `(left, right)` of two sides by name."""
        key = (left, right)
        if key not in self.known:
            a, b = getattr(self, left), getattr(self, right)
            given = not isinstance(a, Vectors)
            self.known[key] = Span(a, a) if given else similarities(a, b, self.tier)
        return self.known[key]

    def alike(self):
        if "alike" not in self.known:
            given = not isinstance(self.gallery, Vectors)
            items = self.span("queries").lo.shape[1]
            self.known["alike"] = np.arange(items) if given else self.gallery.alike()
        return self.known["alike"]

    def counts(self, bank):
        """For every score of a row of the queries how many similarities of the item to a bank are above it, and how many below: least
        and most of either."""
        if ("counts", bank) not in self.known:
            span, other = self.span("queries"), self.span(bank)
            low, high = np.sort(other.lo, axis=0), np.sort(other.hi, axis=0)
            found = np.empty((4, *span.lo.shape))
            for item in range(span.lo.shape[1]):
                lo, hi = span.lo[:, item], span.hi[:, item]
                found[0, :, item] = len(low) - np.searchsorted(low[:, item], hi, "right")
                found[1, :, item] = len(low) - np.searchsorted(high[:, item], lo, "right")
                found[2, :, item] = np.searchsorted(high[:, item], lo, "left")
                found[3, :, item] = np.searchsorted(low[:, item], hi, "left")
            self.known["counts", bank] = found
        return self.known["counts", bank]

    def places(self, bank):
        if ("places", bank) not in self.known:
            self.known["places", bank] = places(self.span(bank), self.alike())
        return self.known["places", bank]


def additive(world, bias):
    """Options of one bias, which is given before it is rounded to f32."""
    rounded = bias.rounded()
    rows = minus(world.span("queries"), rounded)
    return Options([rows], [np.ones(len(rows.lo), bool)], rounded, bias)


def one(rows):
    return Options([rows], [np.ones(len(rows.lo), bool)])


def f64_sum(values, terms):
    """Error of a sum or mean in f64 in whatever order; none where all terms are multiples of 2^-40, which is exact."""
    scaled = values * 2.0**40
    if (scaled == np.rint(scaled)).all():
        return 0.0
    return (terms + 8) * U64 * np.abs(values).max()


def raw(world):
    span = world.span("queries")
    return additive(world, Span(np.zeros(span.lo.shape[1]), np.zeros(span.lo.shape[1])))


def top_mean(span, k):
    """Mean of each column's `k` largest. It rises with every term, so that its ends are those of the ends."""

    def mean(scores):
        return np.sort(scores, axis=0)[::-1][:k].sum(axis=0) / k

    return Span(mean(span.lo), mean(span.hi)).widened(f64_sum(span.hi, k))


def scaled(span, factor):
    with np.errstate(over="ignore"):
        return Span(span.lo * factor, span.hi * factor)


def nnn(world, k, alpha):
    return additive(world, scaled(top_mean(world.span("bank"), int(k)), alpha))


def csls(world, k):
    return additive(world, scaled(top_mean(world.span("bank"), int(k)), 0.5))


def bank_mean(world, bank):
    """Mean similarity of every item to a bank: in the second tier one product with the bank's mean in f64."""
    span, side = world.span(bank), getattr(world, bank)
    if world.tier == "bound" or not isinstance(side, Vectors):
        mean, sizes = Span(span.lo.mean(axis=0), span.hi.mean(axis=0)), np.abs(span.hi).mean(axis=0)
    else:
        product = world.gallery.bits @ side.bits.mean(axis=0)
        mean, sizes = Span(product, product), np.abs(world.gallery.bits) @ np.abs(side.bits).mean(axis=0)
    return mean.widened((len(span.lo) + 160) * U64 * sizes)


def dn(world, **parameters):
    return additive(world, scaled(bank_mean(world, "bank"), parameters["lambda"]))


def centering(world):
    ends = bank_mean(world, "bank"), bank_mean(world, "gallery_bank")
    lo, hi = (sum(getattr(end, side) for end in ends) / 2 for side in ("lo", "hi"))
    return additive(world, Span(lo, hi).widened(4 * U64 * np.abs(hi)))


def soft_maximum(scores, beta):
    """`ln(mean exp(beta s)) / beta` of each column, without overflow and exact near beta = 0; and the error of doing so in f64."""
    top = scores.max(axis=0)
    below = np.expm1(beta * (scores - top)).mean(axis=0)
    error = (len(scores) + 64) * U64 * np.abs(below) / (1 + below) / beta + 16 * U64
    return top + np.log1p(below) / beta, error


def documented(rows, beta):
    """What the program's exponentials may be off, over beta. The mean of `d` weighted by `exp(-d)` is at most `1 + ln rows`."""
    if beta <= 512:
        x = beta / 2048
        return x**3 * math.exp(x) / 3072 / 2048
    return U32 * (4 + 2 * (1 + math.log(rows))) / beta


def log_mean_exp(span, beta):
    """`L(g) / beta`, which rises with every similarity."""
    (lo, low), (hi, high) = (soft_maximum(end, beta) for end in (span.lo, span.hi))
    off = documented(len(span.lo), beta)
    return Span(lo - low - off, hi + high + off)


def inverted(world, beta):
    """IS: over the query bank."""
    return additive(world, log_mean_exp(world.span("bank"), beta))


def active(world, bank, k):
    """Which items surely are, and which may be, among the `k` best of some row of a bank."""
    best, worst = world.places(bank)
    return (worst <= k).any(axis=0), (best <= k).any(axis=0)


def gate(world, bank, k):
    """Which queries can be active, and which can be not: by those items that can be the best raw one."""
    best, _ = world.places("queries")
    surely, perhaps = active(world, bank, k)
    first = best <= 1
    return (first & perhaps[None, :]).any(axis=1), (first & ~surely[None, :]).any(axis=1)


def dis(world, beta, k):
    on, off = gate(world, "bank", k)
    corrected, plain = inverted(world, beta), raw(world)
    return Options([plain.rows[0], corrected.rows[0]], [off, on])


def weighted(parts):
    """`sum beta L / sum beta` of `(beta, L / beta)`: a bias in units of similarity."""
    whole = sum(beta for beta, _ in parts)
    lo = sum(span.lo * (beta / whole) for beta, span in parts)
    hi = sum(span.hi * (beta / whole) for beta, span in parts)
    return Span(lo, hi).widened(8 * U64 * np.maximum(np.abs(lo), np.abs(hi)))


def sides(world, beta1, beta2):
    """`(bank, beta, L / beta)` of the sides that count."""
    pairs = [("gallery_bank", beta1), ("bank", beta2)]
    return [(bank, beta, log_mean_exp(world.span(bank), beta)) for bank, beta in pairs if beta > 0]


def dualis(world, beta1, beta2):
    parts = sides(world, beta1, beta2)
    return additive(world, weighted([part[1:] for part in parts])) if parts else raw(world)


def dualdis(world, beta1, beta2, k):
    """The sum over both banks of `beta s - L` where the query is active and of `s` where not, over the sum of the factors of s."""
    parts = sides(world, beta1, beta2)
    if not parts:
        return raw(world)
    nothing = Span(0 * parts[0][2].lo, 0 * parts[0][2].hi)
    gates = [gate(world, bank, k) for bank, _, _ in parts]
    rows, allowed = [], []
    for choice in range(2 ** len(parts)):
        chosen = [choice >> i & 1 for i in range(len(parts))]
        factors = [(beta, span) if on else (1.0, nothing) for on, (_, beta, span) in zip(chosen, parts)]
        rows.append(additive(world, weighted(factors)).rows[0])
        can = [on_off[0] if on else on_off[1] for on, on_off in zip(chosen, gates)]
        allowed.append(np.logical_and.reduce(can))
    return Options(rows, allowed)


def soft(values, axis):
    top = values.max(axis=axis, keepdims=True)
    return (top + np.log(np.exp(values - top).sum(axis=axis, keepdims=True))).squeeze(axis)


def potentials(matrix, tau, rounds):
    """`tau ln u` of `(bank, items)` similarities: `v = (1/M) / K u`, then `u = (1/N) / K^T v`, from `u = 1`, in logarithms."""
    bank, items = matrix.shape
    exponents, log_u = (matrix - 1) / tau, np.zeros(items)
    for _ in range(rounds):
        log_v = -np.log(bank) - soft(exponents + log_u[None, :], 1)
        log_u = -np.log(items) - soft(exponents + log_v[:, None], 0)
    return tau * log_u


def scaling(matrix, tau, rounds):
    """A logarithm of a sum of exponentials moves by no more than its terms do, so that each half of a round adds the error of a
    similarity: after `rounds` of them a potential is off by `2 rounds` times the largest. The rest is rounding, in f64 or, from
    0.001 to 0.05, of exponentials in f32 as `nnn_core`'s `stats/softmax.rs` bounds it."""
    tau = min(tau, 2.0**24)
    middle = (matrix.lo + matrix.hi) / 2
    found = potentials(middle, tau, rounds)
    error = (matrix.hi - matrix.lo).max() / 2
    f64 = (sum(middle.shape) + 64) * U64 * tau + 16 * U64
    return Span(found, found).widened(rounds * (2 * (error + f64) + single(tau)))


def single(tau):
    """What exponentials in f32 add to a potential in a round: they are computed at the first double of `tau` above 0.0125."""
    if not 0.001 <= tau <= 0.05:
        return 0.0
    base = tau
    while base <= 0.0125:
        base *= 2
    return U32 * (7 * base + 20 * tau)


def negative(span):
    return Span(-span.hi, -span.lo)


def sn(world, tau, iterations):
    return additive(world, negative(scaling(world.span("bank"), tau, int(iterations))))


def dbsn(world, tau, iterations):
    first, second = world.span("bank"), world.span("bank", "gallery_bank")
    both = Span(np.hstack([first.lo, second.lo]), np.hstack([first.hi, second.hi]))
    found, items = scaling(both, tau, int(iterations)), first.lo.shape[1]
    return additive(world, negative(Span(found.lo[:items], found.hi[:items])))


def by_count_first(least, most, span):
    """In the order of whole numbers, then of scores. Scores are replaced by their places in the row, equal ones by equal places: a sum of
    a number and a score would lose the smallest."""
    ends = np.concatenate([span.lo, span.hi], axis=1)
    order = np.argsort(ends, axis=1)
    ordered = np.take_along_axis(ends, order, axis=1)
    steps = np.concatenate([np.zeros((len(ends), 1)), ordered[:, 1:] > ordered[:, :-1]], axis=1)
    found = np.empty(ends.shape)
    np.put_along_axis(found, order, np.cumsum(steps, axis=1), axis=1)
    (low, high), width = np.split(found, 2, axis=1), ends.shape[1]
    return one(Span(least * width + low, most * width + high))


def gc(world, depth):
    """Ascending by `1 + #{i: s(d_i,g) > s(q,g)}`, at most `depth + 1`, then descending by `s`."""
    least, most, _, _ = world.counts("bank")
    return by_count_first(-np.minimum(most, depth), -np.minimum(least, depth), world.span("queries"))


METHODS = {
    "raw": raw,
    "nnn": nnn,
    "csls": csls,
    "dn": dn,
    "centering": centering,
    "is": inverted,
    "dis": dis,
    "dualis": dualis,
    "dualdis": dualdis,
    "sn": sn,
    "dbsn": dbsn,
    "gc": gc,
}
