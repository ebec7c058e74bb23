"""Rows F1, F2, F5 and F6: one task, from submit to result, on a warm process worker.

What not: cold starts are in `startup`, calls without a worker in `calls`.
"""

import asyncio
import os
from contextlib import ExitStack

from rivals import WORKERS, process_pool, ray_task
from rounds import race, timed, timed_await
from row import Row

BIG = 1 << 30
SMALL = 1 << 10
FEW = 10
MANY = 1_000_000


def rows(setting):
    """Measure; `setting` has `rounds`, `count` and `ours` (False: rivals only)."""
    one = Row("F1", "no-op task, submit().result()", "<= 1/8", 1 / 8, rival="ProcessPoolExecutor")
    ray = Row("F1", "the same", "<= 1/100", 1 / 100, rival="Ray task")
    two = Row("F2", "await execute(): contract, audit, commit", "<= 1/3", 1 / 3, rival="ProcessPoolExecutor, bare")
    with ExitStack() as stack:
        ours = _ours(stack) if setting.ours else {}
        with process_pool() as pool:
            found = race(ours | {"pool": pool}, setting.rounds, setting.count)
        one.ours, two.ours = found.get("noop"), found.get("commit")
        one.rivals = two.rivals = found["pool"]
        # Apart, because Ray's own services keep the cores busy as long as they run.
        with ray_task() as (task, ray.note):
            if task:
                noop = {"noop": ours["noop"]} if setting.ours else {}
                found = race(noop | {"ray": task}, setting.rounds, setting.count)
                ray.ours, ray.rivals = found.get("noop"), found["ray"]
    return [one, ray, two]


def state_rows(setting):
    """F5: the cost of a task does not grow with the state."""
    row = Row("F5", f"no-op task, {MANY:,} keys in the state", "<= 1.2", 1.2, rival=f"ours, {FEW} keys")
    if not setting.ours:
        row.note = "compares ours with ours; nothing to measure without"
        return [row]
    with ExitStack() as stack:
        contenders = {keys: _holding(stack, keys) for keys in (FEW, MANY)}
        found = race(contenders, setting.rounds, setting.count)
    row.ours, row.rivals = found[MANY], found[FEW]
    return [row]


def heavy_rows(setting):
    """F6: the cost of a task does not grow with the array it reads."""
    grows = Row("F6", "task on 1 GiB in the heavy zone", "<= 1.2", 1.2, rival="ours, 1 KiB")
    against = Row("F6", "the same", "<= 1.1", 1.1, rival="ours, no array (F1)")
    if not setting.ours:
        grows.note = "compares ours with ours; nothing to measure without"
        return [grows, against]
    os.environ["THEUS_HEAP_SIZE"] = "2048"
    import numpy as np
    import tasks
    from theus import TheusEngine

    with TheusEngine(pool_size=WORKERS) as engine:
        arrays = {}
        for name, size in (("big", BIG), ("small", SMALL)):
            arrays[name] = engine.heavy.alloc(name, shape=(size,), dtype=np.uint8)
            arrays[name][:] = 7
        engine.compare_and_swap(engine.state.version, heavy=arrays)
        found = race(
            {
                "big": timed(lambda: engine.submit(tasks.touch_big).result()),
                "small": timed(lambda: engine.submit(tasks.touch_small).result()),
                "none": timed(lambda: engine.submit(tasks.nothing).result()),
            },
            setting.rounds,
            setting.count,
        )
    grows.ours = against.ours = found["big"]
    grows.rivals, against.rivals = found["small"], found["none"]
    return [grows, against]


def _holding(stack, keys):
    import tasks
    from theus import TheusEngine

    engine = stack.enter_context(TheusEngine(pool_size=1))
    filled = {f"key{number}": number for number in range(keys)}
    engine.compare_and_swap(engine.state.version, data={"domain": filled})
    return timed(lambda: engine.submit(tasks.nothing).result())


def _ours(stack):
    import tasks
    from theus import TheusEngine

    engine = stack.enter_context(TheusEngine(pool_size=WORKERS))
    engine.compare_and_swap(engine.state.version, data={"domain": {"count": 0}})
    loop = asyncio.new_event_loop()
    stack.callback(loop.close)
    return {
        "noop": timed(lambda: engine.submit(tasks.nothing).result()),
        "commit": timed_await(loop, lambda: engine.execute(tasks.count_in_worker)),
    }
