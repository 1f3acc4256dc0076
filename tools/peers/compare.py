"""NNN's bias computation and a grid of it: this project beside nnn-retrieval, PyTorch, faiss, usearch and ScaNN, one machine, one run.

Every measurement is a process of its own with two threads; the contenders take turns, so that what else the machine
does falls on all of them. Prints Markdown tables and writes results.json.

    python tools/peers/compare.py --binary target/release/examples/peers --output results.json

With `--data FOLDER --parts PART...` some parts are measured anew, the others are read from the output file.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

DIM, GALLERY, QUERIES = 512, 5_000, 25_010
BANKS = {"113k": 113_349, "567k": 566_747}
# Of a bias, which all but bf16 compute exactly; and of rankings.
BIAS_PEERS = ["nnn-retrieval", "torch", "torch bf16", "faiss", "usearch", "scann"]
PEERS = ["nnn-retrieval", "faiss"]
KS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
ALPHAS = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]
CHECKED = [(1, 0.5), (128, 0.75), (512, 1.0)]
TIMES = ["seconds", "cpu_seconds"]
BIASES = {"113k/k=1": ("113k", 1), "113k/k=128": ("113k", 128), "113k/k=512": ("113k", 512), "567k/k=128": ("567k", 128), "567k/k=512": ("567k", 512)}
PRODUCTS = ["ours", "gemm", "faer", "numpy", "torch"]
WORKERS = Path(__file__).with_name("workers.py")


def unit(rows):
    """Rows of length one."""
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def around(random, centre, spread, rows):
    """Random unit vectors about a common direction, as the embeddings of one modality lie in a cone."""
    noise = random.standard_normal((rows, DIM), dtype=np.float32) / np.sqrt(DIM)
    return unit(centre + spread * noise)


def make_data(folder, seed):
    """Gallery, queries (five an item, the last item has fifteen) and the larger bank."""
    random = np.random.default_rng(seed)
    image, text = unit(random.standard_normal((2, DIM)))
    gallery = around(random, image + 0.3 * text, 1.2, GALLERY)
    owners = np.minimum(np.arange(QUERIES) // 5, GALLERY - 1)
    queries = unit(0.18 * gallery[owners] + around(random, text + 0.3 * image, 1.2, QUERIES))
    bank = around(random, text + 0.3 * image, 1.2, max(BANKS.values()))
    np.save(folder / "gallery.npy", gallery)
    for name, size in BANKS.items():
        np.save(folder / f"bank-{name}.npy", bank[:size])
    np.save(folder / "queries.npy", queries)
    return folder


def call(command):
    """Runs one task with two threads and reads its JSON object. OpenBLAS chooses its kernels and threads by itself: it has two cores."""
    threads = {name: "2" for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    others = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    done = subprocess.run(
        [str(part) for part in command], env=others | threads, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return json.loads(done.stdout)


class Bench:
    """The contenders on one set of files."""

    def __init__(self, folder, binary):
        self.folder, self.binary = folder, binary

    def file(self, name):
        return self.folder / f"{name}.npy"

    def bias(self, who, bank, k):
        out = self.file(f"bias-{who}-{bank}-{k}")
        files = [self.file("gallery"), self.file(f"bank-{bank}"), k, out]
        if who == "ours":
            return call([self.binary, "bias", *files])
        return call([sys.executable, WORKERS, "bias", who, *files])

    def products(self, who, k):
        files = [self.file("gallery"), self.file("bank-113k"), k]
        if who in ("ours", "gemm", "faer"):
            return call([self.binary, "products", who, *files])
        return call([sys.executable, WORKERS, "products", who, *files])

    def rank(self, who, k, alpha):
        bias = self.file(f"bias-{who}-113k-{k}")
        return call([sys.executable, WORKERS, "rank", who, self.file("gallery"), self.file("queries"), bias, alpha])

    def grid(self):
        return call([self.binary, "grid", self.file("gallery"), self.file("bank-113k"), self.file("queries")])

    def betas(self):
        return call([self.binary, "betas", self.file("gallery"), self.file("bank-113k")])

    def difference(self, who, bank, k):
        ours, other = (np.load(self.file(f"bias-{name}-{bank}-{k}")).astype(np.float64) for name in ("ours", who))
        return float(np.abs(ours - other).max())


def median(runs, what="seconds"):
    return statistics.median(run[what] for run in runs)


def time_bias(bench, case, rounds):
    """{contender: [runs]} and the largest difference of each peer's bias from ours."""
    bank, k = BIASES[case]
    runs = {who: [] for who in ["ours", *BIAS_PEERS]}
    for _ in range(rounds if bank == "113k" else 1):
        for who in runs:
            runs[who].append(bench.bias(who, bank, k))
            print(bank, k, who, f"{runs[who][-1]['seconds']:.2f} s", file=sys.stderr)
    return runs, {who: bench.difference(who, bank, k) for who in BIAS_PEERS}


def time_products(bench, rounds):
    """{contender: [runs]}: all scores in f32, alone and with the 128 largest of every row kept."""
    runs = {who: [] for who in PRODUCTS}
    for _ in range(rounds):
        for who in runs:
            runs[who].append(bench.products(who, 128))
            print("products", who, f"{runs[who][-1]['seconds']:.2f} s", file=sys.stderr)
    return runs


def time_grid(bench, rounds, biases):
    """Our whole grid; of the peers the checked points' rankings, extrapolated to all sixty."""
    ours, ranks = [], {who: [] for who in PEERS}
    for _ in range(rounds):
        ours.append(bench.grid())
        print("grid ours", f"{ours[-1]['seconds']:.2f} s", file=sys.stderr)
        for who in PEERS:
            for k, alpha in CHECKED:
                ranks[who].append(bench.rank(who, k, alpha) | {"k": k, "alpha": alpha})
                print("rank", who, k, f"{ranks[who][-1]['seconds']:.2f} s", file=sys.stderr)
    peers = {who: {what: extrapolate(who, ranks[who], biases, what) for what in TIMES} for who in PEERS}
    return {"ours": ours, "ranks": ranks, "peers": peers}


def extrapolate(who, ranks, biases, what):
    """Seconds of the grid. A k that was not measured costs what the largest measured k below it does: too little."""
    measured = {k: median(biases[f"113k/k={k}"][who], what) for k in (1, 128, 512)}
    bias = sum(measured[max(m for m in measured if m <= k)] for k in KS)
    rank = len(KS) * len(ALPHAS) * median(ranks, what)
    return {"each_point": len(ALPHAS) * bias + rank, "bias_once_a_k": bias + rank}


def check_hits(grid):
    """(point, ours, peers') hits at the checked points of the last round."""
    ours, rows = grid["ours"][-1]["hits"], []
    for k, alpha in CHECKED:
        point = f"nnn(k={k},alpha={alpha:g})"
        theirs = {r["who"]: r["hits"] for who in PEERS for r in [x | {"who": who} for x in grid["ranks"][who]] if (r["k"], r["alpha"]) == (k, alpha)}
        rows.append({"point": point, "ours": ours[point], **theirs})
    return rows


def machine(packages=("faiss-cpu", "nnn-retrieval", "numpy", "scann", "torch", "usearch")):
    """Processor, cores, memory, load and versions."""
    info = Path("/proc/cpuinfo").read_text()
    model = next(line.split(": ")[1] for line in info.splitlines() if line.startswith("model name"))
    return {
        "processor": model,
        "avx512": "avx512f" in info,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load_before": os.getloadavg(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def row(task, times, peers, note=""):
    """One line: {contender: {"seconds": ..., "cpu_seconds": ...}} and the ratios of the fastest exact peer to ours."""
    cells = [f"{times[who]['seconds']:.1f} ({times[who]['cpu_seconds']:.1f})" for who in ["ours", *peers]]
    exact = [who for who in peers if "bf16" not in who]
    ratios = [min(times[who][what] for who in exact) / times["ours"][what] for what in TIMES]
    return f"| {task} | {' | '.join(cells)} | {ratios[0]:.1f} ({ratios[1]:.1f}) | {note} |"


def product_table(runs):
    """Medians in seconds, processor seconds in brackets; how fast ours is in multiples of each."""
    lines = ["| product of | alone | ours is | with the 128 largest | ours is |", "|---|---|---|---|---|"]
    for who in runs:
        cells = []
        for part in ["", "topk_"]:
            names = [part + what for what in TIMES]
            if names[0] in runs[who][0]:
                wall, cpu = (median(runs[who], name) for name in names)
                ratios = (median(runs[who], name) / median(runs["ours"], name) for name in names)
                cells += [f"{wall:.2f} ({cpu:.2f})", "{:.2f} ({:.2f})".format(*ratios)]
            else:
                cells += ["", ""]
        lines.append(f"| {who} | {' | '.join(cells)} |")
    return "\n".join(lines)


def head(peers, note):
    titles = ["task", "ours", *peers, "fastest exact peer / ours", note]
    return [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]


def table(results):
    """Markdown tables: medians in seconds, wall and in brackets processor; ratios of the fastest peer that is exact to ours."""
    lines = head(BIAS_PEERS, "largest difference of a bias, of bf16")
    for case, runs in results["bias"].items():
        times = {who: {what: median(values, what) for what in TIMES} for who, values in runs.items()}
        rest = results["differences"][case].copy()
        rounded = rest.pop("torch bf16")
        lines.append(row(f"bias {case}", times, BIAS_PEERS, f"{max(rest.values()):.1e}, {rounded:.1e}"))
    lines += ["", *head(PEERS, "")]
    ours = {what: median(results["grid"]["ours"], what) for what in TIMES}
    for way, label in [("each_point", "grid, bias for every point"), ("bias_once_a_k", "grid, bias once a k")]:
        peers = {who: {what: results["grid"]["peers"][who][what][way] for what in TIMES} for who in PEERS}
        lines.append(row(label, {"ours": ours, **peers}, PEERS, "peers extrapolated"))
    return "\n".join(lines)


def measure(bench, part, rounds, results):
    """One part, put into the results."""
    if part in BIASES:
        runs, differences = time_bias(bench, part, rounds)
        results.setdefault("bias", {})[part] = runs
        results.setdefault("differences", {})[part] = differences
    elif part == "products":
        results["products"] = time_products(bench, rounds)
    elif part == "grid":
        results["grid"] = time_grid(bench, rounds, results["bias"])
        results["hits"] = check_hits(results["grid"])
    else:
        results["betas"] = [bench.betas() for _ in range(rounds)]


def main():
    parts = [*BIASES, "products", "grid", "betas"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="target/release/examples/peers")
    parser.add_argument("--output", default="results.json")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", help="folder that keeps the files (about 1.5 GiB)")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    options = parser.parse_args()
    output = Path(options.output)
    results = json.loads(output.read_text()) if options.parts != parts and output.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.data or scratch)
        bench = Bench(folder, Path(options.binary).resolve())
        if not bench.file("queries").exists():
            make_data(folder, options.seed)
        results |= {"machine": machine(), "rounds": options.rounds, "seed": options.seed}
        for part in options.parts:
            measure(bench, part, options.rounds, results)
    results["machine"]["load_after"] = os.getloadavg()
    output.write_text(json.dumps(results, indent=1) + "\n")
    if set(parts) - set(options.parts) and not {"grid", "products"} <= set(results):
        return
    print(table(results), product_table(results["products"]), sep="\n\n")
    print("hits:", *results["hits"], sep="\n")
    print("betas:", *results["betas"], sep="\n")


if __name__ == "__main__":
    main()
