"""What speckles: ultrasound, and layers as by optical coherence tomography."""

import numpy as np
from scipy import ndimage

import phantoms
from phantoms import blurred, smooth_noise

from .tools import WHOLE, blob


def _speckle(rng, size, down, along):
    """The magnitude [size, size] of a complex random field, 1 on the mean: what many small echoes add up to. `down` and
    `along` bound the widths of its grains in pixels, from the probe away and across."""
    real, imaginary = (
        ndimage.gaussian_filter(
            rng.standard_normal((size, size)).astype(np.float32), (rng.uniform(*down), rng.uniform(*along))
        )
        for _ in (0, 1)
    )
    return np.hypot(real / real.std(), imaginary / imaginary.std()) / 1.25


def sonogram(rng, size=256):
    """Soft tissue by ultrasound: layers with bright fasciae, striped muscle, speckle; in it a nerve, vessels or a mass.

    Labels: 1 nerve, 2 vessel, 3 mass, often no plainer than what lies about them.
    """
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    echo = np.full((size, size), rng.uniform(0.2, 0.5), np.float32)
    fasciae = np.zeros((size, size), np.float32)
    edge = size * rng.uniform(0.03, 0.15) + np.zeros(size)
    while edge.min() < size:
        tilt = rng.uniform(-0.25, 0.25) * (np.arange(size) - size / 2) * min(1, edge.mean() / size * 2)
        line = edge + tilt + rng.uniform(2, 9) * smooth_noise(rng, size, rng.uniform(50, 130))[0]
        below = yy > line[None]
        stripes = smooth_noise(rng, size, rng.uniform(4, 9))
        stripes = ndimage.gaussian_filter(stripes, (0, rng.uniform(2, 12)))
        stripes /= stripes.std() + 1e-6
        echo = np.where(below, rng.uniform(0.12, 0.6) * np.exp(rng.uniform(0.1, 0.7) * stripes), echo)
        broken = np.clip(smooth_noise(rng, size, 40) + rng.uniform(0, 1.5), 0, 1)
        fasciae = np.maximum(
            fasciae, np.exp(-(((yy - line[None]) / rng.uniform(1, 3)) ** 2)) * broken * rng.uniform(0.3, 1.3)
        )
        edge = edge + size * rng.uniform(0.05, 0.28)
    for _ in range(rng.integers(0, 9)):  # short bright strands
        cx, cy = rng.uniform(0, size, 2)
        strand = blob(rng, size, cx, cy, rng.uniform(8, 45), rng.uniform(1, 2.5), rng.normal(0, 0.4), 0.15)
        fasciae[strand] = np.maximum(fasciae[strand], rng.uniform(0.3, 1.1))
    echo = np.maximum(echo, fasciae)
    labels = np.zeros((size, size), np.uint8)
    gain = np.ones((size, size), np.float32)
    for kind in rng.permutation([1, 2, 3])[: rng.integers(1, 4)]:
        for _ in range(1 if kind != 2 else rng.integers(1, 3)):
            cx, cy = size * rng.uniform(0.12, 0.88), size * rng.uniform(0.2, 0.8)
            r = size * (
                rng.uniform(0.06, 0.14)
                if kind == 1
                else rng.uniform(0.025, 0.1)
                if kind == 2
                else rng.uniform(0.05, 0.25)
            )
            shape = blob(
                rng, size, cx, cy, r, r * rng.uniform(0.45, 0.95), rng.normal(0, 0.6), 0.18 if kind == 3 else 0.09
            )
            shape = shape & (labels == 0)
            soft = blurred(shape.astype(np.float32), rng.uniform(0.8, 3))
            inside = rng.uniform(0.15, 0.5) * np.exp(0.3 * smooth_noise(rng, size, rng.uniform(5, 14)))
            if kind == 1:  # fascicles: dark dots in a brighter web, now and then a bright sheath
                dots = smooth_noise(rng, size, r * rng.uniform(0.25, 0.5)) > rng.uniform(-0.3, 0.6)
                inside = np.where(dots, rng.uniform(0.08, 0.25), rng.uniform(0.2, 0.7))
            elif kind == 2:
                inside = np.full_like(echo, rng.uniform(0.01, 0.08))
                gain[(np.abs(xx - cx) < r * 0.8) & (yy > cy)] *= rng.uniform(1, 1.6)
            elif rng.random() < 0.4:
                gain[(np.abs(xx - cx) < r * 0.9) & (yy > cy + r * 0.5)] *= rng.uniform(0.35, 1.3)
            echo = echo * (1 - soft) + soft * inside
            if rng.random() < 0.5:
                echo += np.clip(4 * soft * (1 - soft), 0, 1) * rng.uniform(0, 0.6)
            labels[shape] = kind
    gain = ndimage.gaussian_filter(gain, (4, 3))
    gain = gain * np.exp(-rng.uniform(-0.3, 1.2) * yy / size)
    for _ in range(rng.integers(0, 3)):  # shadows
        gain *= 1 - rng.uniform(0.2, 0.8) * np.exp(-(((xx - rng.uniform(0, size)) / rng.uniform(5, 25)) ** 2))
    speckle = _speckle(rng, size, (0.5, 1.1), (0.7, 2.2))
    scatter = echo ** rng.uniform(0.6, 1.2) * speckle ** rng.uniform(0.2, 0.8) * gain
    image = np.log1p(scatter * np.exp(rng.uniform(np.log(0.5), np.log(12))))
    image = blurred(image, rng.uniform(0.3, 0.9))
    image = image / np.percentile(image, 99.3) * rng.uniform(180, 255) - rng.uniform(0, 40)
    shown = np.ones((size, size), bool)
    if rng.random() < 0.3:  # a sector
        ax, ay, wide = size / 2, -size * rng.uniform(0.05, 0.4), rng.uniform(0.5, 0.9)
        shown = (np.abs(np.arctan2(xx - ax, yy - ay)) < wide) & (np.hypot(xx - ax, yy - ay) < size * 0.98 - ay)
    image[~shown], labels[~shown] = 0, 0
    return phantoms.to_bytes(image), labels, (3,) if (labels == 3).any() else ()


def strata(rng, size=256):
    """Layers one on the other, as of the retina by OCT, of skin or of a vessel's wall, with speckle, and now and then a pocket
    of fluid that lifts them. Labels: 1 to 6 the layers from above, 7 fluid."""
    along = np.arange(size)
    yy = np.arange(size)[:, None]
    top = size * rng.uniform(0.15, 0.5) + rng.uniform(2, 25) * smooth_noise(rng, size, 150)[0]
    pit = rng.uniform(0, 0.12) * size * np.exp(-(((along - rng.uniform(0.3, 0.7) * size) / rng.uniform(15, 45)) ** 2))
    labels = np.zeros((size, size), np.uint8)
    tones = rng.uniform(15, 60) + np.zeros((size, size), np.float32)
    edge = top + pit
    for value in range(1, int(rng.integers(2, 7)) + 1):
        thick = size * rng.uniform(0.015, 0.1) * np.clip(1 + 0.3 * smooth_noise(rng, size, 80)[0], 0.2, 2)
        thick = thick * (1 - rng.uniform(0, 0.8) * pit / (pit.max() + 1e-6))
        layer = (yy >= edge[None]) & (yy < (edge + thick)[None])
        labels[layer] = value
        tones[layer] = rng.uniform(25, 230)
        edge = edge + thick
    below = yy >= edge[None]
    tones = np.where(below, rng.uniform(20, 150) * np.exp(-(yy - edge[None]) / rng.uniform(20, 150)), tones).astype(
        np.float32
    )
    fluid = rng.random() < 0.4
    if fluid:
        for _ in range(rng.integers(1, 5)):
            cx = rng.uniform(0.15, 0.85) * size
            cy = np.interp(cx, along, top) + rng.uniform(8, 45)
            pocket = blob(rng, size, cx, cy, rng.uniform(5, 35), rng.uniform(4, 14), 0, 0.15) & (labels > 0)
            labels[pocket], tones[pocket] = 7, rng.uniform(5, 40)
    image = blurred(tones, rng.uniform(0.5, 2))
    speckle = ndimage.gaussian_filter(
        rng.standard_normal((size, size)).astype(np.float32), (0.6, rng.uniform(0.6, 1.5))
    )
    image = image * np.exp(rng.uniform(0.05, 0.5) * speckle / speckle.std()) * (1 + 0.12 * smooth_noise(rng, size, 40))
    if rng.random() < 0.2:
        image, labels = image.T, np.ascontiguousarray(labels.T)
    return phantoms.to_bytes(image), labels, (7,) if (labels == 7).any() else ()


def echocardiogram(rng, size=256):
    """Chambers of a heart in a sector: dark cavities with hazy borders in brighter walls, speckled, partly out of sight.

    Labels: 1 cavity of the left ventricle, 2 its wall, 3 another chamber; 11 wall and cavity.
    """
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    echo = rng.uniform(0.1, 0.3) * np.exp(rng.uniform(0.2, 0.6) * smooth_noise(rng, size, 25))
    labels = np.zeros((size, size), np.uint8)
    x, y = size * rng.uniform(0.38, 0.62), size * rng.uniform(0.3, 0.5)
    a, b = size * rng.uniform(0.07, 0.17), size * rng.uniform(0.13, 0.26)
    tilt, wall = rng.normal(0, 0.3), size * rng.uniform(0.025, 0.07)
    outer = blob(rng, size, x, y, a + wall, b + wall, tilt, 0.06)
    cavity = blob(rng, size, x, y, a, b, tilt, 0.09) & outer
    others = np.zeros_like(cavity)
    for dx, dy in ((0, 1.0), (1, 0.1), (1, 1.0)):
        if rng.random() < 0.75:
            side = 1 if rng.random() < 0.5 else -1
            at = (
                x + side * dx * (a * 2 + wall) * rng.uniform(0.9, 1.2),
                y + dy * (b + wall + a) * rng.uniform(0.9, 1.15),
            )
            others = others | blob(rng, size, *at, a * rng.uniform(0.6, 1.2), a * rng.uniform(0.6, 1.3), tilt, 0.12)
    others &= ~outer
    rim = ndimage.binary_dilation(others, iterations=max(1, int(wall * 0.5))) & ~others & ~outer
    bright = rng.uniform(0.3, 1.0)
    for mask, level in (
        (rim, bright * 0.8),
        (outer, bright),
        (cavity, rng.uniform(0.01, 0.12)),
        (others, rng.uniform(0.01, 0.12)),
    ):
        soft = blurred(mask.astype(np.float32), rng.uniform(1, 3.5))
        echo = echo * (1 - soft) + soft * level * np.exp(0.25 * smooth_noise(rng, size, 9))
    labels[outer], labels[cavity], labels[others] = 2, 1, 3
    gain = np.exp(-rng.uniform(0, 0.8) * yy / size) * np.clip(
        1 + rng.uniform(0, 0.45) * smooth_noise(rng, size, 70), 0.05, 2
    )
    speckle = _speckle(rng, size, (0.6, 1.2), (1, 3))
    image = np.log1p(
        echo ** rng.uniform(0.7, 1.2) * speckle ** rng.uniform(0.3, 0.9) * gain * np.exp(rng.uniform(0, 2.5))
    )
    image = blurred(image, rng.uniform(0.4, 1.3))
    image = image / np.percentile(image, 99.5) * rng.uniform(170, 255) - rng.uniform(0, 35)
    apex = -size * rng.uniform(-0.03, 0.15)
    shown = (np.abs(np.arctan2(xx - size / 2, yy - apex)) < rng.uniform(0.55, 0.8)) & (
        np.hypot(xx - size / 2, yy - apex) < size * rng.uniform(0.9, 1.1)
    )
    image[~shown], labels[~shown] = 0, 0
    if rng.random() < 0.25:
        labels[np.isin(labels, (1, 2))] = 1 + WHOLE
    return phantoms.to_bytes(image), labels, (1, 11) if np.isin(labels, (1, 11)).any() else ()
