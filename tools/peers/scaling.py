"""Ranking over galleries from 5,000 to 1,000,000 items: this project beside PyTorch and faiss, one machine, one run.

2,000 queries of 256 numbers. Ours gives the rank of each query's relevant item, alone and with the ten best items; the peers give
the ten best, PyTorch in two ways. Then 60 points of NNN for 10,000 queries over 500,000 items beside the product of these alone. Every measurement
is a process of its own with two threads, and the contenders take turns. Prints Markdown tables and writes JSON.

    python tools/peers/scaling.py --binary target/release/examples/peers --output scaling.json
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from compare import TIMES, WORKERS, call, machine, median, unit

DIM, TOP = 256, 10
SIZES = [5_000, 50_000, 500_000, 1_000_000]
QUERIES, SWEEP_QUERIES, SWEEP_GALLERY, BANK = 2_000, 10_000, 500_000, 10_000
OURS, PEERS = ["ranks", "ranks and ten best"], ["torch", "faiss"]


def around(random, centre, spread, rows):
    """As compare.py's, of another dimension and some rows at a time, so that noise takes little beside the rows."""
    out = np.empty((rows, DIM), np.float32)
    for some in np.array_split(out, max(1, rows // 100_000)):
        some[:] = unit(centre + spread * random.standard_normal(some.shape, dtype=np.float32) / np.sqrt(DIM))
    return out


def make_data(folder, seed):
    """Galleries, each the beginning of the next; queries, five an item of the first 2,000; a bank."""
    random = np.random.default_rng(seed)
    image, text = unit(random.standard_normal((2, DIM)))
    gallery = around(random, image + 0.3 * text, 1.2, max(SIZES))
    owners = np.arange(SWEEP_QUERIES) // 5
    queries = unit(0.18 * gallery[owners] + around(random, text + 0.3 * image, 1.2, SWEEP_QUERIES))
    for size in SIZES:
        np.save(folder / f"gallery-{size}.npy", gallery[:size])
    np.save(folder / "queries.npy", queries[:QUERIES])
    np.save(folder / "sweep-queries.npy", queries)
    np.save(folder / "bank.npy", around(random, text + 0.3 * image, 1.2, BANK))


def search(folder, binary, who, size):
    """One contender on one gallery."""
    files = [folder / f"gallery-{size}.npy", folder / "queries.npy"]
    if who in OURS:
        return call([binary, "rank", *files, TOP if who == OURS[1] else 0])
    return call([sys.executable, WORKERS, "search", who, *files, TOP])


def table(results):
    """Medians in seconds, wall and in brackets processor; how many times ours with ten best each peer takes; and what an item costs
    us beside an item of the largest gallery."""
    heads = ["items", "ranks", "with ten best", "an item, beside the largest gallery", "PyTorch, whole rows", "PyTorch, in blocks", "faiss"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    last = max(results["search"], key=int)
    for size, of in results["search"].items():
        ours = [[median(of[who], what) for what in TIMES] for who in OURS]
        costs = [cpu / int(size) / (median(results["search"][last][who], TIMES[1]) / int(last)) for who, (_, cpu) in zip(OURS, ours)]
        peers = [[run[way] for run in of["torch"]] for way in ("whole_rows", "in_blocks")] + [of["faiss"]]
        peers = [[median(runs, what) for what in TIMES] for runs in peers]
        cells = ["{:.2f} ({:.2f})".format(*times) for times in ours] + ["{:.2f}, {:.2f}".format(*costs)]
        cells += ["{:.2f} ({:.2f}): {:.1f} ({:.1f})".format(*times, *(t / o for t, o in zip(times, ours[1]))) for times in peers]
        lines.append(f"| {int(size):,} | {' | '.join(cells)} |")
    runs = results["sweep"]
    ours, product = ([median(runs, part + what) for what in TIMES] for part in ("", "product_"))
    ratios = [one / other for one, other in zip(ours, product)]
    sweep = "60 points, {:,} queries, {:,} items: {:.1f} ({:.1f}) s; the product alone {:.1f} ({:.1f}) s; {:.2f} ({:.2f}) times; {:.0f} MiB"
    beyond = max(run["beyond_mib"] for run in runs)
    return "\n".join(lines) + "\n\n" + sweep.format(SWEEP_QUERIES, SWEEP_GALLERY, *ours, *product, *ratios, beyond) + " beyond the vectors"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="target/release/examples/peers")
    parser.add_argument("--output", default="scaling.json")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", help="folder that keeps the files (1.5 GiB)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, binary = Path(options.data or scratch), Path(options.binary).resolve()
        if not (folder / "bank.npy").exists():
            make_data(folder, options.seed)
        results = {"machine": machine(("faiss-cpu", "numpy", "torch")), "rounds": options.rounds, "seed": options.seed}
        results |= {"search": {str(size): {who: [] for who in [*OURS, *PEERS]} for size in SIZES}, "sweep": []}
        for _ in range(options.rounds):
            for size, of in results["search"].items():
                for who in of:
                    of[who].append(search(folder, binary, who, size))
                    print(size, who, of[who][-1], file=sys.stderr)
            files = [folder / f"{name}.npy" for name in (f"gallery-{SWEEP_GALLERY}", "bank", "sweep-queries")]
            results["sweep"].append(call([binary, "sweep", *files]))
            print(results["sweep"][-1], file=sys.stderr)
    results["machine"]["load_after"] = os.getloadavg()
    Path(options.output).write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))
    for size, of in results["search"].items():
        print(f"{size} items, hits at rank 1:", {who: runs[0]["hits"] for who, runs in of.items()})


if __name__ == "__main__":
    main()
