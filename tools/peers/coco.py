"""What the whole of COCO takes for one model: a rehearsal of `configs/coco.yaml` on random vectors of its counts.

25,010 captions and 5,000 images are evaluated, 566,747 captions and 113,287 images are there to learn from; 5,000 held-out images
with their captions choose. Both directions, the config's methods with their published grids, its metrics with intervals and tests.
Prints processor seconds, wall seconds, peak memory and the seconds of every stage, and writes JSON.

    python tools/peers/coco.py --runner target/release/runner --output coco.json

`--shares 0.2` leaves out the run on all training data, `--methods raw sn dbsn` sets others, `--folder` keeps the vectors (1.4 GiB).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from compare import DIM, around, machine, unit

IMAGES, TEXTS = {"test": 5_000, "train": 113_287}, {"test": 25_010, "train": 566_747}
ROWS = 50_000
METHODS = ["raw", "nnn", "csls", "dn", "is", "dis", "dualis", "dualdis"]
CONFIG = """
experiment: coco
embeddings:
  - name: random
    model: none
    by_dataset:
      images: {file: images.npy}
      texts: {file: texts.npy}
      text_to_image: {file: pairs.json}
      split: {file: splits.json}
reference_sets:
  - {split: train, share: SHARE, seed: 0}
hold_out: {images: 5000}
methods: [METHODS]
choose: validation
metrics: [R@1, R@5, R@10, MedR, MeanR, MRR, k_skewness@10, k_skewness@1, k_kurtosis@1, k_mae@1, k_max@1, antihub@10]
"""


def prepare(folder):
    """Images and texts in cones of their own, each text near its image."""
    random = np.random.default_rng(0)
    image, text = unit(random.standard_normal((2, DIM)))
    images = around(random, image + 0.3 * text, 1.2, sum(IMAGES.values()))
    first = {"test": 0, "train": IMAGES["test"]}
    owners = np.concatenate([first[split] + np.sort(np.arange(TEXTS[split]) % IMAGES[split]) for split in IMAGES])
    shape = (len(owners), DIM)
    texts = np.lib.format.open_memmap(folder / "texts.npy", mode="w+", dtype=np.float32, shape=shape)
    for start in range(0, len(owners), ROWS):
        of = owners[start : start + ROWS]
        texts[start : start + ROWS] = unit(0.18 * images[of] + around(random, text + 0.3 * image, 1.2, len(of)))
    texts.flush()
    (folder / "pairs.json").write_text(json.dumps(owners.tolist()))
    (folder / "splits.json").write_text(json.dumps([split for split in IMAGES for _ in range(IMAGES[split])]))
    # The last, so that a folder with it is whole.
    np.save(folder / "images.npy", images)


def rehearse(folder, runner, share, methods):
    """One run from nothing."""
    config = folder / "coco.yaml"
    config.write_text(CONFIG.replace("SHARE", str(share)).replace("METHODS", ", ".join(methods)))
    with tempfile.TemporaryDirectory(dir=folder) as results:
        command = [str(runner), str(config), "--results", results, "--set", "compute.threads=2"]
        script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=-3, stderr=-3); " \
            "u = resource.getrusage(resource.RUSAGE_CHILDREN); print('[%f, %f]' % (u.ru_utime + u.ru_stime, u.ru_maxrss / 1024))"
        start = time.monotonic()
        out = subprocess.run([sys.executable, "-c", script, *command], check=True, stdout=subprocess.PIPE)
        wall = time.monotonic() - start
        record = json.loads((Path(results) / "coco" / "run.json").read_text())
    processor, peak = json.loads(out.stdout)
    stages = {}
    for trial in record["trials"]:
        for stage, seconds in trial["seconds"]:
            stages[stage] = stages.get(stage, 0) + seconds
    return {"share": share, "methods": methods, "cpu_seconds": processor, "seconds": wall, "peak_mib": peak, "stages": stages}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", required=True, help="target/release/runner")
    parser.add_argument("--shares", nargs="+", type=float, default=[0.2, 1.0], help="of the training data")
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--folder", type=Path, help="where the vectors are, or are put")
    parser.add_argument("--output", default="coco.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "images.npy").exists():
            prepare(folder)
        runner = Path(options.runner).resolve()
        runs = [rehearse(folder, runner, share, options.methods) for share in options.shares]
    Path(options.output).write_text(json.dumps({"machine": machine(["numpy"]), "runs": runs}, indent=1) + "\n")
    for run in runs:
        print(f"share {run['share']}: {run['cpu_seconds']:.0f} s of processor, {run['seconds']:.0f} s, peak {run['peak_mib']:.0f} MiB")
        for stage, seconds in run["stages"].items():
            print(f"  {seconds:8.1f} s  {stage}")


if __name__ == "__main__":
    main()
