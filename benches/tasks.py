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
