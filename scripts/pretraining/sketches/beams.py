"""What X-rays cast: bones, teeth or metal through soft tissue, and vessels full of contrast medium."""

import numpy as np
from scipy import ndimage

import phantoms
from phantoms import blurred, smooth_noise

from .tools import blob, depth_in


def radiograph(rng, size=256):
    """Rows and rays of bones (a hand, a spine, teeth), each with a dense rim, in soft tissue; now and then a piece of metal.

    Labels: 1 bone, 2 metal, 3 soft tissue without bone.
    """
    thick = np.zeros((size, size), np.float32)
    labels = np.zeros((size, size), np.uint8)
    x, y = size * rng.uniform(0.4, 0.6, 2)
    flesh = blob(rng, size, x, y, *(size * rng.uniform(0.3, 0.75, 2)), rng.uniform(0, 3), 0.12)
    thick += blurred(np.minimum(depth_in(flesh), size * 0.2), 3) / (size * 0.2) * rng.uniform(0.2, 1)
    labels[flesh] = 3
    rays = int(rng.integers(1, 7))
    heading, fan = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    bones = np.zeros((size, size), bool)
    for ray in range(rays):
        angle = heading + (ray - rays / 2) * fan
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        width = size * rng.uniform(0.02, 0.22 / np.sqrt(rays))
        step = width * rng.uniform(1.1, 5)
        start = (
            np.array([x, y])
            + across * (ray - (rays - 1) / 2) * width * rng.uniform(2.2, 3.0)
            - along * size * rng.uniform(0.2, 0.5)
        )
        for piece in range(int(rng.integers(1, 9))):
            cx, cy = start + along * step * piece
            bone = blob(rng, size, cx, cy, step * 0.5, width * rng.uniform(0.7, 1.1), angle + rng.normal(0, 0.05), 0.1)
            inside = depth_in(bone)
            rim = np.exp(-(((inside - 1.5) / rng.uniform(1, 3)) ** 2)) * rng.uniform(0, 0.6)
            thick += np.where(bone, rng.uniform(0.3, 0.8) + rim + 0.08 * smooth_noise(rng, size, 4), 0)
            bones |= bone
    labels[bones] = 1
    if rng.random() < 0.3:
        cx, cy = rng.uniform(0.2, 0.8, 2) * size
        metal = blob(rng, size, cx, cy, rng.uniform(5, 40), rng.uniform(2, 9), rng.uniform(0, 3), 0.03)
        thick[metal] += rng.uniform(1, 2.5)
        labels[metal] = 2
    thick += rng.uniform(0, 0.3) * smooth_noise(rng, size, 70) + rng.uniform(0, 0.12) * smooth_noise(rng, size, 12)
    image = 255 * (1 - np.exp(-np.clip(thick, 0, None) * rng.uniform(0.6, 1.5)))
    image = blurred(image, rng.uniform(0.5, 1.6)) + rng.normal(0, rng.uniform(1, 9), (size, size))
    image = 255 - image if rng.random() < 0.15 else image
    return phantoms.to_bytes(image), labels, (1,) if (labels == 1).any() else ()


def angiogram(rng, size=256):
    """A tree of vessels, dark or bright, over ribs, a diaphragm and other shadows. Label 1: vessel."""
    dense = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        side = int(rng.integers(4))
        at = rng.uniform(0.2, 0.8) * size
        x, y = [(at, 0), (size, at), (at, size), (0, at)][side]
        heading = np.arctan2(size / 2 - y, size / 2 - x) + rng.normal(0, 0.4)
        pending = [(x, y, heading, rng.uniform(2.5, 8))]
        while pending and len(pending) < 40:
            x, y, heading, width = pending.pop()
            bend = rng.normal(0, 0.02)
            for _ in range(int(rng.uniform(15, 60))):
                heading += bend + rng.normal(0, 0.1)
                x, y, width = x + 3 * np.cos(heading), y + 3 * np.sin(heading), width * 0.988
                if not (0 <= x < size and 0 <= y < size) or width < 0.7:
                    break
                left, top = int(max(0, x - width)), int(max(0, y - width))
                yy, xx = np.mgrid[top : int(min(size, y + width + 1)), left : int(min(size, x + width + 1))]
                if yy.size:
                    place = np.s_[top : top + yy.shape[0], left : left + yy.shape[1]]
                    chord = np.sqrt(np.clip((width / 2) ** 2 - (xx - x) ** 2 - (yy - y) ** 2, 0, None))
                    dense[place] = np.maximum(dense[place], chord)
                if width > 1.5 and rng.random() < 0.06:
                    pending.append(
                        (x, y, heading + rng.choice([-1, 1]) * rng.uniform(0.4, 1.1), width * rng.uniform(0.5, 0.85))
                    )
    labels = (dense > 0.3).astype(np.uint8)
    ground = (
        rng.uniform(110, 220)
        + rng.uniform(5, 35) * smooth_noise(rng, size, 80)
        + rng.uniform(0, 8) * smooth_noise(rng, size, 10)
    )
    for _ in range(rng.integers(0, 6)):  # ribs, diaphragm, catheter-like edges
        shade = blob(
            rng,
            size,
            *rng.uniform(0, size, 2),
            size * rng.uniform(0.2, 0.8),
            size * rng.uniform(0.02, 0.3),
            rng.uniform(0, 3),
            0.08,
        )
        ground = ground + blurred(shade.astype(np.float32), rng.uniform(1, 8)) * rng.uniform(-35, 35)
    depth = dense / (dense.max() + 1e-6)
    image = ground * np.exp(-rng.uniform(0.3, 1.6) * blurred(depth ** rng.uniform(0.4, 1), rng.uniform(0.5, 1.2)))
    image = 255 - image if rng.random() < 0.3 else image
    grain = ndimage.gaussian_filter(rng.standard_normal((size, size)), rng.uniform(0.3, 1))
    return phantoms.to_bytes(image + grain / grain.std() * rng.uniform(1, 10)), labels, (1,)
