"""Row F16: importing the package, creating an engine, the first result of a cold pool.

What not: no warm figures.
"""

import subprocess
import sys
import time

from rivals import WORKERS, cold_process_pool
from rounds import race
from row import Row


def rows(setting):
    """Measure; an import is the difference between two whole interpreters, one with and one without it."""
    imported = Row("F16", "import theus, over a bare interpreter", "<= 30 ms", 30_000.0)
    created = Row("F16", "TheusEngine()", "<= 1 ms", 1_000.0)
    first = Row("F16", "first result of a cold pool", "<= 1/2", 0.5, rival="ProcessPoolExecutor, spawn")
    few = max(3, setting.count // 50)
    interpreters = {"bare": _interpreter("pass")}
    pools = {"pool": lambda count: [cold_process_pool() for _ in range(count)]}
    if setting.ours:
        interpreters["theus"] = _interpreter("import theus")
        pools["ours"] = lambda count: [_cold_engine() for _ in range(count)]
        created.ours = race({"engine": _creation}, setting.rounds, few * 5)["engine"]
    found = race(interpreters, setting.rounds, few)
    if setting.ours:
        imported.ours = found["theus"] - found["bare"]
    imported.note = f"a bare interpreter took {found['bare'] / 1000:.1f} ms"
    found = race(pools, max(2, setting.rounds // 2), few)
    first.ours, first.rivals = found.get("ours"), found["pool"]
    return [imported, created, first]


def _interpreter(text):
    clock = time.perf_counter_ns

    def batch(count):
        durations = []
        for _ in range(count):
            started = clock()
            subprocess.run([sys.executable, "-c", text], check=True)
            durations.append(clock() - started)
        return durations

    return batch


def _creation(count):
    from theus import TheusEngine

    clock = time.perf_counter_ns
    durations = []
    for _ in range(count):
        started = clock()
        engine = TheusEngine()
        durations.append(clock() - started)
        engine.shutdown()
    return durations


def _cold_engine():
    import tasks
    from theus import TheusEngine

    clock = time.perf_counter_ns
    started = clock()
    with TheusEngine(pool_size=WORKERS) as engine:
        engine.submit(tasks.nothing).result()
        return clock() - started
