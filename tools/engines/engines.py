"""Does a corrected export rank in real engines as the correction does? Makes data, has `runner` export it, and asks.

Every engine runs in a process of its own: some of them crash when another one is loaded beside them. Writes JSON after
every engine, and from it the tables of docs/engines.md.

    python tools/engines/engines.py --runner target/release/runner
    python tools/engines/engines.py --runner target/debug/runner --light     # what CI runs; writes nothing
    python tools/engines/engines.py --page                                   # the tables anew, nothing measured
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import queries
from adapters import ENGINES
from data import FULL, K, LIGHT, METHOD, best, make, overlap, scores_of

HERE = Path(__file__).parent
LIGHT_ENGINES = ["faiss", "sqlite-vec"]
# Exports by name: the arguments that make them. `unscaled` is what one gets without choosing c.
EXPORTS = {
    "ip": ["--form", "ip"],
    "l2": ["--form", "l2"],
    "cosine": ["--form", "cosine"],
    "ip unscaled": ["--form", "ip", "--scale", "1"],
    "cosine unscaled": ["--form", "cosine", "--scale", "1"],
}
# What is searched under a metric: without bytes, in bytes, and in bytes with rescoring.
VECTORS = {"ip": ["plain", "ip"], "l2": ["plain", "l2"], "cosine": ["plain", "cosine"]}
IN_BYTES = {
    "ip": ["plain", "ip unscaled", "ip", "cosine"],
    "l2": ["plain", "l2", "cosine"],
    "cosine": ["plain", "cosine unscaled", "cosine"],
}
RESCORED = {"ip": ["plain", "ip unscaled", "ip"], "l2": ["plain", "l2"], "cosine": ["plain", "cosine unscaled", "cosine"]}
SEARCHED = {"quantised": IN_BYTES, "rescored": RESCORED}
UNIT_ROUNDOFF = 2.0**-24
# Recall that a section of queries.md has to reach. An index at its defaults misses a little; a wrong metric or suffix misses what
# the correction changes, half.
FAIR = 0.9


def run_program(runner, *arguments):
    """The program under test; it says itself what it refuses."""
    if subprocess.run([runner, *arguments], stdout=subprocess.DEVNULL).returncode:
        sys.exit(f"`{' '.join(map(str, [runner, *arguments]))}` failed; see above")


def export(runner, folder, name, to="npy"):
    """One export by the program, from the files that `prepare` wrote."""
    bias, gallery = folder / "bias.parquet", folder / "items.npy"
    out = folder / (name if to == "npy" else f"{name} {to}")
    run_program(runner, "export", "--bias", bias, "--gallery", gallery, *EXPORTS[name], "--to", to, "--out", out)


def prepare(runner, folder, size):
    """Data, biases, exports and truth in files of `folder`; returns what is known of them."""
    import pyarrow.parquet

    items, asked, bank = make(size)
    for name, rows in {"items": items, "queries": asked, "bank": bank}.items():
        np.save(folder / f"{name}.npy", rows)
    bias = folder / "bias.parquet"
    run_program(runner, "bias", "--gallery", folder / "items.npy", "--reference", folder / "bank.npy", "--method", METHOD, "--out", bias)
    for name in EXPORTS:
        export(runner, folder, name)
    bias = pyarrow.parquet.read_table(bias)["bias"].to_numpy().astype(np.float64)
    np.save(folder / "bias.npy", bias)
    raw, corrected = best(items, asked, np.zeros_like(bias)), best(items, asked, bias)
    np.save(folder / "raw.npy", raw)
    np.save(folder / "corrected.npy", corrected)
    manifest = json.loads((folder / "ip" / "manifest.json").read_text())
    facts = {"method": METHOD, "kept": overlap(raw, corrected), "same_top": float((raw[:, 0] == corrected[:, 0]).mean())}
    return vars(size) | facts | {"c": manifest["c"], "half_range": float(np.ptp(bias) / 2), "step_ratio": manifest["step_ratio"]}


def load(folder, name):
    """Items and queries as an engine gets them."""
    asked = np.load(folder / "queries.npy")
    if name == "plain":
        return np.load(folder / "items.npy"), asked
    manifest = json.loads((folder / name / "manifest.json").read_text())
    suffix = np.tile(np.float32(manifest["query_suffix"]), (len(asked), 1))
    return np.load(folder / name / "items.npy"), np.hstack([asked, suffix])


def rounding(items, asked):
    """How far an engine's score, in units of similarity, can be from the exact one: docs/engines.md derives it."""
    lengths = sum(float(np.square(rows, dtype=np.float64).sum(axis=1).max()) for rows in (items, asked))
    return (items.shape[1] + 6) * UNIT_ROUNDOFF * lengths


def judge(folder, name, answers):
    """Recall of the exact top K; shares of queries with the very list, and with it up to scores that rounding can swap."""
    plain = [np.load(folder / f"{it}.npy") for it in ("items", "queries", "bias")]
    if name == "plain":
        plain[2] = np.zeros_like(plain[2])
    truth = np.load(folder / ("raw.npy" if name == "plain" else "corrected.npy"))
    apart = np.abs(scores_of(*plain, answers) - scores_of(*plain, truth)).max(axis=1)
    whole = np.array([len(set(row)) == K for row in answers.tolist()]) & (answers >= 0).all(axis=1)
    within = whole & (apart <= 2 * rounding(*load(folder, name)))
    return {"recall": overlap(answers, truth), "same": float((answers == truth).all(axis=1).mean()), "right": float(within.mean())}


def measure(folder, mode, metric, name):
    items, asked = load(folder, name)
    answers = np.asarray(mode.build(np.ascontiguousarray(items), metric)(asked, K), dtype=int)
    return {"mode": mode.name, "kind": mode.kind, "metric": metric, "vectors": name} | judge(folder, name, answers)


def worker(engine, folder, only):
    """Everything of one engine, a line of JSON each."""
    for mode in ENGINES[engine].modes:
        if only and mode.kind not in only:
            continue
        for metric in mode.metrics:
            for name in SEARCHED.get(mode.kind, VECTORS)[metric]:
                print(json.dumps(measure(folder, mode, metric, name)), flush=True)
    if engine == "faiss":
        print(json.dumps(one_dimension(folder)), flush=True)


def one_dimension(folder):
    """The vectors of the ip form, unscaled, in an index that ranks by the cosine: exact, and wrong."""
    items, asked = load(folder, "ip unscaled")
    items = items / np.linalg.norm(items, axis=1, keepdims=True)
    build = next(mode.build for mode in ENGINES["faiss"].modes if mode.kind == "exact")
    found = judge(folder, "ip unscaled", build(np.ascontiguousarray(items), "ip")(asked, K))
    return {"mode": "one dimension in a cosine index", "kind": "wrong", "metric": "cosine", "vectors": "ip unscaled"} | found


def child(folder, *command):
    """What a process of its own prints; the folder for its files is removed with it."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": scratch})
    if done.returncode:
        sys.exit(f"{command[1:]}: the process ended with status {done.returncode}; see above")
    return done.stdout


def ask(engine, folder, only):
    """The records of one engine, of modes of these kinds only if any are named."""
    lines = child(folder, __file__, "--worker", engine, folder, *only).splitlines()
    return {"version": version(ENGINES[engine].package), "records": [json.loads(line) for line in lines if line.startswith("{")]}


def asked_as_written(folder, out, section):
    """Recall of one section of an export, in a process of its own."""
    return float(child(folder, queries.__file__, section, out, folder / "queries.npy", folder / "corrected.npy").split()[-1])


def as_written(runner, folder, wanted):
    """Recall by section of `queries.md` and form, asked as written there."""
    prepare(runner, folder, LIGHT)
    found = {section: {} for section in wanted}
    for form in VECTORS:
        export(runner, folder, form, "pgcopy")
        for out in (folder / form, folder / f"{form} pgcopy"):
            for section in queries.runnable(out):
                if section in wanted:
                    found[section][form] = asked_as_written(folder, out, section)
    return found


def of_record(record):
    """What is wrong with a search; None where nothing is."""
    if record["kind"] == "exact" and record["right"] < 1:
        return f"the corrected ranking for {record['right']:.1%} of the queries only"
    if record["kind"] == "wrong" and record["right"] == 1:
        return "the corrected ranking for all queries: these data do not tell a wrong form"
    return None


def failures(results):
    """Searches and sections of queries.md that do not do what they should, and data that could not show it."""
    kept = results["data"]["kept"]
    if not 0.4 <= kept <= 0.6:
        yield f"the correction keeps {kept:.0%} of a top ten; it should change about half"
    for section, forms in results["queries"].items():
        yield from (f"queries.md, {section}, {form}: recall {recall:.3f}" for form, recall in forms.items() if recall < FAIR)
    for engine, found in results["engines"].items():
        wrong = {f"{engine}, {record['mode']}, {record['metric']}": of_record(record) for record in found["records"]}
        yield from (f"{name}: {what}" for name, what in wrong.items() if what)


def run(options, results):
    """Measures what is asked for and adds it to `results`, and to the output file after every engine."""
    runner = Path(options.runner).resolve()
    with tempfile.TemporaryDirectory() as folder:
        results["data"] = prepare(runner, Path(folder), LIGHT if options.light else FULL)
        print(f"{results['data']['kept']:.0%} of a top ten stay in it when corrected", file=sys.stderr)
        for engine in options.engines:
            results["engines"][engine] = ask(engine, Path(folder), ["exact"] if options.light else [])
            print(engine, file=sys.stderr)
            if not options.light:
                Path(options.output).write_text(json.dumps(results, indent=1) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        results["queries"] |= as_written(runner, Path(folder), [queries.SECTIONS.get(engine, engine) for engine in options.engines])
    if not options.light:
        Path(options.output).write_text(json.dumps(results, indent=1) + "\n")


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", help="the program, as built by cargo")
    parser.add_argument("--light", action="store_true", help=f"small data and {' and '.join(LIGHT_ENGINES)} only; writes nothing")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, help="these only; the others keep what the output file says of them")
    parser.add_argument("--output", default=HERE / "results.json")
    parser.add_argument("--page", action="store_true", help="write the tables of docs/engines.md from the output file")
    options = parser.parse_args()
    options.engines = options.engines or (LIGHT_ENGINES if options.light else list(ENGINES))
    if not (options.runner or options.page):
        parser.error("--runner is needed to measure")
    if not (options.runner or Path(options.output).exists()):
        parser.error(f"{options.output}: not there; the tables are written from it")
    return options


def main():
    options = parsed()
    output = Path(options.output)
    keep = output.exists() and not options.light
    results = json.loads(output.read_text()) if keep else {"engines": {}, "queries": {}}
    if options.runner:
        run(options, results)
    if not options.light:
        from page import write_page

        write_page(results)
    sys.exit("\n".join(failures(results)) or None)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    else:
        main()
