#!/usr/bin/env python3
"""What a target's runs came to, from their log, added to fuzz/figures.json: `figures.py TARGET LOG SECONDS`. Without arguments it writes
the table of fuzz/README.md anew."""

import fcntl
import json
import re
import sys
from pathlib import Path

FIGURES = Path(__file__).resolve().parent / "figures.json"


def runs(log):
    """Executions and processor seconds of all runs together, what was covered at the end, and the failures."""
    executions = [int(it) for it in re.findall(r"stat::number_of_executed_units: (\d+)", log)]
    last = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    covered = [max(int(it[at]) for it in last) if last else 0 for at in range(3)]
    processor = sum(float(it) for pair in re.findall(r"stat::processor_seconds: ([\d.]+) ([\d.]+)", log) for it in pair)
    failures = sorted(set(re.findall(r"Test unit written to \S*/((?:crash|timeout|oom|slow-unit|leak)-[0-9a-f]+)", log)))
    return sum(executions), round(processor), covered, failures


def table(figures):
    """The figures as a table."""
    lines = ["| target | minutes | of a core | executions | edges | features | inputs kept | failures |", "|---|---|---|---|---|---|---|---|"]
    for target, of in figures.items():
        numbers = [of["seconds"] // 60, of["processor"] // 60, of["executions"], of["edges"], of["features"], of["corpus"], len(of["failures"])]
        lines.append(f"| `{target}` | " + " | ".join(f"{it:,}" for it in numbers) + " |")
    return "\n".join(lines)


def write_table():
    readme = FIGURES.parent / "README.md"
    text = readme.read_text()
    mark = "<!-- figures -->\n"
    before, after = text.split(mark)
    after = re.sub(r"\A(\n\|.*?\n)(?=\n)", "", after, flags=re.DOTALL)
    readme.write_text(before + mark + "\n" + table(json.loads(FIGURES.read_text())) + "\n" + after)


def main():
    if len(sys.argv) == 1:
        return write_table()
    target, path, seconds = sys.argv[1:]
    executions, processor, (edges, features, kept), failures = runs(Path(path).read_text(errors="replace"))
    with FIGURES.open("a+") as file:
        # Targets may end at the same time.
        fcntl.flock(file, fcntl.LOCK_EX)
        figures = json.loads(FIGURES.read_text() or "{}")
        of = figures.setdefault(target, {"executions": 0, "seconds": 0, "processor": 0, "edges": 0, "features": 0, "corpus": 0, "failures": []})
        of["executions"] += executions
        of["seconds"] += int(seconds)
        of["processor"] += processor
        of["edges"] = max(of["edges"], edges)
        of["features"] = max(of["features"], features)
        of["corpus"] = kept
        of["failures"] = sorted(set(of["failures"]) | set(failures))
        FIGURES.write_text(json.dumps(dict(sorted(figures.items())), indent=1) + "\n")
    print(f"{target}: {executions:,} executions in {seconds} s, {edges} edges, {features} features, {kept} inputs, {len(failures)} failures")


if __name__ == "__main__":
    main()
