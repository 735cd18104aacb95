"""What lies on a slide or in a dish: blood cells, glands, cells in culture."""

import numpy as np
from scipy import ndimage

import phantoms
from phantoms import blurred, smooth_noise

from .tools import WHOLE, blob, depth_in


def smear(rng, size=256):
    """Stained cells on a slide: one to six with a lobed nucleus in pale cytoplasm, among many without a nucleus.

    Labels: 1 cytoplasm, 2 nucleus; 11 whole cell.
    """
    light = rng.uniform(190, 250, 3) if rng.random() < 0.7 else rng.uniform(120, 250, 3)
    image = light + smooth_noise(rng, size, 90)[..., None] * rng.uniform(0, 10)
    stain, pale = rng.uniform([60, 20, 90], [150, 110, 190]), rng.uniform([130, 110, 150], [235, 215, 245])
    red = light * rng.uniform([0.8, 0.55, 0.55], [1.0, 0.9, 0.95])
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    count = int(rng.choice([1, 1, 2, 3, 6]))
    radius = size * (rng.uniform(0.12, 0.36) if count == 1 else rng.uniform(0.06, 0.16))
    for _ in range(rng.integers(0, 25)):
        cx, cy = rng.uniform(0, size, 2)
        r = radius * rng.uniform(0.55, 0.8)
        shape = blurred(blob(rng, size, cx, cy, r, r * rng.uniform(0.8, 1), 0, 0.05).astype(np.float32), 1.0)
        hollow = 1 - rng.uniform(0, 0.6) * np.exp(-((xx - cx) ** 2 + (yy - cy) ** 2) / (0.3 * r) ** 2)
        image += (shape * hollow)[..., None] * (red - image) * rng.uniform(0.6, 1)
    labels = np.zeros((size, size), np.uint8)
    for _ in range(count):
        cx, cy = (np.array([0.5, 0.5]) + rng.normal(0, 0.08, 2) if count == 1 else rng.uniform(0.1, 0.9, 2)) * size
        r = radius * rng.uniform(0.8, 1.2)
        cell = blob(rng, size, cx, cy, r, r * rng.uniform(0.75, 1), rng.uniform(0, 3), 0.08)
        share, nucleus = rng.uniform(0.3, 0.85), np.zeros_like(cell)
        for _ in range(rng.integers(1, 5)):
            far, angle = r * (1 - share) * rng.uniform(0, 1), rng.uniform(0, 2 * np.pi)
            nucleus = nucleus | blob(
                rng,
                size,
                cx + far * np.cos(angle),
                cy + far * np.sin(angle),
                r * share * rng.uniform(0.6, 1),
                r * share * rng.uniform(0.45, 0.9),
                angle,
                0.12,
            )
        nucleus = nucleus & cell
        for shape, tone, grain in ((cell, pale, rng.uniform(0, 0.1)), (nucleus, stain, rng.uniform(0, 0.15))):
            soft = blurred(shape.astype(np.float32), rng.uniform(0.5, 1.8))[..., None]
            image += soft * (tone * (1 + grain * smooth_noise(rng, size, rng.choice([2, 4, 7])))[..., None] - image)
        labels[cell], labels[nucleus] = 1, 2
    if rng.random() < 0.3:
        labels[labels > 0] = 1 + WHOLE
    image += rng.normal(0, rng.uniform(0.5, 7), image.shape)
    return phantoms.to_bytes(image), labels, (1, 2, 11)


def glands(rng, size=256):
    """Stained tissue: glands with a rim of nuclei, pale cells and a lumen, in fibres strewn with nuclei.

    Labels: 1 gland without its lumen, 2 lumen; 11 whole gland.
    """
    eosin, nucleus = rng.uniform([190, 110, 150], [245, 195, 225]), rng.uniform([70, 30, 100], [140, 100, 180])
    cells, pale = eosin * rng.uniform(0.8, 1.02, 3), rng.uniform(215, 250, 3)
    wave = smooth_noise(rng, size, rng.uniform(20, 60))
    fibres = np.sin(wave * rng.uniform(4, 14)) * rng.uniform(0, 12) + smooth_noise(rng, size, 3) * rng.uniform(2, 9)
    image = eosin * (1 + fibres[..., None] / 130)
    labels = np.zeros((size, size), np.uint8)
    radius = size * np.exp(rng.uniform(np.log(0.06), np.log(0.3)))
    grain = radius * rng.uniform(0.07, 0.16) + 1.2  # radius of a nucleus
    for _ in range(int(np.clip((size / radius / 2) ** 2 * rng.uniform(0.5, 4), 2, 90))):  # as many tries, not glands
        cx, cy = rng.uniform(-0.05, 1.05, 2) * size
        r = radius * rng.uniform(0.7, 1.3)
        gland = blob(rng, size, cx, cy, r, r * rng.uniform(0.45, 1), rng.uniform(0, np.pi), rng.uniform(0.05, 0.25))
        if (labels[ndimage.binary_dilation(gland, iterations=2)] > 0).any() or not gland.any():
            continue
        depth = depth_in(gland)
        wall = depth.max() * rng.uniform(0.35, 0.95)
        lumen = depth + smooth_noise(rng, size, 6) * 0.1 * wall > wall
        for shape, tone in ((gland, cells), (lumen, pale)):
            soft = blurred(shape.astype(np.float32), rng.uniform(0.5, 1.2))[..., None]
            image += soft * (tone * (1 + 0.04 * smooth_noise(rng, size, 4))[..., None] - image)
        labels[gland], labels[lumen & gland] = 1, 2
        ring = np.argwhere((depth > 0.5) & (depth < min(wall, 3.2 * grain) + 1))
        _strew(rng, image, ring, int(len(ring) / (np.pi * grain**2) * rng.uniform(0.4, 0.9)), grain, nucleus)
    stroma = np.argwhere(labels == 0)
    number = int(len(stroma) / (np.pi * grain**2) * rng.choice([0.03, 0.08, 0.2]))
    _strew(rng, image, stroma, min(number, 500), grain * rng.uniform(0.6, 0.9), nucleus)
    image = ndimage.gaussian_filter(image, (rng.uniform(0.3, 1.2),) * 2 + (0,)) + rng.normal(
        0, rng.uniform(1, 6), image.shape
    )
    if rng.random() < 0.45:
        labels[labels > 0] = 1 + WHOLE
    return phantoms.to_bytes(image), labels, (1, 2, 11)


def culture(rng, size=256):
    """Cells in a dish by phase contrast, grey: a granular body with processes or without, often in a bright halo. Label: 1 cell."""
    labels = np.zeros((size, size), np.uint8)
    image = rng.uniform(60, 190) + smooth_noise(rng, size, 80) * rng.uniform(0, 14)
    radius = size * np.exp(rng.uniform(np.log(0.025), np.log(0.13)))
    contrast = np.exp(rng.uniform(np.log(6), np.log(60))) * rng.choice([-1, 1])
    halo, round_ = rng.uniform(0, 60), rng.uniform(0.3, 1)
    body = np.zeros((size, size), bool)
    for _ in range(int(np.clip((size / radius / 2) ** 2 * rng.uniform(0.05, 0.4), 2, 60))):
        cx, cy = rng.uniform(0, size, 2)
        r, angle = radius * rng.uniform(0.7, 1.3), rng.uniform(0, np.pi)
        body |= blob(rng, size, cx, cy, r, r * rng.uniform(round_ * 0.5, 1), angle, rng.uniform(0.03, 0.2))
        for _ in range(rng.integers(0, 4) if round_ < 0.6 else 0):
            turn, length = rng.uniform(0, 2 * np.pi), r * rng.uniform(0.8, 1.6)
            arm = blob(
                rng, size, cx + np.cos(turn) * length, cy + np.sin(turn) * length, length * 0.8, r * 0.2, turn, 0.1
            )
            body |= arm
    labels[body] = 1
    soft = blurred(body.astype(np.float32), rng.uniform(0.6, 1.8))
    depth = np.clip(depth_in(body) / radius, 0, 1)
    around = np.clip(blurred(body.astype(np.float32), radius * rng.uniform(0.1, 0.3) + 1) - soft, 0, 1)
    image += contrast * soft * (0.4 + rng.uniform(0, 1) * depth) + halo * around * 2
    image += soft * smooth_noise(rng, size, rng.uniform(1.5, 5)) * rng.uniform(2, 22)
    if rng.random() < 0.4:  # relief: lit from one side
        relief = ndimage.sobel(soft + 0.5 * depth, rng.integers(2))
        image += relief * rng.uniform(10, 45)
    image = blurred(image, rng.uniform(0.4, 1.5)) + rng.normal(0, rng.uniform(1, 9), image.shape)
    return phantoms.to_bytes(image), labels, (1,)


def _strew(rng, image, places, count, radius, tone):
    """Draws `count` nuclei of `radius` pixels about `places` [n, 2] as (row, column) into image [H, W, 3], in place."""
    size, reach = len(image), int(np.ceil(2.25 * radius)) + 1
    v, u = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    for row, column in places[rng.integers(len(places), size=count)] if len(places) else ():
        angle, long = rng.uniform(0, np.pi), radius * rng.uniform(0.8, 1.5)
        along, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
        shape = np.clip(1.5 - np.hypot(along / long, across / (radius * rng.uniform(0.6, 1))), 0, 0.5)[..., None] * 2
        y0, x0, y1, x1 = (
            max(0, row - reach),
            max(0, column - reach),
            min(size, row + reach + 1),
            min(size, column + reach + 1),
        )
        part = shape[y0 - row + reach : y1 - row + reach, x0 - column + reach : x1 - column + reach]
        image[y0:y1, x0:x1] += part * (tone * rng.uniform(0.85, 1.2) - image[y0:y1, x0:x1]) * rng.uniform(0.6, 1)
