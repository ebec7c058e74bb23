"""What our engine runs: the processes of the bench.

What not: NumPy is not imported here; arrays come from the heavy zone.
"""

from theus import process


@process(parallel=True)
def nothing(ctx):
    """A no-op task."""


@process(parallel=True, inputs=["domain.count"], outputs=["domain.count"])
def count_in_worker(ctx):
    """Contract checked, one update committed."""
    return ctx.domain["count"] + 1


@process(parallel=True, inputs=["heavy.big"])
def touch_big(ctx):
    """One element of the big array."""
    return int(ctx.heavy["big"][0])


@process(parallel=True, inputs=["heavy.small"])
def touch_small(ctx):
    """One element of the small array."""
    return int(ctx.heavy["small"][0])


@process(inputs=["domain.count"], outputs=["domain.count"])
def increment(ctx):
    """One counting call in an ordinary process."""
    return ctx.domain["count"] + 1


_resident = {}


@process(parallel=True)
def hand_over(ctx, size):
    """An array that lies in ordinary memory, the same each time."""
    import numpy as np

    if size not in _resident:
        _resident[size] = np.full(size, 7, "u1")
    return {"array": _resident[size], "spent": 0}


@process(parallel=True)
def make_and_hand_over(ctx, size):
    """An array made to be handed over, and how long making it took."""
    import time

    started = time.perf_counter_ns()
    array = ctx.alloc(size, "u1")
    array[:] = 7
    return {"array": array, "spent": time.perf_counter_ns() - started}
