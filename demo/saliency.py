"""Saliency: how much the pixels of one tile stand out from the whole photograph.

What: `stand_out` compares colours with all colours of the photograph. A colour is salient if it is far from
the others, each weighted by how often it occurs (histogram contrast: Cheng et al., "Global contrast based
salient region detection", CVPR 2011), and if it lies close together instead of all over the picture (spatial
distribution: Perazzi et al., "Saliency filters", CVPR 2012).
What not: nothing about engines, processes or files; nothing but NumPy is imported.
Invariant: the answer for a colour depends on the photograph alone, so neighbouring tiles fit without a seam.
"""

import numpy as np

STRIDE = 8  # every eighth pixel of every eighth row is looked at: a sample from all over the photograph
STEPS = 12  # of each of red, green, blue in the histogram
SOFTNESS = 20.0  # how far, in steps of 0 to 255, a colour still counts as like another
RARE = 0.0005  # a share of the photograph below which a colour is noise
SPREAD = 0.8  # how much lying all over the picture counts against a colour
STEP_OF = (np.arange(256) * STEPS // 256).astype(np.int16)

# Brightness, red against green, blue against yellow: distances there are closer to what the eye sees than in RGB.
OPPONENT = np.array([[0.30, 0.59, 0.11], [0.71, -0.71, 0.0], [0.41, 0.41, -0.82]], np.float32).T
EMPHASIS = np.array([0.5, 1.4, 1.6], np.float32)


def stand_out(photograph, size, pixels):
    """How salient `pixels` are in the photograph: an (m,) float32 array, 0 (like all the rest) to 1.

    `photograph` is an (n, t, t, 3) uint8 array, all tiles of one photograph row by row, `size` its
    `(height, width)` without what the last tiles hold beyond it; `pixels` is (m, 3).
    """
    colours, shares, spreads = _histogram(photograph, size)
    colours = _opponent(colours)
    squares = _squares(colours, colours)
    contrast = np.sqrt(squares) @ shares
    # Colours that are alike answer alike, however the histogram cut them apart (Cheng et al., section 3.3).
    alike = np.exp(squares / (-2.0 * SOFTNESS**2)) * shares
    alike /= alike.sum(axis=1, keepdims=True)
    salient = _stretched(alike @ contrast, shares) * np.exp(-SPREAD * _stretched(alike @ spreads, shares))
    salient = _stretched(salient, shares)
    near = np.exp(_squares(_opponent(pixels), colours) / (-2.0 * SOFTNESS**2)) + np.float32(1e-9)
    return (near @ (salient * shares) / (near @ shares)).astype(np.float32)


def _histogram(photograph, size):
    # The colours that occur, their shares of the photograph, and how far each is spread over it.
    sample = STEP_OF[photograph[:, ::STRIDE, ::STRIDE]]
    down, across = _positions(photograph, size)
    inside = (down < 1.0)[:, :, None] & (across < 1.0)[:, None, :]
    codes = (sample[..., 0] * STEPS + sample[..., 1]) * STEPS + sample[..., 2]
    codes = codes[inside]
    counts = np.bincount(codes, minlength=STEPS**3)
    variance = 0.0
    for axis in (down[:, :, None], across[:, None, :]):
        place = np.broadcast_to(axis, inside.shape)[inside]
        mean = np.bincount(codes, place, STEPS**3) / np.maximum(counts, 1)
        variance = variance + np.bincount(codes, place * place, STEPS**3) / np.maximum(counts, 1) - mean**2
    kept = np.flatnonzero(counts >= RARE * len(codes))
    steps = np.stack([kept // STEPS**2, kept // STEPS % STEPS, kept % STEPS], axis=1)
    colours = ((steps + 0.5) * (256 / STEPS)).astype(np.float32)
    shares = (counts[kept] / counts[kept].sum()).astype(np.float32)
    return colours, shares, np.sqrt(np.maximum(variance[kept], 0.0)).astype(np.float32)


def _positions(photograph, size):
    # Of each sampled row and column of each tile: where in the photograph, 0 to 1 (beyond 1: not in it).
    side = photograph.shape[1]
    columns = -(-size[1] // side)
    row, column = np.divmod(np.arange(len(photograph)), columns)
    steps = np.arange(0, side, STRIDE)
    return (row[:, None] * side + steps) / size[0], (column[:, None] * side + steps) / size[1]


def _opponent(colours):
    return (np.asarray(colours, np.float32) @ OPPONENT) * EMPHASIS


def _squares(these, those):
    # Squared distances; rounding may take |a|^2 + |b|^2 - 2ab a little below zero.
    sums = (these**2).sum(axis=1)[:, None] + (those**2).sum(axis=1)
    return np.maximum(sums - 2.0 * (these @ those.T), 0.0)


def _stretched(values, shares):
    # To 0..1: as low as a tenth of the photograph is 0, as high as a tenth of it is 1.
    order = np.argsort(values)
    below = np.cumsum(shares[order])
    last = len(order) - 1
    low, high = (values[order[min(int(np.searchsorted(below, share)), last)]] for share in (0.1, 0.9))
    return np.clip((values - low) / max(high - low, np.float32(1e-6)), 0.0, 1.0)
