"""Files of vectors, indices and labels as NumPy, PyTorch, Arrow, pandas and h5py write them, for nnn-data.

Run from the workspace's root with the packages of `requirements-vectors.txt`:

    python tools/reference/vectors_goldens.py

Beside the files it writes `cases.json`: of every file what the library that wrote it reads back, as the bits of f32, or the
words of the refusal that is expected. Everything is seeded.
"""

import json
import pickle
import shutil
from decimal import Decimal
from pathlib import Path

import h5py
import ml_dtypes
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import tables
import torch

FOLDER = Path(__file__).resolve().parents[2] / "crates/nnn-data/tests/golden/vectors"
ROWS, DIM = 6, 8
X = np.random.default_rng(13).normal(size=(ROWS, DIM)).astype("float32")
WHOLE = np.random.default_rng(14).integers(-100, 100, size=(ROWS, DIM))
IDS = [f"item {10 - row}" for row in range(ROWS)]
CASES = []


def holds(name, rows, key=None):
    """The file `name` holds these rows."""
    rows = np.ascontiguousarray(rows).astype("float32")
    bits = rows.view("uint32").ravel().tolist()
    CASES.append({"file": name, "key": key, "dim": rows.shape[1], "bits": bits})


def says(name, labels, key=None):
    CASES.append({"file": name, "key": key, "labels": [str(it) for it in labels]})


def points(name, indices, key=None):
    CASES.append({"file": name, "key": key, "indices": [int(it) for it in indices]})


def refuses(name, words, key=None):
    CASES.append({"file": name, "key": key, "refused": words})


def numpy_files():
    bf16 = X.astype(ml_dtypes.bfloat16)
    plain = {
        "bf16": bf16,
        "f16": X.astype("f2"),
        "f64_fortran": np.asfortranarray(X.astype(">f8")),
        "i8": WHOLE.astype("i1"),
        "u8": (WHOLE + 100).astype("u1"),
        "i64": WHOLE,
    }
    for name, array in plain.items():
        np.save(FOLDER / f"{name}.npy", array)
        holds(f"{name}.npy", array)
    np.savez_compressed(FOLDER / "several.npz", bf16=bf16, plain=X, ids=np.array(IDS))
    holds("several.npz", bf16, "bf16")
    holds("several.npz", X, "plain")
    says("several.npz", IDS, "ids")
    np.save(FOLDER / "names.npy", np.array(IDS))
    says("names.npy", IDS)
    np.save(FOLDER / "byte_names.npy", np.array(IDS, dtype="S").astype(">S9"))
    says("byte_names.npy", IDS)
    np.save(FOLDER / "numbers.npy", np.arange(ROWS)[::-1])
    says("numbers.npy", range(ROWS - 1, -1, -1))
    for kind, name in [("longdouble", "float128"), ("complex64", "complex64"), ("U4", "string"), ("bool", "bool")]:
        np.save(FOLDER / f"{name}.npy", np.ones((2, 2)).astype(kind))
        refuses(f"{name}.npy", name)
    np.save(FOLDER / "float8.npy", X.astype(ml_dtypes.float8_e4m3fn))
    refuses("float8.npy", "float8")
    np.save(FOLDER / "objects.npy", np.array([[1, None]], dtype=object))
    refuses("objects.npy", "type object")


def lists(kind, rows=X, wrap=lambda it: it):
    return pa.array([wrap(row.tolist()) for row in rows], kind)


def spark(rows):
    """VectorUDT, dense and sparse in turn."""
    kind = pa.struct([("type", pa.int8()), ("size", pa.int32()), ("indices", pa.list_(pa.int32())), ("values", pa.list_(pa.float64()))])
    def one(at, row):
        if at % 2:
            return {"type": 1, "size": None, "indices": None, "values": row.tolist()}
        places = np.flatnonzero(row)
        return {"type": 0, "size": len(row), "indices": places.tolist(), "values": row[places].tolist()}
    return pa.array([one(at, row) for at, row in enumerate(rows)], kind)


def write(name, columns, **options):
    pq.write_table(pa.table(columns), FOLDER / f"{name}.parquet", row_group_size=4, **options)


def parquet_files():
    half = X.astype("f2")
    thinned = np.where(X > 0, X, 0).astype("f8")
    thinned[0] = 0
    thinned[0, 3] = 1
    cells = [("lists_f16", lists(pa.list_(pa.float16()), half), half), ("lists_i8", lists(pa.list_(pa.int8()), WHOLE), WHOLE)]
    cells += [("lists_u16", lists(pa.list_(pa.uint16()), WHOLE + 100), WHOLE + 100)]
    cells += [("large_lists", lists(pa.large_list(pa.float64())), X)]
    cells += [("fixed", lists(pa.list_(pa.float32(), DIM)), X)]
    cells += [("fixed_f16", lists(pa.list_(pa.float16(), DIM), half), half)]
    cells += [("one_list", lists(pa.list_(pa.list_(pa.float32())), wrap=lambda it: [it]), X)]
    cells += [("one_list_deep", lists(pa.list_(pa.list_(pa.list_(pa.float64()), 1), 1), wrap=lambda it: [[it]]), X)]
    cells += [("spark", spark(thinned), thinned)]
    quarters = np.round(X * 4) / 4
    decimals = pa.array([[Decimal(str(it)) for it in row.tolist()] for row in quarters], pa.list_(pa.decimal128(9, 2)))
    cells += [("decimals", decimals, quarters)]
    for name, column, rows in cells:
        write(name, {"id": IDS, "emb": column, "at": range(ROWS)})
        holds(f"{name}.parquet", rows)
        holds(f"{name}.parquet", rows, "emb")
        says(f"{name}.parquet", IDS, "id")
    inner = pa.StructArray.from_arrays([lists(pa.list_(pa.float32())), pa.array(IDS)], ["vec", "id"])
    outer = pa.StructArray.from_arrays([inner], ["deep"])
    write("structs", {"out": outer, "a.b": lists(pa.list_(pa.float32()), -X), "a": pa.StructArray.from_arrays([inner.field(0)], ["b"])})
    holds("structs.parquet", X, "out.deep.vec")
    holds("structs.parquet", -X, "a.b")
    says("structs.parquet", IDS, "out.deep.id")
    wide_files()
    write("categories", {"id": pa.array(IDS).dictionary_encode(), "large": pa.array(IDS, pa.large_string()), "view": pa.array(IDS, pa.string_view())})
    for column in ["id", "large", "view"]:
        says("categories.parquet", IDS, column)
    # pandas turns whole numbers into fractions where one was absent once.
    pd.DataFrame({"answer": pd.Series([3.0, 1.0, 2.0])}).to_parquet(FOLDER / "doubles.parquet")
    points("doubles.parquet", [3, 1, 2])
    write("fraction", {"answer": [3.0, 1.5]})
    refuses("fraction.parquet", "row 1 is 1.5")
    write("bytes", {"id": IDS, "emb": [row.tobytes() for row in X]})
    refuses("bytes.parquet", 'column "emb" is of type bytes')
    refuses("bytes.parquet", "type bytes", "emb")
    write("ragged", {"emb": [[1.0, 2.0], [1.0, 2.0], [3.0]]})
    refuses("ragged.parquet", "row 2 holds 1 value, expected 2 as in row 0")
    write("two", {"b": lists(pa.list_(pa.float16()), half), "a": lists(pa.list_(pa.float32()))})
    refuses("two.parquet", '"a" (list of float32), "b" (list of float16)')
    write("none", {"id": IDS, "people": [[{"x": 1}]] * ROWS})
    refuses("none.parquet", '"id" (string), "people" (list of struct)')


def wide_files():
    columns = {f"{at}": X[:, at].astype("f8") for at in range(DIM)}
    pd.DataFrame(columns | {"id": IDS}).to_parquet(FOLDER / "wide.parquet")
    holds("wide.parquet", X)
    shuffled = {f"emb_{at}": X[:, at] for at in [7, 0, 3, 1, 2, 6, 5, 4]}
    write("wide_stem", {"id": range(ROWS)} | shuffled | {"note": IDS})
    holds("wide_stem.parquet", X)
    holds("wide_stem.parquet", X, "emb")
    doubled = {f"img_{at + 1}": X[:, at] for at in range(DIM)} | {f"txt_{at + 1}": -X[:, at] for at in range(DIM)}
    write("wide_two", doubled)
    holds("wide_two.parquet", -X, "txt_")
    refuses("wide_two.parquet", '"img_1 to img_8" (8 columns of float32), "txt_1 to txt_8"')
    write("wide_gap", {f"f{at}": X[:, at] for at in range(DIM) if at != 3})
    refuses("wide_gap.parquet", "f3 is missing")
    write("wide_text", {f"f{at}": X[:, at] for at in range(3)} | {"f3": IDS})
    refuses("wide_text.parquet", '"f3" is of type string')
    write("wide_twice", {"f0": X[:, 0], "f1": X[:, 1], "f01": X[:, 2]})
    refuses("wide_twice.parquet", "twice")


def arrow_files():
    table = pa.table({"id": pa.array(IDS).dictionary_encode(), "emb": lists(pa.list_(pa.list_(pa.float32()))  , wrap=lambda it: [it])})
    feather.write_feather(table, FOLDER / "lz4.feather", compression="lz4")
    feather.write_feather(table, FOLDER / "zstd.feather", compression="zstd")
    with pa.ipc.new_stream(FOLDER / "stream.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=4)
    with pa.ipc.new_file(FOLDER / "file.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=4)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(FOLDER / "packed.arrow", table.schema, options=options) as writer:
        writer.write_table(table)
    for name in ["lz4.feather", "zstd.feather", "stream.arrow", "file.arrow", "packed.arrow"]:
        holds(name, X)
        says(name, IDS, "id")


class Stranger:
    """Of no class that a reader may make."""


def pickle_file(name, content, protocol=4):
    (FOLDER / f"{name}.pkl").write_bytes(pickle.dumps(content, protocol=protocol))


def pickle_files():
    for protocol in [2, 3, 4, 5]:
        pickle_file(f"protocol_{protocol}", X, protocol)
        holds(f"protocol_{protocol}.pkl", X)
        pickle_file(f"fortran_{protocol}", np.asfortranarray(X.astype(">f8")), protocol)
        holds(f"fortran_{protocol}.pkl", X)
    pickle_file("half", X.astype("f2"))
    holds("half.pkl", X.astype("f2"))
    pickle_file("brain", X.astype(ml_dtypes.bfloat16))
    holds("brain.pkl", X.astype(ml_dtypes.bfloat16))
    pickle_file("integers", WHOLE.astype("i1"))
    holds("integers.pkl", WHOLE)
    content = {"features": X, "ids": IDS, "answers": np.arange(ROWS), "deep": {"er": -X}, "names": np.array(IDS)}
    pickle_file("dictionary", content, 5)
    holds("dictionary.pkl", X, "features")
    holds("dictionary.pkl", -X, "deep.er")
    says("dictionary.pkl", IDS, "ids")
    says("dictionary.pkl", IDS, "names")
    points("dictionary.pkl", range(ROWS), "answers")
    pickle_file("one_matrix", {"features": X, "ids": IDS, "epoch": 3})
    holds("one_matrix.pkl", X)
    shapes = {"arrays": list(X), "floats": X.tolist(), "rows_of_one": [row[None] for row in X], "objects": np.array(list(X) + [None], dtype=object)[:-1]}
    for name, each in shapes.items():
        pickle_file(name, each)
        holds(f"{name}.pkl", X)
    scalars = [[np.float32(it) for it in row] for row in X]
    pickle_file("scalars", scalars)
    holds("scalars.pkl", X)
    pickle_file("by_id", dict(zip(IDS, X)))
    holds("by_id.pkl", X)
    says("by_id.pkl", IDS)
    pickle_file("by_number", {7 * at: row.tolist() for at, row in enumerate(X)})
    holds("by_number.pkl", X)
    says("by_number.pkl", range(0, 7 * ROWS, 7))
    pickle_file("torch_tensor", torch.from_numpy(X))
    holds("torch_tensor.pkl", X)
    pickle_file("pair", (X, -X))
    refuses("pair.pkl", '"0" (float32 (6, 8)), "1" (float32 (6, 8))')
    holds("pair.pkl", -X, "1")
    pickle_file("ragged", [[1.0, 2.0], [3.0]])
    refuses("ragged.pkl", "row 1 holds 1 value, expected 2 as in row 0")
    pickle_file("frame", pd.DataFrame({"a": [1.0]}))
    refuses("frame.pkl", "to_parquet")
    pickle_file("stranger", Stranger())
    refuses("stranger.pkl", "Stranger` at byte")
    pickle_file("text", X.tolist(), 0)
    refuses("text.pkl", "protocol 0 or 1")
    (FOLDER / "twice.pkl").write_bytes(pickle.dumps(X) * 2)
    refuses("twice.pkl", "several were written")


def torch_files():
    base = torch.from_numpy(X.copy())
    bf16 = base.bfloat16()
    cells = {
        "tensor": (base, X),
        "half": (base.half(), X.astype("f2")),
        "brain": (bf16, bf16.float().numpy()),
        "byte": (torch.from_numpy(WHOLE.astype("i1")), WHOLE),
        "transposed": (base.t().contiguous().t(), X),
        "window": (torch.cat([base, base])[::2], np.concatenate([X, X])[::2]),
        "parameter": (torch.nn.Parameter(base), X),
        "list": (list(base), X),
        "by_id": (dict(zip(IDS, base)), X),
        "rows_of_one": ([row[None] for row in base], X),
        "array": (X, X),
    }
    for name, (content, rows) in cells.items():
        torch.save(content, FOLDER / f"{name}.pt")
        holds(f"{name}.pt", rows)
    says("by_id.pt", IDS)
    torch.save(base, FOLDER / "stream.pth", _use_new_zipfile_serialization=False)
    holds("stream.pth", X)
    content = {"image_features": base, "text_features": -base, "ids": IDS, "paths": {"a": 1}}
    torch.save(content, FOLDER / "features.pth")
    holds("features.pth", -X, "text_features")
    says("features.pth", IDS, "ids")
    refuses("features.pth", '"image_features" (float32 (6, 8)), "text_features"')
    torch.save([base, -base], FOLDER / "batches.pt")
    refuses("batches.pt", "a key is needed")


def hdf5_files():
    with h5py.File(FOLDER / "plain.h5", "w") as file:
        file["feats"] = X
    holds("plain.h5", X)
    with h5py.File(FOLDER / "chunked.h5", "w") as file:
        file.create_dataset("gzip", data=X, chunks=(4, 3), compression="gzip", shuffle=True)
        file.create_dataset("lzf", data=np.repeat(X, 8, axis=0), chunks=(16, DIM), compression="lzf", shuffle=True)
        file.create_dataset("sums", data=X, chunks=(2, DIM), fletcher32=True)
        file.create_dataset("half", data=X.astype("f2"))
        file.create_dataset("wide", data=X.astype(">f8"))
        file.create_dataset("bytes", data=WHOLE.astype("i1"), chunks=(4, DIM), compression="gzip")
        file.create_dataset("in/groups", data=-X, maxshape=(None, DIM), chunks=(4, DIM))
        file["answers"] = np.arange(ROWS)[::-1]
        file["names"] = IDS
        file["fixed"] = np.array(IDS, dtype="S9")
    for key, rows in [("gzip", X), ("lzf", np.repeat(X, 8, axis=0)), ("sums", X), ("half", X.astype("f2")), ("wide", X)]:
        holds("chunked.h5", rows, key)
    holds("chunked.h5", WHOLE, "bytes")
    holds("chunked.h5", -X, "in/groups")
    holds("chunked.h5", -X, "in.groups")
    points("chunked.h5", range(ROWS - 1, -1, -1), "answers")
    says("chunked.h5", IDS, "names")
    says("chunked.h5", IDS, "fixed")
    with h5py.File(FOLDER / "by_id.h5", "w", libver="latest") as file:
        for at in [10, 2, 1]:
            file[f"img_{at}"] = X[at % ROWS]
    holds("by_id.h5", X[[1, 2, 10 % ROWS]])
    says("by_id.h5", ["img_1", "img_2", "img_10"])
    with tables.open_file(FOLDER / "tables.h5", "w") as file:
        array = file.create_earray("/", "feats", tables.Float32Atom(), (0, DIM), filters=tables.Filters(5, "zlib"))
        array.append(X)
    holds("tables.h5", X)
    with tables.open_file(FOLDER / "blosc.h5", "w") as file:
        array = file.create_earray("/", "feats", tables.Float32Atom(), (0, DIM), filters=tables.Filters(5, "blosc"))
        array.append(np.ones((64, DIM), "f4"))
    refuses("blosc.h5", "numpy.save")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for part in [numpy_files, parquet_files, arrow_files, pickle_files, torch_files, hdf5_files]:
        part()
    lines = ",\n".join(json.dumps(case) for case in CASES)
    (FOLDER / "cases.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
