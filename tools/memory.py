"""The memory that each command takes at most, beside the bound that docs/speed.md states for it. Needs NumPy and Linux.

    python tools/memory.py --runner target/release/runner
    python tools/memory.py --runner target/debug/runner --light    # smaller galleries, for CI

Galleries of two sizes are drawn, so that it is seen what grows with them. Exit status 1 says that a bound was passed.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "kills"))
import hub

MIB = 1 << 20
# Of the program itself, with its threads' stacks and what the system's allocator keeps.
PROGRAM = 64 * MIB
# Of lists of neighbours and candidates, and of histograms of similarities (`nnn_core::memory`).
LISTS, HISTOGRAMS = 144 * MIB, 512 * MIB
# Items that `bias` computes, and that parquet collects, at a time.
BLOCK, GROUP = 1 << 14, 1 << 16
DIM = 256

# A process begins with the peak of the one that started it, so that a small one has to.
WAIT = """
import os, sys
_, status, usage = os.wait4(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ), 0)
with open(sys.argv[1], "w") as out:
    print(os.waitstatus_to_exitcode(status), usage.ru_maxrss, file=out)
"""

CONFIG = """
experiment: lab
embeddings:
  - name: made-up
    by_role:
      gallery: {file: gallery.npy}
      queries: {file: queries.npy}
      query_to_gallery: {file: answers.json}
      reference_queries: {file: bank.npy}
      reference_gallery: {file: others.npy}
methods: METHODS
compute: {memory: BYTES}
"""
SWEEPS = {
    "run, nnn": "[raw, nnn: {k: [1, 16, 128], alpha: [0.25, 0.5, 0.75], choose: oracle}]",
    "run, is and dn": "[raw, is: {beta: [10, 50]}, dn]",
    "run, centering and whitening": "[raw, centering, whitening]",
}

CHECKPOINT = Path(__file__).parent.parent / "data/blocks/blocks-clip"
FETCH = "experiment: lab\nmodels: [large]\ndatasets: [tiny]\nmethods: [raw]\n"
TINY = "{name: tiny, description: d, licence: MIT, source: {generate: {seed: 3, image_size: 32, style: everyday}}, splits: {test: {images: 4, texts: 20}}}"


class Lab:
    """Files in a folder, calls there, and what they took."""

    def __init__(self, runner, folder):
        self.runner, self.folder, self.found = runner, folder, []

    def draw(self, items, bank, queries):
        random = np.random.default_rng(5)
        for name, rows in {"gallery": items, "bank": bank, "others": bank, "queries": queries}.items():
            np.save(self.folder / f"{name}.npy", random.standard_normal((rows, DIM), dtype=np.float32))
        answers = random.integers(0, items, queries).tolist()
        (self.folder / "answers.json").write_text(json.dumps(answers))

    def call(self, *arguments):
        """Exit status, what was printed as errors, and bytes at the peak."""
        with tempfile.NamedTemporaryFile("r") as usage:
            command = [sys.executable, "-IS", "-c", WAIT, usage.name, self.runner, "--quiet", *arguments]
            ended = subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            status, peak = map(int, usage.read().split())
            return status, ended.stderr, peak * 1024

    def measure(self, what, bound, *arguments):
        """Calls a command that has to succeed within a bound."""
        status, said, peak = self.call(*arguments)
        if status:
            sys.exit(f"{what}: status {status}: {said}")
        self.found.append((what, peak, bound))
        print(f"{what:56} {peak / MIB:8.0f} MiB of {bound / MIB:8.0f}{'' if peak <= bound else '   PASSED'}", flush=True)


def of_gallery(lab, items, bank, queries):
    """`bias`, `export` and `verify` of a gallery."""
    lab.draw(items, bank, queries)
    size = f"{items:,} items, bank of {bank:,}"
    bias = PROGRAM + 5 * bank * DIM + 12 * BLOCK * DIM + LISTS
    files = ["--gallery", "gallery.npy", "--reference", "bank.npy", "--overwrite"]
    lab.measure(f"bias, is, {size}", bias + HISTOGRAMS, "bias", *files, "--method", "is(beta=100)", "--out", "is.parquet")
    lab.measure(f"bias, nnn, {size}", bias, "bias", *files, "--method", "nnn(k=128,alpha=0.75)", "--out", "bias.parquet")
    for to in ["npy", "jsonl", "parquet"]:
        export = PROGRAM + (6 * GROUP * (DIM + 1) if to == "parquet" else 0)
        source = ["--bias", "bias.parquet", "--gallery", "gallery.npy", "--form", "ip"]
        lab.measure(f"export to {to}, {size}", export, "export", *source, "--to", to, "--out", to)
        for k, sample in [(10, 100), (100, queries)]:
            verify = PROGRAM + 4 * queries * DIM + sample * (8 * DIM + 96 * k)
            of_queries = ["--queries", "queries.npy", "--k", str(k), "--sample", str(sample)]
            lab.measure(f"verify {to}, {sample:,} queries, k of {k}", verify, "verify", to, *of_queries)


def of_sweeps(lab, items, bank, queries):
    """`run` in no more memory than it says it needs."""
    lab.draw(items, bank, queries)
    for what, methods in SWEEPS.items():
        write = lambda memory: (lab.folder / "config.yaml").write_text(CONFIG.replace("METHODS", methods).replace("BYTES", memory))
        # The files alone are more than a mebibyte, which is said first.
        memory = "1MiB"
        for pattern in [r"at least (\d+)MiB are needed", r"up to (\d+)MiB are needed"]:
            write(memory)
            status, said, _ = lab.call("run", "config.yaml")
            needed = re.search(pattern, said)
            if status == 0 or not needed:
                sys.exit(f"{what}: expected to be refused with what is needed, received {status}: {said}")
            memory = f"{needed[1]}MiB"
        write(memory)
        bound = int(needed[1]) * MIB
        lab.measure(f"{what}, {items:,} items, bank of {bank:,}", bound, "run", "config.yaml")
    lab.measure("report", PROGRAM, "report", "results/lab")


def of_downloads(lab, size):
    """`fetch` of the shipped checkpoint and of a large file beside it."""
    hub.PAUSE = 0
    server = hub.Hub()
    files = {path.name: path.read_bytes() for path in CHECKPOINT.iterdir() if path.suffix in (".json", ".safetensors")}
    card = "name: large\nfamily: clip\nsource:\n  files:\n"
    for name, body in {**files, "large.bin": bytes(size)}.items():
        server.put(f"/{name}", body)
        card += f"    - url: {{name: {name}, mirrors: ['{server.url}/{name}']}}\n"
    for name, text in {"models/large.yaml": card, "datasets/tiny.yaml": TINY, "fetch.yaml": FETCH}.items():
        (lab.folder / name).parent.mkdir(exist_ok=True)
        (lab.folder / name).write_text(text)
    lab.measure(f"fetch of {size // MIB} MiB", PROGRAM, "fetch", "fetch.yaml")
    server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", type=Path, required=True)
    parser.add_argument("--light", action="store_true", help="smaller galleries")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(options.runner.resolve(), Path(folder))
        if options.light:
            of_gallery(lab, 20_000, 10_000, 200)
            of_sweeps(lab, 5_000, 5_000, 500)
            of_downloads(lab, 16 * MIB)
        else:
            of_gallery(lab, 50_000, 20_000, 2_000)
            of_gallery(lab, 400_000, 100_000, 2_000)
            of_sweeps(lab, 20_000, 20_000, 2_000)
            of_sweeps(lab, 50_000, 50_000, 5_000)
            of_downloads(lab, 256 * MIB)
    passed = [what for what, peak, bound in lab.found if peak > bound]
    print(f"{len(lab.found)} calls, {len(passed)} above their bound")
    sys.exit(bool(passed))


if __name__ == "__main__":
    main()
