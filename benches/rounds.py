"""Measuring: contenders take turns in rounds, and the median of all their times counts.

What: a contender is a function `batch(n)` that returns n durations in nanoseconds; `race` interleaves
contenders, so that a noisy moment of the machine hits all of them.
What not: no rows, no targets.
"""

import statistics
import time


def timed(call):
    """A contender that times each `call()`."""
    clock = time.perf_counter_ns

    def batch(count):
        durations = []
        for _ in range(count):
            started = clock()
            call()
            durations.append(clock() - started)
        return durations

    return batch


def timed_await(loop, call):
    """A contender that times each `await call()`, inside a running `loop`."""
    clock = time.perf_counter_ns

    async def measure(count):
        durations = []
        for _ in range(count):
            started = clock()
            await call()
            durations.append(clock() - started)
        return durations

    return lambda count: loop.run_until_complete(measure(count))


def race(contenders, rounds, count):
    """`{name: median in microseconds}` for `{name: batch}`; each warms up once, then all take turns."""
    for batch in contenders.values():
        batch(max(1, count // 4))
    times = {name: [] for name in contenders}
    for turn in range(rounds):
        names = list(contenders)
        for name in names if turn % 2 == 0 else reversed(names):
            times[name] += contenders[name](count)
    return {name: statistics.median(taken) / 1000 for name, taken in times.items()}
