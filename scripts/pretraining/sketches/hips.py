"""Cross-sections below the trunk: the pelvis, a limb."""

import numpy as np

from phantoms import blurred, smooth_noise

from .tools import WHOLE, as_mri, blob, depth_in


def pelvis(rng, size=256):
    """An axial MRI of the pelvis: muscle and fat about a gland in two zones, bladder or symphysis before it, rectum behind.

    Labels: 1 central gland, 2 peripheral zone, 3 lesion in it, 4 bladder, 5 rectum, 6 muscle; 11 whole gland.
    """
    x, y = size * rng.uniform(0.45, 0.55, 2)
    r = size * rng.uniform(0.08, 0.2)
    fat, muscle = rng.uniform(120, 240), rng.uniform(20, 70)
    image = fat * (1 + 0.12 * smooth_noise(rng, size, 12)) + np.zeros((size, size), np.float32)
    labels = np.zeros((size, size), np.uint8)

    def lay(mask, tone, value, grain=0.12, scale=6):
        image[mask] = (tone * (1 + grain * smooth_noise(rng, size, scale)))[mask]
        labels[mask] = value

    for side in (-1, 1):  # obturator muscles, levator, bones
        lay(
            blob(
                rng,
                size,
                x + side * size * rng.uniform(0.38, 0.5),
                y - size * rng.uniform(-0.1, 0.2),
                size * 0.15,
                size * 0.3,
                side * rng.uniform(0, 0.5),
                0.12,
            ),
            rng.uniform(40, 160),
            0,
        )
        lay(
            blob(
                rng,
                size,
                x + side * size * rng.uniform(0.26, 0.34),
                y,
                size * 0.06,
                size * 0.22,
                side * rng.uniform(0.1, 0.5),
                0.15,
            ),
            muscle,
            6,
        )
        lay(blob(rng, size, x + side * r * 1.35, y + r * 0.3, r * 0.15, r * 1.1, side * -0.2, 0.1), muscle * 1.2, 0)
    is_bladder = rng.random() < 0.5  # or the symphysis
    lay(
        blob(
            rng, size, x, y - r * rng.uniform(1.6, 2.4), r * rng.uniform(0.3, 1.6), r * rng.uniform(0.5, 1.0), 0, 0.15
        ),
        235.0 if is_bladder else muscle,
        4 if is_bladder else 0,
    )
    rectum = blob(
        rng,
        size,
        x + rng.normal(0, 3),
        y + r * rng.uniform(1.5, 1.9),
        r * rng.uniform(0.5, 1.0),
        r * rng.uniform(0.4, 0.8),
        0,
        0.12,
    )
    lay(rectum, muscle * 1.5, 5)
    image[depth_in(rectum) > rng.uniform(2, 5)] = rng.choice([5.0, 60.0, 150.0])
    gland = blob(rng, size, x, y, r * rng.uniform(0.9, 1.25), r * rng.uniform(0.75, 1.1), 0, 0.08)
    lay(gland, rng.uniform(100, 230), 2, 0.18, 5)
    centre = (
        blob(
            rng,
            size,
            x + rng.normal(0, 0.05) * r,
            y - r * rng.uniform(0.1, 0.35),
            r * rng.uniform(0.5, 0.95),
            r * rng.uniform(0.45, 0.8),
            0,
            0.1,
        )
        & gland
    )
    lay(centre, rng.uniform(60, 150), 1, rng.uniform(0.1, 0.45), rng.uniform(4, 12))
    for _ in range(rng.integers(0, 7)):  # nodules
        nodule = (
            blob(
                rng,
                size,
                x + rng.normal(0, 0.4) * r,
                y + rng.normal(-0.25, 0.3) * r,
                r * rng.uniform(0.1, 0.35),
                r * rng.uniform(0.1, 0.3),
            )
            & centre
        )
        image[nodule] = rng.uniform(40, 220)
        image[nodule & (depth_in(nodule) < 1.5)] = muscle
    image[gland & (depth_in(gland) < rng.uniform(0.8, 2))] = muscle * rng.uniform(0.8, 1.6)
    if rng.random() < 0.6:
        angle = rng.uniform(0, 2 * np.pi)
        spot = (
            blob(
                rng,
                size,
                x + 0.65 * r * np.cos(angle),
                y + 0.55 * r * np.sin(angle),
                r * rng.uniform(0.12, 0.4),
                r * rng.uniform(0.12, 0.3),
                angle,
                0.2,
            )
            & gland
        )
        soft = blurred(spot.astype(np.float32), 1.5)
        image = image * (1 - soft) + soft * muscle * rng.uniform(0.9, 2)
        labels[spot] = 3
    if rng.random() < 0.5:
        labels[np.isin(labels, (1, 2, 3))] = 1 + WHOLE
    return as_mri(rng, image), labels, (1, 2, 3, 11)


def limb(rng, size=256):
    """A cross-section of a limb or joint: bones with a dark rim and bright marrow, muscles in their fasciae, vessels, fat.

    Labels: 1 bone, 2 muscle, 3 vessel, 4 tumour.
    """
    x, y = size * rng.uniform(0.44, 0.56, 2)
    a, b = size * rng.uniform(0.28, 0.46, 2)
    skin = blob(rng, size, x, y, a, b, rng.uniform(0, 3), 0.06)
    flesh = depth_in(skin) > rng.uniform(0.04, 0.25) * min(a, b)
    fat, muscle = rng.uniform(30, 235), rng.uniform(40, 130)
    image = np.where(skin, fat * (1 + 0.06 * smooth_noise(rng, size, 15)), 3).astype(np.float32)
    labels = np.zeros((size, size), np.uint8)
    seeds = np.stack([x + rng.normal(0, 0.6, 14) * a, y + rng.normal(0, 0.6, 14) * b], 1)
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    far = np.sort(np.stack([np.hypot(xx - p, yy - q) + 6 * smooth_noise(rng, size, 50) for p, q in seeds]), 0)
    bundle = flesh & (far[1] - far[0] > rng.uniform(1.5, 7))
    image[bundle] = (muscle * (1 + rng.uniform(0, 0.25) * smooth_noise(rng, size, rng.choice([3, 5, 25]))))[bundle]
    labels[bundle] = 2
    for _ in range(rng.integers(1, 4)):
        r = min(a, b) * rng.uniform(0.12, 0.45)
        bone = (
            blob(
                rng,
                size,
                x + rng.normal(0, 0.3) * a,
                y + rng.normal(0, 0.3) * b,
                r,
                r * rng.uniform(0.6, 1),
                rng.uniform(0, 3),
                0.1,
            )
            & flesh
        )
        rim = depth_in(bone) < rng.uniform(1, 0.35 * r + 1)
        image[bone] = (rng.choice([fat, 120.0]) * rng.uniform(0.7, 1.1) * (1 + 0.08 * smooth_noise(rng, size, 4)))[bone]
        image[bone & rim] = rng.choice([12.0, 12.0, 245.0])
        labels[bone] = 1
    for _ in range(rng.integers(1, 7)):
        r = rng.uniform(2, 7)
        spot = (
            blob(rng, size, x + rng.normal(0, 0.4) * a, y + rng.normal(0, 0.4) * b, r, r * rng.uniform(0.7, 1))
            & flesh
            & (labels != 1)
        )
        image[spot] = rng.choice([8.0, 230.0])
        labels[spot] = 3
    if rng.random() < 0.4:  # a tumour
        r = min(a, b) * rng.uniform(0.1, 0.45)
        spot = (
            blob(
                rng,
                size,
                x + rng.normal(0, 0.35) * a,
                y + rng.normal(0, 0.35) * b,
                r,
                r * rng.uniform(0.5, 1),
                rng.uniform(0, 3),
                0.2,
            )
            & flesh
        )
        soft = blurred(spot.astype(np.float32), rng.uniform(0.8, 3))
        image = image * (1 - soft) + soft * np.clip(
            rng.uniform(60, 220) * (1 + 0.25 * smooth_noise(rng, size, r * 0.5)), 0, 250
        )
        labels[spot] = 4
    return as_mri(rng, image), labels, (4,) if (labels == 4).any() else (1,) if (labels == 1).any() else ()
