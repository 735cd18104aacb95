"""Images and masks as tests look at them."""

import base64
import io
import pathlib

from PIL import Image


def pixels(source: pathlib.Path | bytes) -> tuple[int, int, list[bool]]:
    """Width, height, and whether each pixel is marked."""
    image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source).convert("L")
    return image.width, image.height, [value > 0 for value in image.tobytes()]


def dice(first: pathlib.Path | bytes, second: pathlib.Path | bytes) -> float:
    (width, height, a), (other_width, other_height, b) = pixels(first), pixels(second)
    assert (width, height) == (other_width, other_height), "the masks differ in size"
    both = sum(x and y for x, y in zip(a, b))
    return 2 * both / max(1, sum(a) + sum(b))


def centre(mask: pathlib.Path) -> tuple[int, int]:
    """The middle of a mask, as a person would click on it."""
    width, _, marked = pixels(mask)
    places = [(index % width, index // width) for index, is_marked in enumerate(marked) if is_marked]
    return round(sum(x for x, _ in places) / len(places)), round(sum(y for _, y in places) / len(places))


def bounds(mask: pathlib.Path) -> tuple[int, int, int, int]:
    width, _, marked = pixels(mask)
    places = [(index % width, index // width) for index, is_marked in enumerate(marked) if is_marked]
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return min(xs), min(ys), max(xs), max(ys)


def encoded(path: pathlib.Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
