"""The demo's acts in order: photographs into the heavy zone, the engine, the rivals, the table, the picture.

What not: no picture work and no process bodies; see `features`, `photos`, `tasks`.
"""

import argparse
import os
import sys
from pathlib import Path

SMALLEST = 16  # every photograph at its own size
TOGETHER = 8  # every eighth sheet hands out its tiles in pairs


def main(arguments=None):
    """Run the demo; the exit code is 0 if every tile was committed exactly once."""
    options = _options(arguments)
    _environment(options.megabytes)
    import numpy as np

    import brain
    import photos
    import rival
    import verdict
    from theus import TheusEngine

    tiles = photos.plan(options.megabytes)
    by_sheet = photos.sheets(tiles)
    with TheusEngine(pool_size=options.workers) as engine:
        shape = (len(tiles), photos.TILE, photos.TILE, 3)
        stack = engine.heavy.alloc("photos", shape=shape, dtype=np.uint8)
        print(f"{len(tiles)} tiles of {len(photos.NAMES)} photographs: {stack.nbytes / 1e6:.1f} MB", file=sys.stderr)
        photos.fill(stack, tiles)
        empty = {name: {"tiles": 0, "edges": 0.0} for name in by_sheet}
        engine.compare_and_swap(engine.state.version, data={"domain": {"sheets": empty}}, heavy={"photos": stack})
        order = visiting_order(by_sheet)
        prints = photos.prints(tiles)
        run = brain.run(engine, prints, order, options.workers)
        state = engine.state
        rivals = {way.__name__: way(stack, prints, order, options.workers) for way in (rival.pickled, rival.held)}
        found = verdict.faults(run, state, tiles, {name: pictures for name, (_, pictures) in rivals.items()})
        seconds = {name: seconds for name, (seconds, _) in rivals.items()}
        print(verdict.table(run, state, tiles, prints, options.workers, seconds))
        palettes = state.data["domain"]["palettes"]
        drawn = {key: tile["picture"] for key, tile in state.data["tiles"].items()}
    if not found:
        picture = Path(options.out) / "photos.png"
        photos.contact_sheet(tiles, drawn, palettes, picture)
        print(f"\nEvery tile was committed exactly once. Picture: {picture}")
        return 0
    for sentence in found:
        print(f"demo: {sentence}", file=sys.stderr)
    return 1


def visiting_order(by_sheet):
    """All tiles, sheet after sheet one at a time, so that neighbours in time rarely share a sheet.

    Each TOGETHER-th sheet gives two at once: these two want the same summary at the same time, so real
    conflicts happen, but only so many.
    """
    order = []
    longest = max(map(len, by_sheet.values()))
    for step in range(longest):
        for number, members in enumerate(by_sheet.values()):
            if number % TOGETHER:
                order += members[step : step + 1]
            elif step % 2 == 0:
                order += members[step : step + 2]
    return order


def _environment(megabytes):
    # One thread per worker for both sides, or NumPy's own threads fight over the cores.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ.setdefault("THEUS_USE_PROCESSES", "1")
    os.environ.setdefault("THEUS_HEAP_SIZE", str(max(512, 2 * megabytes)))


def _options(arguments):
    parser = argparse.ArgumentParser(description="Cartoons of photographs, one commit per tile.")
    parser.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 2))
    parser.add_argument("--megabytes", type=int, default=128, help="size of the array in the heavy zone")
    parser.add_argument("--out", default="demo-out", help="folder for the picture")
    parser.add_argument("--quick", action="store_true", help=f"{SMALLEST} MB instead, to see whether it runs")
    options = parser.parse_args(arguments)
    if options.quick:
        options.megabytes = SMALLEST
    if options.workers < 1 or options.megabytes < SMALLEST:
        parser.error(f"--workers must be at least 1, --megabytes at least {SMALLEST} (each photograph once)")
    return options
