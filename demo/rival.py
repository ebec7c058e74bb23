"""The same work through `ProcessPoolExecutor`: each task gets its pixels as a pickled array.

What: as many workers, the same functions on the same tiles in the same order. Nothing is committed, audited
or killed here, so the rival does strictly less.
What not: no use of the engine.
Invariant: worker processes import `features` (NumPy) and nothing else of the demo.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

import numpy as np

import features
from bar import Bar


def run(stack, palette_ranges, order, workers):
    """Returns `(seconds, pictures)`: from the pool's construction to the last result."""
    plain = stack.view(np.ndarray)  # a plain array travels as a pickle, an array of the heavy zone would not
    started = time.perf_counter()
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        palettes = {
            photo: pool.submit(features.palette, plain[first:last, ::4, ::4])
            for photo, (first, last) in palette_ranges.items()
        }
        palettes = {photo: future.result() for photo, future in palettes.items()}
        futures = {pool.submit(features.draw, plain[tile.index], palettes[tile.photo]): tile.key for tile in order}
        pictures = {}
        bar = Bar("pickled", len(order))
        for future in as_completed(futures):
            pictures[futures[future]] = future.result()[0]
            bar.step()
        seconds = time.perf_counter() - started
        bar.done()
    return seconds, pictures
