"""Does an approximate index pay for NNN's bias? This project's exact pass and inverted file beside faiss's IVF and HNSW.

For every geometry, size of bank and k: seconds to build and to search, recall of the k nearest bank rows, errors of the
mean of their similarities. Every contender is a process of its own with two threads; ours builds its index on one. Prints
a Markdown table and writes JSON, after every size, so that what was measured is kept if a run is stopped.

    cargo build --release -p nnn-ann --example ann
    python tools/peers/ann.py --binary target/release/examples/ann --output ann.json
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from compare import DIM, GALLERY, call, machine, unit
from workers import THREADS, Clock

KS = [8, 128]
TOPICS = 1_000
ROWS_AT_ONCE = 50_000
# One f32 sum in another order than ours moves a similarity by less than this, so that a tie is no miss.
ROUNDING = 1e-6


def make_rows(random, centre, topics, rows):
    """compare.py's cone about a common direction; with topics, each row is also near one of these."""
    out = np.empty((rows, DIM), dtype=np.float32)
    for start in range(0, rows, ROWS_AT_ONCE):
        part = out[start : start + ROWS_AT_ONCE]
        noise = random.standard_normal(part.shape, dtype=np.float32) * np.float32(1.2 / np.sqrt(DIM))
        middle = centre if topics is None else centre + topics[random.integers(len(topics), size=len(part))]
        part[:] = unit(middle + noise)
    return out


def make_data(folder, geometry, size, seed):
    """Files of a gallery and of a bank."""
    random = np.random.default_rng(seed)
    image, text = unit(random.standard_normal((2, DIM)))
    topics = unit(random.standard_normal((TOPICS, DIM))) if geometry == "clustered" else None
    gallery, bank = folder / "gallery.npy", folder / "bank.npy"
    np.save(gallery, make_rows(random, image + 0.3 * text, topics, GALLERY))
    np.save(bank, make_rows(random, text + 0.3 * image, topics, size))
    return gallery, bank


def settings(size):
    """Lists, and probes at the published share of lists (32 of 2,048) and at four times that."""
    lists = round(2 * size**0.5)
    return lists, [max(1, lists // 64), max(1, lists // 16)]


def compared(scores, truth):
    """Recall and errors of the mean of the similarities found, all where fewer than k were."""
    means, bounds = np.load(truth)
    found = np.where(np.isfinite(scores) & (scores > -2), scores, np.nan).astype(np.float64)
    errors = means - np.nanmean(found, axis=1)
    return {
        "recall": float((found >= bounds[:, None] - ROUNDING).mean()),
        "mean_error": float(errors.mean()),
        "largest_error": float(errors.max()),
    }


def faiss_index(kind, size):
    """An empty index and the settings of its search by name."""
    import faiss

    lists, probes = settings(size)
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(DIM, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 100
        return index, {f"hnsw(m=16,ef_construction=100,ef_search={ef})": lambda ef=ef: setattr(index.hnsw, "efSearch", ef) for ef in (128, 512)}
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(DIM), DIM, lists, faiss.METRIC_INNER_PRODUCT)
    return index, {f"ivf(lists={lists},probes={p})": lambda p=p: setattr(index, "nprobe", p) for p in probes}


def faiss_worker(kind, gallery, bank, truth):
    """Builds one index and searches it at every setting."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    gallery, bank = np.load(gallery), np.load(bank)
    index, choices = faiss_index(kind, len(bank))
    clock = Clock()
    if kind == "ivf":
        index.train(bank)
    index.add(bank)
    build, searches = clock.stop(), []
    for setting, choose in choices.items():
        choose()
        rows = []
        for k in KS:
            clock = Clock()
            scores, _ = index.search(gallery, k)
            rows.append({"k": k, "search": clock.stop()} | compared(scores, f"{truth}-{k}.npy"))
        searches.append({"setting": setting, "build": build, "rows": rows})
    print(json.dumps(searches))


def flat(who, searches, case):
    """One record a search."""
    return [
        case | {"who": who, "setting": search["setting"], "build": search["build"]} | row
        for search in searches
        for row in search["rows"]
    ]


def measure(options, geometry, size):
    """All contenders on one bank; HNSW only up to the size asked for."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        gallery, bank = make_data(folder, geometry, size, options.seed)
        truth, case = folder / "truth", {"geometry": geometry, "bank": size}
        lists, probes = settings(size)
        ks = ",".join(map(str, KS))
        ours = call([Path(options.binary).resolve(), gallery, bank, lists, ",".join(map(str, probes)), ks, truth])
        records = [case | {"who": "exact", "setting": "exact pass", "build": {"seconds": 0.0, "cpu_seconds": 0.0}, "recall": 1.0} | row for row in ours["exact"]]
        records += flat("ours", ours["ivf"], case)
        kinds = ["ivf", "hnsw"] if size <= options.largest_hnsw else ["ivf"]
        for kind in kinds:
            records += flat("faiss", call([sys.executable, __file__, "--worker", kind, gallery, bank, truth]), case)
    return records


def series(record):
    """What is the same search at every size: the settings in their order, without the numbers."""
    return record["geometry"], record["k"], record["who"], record["setting"].split("(")[0]


def growth(records, record, seconds):
    """Seconds as a multiple of those at the next smaller size; '' at the smallest."""
    smaller = [r for r in records if series(r) == series(record) and r["bank"] < record["bank"]]
    size = max((r["bank"] for r in smaller), default=None)
    place = [r for r in records if series(r) == series(record) and r["bank"] == record["bank"]].index(record)
    before = [r for r in smaller if r["bank"] == size]
    return f"{seconds(record) / seconds(before[place]):.1f}" if before else ""


def searched(record):
    return record["search"]["cpu_seconds"]


def total(record):
    return searched(record) + record["build"]["cpu_seconds"]


def times(clock):
    return f"{clock['seconds']:.2f} ({clock['cpu_seconds']:.2f})"


def line(records, r):
    exact = next(e for e in records if e["who"] == "exact" and all(e[key] == r[key] for key in ("geometry", "bank", "k")))
    cells = [r["geometry"], f"{r['bank']:,}", r["k"], f"{r['who']}: {r['setting']}", times(r["build"]), times(r["search"])]
    if r is exact:
        cells += ["", "", "1", ""]
    else:
        cells += [f"{searched(exact) / searched(r):.2g}", f"{searched(exact) / total(r):.2g}", f"{r['recall']:.3f}"]
        cells += [f"{r['mean_error']:.1e} ({r['largest_error']:.1e})"]
    cells += [growth(records, r, searched), growth(records, r, total)]
    return "| " + " | ".join(map(str, cells)) + " |"


def table(records):
    """Wall seconds (processor seconds); gain: the exact pass's processor seconds over those of the search, without and
    with the build; errors: mean (largest); growth: processor seconds over those at the next smaller bank."""
    heads = ["data", "bank", "k", "search by", "build s", "search s", "gain", "gain with build", "recall", "bias error"]
    heads += ["growth", "growth with build"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    records = sorted(records, key=lambda r: (r["geometry"], r["k"], r["bank"]))
    return "\n".join(lines + [line(records, r) for r in records])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="target/release/examples/ann")
    parser.add_argument("--output", default="ann.json")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--geometries", nargs="+", choices=["clustered", "cone"], default=["clustered", "cone"])
    parser.add_argument("--largest-hnsw", type=int, default=100_000, help="no HNSW of larger banks: its build takes too long")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    results = {"machine": machine(), "gallery": GALLERY, "dim": DIM, "seed": options.seed, "records": []}
    for size in sorted(options.sizes):
        for geometry in options.geometries:
            results["records"] += measure(options, geometry, size)
            Path(options.output).write_text(json.dumps(results, indent=1) + "\n")
            print(geometry, size, file=sys.stderr)
    print(table(results["records"]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        faiss_worker(*sys.argv[2:])
    else:
        main()
