"""Corrections that are no bias: rules over a query's row, and vectors that are moved. As in `formulas.py`."""

import math

import numpy as np

import formulas
from formulas import Options, additive, bank_mean, by_count_first, gate, log_mean_exp, one
from spans import U32, U64, Span, to_f32

SMALLEST_DISTANCE = 2.0**-11.5
SMALLEST_DEVIATION = 2.0**-24
erfc = np.vectorize(math.erfc, otypes=[float])


def quotient(top, bottom):
    """Ends of `top / bottom` for `bottom` above zero."""
    lo = top.lo / np.where(top.lo < 0, bottom.lo, bottom.hi)
    hi = top.hi / np.where(top.hi < 0, bottom.hi, bottom.lo)
    return Span(lo, hi)


def linear(world, centre, spread, constant):
    """`(s - centre) / spread`, which the program writes as `w (s - centre) / spread + constant` in f32 with the largest spread `w`.

    In the first tier `w` is not known. It is the same for all, so what it leaves open is what rounding can merge."""
    span = world.span("queries")
    own = quotient(Span(span.lo - centre.hi, span.hi - centre.lo), spread)
    wide_lo, wide_hi = spread.lo.max(), spread.hi.max()
    size = np.maximum(np.abs(own.lo), np.abs(own.hi)) * wide_hi
    f64 = 16 * U64 * (size + constant + wide_hi / spread.lo * (np.abs(span.hi) + np.abs(centre.hi)))
    if world.tier == "bits":
        lo = np.minimum(own.lo * wide_lo, own.lo * wide_hi)
        hi = np.maximum(own.hi * wide_lo, own.hi * wide_hi)
        return one(Span(to_f32(lo + constant - f64), to_f32(hi + constant + f64)))
    return one(own.widened((U32 * (size + constant) + f64) / wide_lo))


def distances(scores):
    return np.sqrt(np.maximum(0.0, 2.0 - 2.0 * scores))


def by_distance(world, sigma):
    """In the order of `-d^2 / sigma_g`: what is left of a row's `1 - exp(-d^2 / (sigma_q sigma_g))` and `d / sqrt(mu_q mu_g)`."""
    items = np.ones(sigma.lo.shape)
    held = Span(np.maximum(sigma.lo, SMALLEST_DISTANCE), np.maximum(sigma.hi, SMALLEST_DISTANCE))
    return linear(world, Span(items, items), held, 1.0)


def ls(world, k):
    span = world.span("bank")
    nearest = [distances(np.sort(end, axis=0)[-int(k)]) for end in (span.hi, span.lo)]
    return by_distance(world, Span(*nearest))


def nicdm(world, k):
    span = world.span("bank")
    means = [distances(np.sort(end, axis=0)[-int(k) :]).mean(axis=0) for end in (span.hi, span.lo)]
    slack = (k + 16) * U64 * means[1]
    return by_distance(world, Span(means[0] - slack, means[1] + slack))


def deviation(span, count):
    """A deviation moves by no more than the largest change of a term. The program's is from a sum of squares in f64."""
    middle = (span.lo + span.hi) / 2
    found = middle.std(axis=0)
    moved = (span.hi - span.lo).max(axis=0) / 2
    slack = (count + 16) * 2 * U64 * (middle**2).max(axis=0)
    lo, hi = np.maximum(0.0, found - moved), found + moved
    return Span(np.sqrt(np.maximum(0.0, lo**2 - slack)), np.sqrt(hi**2 + slack))


def held(span):
    return Span(np.maximum(span.lo, SMALLEST_DEVIATION), np.maximum(span.hi, SMALLEST_DEVIATION))


def zscore(world):
    span = world.span("bank")
    return linear(world, bank_mean(world, "bank"), held(deviation(span, len(span.lo))), 0.0)


def mp_empirical(world, depth):
    """The product of two counts below, then `s`. Of an item's similarities the `depth` largest are known; none is below the last."""
    span, bank = world.span("queries"), world.span("bank")
    _, _, least, most = world.counts("bank")
    last = [np.sort(end, axis=0)[-int(depth)] for end in (bank.lo, bank.hi)]
    least = np.where(span.lo > last[1][None, :], least, 0)
    most = np.where(span.hi > last[0][None, :], most, 0)
    below = []
    for end, other, side in ((span.lo, span.hi, "left"), (span.hi, span.lo, "left")):
        ordered = np.sort(other, axis=1)
        below.append(np.array([np.searchsorted(row, values, side) for row, values in zip(ordered, end)]))
    return by_count_first(least * below[0], most * below[1], span)


def log_probability(x):
    """`ln P(X < x)` of the normal distribution; below -30 the asymptotic series."""
    lower, series = np.minimum(x, 0.0), 1 / np.minimum(x, -30.0) ** 2
    far = -(lower**2) / 2 - np.log(np.maximum(-lower, 30.0)) - 0.5 * math.log(2 * math.pi)
    far += np.log1p(-series + 3 * series**2 - 15 * series**3 + 105 * series**4)
    near = np.log(0.5 * erfc(-np.maximum(lower, -30.0) / math.sqrt(2)))
    above = np.log1p(-0.5 * erfc(np.maximum(x, 0.0) / math.sqrt(2)))
    return np.where(x > 0, above, np.where(x > -30, near, far))


def both_probabilities(a, b):
    """`ln P(a) + ln P(b)`, or, where that is above -1e-30, minus the logarithm of its size: both rise with `a` and `b`."""
    found = log_probability(a) + log_probability(b)
    rest = -np.logaddexp(log_probability(-a), log_probability(-b))
    return np.where(found < -1e-30, found, rest)


def mp_normal(world):
    span, bank = world.span("queries"), world.span("bank")
    row = Span(span.lo.T, span.hi.T)
    mean = Span(row.lo.mean(axis=0), row.hi.mean(axis=0)).widened(formulas.f64_sum(row.hi, len(row.lo)) + 8 * U64)
    spread = held(deviation(row, len(row.lo)))
    own = quotient(Span(span.lo - mean.hi[:, None], span.hi - mean.lo[:, None]), Span(spread.lo[:, None], spread.hi[:, None]))
    centre, other = bank_mean(world, "bank"), held(deviation(bank, len(bank.lo)))
    item = quotient(Span(span.lo - centre.hi, span.hi - centre.lo), other)
    lo, hi = both_probabilities(own.lo, item.lo), both_probabilities(own.hi, item.hi)
    return one(Span(to_f32(lo - 1e-11 * np.abs(lo)), to_f32(hi + 1e-11 * np.abs(hi))))


def signed(span, beta, logs):
    """In the order of `s exp(beta s - L)`: above zero 1000 and the logarithm, below zero minus both. Logarithms are in units of beta where
    that is above 1; `logs` are `L / beta`."""
    unit = max(beta, 1.0)

    def size(t, direction, log):
        with np.errstate(divide="ignore"):
            return np.maximum(np.log(t), -400.0) / unit + beta / unit * (direction * t - log)

    def ends(t_lo, t_hi, direction):
        turn = np.clip(1 / beta, t_lo, t_hi) if direction < 0 else t_hi
        least = np.minimum(size(t_lo, direction, logs.hi), size(t_hi, direction, logs.hi))
        most = np.maximum(size(turn, direction, logs.lo), size(t_hi, direction, logs.lo))
        slack = 64 * U64 * (1000 + np.maximum(np.abs(least), np.abs(most)))
        return least - slack, most + slack

    above = ends(np.maximum(span.lo, 0.0), np.maximum(span.hi, 0.0), 1)
    below = ends(np.maximum(-span.hi, 0.0), np.maximum(-span.lo, 0.0), -1)
    lo = np.where(span.lo > 0, 1000 + above[0], np.where(span.lo < 0, -1000 - below[1], 0.0))
    hi = np.where(span.hi < 0, -1000 - below[0], np.where(span.hi > 0, 1000 + above[1], 0.0))
    return Span(lo, hi)


def dsl(world, beta):
    """Transductive: the softmax is over the evaluated queries."""
    span = world.span("queries")
    return one(signed(span, beta, log_mean_exp(span, beta)) if beta > 0 else span)


def squared(span):
    least = np.where((span.lo < 0) & (span.hi > 0), 0.0, np.minimum(span.lo**2, span.hi**2))
    return Span(least, np.maximum(span.lo**2, span.hi**2))


def dualdis_released(world, beta1, beta2, k):
    """The product of two factors: `exp(beta s - L)` where the query is active, `s` where not. At beta = 0 the first is constant."""
    span, items = world.span("queries"), world.span("queries").lo.shape[1]
    nothing = Span(np.zeros(items), np.zeros(items))
    logs = {bank: log for bank, _, log in formulas.sides(world, beta1, beta2)}
    pairs = [("gallery_bank", beta1), ("bank", beta2)]
    single = [signed(span, beta, logs[bank]) if beta > 0 else span for bank, beta in pairs]
    bias = formulas.weighted([(beta, logs[bank]) for bank, beta in pairs if beta > 0]) if logs else nothing
    both = Span(span.lo - bias.hi, span.hi - bias.lo).widened(4 * U64 * (1 + np.abs(bias.hi)) if logs else 0.0)
    (first_on, first_off), (second_on, second_off) = (gate(world, bank, k) for bank, _ in pairs)
    rows = [squared(span), single[0], single[1], both]
    allowed = [first_off & second_off, first_on & second_off, first_off & second_on, first_on & second_on]
    return Options(rows, allowed)


def nearest(span, k):
    """The `k` nearest rows of every item, the lower of equals first, and whether rounding leaves no doubt which they are."""
    order = np.argsort(-(span.lo + span.hi) / 2, axis=0, kind="stable")[: int(k)]
    inside = np.zeros(span.lo.shape, bool)
    np.put_along_axis(inside, order, True, axis=0)
    last = np.where(inside, span.lo, np.inf).min(axis=0)
    first = np.where(inside, -np.inf, span.hi).max(axis=0)
    return order, (last > first) | (len(span.lo) == k) | (span.lo == span.hi).all(axis=0)


def dissimlocal(world, k):
    """`-|g - c|^2 / 2` with `|g| = 1`: `t - (1 + |c|^2) / 2`. Each vector of the centroid is off by 2^-24 at most, so that its squared
    length is by 2^-22. Where the nearest rows are in doubt, any centroid of unit vectors will do."""
    span, bank = world.span("bank"), world.bank
    order, sure = nearest(span, k)
    vectors = bank.unit if world.tier == "bound" else bank.bits
    centroid = vectors[order].mean(axis=0)
    norm, mean = (centroid**2).sum(axis=1), formulas.top_mean(span, int(k))
    error = (k + 200) * U64 + (2.0**-22 if world.tier == "bound" else 0.0)
    lo, hi = mean.lo - (1 + norm) / 2 - error, mean.hi - (1 + norm) / 2 + error
    bias = Span(np.where(sure, lo, -2.001), np.where(sure, hi, 0.001))
    return additive(world, bias)


def cosines(a, error_a, b, error_b):
    """Products of unit vectors that are off by so much in length each; nothing is known where that is a quarter."""
    dim = a.shape[1]
    error = error_a[:, None] + error_b[None, :] + (dim + 4) * U32
    products = a @ b.T
    known = error < 0.25
    return Span(np.where(known, products - error, -1.01), np.where(known, products + error, 1.01))


def to_unit(vectors, error):
    """Unit vectors and their errors: twice the error over the length, and one rounding."""
    length = np.sqrt((vectors**2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.nan_to_num(vectors / length[:, None])
        return unit, np.where(length > 0, 2 * error / length, 1.0) + 2 * U32


def gr_clip(world):
    """Coordinates and means are rounded to f32, and so is their difference: `(2 + |m|) u` together, and `u` of the difference."""

    def moved(side, bank):
        mean = bank.unit.mean(axis=0)
        away = side.unit - mean
        return to_unit(away, U32 * (4 + np.sqrt((away**2).sum(axis=1))))

    if world.tier == "bits":
        return None
    return one(cosines(*moved(world.queries, world.bank), *moved(world.gallery, world.gallery_bank)))


def pushed(world, bank, rate, push, error):
    """`unit(g - rate v)` and its error, both scaled by `1 / (1 + rate)`."""
    away = (world.gallery.unit - rate * push) / (1 + rate)
    return to_unit(away, (U32 + rate * error) / (1 + rate) + 16 * U64)


def between(world, steps):
    if world.tier == "bits":
        return None
    (first, first_error), (second, second_error) = steps
    unit, error = to_unit((first + second) / 2, (first_error + second_error) / 2)
    return one(cosines(world.queries.unit, np.full(len(world.queries), 2 * U32), unit, error))


def invgc(world, r_g, r_q):
    """`v = mean over the bank of (s - m) d`, with `m` the mean of all similarities. Similarities and vectors of f32 are off by two and by
    one rounding: 8 u together, as both are at most 1 and `m` is as well."""
    steps = []
    for name, rate in (("gallery_bank", r_g), ("bank", r_q)):
        bank = getattr(world, name)
        similar = bank.unit @ world.gallery.unit.T
        push = (similar - similar.mean()).T @ bank.unit / len(bank)
        steps.append(pushed(world, name, rate, push, 8 * U32))
    return between(world, steps)


def localadj(world, r_g, r_q, pool):
    """`v = mean over the p nearest of s d`. Where these are in doubt, nothing is known of the item."""
    steps = []
    for name, rate in (("gallery_bank", r_g), ("bank", r_q)):
        bank, span = getattr(world, name), world.span(name)
        count = max(1, math.floor(pool * len(bank)))
        order, sure = nearest(span, count)
        similar = np.take_along_axis(bank.unit @ world.gallery.unit.T, order, axis=0)
        push = (similar[:, :, None] * bank.unit[order]).mean(axis=0)
        error = 2 * U32 + (span.hi - span.lo).max(axis=0) / 2
        unit, off = pushed(world, name, rate, push, error)
        steps.append((unit, np.where(sure, off, 1.0)))
    return between(world, steps)


METHODS = formulas.METHODS | {
    "ls": ls,
    "nicdm": nicdm,
    "zscore": zscore,
    "mp_empirical": mp_empirical,
    "mp_normal": mp_normal,
    "dsl": dsl,
    "dualdis_released": dualdis_released,
    "dissimlocal": dissimlocal,
    "gr_clip": gr_clip,
    "invgc": invgc,
    "localadj": localadj,
}
