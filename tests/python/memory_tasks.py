"""Tasks about memory that outlives a task or travels with its result."""

import os
import signal

import numpy as np

from theus import StateUpdate, process

kept = {}


@process(parallel=True, inputs=["heavy"])
def keep(ctx, name):
    """Keep an array beyond the task."""
    kept[name] = ctx.heavy[name]
    return int(kept[name][0])


@process(parallel=True, inputs=["heavy"])
def keep_part(ctx, name):
    kept[name] = ctx.heavy[name][10:20]


@process(parallel=True)
def look(ctx, name):
    """The distinct values of what was kept."""
    return sorted({int(value) for value in kept[name]})


@process(parallel=True)
def let_go(ctx):
    kept.clear()


@process(parallel=True, inputs=["heavy"])
def touch(ctx, name):
    return int(ctx.heavy[name][0])


@process(parallel=True)
def nothing(ctx):
    pass


@process(parallel=True)
def make(ctx, size, dtype="u1", value=7):
    return np.full(size, value, dtype)


@process(parallel=True, outputs=["heavy.m"])
def make_heavy(ctx, size, value=7):
    return np.full(size, value, "u1")


@process(parallel=True, outputs=["domain.m"])
def make_data(ctx, size, value=7):
    return np.full(size, value, "u1")


@process(parallel=True, outputs=["heavy.a", "domain.b"])
def make_both(ctx, size):
    return StateUpdate(heavy={"a": np.full(size, 1, "u1")}, data={"domain.b": np.full(size, 2, "u1")})


def forms():
    """Arrays of every form that a result may have."""
    base = np.arange(1_000_000, dtype="f8").reshape(1000, 1000)
    return {
        "columns first": np.asfortranarray(base),
        "every other": base[::2, ::3],
        "backwards": base[::-1],
        "big-endian": base.astype(">f8"),
        "dates": np.arange(100_000).astype("M8[s]"),
        "masked": np.ma.masked_array(base, base > 5),
        "empty": base[:0],
        "scalar": np.array(5.5),
        "small": np.arange(10),
        "list": [base[0].copy(), (base[1].copy(), {"deep": base.copy()})],
    }


@process(parallel=True)
def make_forms(ctx):
    return forms()


@process(parallel=True)
def make_mapped(ctx, path):
    return np.memmap(path, dtype="u1", mode="r")


@process(parallel=True)
def make_mapped_by_hand(ctx, path):
    """A view of a mapped file that NumPy does not know as one."""
    import mmap

    with open(path, "r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
        return np.frombuffer(memoryview(mapped), "u1")


@process(parallel=True, inputs=["heavy.m"], outputs=["heavy.again"])
def pass_on(ctx):
    return ctx.heavy["m"]


@process(parallel=True, inputs=["heavy.m"])
def pass_part(ctx):
    return ctx.heavy["m"][1000:]


@process(parallel=True, outputs=["heavy.m"])
def fill(ctx, size, value=7):
    """An array that was made to be handed over, and is written after that too."""
    array = ctx.alloc(size, "u1")
    assert not array.any()
    array[:] = value
    kept["handed over"] = array
    return array


@process(outputs=["heavy.m"])
def fill_here(ctx, size, value=7):
    array = ctx.alloc(size, "u1")
    array[:] = value
    return array


@process(parallel=True)
def write_on(ctx):
    kept["handed over"][:] = 99
    return int(kept["handed over"][0])


@process(parallel=True)
def many(ctx, count, size):
    return [np.full(size, number % 251, "u1") for number in range(count)]


@process(parallel=True)
def die_with(ctx, size):
    """A result whose memory is gone when the engine looks, as often as not."""
    import threading

    threading.Timer(0.0, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return np.full(size, 7, "u1")


@process(parallel=True)
def kept_big(ctx, size):
    """The same array each time, so that nothing is timed but the way."""
    if "big" not in kept:
        kept["big"] = np.full(size, 7, "u1")
    return kept["big"]


@process(parallel=True, inputs=["domain.count"], outputs=["heavy.m"])
def fill_again(ctx, size, value):
    """The same buffer each time, made to be handed over once."""
    if "again" not in kept:
        kept["again"] = ctx.alloc(size, "u1")
    kept["again"][:] = value
    return kept["again"]


@process(parallel=True, inputs=["heavy"], outputs=["domain.copy"])
def pass_empty(ctx):
    return ctx.heavy["empty"]


@process(parallel=True, inputs=["heavy"])
def keep_from_a_thread(ctx, names, wait):
    """A thread reads arrays while the task ends, and keeps them with the value that they had."""
    import threading
    import time

    mine = kept.setdefault("threads", [])
    heavy = ctx.heavy

    def read():
        try:
            for name in names:
                array = heavy[name]
                mine.append((array, int(array[0])))
        except BaseException:
            pass  # the task has ended

    threading.Thread(target=read).start()
    end = time.perf_counter() + wait
    while time.perf_counter() < end:
        time.sleep(0)


@process(parallel=True)
def changed_since(ctx):
    """How many of them are there, and how many have changed."""
    arrays = kept.get("threads", [])
    changed = sum(bool((array != value).any()) for array, value in arrays)
    found = len(arrays), changed
    arrays.clear()
    return found


@process(parallel=True)
def mixed_keys(ctx, size):
    return {"a": np.full(size, 7, "u1"), 1: 2}
