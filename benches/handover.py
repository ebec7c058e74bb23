"""Row F13 and the picture of hand-over: what it costs to bring an array from a worker to the main process, by its size.

What not: making the array. A worker that fills a fresh buffer says itself how long that took, and that is taken off.
"""

import json
import multiprocessing
import os
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rounds import race, timed
from row import Row

RESULT = 64 << 20
SIZES = [1 << exponent for exponent in range(10, 31, 2)]
MOST = 1 << 30
HEAP_MB = "6144"


def rows(setting):
    """F13: a 64 MiB array as a task's result, against one copy of it in warm private memory."""
    import numpy as np

    row = Row("F13", "64 MiB array as a task's result", "<= 1", 1.0, rival="memcpy, warm")
    made = Row("F13", "the same, made by ctx.alloc and sealed", "<= 1", 1.0, rival="memcpy, warm")
    source, target = np.full(RESULT, 7, "u1"), np.full(RESULT, 1, "u1")
    contenders = {"memcpy": timed(lambda: np.copyto(target, source))}
    with ExitStack() as stack:
        if setting.ours:
            contenders["copied"] = stack.enter_context(_ours(RESULT, "copied"))
            contenders["sealed"] = stack.enter_context(_ours(RESULT, "sealed"))
        found = race(contenders, setting.rounds, 3)
    row.ours, made.ours = found.get("copied"), found.get("sealed")
    row.rivals = made.rivals = found["memcpy"]
    made.note = "the worker's own time for allocating and filling the buffer is taken off"
    return [row, made]


def main():
    """All ways by size: a table, the figures as JSON, and the picture where matplotlib is there."""
    table = {}
    for size in SIZES:
        with ExitStack() as stack:
            ways = {
                "copied (theus)": _ours(size, "copied"),
                "sealed (theus)": _ours(size, "sealed"),
                "pickle, Pipe": _pipe(size),
                "SharedMemory": _shared(size),
            }
            contenders = {name: stack.enter_context(way) for name, way in ways.items()}
            table[size] = race(contenders, 5, 3 if size > 1 << 24 else 20)
        print(f"{size:>12,}", *(f"{name} {us:>10,.0f} us" for name, us in table[size].items()), sep="  ", flush=True)
    target = Path("target")
    target.mkdir(exist_ok=True)
    (target / "handover.json").write_text(json.dumps(table, indent=2))
    _draw(table, target / "handover.svg")


@contextmanager
def _ours(size, way):
    # Sealed from the first byte on, or never.
    os.environ.update(THEUS_SEAL_FROM="0" if way == "sealed" else str(1 << 60), THEUS_HEAP_SIZE=HEAP_MB)
    import tasks
    from theus import TheusEngine

    with TheusEngine(pool_size=1) as engine:
        # The worker reads its environment when it starts.
        engine.submit(tasks.nothing).result()
        clock = time.perf_counter_ns

        def batch(count):
            durations = []
            for _ in range(count):
                started = clock()
                result = engine.submit(tasks.hand_over if way == "copied" else tasks.make_and_hand_over, size).result()
                took = clock() - started
                assert result["array"][-1] == 7
                durations.append(took - result["spent"])
                del result
            return durations

        yield batch


@contextmanager
def _pipe(size):
    """An array through a pipe, pickled: what `ProcessPoolExecutor` does with a result."""
    yield from _child(size, _send_pickled, lambda connection: connection.recv()[-1])


@contextmanager
def _shared(size):
    """An array in a named segment of its own: what users of `SharedMemory` do with a result."""

    def take(connection):
        import numpy as np
        from multiprocessing.shared_memory import SharedMemory

        segment = SharedMemory(name=connection.recv())
        last = np.ndarray((size,), np.uint8, buffer=segment.buf)[-1]
        segment.close()
        segment.unlink()
        return last

    yield from _child(size, _send_named, take)


def _child(size, send, take):
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    child = spawn.Process(target=send, args=(theirs, size), daemon=True)
    child.start()

    def once():
        ours.send(True)
        assert take(ours) == 7

    try:
        yield timed(once)
    finally:
        ours.send(False)
        child.join()


def _send_pickled(connection, size):
    import numpy as np

    array = np.full(size, 7, "u1")
    while connection.recv():
        connection.send(array)


def _send_named(connection, size):
    import numpy as np
    from multiprocessing.shared_memory import SharedMemory

    array = np.full(size, 7, "u1")
    while connection.recv():
        segment = SharedMemory(create=True, size=size)
        np.ndarray((size,), np.uint8, buffer=segment.buf)[:] = array
        connection.send(segment.name)
        segment.close()


def _draw(table, path):
    try:
        import matplotlib
    except ImportError:
        print("no picture: matplotlib is not installed")
        return
    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    sizes = list(table)
    for name in table[sizes[0]]:
        axes.loglog(sizes, [table[size][name] for size in sizes], marker="o", markersize=3, label=name)
    axes.set(xlabel="bytes", ylabel="µs", title="Bringing an array from a worker to the main process")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    print(f"picture: {path}")


if __name__ == "__main__":
    main()
