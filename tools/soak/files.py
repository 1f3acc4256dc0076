"""Writes a round's inputs in one of many formats, and reads what the program made of them."""

import csv
import json
import struct

import numpy as np

try:
    import pyarrow
    import pyarrow.feather
    import pyarrow.parquet as parquet
except ImportError:
    parquet = None

SAFETENSORS = {"<f4": "F32", "<f8": "F64", "<f2": "F16", "|i1": "I8", "<i4": "I32"}


def safetensors(path, name, rows):
    header = {name: {"dtype": SAFETENSORS[rows.dtype.str], "shape": list(rows.shape), "data_offsets": [0, rows.nbytes]}}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + np.ascontiguousarray(rows).tobytes())


def arrow(path, name, rows):
    column = pyarrow.array(list(rows.astype("f4")), type=pyarrow.list_(pyarrow.float32()))
    table = pyarrow.table({name: column})
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=64)
    else:
        pyarrow.feather.write_feather(table, path, compression="uncompressed")


def write_one(random, folder, name, rows):
    """One file, and how a config names it."""
    kinds = ["npy"] * 6 + ["fortran", "npz"]
    kinds += ["safetensors"] * (rows.dtype.str in SAFETENSORS)
    kinds += ["parquet", "feather"] * (parquet is not None and rows.dtype.str == "<f4")
    kind = kinds[random.integers(len(kinds))]
    ending = "npy" if kind == "fortran" else kind
    path = folder / f"{name}.{ending}"
    if ending == "npy":
        np.save(path, np.asfortranarray(rows) if kind == "fortran" else np.ascontiguousarray(rows))
        return {"file": path.name}
    if kind == "npz":
        np.savez(path, other=np.zeros(3), **{name: rows})
    elif kind == "safetensors":
        safetensors(path, name, rows)
    else:
        arrow(path, name, rows)
    return {"file": path.name, "key": name}


def write_array(random, folder, name, rows):
    """One file, or two with rows after rows."""
    if len(rows) > 1 and random.random() < 0.15:
        cut = 1 + int(random.integers(len(rows) - 1))
        return [write_one(random, folder, f"{name}-{i}", part) for i, part in enumerate((rows[:cut], rows[cut:]))]
    return write_one(random, folder, name, rows)


def write_relevance(random, folder, relevant, grades):
    """What answers what, as one item for every query or as lists, or with grades by the rows of queries and items."""
    if grades is not None:
        table = {str(query): dict(zip(map(str, items), given)) for query, (items, given) in enumerate(zip(relevant, grades))}
        (folder / "answers.json").write_text(json.dumps(table))
        return {"relevance": {"file": "answers.json"}}
    if all(len(items) == 1 for items in relevant) and random.random() < 0.5:
        np.save(folder / "answers.npy", np.array([items[0] for items in relevant]))
        return {"query_to_gallery": {"file": "answers.npy"}}
    if random.random() < 0.5:
        (folder / "answers.json").write_text(json.dumps(relevant))
        return {"relevance": {"file": "answers.json"}}
    lines = (json.dumps(items) for items in relevant)
    (folder / "answers.jsonl").write_text("".join(line + "\n" for line in lines))
    return {"relevance": {"file": "answers.jsonl"}}


def embeddings(random, folder, made):
    named = {name: write_array(random, folder, name, rows) for name, rows in made.arrays.items()}
    if made.form == "by_dataset":
        owner, test = made.answers
        np.save(folder / "owner.npy", owner)
        (folder / "split.json").write_text(json.dumps(["test" if it else "train" for it in test]))
        return {
            "images": named["gallery"],
            "texts": named["queries"],
            "text_to_image": {"file": "owner.npy"},
            "split": {"file": "split.json"},
        }
    entry = {"reference_queries": named["bank"]}
    if "gallery_bank" in named:
        entry["reference_gallery"] = named["gallery_bank"]
    if made.form == "by_similarity":
        owner, mask = made.answers
        np.save(folder / "owner.npy", owner)
        entry |= {"similarities": named["queries"], "text_to_item": {"file": "owner.npy"}}
        if not mask.all():
            np.save(folder / "mask.npy", mask)
            entry["text_mask"] = {"file": "mask.npy"}
        return entry
    answers = write_relevance(random, folder, made.answers, made.trials[0].grades)
    return entry | {"gallery": named["gallery"], "queries": named["queries"]} | answers


def write(folder, made):
    """All files of a round; the config is JSON, which is YAML."""
    random = np.random.default_rng([0xF11E, made.seed])
    folder.mkdir(parents=True)
    source = {"name": "d", made.form: embeddings(random, folder, made)}
    if made.form != "by_dataset":
        source["direction"] = made.trials[0].direction
    config = {"experiment": "x", "embeddings": [source]} | made.config
    (folder / "x.yaml").write_text(json.dumps(config, indent=1))


def parameters(text):
    """`k=4,alpha=0.5` as a tuple of names and numbers."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return tuple(sorted((name, float(value)) for name, _, value in pairs))


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read_scores(results, column="value"):
    """`{(direction, method, parameters): {metric: value}}`, or of another column where it is not empty."""
    cells = {}
    for row in read_rows(results / "scores.csv"):
        cell = row["direction"], row["method"], parameters(row["params"])
        if row[column]:
            cells.setdefault(cell, {})[row["metric"]] = float(row[column])
    return cells


def read_grid(results):
    """`{(direction, method): [(parameters, metric, value, selected)]}` in the order of the points; nothing without pyarrow."""
    found = {}
    if parquet:
        for row in parquet.read_table(results / "grid.parquet").to_pylist():
            point = parameters(row["params"]), row["metric"], row["value"], row["selected"]
            found.setdefault((row["direction"], row["method"]), []).append(point)
    return found


def read_column(path, name):
    return parquet.read_table(path)[name].to_numpy()


def read_biases(results):
    found = {}
    for path in (results / "bias").glob("*.npy"):
        parts = path.name.removesuffix(".npy").split("--")
        method, _, rest = parts[-1].partition("_")
        found[parts[2], method, parameters(rest)] = np.load(path).astype(np.float64)
    return found


def read_queries(results):
    """`{(direction, method, parameters): (ranks, lists)}`; nothing without pyarrow."""
    found = {}
    for path in (results / "queries").glob("*.parquet") if parquet else ():
        direction = path.name.split("--")[2]
        rows = {}
        for row in parquet.read_table(path).to_pylist():
            rows.setdefault(row["method"], []).append((row["query"], row["rank"], row["top"]))
        for name, kept in rows.items():
            method, _, rest = name.removesuffix(")").partition("(")
            kept.sort()
            found[direction, method, parameters(rest)] = (
                np.array([rank for _, rank, _ in kept], float),
                np.array([top for _, _, top in kept], int),
            )
    return found
