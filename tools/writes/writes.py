"""What of the program's files survives failing writes, power losses and damaged caches? Linux, a C compiler, Python alone.

Three parts, which README.md explains:

    faults    every operation that writes fails once, with every error
    power     a crash of the machine after any operation, with what a file system may leave of it
    damage    files of caches and records with flipped bits, cut, lengthened and swapped

    python tools/writes/writes.py --runner target/release/runner                   # all, an hour
    python tools/writes/writes.py --runner target/debug/runner --light             # a sample, for CI
    python tools/writes/writes.py --runner ... --part faults --case bias           # one part of one case

Exit status 1 says that something was found. `--output` takes the figures as JSON.
"""

import argparse
import collections
import concurrent.futures
import errno
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kills"))

from hub import Hub  # noqa: E402

CHECKPOINT = HERE.parent.parent / "data/blocks/blocks-clip"
KINDS = "write open rename truncate sync mkdir unlink close link mode rmdir symlink other".split()
HEADER = struct.Struct("<IIqQQQIIII")
FACES = {
    "ENOSPC": "No space left on device",
    "EIO": "Input/output error",
    "EROFS": "Read-only file system",
    "SHORT": "No space left on device",
}
# What stands for the content of a link, with where it leads.
LINK = b"\0link\0"
# Names of files that are not whole yet; none may be there after a call has ended, however it did.
LITTER = re.compile(r"(^|/)(\.part-[^/]*|[^/]*\.partial|\.writable)$")
# Those that a later call goes on from.
RESUMED = re.compile(r"\.journal$|\.incomplete$|\.etag$|\.lock$|\.parts/|/extracted/.*\.SHA256SUMS$")
# Times on the page: what every step of a trial took.
TIMES = re.compile(rb'<td class="n">\d+\.\d</td><td>(?:[a-z]+(?: \([a-z]+\))? \d+\.\d\d(?:, )?)+</td>')
# Where a damaged file was made again, the page says so.
REBUILT = re.compile(rb"<li>[^<]*made again</li>")
# Set by SIGTERM: what was tried until then is counted, and no more is begun.
STOPPED = threading.Event()
EMPTY_LIST = re.compile(rb'<h3>Warnings</h3><ul class="warnings"></ul>')


# ---- the cases ----


def npy(rows, dim, seed):
    """A matrix of made-up numbers as the bytes of a .npy file of f32."""
    noise = random.Random(seed)
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}"
    values = (noise.uniform(-1, 1) for _ in range(rows * dim))
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + f"{header:<117}\n".encode()
    return head + struct.pack(f"<{rows * dim}f", *values)


STATISTICS = "statistics: {resamples: 40, permutations: 40}\ncompute: {threads: 1}\n"
EMBEDDINGS = f"""experiment: lab
embeddings:
  - name: made-up
    model: noise
    by_dataset:
      images: {{file: images.npy}}
      texts: {{file: texts.npy}}
      text_to_image: {{file: pairs.json}}
      split: {{file: splits.json}}
methods: [raw, nnn: {{k: 4, alpha: 0.5}}]
directions: [t2i]
{STATISTICS}"""
ENCODED = f"""experiment: lab
models: [clip]
datasets: [tiny]
reference_sets: [{{name: half, share: 0.5}}, {{}}]
directions: [i2t]
methods: [raw, nnn: {{k: 1, alpha: 0.5}}, is: {{beta: [5, 50], choose: validation}}]
metrics: [R@1, MedR]
hold_out: {{images: 3}}
{STATISTICS}"""
DRAWN = """name: tiny
description: A few images.
licence: MIT
source: {generate: {seed: 3, image_size: 32, style: everyday}}
splits:
  train: {images: 8, texts: 40}
  test: {images: 10, texts: 50}
"""
ARCHIVED = """name: tiny
description: A few images in an archive.
licence: MIT
source:
  files:
    annotations: [{files: [../captions.csv], format: table}]
    images: [{archives: [../images.zip]}]
splits:
  train: {images: 8, texts: 40}
  test: {images: 10, texts: 50}
"""


def archived(folder, runner):
    """The images of `drawn` in an archive, as the program itself draws them."""
    drawn(folder, runner)
    call(runner, folder, RUN)
    data = folder / "work/cache/data/tiny"
    (folder / "captions.csv").write_bytes((data / "captions.csv").read_bytes())
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for image in sorted(data.glob("images/*/*.png")):
            archive.writestr(zipfile.ZipInfo(str(image.relative_to(data))), image.read_bytes())
    shutil.rmtree(folder / "work")
    (folder / "datasets/tiny.yaml").write_text(ARCHIVED)


# The model hub that `fetch` asks; the others have none.
HUBS = []
ADDRESSED = """experiment: lab
models: [clip]
datasets: [tiny]
directions: [i2t]
methods: [raw, nnn: {k: 1, alpha: 0.5}]
metrics: [R@1]
statistics: {resamples: 40, permutations: 40}
compute: {threads: 1}
"""
FETCHED = """name: tiny
description: A few images, most in an archive and some at addresses.
licence: MIT
source:
  files:
    download:
      - url: {{name: captions.csv, mirrors: ['{url}/captions.csv']}}
      - hub: {{kind: dataset, repo: owner/tiny, revision: main, files: [images.zip]}}
      - url: {{name: more.zip, mirrors: ['{url}/more.zip']}}
    annotations: [{{files: [captions.csv], format: table}}]
    images:
      - {{archives: [images.zip, more.zip], splits: [train]}}
      - {{addresses: true, splits: [test]}}
splits:
  train: {{images: 8, texts: 40}}
  test: {{images: 10, texts: 50}}
"""


def zipped(data, images):
    """An archive whose padding makes it longer than two pieces of a transfer."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for image in images:
            archive.writestr(zipfile.ZipInfo(str(image.relative_to(data))), image.read_bytes())
        archive.writestr(zipfile.ZipInfo("padding"), random.Random(5).randbytes(150_000))
    return content.getvalue()


def published(folder, runner):
    """The images of `drawn` on a hub and at plain addresses: what a config needs is all to be fetched, the model apart."""
    drawn(folder, runner)
    call(runner, folder, RUN)
    data = folder / "work/cache/data/tiny"
    hub, storage = Hub(), Hub()
    HUBS[:] = [hub, storage]
    train, test = (sorted(data.glob(f"images/{split}/*.png")) for split in ("train", "test"))
    names = {f"images/{image.parent.name}/{image.name}": f"{hub.url}/{image.name}" for image in test}
    lines = (data / "captions.csv").read_text().splitlines()
    table = [lines[0] + ",url"] + [f"{line},{names.get(line.partition(',')[0], '')}" for line in lines[1:]]
    hub.put("/captions.csv", "".join(f"{line}\n" for line in table).encode())
    for image in test:
        hub.put(f"/{image.name}", image.read_bytes())
    hub.publish("datasets/owner/tiny", "images.zip", zipped(data, train[:4]), storage)
    hub.put("/more.zip", zipped(data, train[4:]))
    shutil.rmtree(folder / "work")
    (folder / "datasets/tiny.yaml").write_text(FETCHED.format(url=hub.url))
    (folder / "config.yaml").write_text(ADDRESSED)


def fetched(folder, runner):
    published(folder, runner)
    call(runner, folder, FETCH)


def vectors(folder, _runner):
    (folder / "images.npy").write_bytes(npy(24, 6, 1))
    (folder / "texts.npy").write_bytes(npy(48, 6, 2))
    (folder / "pairs.json").write_text(json.dumps([text // 2 for text in range(48)]))
    (folder / "splits.json").write_text(json.dumps(["train" if image < 12 else "test" for image in range(24)]))
    (folder / "config.yaml").write_text(EMBEDDINGS)


def drawn(folder, _runner):
    for name in ("models", "datasets"):
        (folder / name).mkdir()
    shutil.copytree(CHECKPOINT, folder / "checkpoint")
    (folder / "models/clip.yaml").write_text("name: clip\nfamily: clip\nsource: {path: ../checkpoint}\n")
    (folder / "datasets/tiny.yaml").write_text(DRAWN)
    (folder / "config.yaml").write_text(ENCODED)


def items(folder, _runner):
    # Three blocks.
    (folder / "gallery.npy").write_bytes(npy(34000, 4, 3))
    (folder / "bank.npy").write_bytes(npy(40, 4, 4))


def biased(folder, runner):
    (folder / "gallery.npy").write_bytes(npy(5000, 4, 3))
    (folder / "bank.npy").write_bytes(npy(40, 4, 4))
    call(runner, folder, BIAS[:-1] + ["bias.parquet"])


def measured(folder, runner):
    vectors(folder, runner)
    call(runner, folder, RUN)


RUN = ["run", "config.yaml", "--results", "work/results", "--cache", "work/cache"]
FETCH = ["fetch", "config.yaml", "--cache", "work/cache"]
BIAS = ["bias", "--gallery", "gallery.npy", "--reference", "bank.npy", "--method", "nnn(k=5,alpha=0.75)", "--threads", "1", "--out", "work/bias.parquet"]
EXPORT = ["export", "--bias", "bias.parquet", "--gallery", "gallery.npy", "--form", "ip", "--out", "work/export", "--to"]

# What is called, and what makes its input.
CASES = {
    "embeddings": (vectors, RUN),
    "encoded": (drawn, RUN),
    "archived": (archived, RUN),
    "fetch": (published, FETCH),
    "fetched": (fetched, RUN),
    "bias": (items, BIAS),
    "export parquet": (biased, EXPORT + ["parquet"]),
    "export npy": (biased, EXPORT + ["npy"]),
    "report": (measured, ["report", "work/results/lab"]),
}


def call(runner, folder, arguments, **variables):
    """The program in a folder: its exit status and what it said on standard error."""
    (folder / "work").mkdir(exist_ok=True)
    keep = ("PATH", "LANG", "TMPDIR")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    hub = HUBS[0].url if HUBS else "http://127.0.0.1:1"
    environment |= {"HF_ENDPOINT": hub, "HF_HOME": str(folder / "work/hf"), "RAYON_NUM_THREADS": "1"} | variables
    ended = subprocess.run([runner, *arguments], cwd=folder, env=environment, capture_output=True, timeout=120)
    return ended.returncode, ended.stderr.decode(errors="replace")


# ---- trees of files, and what may differ in them ----


def tree(root):
    """All files below a folder, with their bytes; links with where they lead."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                found[os.path.relpath(path, root)] = LINK + os.readlink(path).encode()
                continue
            with open(path, "rb") as file:
                found[os.path.relpath(path, root)] = file.read()
    return found


def write_tree(root, files, folders=()):
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    for name in folders:
        os.makedirs(os.path.join(root, name), exist_ok=True)
    for name, content in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if content.startswith(LINK):
            os.symlink(content.removeprefix(LINK), path)
            continue
        with open(path, "wb") as file:
            file.write(content)


def untimed(value, rebuilt):
    """A record without what a clock said and, if wanted, without warnings of damaged files."""
    if isinstance(value, list):
        return [untimed(it, rebuilt) for it in value if not (rebuilt and is_rebuilt(it))]
    if isinstance(value, dict):
        left_out = ("seconds", "seconds_this_run", "record_sha256")
        return {key: untimed(it, rebuilt) for key, it in value.items() if key not in left_out}
    return value


def is_rebuilt(value):
    warning = value.get("warning", value) if isinstance(value, dict) else {}
    return isinstance(warning, dict) and warning.get("kind") == "cache_rebuilt"


def lasting(name, content, rebuilt=False):
    """A file without wall-clock fields; `rebuilt`: and without what it says of damaged files."""
    if name.endswith("run.json") or "/trials/" in name:
        try:
            return json.dumps(untimed(json.loads(content), rebuilt), sort_keys=True).encode()
        except ValueError:
            return content
    if name.endswith("/.SHA256SUMS"):
        # Lines are appended; the last of an image counts, and what is no line, such as zeros after a crash, does not.
        lines = re.findall(rb"(?m)^([0-9a-f]{64})  ([^\0\n]+)$", content)
        return repr(sorted({image: sum for sum, image in lines}.items())).encode()
    if name.endswith("report.html"):
        content = TIMES.sub(b"<td>times</td>", content)
        return EMPTY_LIST.sub(b"<p>No warnings.</p>", REBUILT.sub(b"", content)) if rebuilt else content
    return content


def differing(found, expected, rebuilt=False):
    """The names of files that are not the same in two trees."""
    if not rebuilt:
        same = found.get, expected.get
        return sorted(
            name for name in found.keys() | expected.keys() if (same[0](name) is None) != (same[1](name) is None) or lasting(name, found[name]) != lasting(name, expected[name])
        )
    names = found.keys() | expected.keys()
    whole = {name for name in names if name in found and name in expected}
    return sorted(names - whole | {it for it in whole if lasting(it, found[it], True) != lasting(it, expected[it], True)})


# ---- the log of the shim, and a file system made of it ----


class Operation:
    """One operation below the folder, its paths relative to it."""

    def __init__(self, fields, path, second, content):
        self.number, kind, self.result, self.inode, self.offset, self.bytes, _, _, self.flags, self.folder = fields
        self.kind, self.path, self.second, self.content = KINDS[kind], path, second, content

    def __str__(self):
        return f"{self.kind} {generic(self.path)}" + (f" -> {generic(self.second)}" if self.second else "")


def generic(path):
    """A path without what chance or a checksum gives it."""
    path = re.sub(r"\.part-\w{6}", ".part-*", path)
    path = re.sub(r"\b[0-9a-f]{16,64}\b", "KEY", path)
    return re.sub(r"\d{6,}", "NUMBER", path)


def read_log(path, root):
    operations, data, at = [], Path(path).read_bytes(), 0
    while at < len(data):
        fields = HEADER.unpack_from(data, at)
        at += HEADER.size
        texts = []
        for length in (fields[6], fields[7]):
            text = data[at : at + length].decode(errors="replace").removesuffix(" (deleted)")
            texts.append(os.path.relpath(text, root) if text else "")
            at += length
        size = fields[5] if KINDS[fields[1]] in ("write", "symlink") else 0
        operations.append(Operation(fields, *texts, data[at : at + size]))
        at += size
    return operations


class File:
    """A file on a disk that may lose power: what it holds, and what of it is sure to last."""

    def __init__(self, content=b""):
        self.now, self.sure = bytearray(content), bytes(content)
        self.synced = True


class Disk:
    """Folders and files below one folder, as operations change them. Of each folder the changes of names since it was synced are
    known in order, so that a crash can lose the last of them."""

    def __init__(self, files=()):
        self.names = {}
        self.folders = {"."}
        for name, content in dict(files).items():
            self.names[name] = File(content)
            self._folders_of(name)
        self.sure = dict(self.names)
        self.sure_folders = set(self.folders)
        self.pending = []  # changes of names: folder, what is done
        self.inodes = {}
        self.versions = collections.defaultdict(set)
        for name, content in dict(files).items():
            self.versions[name].add(hashlib.sha256(lasting(name, content)).digest())

    def _folders_of(self, name):
        while (name := os.path.dirname(name)) and name != ".":
            self.folders.add(name)

    def apply(self, it):
        """One operation; whether it changed anything that a crash could show."""
        if it.result < 0:
            return False
        if it.kind == "open":
            return self._open(it)
        if it.kind in ("write", "truncate"):
            file = self.inodes.get(it.inode) or self.names.get(it.path)
            if file is None:
                return False
            if it.kind == "truncate":
                del file.now[it.offset :]
                file.now.extend(bytes(it.offset - len(file.now)))
            else:
                file.now.extend(bytes(max(0, it.offset - len(file.now))))
                file.now[it.offset : it.offset + it.bytes] = it.content
            file.synced = False
            self._note(it.path, file)
            return True
        if it.kind == "sync":
            return self._sync(it)
        if it.kind in ("rename", "unlink", "mkdir", "rmdir"):
            return self._name(it)
        if it.kind == "symlink":
            # Where it leads is kept with its name.
            link = self.names[it.path] = File(LINK + it.content)
            self.pending.append(("create", it.path, link))
            self._note(it.path, link)
            return True
        return False

    def _open(self, it):
        file = self.names.get(it.path)
        changed = False
        if it.folder or it.path == ".":
            return False
        if file is None and it.flags & os.O_CREAT:
            file = self.names[it.path] = File()
            self.pending.append(("create", it.path, file))
            changed = True
        if file is not None and it.flags & os.O_TRUNC and file.now:
            file.now.clear()
            file.synced = False
            changed = True
        if file is not None:
            self.inodes[it.inode] = file
        return changed

    def _note(self, name, file):
        if not LITTER.search(name):
            self.versions[name].add(hashlib.sha256(lasting(name, bytes(file.now))).digest())

    def _sync(self, it):
        if it.folder or it.path in self.folders:
            for change in [change for change in self.pending if self._in(change, it.path)]:
                self._settle(change)
                self.pending.remove(change)
            return True
        file = self.inodes.get(it.inode) or self.names.get(it.path)
        if file is None:
            return False
        file.sure, file.synced = bytes(file.now), True
        return True

    @staticmethod
    def _in(change, folder):
        # A rename between two folders belongs to that where the name appears.
        name = change[2] if change[0] == "rename" else change[1]
        return (os.path.dirname(name) or ".") == folder

    def _name(self, it):
        if it.kind == "rename":
            moved = [name for name in self.names if name == it.path or name.startswith(it.path + "/")]
            for name in moved:
                to = it.second + name[len(it.path) :]
                file = self.names[to] = self.names.pop(name)
                self.pending.append(("rename", name, to, file))
                self._note(to, file)
        elif it.kind == "unlink":
            self.names.pop(it.path, None)
            self.pending.append(("unlink", it.path))
        elif it.kind == "mkdir":
            self.folders.add(it.path)
            self.pending.append(("mkdir", it.path))
        else:
            self.folders.discard(it.path)
            self.pending.append(("rmdir", it.path))
        return True

    def _settle(self, change):
        done(change, self.sure, self.sure_folders)

    def crash(self, names, data, chance=None):
        """Files and folders after a crash. `names`: whether changes of names that were not synced are there: none, all, or by chance as
        many as the journal had come to. `data`: what a file has in place of what was not synced."""
        found, folders, left = dict(self.sure), set(self.sure_folders), list(self.pending)
        if names == "some":
            # Changes are kept up to a place of each folder by itself.
            places = {}
            for change in self.pending:
                places.setdefault(self._of(change), []).append(change)
            left = [change for changes in places.values() for change in changes[: chance.randint(0, len(changes))]]
            left.sort(key=self.pending.index)
        if names != "none":
            for change in left:
                done(change, found, folders)
        files = {}
        for name, file in found.items():
            if all(above in folders for above in parents(name)):
                files[name] = after(file, data if chance is None else chance.choice(["kept", *LOSSES]))
        return files, {name for name in folders if all(above in folders for above in parents(name))}

    @staticmethod
    def _of(change):
        return os.path.dirname(change[2] if change[0] == "rename" else change[1])

    def files(self):
        return {name: bytes(file.now) for name, file in self.names.items()}


def parents(name):
    found = []
    while (name := os.path.dirname(name)) and name != ".":
        found.append(name)
    return found


def done(change, names, folders):
    kind, path = change[:2]
    if kind == "create":
        names[path] = change[2]
    elif kind == "rename":
        names.pop(path, None)
        names[change[2]] = change[3]
    elif kind == "unlink":
        names.pop(path, None)
    elif kind == "mkdir":
        folders.add(path)
    else:
        folders.discard(path)


# What can stand where data was not synced: nothing, the length with zeros, or its first half.
LOSSES = ["empty", "zeros", "half"]


def after(file, data):
    if file.synced or data == "kept":
        return bytes(file.now)
    # What was synced and only appended to since then is there.
    known = file.sure if file.now.startswith(file.sure) else b""
    if data == "empty":
        return known
    if data == "zeros":
        return known + bytes(len(file.now) - len(known))
    return known + bytes(file.now[len(known) : (len(known) + len(file.now)) // 2])


# ---- a case, undisturbed and disturbed ----


class Lab:
    """A case in a folder of its own: its input, what it leaves undisturbed, and the operations on the way."""

    def __init__(self, case, options, scratch):
        self.case, self.options = case, options
        self.prepare, self.arguments = CASES[case]
        self.template = scratch / f"{case.replace(' ', '-')}-input"
        self.template.mkdir()
        self.prepare(self.template, options.runner)
        (self.template / "work").mkdir(exist_ok=True)
        self.base = tree(self.template / "work")
        self.local = threading.local()
        self.scratch = scratch
        self.shim = scratch / "shim.so"
        code, said, self.operations = self.logged()
        if code:
            sys.exit(f"{case}: the undisturbed call failed:\n{said}")
        self.expected = tree(self.folder() / "work")
        _, _, again = self.logged()
        self.steady = [str(it) for it in self.operations] == [str(it) for it in again]
        if found := differing(tree(self.folder() / "work"), self.expected):
            sys.exit(f"{case}: two undisturbed calls differ in {found}")
        disk = Disk(self.base)
        for it in self.operations:
            disk.apply(it)
        if disk.files() != tree(self.folder() / "work") and differing(disk.files(), self.expected):
            sys.exit(f"{case}: the log does not give the files: {differing(disk.files(), self.expected)}")
        self.versions = disk.versions

    def folder(self):
        """A copy of the input for this thread."""
        if not hasattr(self.local, "folder"):
            self.local.folder = Path(tempfile.mkdtemp(prefix="lab-", dir=self.scratch))
            shutil.copytree(self.template, self.local.folder, dirs_exist_ok=True)
        return self.local.folder

    def reset(self, files=None, folders=()):
        write_tree(self.folder() / "work", self.base if files is None else files, folders)

    def call(self, **variables):
        return call(self.options.runner, self.folder(), self.arguments, **variables)

    def logged(self, **variables):
        """A call from the beginning under the shim, with its operations."""
        self.reset()
        log = self.folder() / "log"
        work = self.folder() / "work"
        code, said = self.call(LD_PRELOAD=str(self.shim), WRITES_BELOW=str(work), WRITES_LOG=str(log), **variables)
        return code, said, read_log(log, work)

    def work(self):
        return tree(self.folder() / "work")


class Findings:
    """What was found, each kind of it once with a count."""

    def __init__(self, title):
        self.title, self.counts, self.problems, self.listed = title, collections.Counter(), collections.Counter(), collections.Counter()

    def merge(self, other):
        self.counts += other.counts
        self.problems += other.problems
        self.listed += other.listed

    def problem(self, what):
        self.problems[what] += 1

    def json(self):
        return {"counts": dict(self.counts), "problems": dict(self.problems), "listed": dict(self.listed)}


def spread(lab, jobs, work):
    """`work(job)` on some threads, in an order by chance until the time is up; all findings together."""
    total = Findings(lab.case)
    jobs = random.Random(7).sample(jobs, len(jobs))
    end = time.monotonic() + 60 * lab.options.minutes
    total.counts["planned"] = len(jobs)
    with concurrent.futures.ThreadPoolExecutor(lab.options.jobs) as pool:
        for found in pool.map(lambda job: work(job) if time.monotonic() < end and not STOPPED.is_set() else None, jobs):
            if found is not None:
                total.merge(found)
    return total


# ---- part 1: every write fails once ----


def faults(lab):
    numbers = range(1, len(lab.operations) + 1)
    jobs = [(number, face) for number in numbers for face in faces_of(lab.operations[number - 1], number, lab.options)]
    if lab.options.light:
        jobs = random.Random(7).sample(jobs, min(len(jobs), lab.options.sample))
    total = spread(lab, jobs, lambda job: one_fault(lab, *job))
    total.counts["operations"] = len(lab.operations)
    for kind, count in collections.Counter(it.kind for it in lab.operations).items():
        total.counts[f"operations: {kind}"] = count
    if not lab.steady:
        total.listed["the order of operations is not the same in every call"] += 1
    return total


def faces_of(it, number, options):
    if it.kind == "close":
        return ["EIO"]
    faces = [face for face in FACES if face != "SHORT" or it.kind == "write" and it.bytes > 1]
    return faces if options.faces == "all" else [faces[number % len(faces)]]


def one_fault(lab, number, face):
    found = Findings(lab.case)
    found.counts["faults"] += 1
    found.counts[f"faults: {face}"] += 1
    code, said, operations = lab.logged(WRITES_FAIL=str(number), WRITES_FACE=face)
    failed = next((it for it in operations if it.number == number), None)
    if failed is None:
        found.listed["the call had ended before"] += 1
        return found
    where = f"{failed} ({face})"
    work = lab.work()
    if code:
        found.counts["refused"] += 1
        judge_message(found, lab, failed, face, said, where)
    elif differing(work, lab.expected):
        found.counts["passed over"] += 1
        if "warning: " not in said:
            found.problem(f"passed over without a warning, and {first(differing(work, lab.expected))} differs: {where}")
    else:
        found.counts["without consequence"] += 1
        found.listed[f"without consequence: {failed.kind} that gives {name_of(failed, lab)}"] += 1
    judge_files(found, lab, failed, work, where)
    again, said = lab.call()
    left = differing(lab.work(), lab.expected)
    if again and not code and not left and "is there already" in said:
        found.counts["had ended, and the next call says so"] += 1
    elif again:
        found.problem(f"the next call fails after {where}: {said.strip().splitlines()[-1:]}")
    elif left:
        found.problem(f"after the next call {generic(left[0])} differs ({len(left)} files): {where}")
    else:
        found.counts["ended well by the next call"] += 1
    return found


def first(names):
    return generic(names[0])


def name_of(it, lab):
    """What an operation was for: the name that the file was to get."""
    if it.kind == "mkdir" and it.number <= len(lab.operations) and lab.operations[it.number - 1].result < 0:
        return f"{errno.errorcode[-lab.operations[it.number - 1].result]} anyway"
    return generic(it.path)


def final_names(lab, it):
    """Names that a message about an operation may use: its file, the name that it was to get, its folder."""
    names = {it.path, it.second} - {""}
    if it.kind == "sync":
        # Of a folder: the files whose names are not sure to last without it.
        names |= {known.second for known in lab.operations if known.kind == "rename" and (os.path.dirname(known.second) or ".") == it.path}
    for known in lab.operations[it.number - 1 :]:
        if known.kind == "rename" and generic(known.path) == generic(it.path):
            names.add(known.second)
            break
    folders = {os.path.dirname(name) for name in names} if it.kind != "write" else set()
    return {name for name in names | folders if name not in (".", "")}


def judge_message(found, lab, failed, face, said, where):
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    if "panicked" in said:
        found.problem(f"a panic: {where}")
    if len(errors) != 1:
        found.problem(f"{len(errors)} errors: {where}")
        return
    if FACES[face] not in said:
        found.problem(f"the message does not give the cause: {where}: {generic(errors[0])}")
    if not any(f"work/{name}" in said for name in final_names(lab, failed)):
        found.problem(f"the message does not name the file: {where}: {generic(errors[0])}")


def judge_files(found, lab, failed, work, where):
    removing = failed.kind in ("unlink", "rmdir")
    for name, content in work.items():
        if LITTER.search(name):
            if not (removing and name == failed.path):
                found.problem(f"left behind: {generic(name)}: {where}")
        elif RESUMED.search(name) or name.endswith("/.SHA256SUMS"):
            continue
        elif name not in lab.versions:
            found.problem(f"a file that no undisturbed call has: {generic(name)}: {where}")
        elif hashlib.sha256(lasting(name, content)).digest() not in lab.versions[name]:
            found.problem(f"not whole: {generic(name)}: {where}")


# ---- part 2: power losses ----


def power(lab):
    states, seen = [], set()
    disk = Disk(lab.base)
    chance = random.Random(11)
    for number, it in enumerate(lab.operations, 1):
        if not disk.apply(it) and number < len(lab.operations):
            continue
        kinds = [("none", "empty", None)] + [("all", loss, None) for loss in LOSSES]
        kinds += [("some", "", random.Random(chance.random())) for _ in range(lab.options.subsets)]
        for names, data, by_chance in kinds:
            files, folders = disk.crash(names, data, by_chance)
            key = hashlib.sha256(repr((sorted((name, hashlib.sha256(it).digest()) for name, it in files.items()), sorted(folders))).encode()).digest()
            if key not in seen:
                seen.add(key)
                states.append((number, f"names: {names}, data: {data or 'by chance'}", files, folders))
    kinds = collections.Counter(state[1] for state in states)
    total = len(states)
    if lab.options.light:
        states = random.Random(7).sample(states, min(total, lab.options.sample))
    elif lab.options.most and total > lab.options.most:
        # The last states, in which the most is claimed, and some of the others.
        last = states[-lab.options.most // 4 :]
        states = random.Random(7).sample(states[: -len(last)], lab.options.most - len(last)) + last
    found = spread(lab, states, lambda state: one_crash(lab, *state))
    found.counts["states, different ones"] = total
    for kind, count in kinds.items():
        found.counts[f"states, different ones: {kind}"] = count
    return found


def one_crash(lab, number, kind, files, folders):
    found = Findings(lab.case)
    found.counts["states"] += 1
    where = f"{kind}, after {lab.operations[number - 1]}"
    claims(found, lab, files, kind)
    lab.reset(files, folders)
    code, said = lab.call()
    work = lab.work()
    if code and "is there already" in said and not differing(work, lab.expected):
        found.counts["had ended, and said so"] += 1
    elif code:
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        found.problem(f"{kind}: the next call fails: {generic(errors[0] if errors else said[-200:])}")
        found.listed[where] += 1
    elif left := [name for name in differing(work, lab.expected, True) if not unneeded(name, work)]:
        found.problem(f"{kind}: after the next call {generic(left[0])} differs")
        found.listed[where] += 1
    else:
        found.counts["ended well"] += 1
        if differing(work, lab.expected):
            found.counts["ended well with a warning of a rebuilt file"] += 1
    return found


def unneeded(name, work):
    """What a crash has taken from a cache is not made again where the trials that need it are recorded. A temporary file goes from
    a cache after a day, as another process might be writing it."""
    waits = LITTER.search(name) and name.startswith(("cache/", "hf/"))
    if name.endswith(".journal"):
        # The trials that needed its entry are recorded.
        return name.startswith("cache/embeddings/")
    # An image that lies in the cache is not fetched again for the download that it was a copy of.
    kept = name.startswith(("cache/embeddings/", "cache/downloads/urls/"))
    return waits or (kept and name not in work)


def claims(found, lab, files, kind):
    """`run.json` calls a folder complete only where it is."""
    name = "results/lab/run.json"
    try:
        complete = json.loads(files.get(name, b"{}")).get("complete")
    except ValueError:
        found.problem(f"{kind}: run.json is not whole")
        return
    if complete and lab.case != "report":
        part = {name: it for name, it in files.items() if name.startswith("results/") and not LITTER.search(name)}
        wanted = {name: it for name, it in lab.expected.items() if name.startswith("results/")}
        page = "results/lab/report.html"
        left = [name for name in differing(part, wanted) if name != page or page in part]
        if left:
            found.problem(f"{kind}: run.json says complete, but {generic(left[0])} is not what it was")


# ---- part 3: damaged files ----


def damage(lab):
    chance = random.Random(13)
    jobs = []
    for title, files, wanted in stages(lab):
        for name in sorted(files):
            if wanted(name):
                others = [other for other in files if other != name and wanted(other) and kind_of(other) == kind_of(name) and files[other] != files[name]]
                for what, content in damages(files[name], chance, files[others[0]] if others else None):
                    jobs.append((title, files, name, what, content))
    if lab.options.light:
        jobs = random.Random(7).sample(jobs, min(len(jobs), lab.options.sample))
    return spread(lab, jobs, lambda job: one_damage(lab, *job))


def kind_of(name):
    folder = os.path.dirname(generic(name))
    return folder, os.path.splitext(name)[1]


def stages(lab):
    """What is damaged: a title, the files there, and which of them."""
    ended = lab.expected
    if lab.case == "report":
        yield "before a report", lab.base, lambda name: name.endswith("run.json") or name.split("/")[-2] in ("trials", "shown")
    elif lab.case == "fetch":
        yield "fetched", ended, lambda name: not ended[name].startswith(LINK) and not RESUMED.search(name)
        if files := last_with(lab, r"\.incomplete$"):
            yield "killed while fetching", files, lambda name: re.search(r"\.(incomplete|etag)$", name)
    elif lab.case == "fetched":
        yield "results removed", lab.base, lambda name: not lab.base[name].startswith(LINK) and not RESUMED.search(name)
    elif lab.arguments == RUN:
        yield "results kept", ended, lambda name: name.startswith("results/lab/") and name.split("/")[2] in ("trials", "queries", "bias", "shown")
        cached = {name: it for name, it in ended.items() if not name.startswith("results/")}
        yield "results removed", cached, lambda name: not RESUMED.search(name)
        yield "results kept", ended, lambda name: name.startswith(("cache/data", "cache/extracted")) and not RESUMED.search(name)
    for ending, title in ((r"\.journal$", "killed while encoding"), (r"\.parts/.*/\d+\.parquet$", "killed among blocks")):
        if files := last_with(lab, ending):
            yield title, files, lambda name, ending=ending: re.search(ending, name)


def last_with(lab, ending):
    """What was there when the most bytes stood in files of a name."""
    disk, best, most = Disk(lab.base), None, 0
    for it in lab.operations:
        disk.apply(it)
        held = sum(len(file.now) for name, file in disk.names.items() if re.search(ending, name))
        if held > most and not any(LITTER.search(name) for name in disk.names):
            best, most = disk.files(), held
    return best


def damages(content, chance, other):
    size = len(content)
    if size:
        for what, at in [("first byte", 0), ("middle", size // 2), ("last byte", size - 1)]:
            yield f"flip: {what}", flipped(content, at, chance)
        for _ in range(3):
            yield "flip: anywhere", flipped(content, chance.randrange(size), chance)
    for what, length in [("to nothing", 0), ("to one byte", 1), ("to half", size // 2), ("by one byte", size - 1), ("anywhere", chance.randrange(max(size, 1)))]:
        if 0 <= length < size:
            yield f"cut: {what}", content[:length]
    lines = content.split(b"\n")
    if len(lines) > 3 and content.isascii():
        yield "cut: by a line", b"\n".join(lines[:-2]) + b"\n"
    yield "longer: zeros", content + bytes(16)
    yield "longer: itself", content + content[-64:]
    yield "zeros of its size", bytes(size)
    if other is not None:
        yield "another file of its kind", other


def flipped(content, at, chance):
    changed = bytearray(content)
    changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


def one_damage(lab, title, files, name, what, content):
    found = Findings(lab.case)
    sort = f"{generic(name)}, {title}"
    found.counts["damages"] += 1
    if content == files[name]:
        return found
    lab.reset(files | {name: content})
    code, said = lab.call()
    work = lab.work()
    changed = differing(work, lab.expected, True)
    if lab.case in ("report", "fetch", "fetched"):
        # What these do not read they do not mend either; all else, results too, has to be the same.
        changed = [it for it in changed if it != name]
    recorded = b"cache_rebuilt" in work.get("results/lab/run.json", b"")
    if code:
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        # A list of checksums in which a bit has flipped is told as that of the file that it no longer fits.
        named = os.path.basename(name) in said or name.endswith("/.SHA256SUMS")
        if len(errors) != 1 or "panicked" in said or not named:
            found.problem(f"{sort}: {what}: not one error that names the file: {errors}")
        elif not re.search(r"delete|remove|run its config again", errors[0]):
            found.problem(f"{sort}: {what}: refused without saying what to delete: {generic(errors[0])[:200]}")
        found.counts["refused"] += 1
    elif changed:
        found.problem(f"{sort}: {what}: {'said, but' if 'made again' in said else 'NOT NOTICED, and'} {generic(changed[0])} differs")
    elif "made again" in said and (recorded or lab.arguments[0] != "run"):
        found.counts["rebuilt with a warning"] += 1
    elif "warning: " in said and "made again" in said:
        found.problem(f"{sort}: {what}: rebuilt with a warning that run.json does not have")
    elif name not in lab.expected or name.endswith("/.SHA256SUMS"):
        # What is begun: a torn end is what a kill leaves, a block of other items what another call leaves, and no bit of it is used
        # unchecked.
        found.counts["taken up again or not used, changes nothing"] += 1
        found.listed[f"without a warning: {sort}: {what}"] += 1
    elif lab.case in ("fetch", "fetched") and re.search(r"/refs/|\.sha256$|/\.SHA256SUMS$", name):
        # What these record is asked of the hub or counted anew; `runner` says so where it was a checksum.
        found.counts["recorded anew"] += 1
        found.listed[f"recorded anew: {sort}: {what}"] += 1
    elif files[name] == work.get(name):
        found.problem(f"{sort}: {what}: rebuilt without a warning")
    else:
        found.counts["unnoticed, changes nothing"] += 1
        found.listed[f"unnoticed: {sort}: {what}"] += 1
    return found


# ---- all of it ----


PARTS = {"faults": faults, "power": power, "damage": damage}


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", required=True, help="the program, as built by cargo")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--light", action="store_true", help="a sample of everything")
    parser.add_argument("--faces", choices=["all", "one"], default="all", help="every error for every operation, or one of them in turn")
    parser.add_argument("--sample", type=int, default=10, help="with --light: of every case and part so many")
    parser.add_argument("--most", type=int, default=0, help="at most so many states of a case")
    parser.add_argument("--subsets", type=int, default=2, help="states by chance after every operation")
    parser.add_argument("--minutes", type=float, default=60, help="of every case and part; what is not reached by then is left out, and counted")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--scratch", default="/dev/shm" if os.access("/dev/shm", os.W_OK) else None, help="a folder, best without a disk")
    parser.add_argument("--output", help="the figures, as JSON")
    options = parser.parse_args()
    options.runner = str(Path(options.runner).resolve())
    return options


def main():
    options = parsed()
    figures = {}
    signal.signal(signal.SIGTERM, lambda *_: STOPPED.set())
    with tempfile.TemporaryDirectory(dir=options.scratch, prefix="writes-") as scratch:
        scratch = Path(scratch)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", scratch / "shim.so", HERE / "shim.c"], check=True)
        for case in options.case:
            lab = Lab(case, options, scratch)
            for part in options.part:
                found = PARTS[part](lab)
                figures[f"{case}: {part}"] = found.json()
                print(f"{case}: {part}: " + ", ".join(f"{count} {what}" for what, count in found.counts.items()))
                for what, count in sorted(found.problems.items()):
                    print(f"  FOUND {count} x {what}")
                for what, count in sorted(found.listed.items()):
                    print(f"    listed {count} x {what}")
                sys.stdout.flush()
                if options.output:
                    Path(options.output).write_text(json.dumps(figures, indent=1) + "\n")
    sys.exit(any(it["problems"] for it in figures.values()))


if __name__ == "__main__":
    main()
