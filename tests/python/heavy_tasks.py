"""Processes that look at arrays of the heavy zone, from inside a worker.

What not: NumPy is imported inside the bodies only, so the module serves a worker without NumPy too.
"""

import ctypes
import os

from theus import StateUpdate, process

PROT_READ, PROT_WRITE = 1, 2


@process(parallel=True)
def total(ctx, name):
    """The sum of an array."""
    return int(ctx.heavy[name].sum())


@process(parallel=True)
def describe(ctx, name):
    """Type, shape, dtype and flags of an array as the worker sees it."""
    import numpy as np

    array = ctx.heavy[name]
    return {
        "ndarray": isinstance(array, np.ndarray),
        "shape": array.shape,
        "dtype": array.dtype.str,
        "writeable": bool(array.flags.writeable),
    }


@process(parallel=True)
def write_item(ctx, name):
    """Assigns to an element."""
    ctx.heavy[name][0] = 1


@process(parallel=True)
def lift_flag(ctx, name):
    """Asks NumPy to make the array writable."""
    ctx.heavy[name].setflags(write=True)


@process(parallel=True)
def mapping_of(ctx, name):
    """The line of /proc/self/maps that holds the array's first byte."""
    array = ctx.heavy[name]  # held, so that its mapping stays
    address = array.ctypes.data
    with open("/proc/self/maps") as file:
        for line in file:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            if first <= address < last:
                return line
    return ""


@process(parallel=True)
def unprotect(ctx, name):
    """Asks the kernel to make the page of the array writable; returns (result, errno)."""
    libc = ctypes.CDLL(None, use_errno=True)
    page = os.sysconf("SC_PAGE_SIZE")
    array = ctx.heavy[name]  # held, so that its mapping stays
    address = array.ctypes.data & ~(page - 1)
    result = libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(page), PROT_READ | PROT_WRITE)
    return (result, ctypes.get_errno())


@process(parallel=True, crash_retries=0)
def poke(ctx, name):
    """Writes to the array's memory past NumPy."""
    array = ctx.heavy[name]  # held, so that its mapping stays
    ctypes.memset(array.ctypes.data, 1, 1)


@process(parallel=True)
def first_item(ctx, name, position):
    """One element through the buffer protocol: works with and without NumPy."""
    view = memoryview(ctx.heavy[name])
    return {"item": view[tuple(position)], "readonly": view.readonly, "shape": view.shape, "format": view.format}


@process(parallel=True)
def has_numpy(ctx):
    """Whether NumPy can be imported here."""
    try:
        import numpy  # noqa: F401
    except ImportError:
        return False
    return True


@process(parallel=True, inputs=["heavy.pixels"], outputs=["domain.mean"])
def mean(ctx):
    """A small result computed from a big array."""
    return StateUpdate(key="domain.mean", val=float(ctx.heavy["pixels"].mean()))


@process(parallel=True)
def change_scratch(ctx, name):
    """Writes into a private view; returns the first element of that and of the array."""
    array = ctx.heavy[name]
    mine = array.scratch()
    mine[0, 0] = 99
    return (int(mine[0, 0]), int(array[0, 0]))


@process(parallel=True)
def shm_name(ctx, name):
    """The name of an array's memory."""
    return ctx.heavy[name].shm.name


@process(parallel=True)
def unlink(ctx, name):
    """Tries to free an array that belongs to the engine's process."""
    ctx.heavy[name].shm.unlink()
