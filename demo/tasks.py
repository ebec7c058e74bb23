"""The two processes that the engine's workers run.

What: `find_palette` commits the colours of one photograph, `draw_tile` commits one tile and adds it to the
summary of its sheet.
What not: the engine is never called from here; a worker reads its snapshot and hands back an update.
Invariant: a task is pure, so running it again after a conflict or a crash is safe. The one exception is
deliberate: the doomed tile waits to be killed on its first attempt.
"""

import os
import signal

import features
from theus import StateUpdate, process


@process(parallel=True, inputs=["heavy.photos"], outputs=["domain.palettes"])
def find_palette(ctx, photo, first, last):
    """The colours of one photograph, from the tiles `first` to `last` (not included)."""
    colours = features.palette(ctx.heavy["photos"][first:last, ::4, ::4])
    return StateUpdate(key=f"domain.palettes.{photo}", val=colours.tolist())


@process(
    parallel=True,
    inputs=["heavy.photos", "domain.palettes", "domain.sheets"],
    outputs=["tiles", "domain.sheets"],
)
def draw_tile(ctx, key, photo, sheet, first, last, size, number, doom=None):
    """One tile as a cartoon, and the sheet's summary with this tile counted in.

    It reads the whole photograph, the tiles `first` to `last` (not included) of the array in the heavy zone: a view
    of shared memory, nothing is copied or sent. The tile is `number` of them.

    The summary is read from the snapshot and written back one higher: two tasks of one sheet that run at the
    same time would lose a count, so the engine refuses the second commit and runs that task again.
    """
    colours = ctx.domain["palettes"][photo]
    picture, edges = features.draw(ctx.heavy["photos"][first:last], size, number, colours)
    if doom is not None:
        _wait_for_the_kill(doom)
    summary = ctx.domain["sheets"][sheet]
    return StateUpdate(
        data={
            f"tiles.{key}": {"picture": picture, "edges": edges},
            f"domain.sheets.{sheet}": {"tiles": summary["tiles"] + 1, "edges": summary["edges"] + edges},
        }
    )


def _wait_for_the_kill(doom):
    """On the first attempt: tell the process id through the pipe in folder `doom`, then wait for SIGKILL."""
    try:
        os.close(os.open(os.path.join(doom, "attempted"), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    with open(os.path.join(doom, "pid"), "w") as pipe:
        pipe.write(str(os.getpid()))
    while True:
        signal.pause()
