"""The bias of a gallery that is streamed from files, beside the pass over vectors in memory; and what kills leave.

    python tools/peers/stream.py --runner target/release/runner --binary target/release/examples/peers

draws a gallery of `--items` x 256 in parts of 100,000 (seeded, float32, five gigabytes for 5,000,000 items), a bank of 10,000, and
measures

- `streamed`: `runner bias` over all parts: seconds, processor seconds, and the most memory that the process ever held;
- `in memory`: the example `peers bias` over the first 500,000 items, whose vectors are read before the clock starts;
- `kills`: the same `runner bias` over the first parts, ended by SIGKILL at ten moments spread over the time that it takes and
  started again each time: the file must have the bytes of an undisturbed call.

Rates are items a second; the ratio is streamed to in memory, in this run.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

DIM, BANK, K, PART = 256, 10_000, 128, 100_000
METHOD = f"nnn(k={K},alpha=0.75)"


def draw(folder, items):
    """Clustered vectors about a common direction, part by part."""
    centres = np.random.default_rng(0).normal(size=(512, DIM)).astype(np.float32) + 0.5
    (folder / "gallery").mkdir()
    for part in range(-(-items // PART)):
        rng = np.random.default_rng([1, part])
        rows = min(PART, items - part * PART)
        noise = rng.standard_normal(size=(rows, DIM), dtype=np.float32)
        np.save(folder / "gallery" / f"part-{part:04}.npy", centres[rng.integers(0, 512, rows)] + noise)
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(size=(BANK, DIM), dtype=np.float32)
    np.save(folder / "bank.npy", centres[rng.integers(0, 512, BANK)] + noise)


def command(runner, folder, parts, out):
    gallery = [str(path) for path in sorted((folder / "gallery").iterdir())[:parts]]
    return [runner, "bias", "--gallery", *gallery, "--reference", str(folder / "bank.npy"), "--method", METHOD, "--out", str(out)]


def peak_mib(pid):
    """The most memory that a running process has held; not the parent's, which a child's usage begins with."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def timed(arguments):
    """Wall and processor seconds of a program, and its peak of resident memory, looked at five times a second."""
    start = time.perf_counter()
    child, peak = subprocess.Popen(arguments, stdout=subprocess.DEVNULL), 0
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, peak_mib(child.pid))
        time.sleep(0.2)
    if status:
        raise SystemExit(f"{arguments[0]} ended with {status}")
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": peak,
    }


def in_memory(binary, folder, items):
    """The pass alone, over unit vectors that are in memory."""
    parts = [np.load(path) for path in sorted((folder / "gallery").iterdir())[: -(-items // PART)]]
    for name, rows in [("some", np.concatenate(parts)[:items]), ("unit-bank", np.load(folder / "bank.npy"))]:
        np.save(folder / f"{name}.npy", rows / np.linalg.norm(rows, axis=1, keepdims=True))
    out = subprocess.run(
        [binary, "bias", folder / "some.npy", folder / "unit-bank.npy", str(K), folder / "means.npy"],
        capture_output=True, text=True, check=True, env={**os.environ, "RAYON_NUM_THREADS": "2"},
    )
    return json.loads(out.stdout)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def kills(runner, folder, parts, number):
    """Whether calls that were killed `number` times end with the bytes of an undisturbed one."""
    whole, out = folder / "whole.parquet", folder / "killed.parquet"
    taken = timed(command(runner, folder, parts, whole))["seconds"]
    rng, killed = random.Random(0), 0
    while killed < number:
        child = subprocess.Popen(command(runner, folder, parts, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(taken * rng.uniform(0.0, 0.3))
        child.send_signal(signal.SIGKILL)
        if child.wait() == 0:
            if digest(out) != digest(whole):
                raise SystemExit("other bytes")
            out.unlink()
        else:
            killed += 1
    if not out.exists():
        timed(command(runner, folder, parts, out))
    return {"kills": killed, "items": parts * PART, "same_bytes": digest(out) == digest(whole)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", required=True)
    parser.add_argument("--binary", required=True, help="the example `peers` of nnn-core")
    parser.add_argument("--items", type=int, default=5_000_000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder, arguments.items)
        some = min(arguments.items, 500_000)
        found = {"items": arguments.items, "dim": DIM, "bank": BANK, "method": METHOD}
        found["kills"] = kills(arguments.runner, folder, min(3, -(-some // PART)), 10)
        found["in_memory"] = in_memory(arguments.binary, folder, some) | {"items": some}
        parts = -(-arguments.items // PART)
        found["streamed"] = timed(command(arguments.runner, folder, parts, folder / "bias.parquet")) | {"items": arguments.items}
        for run in (found["streamed"], found["in_memory"]):
            run["items_per_second"] = round(run["items"] / run["seconds"])
        rates = [found[run]["items_per_second"] for run in ("streamed", "in_memory")]
        found["ratio"] = round(rates[0] / rates[1], 3)
    text = json.dumps(found, indent=1)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
