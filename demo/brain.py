"""The engine's side of the demo: submit the tasks, kill one worker on the way, keep the audit records.

What: `run` gives every tile to `engine.submit`, a few at a time, and returns what happened.
What not: judges nothing; that is `verdict`.
Invariant: one task per tile is submitted, whatever dies.
"""

import os
import shutil
import signal
import tempfile
import threading
import time
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field

import photos
import tasks
from bar import Bar

IN_FLIGHT = 8  # tasks per worker that are submitted and not yet committed: enough that no worker waits for the loop


@dataclass
class Run:
    """What one run left behind. `records` are all audit records, by their number."""

    seconds: float = 0.0
    killed: list = field(default_factory=list)
    records: dict = field(default_factory=dict)


def run(engine, prints, order, workers):
    """Draw all tiles through the engine; the tile in the middle of `order` has its worker killed."""
    result = Run()
    doom = tempfile.mkdtemp(prefix="theus-demo-")
    try:
        with_doom = {order[len(order) // 2].key: doom}
        bar = Bar("theus", len(order))
        _kill_who_reports(doom, bar, result)
        started = time.perf_counter()
        palettes = [
            engine.submit(tasks.find_palette, photo=photo, first=first, last=last)
            for photo, first, last in photos.unscaled(prints)
        ]
        for future in palettes:
            future.result()
        _draw_all(engine, prints, order, with_doom, IN_FLIGHT * workers, bar, result)
        result.seconds = time.perf_counter() - started
        bar.done()
    finally:
        shutil.rmtree(doom, ignore_errors=True)
    return result


def _draw_all(engine, prints, order, with_doom, in_flight, bar, result):
    # Waiting tasks cost no conflicts: the snapshot is taken when a worker starts an attempt, not at submission.
    pending = set()
    waiting = iter(order)
    while True:
        while len(pending) < in_flight:
            tile = next(waiting, None)
            if tile is None:
                break
            of = prints[tile.photo, tile.scale]
            future = engine.submit(
                tasks.draw_tile,
                key=tile.key,
                photo=tile.photo,
                sheet=tile.sheet,
                first=of.first,
                last=of.last,
                size=(of.height, of.width),
                number=tile.index - of.first,
                doom=with_doom.get(tile.key),
            )
            pending.add(future)
        if not pending:
            break
        finished, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in finished:
            future.result()
            bar.step()
        _collect(engine, result.records)
    _collect(engine, result.records)


def _collect(engine, records):
    # Asked for piece by piece, because the trail keeps only the newest records in memory.
    newest = max(records, default=None)
    for record in engine.audit.records(since=newest):
        records[record.number] = record


def _kill_who_reports(doom, bar, result):
    """A thread that waits for the doomed worker's process id and kills it."""
    pipe = os.path.join(doom, "pid")
    os.mkfifo(pipe)

    def wait_and_kill():
        with open(pipe) as report:
            pid = int(report.read() or 0)
        if pid:
            os.kill(pid, signal.SIGKILL)
            result.killed.append(pid)
            bar.note(f"kill -9 {pid}: a worker in the middle of a tile")

    threading.Thread(target=wait_and_kill, daemon=True).start()
