"""Golden values for crates/nnn-export: the three forms and the files that carry them, by NumPy.

Python 3.11 with numpy 2.4.6. Run at the root of the repository:

    python tools/reference/forms_goldens.py crates/nnn-export/tests/golden

forms.json  seeded unit vectors and biases, what each form appends to items and to a query, the order of the items by `s - b` in f64,
            and the bytes of the files of items: `.npy` by NumPy itself, `.fvecs` and PostgreSQL's binary copy packed by hand

f32 values are written as the whole numbers of their bits, so that no digit is at stake.
"""

import io
import json
import struct
import sys
from pathlib import Path

import numpy as np

ITEMS, DIM, SCALE = 7, 4, 2.6
# What a query gets, in f32; items are divided by it.
WEIGHT = np.float64(np.float32(1 / SCALE))


def bits(values):
    return np.asarray(values, dtype="<f4").view("<u4").tolist()


def items_of(form, vectors, biases):
    b = biases.astype(np.float64)
    middle = (b.max() + b.min()) / 2
    t = ((b - middle) / WEIGHT).astype(np.float32).astype(np.float64)
    reach = np.abs(t).max()
    appended = {
        "ip": [t],
        "l2": [np.sqrt(2 * (b - b.min()))],
        "cosine": [t, np.sqrt((reach - t) * (reach + t))],
    }[form]
    return np.column_stack([vectors, *appended]).astype(np.float32)


def query_of(form, query):
    suffix = {"ip": [-WEIGHT], "l2": [0], "cosine": [-WEIGHT, 0]}[form]
    return np.concatenate([query, suffix]).astype(np.float32)


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue().hex()


def fvecs(rows):
    return b"".join(struct.pack("<i", len(row)) + row.tobytes() for row in rows).hex()


def pgcopy(rows, ids):
    out = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
    for id, row in zip(ids, rows):
        vector = struct.pack(">hh", len(row), 0) + row.astype(">f4").tobytes()
        key = id.encode() if isinstance(id, str) else struct.pack(">q", id)
        out += struct.pack(">h", 2)
        for field in (key, vector):
            out += struct.pack(">i", len(field)) + field
    return (out + struct.pack(">h", -1)).hex()


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def main(folder):
    rng = np.random.default_rng(14)
    vectors = unit(rng.standard_normal((ITEMS, DIM)))
    query = unit(rng.standard_normal(DIM))
    biases = (0.2 * rng.standard_normal(ITEMS)).astype(np.float32)
    corrected = vectors.astype(np.float64) @ query.astype(np.float64) - biases
    forms = {form: items_of(form, vectors, biases) for form in ("ip", "l2", "cosine")}
    names = [f"item {row}" for row in range(ITEMS)]
    golden = {
        "dim": DIM,
        "scale": SCALE,
        "vectors": bits(vectors.ravel()),
        "query": bits(query),
        "biases": bits(biases),
        "order": np.argsort(-corrected, kind="stable").tolist(),
        "forms": {
            form: {"items": bits(items.ravel()), "query": bits(query_of(form, query))} for form, items in forms.items()
        },
        "files": {
            "items.npy": npy(forms["ip"]),
            "ids.npy": npy(np.arange(ITEMS, dtype=np.int64)),
            "items.fvecs": fvecs(forms["ip"]),
            "items.copy": pgcopy(forms["ip"], range(ITEMS)),
            "named items.copy": pgcopy(forms["ip"], names),
        },
    }
    text = json.dumps(golden, indent=1)
    (Path(folder) / "forms.json").write_text(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
