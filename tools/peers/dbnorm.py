"""DBNorm's search: this project's 820 points beside NumPy, written from the paper, repeated for every point.

NumPy keeps all three similarity matrices in memory, which favours it, and is timed at a few points; its total is
extrapolated. Prints both and writes JSON.

    python tools/peers/dbnorm.py --runner target/release/runner --output dbnorm.json
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "2"

import numpy as np  # noqa: E402  (after the number of threads)
from compare import GALLERY, QUERIES, around, machine, make_data, unit  # noqa: E402

GALLERY_BANK = 22_670
POINTS = 820
TIMED = [(0.0, 34.2105), (4.73753, 61.8421), (3.0, 1.75105)]
CONFIG = """
experiment: dbnorm
embeddings:
  - name: synthetic
    model: none
    direction: t2i
    by_role:
      gallery: {file: gallery.npy}
      queries: {file: queries.npy}
      query_to_gallery: {file: answers.npy}
      reference_queries: {file: bank-113k.npy}
      reference_gallery: {file: gallery-bank.npy}
methods:
  - dualis: {choose: oracle}
"""


def prepare(folder):
    """compare.py's files, DBNorm's second bank, and a config."""
    make_data(folder, 0)
    random = np.random.default_rng(1)
    image, text = unit(np.random.default_rng(0).standard_normal((2, 512)))
    np.save(folder / "gallery-bank.npy", around(random, image + 0.3 * text, 1.2, GALLERY_BANK))
    np.save(folder / "answers.npy", np.minimum(np.arange(QUERIES) // 5, GALLERY - 1))
    fixed = "".join(f"  - dualis: {{beta1: {a}, beta2: {b}, choose: fixed}}\n" for a, b in TIMED)
    (folder / "dbnorm.yaml").write_text(CONFIG + fixed + "choose: fixed\nmetrics: [R@1]\n")


def ours(folder, runner):
    """Seconds of the whole grid, statistics and ranking, and R@1 of the timed points."""
    command = [str(runner), str(folder / "dbnorm.yaml"), "--results", str(folder), "--set", "compute.threads=2"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    record = json.loads((folder / "dbnorm" / "run.json").read_text())
    steps = dict(step for group in record["groups"] for step in group["seconds"] if "(test)" in step[0] and group["seconds"])
    with open(folder / "dbnorm" / "scores.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == "dualis" and row["chosen"] == "fixed"]
    return steps, {row["params"]: float(row["value"]) for row in rows}


def factor(similarities, bank, beta):
    """exp(beta s) over its sum with the bank, as the paper has it; 1 for beta = 0."""
    if beta == 0:
        return np.float32(1)
    return np.exp(beta * similarities) / np.exp(beta * bank).sum(axis=0)


def numpy_search(folder):
    """Seconds of the three products, and of each timed point with its R@1."""
    files = ["gallery", "queries", "bank-113k", "gallery-bank"]
    gallery, queries, query_bank, gallery_bank = (np.load(folder / f"{name}.npy") for name in files)
    answers = np.load(folder / "answers.npy")
    start = time.perf_counter()
    similarities, of_queries, of_gallery = queries @ gallery.T, query_bank @ gallery.T, gallery_bank @ gallery.T
    products, points = time.perf_counter() - start, {}
    for beta1, beta2 in TIMED:
        start = time.perf_counter()
        scores = factor(similarities, of_gallery, beta1) * factor(similarities, of_queries, beta2)
        value = float((scores.argmax(axis=1) == answers).mean())
        points[f"beta1={beta1:g},beta2={beta2:g}"] = {"seconds": time.perf_counter() - start, "R@1": value}
        print(beta1, beta2, points, file=sys.stderr)
    return products, points


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", required=True, help="target/release/runner")
    parser.add_argument("--output", default="dbnorm.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        steps, values = ours(folder, Path(options.runner).resolve())
        products, points = numpy_search(folder)
    point = sorted(p["seconds"] for p in points.values())[len(points) // 2]
    extrapolated, own = products + POINTS * point, sum(steps.values())
    result = {"machine": machine(), "ours": {"steps": steps, "R@1": values}, "numpy": {"products": products, "points": points}}
    result |= {"seconds_ours": own, "seconds_numpy_extrapolated": extrapolated, "ratio": extrapolated / own}
    Path(options.output).write_text(json.dumps(result, indent=1) + "\n")
    print(f"ours: {own:.1f} s for {POINTS} points ({steps}); R@1 {values}")
    print(f"NumPy: {products:.1f} s of products, {point:.1f} s a point; {extrapolated:.0f} s extrapolated: {extrapolated / own:.0f} times; {points}")


if __name__ == "__main__":
    main()
