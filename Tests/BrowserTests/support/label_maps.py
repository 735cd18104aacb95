"""Label maps for the heart phantoms, whose masks outline the cavity alone: the dark wall around it is taken to be as thick everywhere."""

import io
import pathlib

from PIL import Image, ImageFilter

from .server import mask_of

CAVITY, WALL = 1, 3
NAMES = {CAVITY: "left ventricle", WALL: "myocardium"}
LABELS = {str(value): name for value, name in NAMES.items()}
THICKNESS = 13


def label_map(image: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The label map of an example image, written into `folder` under the image's name."""
    cavity = Image.open(mask_of(image)).convert("L").point(lambda value: 255 if value else 0)
    grown = cavity.filter(ImageFilter.MaxFilter(2 * THICKNESS + 1))
    labels = Image.new("L", cavity.size, 0)
    labels.paste(WALL, mask=grown)
    labels.paste(CAVITY, mask=cavity)
    path = folder / image.name
    labels.save(path)
    return path


def values(source: pathlib.Path | bytes) -> list[int]:
    """The number of every pixel."""
    image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
    assert image.mode == "L", image.mode
    return list(image.tobytes())


def label_dice(first: pathlib.Path | bytes, second: pathlib.Path | bytes, label: int) -> float:
    a, b = ([value == label for value in values(source)] for source in (first, second))
    return 2 * sum(x and y for x, y in zip(a, b)) / max(1, sum(a) + sum(b))
