"""What choosing costs: the published grids of all matrix-friendly methods at COCO's size, together and one by one.

Sets ranking all points together, statistics and ranking of one task, beside one pass over the query bank that
computes all scores and one over the queries, and lists points, seconds and gain of every method. Writes JSON.

    python tools/peers/grids.py --runner target/release/runner --binary target/release/examples/peers --output grids.json
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from compare import BANKS, GALLERY, QUERIES, around, call, machine, make_data, unit

GALLERY_BANK = 22_670
METHODS = ["nnn", "csls", "dn", "is", "dis", "dualis", "dualdis"]
CONFIG = """
experiment: grids
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
methods: [raw, METHODS]
choose: oracle
time_methods: true
metrics: [R@1]
"""


def prepare(folder):
    """compare.py's files, DBNorm's second bank, and a config."""
    make_data(folder, 0)
    random = np.random.default_rng(1)
    image, text = unit(np.random.default_rng(0).standard_normal((2, 512)))
    np.save(folder / "gallery-bank.npy", around(random, image + 0.3 * text, 1.2, GALLERY_BANK))
    np.save(folder / "answers.npy", np.minimum(np.arange(QUERIES) // 5, GALLERY - 1))


def search(folder, runner, name, methods, timed):
    """One run: its steps in seconds, the processor seconds of all of it, its peak in MiB, and its choosing table."""
    config = CONFIG.replace("METHODS", ", ".join(methods)).replace("experiment: grids", f"experiment: {name}")
    (folder / f"{name}.yaml").write_text(config.replace("time_methods: true", f"time_methods: {str(timed).lower()}"))
    command = [str(runner), str(folder / f"{name}.yaml"), "--results", str(folder), "--set", "compute.threads=2"]
    script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=-3, stderr=-3); " \
        "u = resource.getrusage(resource.RUSAGE_CHILDREN); print('[%f, %f]' % (u.ru_utime + u.ru_stime, u.ru_maxrss / 1024))"
    out = subprocess.run([sys.executable, "-c", script, *command], check=True, stdout=subprocess.PIPE)
    processor, peak = json.loads(out.stdout)
    record = json.loads((folder / name / "run.json").read_text())
    steps = {step: seconds for group in record["groups"] for step, seconds in group["seconds"]}
    with open(folder / name / "choosing.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {"steps": steps, "cpu_seconds": processor, "peak_mib": peak, "choosing": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", required=True, help="target/release/runner")
    parser.add_argument("--binary", required=True, help="target/release/examples/peers")
    parser.add_argument("--output", default="grids.json")
    parser.add_argument("--alone", action="store_true", help="also each method by itself, which takes some minutes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        files = [folder / f"{file}.npy" for file in ("gallery", "bank-113k", "queries")]
        passes = call([options.binary, "passes", *files])
        runner = Path(options.runner).resolve()
        together = search(folder, runner, "together", METHODS, False)
        alone = search(folder, runner, "alone", METHODS, True) if options.alone else None
    embeddings = (GALLERY + QUERIES + BANKS["113k"] + GALLERY_BANK) * 512 * 4 / 2**20
    one = passes["bank_seconds"] + passes["query_seconds"]
    own = sum(together["steps"][f"{step} (test)"] for step in ("statistics", "ranking"))
    result = {"machine": machine(), "passes": passes, "together": together, "alone": alone, "ratio": own / one}
    Path(options.output).write_text(json.dumps(result, indent=1) + "\n")
    points = sum(int(row["points"]) for row in together["choosing"])
    print(f"{points} points: {own:.1f} s ({together['steps']}); one bank pass and one query pass: {one:.1f} s ({passes}); {own / one:.1f} times")
    print(f"peak {together['peak_mib']:.0f} MiB, {together['peak_mib'] - embeddings:.0f} beyond {embeddings:.0f} of embeddings")
    print("| method | points | statistics, s | ranking, s | R@1 | chosen |\n|---|---|---|---|---|---|")
    for row in (alone or together)["choosing"]:
        print("|", " | ".join(row[c] for c in ("method", "points", "statistics_seconds", "ranking_seconds", "test", "params")), "|")


if __name__ == "__main__":
    main()
