"""Draws a round from its seed: vectors of odd kinds, what answers what, and a grid of methods with parameters at their limits."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Trial:
    """One direction: names of sides, or places in them, and what answers each query."""

    direction: str
    queries: np.ndarray
    gallery: np.ndarray
    bank: np.ndarray
    gallery_bank: np.ndarray | None
    relevant: list
    given: bool = False
    grades: list | None = None


@dataclass
class Round:
    """What is written, and what is expected of it."""

    seed: int
    form: str
    arrays: dict
    config: dict
    trials: list
    answers: object = None
    refusal: str | None = None
    notes: dict = field(default_factory=dict)


FAMILIES = ["normal", "shifted", "opposed", "exact", "whole", "parallel", "constant", "sparse", "steep", "mixed"]
SCALES = ["none", "none", "powers", "tiny", "huge", "any"]


def size(random, most, least=1):
    """Often small, sometimes one."""
    if random.random() < 0.12:
        return least
    return int(round(np.exp(random.uniform(np.log(least), np.log(most)))))


def exact_rows(random, count, dim):
    """1, 4, 16 or 64 coordinates of one size: all products of unit vectors are exact."""
    widths = [width for width in (1, 4, 16, 64) if width <= dim]
    rows = np.zeros((count, dim))
    for row in rows:
        chosen = random.choice(dim, int(random.choice(widths)), replace=False)
        row[chosen] = random.choice([-1.0, 1.0], len(chosen))
    return rows


def sparse_rows(random, count, dim):
    rows = random.normal(size=(count, dim)) * (random.random((count, dim)) < 0.15)
    rows[~rows.any(axis=1), random.integers(dim)] = 1.0
    return rows


def whole_rows(random, count, dim):
    rows = random.integers(-2, 3, (count, dim)).astype(float)
    rows[~rows.any(axis=1), random.integers(dim)] = 1.0
    return rows


def rows_of(random, family, side, count, dim, centre):
    """Vectors of one side."""
    normal = random.normal(size=(count, dim))
    if family == "mixed":
        each = [rows_of(random, name, side, count, dim, centre) for name in FAMILIES[:-1]]
        return np.array([each[random.integers(len(each))][row] for row in range(count)])
    if family == "shifted":
        return normal + 2.0 * centre
    if family == "opposed":
        return normal + (-2.0 if "gallery" in side else 2.0) * centre
    if family == "parallel":
        return centre + 10.0 ** -random.integers(1, 9) * normal
    if family == "steep":
        # Coordinates of a unit vector down to f32's smallest, and products far below them.
        steps = 10.0 ** random.uniform(-44, 0, dim)
        steps[random.integers(dim)] = 1.0
        return (np.abs(normal) + 0.1) * np.sign(normal) * steps
    if family == "constant":
        return np.full((count, dim), random.choice([1.0, -0.3, 7.0]))
    makers = {"exact": exact_rows, "whole": whole_rows, "sparse": sparse_rows}
    return makers[family](random, count, dim) if family in makers else normal


def factors(random, scale, count):
    if scale == "powers":
        return np.ldexp(1.0, random.integers(-20, 21, count))
    if scale == "any":
        return 10.0 ** random.uniform(-36, 36, count)
    return np.full(count, {"none": 1.0, "tiny": 1e-30, "huge": 1e30}[scale])


def repeat(random, sides, dim):
    """Exact copies within sides, scaled by powers of two at times, and from side to side."""
    for name, rows in sides.items():
        if random.random() < 0.5:
            targets = random.random(len(rows)) < random.choice([0.05, 0.3, 0.9])
            copies = rows[random.integers(len(rows), size=int(targets.sum()))]
            rows[targets] = copies * np.ldexp(1.0, random.integers(-3, 4, len(copies)))[:, None]
    names = list(sides)
    for _ in range(random.integers(3)):
        source, target = (sides[names[random.integers(len(names))]] for _ in range(2))
        many = min(len(source), len(target), 1 + int(random.integers(20)))
        target[random.integers(len(target), size=many)] = source[random.integers(len(source), size=many)]


def vectors(random, counts, dim):
    """All sides as they are stored, and the NumPy type of each."""
    family, scale = FAMILIES[random.integers(len(FAMILIES))], SCALES[random.integers(len(SCALES))]
    centre, sides = random.normal(size=dim), {}
    for name, count in counts.items():
        own = family if random.random() < 0.8 else FAMILIES[random.integers(len(FAMILIES))]
        rows = rows_of(random, own, name, count, dim, centre)
        sides[name] = rows * factors(random, scale, count)[:, None]
    repeat(random, sides, dim)
    for name, rows in sides.items():
        sides[name] = rows.astype(stored_type(random, rows))
    return sides, {"family": family, "scale": scale, "dim": dim}


def stored_type(random, rows):
    """A type in which no row becomes zero and no value infinite."""
    if random.random() < 0.7:
        return "<f4"
    kinds = ["<f8", ">f4", ">f8"]
    if (rows == np.rint(rows)).all() and np.abs(rows).max() < 128:
        kinds += ["i1", "<i4"]
    with np.errstate(over="ignore"):
        half = rows.astype("f2")
    if np.isfinite(half).all() and half.any(axis=1).all():
        kinds += ["<f2"]
    return kinds[random.integers(len(kinds))]


def answers(random, queries, gallery):
    """The items that answer each query."""
    most = int(random.choice([1, 1, 2, 5]))
    number = [min(gallery, int(random.integers(1, most + 1))) for _ in range(queries)]
    return [sorted(int(i) for i in random.choice(gallery, n, replace=False)) for n in number]


def graded(random, config, relevant):
    """Grades above 0 for the relevant items, and the metrics that read them; no two items share a place under these rules for ties."""
    depth = int(random.choice([1, 3, 10]))
    config["metrics"] += [name for name in (f"nDCG@{depth}", f"nDCG_exp@{depth}") if name not in config["metrics"]]
    config["ties"] = str(random.choice(["index", "trec_eval"]))
    return [[float(random.choice([0.25, 1, 2, 3, 60])) for _ in items] for items in relevant]


def pick(random, values, most=3):
    """Some of the values, without repeats, in any order."""
    values = list(dict.fromkeys(values))
    count = min(len(values), 1 + int(random.integers(most)))
    return [values[i] for i in random.permutation(len(values))[:count]]


def counts_up_to(random, most):
    return [1, most, size(random, most), size(random, most), min(most, 10)]


READ_VECTORS = ("centering", "dbsn", "dissimlocal", "gr_clip", "invgc", "localadj")
ALPHAS = [0, 0.25, 0.5, 0.75, 1, 1.5, 1e-30, 1e6, 1e30]
BETAS = [1e-30, 1e-9, 1e-3, 0.5, 1, 3, 20, 75.5, 200, 400, 512, 513, 1000, 1e5, 1e30]
TAUS = [0.0032, 0.005, 0.01, 0.02, 0.1, 1, 30]


def betas(random, zero=False, wide=False):
    """Of methods without a file of biases, whose names have the digits of a parameter, also such as have hundreds of them."""
    return BETAS + [round(float(10 ** random.uniform(-3, 3)), 4)] + [0] * (3 * zero) + [1e-300, 1e300] * wide


def one_bank(random, items, ks):
    """One grid of every method that reads the query bank or none."""
    return {
        "nnn": {"k": pick(random, ks), "alpha": pick(random, ALPHAS)},
        "csls": {"k": pick(random, ks)},
        "dn": {"lambda": pick(random, [0, 0.25, 0.5, 1, 3, 1e-30, 1e4])},
        "is": {"beta": pick(random, betas(random), 5)},
        "dis": {"beta": pick(random, betas(random, wide=True), 2), "k": pick(random, counts_up_to(random, items), 2)},
        "sn": {"tau": pick(random, TAUS, 2), "iterations": pick(random, [1, 2, 5, 10, 17], 2)},
        "gc": {"depth": pick(random, ks, 2)},
        "ls": {"k": pick(random, ks)},
        "nicdm": {"k": pick(random, ks)},
        "zscore": {},
        "mp_normal": {},
        "mp_empirical": {"depth": pick(random, ks, 2)},
        "dsl": {"beta": pick(random, betas(random, True, True), 3)},
        "dissimlocal": {"k": pick(random, ks)},
    }


def two_banks(random, items):
    """One grid of every method that reads a gallery bank too."""

    def pair(wide):
        return {name: pick(random, betas(random, True, wide), 2) for name in ("beta1", "beta2")}

    rates = pick(random, [0, 0.1, 0.5, 1, 5, 1e6], 2)
    return {
        "centering": {},
        "gr_clip": {},
        "dualis": pair(False),
        "dualdis": pair(True) | {"k": pick(random, counts_up_to(random, items), 1)},
        "dualdis_released": pair(True) | {"k": pick(random, counts_up_to(random, items), 1)},
        "dbsn": {"tau": pick(random, TAUS, 2), "iterations": pick(random, [1, 3, 10], 1)},
        "invgc": {"r_g": rates, "r_q": pick(random, [0, 0.5, 2], 2)},
        "localadj": {"r_g": rates, "r_q": [0.5], "pool": pick(random, [1e-9, 0.01, 0.1, 0.5, 1], 2)},
    }


def grids(random, sizes):
    """One grid of every method; sizes are the least over the trials."""
    items, bank, other = sizes
    return one_bank(random, items, counts_up_to(random, bank)) | (two_banks(random, items) if other else {})


def choose_methods(random, sizes, given):
    grid = grids(random, sizes)
    if given:
        grid = {name: grid[name] for name in grid if name not in READ_VECTORS}
    kept = [name for name in grid if random.random() < 0.5] or ["nnn"]
    return ["raw"] + [{name: grid[name]} if grid[name] else name for name in kept]


def choose_metrics(random, items):
    """Only depths that the gallery has."""
    depths = [k for k in (1, 2, 5, 10, 50) if k <= items]
    names = ["R@1", "MedR", "MRR", "MeanR", "mAP@R"] + [f"R@{k}" for k in depths[1:]]
    k = depths[random.integers(len(depths))]
    extra = [f"{name}@{k}" for name in ("k_skewness", "k_kurtosis", "k_mae", "k_max", "gini", "robin_hood", "antihub")]
    extra += [f"hub_share@{k}", f"P@{k}", f"nDCG@{k}"]
    return list(dict.fromkeys(names + pick(random, extra, 6)))


def settings(random, items):
    config = {
        "choose": "fixed",
        "metrics": choose_metrics(random, items),
        "statistics": {"resamples": 40, "permutations": 19, "seed": int(random.integers(100))},
        "compute": {"threads": int(random.integers(1, 3))},
        "top": min(int(random.choice([1, 5, 10, 20])), items),
    }
    if random.random() < 0.3:
        config["ties"] = str(random.choice(["optimistic", "average", "trec_eval"]))
    if random.random() < 0.3:
        config["compute"] |= {"block_rows": size(random, 100), "block_columns": size(random, 300)}
    return config


def by_role(random, seed):
    dim = size(random, 130, 1 if random.random() < 0.25 else 2)
    counts = {name: size(random, most) for name, most in (("queries", 300), ("gallery", 300), ("bank", 500))}
    if random.random() < 0.5:
        counts["gallery_bank"] = size(random, 300)
    sides, notes = vectors(random, counts, dim)
    relevant = answers(random, counts["queries"], counts["gallery"])
    direction = str(random.choice(["t2i", "i2t"]))
    trial = Trial(direction, sides["queries"], sides["gallery"], sides["bank"], sides.get("gallery_bank"), relevant)
    shape = counts["gallery"], counts["bank"], counts.get("gallery_bank")
    config = settings(random, counts["gallery"]) | {"methods": choose_methods(random, shape, False)}
    if random.random() < 0.2:
        trial.grades = graded(random, config, relevant)
    notes |= {"bias": random.random() < 0.25}
    return Round(seed, "by_role", sides, config, [trial], relevant, None, notes)


LONG = ("nnn", "csls", "dn", "is", "dualis", "sn", "ls", "nicdm", "zscore")


def by_long_role(random, seed):
    """Banks of several chunks of 65,536 rows, or of some thousand, in which the largest are screened."""
    if random.random() < 0.3:
        bank, dim, items = int(random.integers(65_530, 140_000)), size(random, 6, 2), size(random, 12)
    else:
        bank, dim, items = int(random.integers(1000, 4000)), int(random.integers(32, 131)), size(random, 60)
    counts = {"queries": size(random, 60), "gallery": items, "bank": bank, "gallery_bank": size(random, 50)}
    sides, notes = vectors(random, counts, dim)
    relevant = answers(random, counts["queries"], items)
    trial = Trial("t2i", *sides.values(), relevant)
    grid = grids(random, (items, bank, counts["gallery_bank"]))
    chosen = [{name: grid[name]} if grid[name] else name for name in pick(random, LONG, 4)]
    config = settings(random, items) | {"methods": ["raw", *chosen]}
    return Round(seed, "by_role", sides, config, [trial], relevant, None, notes | {"long": True})


def by_dataset(random, seed):
    """Images with one to four texts each, and both directions."""
    dim, images = size(random, 130), size(random, 400, 2)
    owner = np.concatenate([np.arange(images), random.integers(images, size=int(random.integers(2 * images)))])
    owner = random.permutation(owner)
    test = random.random(images) < random.choice([0.2, 0.5, 0.8])
    test[0], test[1] = True, False
    sides, notes = vectors(random, {"gallery": images, "queries": len(owner)}, dim)
    pictures, texts, of_test = sides["gallery"], sides["queries"], test[owner]
    number = np.cumsum(test) - 1
    t2i = [[int(number[i])] for i in owner[of_test]]
    places = [[] for _ in range(int(test.sum()))]
    for text, image in enumerate(number[owner[of_test]]):
        places[image].append(text)
    trials = [
        Trial("t2i", texts[of_test], pictures[test], texts[~of_test], pictures[~test], t2i),
        Trial("i2t", pictures[test], texts[of_test], pictures[~test], texts[~of_test], places),
    ]
    items = min(len(trial.gallery) for trial in trials)
    bank = min(len(trial.bank) for trial in trials)
    config = settings(random, items) | {"methods": choose_methods(random, (items, bank, bank), False)}
    config |= {"directions": ["t2i", "i2t"], "reference_sets": [{"transductive": True}]}
    return Round(seed, "by_dataset", sides, config, trials, (owner, test), None, notes)


def cosine_matrices(random, shapes):
    """Matrices of cosines, often with equal values."""
    steps, sides = float(random.choice([0, 4, 64])), {}
    for name, shape in shapes.items():
        values = np.clip(random.normal(0.2, 0.3, shape), -1, 1)
        sides[name] = (np.rint(values * steps) / steps if steps else values).astype("<f4")
    return sides, {"steps": steps}


def by_similarity(random, seed):
    """Texts and items, of which one side asks the other; some texts do not exist."""
    items, bank = size(random, 100), size(random, 300)
    texts, direction = max(size(random, 200), items), str(random.choice(["t2i", "i2t"]))
    columns = items if direction == "t2i" else texts
    shapes = {"queries": (texts, items), "bank": (bank, columns)}
    if random.random() < 0.5:
        shapes["gallery_bank"] = (size(random, 200), columns)
    sides, notes = cosine_matrices(random, shapes)
    owner = random.permutation(np.concatenate([np.arange(items), random.integers(items, size=texts - items)]))
    mask = random.random(texts) < (0.7 if random.random() < 0.3 else 2.0)
    mask[np.unique(owner, return_index=True)[1]] = True
    kept, other = np.flatnonzero(mask), sides.get("gallery_bank")
    if direction == "t2i":
        trial = Trial("t2i", sides["queries"][kept], None, sides["bank"], other, [[int(i)] for i in owner[kept]], True)
    else:
        relevant = [[int(i) for i in np.flatnonzero(owner[kept] == item)] for item in range(items)]
        rest = None if other is None else other[:, kept]
        trial = Trial("i2t", sides["queries"][kept].T, None, sides["bank"][:, kept], rest, relevant, True)
    count = trial.queries.shape[1]
    shape = count, bank, None if other is None else len(other)
    config = settings(random, count) | {"methods": choose_methods(random, shape, True)}
    return Round(seed, "by_similarity", sides, config, [trial], (owner, mask), None, notes)


def draw(seed):
    random = np.random.default_rng([0x50A4, seed])
    form = by_long_role if random.random() < 0.03 else [by_role, by_role, by_role, by_dataset, by_similarity][random.integers(5)]
    made = form(random, seed)
    if random.random() < 0.2 and made.trials[0].grades is None:
        made.config |= {"choose": "oracle", "objective": made.config["metrics"][random.integers(5)]}
    made.notes["again"] = random.random() < 0.08
    return made
