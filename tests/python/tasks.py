"""The processes that the suites run in workers.

What not: no pytest and no NumPy at import, so that a worker starts fast and works without either.
"""

import os
import threading

from theus import StateUpdate, process


class BadDay(Exception):
    """An exception with attributes of its own."""

    def __init__(self, day, code):
        super().__init__(day, code)
        self.day = day
        self.code = code


class Stubborn(Exception):
    """An exception that cannot be pickled."""

    def __reduce__(self):
        raise TypeError("a Stubborn stays where it is")


def meet(folder):
    """On the first call for `folder`: say which process this is, then wait at the gate. Later: go through."""
    try:
        os.close(os.open(os.path.join(folder, "first"), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    written = os.path.join(folder, "pid.new")
    with open(written, "w") as file:
        file.write(str(os.getpid()))
    os.rename(written, os.path.join(folder, "pid"))
    with open(os.path.join(folder, "gate")):
        pass


@process(parallel=True)
def nothing(ctx):
    """No input, no output."""


@process(parallel=True, inputs=["domain.count"], outputs=["domain.count"])
def count_at_meetings(ctx, folders):
    """One more than it has read; each attempt waits at its own gate in between."""
    seen = ctx.domain.count
    meet(folders[ctx.attempt - 1])
    return seen + 1


@process(parallel=True)
def who(ctx):
    """Facts about the worker's process."""
    with open("/proc/self/cmdline", "rb") as file:
        command = file.read()
    return {"pid": os.getpid(), "parent": os.getppid(), "command": command}


@process(parallel=True)
def echo(ctx, value):
    """What it was given."""
    return value


@process(parallel=True)
def arguments(ctx, first, second=2, *, third=3):
    """Its own arguments, and what `ctx` shows of them."""
    return {"bound": (first, second, third), "domain": dict(ctx.domain), "input": dict(ctx.input)}


@process(parallel=True, inputs=["domain.count"], outputs=["domain.count"])
def add(ctx, amount=1):
    """A counter from the snapshot, `amount` higher."""
    return ctx.domain["count"] + amount


@process(parallel=True, inputs=["domain.count"], outputs=["domain.count"])
def add_after_meeting(ctx, folder):
    """Like `add`, but waits between reading and returning on its first attempt."""
    count = ctx.domain["count"]
    meet(folder)
    return count + 1


@process(parallel=True, outputs=["domain.done"])
def finish_after_meeting(ctx, folder, name):
    """Commits its own process id under `domain.done.<name>`; the first attempt waits at the gate."""
    meet(folder)
    return StateUpdate(key=f"domain.done.{name}", val=os.getpid())


@process(parallel=True, outputs=["domain.done"], crash_retries=0)
def finish_or_crash(ctx, folder, name):
    """Like `finish_after_meeting`, without a second chance."""
    meet(folder)
    return StateUpdate(key=f"domain.done.{name}", val=os.getpid())


@process(parallel=True)
def die(ctx, signal_number):
    """Kills its own process at each attempt."""
    os.kill(os.getpid(), signal_number)


@process(parallel=True)
def leave(ctx, code):
    """Ends its own process without an answer at each attempt."""
    os._exit(code)


@process(parallel=True)
def divide(ctx, dividend, divisor):
    """Fails when the divisor is zero."""
    return dividend / divisor


@process(parallel=True)
def have_a_bad_day(ctx):
    """Fails with an exception of this module."""
    raise BadDay("monday", 13)


@process(parallel=True)
def be_stubborn(ctx):
    """Fails with an exception that cannot travel."""
    raise Stubborn("not coming with you")


@process(parallel=True)
def unsendable_result(ctx):
    """Returns what cannot travel."""
    return {"lock": threading.Lock()}


@process(parallel=True, outputs=["domain.score"])
def write_elsewhere(ctx):
    """Returns an update of a path that it did not declare."""
    return StateUpdate(key="domain.price", val=1)


@process(parallel=True, outputs=["domain.left", "domain.right"])
def two_outputs(ctx, value):
    """Returns its argument for two outputs."""
    return value


@process(parallel=True, outputs=["domain.score"])
def one_output(ctx, value):
    """Returns its argument for one output."""
    return value


@process(parallel=True)
def free_update(ctx, update):
    """Returns the StateUpdate made of its keywords; omitted outputs allow it."""
    return StateUpdate(**update)


@process(parallel=True, outputs=[])
def no_outputs(ctx):
    """Returns an update although nothing may be written."""
    return StateUpdate(key="score", val=1)


@process(parallel=True)
def mutate(ctx):
    """Tries to change its context."""
    ctx.domain["count"] = 99


@process(parallel=True)
def read_twice(ctx, folder):
    """The counter before and after a meeting, from the same snapshot."""
    before = ctx.domain["count"]
    meet(folder)
    return (before, ctx.domain["count"])


@process(parallel=True)
async def wait_a_turn(ctx, value):
    """An `async def` runs on the worker's own loop."""
    import asyncio

    await asyncio.sleep(0)
    return value


@process(parallel=True, outputs=["domain.*"])
def any_domain(ctx, name, value):
    """A plain value for a path of the domain."""
    return {f"domain.{name}": value}
