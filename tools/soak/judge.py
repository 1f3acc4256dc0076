"""Holds what the program wrote against the oracle, number by number."""

from collections import Counter

import numpy as np

import files
import measures
from formulas import World
from rescaled import METHODS
from spans import U32, Vectors, pair_ranks

TIERS = ("bound", "bits")
EXACT = 1e-11


class Findings:
    """What was compared, what disagrees, and how much of a bound was used."""

    def __init__(self):
        self.compared, self.points, self.wrong, self.used = Counter(), Counter(), [], {}

    def note(self, kind, right, point, words):
        """One comparison; `words` says what disagrees."""
        self.compared[kind] += 1
        self.points[kind] += bool(point)
        if not right:
            self.wrong.append(f"{kind}: {words()}")

    def use(self, kind, share):
        self.used[kind] = max(self.used.get(kind, 0.0), share)


class Cell:
    """One method at one point on one trial, with what the program found."""

    def __init__(self, trial, name, scores, queries, bias):
        self.trial, self.name, self.scores, self.queries, self.bias = trial, name, scores, queries, bias
        lengths = [len(items) for items in trial.relevant]
        self.starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        self.of_query = np.arange(len(lengths)).repeat(lengths)
        self.items = np.concatenate([np.array(items) for items in trial.relevant])

    @property
    def method(self):
        return self.name[1]


def world_of(trial, tier):
    wrap = (lambda rows: rows.astype(np.float64)) if trial.given else Vectors
    other = None if trial.gallery_bank is None else wrap(trial.gallery_bank)
    gallery = None if trial.given else wrap(trial.gallery)
    return World(tier, wrap(trial.queries), gallery, wrap(trial.bank), other)


def used(found, bias):
    """The largest share of half its interval that a number is off by, beside its own rounding to f32; where anything is known."""
    middle, half = (bias.lo + bias.hi) / 2, (bias.hi - bias.lo) / 2
    off = np.maximum(0.0, np.abs(found - middle) - np.maximum(U32 * np.abs(middle), 2.0**-150))
    which = (half > 0) & (half < 0.5)
    return float((off[which] / half[which]).max(initial=0.0))


def check_bias(findings, tier, cell, options):
    """Every number of a bias."""
    kind, bias = f"{cell.method}/{tier}/bias", options.bias
    if cell.bias.shape != bias.lo.shape:
        findings.note(kind, False, False, lambda: f"{cell.name}: no bias of {bias.lo.shape} numbers")
        return
    inside = (cell.bias >= bias.lo) & (cell.bias <= bias.hi)
    if tier == "bound":
        findings.use(cell.method, used(cell.bias, options.unrounded))
    at, point = int(np.argmin(inside)), (bias.lo == bias.hi).all()
    ends = bias.lo[at], bias.hi[at]
    findings.note(kind, inside.all(), point, lambda: f"{cell.name}: item {at} has {cell.bias[at]!r}, expected {ends}")


def ranks_of(cell, options, alike, ties):
    """Best and worst rank of every pair under every option that its query may have."""
    pairs = len(cell.items)
    best, worst = np.full(pairs, np.inf), np.zeros(pairs)
    for rows, allowed in zip(options.rows, options.allowed):
        which = np.flatnonzero(allowed[cell.of_query])
        if len(which):
            low, high = pair_ranks(rows, alike, cell.of_query[which], cell.items[which], ties)
            best[which] = np.minimum(best[which], low)
            worst[which] = np.maximum(worst[which], high)
    return best, worst


def check_metrics(findings, tier, cell, best, worst):
    """Every metric of ranks lies between those of the best and of the worst ranks."""
    for metric, value in cell.scores.items():
        if metric.startswith(measures.HUBNESS):
            continue
        low, high = measures.interval(metric, best, worst, cell.starts, cell.trial.grades)
        slack = EXACT * max(1.0, abs(high))
        right = low - slack <= value <= high + slack
        point = high - low <= slack
        kind = f"{cell.method}/{tier}/{metric.partition('@')[0]}"
        findings.note(kind, right, point, lambda: f"{cell.name} {metric}: {value!r}, expected {low!r} to {high!r}")


def check_ranks(findings, tier, cell, best, worst):
    """The rank of every query."""
    low, high = measures.first_ranks(best, worst, cell.starts)
    ranks = cell.queries[0]
    inside = (ranks >= low) & (ranks <= high)
    at = int(np.argmin(inside))
    findings.note(
        f"{cell.method}/{tier}/rank",
        inside.all(),
        (low == high).all(),
        lambda: f"{cell.name}: query {at} has rank {ranks[at]}, expected {low[at]} to {high[at]}",
    )


def in_order(rows, lists, alike):
    """For every query whether its list is one that the scores can have: nothing surely better stands behind, or is left out."""
    low, high = (np.take_along_axis(end, lists, axis=1) for end in (rows.lo, rows.hi))
    rest = rows.lo.copy()
    np.put_along_axis(rest, lists, -np.inf, axis=1)
    behind = np.concatenate([low, rest.max(axis=1, keepdims=True)], axis=1)[:, 1:]
    best_behind = np.maximum.accumulate(behind[:, ::-1], axis=1)[:, ::-1]
    right = (best_behind <= high).all(axis=1)
    names = alike[lists]
    for width in range(1, lists.shape[1]):
        swapped = (names[:, :-width] == names[:, width:]) & (lists[:, :-width] > lists[:, width:])
        right &= ~swapped.any(axis=1)
    point = (rows.lo == rows.hi).all(axis=1)
    order = np.argsort(-rows.lo[point], axis=1, kind="stable")
    right[point] = (order[:, : lists.shape[1]] == lists[point]).all(axis=1)
    return right


def check_lists(findings, tier, cell, options, alike):
    """The best items of every query, under one of its options."""
    lists, right = cell.queries[1], np.zeros(len(cell.trial.relevant), bool)
    point = True
    for rows, allowed in zip(options.rows, options.allowed):
        which = np.flatnonzero(allowed)
        if len(which):
            right[which] |= in_order(rows.rows(which), lists[which], alike)
            point &= bool((rows.lo[which] == rows.hi[which]).all())
    at = int(np.argmin(right))
    kind = f"{cell.method}/{tier}/list"
    findings.note(kind, right.all(), point, lambda: f"{cell.name}: query {at} lists {lists[at].tolist()}")


def check_own(findings, cell, items):
    """Metrics as they follow from the program's own ranks and lists, exactly."""
    ranks, lists = cell.queries
    for metric, value in cell.scores.items():
        if metric.startswith(measures.ALL_RANKS):
            continue
        if metric.startswith(measures.HUBNESS):
            k = int(metric.partition("@")[2])
            if k > lists.shape[1]:
                continue
            wanted = measures.hubness(metric, measures.occurrences(lists, k, items))
        else:
            wanted = measures.of_first(metric, ranks)
        right = abs(value - wanted) <= 1e-9 * max(1.0, abs(wanted))
        kind = f"{cell.method}/own/{metric.partition('@')[0]}"
        findings.note(kind, right, True, lambda: f"{cell.name} {metric}: {value!r}, its own ranks give {wanted!r}")


def check_hubness(findings, tier, cell, options, alike):
    """Measures of hubness where no rounding decides what is among the first K."""
    names = [name for name in cell.scores if name.startswith(measures.HUBNESS)]
    chosen = np.argmax(np.array(options.allowed), axis=0)
    if not names or (np.array(options.allowed).sum(axis=0) != 1).any():
        return
    rows = np.array([options.rows[option].lo[query] for query, option in enumerate(chosen)])
    highs = np.array([options.rows[option].hi[query] for query, option in enumerate(chosen)])
    if (rows != highs).any():
        return
    order = np.argsort(-rows, axis=1, kind="stable")
    for name in names:
        k, value = int(name.partition("@")[2]), cell.scores[name]
        wanted = measures.hubness(name, measures.occurrences(order, k, rows.shape[1]))
        right = abs(value - wanted) <= 1e-9 * max(1.0, abs(wanted))
        kind = f"{cell.method}/{tier}/{name.partition('@')[0]}"
        findings.note(kind, right, True, lambda: f"{cell.name} {name}: {value!r}, expected {wanted!r}")


def check_cell(findings, world, cell, ties):
    """One cell in one tier."""
    options = METHODS[cell.method](world, **dict(cell.name[2]))
    if options is None:
        return
    alike = world.alike()
    if options.bias is not None and cell.bias is not None:
        check_bias(findings, world.tier, cell, options)
    best, worst = ranks_of(cell, options, alike, ties)
    check_metrics(findings, world.tier, cell, best, worst)
    check_hubness(findings, world.tier, cell, options, alike)
    if cell.queries is not None:
        check_ranks(findings, world.tier, cell, best, worst)
        check_lists(findings, world.tier, cell, options, alike)


def points(methods):
    """Every method of a config with every point of its grid."""
    for entry in methods:
        name, grid = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        rows = [()]
        for parameter, values in grid.items():
            rows = [row + ((parameter, float(value)),) for row in rows for value in values]
        yield from ((name, tuple(sorted(row))) for row in rows)


def check_grid(findings, grid, family, wanted):
    """Points, their order and the choice of one method; every value is compared elsewhere."""
    kept = grid.get(family, [])
    findings.note(
        "grid/points",
        [point for point, _, _, _ in kept] == wanted,
        True,
        lambda: f"{family}: {[point for point, _, _, _ in kept]}, expected {wanted}",
    )
    if not kept:
        return
    lower = kept[0][1] in ("MedR", "MeanR")
    values = [-value if lower else value for _, _, value, _ in kept]
    chosen = [selected for _, _, _, selected in kept]
    right = chosen == [at == int(np.argmax(values)) for at in range(len(kept))]
    findings.note("grid/choice", right, True, lambda: f"{family}: {kept}")


def check_comparisons(findings, results, queries):
    """Differences and counts of pairs of methods, from the program's own ranks."""
    known = {}
    for row in files.read_rows(results / "comparisons.csv"):
        sides = [(row["direction"], row[f"method_{x}"], files.parameters(row[f"params_{x}"])) for x in "ab"]
        metric = row["metric"]
        if metric.startswith((*measures.ALL_RANKS, *measures.HUBNESS)) or any(side not in queries for side in sides):
            continue
        for side in sides:
            if (side, metric) not in known:
                known[side, metric] = measures.of_queries(metric, queries[side][0])
        (first, more), (second, _) = (known[side, metric] for side in sides)
        better = first - second if more else second - first
        counts = [int((better > 0).sum()), int((better == 0).sum()), int((better < 0).sum())]
        own = [int(row[name]) for name in ("wins", "ties", "losses")]
        right = own == counts and abs(float(row["delta"]) - (first - second).mean()) <= 1e-9 * max(1.0, np.abs(first).mean())
        findings.note("pairs/own", right, True, lambda: f"{sides} {metric}: {row}, expected {counts}")


def check_gains(findings, results, scores):
    """The gain over raw is the difference of two values."""
    for cell, gains in files.read_scores(results, "delta_raw").items():
        for metric, gain in gains.items():
            wanted = scores[cell][metric] - scores[cell[0], "raw", ()][metric]
            right = abs(gain - wanted) <= 1e-9 * max(1.0, abs(scores[cell][metric]))
            findings.note("gain/own", right, True, lambda: f"{cell} {metric}: {gain}, expected {wanted}")


def chosen_cells(findings, made, results, scores):
    """The cells that are wanted, and points that were only tried: `{name: {metric: value}}`."""
    wanted, tried, grid = set(), {}, files.read_grid(results)
    entries = [list(points([entry])) for entry in made.config["methods"]]
    for trial in made.trials:
        for rows in entries:
            family = trial.direction, rows[0][0]
            if made.config["choose"] == "fixed" or len(rows) == 1:
                wanted |= {(trial.direction, *row) for row in rows}
                continue
            found = [cell for cell in scores if cell[:2] == family]
            wanted |= set(found[:1]) or {(*family, "no cell")}
            if files.parquet:
                check_grid(findings, grid, family, [row[1] for row in rows])
            tried |= {(*family, point): {metric: value} for point, metric, value, _ in grid.get(family, [])}
    return wanted, tried


def check_trial(findings, trial, cells, ties):
    worlds = [world_of(trial, tier) for tier in TIERS]
    items = len(worlds[0].alike())
    for cell in cells:
        if cell.method == "raw":
            cell.bias = np.zeros(items)
        if cell.queries is not None:
            check_own(findings, cell, items)
        for world in worlds:
            with np.errstate(over="ignore", under="ignore"):
                check_cell(findings, world, cell, ties)


ADDITIVE = {"nnn", "csls", "dn", "is", "dualis", "sn", "dbsn", "dissimlocal", "centering"}


def judge(findings, made, results):
    """Compares all of a round."""
    scores, biases, queries = files.read_scores(results), files.read_biases(results), files.read_queries(results)
    wanted, tried = chosen_cells(findings, made, results, scores)
    findings.note("round/cells", set(scores) == wanted, True, lambda: f"cells differ: {sorted(set(scores) ^ wanted)[:4]}")
    additive = {cell for cell in wanted if cell[1] in ADDITIVE}
    findings.note("round/biases", set(biases) == additive, True, lambda: f"biases differ: {sorted(set(biases) ^ additive)[:4]}")
    for trial in made.trials:
        names = sorted(name for name in wanted & set(scores) if name[0] == trial.direction)
        cells = [Cell(trial, name, scores[name], queries.get(name), biases.get(name)) for name in names]
        more = (name for name in sorted(tried) if name[0] == trial.direction)
        cells += [Cell(trial, name, tried[name], None, None) for name in more]
        check_trial(findings, trial, cells, made.config.get("ties", "index"))
    check_comparisons(findings, results, queries)
    check_gains(findings, results, scores)


def is_evaluated(made):
    """Whether every row of a bank by role is an evaluated query, to the last bit: such a bank is refused."""
    if made.form == "by_dataset":
        return False
    bits = (lambda rows: rows) if made.form == "by_similarity" else (lambda rows: Vectors(rows).bits)
    queries, bank = (bits(made.arrays[name]).astype("<f4") for name in ("queries", "bank"))
    return {row.tobytes() for row in bank} <= {row.tobytes() for row in queries}
