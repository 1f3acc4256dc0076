"""Rounds that must be refused: one fault in an otherwise valid round, and the words that the one message has to have."""

import numpy as np

MOST_CHARACTERS = 1500


def as_float(made, side):
    """A side as f32, so that every fault can be written into it."""
    with np.errstate(over="ignore"):
        made.arrays[side] = np.array(made.arrays[side], dtype="<f4")
    return made.arrays[side]


def any_side(random, made):
    names = [name for name in made.arrays]
    return as_float(made, names[random.integers(len(names))])


def spoil(value):
    def fault(random, made):
        rows = any_side(random, made)
        rows[random.integers(len(rows)), random.integers(rows.shape[1])] = value

    return fault


def zero_row(random, made):
    rows = any_side(random, made)
    rows[random.integers(len(rows))] = 0.0


def beyond_f32(random, made):
    names = list(made.arrays)
    name = names[random.integers(len(names))]
    rows = made.arrays[name].astype("<f8")
    rows[random.integers(len(rows)), random.integers(rows.shape[1])] = random.choice([-1e39, 1e300])
    made.arrays[name] = rows


def other_dimension(random, made):
    names = list(made.arrays)
    name = names[random.integers(len(names))]
    rows = as_float(made, name)
    made.arrays[name] = np.concatenate([rows, rows[:, :1]], axis=1)


def methods(*entries):
    def fault(random, made):
        bank = len(made.arrays["bank"])
        text = [entry(bank) if callable(entry) else entry for entry in entries]
        made.config["methods"] = ["raw", *text]

    return fault


def more_than(name, parameter):
    return lambda bank: {name: {parameter: [1, bank + 1]}}


def answer_outside(random, made):
    at = random.integers(len(made.answers))
    made.answers[at] = [len(made.arrays["gallery"]) + int(random.integers(3))]


def answer_missing(random, made):
    made.answers.append([0])
    if made.trials[0].grades is None:
        return None
    # Graded answers are written by the rows of their queries.
    made.trials[0].grades.append([1.0])
    return "is no query row"


def no_second_bank(random, made):
    made.arrays.pop("gallery_bank", None)
    made.config["methods"] = ["raw", {"dualis": {"beta1": [1], "beta2": [2]}}]


def metric(name):
    def fault(random, made):
        items = len(made.arrays["gallery"])
        made.config["metrics"].append(name.format(items + 1))

    return fault


def setting(key, value):
    def fault(random, made):
        made.config[key] = value

    return fault


FAULTS = {
    "nan": (spoil(np.nan), "must be finite"),
    "infinite": (spoil(np.inf), "must be finite"),
    "zero": (zero_row, "is a zero vector"),
    "beyond f32": (beyond_f32, "f32"),
    "dimension": (other_dimension, "dimension"),
    "k above the bank": (methods(more_than("nnn", "k")), "bank"),
    "k of ls above the bank": (methods(more_than("ls", "k")), "bank"),
    "depth above the bank": (methods(more_than("gc", "depth")), "bank"),
    "k of zero": (methods({"csls": {"k": [0]}}), "`k`"),
    "beta of zero": (methods({"is": {"beta": [0]}}), "`beta`"),
    "beta below zero": (methods({"dualis": {"beta1": [-1], "beta2": [1]}}), "`beta1`"),
    "tau too small": (methods({"sn": {"tau": [0.003]}}), "`tau`"),
    "too many rounds": (methods({"sn": {"iterations": [1001]}}), "`iterations`"),
    "no whole number": (methods({"nnn": {"k": [1.5]}}), "`k`"),
    "unknown method": (methods("nn"), "nn"),
    "unknown parameter": (methods({"nnn": {"kk": [1]}}), "kk"),
    "answer outside": (answer_outside, "gallery"),
    "an answer too many": (answer_missing, "expected"),
    "no second bank": (no_second_bank, "gallery"),
    "list longer than the gallery": (metric("k_skewness@{}"), "k_skewness"),
    "unknown metric": (metric("recall@{}"), "recall"),
    "unknown key": (setting("methodz", ["raw"]), "methodz"),
    "few resamples": (setting("statistics", {"resamples": 39}), "resamples"),
    "unknown tie rule": (setting("ties", "random"), "random"),
}


def break_round(random, made):
    """Puts one fault into a round by role."""
    names = list(FAULTS)
    name = names[random.integers(len(names))]
    fault, words = FAULTS[name]
    # What a message has to say may depend on the round.
    made.refusal = fault(random, made) or words
    made.notes["fault"] = name


def judge(findings, made, done, results):
    """One clear message, another exit status, and no scores."""
    kind = f"refusal/{made.notes.get('fault', 'evaluated bank')}"
    text = done.stderr.strip()
    checks = {
        "exit status 0": done.returncode != 0,
        "ended by a signal": done.returncode >= 0,
        "a panic": "panicked" not in text,
        "more or less than one message": text.count("error:") == 1,
        "a long message": len(text) < MOST_CHARACTERS,
        f"does not say {made.refusal!r}": made.refusal in text,
        "scores are there": not (results / "scores.csv").exists(),
    }
    failed = [name for name, right in checks.items() if not right]
    findings.note(kind, not failed, True, lambda: f"{', '.join(failed)}: {text[-400:]}")
