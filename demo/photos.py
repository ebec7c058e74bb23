"""The demo's photographs: found inside scikit-image's wheel, scaled, cut into tiles.

What: `plan` says which tiles there are, `fill` writes their pixels into one big array, `contact_sheet`
puts the results beside the originals.
What not: nothing is downloaded, and nothing here knows of engines.
Invariant: the plan depends on its arguments alone, so tile number n is the same pixels in every run.
"""

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import features

TILE = 256
TILES_A_SHEET = 16
SCALES = (1.0, 2.0, 1.5, 2.5, 3.0, 3.5, 4.0)
NAMES = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "motorcycle_left.png",
    "hubble_deep_field.jpg",
    "retina.jpg",
    "ihc.png",
)
SHOWN = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "retina")  # two in a row
WIDTH, GAP = 1600, 8  # of the contact sheet
INK = (24, 20, 32)
PAPER = np.array([228.0, 226.0, 222.0])


@dataclass(frozen=True)
class Print:
    """One photograph at one scale: its tiles `first` to `last` (not included), its size in pixels."""

    first: int
    last: int
    height: int
    width: int

    @property
    def megabytes(self):
        """What its tiles hold, in 10^6 bytes."""
        return (self.last - self.first) * TILE * TILE * 3 / 1e6


@dataclass(frozen=True)
class Tile:
    """One square of one photograph at one scale; `index` is its place in the big array."""

    index: int
    key: str
    photo: str
    scale: float
    row: int
    column: int
    sheet: str


def plan(megabytes):
    """Tiles of all photographs at growing scales until they hold at least `megabytes` (10^6 bytes)."""
    tiles = []
    for scale in SCALES:
        for name in NAMES:
            _cut(tiles, name, scale)
            if len(tiles) * TILE * TILE * 3 >= megabytes * 1_000_000:
                return tiles
    raise SystemExit(f"demo: there are photographs for {len(tiles) * TILE * TILE * 3 // 10**6} MB, not for {megabytes}")


def fill(stack, tiles):
    """Write the pixels of `tiles` into `stack`, an array of shape (len(tiles), TILE, TILE, 3), uint8."""
    opened = (None, None)
    for tile in tiles:
        if opened[0] != (tile.photo, tile.scale):
            opened = ((tile.photo, tile.scale), _pixels(tile.photo, tile.scale))
        top, left = tile.row * TILE, tile.column * TILE
        square = opened[1][top : top + TILE, left : left + TILE]
        missing = ((0, TILE - square.shape[0]), (0, TILE - square.shape[1]), (0, 0))
        stack[tile.index] = np.pad(square, missing, mode="edge")


def sheets(tiles):
    """Tiles by sheet: neighbours of one photograph at one scale, at most TILES_A_SHEET of them."""
    grouped = {}
    for tile in tiles:
        grouped.setdefault(tile.sheet, []).append(tile)
    return grouped


def prints(tiles):
    """The photographs that `tiles` were cut from, by `(photo, scale)`."""
    spans = {}
    for tile in tiles:
        first, _ = spans.get((tile.photo, tile.scale), (tile.index, 0))
        spans[tile.photo, tile.scale] = (first, tile.index + 1)
    sizes = {key: _size(_name(key[0]), key[1]) for key in spans}
    return {key: Print(*span, height=sizes[key][1], width=sizes[key][0]) for key, span in spans.items()}


def unscaled(prints):
    """`(photo, first, last)` of each photograph at its own size, where its palette is taken from."""
    return [(photo, of.first, of.last) for (photo, scale), of in prints.items() if scale == 1.0]


def contact_sheet(tiles, pictures, palettes, path):
    """Save one picture: each shown photograph beside what the workers made of it.

    `pictures` maps tile keys to what `features.draw` returned, `palettes` photographs to their colours.
    """
    pairs = []
    for photo in SHOWN:
        made = _assemble(photo, tiles, pictures, palettes[photo])
        pairs += [Image.fromarray(_pixels(photo, 1.0)), made]
    rows = [_to_width(pairs[start : start + 4]) for start in range(0, len(pairs), 4)]
    height = sum(row[0].height + GAP for row in rows) + GAP
    canvas = Image.new("RGB", (WIDTH, height), (255, 255, 255))
    top = GAP
    for row in rows:
        left = GAP
        for image in row:
            canvas.paste(image, (left, top))
            left += image.width + GAP
        top += row[0].height + GAP
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)


def _cut(tiles, name, scale):
    photo = Path(name).stem
    width, height = _size(name, scale)
    first = len(tiles)
    for row in range(math.ceil(height / TILE)):
        for column in range(math.ceil(width / TILE)):
            index = len(tiles)
            sheet = f"{photo}-x{round(scale * 10):02d}-{(index - first) // TILES_A_SHEET:02d}"
            tiles.append(Tile(index, f"t{index:05d}", photo, scale, row, column, sheet))


def _name(photo):
    return next(name for name in NAMES if Path(name).stem == photo)


def _file(name):
    found = importlib.util.find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("demo: scikit-image is not installed; see demo/requirements.txt")
    path = Path(found.submodule_search_locations[0]) / "data" / name
    if not path.is_file():
        raise SystemExit(f"demo: this scikit-image does not hold {name}; see demo/requirements.txt")
    return path


def _size(name, scale):
    with Image.open(_file(name)) as image:
        return round(image.width * scale), round(image.height * scale)


def _pixels(photo, scale):
    name = _name(photo)
    with Image.open(_file(name)) as image:
        image = image.convert("RGB")
        if scale != 1.0:
            image = image.resize(_size(name, scale), Image.Resampling.BICUBIC)
        return np.asarray(image)


def _assemble(photo, tiles, pictures, palette):
    # Results have half the size of their tile, so those of scale 2 show the photograph at its own size.
    have = {tile.scale for tile in tiles if tile.photo == photo and tile.scale <= 2.0}
    scale = max(scale for scale in have if _complete(photo, scale, tiles))
    colours = _table(palette)
    mine = [tile for tile in tiles if tile.photo == photo and tile.scale == scale]
    half = TILE // 2
    rows, columns = max(tile.row for tile in mine) + 1, max(tile.column for tile in mine) + 1
    image = np.zeros((rows * half, columns * half, 3), np.uint8)
    for tile in mine:
        square = colours[features.unpack(pictures[tile.key], half)]
        image[tile.row * half :, tile.column * half :][:half, :half] = square
    width, height = (side // 2 for side in _size(_name(photo), scale))
    return Image.fromarray(image[:height, :width])


def _table(palette):
    # What each value of a picture looks like: salient colours as they are, the others fading into pale grey.
    palette = np.asarray(palette, np.float32)
    grey = palette @ np.array([0.30, 0.59, 0.11], np.float32)
    faded = 0.3 * grey[:, None] + 0.7 * PAPER
    strength = np.linspace(0.0, 1.0, features.LEVELS)[:, None, None]
    strength = strength**2 * (3.0 - 2.0 * strength)
    mixed = strength * palette + (1.0 - strength) * faded
    return np.vstack([mixed.reshape(-1, 3), [INK]]).astype(np.uint8)


def _complete(photo, scale, tiles):
    width, height = _size(_name(photo), scale)
    count = sum(tile.photo == photo and tile.scale == scale for tile in tiles)
    return count == math.ceil(width / TILE) * math.ceil(height / TILE)


def _to_width(row):
    # All images of a row get the height at which they fill the width together.
    room = WIDTH - GAP * (len(row) + 1)
    height = round(room / sum(image.width / image.height for image in row))
    widths = [round(image.width * height / image.height) for image in row]
    widths[-1] = room - sum(widths[:-1])  # takes what rounding left
    return [image.resize((width, height), Image.Resampling.LANCZOS) for image, width in zip(row, widths, strict=True)]
