"""Skin through a dermatoscope."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

import phantoms
from phantoms import blurred, smooth_noise

from .tools import blob


def mole(rng, size=256):
    """A pigmented lesion of one to three shades, netted, dotted or plain, sharply or hardly set off; hairs, gel and its bubbles,
    the dark corners of the tube. Label: 1 lesion."""
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    skin = rng.uniform(140, 250) * rng.uniform([1, 0.6, 0.5], [1, 0.9, 0.9])
    image = skin * (1 + 0.03 * smooth_noise(rng, size, 60) + 0.02 * smooth_noise(rng, size, 4))[..., None]
    r = size * np.exp(rng.uniform(np.log(0.08), np.log(0.45)))
    cx, cy = (0.5 + rng.normal(0, 0.08, 2)) * size
    ratio, angle, rough = rng.uniform(0.55, 1), rng.uniform(0, np.pi), rng.uniform(0.03, 0.3)
    lesion = blob(rng, size, cx, cy, r, r * ratio, angle, rough)
    lesion = (
        blurred(lesion.astype(np.float32), 1 + r * 0.03)
        + 0.12 * rng.uniform(0, 1) * smooth_noise(rng, size, r * 0.3 + 4)
        > 0.5
    )
    parts, number = ndimage.label(lesion)
    lesion = parts == np.bincount(parts.ravel())[1:].argmax() + 1 if number else lesion
    lesion = ndimage.binary_fill_holes(lesion)
    soft = blurred(lesion.astype(np.float32), 0.8 + r * np.exp(rng.uniform(np.log(0.01), np.log(0.25))))
    brown = skin * rng.uniform(0.3, 0.9) * rng.uniform([1, 0.8, 0.75], [1.15, 1.05, 1.05])
    image += soft[..., None] * (brown - image) * rng.uniform(0.5, 1)
    for _ in range(rng.integers(0, 3)):  # other shades within
        shade = blurred(
            blob(rng, size, *(rng.normal((cx, cy), r * 0.4)), r * 0.5, r * 0.4, angle, 0.2).astype(np.float32),
            r * 0.1 + 1,
        )
        tone = rng.choice([0.55, 0.75, 1.2]) * brown + rng.uniform(-20, 20, 3)
        image += (shade * soft)[..., None] * (tone - image) * rng.uniform(0.2, 0.9)
    if rng.random() < 0.4:
        net = np.abs(smooth_noise(rng, size, rng.uniform(5, 10))) < 0.25
        image -= (blurred(net.astype(np.float32), 0.8) * soft)[..., None] * rng.uniform(5, 40)
    if rng.random() < 0.3:
        dots = smooth_noise(rng, size, rng.uniform(3, 7)) > 1.6
        image -= (blurred(dots.astype(np.float32), 0.8) * soft)[..., None] * rng.uniform(10, 70)
    if rng.random() < 0.5:
        _hairs(rng, image)
    if rng.random() < 0.3:
        gloss = smooth_noise(rng, size, rng.uniform(4, 12)) > rng.uniform(2, 2.8)
        image += blurred(gloss.astype(np.float32), 1)[..., None] * rng.uniform(20, 90)
    far = np.hypot(xx - size / 2, yy - size / 2) / size
    image *= (1 - rng.uniform(0, 0.6) * far**2)[..., None]
    if rng.random() < 0.3:
        tube = blurred((far < rng.uniform(0.5, 0.65)).astype(np.float32), rng.uniform(1, 6))[..., None]
        image *= tube
        lesion = lesion & (tube[..., 0] > 0.5)
    if rng.random() < 0.3:
        image = ndimage.gaussian_filter(image, (rng.uniform(0.5, 1.8),) * 2 + (0,))
    image += rng.normal(0, rng.uniform(0.5, 5), image.shape)
    return phantoms.to_bytes(image), lesion.astype(np.uint8), (1,)


def _hairs(rng, image):
    """Draws dark or fair bent lines across an image [size, size, 3], in place."""
    size = len(image)
    canvas = Image.new("L", (2 * size, 2 * size))
    draw = ImageDraw.Draw(canvas)
    for _ in range(rng.integers(2, 25)):
        x, y, heading = *rng.uniform(0, 2 * size, 2), rng.uniform(0, 2 * np.pi)
        path = [(x, y)]
        bend = rng.normal(0, 0.02)
        for _ in range(int(rng.uniform(20, 60))):
            heading += bend + rng.normal(0, 0.01)
            x, y = x + 8 * np.cos(heading), y + 8 * np.sin(heading)
            path.append((x, y))
        draw.line(path, fill=255, width=int(rng.integers(1, 5)))
    cover = np.asarray(canvas.resize((size, size), Image.BOX), np.float32)[..., None] / 255
    tone = rng.uniform(10, 90) if rng.random() < 0.8 else rng.uniform(170, 240)
    image += cover * (tone - image) * rng.uniform(0.4, 1)
