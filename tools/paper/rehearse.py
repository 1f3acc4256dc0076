"""Runs the configs of the paper's tables on random vectors, and makes one page of all of them.

    python tools/paper/rehearse.py RUNNER FOLDER

It shows how large that page is and how long it takes; its numbers say nothing. Every model of a config becomes a set of random embeddings
of each of its data sets, with 200 images to test and 4,000 to train on, five texts each. Reference sets are drawn from the set itself. What
needs more than vectors (matching heads, groups) is left out. Needs NumPy and PyYAML.
"""

import pathlib
import subprocess
import sys
import time

import numpy as np
import yaml

TEST, TRAIN, TEXTS, DIM = 200, 4000, 5, 16
CONFIGS = pathlib.Path(__file__).parents[2] / "experiments" / "nnn-emnlp2024"
LEFT_OUT = {"appendix-f.yaml", "gender.yaml"}


def vectors(folder):
    """Images, texts near them, which text is whose, and the splits."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((TEST + TRAIN, DIM)).astype("f4")
    texts = np.repeat(images, TEXTS, axis=0) + 1.5 * rng.standard_normal((len(images) * TEXTS, DIM)).astype("f4")
    np.save(folder / "images.npy", images)
    np.save(folder / "texts.npy", texts.astype("f4"))
    np.save(folder / "owners.npy", np.repeat(np.arange(len(images)), TEXTS).astype("i8"))
    splits = ["test"] * TEST + ["train"] * TRAIN
    (folder / "split.txt").write_text("\n".join(splits) + "\n")


def rehearsal(config):
    """The same config on random vectors."""
    def entry(model, dataset):
        files = {"images": "images.npy", "texts": "texts.npy", "text_to_image": "owners.npy", "split": "split.txt"}
        return {"name": f"{dataset}, {model}", "model": model, "by_dataset": {key: {"file": file} for key, file in files.items()}}

    def reference(spec):
        return {"name": spec["name"], "split": "train", **{key: spec[key] for key in ("share", "seed") if key in spec}}

    kept = {key: config[key] for key in ("experiment", "description", "directions", "methods", "choose", "metrics", "compute", "ties") if key in config}
    models = config["models"]
    return {
        **kept,
        "embeddings": [entry(model, dataset) for model in models for dataset in config["datasets"]],
        "reference_sets": [reference(spec) for spec in config["reference_sets"]],
        "hold_out": {"split": "train", "images": TEST},
    }


def main(runner, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    vectors(folder)
    done = []
    paths = [path for path in sorted(CONFIGS.glob("*.yaml")) if path.name not in LEFT_OUT]
    for path in paths:
        config = rehearsal(yaml.safe_load(path.read_text()))
        written = folder / path.name
        written.write_text(yaml.safe_dump(config, sort_keys=False))
        results = folder / "results"
        ran = subprocess.run([runner, "run", written, "--results", results, "--cache", folder / "cache"], stdout=subprocess.DEVNULL)
        print(path.name, "ok" if ran.returncode == 0 else f"exit {ran.returncode}", flush=True)
        if ran.returncode == 0:
            done.append(results / config["experiment"])
    if len(done) < len(paths):
        sys.exit(f"{len(paths) - len(done)} of {len(paths)} configs failed")
    started = time.monotonic()
    subprocess.run([runner, "report", *done], check=True, stdout=subprocess.DEVNULL)
    page = folder / "results" / "report.html"
    print(f"{page}: {page.stat().st_size / 1e6:.2f} MB of {len(done)} experiments in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:3])
