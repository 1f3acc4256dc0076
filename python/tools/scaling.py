"""What docs/cluster.md computes with: one worker's rate and memory, and what a sample of a bank costs in accuracy.

    python python/tools/scaling.py --out python/tools/scaling.json

- `worker`: one shard against a bank of 1,000,000 x 512 that is mapped (2 GB, on disk), on one thread: scores a second, and memory of the
  process, its own and that of mapped files.
- `sample`: biases of items from random fractions `f` of a bank, with `k` scaled to `f k`, against those from the whole bank: the
  root mean square of the error beside what the formula predicts, its mean, and R@1 of queries with either.

Vectors are seeded, clustered, and have hubs. The error of a real bank is its own: `predicted` can be computed for it from one pass, as `tail`
here does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import nnn_bench
from vectors import World, unit

K, ALPHA = 128, 0.75
FRACTIONS = (1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128)


# One worker


def memory(pid: int | str = "self") -> dict[str, int]:
    """Megabytes that a process holds: its own, those of mapped files, and the most of both together."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    names = {"own": "RssAnon", "mapped": "RssFile", "most": "VmHWM"}
    return {key: int(fields[name].split()[0]) // 1024 for key, name in names.items()}


def worker(folder: str, threads: int) -> None:
    """In a process of its own: reads a shard, opens the bank, and computes."""
    before = memory()
    items = np.load(Path(folder, "items.npy"))
    bank = nnn_bench.Bank(np.load(Path(folder, "bank.npy"), mmap_mode="r"))
    nnn_bench.bias(items[:64], bank, "nnn", k=K, alpha=ALPHA, threads=threads)
    wall, cpu = time.perf_counter(), time.process_time()
    nnn_bench.bias(items, bank, "nnn", k=K, alpha=ALPHA, threads=threads)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    flops = 2.0 * len(items) * len(bank) * bank.dim
    print(json.dumps({
        "items": len(items), "bank": len(bank), "dim": bank.dim, "threads": threads,
        "seconds": round(wall, 2), "processor_seconds": round(cpu, 2),
        "gigaflops_per_processor_second": round(flops / cpu / 1e9), "mib_before": before, "mib_after": memory(),
    }))


def measure_worker(items: int, rows: int, dim: int) -> list[dict]:
    world = World(5, dim)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        bank = np.lib.format.open_memmap(Path(folder, "bank.npy"), "w+", np.float32, (rows, dim))
        for first in range(0, rows, 50_000):
            bank[first : first + 50_000] = unit(world.bank(min(50_000, rows - first)))
        bank.flush()
        del bank
        for size in (items // 4, items):
            np.save(Path(folder, "items.npy"), unit(world.items(size)))
            call = [sys.executable, __file__, "--worker", folder]
            found.append(json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout))
    return found


# A sample of the bank


def tail(items: np.ndarray, bank: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every item's `k` largest similarities: their variance, and how far their mean is above the smallest."""
    variances, heights = [], []
    for first in range(0, len(items), 100):
        scores = items[first : first + 100] @ bank.T
        largest = np.partition(scores, len(bank) - k, axis=1)[:, -k:].astype(np.float64)
        variances.append(largest.var(axis=1))
        heights.append(largest.mean(axis=1) - largest.min(axis=1))
    return np.concatenate(variances), np.concatenate(heights)


def predicted(variance: np.ndarray, height: np.ndarray, fraction: float, k: int, rows: int) -> np.ndarray:
    """Standard error of the mean of the `f k` largest of a sample: (1 - f) / (f k) (s^2 + (1 - k / M) h^2), its root."""
    return np.sqrt((1 - fraction) / (fraction * k) * (variance + (1 - k / rows) * height**2))


def measure_sample(items: int, rows: int, dim: int, draws: int) -> dict:
    world = World(9, dim)
    gallery, bank = unit(world.items(items)), unit(world.bank(rows))
    asked = world.rng.permutation(items)
    queries = world.queries(asked)
    whole = nnn_bench.bias(gallery, bank, "nnn", k=K, alpha=1.0).astype(np.float64)
    variance, height = tail(gallery[:1000], bank, K)

    def first_place(bias: np.ndarray | None) -> float:
        best = nnn_bench.rank(queries, gallery, 1, method="raw", bias=bias)[:, 0]
        return round(float((best == asked).mean()), 4)

    found = []
    for fraction in FRACTIONS:
        k, errors, hits = max(1, round(fraction * K)), [], []
        for draw in range(draws):
            chosen = np.sort(np.random.default_rng([11, draw]).choice(rows, round(fraction * rows), replace=False))
            bias = nnn_bench.bias(gallery, bank[chosen], "nnn", k=k, alpha=1.0)
            errors.append(bias - whole)
            hits.append(first_place(np.float32(ALPHA) * bias))
        errors = np.array(errors)
        formula = predicted(variance, height, fraction, K, rows)
        found.append({
            "fraction": fraction, "k": k, "rms_error": float(np.sqrt((errors**2).mean())),
            "predicted": float(np.sqrt((formula**2).mean())), "mean_error": float(errors.mean()),
            "r_at_1": round(float(np.mean(hits)), 4), "r_at_1_least": min(hits), "r_at_1_most": max(hits),
        })
    return {
        "items": items, "bank": rows, "dim": dim, "k": K, "alpha": ALPHA, "draws": draws, "spread_of_biases": float(whole.std()),
        "r_at_1_raw": first_place(None), "r_at_1_whole_bank": first_place(np.float32(ALPHA) * whole.astype(np.float32)), "samples": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="where the measurements go, as JSON")
    parser.add_argument("--items", type=int, default=16_384, help="items of the shard")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the worker's bank")
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(arguments.worker, 1)
    record = {
        "machine": machine(),
        "worker": measure_worker(arguments.items, arguments.rows, 512),
        "sample": measure_sample(5_000, 262_144, 256, 10),
    }
    text = json.dumps(record, indent=2) + "\n"
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


def machine() -> dict:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    versions = {"python": platform.python_version(), "nnn_bench": nnn_bench.__version__}
    return {"processor": model, "cores": os.cpu_count(), "load_average": round(os.getloadavg()[1], 1), **versions}


if __name__ == "__main__":
    main()
