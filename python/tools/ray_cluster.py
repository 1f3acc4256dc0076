"""A Ray cluster of two nodes on one machine, one of which is killed: results are those of one process, bit for bit.

    python python/tools/ray_cluster.py --out python/tools/ray_cluster.json

draws a gallery of parquet shards, a bank and queries (seeded), and

- computes all biases in one process with two threads, and on two nodes of one processor each, in turns: items a second of both, medians of
  some rounds, with reading, opening the bank, writing and what Ray adds in the time. Two nodes on one machine gain nothing: the ratio says what the
  cluster costs;
- computes them anew, with the whole bank in every task and with the bank in blocks, and evaluates, and each time kills a node
  (SIGKILL to its raylet, whose workers die with it) while it runs tasks and some of the work is done. A new node takes its place then. A call
  of which the node got no task in time is made again, from nothing;
- compares: all files by their bytes, all biases bit for bit with those of the whole gallery at once, all metrics by equality.

It ends with status 1 where anything differs, or where no call of five gave the node a task to be killed in.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray
from ray.cluster_utils import Cluster

import nnn_bench
import nnn_bench.ray as on_ray
from nnn_bench import shards
from vectors import World, unit

METHOD = "nnn(k=128,alpha=0.75)"
METRICS = ("R@1", "R@5", "R@10", "MRR")
STORE = 256 << 20
CALLS = 5


def draw(folder: Path, sizes: argparse.Namespace) -> dict[str, np.ndarray]:
    """Writes the gallery, the bank and the queries, and gives them."""
    world = World(3, sizes.dim)
    items = world.items(sizes.shards * sizes.rows)
    asked = world.rng.integers(0, len(items), sizes.queries)
    queries, bank = world.queries(asked), unit(world.bank(sizes.bank))
    (folder / "gallery").mkdir()
    for part in range(sizes.shards):
        rows = range(part * sizes.rows, (part + 1) * sizes.rows)
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(items[rows.start : rows.stop].ravel()), sizes.dim)
        table = pa.table({"id": list(rows), "vector": vectors})
        pq.write_table(table, folder / "gallery" / f"part-{part:03}.parquet")
    np.save(folder / "bank.npy", bank)
    np.save(folder / "queries.npy", queries)
    return {"items": items, "bank": bank, "queries": queries, "asked": asked}


# Nodes


def add_node(cluster: Cluster) -> object:
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    cluster.wait_for_nodes()
    return node


def processes() -> dict[int, tuple[int, float, str]]:
    """All processes of the machine: parent, processor seconds so far, and title."""
    found, tick = {}, os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            title = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            found[int(entry.name)] = (int(fields[1]), (int(fields[11]) + int(fields[12])) / tick, title)
        except (OSError, ValueError, IndexError):
            continue
    return found


def running(node: object) -> list[str]:
    """The tasks that a node's workers run now, by the titles that Ray gives its processes."""
    raylet = node.all_processes["raylet"][0].process.pid
    titles = [title for parent, _, title in processes().values() if parent == raylet]
    return [title for title in titles if title.startswith("ray::") and "IDLE" not in title]


def processor_seconds(cluster: Cluster) -> float:
    """What this process and all of the cluster's have used."""
    own = [info.process.pid for node in cluster.list_all_nodes() for infos in node.all_processes.values() for info in infos]
    known = processes()
    used = [seconds for pid, (parent, seconds, _) in known.items() if pid in own or parent in own]
    return sum(used) + time.process_time()


class Kill(threading.Thread):
    """Kills a node as soon as it runs a task with `word` in its title while a part of a folder's files is written (or there is none to watch)."""

    def __init__(self, cluster: Cluster, node: object, word: str, folder: Path | None, total: int) -> None:
        super().__init__(daemon=True)
        self.cluster, self.node, self.word, self.folder, self.total = cluster, node, word, folder, total
        self.found: dict | None = None
        self.over = threading.Event()

    def run(self) -> None:
        while self.found is None and not self.over.wait(0.01):
            tasks = sorted({title for title in running(self.node) if self.word in title})
            files = None if self.folder is None else len(outputs(self.folder))
            if tasks and (files is None or self.total // 4 <= files < self.total - 2):
                self.found = {"running_on_it": tasks, "files_written": files}
                self.cluster.remove_node(self.node, allow_graceful=False)


def with_a_kill(cluster: Cluster, node: object, word: str, folder: Path | None, total: int, call: Callable) -> tuple:
    """What a call gives while a node dies, what was killed, and the node that takes its place."""
    for calls in range(1, CALLS + 1):
        kill = Kill(cluster, node, word, folder, total)
        kill.start()
        result, seconds = timed(call)
        kill.over.set()
        kill.join()
        if kill.found is not None:
            return result, {"seconds": round(seconds, 2), "calls": calls, **kill.found}, add_node(cluster)
        # The scheduler gave all work to the other node, or the call was over too soon.
        if folder is not None:
            shutil.rmtree(folder)
    raise SystemExit(f"{CALLS} calls ended before the node ran {word} with work left, so that nothing was killed")


def outputs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet")) if folder.exists() else []


# Phases


def timed(call: Callable) -> tuple[object, float]:
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def one_process(folder: Path, out: str) -> list[dict]:
    shards._open.cache_clear()
    shards._check_once.cache_clear()
    job, paths = shards.lay_out(folder / "gallery", folder / "bank.npy", folder / out, METHOD, threads=2)
    return [shards.bias_of_shard(job, path) for path in paths]


def on_cluster(folder: Path, out: str, block: int | None = None) -> list[dict]:
    return on_ray.bias(folder / "gallery", folder / "bank.npy", folder / out, METHOD, block=block)


def evaluated(folder: Path, relevance: list) -> dict:
    return on_ray.evaluate(folder / "queries.npy", folder / "gallery", relevance, {"nnn": folder / "one"}, METRICS)


def whole_evaluation(data: dict, relevance: list, bias: np.ndarray) -> dict:
    """The same metrics from the whole gallery as one shard, in this process."""
    part = nnn_bench.Shard(data["queries"], data["items"], 0, relevance, len(data["items"]), [np.zeros_like(bias), bias])
    return dict(zip(["raw", "nnn"], part.count(part.thresholds()).metrics(relevance, list(METRICS))))


def same_files(folder: Path, out: str) -> bool:
    one, other = outputs(folder / "one"), outputs(folder / out)
    names = [path.name for path in one] == [path.name for path in other]
    return names and all(a.read_bytes() == b.read_bytes() for a, b in zip(one, other))


def in_turns(cluster: Cluster, folder: Path, rounds: int) -> tuple[list, list]:
    """Wall and processor seconds of one process and of the cluster, after a call that starts Ray's workers."""
    on_cluster(folder, "first")
    alone, together = [], []
    for at in range(rounds):
        alone.append(both(time.process_time, lambda: one_process(folder, f"one-{at}")))
        together.append(both(lambda: processor_seconds(cluster), lambda: on_cluster(folder, f"two-{at}")))
    return alone, together


def both(clock: Callable[[], float], call: Callable) -> tuple[float, float]:
    before = clock()
    _, wall = timed(call)
    return wall, clock() - before


def medians(rounds: list, items: int) -> dict:
    wall, processor = (statistics.median(times) for times in zip(*rounds))
    rates = {"items_per_second": round(items / wall), "items_per_processor_second": round(items / processor)}
    return {"seconds": round(wall, 2), "processor_seconds": round(processor, 2), **rates}


def kills(cluster: Cluster, node: object, folder: Path, relevance: list) -> tuple[dict, list[dict], dict]:
    """A node killed in each of three calls: what was killed, the reports of the first call repeated, and the metrics of the last."""
    total = len(outputs(folder / "gallery"))

    def killed(word: str, watched: str | None, call: Callable) -> object:
        nonlocal node
        out = None if watched is None else folder / watched
        result, found[word], node = with_a_kill(cluster, node, word, out, total, call)
        return result

    found: dict[str, dict] = {}
    killed("bias_of_row", "killed", lambda: on_cluster(folder, "killed"))
    again = on_cluster(folder, "killed")
    killed("partial_of_block", "blocks", lambda: on_cluster(folder, "blocks", 65_536))
    metrics = killed("counts_of_shard", None, lambda: evaluated(folder, relevance))
    return found, again, metrics


def measure(folder: Path, sizes: argparse.Namespace) -> dict:
    data = draw(folder, sizes)
    relevance = [[int(item)] for item in data["asked"]]
    one_process(folder, "one")
    whole = nnn_bench.bias(data["items"], data["bank"], METHOD)
    from_files = np.concatenate([pq.read_table(path)["bias"].to_numpy() for path in outputs(folder / "one")])
    wanted = whole_evaluation(data, relevance, whole)

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False})
    node = add_node(cluster)
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        nodes = sum(it["Alive"] for it in ray.nodes())
        alone, together = in_turns(cluster, folder, sizes.rounds)
        found, again, metrics = kills(cluster, node, folder, relevance)
    finally:
        ray.shutdown()
        cluster.shutdown()

    items = len(data["items"])
    one, two = medians(alone, items), medians(together, items)
    checks = {
        "there were two nodes": nodes == 2,
        "shards in one process have the bits of the whole gallery": bool((whole.view(np.uint32) == from_files.view(np.uint32)).all()),
        "two nodes write the bytes of one process": all(same_files(folder, f"two-{at}") for at in range(sizes.rounds)),
        "a node killed, the bank whole: the bytes of one process": same_files(folder, "killed"),
        "the call repeated: nothing computed anew": not any(report["computed"] for report in again),
        "a node killed, the bank in blocks: the bytes of one process": same_files(folder, "blocks"),
        "a node killed while counting: the metrics of the whole gallery": metrics == wanted,
    }
    return {
        "sizes": {key: getattr(sizes, key) for key in ("shards", "rows", "bank", "queries", "dim", "rounds")},
        "method": METHOD,
        "one_process_of_two_threads": one,
        "two_nodes_of_one_processor": two,
        "rate_of_two_nodes_to_one_process": {key: round(two[key] / one[key], 3) for key in one if key.startswith("items")},
        "kills": found,
        "metrics": metrics,
        "checks": checks,
    }


def machine() -> dict:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    versions = {"python": platform.python_version(), "ray": ray.__version__, "pyarrow": pa.__version__, "nnn_bench": nnn_bench.__version__}
    return {"processor": model, "cores": os.cpu_count(), "load_average": round(os.getloadavg()[1], 1), **versions}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=16, help="shards of the gallery")
    parser.add_argument("--rows", type=int, default=2048, help="items of a shard")
    parser.add_argument("--bank", type=int, default=140_000, help="rows of the bank")
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=2, help="of each contender")
    parser.add_argument("--out", type=Path, help="where the measurements go, as JSON")
    sizes = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), sizes)
    record = {"machine": machine(), **found, "total_seconds": round(time.perf_counter() - start)}
    text = json.dumps(record, indent=2) + "\n"
    print(text)
    if sizes.out:
        sizes.out.write_text(text)
    return 0 if all(found["checks"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
