"""Row F12: allocate, fill and free 8 MB of shared memory, again and again.

What not: attaching and reading are part of F6.
"""

from rivals import shared_memory
from rounds import race, timed
from row import Row

SIZE = 8 << 20


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
    return [row]


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
