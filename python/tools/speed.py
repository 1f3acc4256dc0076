"""NNN's bias from Python: `nnn_bench.bias` beside `nnn-retrieval` and beside the Rust example, one machine, one run.

Data, protocol and the peer's worker are those of tools/peers/compare.py: 5,000 items against a bank of 113,349 rows of dimension 512,
k = 128. Every measurement is a process of its own with two threads; the contenders take turns, so that what else the machine does
falls on all of them. Reading files is not timed. What `nnn_bench.bias` does before the pass is: it looks at every row whether it has
unit length. Once in a process the instructions of the processor are checked; the Rust example does that before its clock starts, and so does
this, with a first call on a few rows whose time is recorded by itself (`first_call`). Prints a Markdown table of medians and writes
speed.json.

    cargo build --release -p nnn-core --example peers
    python python/tools/speed.py --binary target/release/examples/peers

`--items`, `--bank` and `--dim` make it small, to try it.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "tools" / "peers"))

import compare
import workers

K = 128
BANK = "113k"
PYTHON, PEER, RUST = "nnn_bench", "nnn-retrieval", "rust"
PACKAGES = ("nnn-bench", "nnn-retrieval", "numpy", "torch")


def work(gallery, bank, out):
    """The timed task of this package, in a process of its own."""
    import nnn_bench

    gallery, bank = workers.load(gallery), workers.load(bank)
    clock = workers.Clock()
    nnn_bench.bias(gallery[:10], bank[:10], "raw", threads=workers.THREADS)
    first = clock.stop()
    clock = workers.Clock()
    # With alpha = 1 the bias is the mean of the k largest similarities, which the others return.
    bias = nnn_bench.bias(gallery, bank, "nnn", k=K, alpha=1.0, threads=workers.THREADS)
    times = clock.stop()
    np.save(out, bias)
    print(json.dumps(times | {"first_call": first, "peak_mib": workers.peak_mib()}))


class Bench(compare.Bench):
    """The contenders of compare.py, and this package."""

    def run(self, who):
        """One measurement: a dictionary of seconds."""
        if who != PYTHON:
            return self.bias({RUST: "ours"}.get(who, who), BANK, K)
        files = [self.file(name) for name in ("gallery", f"bank-{BANK}", f"bias-{PYTHON}-{BANK}-{K}")]
        return compare.call([sys.executable, HERE, "--work", *files])

    def differences(self):
        """How far the other two are from this package: the largest difference of a mean."""
        ours = np.load(self.file(f"bias-{PYTHON}-{BANK}-{K}"))
        others = {RUST: "ours", PEER: PEER}
        found = {who: np.load(self.file(f"bias-{name}-{BANK}-{K}")) for who, name in others.items()}
        return {who: float(np.abs(bias.astype(np.float64) - ours).max()) for who, bias in found.items()}


def measure(bench, rounds):
    """{contender: [runs]}, the contenders taking turns."""
    runs = {who: [] for who in (PYTHON, PEER, RUST)}
    for _ in range(rounds):
        for who, done in runs.items():
            done.append(bench.run(who))
            print(who, f"{done[-1]['seconds']:.2f} s", file=sys.stderr)
    return runs


def medians(runs):
    return {who: {what: compare.median(done, what) for what in compare.TIMES} for who, done in runs.items()}


def table(results):
    """The Markdown table: medians, and each contender's in multiples of this package's."""
    ours = results["medians"][PYTHON]
    lines = ["| contender | wall seconds | processor seconds | wall, times ours | processor, times ours |", "|---|---|---|---|---|"]
    for who, times in results["medians"].items():
        cells = [f"{times[what]:.2f}" for what in compare.TIMES] + [f"{times[what] / ours[what]:.2f}" for what in compare.TIMES]
        lines.append(f"| {who} | {' | '.join(cells)} |")
    return "\n".join(lines)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True, help="target/release/examples/peers")
    parser.add_argument("--output", type=Path, default=HERE.with_name("speed.json"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--items", type=int, default=compare.GALLERY)
    parser.add_argument("--bank", type=int, default=compare.BANKS[BANK])
    parser.add_argument("--dim", type=int, default=compare.DIM)
    return parser.parse_args()


def main():
    if sys.argv[1:2] == ["--work"]:
        return work(*sys.argv[2:])
    options = parsed()
    # The first rows of the larger bank of compare.py, which is not needed here.
    compare.GALLERY, compare.BANKS, compare.DIM = options.items, {BANK: options.bank}, options.dim
    results = {"machine": compare.machine(PACKAGES), "rounds": options.rounds, "seed": options.seed, "k": K, "threads": workers.THREADS}
    results |= {"items": options.items, "bank": options.bank, "dim": options.dim}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(compare.make_data(Path(folder), options.seed), options.binary.resolve())
        results["runs"] = measure(bench, options.rounds)
        results["medians"], results["differences"] = medians(results["runs"]), bench.differences()
    results["machine"]["load_after"] = os.getloadavg()
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results), f"Largest differences: {results['differences']}", sep="\n\n")


if __name__ == "__main__":
    main()
