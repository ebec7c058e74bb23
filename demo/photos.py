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
SHOWN = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "retina")
INK = (24, 20, 32)


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


def contact_sheet(tiles, pictures, palettes, path):
    """Save one picture: each shown photograph beside what the workers made of it.

    `pictures` maps tile keys to what `features.draw` returned, `palettes` photographs to their colours.
    """
    height, gap = 300, 8
    pairs = []
    for photo in SHOWN:
        if photo in palettes:
            made = _assemble(photo, tiles, pictures, palettes[photo])
            original = Image.fromarray(_pixels(photo, 1.0))
            pairs += [_to_height(original, height), _to_height(made, height)]
    rows = [pairs[start : start + 4] for start in range(0, len(pairs), 4)]
    width = max(sum(image.width + gap for image in row) for row in rows) + gap
    canvas = Image.new("RGB", (width, len(rows) * (height + gap) + gap), (255, 255, 255))
    for number, row in enumerate(rows):
        left = gap
        for image in row:
            canvas.paste(image, (left, gap + number * (height + gap)))
            left += image.width + gap
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
    name = next(name for name in NAMES if Path(name).stem == photo)
    with Image.open(_file(name)) as image:
        image = image.convert("RGB")
        if scale != 1.0:
            image = image.resize(_size(name, scale), Image.Resampling.BICUBIC)
        return np.asarray(image)


def _assemble(photo, tiles, pictures, palette):
    # Results have half the size of their tile, so those of scale 2 show the photograph at its own size.
    have = {tile.scale for tile in tiles if tile.photo == photo and tile.scale <= 2.0}
    scale = max(scale for scale in have if _complete(photo, scale, tiles))
    colours = np.array([*palette, INK], np.uint8)
    mine = [tile for tile in tiles if tile.photo == photo and tile.scale == scale]
    half = TILE // 2
    rows, columns = max(tile.row for tile in mine) + 1, max(tile.column for tile in mine) + 1
    image = np.zeros((rows * half, columns * half, 3), np.uint8)
    for tile in mine:
        square = colours[features.unpack(pictures[tile.key], half)]
        image[tile.row * half :, tile.column * half :][:half, :half] = square
    name = next(name for name in NAMES if Path(name).stem == photo)
    width, height = (side // 2 for side in _size(name, scale))
    return Image.fromarray(image[:height, :width])


def _complete(photo, scale, tiles):
    name = next(name for name in NAMES if Path(name).stem == photo)
    width, height = _size(name, scale)
    count = sum(tile.photo == photo and tile.scale == scale for tile in tiles)
    return count == math.ceil(width / TILE) * math.ceil(height / TILE)


def _to_height(image, height):
    return image.resize((round(image.width * height / image.height), height), Image.Resampling.LANCZOS)
