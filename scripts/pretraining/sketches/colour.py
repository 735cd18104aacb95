"""What is photographed in colour: the back of the eye, the gut from inside, cells on a slide."""

import numpy as np
from scipy import ndimage

import phantoms
from phantoms import blurred, smooth_noise

from .tools import WHOLE, blob


def fundus(rng, size=320):
    """The phantoms' eye, with discs of any size and strength, and their cup and rim labelled.

    Labels: 1 vessel, 2 rim of the disc, 3 cup; 12 whole disc.
    """
    p, rim, cup = phantoms.fundus(rng, size, rng.uniform(0.04, 0.1), np.exp(rng.uniform(np.log(0.3), np.log(2.2))))
    labels = np.where(cup, 3, np.where(rim, 2, p.labels)).astype(np.uint8)
    if rng.random() < 0.4:
        labels[labels > 1] = 2 + WHOLE
    image = p.image.astype(np.float32)
    image = image * rng.uniform(0.5, 1.15) * np.exp(rng.normal(0, 0.12, 3))
    if rng.random() < 0.4:
        image = ndimage.gaussian_filter(image, (rng.uniform(0.5, 2),) * 2 + (0,))
    if rng.random() < 0.5:  # most fundus images are not labelled for vessels
        labels[labels == 1] = 0
    return phantoms.to_bytes(image), labels, (1,) if (labels == 1).any() else ()


def endoscopy(rng, size=256):
    """A lit tube of mucosa with folds, and in it a dome, a stalk's head or a flat plaque: label 1, polyp."""
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    lx, ly = rng.uniform(0.1, 0.9, 2) * size  # where the gut goes on: deep and dark
    far = np.hypot(xx - lx, yy - ly)
    warp = smooth_noise(rng, size, 60) * rng.uniform(2, 14)
    height = smooth_noise(rng, size, 100) * rng.uniform(2, 8) + smooth_noise(rng, size, 25) * rng.uniform(0, 1.0)
    if rng.random() < 0.7:  # rings of folds round the lumen
        period = size * rng.uniform(0.12, 0.3)
        height += rng.uniform(1, 6) * np.abs(np.sin(np.pi * (far + warp) / period)) ** rng.uniform(0.4, 1.5)
    labels = np.zeros((size, size), np.uint8)
    tone = np.zeros((size, size), np.float32)
    for _ in range(1 if rng.random() < 0.85 else 2):
        cx, cy = rng.uniform(0.1, 0.9, 2) * size
        r = size * np.exp(rng.uniform(np.log(0.05), np.log(0.33)))
        ratio, angle = rng.uniform(0.6, 1.0), rng.uniform(0, np.pi)
        u = ((xx - cx) * np.cos(angle) + (yy - cy) * np.sin(angle)) / r
        v = ((yy - cy) * np.cos(angle) - (xx - cx) * np.sin(angle)) / (r * ratio)
        reach = np.hypot(u, v) + rng.uniform(0, 0.15) * smooth_noise(rng, size, max(6, r * 0.8))
        shape = reach < 1
        dome = np.sqrt(np.clip(1 - reach**2, 0, 1)) if rng.random() < 0.7 else np.clip(1 - reach**4, 0, 1)
        height += dome * r * rng.uniform(0.08, 0.55)
        if rng.random() < 0.4:
            height += shape * smooth_noise(rng, size, max(3, r * 0.2)) * rng.uniform(0, 0.06) * r  # lobes
        tone += blurred(shape.astype(np.float32), rng.uniform(0.7, 3)) * rng.choice([-1, 1]) * rng.uniform(0, 1)
        labels[shape] = 1
    gy, gx = np.gradient(blurred(height, rng.uniform(0.8, 2)))
    light = rng.normal(0, 0.35, 2)
    lit = (1 - light[0] * gx - light[1] * gy) / np.sqrt(1 + gx**2 + gy**2) / np.sqrt(1 + (light**2).sum())
    lamp = np.hypot(xx - size * rng.uniform(0.3, 0.7), yy - size * rng.uniform(0.3, 0.7)) / size
    shade = np.clip(lit, 0.05, 2) ** rng.uniform(0.8, 1.6) / (1 + rng.uniform(0.5, 2.5) * lamp**2)
    if rng.random() < 0.6:
        hole = np.clip(far / (size * rng.uniform(0.08, 0.4)), 0, 1) ** rng.uniform(0.5, 1.5)
        shade *= np.where(labels > 0, np.maximum(hole, 0.6), hole)
    mucosa = np.array([rng.uniform(170, 240), rng.uniform(85, 150), rng.uniform(60, 130)])
    other = np.array([rng.uniform(-45, 45), rng.uniform(-50, 40), rng.uniform(-40, 40)])
    image = mucosa + tone[..., None] * other + smooth_noise(rng, size, 40)[..., None] * rng.uniform(0, 12, 3)
    if rng.random() < 0.5:  # small vessels shine through
        veins = np.abs(smooth_noise(rng, size, 22)) < 0.06
        image -= blurred(veins.astype(np.float32), 0.8)[..., None] * np.array([15, 40, 30]) * rng.uniform(0.3, 1)
    image = image * shade[..., None]
    gloss = (lit > np.percentile(lit, rng.uniform(97.5, 99.8))) & (smooth_noise(rng, size, 6) > rng.uniform(0, 1.2))
    image += blurred(gloss.astype(np.float32), 0.8)[..., None] * rng.uniform(80, 220)
    image += rng.normal(0, rng.uniform(1, 6), image.shape)
    frame = rng.choice(["none", "round", "octagon", "margin"])
    reach = {"round": np.hypot(xx - size / 2, yy - size / 2) / (0.52 * size), "none": 0 * xx}.get(frame)
    if reach is None:
        side = np.maximum(np.abs(xx - size / 2), np.abs(yy - size / 2))
        reach = np.maximum(side / (0.49 * size), (np.abs(xx - size / 2) + np.abs(yy - size / 2)) / (0.82 * size))
        reach = reach * (1.2 if frame == "margin" else 1)
    image[reach > 1] = rng.uniform(0, 25)
    labels[reach > 1] = 0
    return phantoms.to_bytes(image), labels, (1,)


def instrument(rng, size=256):
    """One to three tools of metal or plastic before the mucosa of `endoscopy`. Labels: 1 polyp, 2 tool."""
    image, labels, _ = endoscopy(rng, size)
    image, labels = image.astype(np.float32), labels.copy()
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0.2, 0.8, 2) * size  # its tip; the shaft comes from outside
        angle, half = rng.uniform(0, 2 * np.pi), size * rng.uniform(0.015, 0.09)
        along = (xx - x) * np.cos(angle) + (yy - y) * np.sin(angle)
        across = (yy - y) * np.cos(angle) - (xx - x) * np.sin(angle) + rng.normal(0, 0.0008) * along**2
        shaft = (along > 0) & (np.abs(across) < half * np.clip(rng.uniform(0.3, 1) + along / (size * 0.15), 0, 1))
        if rng.random() < 0.5:  # jaws
            open_by = rng.uniform(0.15, 0.6)
            for side in (-1, 1):
                jaw = (
                    (along < 2)
                    & (along > -size * rng.uniform(0.05, 0.15))
                    & (np.abs(across + side * open_by * along) < half * 0.4)
                )
                shaft = shaft | jaw
        tone = rng.uniform(20, 210) * np.array([1, 1, 1]) if rng.random() < 0.7 else rng.uniform(20, 230, 3)
        round_ = np.clip(1 - (across / half) ** 2, 0, 1)[..., None]
        metal = (
            tone * (0.5 + 0.6 * round_)
            + rng.uniform(0, 120) * np.exp(-(((across / half - rng.uniform(-0.4, 0.4)) / 0.2) ** 2))[..., None]
        )
        soft = blurred(shaft.astype(np.float32), rng.uniform(0.5, 1.2))[..., None]
        image += soft * (metal * (1 + 0.08 * smooth_noise(rng, size, 20))[..., None] - image)
        labels[shaft] = 2
    image += rng.normal(0, rng.uniform(0.5, 4), image.shape)
    return phantoms.to_bytes(image), labels, (2,)


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
