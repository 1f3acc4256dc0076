"""Ctrl-C ends a call at once, and other threads run meanwhile."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import nnn_bench

# Far more than a test waits for: the child is interrupted, or killed in the end.
CHILD = """
import signal, sys, threading, time
import numpy as np
import nnn_bench

random = np.random.default_rng(0)
gallery = random.standard_normal((2000, 256), np.float32)
bank = np.tile(random.standard_normal((20_000, 256), np.float32), (10, 1))
banks = nnn_bench.Bank(bank)
items = np.tile(gallery, (20, 1))
relevance = np.zeros(len(items), np.int64)
calls = {
    "bias": lambda: nnn_bench.bias(items, banks, "is(beta=20)"),
    "screened": lambda: nnn_bench.bias(items, banks, "nnn(k=16)", threads=1),
    "rank": lambda: nnn_bench.rank(items, bank, 10, bias=np.arange(200_000) / 1e6),
    "raw": lambda: nnn_bench.rank(items, bank, 10),
    "trial": lambda: nnn_bench.evaluate(items, bank, relevance, method="is(beta=20)", bank=banks),
}
started = time.monotonic()


def tell(total, **_):
    print("started", flush=True)
    return Bar()


class Bar:
    def update(self, more):
        print("update", flush=True)

    def close(self):
        print("closed", flush=True)


import functools
call = calls[sys.argv[1]]
for name in ("bias", "rank", "evaluate"):
    setattr(nnn_bench, name, functools.partial(getattr(nnn_bench, name), progress=tell))
try:
    call()
    print("done", flush=True)
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
# What was interrupted leaves the threads as they were.
found = nnn_bench.rank(gallery[:5], gallery[:50], 3, progress=None)
print("after", found.shape, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="a signal for a child is another thing there")
@pytest.mark.parametrize("call", ["bias", "screened", "rank", "raw", "trial"])
def test_ctrl_c_interrupts_a_call(call):
    child = subprocess.Popen([sys.executable, "-c", CHILD, call], stdout=subprocess.PIPE, text=True)
    try:
        for line in child.stdout:
            if line.startswith("update"):
                break
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        rest = child.communicate(timeout=60)[0].splitlines()
    finally:
        child.kill()
    told = next(line for line in rest if line.startswith("interrupted"))
    # Both clocks are the system's. A machine that does other things beside may be late, but not by the seconds that a call takes.
    assert float(told.split()[1]) - sent < 2.0
    assert "closed" in rest and "done" not in rest
    assert rest[-1] == "after (5, 3)"


def test_other_threads_run_meanwhile():
    random = np.random.default_rng(1)
    items, bank = random.standard_normal((4000, 128)), random.standard_normal((20_000, 128))
    ticks, over = [], threading.Event()

    def tick():
        while not over.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    other = threading.Thread(target=tick)
    other.start()
    started = time.monotonic()
    nnn_bench.bias(items, bank, "is(beta=20)", threads=1)
    ended = time.monotonic()
    over.set()
    other.join()
    within = [tick for tick in ticks if started < tick < ended]
    assert len(within) > 3
