"""The tables of docs/engines.md, from results.json and scale.json: no number there is typed by hand."""

import json
from pathlib import Path

from adapters import ENGINES

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "engines.md"
METRICS = ["ip", "l2", "cosine"]


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def number(value):
    """A share to three decimals, and 1 only where it is 1."""
    return "1" if value == 1 else f"{min(value, 0.9994):.3f}"[1:]


def modes(results, kinds):
    """Engine, mode and its records, by metric and vectors, in the order of adapters.py."""
    for engine in ENGINES:
        found = results["engines"].get(engine, {"records": []})
        names = dict.fromkeys(record["mode"] for record in found["records"] if record["kind"] in kinds)
        for name in names:
            yield engine, name, {(r["metric"], r["vectors"]): r for r in found["records"] if r["mode"] == name}


def exact(results):
    def cell(records, metric):
        found = records.get((metric, metric))
        return f"{number(found['right'])} ({number(found['same'])})" if found else ""

    rows = [[engine, name, *(cell(records, metric) for metric in METRICS)] for engine, name, records in modes(results, ["exact"])]
    return table(["engine", "search", *METRICS], rows)


def approximate(results):
    def cell(records, metric):
        both = [records.get((metric, vectors)) for vectors in ("plain", metric)]
        return " / ".join(number(found["recall"]) for found in both) if all(both) else ""

    rows = [[engine, name, *(cell(records, metric) for metric in METRICS)] for engine, name, records in modes(results, ["ann", "half"])]
    return table(["engine", "search", *METRICS], rows)


def in_bytes(results):
    def cell(found):
        return number(found["recall"]) if found else ""

    rows = []
    for engine, name, records in modes(results, ["quantised", "rescored"]):
        for metric in METRICS:
            columns = ["plain", f"{metric} unscaled", metric, "cosine" if metric != "cosine" else ""]
            cells = [cell(records.get((metric, vectors))) for vectors in columns]
            if any(cells):
                rows.append([engine, name, metric, *cells])
    return table(["engine", "search", "metric", "plain", "c = 1", "c chosen", "cosine form"], rows)


def one_dimension(results):
    wrong = next(r for r in results["engines"]["faiss"]["records"] if r["kind"] == "wrong")
    return f"Measured: recall {number(wrong['recall'])}, and the corrected ranking for {wrong['right']:.0%} of the queries."


def data(results):
    facts = results["data"]
    return (
        f"{facts['items']:,} items and {facts['queries']:,} queries of {facts['dim']} dimensions near {facts['clusters']} clusters, a bank of "
        f"{facts['bank']:,} other queries, `{facts['method']}`. {facts['kept']:.0%} of a top ten stay in it when corrected, and "
        f"{facts['same_top']:.0%} of the first places. Half the range of the biases is {facts['half_range']:.3f}, so that c is {facts['c']:.2f}; "
        f"the steps of one scale are {facts['step_ratio']:.2f} times those of the plain vectors."
    )


def versions(results):
    found = [(ENGINES[name].package, results["engines"][name]["version"]) for name in ENGINES if name in results["engines"]]
    missing = [name for name in ENGINES if name not in results["engines"]]
    absent = f" Not in these tables, since the recorded run was cut short: {', '.join(missing)}." if missing else ""
    return "Versions: " + ", ".join(f"{package} {version}" for package, version in found) + "." + absent


def as_written(results):
    rows = [[engine, *(number(found[form]) if form in found else "" for form in METRICS)] for engine, found in results["queries"].items()]
    return table(["section", *METRICS], rows)


def scales():
    records = json.loads((HERE / "scale.json").read_text())
    quantisers = list(dict.fromkeys(record["quantiser"] for record in records))

    def cell(rule, quantiser, what="recall"):
        found = [r[what] for r in records if r["rule"] == rule and r["quantiser"] == quantiser]
        return f"{number(sum(found) / len(found))} ({number(min(found))})"

    rules = list(dict.fromkeys(record["rule"] for record in records))
    rows = [[rule, *(cell(rule, quantiser) for quantiser in quantisers)] for rule in rules]
    rows.append(["plain vectors", *(cell(rules[0], quantiser, "plain") for quantiser in quantisers)])
    return table(["offset and c", *quantisers], rows)


PARTS = {
    "data": data,
    "versions": versions,
    "exact": exact,
    "approximate": approximate,
    "bytes": in_bytes,
    "one dimension": one_dimension,
    "queries": as_written,
    "scales": lambda results: scales(),
}


def write_page(results):
    """Puts every part between its marks, `<!-- NAME -->` and `<!-- end -->`."""
    text = PAGE.read_text()
    for name, part in PARTS.items():
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        if not mark:
            raise SystemExit(f"{PAGE}: no mark `<!-- {name} -->` for that part")
        text = f"{before}{mark}\n{part(results)}\n\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    PAGE.write_text(text)
