"""Cells wall to wall, as in electron micrographs."""

import numpy as np

import phantoms
from phantoms import blurred, smooth_noise

from .tools import blob


def neuropil(rng, size=256):
    """Cells packed wall to wall behind thin membranes, as in electron micrographs or stained epithelium: instances."""
    count = int(np.exp(rng.uniform(np.log(15), np.log(180))))
    seeds = rng.uniform(-0.1, 1.1, (count, 2)) * size
    stretch = np.exp(rng.normal(0, 0.25))
    grow = rng.uniform(0, 0.35) * size / np.sqrt(count) * rng.standard_normal(count)  # some cells are far larger
    warp = [
        smooth_noise(rng, size, size / np.sqrt(count) * s) * size / np.sqrt(count) * rng.uniform(0.05, 0.3)
        for s in (0.8, 1.0)
    ]
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    places = np.stack([xx + warp[0], (yy + warp[1]) * stretch], -1)[:, :, None]
    distance = np.sqrt(((places - seeds * [1, stretch]).astype(np.float32) ** 2).sum(-1)) - grow.astype(np.float32)
    two = np.argpartition(distance, 1, -1)[..., :2]
    near = np.take_along_axis(distance, two, -1)
    owner = np.where(near[..., 0] <= near[..., 1], two[..., 0], two[..., 1])
    wall = min(rng.uniform(1.2, 5), 0.2 * size / np.sqrt(count)) * (1 + 0.3 * smooth_noise(rng, size, 25))
    membrane = np.abs(near[..., 0] - near[..., 1]) < np.maximum(wall, 0.8)
    labels = np.where(membrane, 0, owner % 250 + 1).astype(np.uint8)
    bright_walls = rng.random() < 0.25
    ground = rng.uniform(20, 90) if bright_walls else rng.uniform(130, 215)
    image = ground + (rng.normal(0, rng.uniform(0, 14), count))[owner]
    image += smooth_noise(rng, size, rng.uniform(2, 4)) * rng.uniform(2, 16)
    soft = blurred(membrane.astype(np.float32), rng.uniform(0.4, 0.9)) * np.clip(
        1 + 0.3 * smooth_noise(rng, size, 30), 0.2, 1.3
    )
    image += soft * (rng.uniform(70, 160) if bright_walls else -rng.uniform(60, 150))
    for _ in range(rng.integers(0, 14)):  # mitochondria or nuclei: dark, striped, part of their cell
        x, y = rng.uniform(0, size, 2)
        r = size / np.sqrt(count) * rng.uniform(0.1, 0.35)
        body = blob(rng, size, x, y, r, r * rng.uniform(0.5, 1), rng.uniform(0, np.pi), 0.1)
        body = body & (labels == labels[int(y), int(x)])
        ribs = smooth_noise(rng, size, max(2, r * 0.25)) * rng.uniform(5, 25)
        image[body] += (ribs - rng.uniform(0, 60))[body]
    for _ in range(rng.integers(0, 60)):  # vesicles
        x, y = rng.uniform(3, size - 3, 2)
        image += (
            0
            if membrane[int(y), int(x)]
            else -rng.uniform(20, 60) * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / rng.uniform(1, 6))
        )
    image = blurred(image, rng.uniform(0.3, 1.0)) + rng.normal(0, rng.uniform(2, 14), (size, size))
    if rng.random() < 0.2:  # a stain
        image = image[..., None] * rng.uniform(0.5, 1.05, 3) + rng.uniform(-10, 40, 3)
    return phantoms.to_bytes(image), labels, None
