"""Does a killed command end with the bytes of one that was left alone? Ends every long command at random moments, many times.

    python tools/kills/kills.py --runner target/release/runner --python env/bin/python --kills 1000 --out tools/kills/results.json
    python tools/kills/kills.py --runner target/debug/runner --kills 30      # what CI runs

Exit status 1 where anything differs. README.md says what is compared.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from cases import cases, scrubbed

NUMBERS = {"KILL": signal.SIGKILL, "INT": signal.SIGINT, "TERM": signal.SIGTERM}
# Whose variables must change nothing.
FOREIGN = ["NNN_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN"]
FOREIGN += [name for kind in ("HTTP", "HTTPS", "ALL") for name in (f"{kind}_PROXY", f"{kind}_proxy".lower())]
# What is written before it has its name, and goes.
TEMPORARY = re.compile(r"(^|/)\.part-[^/]*$|/\.[^/]*\.tmp$|\.png\.partial$|\.csv\.partial$")
# What is not whole and is gone on from.
RESUMED = re.compile(r"\.incomplete$|\.journal$|\.parts/|/trials/")
# A fresh run is timed anew after so many kills of a command: the machine may have other things to do.
TIMED_EVERY = 20
# Seconds in which a command ends after a signal.
PATIENCE = 60


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", required=True, help="the program")
    parser.add_argument("--python", help="an interpreter with the package nnn_bench and pyarrow; without, the package is left out")
    parser.add_argument("--kills", type=int, default=1000, help="how many in all, spread evenly over the commands")
    parser.add_argument("--signals", default="KILL=14,INT=3,TERM=3", help="which, with their shares: KILL,INT,TERM or KILL=14,INT=3,TERM=3")
    parser.add_argument("--seed", type=int, help="of the moments; drawn and printed where it is not said")
    parser.add_argument("--only", default="", help="commands whose name begins so")
    parser.add_argument("--out", type=Path, help="a file for the figures")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder without")
    return parser.parse_args()


def deck(signals, count, dice):
    """`count` signals in a random order, with the shares asked for."""
    shares = [(name, int(share or 1)) for name, _, share in (part.partition("=") for part in signals.split(","))]
    total = sum(share for _, share in shares)
    drawn = [name for name, share in shares for _ in range(round(count * share / total))]
    drawn = (drawn + [shares[0][0]] * count)[:count]
    dice.shuffle(drawn)
    return drawn


def files(case):
    """Every file that the command left, by its name."""
    for output in case.outputs:
        for path in sorted((case.folder / output).rglob("*")):
            if path.is_file():
                yield str(path.relative_to(case.folder)), path


def state(case):
    """What any change of a file would change."""
    return {name: (path.stat().st_mtime_ns, path.stat().st_size) for name, path in files(case)}


def temporaries(case):
    return {name for name, _ in files(case) if TEMPORARY.search(name)}


class Tried:
    """A command with all that was seen of it."""

    def __init__(self, case, root, dice, faults):
        self.case, self.root, self.dice, self.faults = case, root, dice, faults
        self.counts, self.tenths, self.delays, self.seconds = Counter(), [0] * 10, [], []
        self.expected, self.fresh = {}, True
        case.folder = root / re.sub(r"\W+", "-", case.name)
        case.folder.mkdir()
        case.env = {key: value for key, value in os.environ.items() if key not in FOREIGN} | case.env
        case.make(case)
        self.time()
        if faults or not self.expected:
            sys.exit(f"{case.name}: fails where nothing disturbs it")

    def start(self, quiet=True):
        case = self.case
        self.stderr = case.folder / "stderr"
        with open(self.stderr, "wb") as stderr:
            return subprocess.Popen(
                case.command(quiet), cwd=case.folder, env=case.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
            )

    def time(self):
        """Runs the command from the beginning, undisturbed: what it takes, and what it leaves, which is always the same."""
        for _ in range(1 if self.expected else 2):
            self.case.clear()
            started = time.monotonic()
            self.end()
            self.seconds.append(time.monotonic() - started)
            self.compare("undisturbed")
        self.restart()

    def restart(self):
        self.case.clear()
        self.fresh = True

    def end(self):
        """Runs the command to its end."""
        if code := self.start().wait():
            self.fault(f"ended with status {code}: {self.said()}")

    def said(self):
        return self.stderr.read_text(errors="replace").strip()

    def fault(self, what):
        number = len(self.faults)
        line = f"{self.case.name}: {what}"
        print(f"FAULT {number}: {line}", flush=True)
        self.faults.append(line)
        kept = self.root / "faults" / str(number)
        for output in self.case.outputs:
            if (self.case.folder / output).exists():
                shutil.copytree(self.case.folder / output, kept / output, symlinks=True)

    # Comparing

    def contents(self):
        """What has to be equal, by name: everything but times, and what a killed write left in a cache."""
        found = {}
        for name, path in files(self.case):
            if TEMPORARY.search(name) and self.case.outputs[name.split("/")[0]]:
                self.counts["left in caches"] += 1
                continue
            content = path.read_bytes()
            self.counts["files"] += 1
            self.counts["bytes"] += len(content)
            found[name] = scrubbed(name, content)
        return found

    def compare(self, when):
        found = self.contents()
        self.counts["compared"] += 1
        self.expected = self.expected or found
        if found != self.expected:
            names = found.keys() | self.expected.keys()
            differ = sorted(name for name in names if found.get(name) != self.expected.get(name))
            self.fault(f"{when}: {len(differ)} files differ: {', '.join(differ[:5])}")

    def check_whole(self, when):
        """What has its name already is what it will be."""
        for name, path in files(self.case):
            content = path.read_bytes()
            if TEMPORARY.search(name) or not self.case.whole(name, content):
                continue
            self.counts["whole"] += 1
            if name.endswith("run.json"):
                mine = {name: content for name, content in self.contents().items() if not TEMPORARY.search(name)}
                # The page is made of a complete folder, so it comes behind.
                wanted = {name: content for name, content in self.expected.items() if not name.endswith("/report.html") or name in mine}
                if mine != wanted:
                    self.fault(f"{when}: run.json says complete, and the folder is not")
            elif scrubbed(name, content) != self.expected.get(name):
                self.fault(f"{when}: {name} has its name and is another")

    # Killing

    def kill(self, name):
        """Ends the command by a signal at a random moment, after which it runs to its end or is killed once more. Whether it was
        still there."""
        quiet = self.dice.random() < 0.5
        share = self.dice.random()
        before, left = state(self.case), temporaries(self.case)
        child = self.start(quiet)
        try:
            child.wait(share * self.seconds[-1])
        except subprocess.TimeoutExpired:
            sent = time.monotonic()
            child.send_signal(NUMBERS[name])
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.fault(f"{name}: still there after {PATIENCE} s")
                child.kill()
                child.wait()
            return self.ended(name, child.returncode, share, time.monotonic() - sent, (before, left), quiet)
        self.counts["ended before"] += 1
        return self.succeeded(child.returncode, "ended before")

    def ended(self, name, code, share, delay, earlier, quiet):
        when = f"{name} at {share:.3f} of {self.seconds[-1]:.2f} s"
        if code == 0:
            self.counts["ended meanwhile"] += 1
            return self.succeeded(code, when)
        before, left = earlier
        self.counts[name] += 1
        self.counts["resumed"] += not self.fresh
        self.tenths[int(share * 10)] += 1
        new = temporaries(self.case) - left
        self.counts["in a write"] += bool(new)
        self.counts["with work done"] += any(RESUMED.search(it) for it, _ in files(self.case))
        if name != "KILL" and self.case.kept:
            self.check_signal(name, code, when, new, before, quiet)
            self.delays.append(delay)
        elif code != -NUMBERS[name] and not (name == "INT" and "KeyboardInterrupt" in self.said()):
            self.fault(f"{when}: status {code}: {self.said()}")
        self.check_whole(when)
        self.fresh = False
        # Often enough to the end that every way of going on is compared, and often enough on that a run is killed as it resumes.
        if self.dice.random() < 0.5:
            self.end()
            self.succeeded(0, when)
        return True

    def check_signal(self, name, code, when, new, before, quiet):
        """Status, the one sentence, and nothing temporary left."""
        said = self.said()
        if new:
            self.fault(f"{when}: left {', '.join(sorted(new))}")
        if code == -NUMBERS[name]:
            # Not yet in the verb: it has done nothing.
            self.counts["before it listened"] += 1
            if said or state(self.case) != before:
                self.fault(f"{when}: killed in the midst, not stopped: {said}")
            return
        sentence = f"stopped by SIG{name}: {self.case.kept}"
        lines = said.splitlines()
        one = lines[-1:] == [sentence] and (len(lines) == 1 if quiet else said.count("stopped by") == 1 and "error:" not in said)
        if code != 128 + NUMBERS[name] or not one:
            self.fault(f"{when}: status {code}, said {said!r}")

    def succeeded(self, code, when):
        if code:
            self.fault(f"{when}: status {code}: {self.said()}")
        self.compare(when)
        self.restart()
        return False

    def report(self):
        counts = dict(sorted(self.counts.items()))
        killed = sum(self.counts[name] for name in NUMBERS)
        delays = {"median": statistics.median(self.delays), "largest": max(self.delays)} if self.delays else {}
        seconds = {"median": statistics.median(self.seconds), "smallest": min(self.seconds), "largest": max(self.seconds)}
        return {"killed": killed, **counts, "tenths": self.tenths, "seconds": seconds, "seconds to stop": delays}


def total(reports):
    summed = Counter()
    for report in reports.values():
        summed.update({key: value for key, value in report.items() if isinstance(value, int)})
    return dict(sorted(summed.items()))


def write(options, seed, tried, faults, started):
    reports = {it.case.name: it.report() for it in tried}
    found = {"seed": seed, "signals": options.signals, "minutes": round((time.monotonic() - started) / 60, 1)}
    found |= {"total": total(reports), "commands": reports, "faults": faults}
    found["transfers gone on with"] = sum(server.resumed for it in tried for server in it.case.servers)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    return found


def show(found):
    keys = ["killed", "KILL", "INT", "TERM", "ended before", "ended meanwhile", "before it listened", "in a write", "resumed"]
    keys += ["compared", "files", "bytes", "whole", "left in caches"]
    print("command".ljust(18), *keys, sep="\t")
    for name, report in {**found["commands"], "total": found["total"]}.items():
        print(name.ljust(18), *(report.get(key, 0) for key in keys), sep="\t")


def run(options, root):
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}, in {root}", flush=True)
    dice, faults, started = random.Random(seed), [], time.monotonic()
    chosen = [case for case in cases(options.runner, options.python) if case.name.startswith(options.only)]
    tried = [Tried(case, root, dice, faults) for case in chosen]
    for it in tried:
        print(f"{it.case.name}: {it.seconds[-1]:.2f} s, {len(it.expected)} files", flush=True)
    for number, name in enumerate(deck(options.signals, options.kills, dice)):
        it = tried[number % len(tried)]
        # One that ended before its moment was not killed.
        while not it.kill(name):
            pass
        if (number // len(tried)) % TIMED_EVERY == TIMED_EVERY - 1:
            it.time()
        if number % 20 == 0:
            print(f"{number} of {options.kills}", flush=True)
            write(options, seed, tried, faults, started)
    for it in tried:
        # What the last kill left.
        it.end()
        it.compare("at the end")
    show(found := write(options, seed, tried, faults, started))
    print(f"{len(faults)} faults in {found['minutes']} minutes")
    return faults


def main():
    options = parse()
    # A shell that put this into the background had it ignore SIGINT, and so would what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options.runner = os.path.abspath(options.runner)
    if options.folder:
        options.folder.mkdir(parents=True)
        sys.exit(bool(run(options, options.folder.resolve())))
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(bool(run(options, Path(folder).resolve())))


if __name__ == "__main__":
    main()
