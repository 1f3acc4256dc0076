"""An endurance test: random small configs, whose every number is held against an oracle in NumPy.

    python tools/soak/soak.py --runner target/release/runner --minutes 120 [--seed S] [--jobs 1] [--keep FOLDER]
    python tools/soak/soak.py --runner target/release/runner --one SEED

A round is one seed. It draws vectors, answers and a grid of methods, writes them, runs the program on them and compares all that it
writes. A disagreement is printed with its seed and its inputs are kept; the test goes on and ends with exit status 1. README.md
beside this file says what is compared and how exactly. Needs NumPy; with pyarrow, ranks and lists of single queries are compared too.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from pathlib import Path

import numpy as np

import draw
import files
import judge
import refusals

SECONDS = 300
MOST_KEPT = 40
LEAST_FREE = 500_000_000


def make(seed):
    """The round of a seed; some are to be refused."""
    made = draw.draw(seed)
    random = np.random.default_rng([0xBAD, seed])
    if judge.is_evaluated(made):
        made.refusal = "a bank must not hold evaluated items"
    elif made.form == "by_role" and random.random() < 0.08:
        refusals.break_round(random, made)
    return made


def run(command, folder=None):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS)


def sweep(runner, folder, results, *more):
    return run([runner, folder / "x.yaml", "--results", results, "--cache", folder / "cache", "--quiet", *more])


def run_again(findings, runner, made, folder):
    """Other threads and blocks have to change no byte."""
    blocks = f"compute={{threads: {3 - made.config['compute']['threads']}, block_rows: 17, block_columns: 40}}"
    done = sweep(runner, folder, folder / "again", "--set", blocks)
    names = ["scores.csv", "comparisons.csv", *(f"bias/{path.name}" for path in (folder / "results/x/bias").glob("*"))]
    same = done.returncode == 0
    same = same and all((folder / "results/x" / name).read_bytes() == (folder / "again/x" / name).read_bytes() for name in names)
    findings.note("round/again", same, True, lambda: f"other blocks, other bytes, or: {done.stderr.strip()[-400:]}")


def named_files(entry):
    """An array of a config as the command line names it."""
    parts = entry if isinstance(entry, list) else [entry]
    return [part["file"] + (f"[{part['key']}]" if "key" in part else "") for part in parts]


def bias_alone(findings, runner, folder):
    """`runner bias` of additive cells gives the bias of the sweep."""
    source = json.loads((folder / "x.yaml").read_text())["embeddings"][0]["by_role"]
    for path in sorted((folder / "results/x/bias").glob("*.npy"))[:3]:
        method, _, rest = path.name.removesuffix(".npy").split("--")[-1].partition("_")
        banks = {"--gallery": "gallery", "--reference": "reference_queries", "--reference-gallery": "reference_gallery"}
        if any(part in ("beta1=0", "beta2=0") for part in rest.split(",")):
            continue  # a side that does not count has no bank
        if method not in ("dualis", "dbsn", "centering"):
            del banks["--reference-gallery"]
        given = [word for flag, name in banks.items() for file in named_files(source[name]) for word in (flag, file)]
        out = folder / "alone.parquet"
        out.unlink(missing_ok=True)
        command = [runner, "bias", *given, "--method", f"{method}({rest})" if rest else method, "--out", out, "--quiet"]
        done = run(command, folder)
        same = done.returncode == 0 and np.array_equal(files.read_column(out, "bias"), np.load(path))
        findings.note(f"{method}/alone/bias", same, True, lambda: f"{path.name}: other numbers, or: {done.stderr.strip()[-400:]}")


def play(runner, seed, folder):
    """Runs one round in a folder; what was found."""
    findings, made = judge.Findings(), make(seed)
    files.write(folder, made)
    results = folder / "results"
    done = sweep(runner, folder, results)
    if made.refusal is not None:
        refusals.judge(findings, made, done, results / "x")
    elif done.returncode != 0:
        findings.note("round/runs", False, True, lambda: f"exit status {done.returncode}: {done.stderr.strip()[-600:]}")
    else:
        judge.judge(findings, made, results / "x")
        if made.notes["again"]:
            run_again(findings, runner, made, folder)
        if made.notes.get("bias") and files.parquet:
            bias_alone(findings, runner, folder)
    return findings, made.form


def free():
    return shutil.disk_usage(tempfile.gettempdir()).free


def keep_round(keep, seed, folder, wrong):
    """Inputs and results of a round that disagrees."""
    kept = keep / str(seed)
    try:
        if len(list(keep.glob("*"))) < MOST_KEPT and folder.exists():
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("cache", "tables", "*.html"))
            (kept / "disagreements.txt").write_text("\n".join(wrong) + "\n")
    except OSError as error:
        print(f"seed {seed} could not be kept: {error}", flush=True)


def one_round(runner, seed, keep):
    """A round with its folder: kept where something disagrees. What fails on a full disk says nothing and is only counted."""
    while free() < LEAST_FREE:
        time.sleep(10)
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch) / str(seed)
        try:
            findings, form = play(runner, seed, folder)
        except Exception:  # a fault of the test itself must be seen too, and end nothing
            findings, form = judge.Findings(), "failed"
            findings.note("round/test", False, True, traceback.format_exc)
        if findings.wrong and free() < LEAST_FREE / 2:
            return seed, judge.Findings(), "disk full"
        if findings.wrong and keep:
            keep_round(keep, seed, folder, findings.wrong)
    return seed, findings, form


class Tally:
    """All rounds together."""

    def __init__(self, seed):
        self.start, self.first, self.rounds = time.monotonic(), seed, 0
        self.forms, self.compared, self.points = Counter(), Counter(), Counter()
        self.used, self.wrong = {}, []

    def add(self, seed, findings, form):
        self.rounds += 1
        self.forms[form] += 1
        self.compared += findings.compared
        self.points += findings.points
        for kind, share in findings.used.items():
            if share > self.used.get(kind, (0.0, 0))[0]:
                self.used[kind] = (share, seed)
        for words in findings.wrong:
            self.wrong.append({"seed": seed, "what": words})
            print(f"DISAGREES seed {seed}: {words}", flush=True)

    def line(self):
        total, points = sum(self.compared.values()), sum(self.points.values())
        minutes = (time.monotonic() - self.start) / 60
        return (
            f"{minutes:6.1f} min: {self.rounds} rounds, {total} comparisons, {points / max(1, total):.1%} of them of points, "
            f"{len(self.wrong)} disagreements"
        )

    def summary(self):
        return {
            "first_seed": self.first,
            "rounds": self.rounds,
            "forms": dict(self.forms),
            "minutes": round((time.monotonic() - self.start) / 60, 2),
            "comparisons": sum(self.compared.values()),
            "of_points": sum(self.points.values()),
            "by_kind": {kind: [self.compared[kind], self.points[kind]] for kind in sorted(self.compared)},
            "largest_share_of_a_bound": {kind: list(share) for kind, share in sorted(self.used.items())},
            "disagreements": self.wrong,
        }


def in_lines(summary):
    """JSON with one line for each entry of the two outer levels."""
    parts = []
    for key, value in summary.items():
        text = json.dumps(value)
        if isinstance(value, dict):
            text = "{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(it)}" for name, it in value.items()) + "\n }"
        elif isinstance(value, list):
            text = "[\n" + ",\n".join(f"  {json.dumps(it)}" for it in value) + "\n ]"
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}"


def soak(given, tally):
    """Rounds of one seed after the other until the time is over or the process is asked to end, and a line each minute."""
    end, said = time.monotonic() + 60 * given.minutes, time.monotonic()
    seed, waiting, asked = given.seed, set(), []
    with ProcessPoolExecutor(given.jobs, initializer=signal.signal, initargs=(signal.SIGTERM, signal.SIG_IGN)) as pool:
        signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
        while waiting or (time.monotonic() < end and not asked):
            while len(waiting) < given.jobs and time.monotonic() < end and not asked:
                waiting.add(pool.submit(one_round, given.runner, seed, given.keep))
                seed += 1
            done, waiting = wait(waiting, timeout=10, return_when=FIRST_COMPLETED)
            for it in done:
                tally.add(*it.result())
            if time.monotonic() - said >= 60:
                said = time.monotonic()
                print(tally.line(), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runner", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--one", type=int, metavar="SEED", help="repeats one round")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for inputs of rounds that disagree")
    parser.add_argument("--summary", type=Path, help="file for the summary, which is printed too")
    given = parser.parse_args()
    given.runner = given.runner.resolve(strict=True)
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    tally = Tally(given.seed if given.one is None else given.one)
    if given.one is None:
        soak(given, tally)
    else:
        tally.add(*one_round(given.runner, given.one, given.keep))
    print(tally.line())
    text = in_lines(tally.summary())
    print(text)
    if given.summary:
        given.summary.write_text(text + "\n")
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
