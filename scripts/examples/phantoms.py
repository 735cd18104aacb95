"""Seeded phantoms: drawn scenes that look like four kinds of medical image, with exact label maps.

Every scene is computed from a `numpy.random.Generator` alone: no patient, no scan and no network had a part in it.
Needs numpy and Pillow. Coordinates are pixels, x right, y down; angles are radians.
"""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw


@dataclass
class Phantom:
    """One scene. `image` is uint8 [H, W] or [H, W, 3]; `labels` is uint8 [H, W] with 0 = background."""

    image: np.ndarray
    labels: np.ndarray
    names: dict  # label value -> what it is
    spacing_mm: tuple | None  # (x, y) size of a pixel, None where a pixel has no physical size
    salient: tuple = field(default=())  # the labels that together are "the object" of the scene


# ------------------------------------------------------------------------------------------------ shared tools


def smooth_noise(rng, size, scale):
    """A random field [size, size] of unit variance whose features are about `scale` pixels wide."""
    cells = max(3, int(round(size / scale)) + 1)
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    field_ = np.asarray(Image.fromarray(coarse).resize((size, size), Image.BICUBIC))
    return field_ / (field_.std() + 1e-6)


def blurred(values, radius):
    """Gaussian blur of a float array [H, W]; radius is the standard deviation in pixels. Edges repeat."""
    reach = max(1, int(np.ceil(3 * radius)))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2).astype(np.float32)
    taps /= taps.sum()
    height, width = values.shape
    padded = np.pad(values.astype(np.float32), reach, mode="edge")
    rows = sum(tap * padded[i : i + height] for i, tap in enumerate(taps))
    return sum(tap * rows[:, i : i + width] for i, tap in enumerate(taps))


def wobbly_ellipse(rng, cx, cy, a, b, angle, roughness=0.05, harmonics=5, points=72):
    """Outline [points, 2] of an ellipse whose radius varies smoothly by about `roughness` of itself."""
    t = np.linspace(0, 2 * np.pi, points, endpoint=False)
    r = np.ones(points)
    for k in range(2, 2 + harmonics):
        r += roughness / k * rng.standard_normal() * np.cos(k * t + rng.uniform(0, 2 * np.pi)) * 1.6
    x, y = a * r * np.cos(t), b * r * np.sin(t)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([cx + x * c - y * s, cy + x * s + y * c], 1)


def filled(size, outline):
    """Boolean mask [size, size] of the inside of an outline."""
    canvas = Image.new("1", (size, size))
    ImageDraw.Draw(canvas).polygon([tuple(p) for p in outline], fill=1)
    return np.asarray(canvas)


def rician(rng, signal, sigma):
    """Magnitude of a complex signal with Gaussian noise of `sigma` in both channels: the noise of magnitude MRI."""
    real = signal + rng.normal(0, sigma, signal.shape)
    imaginary = rng.normal(0, sigma, signal.shape)
    return np.hypot(real, imaginary)


def to_bytes(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


# ------------------------------------------------------------------------------------------------ cardiac MRI

CARDIAC = {1: "left ventricular cavity", 2: "left ventricular myocardium", 3: "right ventricular cavity", 4: "lung"}


def cardiac(rng, size=256):
    """Short-axis balanced-SSFP-like slice: both blood pools bright, myocardium dark, lungs black, chest wall with fat.

    Papillary muscles lie dark inside the left cavity and count as cavity, as clinical protocols have it. The right
    cavity is as bright as the left, and subcutaneous fat brighter than both, so brightness alone finds nothing.
    """
    u = size / 256
    image = np.full((size, size), 4.0, np.float32)
    labels = np.zeros((size, size), np.uint8)
    blood = rng.uniform(150, 205)
    muscle = blood * rng.uniform(0.32, 0.5)
    body_x, body_y = size * (0.5 + rng.uniform(-0.04, 0.04)), size * (0.52 + rng.uniform(-0.03, 0.03))
    body_a, body_b = size * rng.uniform(0.43, 0.52), size * rng.uniform(0.36, 0.46)
    body = filled(size, wobbly_ellipse(rng, body_x, body_y, body_a, body_b, 0, 0.03))
    fat_width = rng.uniform(5, 16) * u
    inner = filled(size, wobbly_ellipse(rng, body_x, body_y, body_a - fat_width, body_b - fat_width, 0, 0.03)) & body
    wall_width = rng.uniform(8, 16) * u
    chest = (
        filled(
            size,
            wobbly_ellipse(
                rng, body_x, body_y, body_a - fat_width - wall_width, body_b - fat_width - wall_width, 0, 0.04
            ),
        )
        & inner
    )
    image[body] = blood * rng.uniform(0.95, 1.35)
    image[inner] = muscle * rng.uniform(0.9, 1.3)
    image[chest] = muscle * rng.uniform(1.0, 1.6)

    # Heart: left ventricle a thick ring, right ventricle a crescent that leans on the septum.
    hx, hy = body_x + size * rng.uniform(-0.02, 0.12), body_y + size * rng.uniform(-0.09, 0.06)
    radius = size * rng.uniform(0.065, 0.115)  # of the left cavity
    thickness = radius * rng.uniform(0.32, 0.62)
    squash = rng.uniform(0.86, 1.0)
    tilt = rng.uniform(0, np.pi)
    epi = filled(size, wobbly_ellipse(rng, hx, hy, radius + thickness, (radius + thickness) * squash, tilt, 0.045))
    endo = (
        filled(
            size,
            wobbly_ellipse(
                rng,
                hx + rng.normal(0, 0.06) * thickness,
                hy + rng.normal(0, 0.06) * thickness,
                radius,
                radius * squash,
                tilt,
                0.07,
            ),
        )
        & epi
    )
    side = np.pi + rng.uniform(-0.75, 0.55)  # direction from left to right ventricle: image left, somewhat turned
    reach = radius + thickness
    rx, ry = hx + np.cos(side) * reach * rng.uniform(0.75, 1.0), hy + np.sin(side) * reach * rng.uniform(0.75, 1.0)
    rv_long, rv_short = reach * rng.uniform(0.95, 1.35), reach * rng.uniform(0.55, 0.9)
    rv_outer = filled(size, wobbly_ellipse(rng, rx, ry, rv_long + 3.5 * u, rv_short + 3.5 * u, side + np.pi / 2, 0.08))
    rv = filled(size, wobbly_ellipse(rng, rx, ry, rv_long, rv_short, side + np.pi / 2, 0.08)) & ~epi

    # Lungs: on both sides of the heart, kept away from it by pericardial fat.
    lungs = np.zeros_like(body)
    for direction in (-1, 1):
        lx = body_x + direction * body_a * rng.uniform(0.5, 0.64)
        ly = body_y + rng.uniform(-0.1, 0.12) * body_b
        lungs |= filled(
            size,
            wobbly_ellipse(
                rng,
                lx,
                ly,
                body_a * rng.uniform(0.2, 0.32),
                body_b * rng.uniform(0.42, 0.62),
                rng.uniform(-0.2, 0.2),
                0.1,
            ),
        )
    pericardium = filled(
        size, wobbly_ellipse(rng, (hx + rx) / 2, (hy + ry) / 2, reach * 1.75 + 5 * u, reach * 1.5 + 5 * u, side, 0.05)
    )
    lungs &= chest & ~pericardium
    image[lungs] = rng.uniform(8, 24)
    vessels = smooth_noise(rng, size, 7 * u) > rng.uniform(1.5, 2.0)
    image[lungs & vessels] = blood * rng.uniform(0.3, 0.6)
    image[pericardium & chest] = blood * rng.uniform(0.45, 0.95)

    # Liver or stomach under the heart, descending aorta and vertebra behind it.
    if rng.random() < 0.7:
        below = filled(
            size,
            wobbly_ellipse(
                rng,
                body_x - body_a * rng.uniform(0.0, 0.45),
                body_y + body_b * rng.uniform(0.55, 0.8),
                body_a * 0.5,
                body_b * 0.3,
                0,
                0.08,
            ),
        )
        image[below & chest & ~pericardium & ~lungs] = muscle * rng.uniform(1.0, 1.5)
    spine_x, spine_y = body_x + rng.normal(0, 4) * u, body_y + body_b * rng.uniform(0.52, 0.66)
    spine = filled(size, wobbly_ellipse(rng, spine_x, spine_y, 17 * u, 14 * u, 0, 0.08)) & inner
    image[spine] = muscle * rng.uniform(1.1, 1.7)
    canal = filled(size, wobbly_ellipse(rng, spine_x, spine_y + 19 * u, 7 * u, 5.5 * u, 0, 0.05)) & inner
    image[canal] = blood * rng.uniform(0.9, 1.25)
    aorta = (
        filled(size, wobbly_ellipse(rng, spine_x + 20 * u, spine_y - 12 * u, 9 * u, 9 * u, 0, 0.04))
        & inner
        & ~pericardium
    )
    image[aorta] = blood * rng.uniform(0.9, 1.1)

    image[rv_outer & ~epi] = muscle * rng.uniform(0.9, 1.1)
    rv_blood = blood * rng.uniform(0.94, 1.08)
    image[rv] = rv_blood
    image[epi] = muscle
    image[endo] = blood
    for _ in range(int(rng.integers(1, 4))):  # trabeculae of the right ventricle
        a = rng.uniform(0, 2 * np.pi)
        band = filled(
            size,
            wobbly_ellipse(
                rng,
                rx + np.cos(a) * rv_long * 0.4,
                ry + np.sin(a) * rv_short * 0.4,
                5 * u,
                2 * u,
                rng.uniform(0, np.pi),
                0.1,
            ),
        )
        image[band & rv] = muscle * 1.3
    papillary_at = rng.uniform(0, 2 * np.pi)
    for k in range(2):
        a = papillary_at + k * rng.uniform(1.6, 2.6)
        d = radius * rng.uniform(0.45, 0.72)
        s = radius * rng.uniform(0.12, 0.22)
        muscle_head = filled(
            size,
            wobbly_ellipse(rng, hx + np.cos(a) * d, hy + np.sin(a) * d * squash, s, s * rng.uniform(0.6, 1), a, 0.1),
        )
        image[muscle_head & endo] = muscle * rng.uniform(0.95, 1.2)

    labels[lungs & ~rv_outer & ~epi] = 4
    labels[rv] = 3
    labels[epi & ~endo] = 2
    labels[endo] = 1

    image = image * (1 + 0.05 * smooth_noise(rng, size, 5 * u))  # tissue is never flat
    image = blurred(image, rng.uniform(0.6, 1.2) * u)
    coil_x, coil_y = rng.uniform(-0.6, 0.6, 2)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    bias = np.exp(-0.35 * ((axis[None] - coil_x) ** 2 + (axis[:, None] - coil_y) ** 2)) * np.exp(
        0.12 * smooth_noise(rng, size, size / 2.5)
    )
    image = rician(rng, image * bias, rng.uniform(4, 13))
    image = image * (rng.uniform(185, 250) / np.percentile(image, 99.3))
    return Phantom(to_bytes(image), labels, CARDIAC, (1.4, 1.4), (1, 2, 3))


# ------------------------------------------------------------------------------------------------ retinal vessels

RETINA = {1: "vessel"}


def retina(rng, size=384):
    """The fundus of `fundus`, with its vessels alone labelled."""
    return fundus(rng, size)[0]


def fundus(rng, size=384, disc_share=None, disc_strength=1.0):
    """(Phantom with the vessels, rim of the optic disc, its cup): two masks [size, size] beside the scene.

    A photograph-like orange field, bright optic disc, dark macula, two vessel trees round the macula. `disc_share`: radius
    of the disc in sides of the image, drawn if None; `disc_strength`: its brightness, 1 as in a healthy eye.
    """
    u = size / 384
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    cx = cy = size / 2
    fov_radius = size * rng.uniform(0.455, 0.49)
    radius = np.hypot(xx - cx, yy - cy)
    fov = radius < fov_radius
    side = rng.choice([-1, 1])  # which eye
    disc = np.array([cx + side * size * rng.uniform(0.2, 0.29), cy + size * rng.uniform(-0.05, 0.05)])
    macula = np.array([cx - side * size * rng.uniform(0.03, 0.1), cy + size * rng.uniform(-0.02, 0.05)])

    canvas = Image.new("L", (size * 2, size * 2))  # twice the size: thin vessels get fractional width
    draw = ImageDraw.Draw(canvas)

    def grow(x, y, heading, width, depth, target_turn):
        step = 4.0 * u
        for _ in range(int(rng.uniform(45, 75) * 0.86**depth)):
            heading += rng.normal(0, 0.075) + target_turn
            nx, ny = x + step * np.cos(heading), y + step * np.sin(heading)
            if np.hypot(nx - macula[0], ny - macula[1]) < 0.075 * size:
                return
            draw.line([2 * x, 2 * y, 2 * nx, 2 * ny], fill=255, width=max(1, int(round(2 * width))))
            x, y = nx, ny
            width *= 0.992
            if depth < 4 and width > 0.8 * u and rng.random() < 0.085:
                turn = rng.choice([-1, 1])
                grow(
                    x,
                    y,
                    heading + turn * rng.uniform(0.45, 1.0),
                    width * rng.uniform(0.55, 0.8),
                    depth + 1,
                    turn * rng.uniform(-0.012, 0.012),
                )
                heading -= turn * rng.uniform(0.05, 0.2)
            if width < 0.45 * u or np.hypot(x - cx, y - cy) > fov_radius:
                return

    for vertical in (-1, 1):  # upper and lower arcade, artery and vein each, and short nasal vessels
        for _ in range(2):
            heading = np.arctan2(vertical, -side * rng.uniform(0.05, 0.5))
            bend = vertical * side * rng.uniform(0.012, 0.026)
            grow(
                disc[0] + rng.normal(0, 3) * u,
                disc[1] + rng.normal(0, 3) * u,
                heading,
                rng.uniform(2.2, 3.8) * u,
                0,
                bend,
            )
        grow(disc[0], disc[1], np.arctan2(vertical * rng.uniform(0.2, 0.9), side), rng.uniform(1.4, 2.4) * u, 1, 0.0)
    coverage = np.asarray(canvas.resize((size, size), Image.BOX), np.float32) / 255
    labels = ((coverage > 0.5) & fov).astype(np.uint8)

    base = np.array([rng.uniform(150, 205), rng.uniform(65, 105), rng.uniform(25, 60)], np.float32)
    shade = (
        1
        + 0.08 * smooth_noise(rng, size, 90 * u)
        + 0.04 * smooth_noise(rng, size, 14 * u)
        - 0.35 * (radius / fov_radius) ** 3
    )
    image = base[None, None] * shade[..., None]
    spot = np.exp(-((xx - macula[0]) ** 2 + (yy - macula[1]) ** 2) / (2 * (0.06 * size) ** 2))
    image *= (1 - 0.35 * spot)[..., None]
    disc_r = size * (rng.uniform(0.05, 0.065) if disc_share is None else disc_share)
    cup_r = disc_r * (0.5 if disc_share is None else rng.uniform(0.25, 0.75))
    whole = filled(size, wobbly_ellipse(rng, *disc, disc_r, disc_r * 1.1, 0, 0.03))
    cup = filled(size, wobbly_ellipse(rng, *disc, cup_r, cup_r * 1.1, 0, 0.03)) & whole
    disc_map = blurred(whole.astype(np.float32), 1.6 * u)[..., None] * np.array([45, 70, 40])
    cup_map = blurred(cup.astype(np.float32), 2 * u)[..., None] * np.array([15, 35, 35])
    image += (disc_map + cup_map) * disc_strength
    soft = blurred(coverage, 0.7 * u)
    contrast = rng.uniform(0.3, 0.55)
    image *= 1 - soft[..., None] * contrast * np.array([0.6, 1.0, 0.7])
    if rng.random() < 0.5:  # drusen or exudates: bright spots that are no vessel
        for _ in range(int(rng.integers(3, 15))):
            a, d = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35) * size
            spot = filled(
                size,
                wobbly_ellipse(
                    rng, cx + d * np.cos(a), cy + d * np.sin(a), rng.uniform(1, 4) * u, rng.uniform(1, 4) * u, 0, 0.1
                ),
            )
            image += blurred(spot.astype(np.float32), 1.0 * u)[..., None] * np.array([40, 45, 20])
    image += rng.normal(0, rng.uniform(2, 6), image.shape)
    image *= blurred(fov.astype(np.float32), 1.0 * u)[..., None]
    return Phantom(to_bytes(image), labels, RETINA, None, (1,)), whole & ~cup & fov, cup & fov


# ------------------------------------------------------------------------------------------------ abdominal CT

ABDOMEN = {1: "liver", 2: "spleen", 3: "kidney", 4: "vertebra"}


def abdomen(rng, size=256):
    """Axial portal-venous CT in a soft-tissue window: liver at the left, spleen, kidneys, spine, bowel, vessels."""
    u = size / 256
    cx, cy = size * (0.5 + rng.uniform(-0.02, 0.02)), size * (0.5 + rng.uniform(-0.02, 0.02))
    a, b = size * rng.uniform(0.41, 0.47), size * rng.uniform(0.3, 0.37)
    fat, soft = rng.uniform(45, 70), rng.uniform(118, 140)
    organ = rng.uniform(150, 185)
    image = np.full((size, size), 2.0, np.float32)
    body = filled(size, wobbly_ellipse(rng, cx, cy, a, b, 0, 0.025))
    layer = rng.uniform(5, 20) * u
    wall = filled(size, wobbly_ellipse(rng, cx, cy, a - layer, b - layer, 0, 0.025)) & body
    cavity = filled(size, wobbly_ellipse(rng, cx, cy - 2 * u, a - layer - 9 * u, b - layer - 9 * u, 0, 0.03)) & wall
    image[body] = fat
    image[wall] = soft
    image[cavity] = fat * rng.uniform(0.95, 1.2)
    labels = np.zeros((size, size), np.uint8)
    ca, cb = a - layer - 9 * u, b - layer - 9 * u

    def organ_at(dx, dy, ra, rb, angle, roughness=0.07):
        return (
            filled(size, wobbly_ellipse(rng, cx + dx * ca, cy + dy * cb, ra * ca, rb * cb, angle, roughness)) & cavity
        )

    for _ in range(int(rng.integers(6, 14))):  # bowel loops, some with gas
        loop = organ_at(
            rng.uniform(-0.3, 0.75),
            rng.uniform(-0.75, 0.3),
            rng.uniform(0.08, 0.17),
            rng.uniform(0.1, 0.2),
            rng.uniform(0, np.pi),
        )
        image[loop] = soft * rng.uniform(0.85, 1.12)
        if rng.random() < 0.3:
            image[loop & organ_at(rng.uniform(-0.3, 0.75), rng.uniform(-0.75, 0.3), 0.12, 0.12, 0)] = 4
    stomach = organ_at(
        rng.uniform(0.2, 0.42),
        rng.uniform(-0.5, -0.3),
        rng.uniform(0.22, 0.33),
        rng.uniform(0.22, 0.36),
        rng.uniform(-0.6, 0.3),
    )
    image[stomach] = soft * rng.uniform(0.75, 1.1)

    sx, sy = cx + rng.normal(0, 2) * u, cy + b * rng.uniform(0.38, 0.5)
    psoas = filled(size, wobbly_ellipse(rng, sx - 24 * u, sy + 3 * u, 10 * u, 13 * u, 0, 0.06)) | filled(
        size, wobbly_ellipse(rng, sx + 24 * u, sy + 3 * u, 10 * u, 13 * u, 0, 0.06)
    )
    image[psoas & wall] = soft
    back = filled(size, wobbly_ellipse(rng, sx - 24 * u, sy + 27 * u, 19 * u, 11 * u, 0.2, 0.06)) | filled(
        size, wobbly_ellipse(rng, sx + 24 * u, sy + 27 * u, 19 * u, 11 * u, -0.2, 0.06)
    )
    image[back & body] = soft * 0.95
    vertebra = filled(size, wobbly_ellipse(rng, sx, sy, rng.uniform(15, 19) * u, rng.uniform(12, 15) * u, 0, 0.05))
    arch = filled(size, wobbly_ellipse(rng, sx, sy + 19 * u, 14 * u, 9 * u, 0, 0.1)) | filled(
        size, wobbly_ellipse(rng, sx, sy + 29 * u, 4 * u, 12 * u, 0, 0.05)
    )
    canal = filled(size, wobbly_ellipse(rng, sx, sy + 18 * u, 7 * u, 6 * u, 0, 0.03))
    bone = (vertebra | arch) & body
    for x in (-1, 1):  # ribs in the wall
        for angle in rng.uniform(-0.9, 0.9, 3):
            rib = filled(
                size,
                wobbly_ellipse(
                    rng,
                    cx + x * (a - layer - 5 * u) * np.cos(angle),
                    cy + (b - layer - 5 * u) * np.sin(angle),
                    7 * u,
                    3 * u,
                    x * angle + np.pi / 2,
                    0.05,
                ),
            )
            image[rib & body] = rng.uniform(200, 250)

    liver = organ_at(
        -0.45, rng.uniform(-0.2, 0.05), rng.uniform(0.42, 0.54), rng.uniform(0.6, 0.78), rng.uniform(-0.35, 0.1), 0.09
    )
    liver |= organ_at(
        rng.uniform(-0.15, 0.05),
        rng.uniform(-0.5, -0.38),
        rng.uniform(0.32, 0.46),
        rng.uniform(0.22, 0.32),
        rng.uniform(-0.2, 0.15),
        0.08,
    )
    spleen = organ_at(
        rng.uniform(0.66, 0.76),
        rng.uniform(0.0, 0.22),
        rng.uniform(0.14, 0.2),
        rng.uniform(0.32, 0.46),
        rng.uniform(-0.45, 0.0),
        0.08,
    )
    kidneys = np.zeros_like(liver)
    sinus = np.zeros_like(liver)
    for direction in (-1, 1):
        dx, dy = direction * rng.uniform(0.4, 0.5), rng.uniform(0.4, 0.52)
        kidneys |= organ_at(
            dx, dy, rng.uniform(0.13, 0.17), rng.uniform(0.2, 0.26), direction * rng.uniform(0.1, 0.4), 0.05
        )
        sinus |= organ_at(dx - direction * 0.05, dy, 0.05, 0.08, 0, 0.1)
    liver &= ~kidneys & ~vertebra & ~psoas
    spleen &= ~kidneys & ~liver
    kidneys &= ~bone
    image[liver] = organ
    image[spleen] = organ * rng.uniform(0.94, 1.1)
    image[kidneys] = organ * rng.uniform(1.05, 1.3)
    image[kidneys & sinus] = fat * 1.3
    for _ in range(int(rng.integers(3, 8))):  # hepatic vessels
        vessel = organ_at(
            rng.uniform(-0.75, -0.15),
            rng.uniform(-0.4, 0.25),
            rng.uniform(0.015, 0.04),
            rng.uniform(0.03, 0.12),
            rng.uniform(0, np.pi),
            0.1,
        )
        image[vessel & liver] = organ * rng.uniform(1.1, 1.22)
    for _ in range(int(rng.integers(0, 3))):  # lesions count as liver
        lesion = organ_at(rng.uniform(-0.75, -0.25), rng.uniform(-0.4, 0.25), 0.05, 0.07, 0, 0.1)
        image[lesion & liver] = organ * rng.uniform(0.65, 0.85)
    aorta = filled(size, wobbly_ellipse(rng, sx + 8 * u, sy - 24 * u, 7 * u, 7 * u, 0, 0.03))
    cava = filled(size, wobbly_ellipse(rng, sx - 14 * u, sy - 22 * u, 9 * u, 6.5 * u, 0, 0.05))
    image[(aorta | cava) & ~liver] = organ * rng.uniform(1.1, 1.35)
    image[bone] = rng.uniform(205, 240)
    image[canal & bone] = soft

    labels[bone] = 4
    labels[kidneys] = 3
    labels[spleen] = 2
    labels[liver & ~bone & ~kidneys & ~aorta & ~cava] = 1
    image[liver & (aorta | cava)] = organ * 1.2
    image += 3 * smooth_noise(rng, size, 4 * u) * body
    image = blurred(image, rng.uniform(0.5, 1.0) * u)
    grain = blurred(rng.standard_normal((size, size)).astype(np.float32), 0.7)  # CT noise is correlated
    image += grain / grain.std() * rng.uniform(4, 11) * (0.3 + 0.7 * body)
    return Phantom(to_bytes(image), labels, ABDOMEN, (1.5, 1.5), (1,))


# ------------------------------------------------------------------------------------------------ nuclei

NUCLEI = {1: "nucleus"}


def nuclei(rng, size=384):
    """Cell nuclei, fluorescence (bright on dark) or a purple stain (dark on pink), some of them touching."""
    u = size / 384
    stained = rng.random() < 0.4
    mean_radius = rng.uniform(9, 16) * u
    labels = np.zeros((size, size), np.uint8)
    strength = np.zeros((size, size), np.float32)
    count = int(rng.uniform(0.12, 0.3) * size * size / (np.pi * mean_radius**2))
    centres = []
    for _ in range(count):
        x, y = rng.uniform(0, size, 2)
        r = mean_radius * np.exp(rng.normal(0, 0.22))
        if any((x - p) ** 2 + (y - q) ** 2 < (0.85 * (r + s)) ** 2 for p, q, s in centres):
            continue
        centres.append((x, y, r))
        shape = filled(size, wobbly_ellipse(rng, x, y, r, r * rng.uniform(0.6, 1.0), rng.uniform(0, np.pi), 0.06))
        labels[shape] = 1
        strength[shape] = rng.uniform(0.35, 1.0)
    texture = 1 + 0.18 * smooth_noise(rng, size, 5 * u)
    strength = blurred(strength * texture, rng.uniform(0.8, 1.6) * u)
    cloud = smooth_noise(rng, size, 60 * u)
    if stained:
        pink, purple = np.array([228, 180, 205], np.float32), np.array([105, 65, 140], np.float32)
        ground = pink * (1 + 0.05 * cloud + 0.05 * smooth_noise(rng, size, 9 * u))[..., None]
        w = np.clip(strength, 0, 1)[..., None]
        image = ground * (1 - w) + purple * (0.85 + 0.15 * texture)[..., None] * w
        image += rng.normal(0, 5, image.shape)
    else:
        image = rng.uniform(10, 35) + rng.uniform(3, 9) * cloud + strength * rng.uniform(110, 190)
        image = rng.poisson(np.clip(image, 0, None) * 2) / 2 + rng.normal(0, 3, image.shape)
    return Phantom(to_bytes(image), labels, NUCLEI, None, (1,))


KINDS = {"cardiac": cardiac, "retina": retina, "abdomen": abdomen, "nuclei": nuclei}
