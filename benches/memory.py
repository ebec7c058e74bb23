"""Row F12: allocate, fill and free 8 MB of shared memory, again and again; and allocating alone, at other sizes.

What not: attaching and reading are part of F6.
"""

from rivals import shared_memory
from rounds import race, timed
from row import Row

SIZE = 8 << 20
OTHERS = {"4 KiB": 4 << 10, "1 MiB": 1 << 20, "64 MiB": 64 << 20}


def rows(setting):
    """Measure ours against `multiprocessing.shared_memory`, and warm private memory as the floor."""
    row = Row("F12", "heavy: alloc + fill + free 8 MB", "<= 1/15", 1 / 15, rival="SharedMemory")
    contenders = {"shared": shared_memory(SIZE), "floor": timed(_fill_private())}
    count = max(3, setting.count // 10)
    if not setting.ours:
        found = race(contenders, setting.rounds, count)
    else:
        from theus import TheusEngine

        with TheusEngine() as engine:
            found = race(contenders | {"ours": timed(_cycle(engine))}, setting.rounds, count)
        row.ours = found["ours"]
    row.rivals = found["shared"]
    row.note = f"filling 8 MB of warm private memory took {found['floor']:.1f} us in the same run"
    return [row, *(alone for text, size in OTHERS.items() for alone in _alone(setting, text, size))]


def _alone(setting, text, size):
    """Zeroed memory taken and given back, never touched by the caller: named segments and malloc need not touch it either."""
    import numpy as np

    named = Row("F12", f"heavy: alloc + free {text}, zeroed", "-", None, rival="SharedMemory create + unlink")
    private = Row("F12", "the same", "-", None, rival="np.zeros, private")
    contenders = {"named": _named(size), "private": timed(lambda: np.zeros(size, np.uint8))}
    count = max(3, setting.count // 10)
    if setting.ours:
        from theus import TheusEngine

        with TheusEngine() as engine:
            ours = timed(lambda: engine.heavy.alloc("scratch", shape=(size,), dtype=np.uint8))
            found = race(contenders | {"ours": ours}, setting.rounds, count)
        named.ours = private.ours = found["ours"]
    else:
        found = race(contenders, setting.rounds, count)
    named.rivals, private.rivals = found["named"], found["private"]
    return [named, private]


def _named(size):
    from multiprocessing.shared_memory import SharedMemory

    def once():
        segment = SharedMemory(create=True, size=size)
        segment.close()
        segment.unlink()

    return timed(once)


def _cycle(engine):
    import numpy as np

    def once():
        array = engine.heavy.alloc("scratch", shape=(SIZE,), dtype=np.uint8)
        array[:] = 7
        del array  # the last reference: the block goes back to the arena

    return once


def _fill_private():
    import numpy as np

    array = np.zeros(SIZE, np.uint8)

    def once():
        array[:] = 7

    return once
