"""Picture features: colour clusters, edges and saliency, in plain NumPy.

What: `palette` finds the colours of a photograph, `draw` turns a tile into a cartoon (flat colours where it
stands out from the photograph, dark edges). Both are pure functions, shared by the engine's workers and by
the rivals, so that all do the same work.
What not: nothing about engines, processes or files; nothing but NumPy is imported.
Invariant: equal input gives equal bytes, on any worker.
"""

import zlib

import numpy as np

import saliency

COLOURS = 10
LEVELS = 8  # of saliency in a picture
INK = LEVELS * COLOURS  # the value of an edge, right behind the others
MARGIN = 16  # pixels around a tile that are looked at too
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


def draw(photograph, size, number, colours):
    """Tile `number` of a photograph as a cartoon: `(picture, edges)`.

    `photograph` is an (n, t, t, 3) uint8 array, all tiles of one photograph row by row, `size` its
    `(height, width)`, `colours` a palette. All of the photograph is needed: how salient a pixel is depends on all
    the others. `picture` holds the zlib-packed tile at half its size, see `unpack`; `edges` is the share of its
    pixels that lie on an edge.
    """
    smooth = _blur(_blur(_with_margin(photograph, size, number).astype(np.float32)))
    quarter = smooth[::4, ::4]
    salient = saliency.stand_out(photograph, size, quarter.reshape(-1, 3)).reshape(quarter.shape[:2])
    salient = _blur(salient[..., None].repeat(2, axis=0).repeat(2, axis=1))[..., 0]
    edges = _edges(smooth)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    inked = edges[::2, ::2] | edges[1::2, ::2] | edges[::2, 1::2] | edges[1::2, 1::2]
    half = smooth[MARGIN:-MARGIN:2, MARGIN:-MARGIN:2]
    indices = _nearest(half.reshape(-1, 3), np.asarray(colours, np.float32)).reshape(half.shape[:2])
    inner = MARGIN // 2
    levels = (salient[inner:-inner, inner:-inner] * (LEVELS - 1) + 0.5).astype(np.uint8)
    picture = levels * COLOURS + indices.astype(np.uint8)
    picture[inked] = INK
    return zlib.compress(picture.tobytes(), 6), float(edges.mean())


def unpack(picture, size):
    """What is in a `picture` of `draw`, as a (size, size) uint8 array.

    A value is `level * COLOURS + colour`: how salient (0 to LEVELS - 1) and which colour; or INK.
    """
    return np.frombuffer(zlib.decompress(picture), np.uint8).reshape(size, size)


def _with_margin(photograph, size, number):
    # The tile with MARGIN pixels of its neighbours around it, so that blurs and edges do not end at its border.
    side = photograph.shape[1]
    row, column = divmod(number, -(-size[1] // side))
    around = np.arange(-MARGIN, side + MARGIN)
    down = np.clip(row * side + around, 0, size[0] - 1)[:, None]
    across = np.clip(column * side + around, 0, size[1] - 1)
    tile = down // side * -(-size[1] // side) + across // side
    return photograph[tile, down % side, across % side]


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
