"""The rivals as contenders: process pool, Ray, shared memory.

What not: nothing of ours. A rival that cannot run here is reported with its reason, never left out.
"""

import importlib
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import bare
from rounds import timed

WORKERS = 2


@contextmanager
def process_pool():
    """A warm `ProcessPoolExecutor` (spawn): a contender for one no-op task, submit to result."""
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in [pool.submit(time.sleep, 0.2) for _ in range(WORKERS)]:  # starts every worker
            future.result()
        yield timed(lambda: pool.submit(bare.nothing).result())


def cold_process_pool():
    """From the pool's construction to its first result."""
    clock = time.perf_counter_ns
    started = clock()
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(bare.nothing).result()
        return clock() - started


@contextmanager
def ray_task():
    """`(contender, "")` for one no-op Ray task, or `(None, reason)`."""
    try:
        ray = importlib.import_module("ray")
        ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except Exception as error:
        yield None, f"Ray cannot run on this interpreter: {type(error).__name__}: {str(error).splitlines()[0]}"
        return
    try:
        remote = ray.remote(bare.nothing)
        ray.get([remote.remote() for _ in range(20)])
        yield timed(lambda: ray.get(remote.remote())), ""
    finally:
        ray.shutdown()


def shared_memory(size):
    """A contender: create a named segment, fill it, close and unlink it."""
    import numpy as np
    from multiprocessing.shared_memory import SharedMemory

    def once():
        segment = SharedMemory(create=True, size=size)
        array = np.ndarray((size,), np.uint8, buffer=segment.buf)
        array[:] = 7
        del array
        segment.close()
        segment.unlink()

    return timed(once)
