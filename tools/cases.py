"""Tries the program on a folder of cases: inputs as people have them, each with what is wanted of it.

    python tools/cases.py FOLDER [--runner target/release/runner] [--only NAME ...] [--jobs 2]

FOLDER holds one folder per case with an `x.yaml` and perhaps `env` (NAME=VALUE, by blanks) and `args`, and a `wanted.tsv` with the
columns `case`, `wanted` and `why`. What is wanted is one of

    works           exit status 0
    works NUMBER    the same, and raw's R@1 is the number, to four decimals
    says WORDS      another exit status, and one message of fewer than 1,500 characters that contains the words;
                    words in quotes are meant with their quotes

Run it at the root of the repository. Python 3.11 or newer, no packages. Where a case has a MAKE.txt, its weights are made by hand first.
The exit status is 0 if every row holds.
"""

import argparse
import csv
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MOST_CHARACTERS = 1500
SECONDS = 300


def environment(case):
    extra = case / "env"
    pairs = shlex.split(extra.read_text()) if extra.exists() else []
    return os.environ | dict(pair.split("=", 1) for pair in pairs)


def run(runner, case, scratch):
    arguments = case / "args"
    more = shlex.split(arguments.read_text()) if arguments.exists() else []
    out = scratch / case.name
    command = [runner, case / "x.yaml", "--results", out / "results", "--cache", out / "cache", *more]
    return subprocess.run(
        command, env=environment(case), capture_output=True, text=True, errors="replace", timeout=SECONDS
    )


def recall(folder):
    """Raw's R@1 in the scores of the first trial."""
    for scores in sorted(folder.glob("results/*/scores.csv")):
        for row in csv.DictReader(scores.open()):
            if row["method"] == "raw" and row["metric"] == "R@1":
                return float(row["value"])
    return None


def judge(wanted, done, out):
    """None if it holds, else what is wrong."""
    kind, _, rest = wanted.partition(" ")
    if kind == "works":
        if done.returncode != 0:
            return f"exit status {done.returncode}: {done.stderr.strip()[-400:]}"
        if rest and (value := recall(out)) is not None and round(value, 4) != float(rest):
            return f"R@1 is {value}, not {rest}"
        if rest and recall(out) is None:
            return "no R@1 of raw was found"
        return None
    if kind != "says" or not rest:
        return f"what is wanted is not understood: {wanted!r}"
    if done.returncode == 0:
        return "exit status 0, expected a message"
    if "panicked" in done.stderr:
        return f"a panic: {done.stderr.strip()[-400:]}"
    if rest not in done.stderr:
        return f"the message does not say {rest!r}: {done.stderr.strip()[-400:]}"
    if len(done.stderr) >= MOST_CHARACTERS:
        return f"{len(done.stderr)} characters, expected fewer than {MOST_CHARACTERS}"
    return None


def tried(runner, folder, row, scratch):
    case = folder / row["case"]
    if not (case / "x.yaml").exists():
        return "there is no such case"
    try:
        return judge(row["wanted"], run(runner, case, scratch), scratch / case.name)
    except subprocess.TimeoutExpired:
        return f"no end after {SECONDS} seconds"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runner", type=Path, default=Path("target/release/runner"))
    parser.add_argument("--only", nargs="*", help="names of cases")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    with (given.folder / "wanted.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = [row for row in rows if not given.only or row["case"] in given.only]
    runner = given.runner.resolve()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(given.jobs) as pool:
        outcomes = list(pool.map(lambda row: tried(runner, given.folder, row, Path(scratch)), rows))
    for row, wrong in zip(rows, outcomes):
        print(f"{'ok   ' if wrong is None else 'FAILS'} {row['case']}: {row['wanted']}")
        if wrong:
            print("      " + wrong.replace("\n", "\n      "))
    failed = sum(wrong is not None for wrong in outcomes)
    print(f"{len(rows) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
