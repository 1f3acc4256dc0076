"""Small galleries, banks and queries on disk, for the tests of shards and engines."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DIM = 24
SIZES = (40, 1, 25, 34)
K, ALPHA = 7, 0.75
METHOD = f"nnn(k={K},alpha={ALPHA})"
#: What docs/cluster.md computes.
PAGE = "nnn(k=128,alpha=0.75)"


@dataclass
class Data:
    """Where everything lies, and the same in memory."""

    folder: Path
    items: np.ndarray
    bank: np.ndarray
    queries: np.ndarray
    relevance: list

    @property
    def gallery(self):
        return self.folder / "gallery"

    @property
    def paths(self):
        return sorted(map(str, self.gallery.glob("*.parquet")))

    def address(self, name):
        return self.folder / f"{name}.npy"


def lists(vectors):
    """A column of f32 lists of a fixed size."""
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def write_shard(path, vectors, ids):
    pq.write_table(pa.table({"id": ids, "vector": lists(vectors), "title": ["x"] * len(ids)}), path)


def write_gallery(folder, items, sizes=SIZES):
    folder.mkdir()
    first = 0
    for part, size in enumerate(sizes):
        ids = [f"item-{row}" for row in range(first, first + size)]
        write_shard(folder / f"part-{part:03}.parquet", items[first : first + size], ids)
        first += size


def draw(folder, bank_rows=300):
    """A gallery of four shards, a bank, and queries that each ask for one item, written into a folder."""
    rng = np.random.default_rng(7)
    items = rng.normal(size=(sum(SIZES), DIM)).astype(np.float32) + 0.5
    bank = rng.normal(size=(bank_rows, DIM)).astype(np.float32) + 0.5
    asked = rng.integers(0, len(items), 60)
    queries = (items[asked] + 2 * rng.normal(size=(60, DIM))).astype(np.float32)
    write_gallery(folder / "gallery", items)
    np.save(folder / "bank.npy", bank)
    np.save(folder / "queries.npy", queries)
    return Data(folder, items, bank, queries, [[int(item)] for item in asked])


def read_biases(out):
    """Ids and biases of all outputs, in the order of the shards."""
    tables = [pq.read_table(path) for path in sorted(Path(out).glob("*.parquet"))]
    table = pa.concat_tables(tables)
    return table.column("id").to_pylist(), table.column("bias").to_numpy()


def run_page(package):
    """Runs the blocks of docs/cluster.md that are marked with a package, one after the other."""
    page = Path(__file__).parents[2] / "docs" / "cluster.md"
    blocks = re.findall(r"^```python([^\n]*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    names, ran = {}, 0
    for at, (mark, code) in enumerate(blocks):
        if mark.strip() == package:
            exec(compile(code, f"docs/cluster.md, block {at + 1}", "exec"), names)
            ran += 1
    assert ran > 0
    return names
