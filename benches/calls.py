"""Row F7: one state-changing call in an ordinary process, in the calling thread and through `await`.

What not: no workers.
"""

import asyncio
from contextlib import ExitStack
from tempfile import TemporaryDirectory

import bare
from rounds import race, timed, timed_await
from row import Row

FEW = 10
MANY = 1_000_000


def rows(setting):
    """Measure `call` at 10 and at 1,000,000 keys, and `execute` against `asyncio.to_thread`."""
    call = Row("F7", f"call(inc), {FEW} keys in the state", "<= 10 us", 10.0)
    grows = Row("F7", f"call(inc), {MANY:,} keys", "<= 1.2", 1.2, rival=f"ours, {FEW} keys")
    disk = Row("F7", "call(inc), audit trail on disk", "-", None, rival="ours, trail in memory")
    hop = Row("F7", "await execute(inc)", "<= 1.3", 1.3, rival="asyncio.to_thread, bare")
    box = {"count": 0}
    loop = asyncio.new_event_loop()
    with ExitStack() as stack:
        stack.callback(loop.close)
        stack.callback(lambda: loop.run_until_complete(loop.shutdown_default_executor()))
        contenders = {"hop": timed_await(loop, lambda: asyncio.to_thread(bare.increment, box))}
        if setting.ours:
            contenders |= _ours(stack, loop)
        found = race(contenders, setting.rounds, setting.count)
    call.ours = grows.rivals = found.get("few")
    disk.ours, disk.rivals = found.get("disk"), found.get("few")
    grows.ours = found.get("many")
    hop.ours, hop.rivals = found.get("execute"), found["hop"]
    return [call, grows, disk, hop]


def _ours(stack, loop):
    import tasks
    from theus import TheusEngine

    engines = {}
    for keys in (FEW, MANY):
        engines[keys] = stack.enter_context(TheusEngine())
        filled = {f"key{number}": number for number in range(keys - 1)} | {"count": 0}
        engines[keys].compare_and_swap(0, data={"domain": filled})
    few, many = engines[FEW], engines[MANY]
    folder = stack.enter_context(TemporaryDirectory())
    disk = stack.enter_context(TheusEngine({"domain": {"count": 0}}, audit_path=f"{folder}/trail.theus"))
    return {
        "disk": timed(lambda: disk.call(tasks.increment)),
        "few": timed(lambda: few.call(tasks.increment)),
        "many": timed(lambda: many.call(tasks.increment)),
        "execute": timed_await(loop, lambda: few.execute(tasks.increment)),
    }
