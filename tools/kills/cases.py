"""The commands that are killed, what they read, what they leave, and what may differ of it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hub import Hub

HERE = Path(__file__).parent
CHECKPOINT = HERE.parent.parent / "data/blocks/blocks-clip"
METHOD = "nnn(k=16,alpha=0.75)"
SEED = 7


@dataclass
class Case:
    """A command: `arguments` of `runner`, or of Python where `python`."""

    name: str
    arguments: list[str]
    # Makes what the command reads, in the case's folder.
    make: Callable[["Case"], None]
    # Folders that the command writes to, by whether they are caches.
    outputs: dict[str, bool]
    # What it says it keeps.
    kept: str | None = None
    # Whether a file that is there must be the whole and last one after a kill, too.
    whole: Callable[[str, bytes], bool] = lambda name, content: False
    # Outputs as they are before the command, for those that add or replace; copied from `start/`.
    starts: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    folder: Path = Path()
    program: list[str] = field(default_factory=list)
    servers: list[Hub] = field(default_factory=list)

    def command(self, quiet):
        return self.program + (["--quiet"] if quiet and self.kept else []) + self.arguments

    def clear(self):
        """Before a first call."""
        for output in self.outputs:
            shutil.rmtree(self.folder / output, ignore_errors=True)
        for output in self.starts:
            shutil.copytree(self.folder / "start" / output, self.folder / output)

    def call(self, *arguments):
        """What has to be there before the command: made by the program itself, undisturbed."""
        done = subprocess.run([*self.program, "--quiet", *arguments], cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{self.name}: `{' '.join(arguments)}` failed: {done.stderr}")


# What may differ between two runs


def scrubbed(name, content):
    """A file's content without wall-clock times, the only thing that may differ."""
    if name.endswith("/run.json"):
        record = json.loads(content)
        record["seconds_this_run"] = None
        record["record_sha256"] = None  # it is of the seconds too
        for trial in record["trials"]:
            trial["seconds"] = [stage for stage, _ in trial["seconds"]]
        return json.dumps(record).encode()
    if re.search(r"/trials/[^/]*\.json$", name):
        record = json.loads(content)
        record["seconds"] = [stage for stage, _ in record["seconds"]]
        record["record_sha256"] = None
        return json.dumps(record).encode()
    if name.endswith("/report.html"):
        # A trial's row in the table of times: their sum, and each stage with its own.
        times = rb'<td class="n">[\d.,]+</td><td>(?:[a-z ()]+ [\d.,]+)+</td>'
        return re.sub(times, b"", content)
    return content


def is_complete(name, content):
    return name.endswith("/run.json") and json.loads(content)["complete"]


# Data


def vectors(random, rows, dim=8):
    return random.standard_normal((rows, dim)).astype(np.float32)


def save(folder, **arrays):
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


TINY = """
name: tiny
description: A few images.
licence: MIT
source: {generate: {seed: 3, image_size: 32, style: everyday}}
splits:
  train: {images: 30, texts: 150}
  test: {images: 10, texts: 50}
"""

SWEEP = """
experiment: lab
reference_sets: [{share: 0.5}, {}]
methods: [raw, nnn: {k: [1, 4], alpha: [0.5, 1]}, is: {beta: [5, 50], choose: validation}]
statistics: {resamples: 50, permutations: 50}
"""

EMBEDDINGS = """
embeddings:
  - name: made-up
    model: noise
    by_dataset:
      images: {file: images.npy}
      texts: {file: texts.npy}
      text_to_image: {file: pairs.json}
      split: {file: splits.json}
"""


def make_images(case):
    """A data set that is drawn, and the shipped checkpoint that encodes it."""
    files = {"models/clip.yaml": f"name: clip\nfamily: clip\nsource: {{path: '{CHECKPOINT}'}}\n"}
    files |= {"datasets/tiny.yaml": TINY, "config.yaml": f"{SWEEP}models: [clip]\ndatasets: [tiny]\n"}
    write(case.folder, files)


def make_embeddings(case, images=80):
    random = np.random.default_rng(SEED)
    rows = vectors(random, images)
    save(case.folder, images=rows, texts=np.repeat(rows, 2, axis=0) + 0.8 * vectors(random, 2 * images))
    splits = ["train" if image < images / 2 else "test" for image in range(images)]
    pairs = [text // 2 for text in range(2 * images)]
    config = f"{SWEEP}hold_out: {{images: 20}}\n{EMBEDDINGS}"
    write(case.folder, {"config.yaml": config, "pairs.json": json.dumps(pairs), "splits.json": json.dumps(splits)})


def make_remote(case):
    """The shipped checkpoint twice: in a repository at a branch, and at plain addresses of which nobody knows a checksum."""
    hub, storage = Hub(), Hub()
    names = sorted(path.name for path in CHECKPOINT.iterdir() if path.suffix in (".json", ".safetensors"))
    for name in names:
        body = (CHECKPOINT / name).read_bytes()
        hub.publish("owner/blocks-clip", name, body, storage if name.endswith(".safetensors") else None)
        hub.put(f"/plain/{name}", body)
    stored = f"- hub: {{repo: owner/blocks-clip, revision: main, files: [{', '.join(names)}]}}\n"
    plain = "".join(f"    - url: {{name: {name}, mirrors: ['{hub.url}/plain/{name}']}}\n" for name in names)
    card = "name: {}\nfamily: clip\nsource:\n  files:\n    {}"
    files = {"models/clip.yaml": card.format("clip", stored), "models/plain.yaml": card.format("plain", plain.lstrip())}
    files |= {"datasets/tiny.yaml": TINY, "config.yaml": f"{SWEEP}models: [clip, plain]\ndatasets: [tiny]\n"}
    write(case.folder, files)
    case.env |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(case.folder / "hf")}
    case.servers = [hub, storage]


def make_gallery(case, items=50_000, bank=1_000):
    """A gallery of four blocks of `runner bias`, and its two parts."""
    random = np.random.default_rng(SEED)
    gallery = vectors(random, items)
    save(case.folder, gallery=gallery, bank=vectors(random, bank), queries=vectors(random, 200))
    save(case.folder, first=gallery[:20_000], rest=gallery[20_000:])
    ids = [f"item-{item}\n" for item in range(items)]
    parts = {"ids": ids, "first": ids[:20_000], "rest": ids[20_000:]}
    write(case.folder, {f"{name}.txt": "".join(lines) for name, lines in parts.items()})


def bias_of(name, out):
    ids = "ids" if name == "gallery" else name
    files = ["--gallery", f"{name}.npy", "--ids", f"{ids}.txt", "--reference", "bank.npy"]
    return ["bias", *files, "--method", METHOD, "--out", out]


def make_appended(case):
    make_gallery(case)
    (case.folder / "start/out").mkdir(parents=True)
    case.call(*bias_of("first", "start/out/bias.parquet"))


def export_of(form, to, out):
    return ["export", "--bias", "bias.parquet", "--gallery", "gallery.npy", "--ids", "ids.txt", "--form", form, "--to", to, "--out", out]


def make_exported(case):
    """Biases, and an earlier export in another format, whose files have to go."""
    make_gallery(case)
    case.call(*bias_of("gallery", "bias.parquet"))
    case.call(*export_of("ip", "npy", "start/out"))


def make_verified(case):
    make_exported(case)
    shutil.copytree(case.folder / "start/out", case.folder / "search")


def make_reported(case):
    make_embeddings(case)
    case.call("run", "config.yaml", "--results", "start/results")


def make_python(case):
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(SEED)
    shards = vectors(random, 1_200).reshape(4, 300, 8)
    # Two chunks of a bank.
    save(case.folder, queries=vectors(random, 200), gallery=vectors(random, 300), bank=vectors(random, 66_000))
    (case.folder / "gallery").mkdir()
    for number, rows in enumerate(shards):
        table = pa.table({"id": [f"{number}-{row}" for row in range(len(rows))], "vector": list(rows)})
        pq.write_table(table, case.folder / f"gallery/part-{number}.parquet")


# Cases

RUN = "finished trials, encoded batches and downloads are kept, and the same command goes on from there"
RUN_OUTPUTS = {"results": False, "cache": True}
PYTHON = ["measures", "export", "shards"]


def cases(runner, python):
    """All of them; those of the Python package where its interpreter is named."""
    of_runner = [
        Case("run, encoding", ["run", "config.yaml"], make_images, RUN_OUTPUTS, RUN, is_complete),
        Case("run, embeddings", ["run", "config.yaml"], make_embeddings, RUN_OUTPUTS, RUN, is_complete),
        Case("fetch", ["fetch", "config.yaml"], make_remote, {"hf": True, "cache": True},
             "what has arrived is kept, parts of files too, and the same command goes on from there",
             lambda name, _: "/snapshots/" in name or re.search(r"/urls/.*\.(json|safetensors)$", name)),
        Case("bias", bias_of("gallery", "out/bias.parquet"), make_gallery, {"out": False},
             "finished blocks of items are kept beside the file, and the same command goes on from there",
             lambda name, _: name == "out/bias.parquet"),
        Case("bias --append", [*bias_of("rest", "out/bias.parquet"), "--append"], make_appended, {"out": False},
             "finished blocks of items are kept beside the file, and the same command goes on from there",
             lambda name, content: False, ["out"]),
        Case("export", export_of("cosine", "jsonl", "out"), make_exported, {"out": False},
             "nothing of the export is kept, and the same command begins anew",
             lambda name, content: name == "out/manifest.json" and b'"cosine"' in content, ["out"]),
        Case("verify", ["verify", "search", "--queries", "queries.npy", "--k", "10", "--sample", "100", "--out", "out/lists.jsonl"],
             make_verified, {"out": False}, "nothing is kept, and the same command begins anew",
             lambda name, _: name == "out/lists.jsonl"),
        Case("report", ["report", "results/lab"], make_reported, {"results": False},
             "every file is as it was or whole, and the same command begins anew", lambda name, _: True, ["results"]),
    ]
    for case in of_runner:
        case.program = [runner]
    calls = [Case(f"python, {name}", [name], make_python, {"out": False}, starts=[]) for name in PYTHON if python]
    for case in calls:
        case.program = [python, str(HERE / "calls.py")]
        case.env["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    return of_runner + calls
