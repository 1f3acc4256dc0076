#!/usr/bin/env python3
"""Writes sound inputs for every fuzz target from the files that the workspace's tests have: `seeds.py FOLDER`, FOLDER/<target>/<seed>.

The first bytes of an input say what it is; each target's own list is read from its source, so that the two cannot differ. With
`--runner RUNNER` there are also files of biases and a manifest that it wrote. Target `partials` makes its sound inputs itself.
"""

import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES = ROOT / "crates"
VECTORS = CRATES / "nnn-data/tests/golden/vectors"
FIXTURES = CRATES / "nnn-data/tests/fixtures"
PUBLISHED = CRATES / "nnn-data/tests/published/golden"
TOKENS = CRATES / "nnn-encode/tests/golden"
MOST = 1 << 16  # larger inputs only make every execution slow


def source(target):
    return (ROOT / f"fuzz/fuzz_targets/{target}.rs").read_text()


def listed(target, constant):
    """The strings of a constant of a target, in their order."""
    body = re.search(rf"const {constant}: [^=]*= \[(.*?)\];", source(target), re.DOTALL).group(1)
    return re.findall(r'"([^"]*)"', body)


def files(*folders):
    return sorted(it for folder in folders for it in folder.rglob("*") if it.is_file() and it.stat().st_size <= MOST)


class Seeds:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.count = 0

    def put(self, target, name, content):
        if len(content) > MOST + 64:
            return
        place = self.folder / target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        self.count += 1


def text(path):
    return path.read_bytes()


def embeddings(seeds):
    kinds = listed("embeddings", "KINDS")
    same = {"pth": "pt", "feather": "arrow", "parq": "parquet", "hdf5": "h5"}
    for file in files(VECTORS, FIXTURES):
        kind = same.get(file.suffix[1:], file.suffix[1:])
        if kind in kinds:
            seeds.put("embeddings", file.name, bytes([kinds.index(kind)]) + text(file))
    texts = {
        "tsv": "query\tgallery\n0\t1\n",
        "csv": "query,gallery,grade\n0,1,2\n1,2,0\n2,0,1\n",
        "qrels": "0 0 1 1\n1 0 2 0\n2 0 0 2\n",
        "json": '{"0": {"1": 2}, "1": {"2": 0}, "2": {"3": 1}}',
        "jsonl": '{"qid": 0, "docid": [1, 2], "rel": 1}\n{"qid": 1, "docid": 3}\n',
        "npy": None,
    }
    for kind, written in texts.items():
        if written:
            seeds.put("embeddings", f"text.{kind}", bytes([kinds.index(kind)]) + written.encode())
    seeds.put("embeddings", "lists.json", bytes([kinds.index("json")]) + b"[[0], [1, 2], [3]]")
    header = json.dumps({"rows": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    tensors = struct.pack("<Q", len(header)) + header + struct.pack("<6f", *range(6))
    seeds.put("embeddings", "rows.safetensors", bytes([kinds.index("safetensors")]) + tensors)


def annotations(seeds):
    names = listed("annotations", "FORMATS")
    formats = re.findall(r"AnnotationFormat::(\w+),\s*\"([^\"]*)\"", source("annotations"))
    for file in files(PUBLISHED):
        for at, (_, name) in enumerate(formats):
            if name.split(".")[-1] == file.suffix[1:]:
                seeds.put("annotations", f"{at}-{file.name}", bytes([at]) + text(file))
    coco = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "id": 2, "caption": "a dog"}]}
    plain = {"images": [{"filename": "a.jpg", "split": "test", "sentences": [{"raw": "a dog"}]}]}
    own = {"it.token": "a.jpg#0\ta dog\n", "it.txt": "a.jpg\ta dog\n", "it.csv": "image,caption\na.jpg,\"a, dog\"\n"}
    own |= {"it.json": json.dumps([{"image": "a.jpg", "caption": ["a dog"]}]), "it.tsv": "image\tcaption\na.jpg\ta dog\n"}
    own["it.jsonl"] = '{"image": "a.jpg", "caption": "a dog"}\n'
    for at, name in enumerate(names):
        if name in own:
            seeds.put("annotations", f"own-{at}", bytes([at]) + own[name].encode())
    for at, (kind, _) in enumerate(formats):
        if kind in ("Coco", "Karpathy"):
            seeds.put("annotations", kind, bytes([at]) + json.dumps(coco if kind == "Coco" else plain).encode())


def archives(seeds):
    names = listed("archives", "NAMES")
    for file in files(PUBLISHED):
        kind = next((at for at, name in enumerate(names) if file.name.endswith(name[2:])), None)
        if kind is not None:
            seeds.put("archives", file.name, bytes([kind]) + text(file))


def yaml(seeds):
    for file in files(ROOT / "configs/models", ROOT / "configs/datasets"):
        seeds.put("cards", file.name, text(file))
    for file in sorted((ROOT / "configs").glob("*.yaml")) + sorted((ROOT / "experiments").rglob("*.yaml")):
        seeds.put("configs", file.name, text(file))
    first = text(ROOT / "configs/quickstart.yaml")
    seeds.put("configs", "overrides", first + b"\0compute.threads=1\0methods.1.nnn.k=[1,2]\0statistics={seed: 3}")


def images(seeds):
    for file in files(TOKENS / "images", TOKENS / "formats", ROOT / "docs"):
        if file.suffix in (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"):
            seeds.put("images", file.name, text(file))


def tokens(seeds):
    head = lambda kind, words=b"a small dog": bytes([kind, len(words)]) + words
    for file in sorted(CRATES.rglob("tests/golden/**/tokenizer.json")):
        for kind in range(3):
            seeds.put("tokenizers", f"{kind}-{file.parent.name}.json", head(kind) + text(file))
    for file in sorted(CRATES.rglob("tests/golden/**/vocab.txt")):
        seeds.put("tokenizers", f"{file.parent.name}-vocab.txt", head(3) + text(file))
    for file in sorted(CRATES.rglob("tests/golden/**/merges.txt")):
        both = text(file.parent / "vocab.json") + b"\0\0" + text(file)
        seeds.put("tokenizers", f"{file.parent.name}-merges", head(4) + both)
    for file in sorted(CRATES.rglob("tests/golden/**/*.model")):
        for kind in range(4):
            seeds.put("sentencepiece", f"{kind}-{file.parent.name}-{file.name}", head(kind) + text(file))


def jsons(folder, config):
    """A checkpoint's configuration and preprocessing: files of their own, or parts of its card."""
    names = [config, "preprocessor_config.json"]
    if (folder / "card.json").exists():
        card = json.loads(text(folder / "card.json"))
        return [json.dumps(card[name], indent=1).encode() for name in names]
    return [text(folder / name) for name in names if (folder / name).exists()]


def checkpoints(seeds):
    families = re.findall(r'"(\S+\.json)",\s*"(\S+)"', source("checkpoints"))
    for at, (config, folder) in enumerate(families):
        folder = CRATES / folder
        seeds.put("checkpoints", folder.name, bytes([at]) + b"\n---\n".join(jsons(folder, config)))
    for file in sorted(TOKENS.glob("spec-*.json")):
        both = text(CRATES / families[0][1] / "config.json") + b"\n---\n" + text(file)
        seeds.put("checkpoints", file.name, bytes([0]) + both)


def npy(kind, shape, values):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    code = {"<f4": "f", "<i8": "q", "|b1": "?"}[kind]
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack(f"<{len(values)}{code}", *values)


def similarities(seeds):
    part = lambda content: struct.pack("<H", len(content)) + content
    scores = npy("<f4", (2, 4), [0.9, 0.1, 0.2, 0.3, 0.4, 0.8, 0.1, 0.0])
    bank = npy("<f4", (2, 3), [0.5, 0.1, 0.2, 0.3, 0.4, 0.8])
    mask = npy("|b1", (4,), [True, True, False, True])
    owners = npy("<i8", (4,), [0, 0, 1, 1])
    for flags in (0, 1, 2, 3, 4, 8, 16, 64, 128):
        seeds.put("similarities", f"npy-{flags}", bytes([flags, 0]) + part(scores) + part(bank) + part(mask) + owners)
    table = b"0.9,0.1,0.2\n0.3,0.4,0.8\n"
    seeds.put("similarities", "csv", bytes([0, 28]) + part(table) + part(table) + part(b"1\n0\n1\n") + b"0\n0\n1\n")


def hub(seeds):
    answer = lambda status, headers, body: (f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode() + body)
    commit = "0123456789abcdef0123456789abcdef01234567"
    whole = answer("200 OK", "Content-Length: 5\r\nETag: \"abc\"", b"hello")
    listing = json.dumps({"sha": commit, "siblings": [{"rfilename": "it.bin"}]}).encode()
    listing = answer("200 OK", f"Content-Length: {len(listing)}", listing)
    head = answer("200 OK", f"Content-Length: 5\r\nX-Repo-Commit: {commit}\r\nX-Linked-Etag: \"abc\"\r\nX-Linked-Size: 5", b"")
    moved = answer("302 Found", f"Location: /elsewhere\r\nX-Repo-Commit: {commit}\r\nX-Linked-Etag: \"abc\"", b"")
    part = answer("206 Partial Content", "Content-Length: 3\r\nContent-Range: bytes 2-4/5", b"llo")
    cut = answer("200 OK", "Content-Length: 5\r\nETag: \"abc\"", b"he")
    chunked = answer("200 OK", "Transfer-Encoding: chunked", b"5\r\nhello\r\n")
    slow = answer("429 Too Many Requests", "Retry-After: 0\r\nContent-Length: 0", b"")
    gone = answer("404 Not Found", "X-Error-Code: EntryNotFound\r\nContent-Length: 0", b"")
    series = {"sound": [whole, listing, head, whole], "resumed": [cut, part, listing, head, cut, part]}
    series |= {"moved": [moved, whole, listing, moved, whole], "slow": [slow, whole, slow, listing, slow, head, whole]}
    series |= {"gone": [gone, gone, gone], "chunked": [chunked, listing, head, chunked], "silent": []}
    for name, answers in series.items():
        seeds.put("hub", name, b"\0".join(answers) or b"\0")


def exported(seeds, runner):
    """What the runner writes of three items and four past queries."""
    names = listed("exports", "FILES")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "items.npy").write_bytes(npy("<f4", (3, 2), [1, 0, 0.6, 0.8, 0, 1]))
        (folder / "past.npy").write_bytes(npy("<f4", (4, 2), [1, 0, 0.8, 0.6, 0.6, 0.8, 0, 1]))
        bias = [runner, "bias", "--gallery", "items.npy", "--reference", "past.npy", "--out", "bias.parquet"]
        subprocess.run([*bias, "--method", "nnn(k=2,alpha=0.75)"], cwd=folder, check=True, capture_output=True)
        export = [runner, "export", "--bias", "bias.parquet", "--gallery", "items.npy", "--form", "ip", "--to", "npy", "--out", "out"]
        subprocess.run(export, cwd=folder, check=True, capture_output=True)
        for name, file in (("bias.parquet", folder / "bias.parquet"), ("manifest.json", folder / "out/manifest.json")):
            seeds.put("exports", f"runner-{name}", bytes([names.index(name)]) + text(file))


def exports(seeds):
    names = listed("exports", "FILES")
    put = lambda name, content: seeds.put("exports", name, bytes([names.index(name)]) + content)
    put("answers.jsonl", b'{"query": 0, "ids": [1, 2], "scores": [0.5, 0.25]}\n{"query": 1, "ids": ["a", "b"]}\n')
    put("items.npy", npy("<f4", (3, 2), range(6)))
    put("items.fvecs", b"".join(struct.pack("<iff", 2, row, 1) for row in range(3)))
    put("items.jsonl", b"".join(b'{"id": %d, "vector": [%d, 1]}\n' % (row, row) for row in range(3)))
    for file in files(VECTORS):
        if file.suffix == ".parquet":
            seeds.put("exports", f"items-{file.name}", bytes([names.index("items.parquet")]) + text(file))
            seeds.put("exports", f"bias-{file.name}", bytes([names.index("bias.parquet")]) + text(file))


def rest(seeds):
    for file in files(CRATES / "nnn-pickle/tests/golden/pickles", VECTORS):
        if file.suffix in (".pth", ".pt", ".pkl"):
            seeds.put("pickle", file.name, text(file))
    hostile = ["a", "<script>", "\"><img src=x onerror=1>", "</style>", "</script>", "]]>", "&amp;", "'", "`", "\u202e\u0000\u2028"]
    for at, name in enumerate(hostile):
        seeds.put("page", str(at), name.encode())


def main():
    if len(sys.argv) not in (2, 4) or sys.argv[2:3] not in ([], ["--runner"]):
        sys.exit("usage: seeds.py FOLDER [--runner RUNNER]")
    seeds = Seeds(sys.argv[1])
    if len(sys.argv) == 4:
        exported(seeds, str(Path(sys.argv[3]).resolve()))
    for make in (embeddings, annotations, archives, yaml, images, tokens, checkpoints, similarities, hub, exports, rest):
        make(seeds)
    print(f"{seeds.count} seeds in {seeds.folder}")


if __name__ == "__main__":
    main()
