"""The gut from inside, and tools in it."""

import io

import numpy as np
from PIL import Image
from scipy import ndimage

import phantoms
from phantoms import blurred, smooth_noise

from .tools import blob


def endoscopy(rng, size=256):
    """A lit tube of mucosa with folds, and in it one to three polyps: domes, plaques, heads on stalks, lobed masses; from a spot to
    half of the view, from sharply set off to hardly so. Label: 1 polyp, with its stalk."""
    image, labels = _gut(rng, size)
    return _through_the_scope(rng, image, labels), labels, (1,)


def _gut(rng, size):
    """(float image [size, size, 3], labels [size, size]) of the gut as it is lit, before any scope."""
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    lumen = rng.uniform(-0.4, 1.4, 2) * size if rng.random() < 0.5 else rng.uniform(0.1, 0.9, 2) * size
    far = np.hypot(xx - lumen[0], yy - lumen[1])
    height = _folds(rng, size, far)
    labels = np.zeros((size, size), np.uint8)
    rise, shadow, veil, tone = (np.zeros((size, size), np.float32) for _ in range(4))
    for _ in range(rng.choice([1, 2, 3], p=[0.82, 0.13, 0.05])):
        polyp, bulge, r = _polyp(rng, size)
        labels[polyp] = 1
        rise = np.maximum(rise, bulge)
        soft = blurred(polyp.astype(np.float32), r * rng.uniform(0.02, 0.12) + 0.7)
        veil = np.maximum(veil, soft)
        tone += soft * rng.normal(0, 0.5)
        if rng.random() < 0.5:  # it keeps the light from what lies behind it
            dx, dy = rng.normal(0, 0.12, 2) * r
            cast = ndimage.shift(polyp.astype(np.float32), (dy, dx), order=1)
            shadow = np.maximum(
                shadow, blurred(cast, r * rng.uniform(0.04, 0.2) + 1) * rng.uniform(0.1, 0.6) * (1 - soft)
            )
    height = height * (1 - veil * rng.uniform(0.5, 1)) + rise
    if rng.random() < 0.5:
        height += veil * smooth_noise(rng, size, rng.uniform(2.5, 8)) * rng.uniform(0, 0.5)
    gy, gx = np.gradient(blurred(height, rng.uniform(0.8, 2.2)))
    light = rng.normal(0, 0.35, 2)
    lit = (1 - light[0] * gx - light[1] * gy) / np.sqrt(1 + gx**2 + gy**2) / np.sqrt(1 + (light**2).sum())
    lamp = np.hypot(xx - size * rng.uniform(0.3, 0.7), yy - size * rng.uniform(0.3, 0.7)) / size
    shade = np.clip(lit, 0.05, 2) ** rng.uniform(0.7, 1.6) / (1 + rng.uniform(0.2, 2.5) * lamp**2) * (1 - shadow)
    if rng.random() < 0.7:
        deep = np.clip(far / (size * rng.uniform(0.08, 0.5)), 0, 1) ** rng.uniform(0.5, 1.5)
        shade *= deep + (1 - deep) * veil * rng.uniform(0, 0.8)
    mucosa = np.array([rng.uniform(165, 245), rng.uniform(70, 160), rng.uniform(50, 140)])
    other = np.array([rng.uniform(-30, 45), rng.uniform(-55, 40), rng.uniform(-45, 40)]) * rng.uniform(0, 1.3)
    image = mucosa + tone[..., None] * other + smooth_noise(rng, size, 40)[..., None] * rng.uniform(0, 12, 3)
    if rng.random() < 0.6:  # vessels shine through mucosa, and seldom through what grows on it
        veins = np.abs(smooth_noise(rng, size, rng.uniform(10, 30))) < rng.uniform(0.03, 0.08)
        veins = blurred(veins.astype(np.float32), rng.uniform(0.6, 1.2)) * (1 - veil * rng.uniform(0, 1))
        image -= veins[..., None] * np.array([15, 40, 30]) * rng.uniform(0.3, 1.3)
    image += (veil * smooth_noise(rng, size, rng.uniform(2, 6)))[..., None] * rng.uniform(0, 10)
    _dirty(rng, image)
    image = image * shade[..., None]
    gloss = (lit > np.percentile(lit, rng.uniform(97, 99.8))) & (
        smooth_noise(rng, size, rng.uniform(3, 9)) > rng.uniform(0, 1.2)
    )
    image += blurred(gloss.astype(np.float32), rng.uniform(0.6, 2))[..., None] * rng.uniform(80, 260)
    return image, labels


def _folds(rng, size, far):
    """Height of the wall in pixels, float [size, size], `far` [size, size] being the distance in pixels from where the gut goes on:
    rings about that place, and unevenness of every scale."""
    warp = smooth_noise(rng, size, 60) * rng.uniform(2, 20)
    height = smooth_noise(rng, size, 100) * rng.uniform(2, 12) + smooth_noise(rng, size, 25) * rng.uniform(0, 1.3)
    if rng.random() < 0.7:
        period = size * rng.uniform(0.12, 0.4)
        turn = np.pi * (far + warp) / period
        ring = np.abs(np.sin(turn)) ** rng.uniform(0.4, 1.5) if rng.random() < 0.5 else (turn / np.pi) % 1
        height += rng.uniform(1, 9) * ring * np.clip(0.6 + 0.6 * smooth_noise(rng, size, 70), 0, 1.5)
    return height


def _polyp(rng, size):
    """(bool [size, size], height in pixels that it adds, float [size, size], radius in pixels)."""
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    r = size * np.exp(rng.uniform(np.log(0.06), np.log(0.42)))
    cx, cy = rng.uniform(0.08, 0.92, 2) * size if r < 0.25 * size else rng.uniform(0.25, 0.75, 2) * size
    form = rng.choice(["dome", "plaque", "stalk", "lobes"], p=[0.5, 0.15, 0.15, 0.2])
    reach = np.full((size, size), np.inf, np.float32)
    for i in range(int(rng.integers(2, 6)) if form == "lobes" else 1):
        away = rng.normal(0, 0.45, 2) * r * (i > 0)
        ratio, angle, own = (
            rng.uniform(0.55, 1.0),
            rng.uniform(0, np.pi),
            r * (rng.uniform(0.45, 0.8) if form == "lobes" else 1),
        )
        dx, dy = xx - cx - away[0], yy - cy - away[1]
        u = (dx * np.cos(angle) + dy * np.sin(angle)) / own
        v = (dy * np.cos(angle) - dx * np.sin(angle)) / (own * ratio)
        reach = np.minimum(reach, np.hypot(u, v))
    reach = np.maximum(reach + rng.uniform(0, 0.15) * smooth_noise(rng, size, max(6, r * rng.uniform(0.4, 1))), 0)
    mask = reach < 1
    steep = {"plaque": rng.uniform(3, 6)}.get(form, rng.uniform(1.2, 3))
    bulge = (
        np.clip(1 - reach**steep, 0, 1) ** rng.uniform(0.5, 1.6)
        * r
        * rng.uniform(0.06, 0.5)
        * (0.4 if form == "plaque" else 1)
    )
    if form == "stalk":
        angle, length, half = rng.uniform(0, 2 * np.pi), r * rng.uniform(1.3, 2.4), r * rng.uniform(0.2, 0.45)
        along = (xx - cx) * np.cos(angle) + (yy - cy) * np.sin(angle)
        across = (yy - cy) * np.cos(angle) - (xx - cx) * np.sin(angle) + smooth_noise(rng, size, r + 8) * 0.1 * r
        ends = np.clip((length - along) / half, 0, 1)  # round, not cut off
        stalk = (along > 0) & (np.abs(across) < half * np.sqrt(ends))
        bulge = np.maximum(bulge, stalk * np.sqrt(np.clip(1 - (across / half) ** 2, 0, 1)) * ends * half * 0.7)
        mask = mask | stalk
    parts, number = ndimage.label(mask)
    if number > 1:
        mask = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return ndimage.binary_fill_holes(mask), bulge * mask, r


def _dirty(rng, image):
    """Stool, mucus and bubbles on the wall, in place; image float [size, size, 3]."""
    size = len(image)
    if rng.random() < 0.25:
        stuff = smooth_noise(rng, size, rng.uniform(8, 40)) - rng.uniform(1.2, 2.2)
        soft = np.clip(stuff * rng.uniform(2, 8), 0, 1)[..., None]
        image += soft * (rng.uniform([120, 90, 20], [230, 190, 110]) - image) * rng.uniform(0.4, 1)
    for _ in range(rng.integers(3, 30) if rng.random() < 0.15 else 0):
        r = size * rng.uniform(0.008, 0.03)
        bubble = blob(rng, size, *rng.uniform(0, size, 2), r, r, 0, 0)
        rim = bubble & ~ndimage.binary_erosion(bubble, iterations=1)
        image[rim] += rng.uniform(20, 90)


def _through_the_scope(rng, image, labels):
    """uint8 [size, size, 3]: blur, noise, the dark frame (whose labels go, in place), now and then an inset and JPEG's traces."""
    size = len(image)
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    if rng.random() < 0.3:
        image = ndimage.gaussian_filter(image, (rng.uniform(0, 2.5), rng.uniform(0, 2.5), 0))
    image = image + rng.normal(0, rng.uniform(1, 6), image.shape)
    frame = rng.choice(["none", "round", "octagon", "margin"])
    reach = {"round": np.hypot(xx - size / 2, yy - size / 2) / (0.52 * size), "none": 0 * xx}.get(frame)
    if reach is None:
        side = np.maximum(np.abs(xx - size / 2), np.abs(yy - size / 2))
        reach = np.maximum(side / (0.49 * size), (np.abs(xx - size / 2) + np.abs(yy - size / 2)) / (0.82 * size))
        reach = reach * (1.2 if frame == "margin" else 1)
    hidden = reach > 1
    if rng.random() < 0.15:  # a picture in the picture: where the scope lies
        hidden |= (yy > size * rng.uniform(0.6, 0.8)) & (xx < size * rng.uniform(0.2, 0.4))
    image[hidden] = rng.uniform(0, 25)
    labels[hidden] = 0
    pixels = phantoms.to_bytes(image)
    if rng.random() < 0.4:
        stored = io.BytesIO()
        Image.fromarray(pixels).save(stored, "JPEG", quality=int(rng.integers(30, 85)))
        pixels = np.asarray(Image.open(stored))
    return pixels


def instrument(rng, size=256):
    """One to three tools of metal or plastic before the mucosa of `endoscopy`. Labels: 1 polyp, 2 tool."""
    image, labels = _gut(rng, size)
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
    return _through_the_scope(rng, image, labels), labels, (2,)
