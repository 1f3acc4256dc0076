"""A gallery in shards, whatever engine runs them: Ray, Dask, Spark, a queue of jobs, or a loop.

No engine is imported here, and none is needed. A shard is a parquet file with a column of vectors and a column of ids. A bank has an
address: a ``.npy`` file, or a parquet file or folder, on a file system that every machine sees under the same path. Only addresses and
results travel through an engine. Every worker process opens the bank once and keeps it; a ``.npy`` file is mapped, so that the processes
of a machine share its pages.

Each shard's biases become one file of their own, which is whole or absent and says what it was made of. So a run that was killed is
resumed by the same call: files that are there and made of the same inputs are left alone.

What an engine has to do::

    job, paths = lay_out("gallery", "bank.npy", "out", "nnn(k=128,alpha=0.75)")
    for path in paths:              # anywhere, in any order, any number of times
        bias_of_shard(job, path)
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import nnn_bench

__all__ = [
    "Banks",
    "Block",
    "Evaluation",
    "Job",
    "Source",
    "bias_of_shard",
    "blocks",
    "counts_of_shard",
    "finish_shard",
    "found_shard",
    "lay_out",
    "lay_out_evaluation",
    "list_shards",
    "locate",
    "matrix",
    "merge",
    "partial_of_block",
    "read_shard",
    "thresholds_of_shard",
    "tidy",
    "write_bank",
]

#: Under which key of an output's footer stands what it was made of, as JSON.
MARK = b"nnn_bench.made_of"

_READ = 1 << 22

_ROWS = 1 << 13


# Files


@dataclass(frozen=True)
class File:
    """A file as it was when it was looked at: path, size in bytes, and SHA-256 of its bytes."""

    path: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: str | Path) -> File:
        """Reads a file once, some megabytes at a time."""
        digest, size = hashlib.sha256(), 0
        with open(path, "rb") as file:
            while piece := file.read(_READ):
                digest.update(piece)
                size += len(piece)
        return cls(str(path), size, digest.hexdigest())

    def check(self) -> None:
        """Raises ``ValueError`` if the file is another one by now, or on this machine."""
        found = File.of(self.path)
        if (found.bytes, found.sha256) != (self.bytes, self.sha256):
            raise ValueError(
                f"bank: {self.path} has {found.bytes} bytes ({found.sha256[:10]}) here, "
                f"but {self.bytes} bytes ({self.sha256[:10]}) when the run was laid out"
            )


@contextmanager
def _atomically(out: Path) -> Iterator[str]:
    """Gives a name to write under; what was written gets its own name when it is whole and on the disk."""
    # A name for each writer: two workers may have one shard where an engine takes a slow machine for a dead one.
    waiting = str(out.with_name(f".{out.name}.{uuid.uuid4().hex}.tmp"))
    try:
        yield waiting
        with open(waiting, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(waiting, out)
    except BaseException:
        Path(waiting).unlink(missing_ok=True)
        raise


def _remove_unfinished(out: Path) -> None:
    """Removes what killed writers of a file left: as large as the file."""
    for name in os.listdir(out.parent):
        if name.startswith(f".{out.name}.") and name.endswith(".tmp"):
            Path(out.parent, name).unlink(missing_ok=True)


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Puts a shard's path in front of what is wrong with its items."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise type(error)(f"{path}: {error}") from error


def list_shards(address: str | Path | Iterable[str | Path]) -> list[str]:
    """The parquet files of a gallery, by name: a folder's, one file, or those that are listed, which keep their order.

    Raises ``ValueError`` where there is none, or where two have one name, as their outputs would.
    """
    if isinstance(address, (str, Path)):
        paths = _parquet_files(Path(address))
    else:
        # Workers have other working folders.
        paths = [os.path.abspath(path) for path in address]
    if not paths:
        raise ValueError(f"gallery: {address} has no .parquet files")
    names: dict[str, str] = {}
    for path in paths:
        other = names.setdefault(Path(path).name, path)
        if other is not path:
            raise ValueError(f"gallery: {other} and {path} have one name, so that their outputs would be one file")
    return paths


def _parquet_files(path: Path) -> list[str]:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    path = path.absolute()
    if path.is_file():
        return [str(path)]
    # Names that begin with a dot or an underscore are other programs' marks and unfinished files.
    names = sorted(it for it in os.listdir(path) if it.endswith(".parquet") and it[0] not in "._")
    return [str(path / name) for name in names]


# Vectors and ids


def matrix(column: pa.Array | pa.ChunkedArray, place: str = "vector") -> np.ndarray:
    """A column of vectors as an array of shape (rows, dim), in the column's own number type; without a copy if it is one chunk.

    Takes lists and lists of a fixed size of f16, f32 or f64, and Arrow's fixed-shape tensors. Raises ``ValueError`` or ``TypeError`` with
    `place` in front where a row is missing, has another length, or is of another type.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    first, parts = 0, []
    for chunk in chunks:
        if len(chunk) > 0:
            parts.append(_chunk_matrix(chunk, place, first))
        first += len(chunk)
    if not parts:
        raise ValueError(f"{place}: no rows")
    if any(part.shape[1] != parts[0].shape[1] for part in parts):
        raise ValueError(f"{place}: vectors of {sorted({part.shape[1] for part in parts})} dimensions, expected one length")
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _chunk_matrix(chunk: pa.Array, place: str, first: int) -> np.ndarray:
    if isinstance(chunk.type, pa.BaseExtensionType):
        chunk = chunk.storage
    kind = chunk.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not lists or not pa.types.is_floating(kind.value_type):
        raise TypeError(f"{place}: a column of {kind}, expected lists of f16, f32 or f64")
    if chunk.null_count > 0:
        row = first + pc.index(chunk.is_null(), True).as_py()
        raise ValueError(f"{place}: row {row} is missing, expected a vector")
    lengths = pc.list_value_length(chunk)
    dim = lengths[0].as_py()
    if (other := pc.index(pc.equal(lengths, dim), False).as_py()) >= 0:
        raise ValueError(f"{place}: row {first + other} has {lengths[other]} numbers, expected {dim} as in row {first}")
    values = chunk.flatten()
    if values.null_count > 0:
        row = first + pc.index(values.is_null(), True).as_py() // dim
        raise ValueError(f"{place}: row {row} lacks a number, expected {dim}")
    return values.to_numpy(zero_copy_only=False).reshape(len(chunk), dim)


def _table(source: Any, columns: Mapping[str, str], path: str) -> pa.Table:
    """Some columns of a parquet file, which are given with the arguments that name them."""
    with pq.ParquetFile(source) as file:
        known = file.schema_arrow.names
        for name, argument in columns.items():
            if name not in known:
                raise ValueError(f"{argument}: {path} has no column {name!r}, it has {', '.join(known)}")
        return file.read(list(columns))


@dataclass(frozen=True)
class Items:
    """What a shard holds: its vectors, of shape (rows, dim), its ids, and the file they were read from."""

    vectors: np.ndarray
    ids: pa.ChunkedArray | pa.Array
    file: File


def read_shard(path: str | Path, column: str = "vector", id_column: str | None = "id") -> Items:
    """Reads a shard once, and takes its checksum on the way. Without an id column the ids are the rows within the shard."""
    data = Path(path).read_bytes()
    file = File(str(path), len(data), hashlib.sha256(data).hexdigest())
    wanted = {column: "column"} if id_column is None else {column: "column", id_column: "id_column"}
    table = _table(pa.BufferReader(data), wanted, file.path)
    vectors = matrix(table.column(column), f"{path}, column {column!r}")
    ids = pa.array(np.arange(len(vectors))) if id_column is None else table.column(id_column)
    return Items(vectors, ids, file)


# Banks by address


@dataclass(frozen=True)
class Source:
    """Vectors by address: their files, with checksums, and how many rows each has. Small, and the same on every machine."""

    files: tuple[File, ...]
    rows_of: tuple[int, ...]
    column: str

    @classmethod
    def of(cls, address: str | Path, column: str = "vector") -> Source:
        """Looks at a ``.npy`` file, a parquet file, or a folder of parquet files. Reads every byte once, for the checksums."""
        paths = _files(address)
        return cls(tuple(map(File.of, paths)), tuple(map(_rows, paths)), column)

    @property
    def rows(self) -> int:
        """Number of vectors."""
        return sum(self.rows_of)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the files' checksums, in their order. Paths and names are not part of it."""
        lines = [f"{file.bytes} {file.sha256} {rows}\n" for file, rows in zip(self.files, self.rows_of)]
        return hashlib.sha256("".join([self.column, "\n", *lines]).encode()).hexdigest()

    def read(self, first: int = 0, end: int | None = None) -> np.ndarray:
        """Rows `first` to `end`, of shape (end - first, dim). Only files that hold some of them are opened.

        A file is compared with its checksum when a process opens it for the first time.
        """
        end = self.rows if end is None else end
        parts, start = [], 0
        for file, rows in zip(self.files, self.rows_of):
            low, high = max(first, start), min(end, start + rows)
            if low < high:
                _check_once(file)
                parts.append(_vectors(file.path, self.column)[low - start : high - start])
            start += rows
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _files(address: str | Path) -> list[str]:
    path = Path(address).absolute()
    paths = [str(path)] if path.suffix == ".npy" else _parquet_files(path)
    if not paths:
        raise ValueError(f"{path}: a folder without .parquet files, expected a .npy file or parquet")
    return paths


def write_bank(address: str | Path, out: str | Path, column: str = "vector") -> None:
    """Writes the vectors of an address as a ``.npy`` of f32 at unit length, which every process uses where it is mapped.

    `out` is whole or absent. Memory holds a file of the address, and some thousands of rows. What a killed call left half written is removed,
    so that no two calls may write one `out` at a time.
    """
    if Path(out).suffix != ".npy":
        raise ValueError(f"out: {out}, expected a name that ends in .npy")
    paths = _files(address)
    rows, dim = sum(map(_rows, paths)), _vectors(paths[0], column).shape[1]
    _remove_unfinished(Path(out))
    with _atomically(Path(out)) as waiting:
        bank = np.lib.format.open_memmap(waiting, "w+", np.float32, (rows, dim))
        first = 0
        for part in paths:
            vectors = _vectors(part, column)
            for start in range(0, len(vectors), _ROWS):
                some = vectors[start : start + _ROWS].astype(np.float32).astype(np.float64)
                # In f64: a length that is off by 2^-26 or more would be normalised again, in a copy.
                bank[first : first + len(some)] = some / np.sqrt((some**2).sum(axis=1, keepdims=True))
                first += len(some)
        bank.flush()


def _rows(path: str) -> int:
    return len(np.load(path, mmap_mode="r")) if path.endswith(".npy") else pq.read_metadata(path).num_rows


def _vectors(path: str, column: str) -> np.ndarray:
    if path.endswith(".npy"):
        return np.load(path, mmap_mode="r")
    return matrix(_table(path, {column: "column"}, path).column(column), f"{path}, column {column!r}")


@lru_cache(maxsize=1 << 16)
def _check_once(file: File) -> None:
    file.check()


@dataclass(frozen=True)
class Banks:
    """The query bank, and for methods that read one the gallery bank."""

    query: Source | None = None
    gallery: Source | None = None

    @classmethod
    def of(cls, bank: str | Path | Mapping[str, str | Path] | Banks, column: str = "vector") -> Banks:
        """From the query bank's address, or from ``{"query": address, "gallery": address}`` with either or both."""
        if isinstance(bank, Banks):
            return bank
        sides = bank if isinstance(bank, Mapping) else {"query": bank}
        if unknown := sorted(set(sides) - {"query", "gallery"}):
            raise ValueError(f"bank: {unknown[0]!r} is no side, expected 'query' or 'gallery'")
        return cls(**{side: Source.of(address, column) for side, address in sides.items()})

    @property
    def sides(self) -> dict[str, Source]:
        """The banks that are there, by side."""
        both = {"query": self.query, "gallery": self.gallery}
        return {side: source for side, source in both.items() if source is not None}

    def open(self) -> nnn_bench.Bank:
        """The banks of this process: read at its first call, kept for the next."""
        with _opening:
            return _open(self)


# Threads of one process (Dask has several) open a bank once.
_opening = threading.Lock()


@lru_cache(maxsize=1)
def _open(banks: Banks) -> nnn_bench.Bank:
    sides = {side: source.read() for side, source in banks.sides.items()}
    return nnn_bench.Bank(sides.get("query"), gallery=sides.get("gallery"))


# Biases of shards


@dataclass(frozen=True)
class Job:
    """All that a worker needs to know. It is small, and is sent along with every task."""

    banks: Banks
    method: str
    out: str
    column: str = "vector"
    id_column: str | None = "id"
    threads: int | None = 1
    overwrite: bool = False

    def output(self, path: str) -> str:
        """Where a shard's biases go."""
        return os.path.join(self.out, Path(path).name)

    def made_of(self, file: File) -> dict[str, Any]:
        """What a shard's biases depend on."""
        return {
            "method": self.method,
            "banks": {side: source.fingerprint for side, source in self.banks.sides.items()},
            "shard": {"bytes": file.bytes, "sha256": file.sha256},
            "column": self.column,
            "id_column": self.id_column,
            "code": nnn_bench.__version__,
        }


def lay_out(
    gallery: str | Path | Iterable[str | Path],
    bank: str | Path | Mapping[str, str | Path] | Banks,
    out: str | Path,
    method: str = "nnn",
    *,
    column: str = "vector",
    id_column: str | None = "id",
    threads: int | None = 1,
    overwrite: bool = False,
    **params: Any,
) -> tuple[Job, list[str]]:
    """Looks at the gallery and the bank, makes the folder `out`, and gives the job and the shards' paths.

    ``threads`` is how many each task computes with. Raises ``ValueError`` where the method has no biases that shards can be given one by
    one, and what the core says of its parameters.
    """
    paths = list_shards(gallery)
    signature = _signature(method, params)
    name = signature.split("(")[0]
    if _about(name)["whole_gallery"]:
        raise ValueError(f"method: a bias of {name} depends on all items of the gallery, so that shards cannot be corrected one by one")
    job = Job(Banks.of(bank, column), signature, os.path.abspath(out), column, id_column, threads, overwrite)
    os.makedirs(job.out, exist_ok=True)
    if os.path.samefile(job.out, os.path.dirname(paths[0])):
        raise ValueError(f"out: {out} is the gallery's own folder, and a shard's biases have its name")
    return job, paths


def bias_of_shard(job: Job, path: str) -> dict[str, Any]:
    """Computes and writes one shard's biases, or finds them there: ``{"shard", "rows", "computed", "seconds"}``.

    The output has the columns ``id`` and ``bias`` (f32), in the shard's order. Raises ``ValueError`` where an output is there that was made
    of something else, unless the job overwrites.
    """
    start = time.perf_counter()
    items = read_shard(path, job.column, job.id_column)
    if (computed := not _is_made_of(job, path, items.file)):
        bank = job.banks.open()
        with _named(path):
            values = nnn_bench.bias(items.vectors, bank, job.method, threads=job.threads)
        _write(job, path, items, values)
    return _report(path, len(items.vectors), computed, start)


def found_shard(job: Job, path: str) -> dict[str, Any] | None:
    """What `bias_of_shard` reports if a shard's biases are there, made of the same inputs; the shard is read only if there is a file."""
    start = time.perf_counter()
    if os.path.exists(job.output(path)) and _is_made_of(job, path, File.of(path)):
        return _report(path, pq.read_metadata(job.output(path)).num_rows, False, start)
    return None


def _is_made_of(job: Job, path: str, file: File) -> bool:
    output = job.output(path)
    if not os.path.exists(output):
        return False
    wanted, found = job.made_of(file), _mark(output)
    if found == wanted:
        return True
    if job.overwrite:
        return False
    keys = [key for key in wanted if found.get(key) != wanted[key]]
    was, now = ({key: source.get(key) for key in keys} for source in (found, wanted))
    raise ValueError(f"out: {output} is there already and was made of {was}, not of {now}; take another folder, or overwrite=True")


def _mark(output: str) -> dict[str, Any]:
    metadata = pq.read_schema(output).metadata or {}
    return json.loads(metadata.get(MARK, b"{}"))


def _report(path: str, rows: int, computed: bool, start: float) -> dict[str, Any]:
    return {"shard": path, "rows": rows, "computed": computed, "seconds": time.perf_counter() - start}


def _write(job: Job, path: str, items: Items, values: np.ndarray) -> None:
    mark = json.dumps(job.made_of(items.file), sort_keys=True)
    table = pa.table({"id": items.ids, "bias": pa.array(values, pa.float32())})
    table = table.replace_schema_metadata({MARK: mark})
    with _atomically(Path(job.output(path))) as waiting:
        pq.write_table(table, waiting)


def tidy(job: Job) -> None:
    """Removes what killed workers left half written. For the end of a run: no worker of it may still write."""
    for name in os.listdir(job.out):
        if name.startswith(".") and name.endswith(".tmp"):
            Path(job.out, name).unlink(missing_ok=True)


# Banks in blocks


@dataclass(frozen=True)
class Block:
    """Some rows of a bank, side by side: one of the two sides, first row, end."""

    side: str
    first: int
    end: int


def blocks(job: Job, rows: int) -> list[Block]:
    """The banks in blocks of so many rows, a multiple of ``Partial.CHUNK``; the last of each may be shorter."""
    chunk = nnn_bench.Partial.CHUNK
    if rows <= 0 or rows % chunk != 0:
        raise ValueError(f"block: {rows} rows, expected a multiple of {chunk}")
    cut = []
    for side, source in job.banks.sides.items():
        cut += [Block(side, first, min(first + rows, source.rows)) for first in range(0, source.rows, rows)]
    return cut


def partial_of_block(job: Job, path: str, block: Block) -> nnn_bench.Partial:
    """What one block of a bank says about one shard. Only the block's rows of the bank are read."""
    items = read_shard(path, job.column, job.id_column)
    source = job.banks.sides[block.side]
    with _opening:
        part = _read_block(source, block)
    with _named(path):
        return nnn_bench.Partial.collect(
            items.vectors, part, block.first, source.rows, job.method, bank=block.side, threads=job.threads
        )


@lru_cache(maxsize=1)
def _read_block(source: Source, block: Block) -> np.ndarray:
    """The block that this process read last, as the next task often has the same."""
    return source.read(block.first, block.end)


def merge(first: Any, *others: Any) -> Any:
    """Partials, thresholds or counts as one, in any order. All of them stay as they are."""
    # Engines that keep results where they were made hand over the result itself.
    merged = copy.copy(first)
    for other in others:
        merged.merge(other)
    return merged


def finish_shard(job: Job, path: str, *partials: nnn_bench.Partial) -> dict[str, Any]:
    """Merges what all blocks say about a shard, and writes its biases: they have the bits of the whole bank."""
    start = time.perf_counter()
    items = read_shard(path, job.column, job.id_column)
    with _named(path):
        values = merge(*partials).bias(items.vectors, job.method)
    _write(job, path, items, values)
    return _report(path, len(items.vectors), True, start)


# Evaluation by counts


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An evaluation in two rounds over the shards of a gallery: thresholds, then counts. It is sent to the workers once.

    `queries` have an address as banks have; `relevance` says for every query which items answer it, by their places in the whole gallery;
    `biases` names a folder of biases for every ranking but the first, which is the raw one.
    """

    queries: Source
    relevance: Any
    gallery_len: int
    firsts: dict[str, int]
    biases: dict[str, str]
    k: int = 0
    ties: str = "index"
    column: str = "vector"
    threads: int | None = 1

    @property
    def names(self) -> list[str]:
        """The rankings, in the order in which everything has them."""
        return ["raw", *self.biases]


def lay_out_evaluation(
    queries: str | Path,
    gallery: str | Path | Iterable[str | Path],
    relevance: Any,
    biases: str | Path | Mapping[str, str | Path] | None = None,
    *,
    k: int = 0,
    ties: str = "index",
    column: str = "vector",
    threads: int | None = 1,
) -> tuple[Evaluation, list[str]]:
    """Looks at the queries and at the shards' footers, and gives the evaluation and the shards' paths.

    The places of items in `relevance` count through the shards in the order of `list_shards`; `locate` finds those of ids. ``k`` is the
    length of the lists of best items, which metrics of hubness read; ``threads`` is how many each task computes with.
    """
    paths = list_shards(gallery)
    if isinstance(biases, (str, Path)):
        biases = {"corrected": biases}
    folders = {name: os.path.abspath(folder) for name, folder in (biases or {}).items()}
    if "raw" in folders:
        raise ValueError("biases: 'raw' is the name of the ranking without a bias, expected another")
    sizes = [pq.read_metadata(path).num_rows for path in paths]
    firsts = dict(zip(paths, np.cumsum([0, *sizes]).tolist()))
    source = Source.of(queries, column)
    return Evaluation(source, relevance, sum(sizes), firsts, folders, k, ties, column, threads), paths


def thresholds_of_shard(evaluation: Evaluation, path: str) -> nnn_bench.Thresholds:
    """The first round: what the relevant items of this shard score."""
    return _shard(evaluation, path).thresholds(threads=evaluation.threads)


def counts_of_shard(evaluation: Evaluation, path: str, thresholds: nnn_bench.Thresholds) -> nnn_bench.Counts:
    """The second round: how many items of this shard stand above the thresholds of all shards."""
    return _shard(evaluation, path).count(thresholds, threads=evaluation.threads)


def _shard(evaluation: Evaluation, path: str) -> nnn_bench.Shard:
    items = read_shard(path, evaluation.column, None)
    none = np.zeros(len(items.vectors), np.float32)
    biases = [none, *(_biases(folder, path, items) for folder in evaluation.biases.values())]
    queries, first = _read_queries(evaluation.queries), evaluation.firsts[path]
    of_all = (evaluation.relevance, evaluation.gallery_len)
    with _named(path):
        return nnn_bench.Shard(queries, items.vectors, first, *of_all, biases, k=evaluation.k, ties=evaluation.ties)


@lru_cache(maxsize=1)
def _read_queries(source: Source) -> np.ndarray:
    return source.read()


def _biases(folder: str, path: str, items: Items) -> np.ndarray:
    """The biases of a shard, if they are of these very vectors."""
    output = os.path.join(folder, Path(path).name)
    made_of = _mark(output).get("shard")
    shard = {"bytes": items.file.bytes, "sha256": items.file.sha256}
    if made_of != shard:
        raise ValueError(f"biases: {output} was made of the shard {made_of}, not of {path}, which is {shard}")
    return pq.read_table(output, columns=["bias"]).column("bias").to_numpy()


def locate(gallery: str | Path | Iterable[str | Path], ids: Sequence[Any], id_column: str = "id") -> np.ndarray:
    """The places of ids in the whole gallery, as `relevance` counts them (int64). Reads the shards' id columns only.

    Raises ``ValueError`` for an id that no item has, or that two have.
    """
    wanted, places, first = pa.array(ids), np.full(len(ids), -1), 0
    for path in list_shards(gallery):
        column = _table(path, {id_column: "id_column"}, path).column(id_column)
        found = pc.index_in(wanted, value_set=column.combine_chunks())
        here = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
        if (twice := here[places[here] >= 0]).size:
            raise ValueError(f"ids: {ids[twice[0]]!r} stands at place {places[twice[0]]} and again in {path}")
        places[here] = first + found.to_numpy(zero_copy_only=False)[here].astype(np.int64)
        first += len(column)
    if (missing := np.flatnonzero(places < 0)).size:
        raise ValueError(f"ids: {ids[missing[0]]!r} is the id of no item of {gallery}")
    return places


# Methods


def _signature(method: str, params: Mapping[str, Any]) -> str:
    """The method at one point with all its parameters, defaults too, such as ``nnn(k=128,alpha=0.75)``."""
    _check_method(method, params)
    name, _, inside = "".join(method.split()).rstrip(")").partition("(")
    written = dict(pair.split("=") for pair in inside.split(",") if pair)
    infos = _about(name)["params"]
    values = [(it["name"], params.get(it["name"], written.get(it["name"], it["default"]))) for it in infos]
    pairs = ",".join(f"{key}={_number(value)}" for key, value in values)
    return f"{name}({pairs})" if pairs else name


def _about(name: str) -> dict[str, Any]:
    """What `nnn_bench.methods` has of a method."""
    return next(it for it in nnn_bench.methods() if it["name"] == name)


def _number(value: Any) -> str:
    """As the command line writes it: the fewest digits that say it, without an exponent."""
    text = format(Decimal(repr(float(value))), "f")
    return text.removesuffix(".0")


def _check_method(method: str, params: Mapping[str, Any]) -> None:
    """Raises what the core says of a method that is no bias, or of its parameters, before any shard is read."""
    one = np.ones((1, 1), np.float32)
    try:
        nnn_bench.bias(one, nnn_bench.Bank(one, gallery=one), method, threads=1, **params)
    except ValueError as error:
        # Only a bank of one row is too small for anything.
        if not str(error).startswith("bank:"):
            raise
