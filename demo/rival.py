"""The same work through `ProcessPoolExecutor`, in two ways.

What: `pickled` sends each task what its function takes: the whole photograph, as a pickle. `held` is kinder: the
pool's initializer gets the whole array, pickled once per worker, and keeps it in a global; tasks send numbers
only. That is what a careful user writes by hand for an array that never changes. Both run as many workers, the
same functions on the same tiles in the same order. Nothing is committed, audited, killed or recovered here.
What not: no use of the engine. No rival made for this one feature either: a first pass over the photographs that
boils their colours down would leave little to send.
Invariant: worker processes import NumPy, `features` and what it needs, and no Pillow, as the engine's workers do.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

import numpy as np

import features
from bar import Bar

_held = None


def pickled(stack, prints, order, workers):
    """Returns `(seconds, pictures)`: from the pool's construction to the last result."""
    plain = stack.view(np.ndarray)  # a plain array travels as a pickle, an array of the heavy zone would not

    def palette(pool, first, last):
        return pool.submit(features.palette, plain[first:last, ::4, ::4])

    def draw(pool, of, *rest):
        return pool.submit(features.draw, plain[of.first : of.last], *rest)

    return _run("pickled", palette, draw, prints, order, workers)


def held(stack, prints, order, workers):
    """Returns `(seconds, pictures)`, as `pickled` does; sending the array to the workers is in the time."""

    def palette(pool, first, last):
        return pool.submit(_palette, first, last)

    def draw(pool, of, *rest):
        return pool.submit(_draw, of.first, of.last, *rest)

    plain = stack.view(np.ndarray)
    return _run("held", palette, draw, prints, order, workers, initializer=_hold, initargs=(plain,))


def _run(label, palette, draw, prints, order, workers, **options):
    import photos  # here, so that the workers of `held` do not spend time on importing Pillow

    started = time.perf_counter()
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), **options) as pool:
        palettes = {photo: palette(pool, first, last) for photo, first, last in photos.unscaled(prints)}
        palettes = {photo: future.result() for photo, future in palettes.items()}
        futures = {}
        for tile in order:
            of = prints[tile.photo, tile.scale]
            future = draw(pool, of, (of.height, of.width), tile.index - of.first, palettes[tile.photo])
            futures[future] = tile.key
        pictures = {}
        bar = Bar(label, len(order))
        for future in as_completed(futures):
            pictures[futures[future]] = future.result()[0]
            bar.step()
        seconds = time.perf_counter() - started
        bar.done()
    return seconds, pictures


def _hold(stack):
    global _held
    _held = stack


def _palette(first, last):
    return features.palette(_held[first:last, ::4, ::4])


def _draw(first, last, *rest):
    return features.draw(_held[first:last], *rest)
