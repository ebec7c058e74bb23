"""Picture features: colour clusters and edges, in plain NumPy.

What: `palette` finds the colours of a photograph, `draw` turns a tile into a cartoon (flat colours,
dark edges). Both are pure functions, shared by the engine's workers and by the rival, so that both do
the same work.
What not: nothing about engines, processes or files; nothing but NumPy is imported.
Invariant: equal input gives equal bytes, on any worker.
"""

import zlib

import numpy as np

COLOURS = 10
INK = COLOURS  # the index of the edge colour, right behind the palette
EDGE_STRENGTH = 0.16


def palette(pixels):
    """The `COLOURS` main colours of some RGB pixels: k-means, Lloyd's rounds.

    Starts from colours far from each other (Gonzalez, 1985), so small but striking areas get a colour too.
    Returns a (COLOURS, 3) uint8 array, dark to bright.
    """
    sample = np.ascontiguousarray(pixels).reshape(-1, 3).astype(np.float32)
    sample = sample[:: max(1, len(sample) // 6000)]
    centres = _far_apart(sample)
    for _ in range(12):
        nearest = _nearest(sample, centres)
        for index in range(COLOURS):
            members = sample[nearest == index]
            if len(members):
                centres[index] = members.mean(axis=0)
    brightness = centres @ np.array([0.30, 0.59, 0.11], np.float32)
    return centres[np.argsort(brightness)].astype(np.uint8)


def draw(tile, colours):
    """A tile as a cartoon: `(picture, edges)`.

    `tile` is an (n, n, 3) uint8 array, `colours` a palette. `picture` holds zlib-packed palette indices of
    the tile at half its size, `edges` is the share of its pixels that lie on an edge.
    """
    smooth = _blur(_blur(tile.astype(np.float32)))
    indices = _nearest(smooth.reshape(-1, 3), np.asarray(colours, np.float32)).reshape(tile.shape[:2])
    edges = _edges(smooth)
    half = indices[::2, ::2].astype(np.uint8)
    inked = edges[::2, ::2] | edges[1::2, ::2] | edges[::2, 1::2] | edges[1::2, 1::2]
    half[inked] = INK
    return zlib.compress(half.tobytes(), 6), float(edges.mean())


def unpack(picture, size):
    """The palette indices in a `picture` of `draw`, as a (size, size) uint8 array."""
    return np.frombuffer(zlib.decompress(picture), np.uint8).reshape(size, size)


def _far_apart(sample):
    centres = [sample.mean(axis=0)]
    distance = np.full(len(sample), np.inf, np.float32)
    for _ in range(COLOURS - 1):
        distance = np.minimum(distance, ((sample - centres[-1]) ** 2).sum(axis=1))
        centres.append(sample[int(distance.argmax())])
    return np.array(centres, np.float32)


def _nearest(points, centres):
    # |p - c|^2 without |p|^2, which is the same for every centre.
    return ((centres**2).sum(axis=1) - 2.0 * (points @ centres.T)).argmin(axis=1)


def _blur(image):
    # A 5x5 box: two passes of it come close to a Gaussian, and no border is lost.
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="edge")
    rows = sum(padded[step : step + image.shape[0]] for step in range(5))
    return sum(rows[:, step : step + image.shape[1]] for step in range(5)) / 25.0


def _edges(image):
    # Sobel's operator on the brightness, as a share of its largest possible answer.
    grey = np.pad(image @ np.array([0.30, 0.59, 0.11], np.float32), 1, mode="edge") / 255.0
    across = grey[:, 2:] - grey[:, :-2]
    down = grey[2:] - grey[:-2]
    x = across[:-2] + 2.0 * across[1:-1] + across[2:]
    y = down[:, :-2] + 2.0 * down[:, 1:-1] + down[:, 2:]
    return np.hypot(x, y) > 4.0 * EDGE_STRENGTH / 2.0
