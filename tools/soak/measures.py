"""Metrics as intervals, from intervals of ranks; and measures of hubness of given lists."""

from functools import lru_cache

import numpy as np


def first_ranks(best, worst, starts):
    """The rank of the best placed relevant item of every query, whose pairs begin at `starts`."""
    return np.minimum.reduceat(best, starts), np.minimum.reduceat(worst, starts)


def of_first(name, ranks):
    """A metric of first ranks that does not fall when ranks fall, or (MedR, MeanR) that does."""
    if name == "MedR":
        return float(np.median(ranks))
    if name == "MeanR":
        return float(np.mean(ranks))
    if name == "MRR":
        return float(np.mean(1.0 / ranks))
    return float(np.mean(ranks <= int(name.partition("@")[2])))


def in_places(ranks):
    """Relevant items that share a rank fill one place after the other."""
    taken, last = [], 0.0
    for rank in sorted(ranks):
        last = max(rank, last + 1.0)
        taken.append(last)
    return np.array(taken)


@lru_cache(maxsize=100_000)
def of_all(name, ranks):
    """A metric of all relevant ranks of one query, a tuple."""
    filled = in_places(ranks)
    kind, _, depth = name.partition("@")
    if kind == "mAP":
        count = len(filled)
        within = filled <= count
        return float((np.arange(1, count + 1)[within] / filled[within]).sum() / count)
    k = int(depth)
    if kind == "P":
        return float((filled <= k).sum() / k)
    ideal = (1 / np.log2(np.arange(1, min(k, len(filled)) + 1) + 1)).sum()
    return float((1 / np.log2(filled[filled <= k] + 1)).sum() / ideal)


ALL_RANKS = ("mAP@R", "P@", "nDCG@", "nDCG_exp@")
HUBNESS = ("k_skewness@", "k_kurtosis@", "k_mae@", "k_max@", "gini@", "robin_hood@", "antihub@", "hub_share@")


def of_grades(name, ranks, grades):
    """nDCG of one query whose items have distinct ranks."""
    kind, _, depth = name.partition("@")
    gains = np.exp2(grades) - 1 if kind == "nDCG_exp" else grades
    ideal = np.sort(gains)[::-1][: int(depth)]
    inside = ranks <= int(depth)
    best = (ideal / np.log2(np.arange(1, len(ideal) + 1) + 1)).sum()
    return float((gains[inside] / np.log2(ranks[inside] + 1)).sum() / best)


def interval(name, best, worst, starts, grades=None):
    """Least and largest value of a metric of ranks."""
    if name.startswith("nDCG") and grades is not None:
        ends = []
        for ranks in (best, worst):
            parts = zip(np.split(ranks, starts[1:]), grades)
            ends.append(float(np.mean([of_grades(name, part, np.array(given)) for part, given in parts])))
    elif name.startswith(ALL_RANKS):
        ends = []
        for ranks in (best, worst):
            parts = np.split(ranks, starts[1:])
            ends.append(float(np.mean([of_all(name, tuple(part)) for part in parts])))
    else:
        ends = [of_first(name, ranks) for ranks in first_ranks(best, worst, starts)]
    return min(ends), max(ends)


def of_queries(name, ranks):
    """Every query's value of a metric that is a mean over first ranks, and whether more is better."""
    if name == "MeanR":
        return ranks, False
    if name == "MRR":
        return 1.0 / ranks, True
    return (ranks <= int(name.partition("@")[2])).astype(float), True


def occurrences(lists, k, items):
    return np.bincount(lists[:, :k].ravel(), minlength=items)


def moment(counts, power):
    return ((counts - counts.mean()) ** power).mean()


def hubness(name, counts):
    """A measure of hubness of the K-occurrences."""
    kind, total, mean = name.partition("@")[0], counts.sum(), counts.mean()
    constant = (counts == counts[0]).all()
    if kind == "k_skewness":
        return 0.0 if constant else moment(counts, 3) / moment(counts, 2) ** 1.5
    if kind == "k_kurtosis":
        return 0.0 if constant else moment(counts, 4) / moment(counts, 2) ** 2 - 3
    if kind == "k_max":
        return float(counts.max())
    if kind == "antihub":
        return float((counts == 0).mean())
    if kind == "hub_share":
        # Whole numbers, as the mean may be rounded: N >= 2 total / n.
        return float(counts[counts * len(counts) >= 2 * total].sum() / total)
    if kind == "gini":
        return float(np.abs(counts[:, None] - counts[None, :]).sum() / (2 * len(counts) ** 2 * mean))
    away = np.abs(counts - mean).sum()
    return float(away / len(counts)) if kind == "k_mae" else float(away / (2 * total))
