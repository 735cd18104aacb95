"""Cross-sections of the trunk: chest and belly."""

import numpy as np
from scipy import ndimage

from phantoms import smooth_noise

from .tools import as_mri, blob, by_tissue, depth_in


def chest(rng, size=256):
    """An axial slice of a chest, CT or MRI: lungs with their vessels, heart, aorta, trachea, spine and ribs.

    Labels: 1 lungs, 2 heart, 3 airway, 4 aorta, 5 vertebra, 6 lesion in a lung.
    """
    x, y = size * rng.uniform(0.46, 0.54, 2)
    a, b = size * rng.uniform(0.38, 0.49), size * rng.uniform(0.26, 0.38)
    body = blob(rng, size, x, y, a, b, 0, 0.03)
    depth = depth_in(body)
    fat = rng.uniform(0.03, 0.16) * b
    cavity = depth > fat + rng.uniform(8, 20)
    FAT, MUSCLE, BONE, TREE = 7, 8, 9, 10
    tissue = np.zeros((size, size), np.uint8)
    tissue[body], tissue[depth > fat], tissue[cavity] = FAT, MUSCLE, FAT
    ring = (depth > fat + 3) & ~cavity & (smooth_noise(rng, size, 22) > 0.4)
    tissue[ring] = BONE
    for side in (-1, 1):
        at = x + side * a * rng.uniform(0.36, 0.46), y + b * rng.uniform(-0.05, 0.1)
        lung = (
            blob(
                rng,
                size,
                *at,
                a * rng.uniform(0.28, 0.38),
                b * rng.uniform(0.55, 0.8),
                side * rng.uniform(-0.2, 0.3),
                0.08,
            )
            & cavity
        )
        tissue[lung] = 1
    middle = blob(rng, size, x, y, a * rng.uniform(0.08, 0.16), b, 0, 0.1) & cavity
    tissue[middle] = FAT
    lung = tissue == 1
    twigs = np.abs(smooth_noise(rng, size, rng.uniform(8, 18))) < rng.uniform(0.02, 0.1)
    tree = lung & ((twigs & (smooth_noise(rng, size, 14) > 0)) | (smooth_noise(rng, size, 6) > rng.uniform(1.8, 2.6)))
    low = rng.random() < 0.65  # at the height of the heart, or above it
    if low:
        heart = blob(
            rng,
            size,
            x + a * rng.uniform(-0.02, 0.22),
            y - b * rng.uniform(0.05, 0.35),
            a * rng.uniform(0.2, 0.36),
            b * rng.uniform(0.28, 0.5),
            rng.uniform(0, 0.8),
            0.08,
        )
        tissue[heart & cavity] = 2
    else:
        for _ in range(rng.integers(2, 5)):  # great vessels
            spot = blob(
                rng,
                size,
                x + rng.normal(0, 0.1) * a,
                y - rng.uniform(0.1, 0.5) * b,
                rng.uniform(5, 13),
                rng.uniform(5, 11),
                rng.uniform(0, 3),
                0.1,
            )
            tissue[spot & cavity] = 4
        r = rng.uniform(4, 9)
        tissue[
            blob(rng, size, x + rng.normal(0, 4), y - b * rng.uniform(0, 0.2), r, r * rng.uniform(0.8, 1.3)) & cavity
        ] = 3
    spine_y = y + b * rng.uniform(0.5, 0.68)
    r = rng.uniform(6, 11)
    tissue[blob(rng, size, x + rng.uniform(8, 22), spine_y - rng.uniform(14, 24), r, r) & cavity] = 4
    tissue[blob(rng, size, x, spine_y, rng.uniform(12, 18), rng.uniform(10, 14), 0, 0.08) & body] = 5
    if rng.random() < 0.4:
        ys, xs = np.nonzero(lung)
        if len(xs):
            i = rng.integers(len(xs))
            tissue[blob(rng, size, xs[i], ys[i], rng.uniform(3, 20), rng.uniform(3, 16), 0, 0.2) & lung] = 6
    labels = np.where(tissue <= 6, tissue, 0).astype(np.uint8)
    tissue[tree & (tissue == 1)] = TREE
    air = rng.uniform(3, 70)
    ct = np.array([2, air, 150, air * 0.5, 160, 225, 130, 75, 125, 235, 150], np.float32)
    mri = np.array(
        [2, 18, rng.uniform(60, 200), 5, rng.choice([30, 200]), 90, 110, rng.choice([60, 210]), 75, 60, 50], np.float32
    )
    tones = np.clip((ct if rng.random() < 0.65 else mri) * np.exp(rng.normal(0, 0.15, 11)), 1, 250)
    image = by_tissue(rng, tissue, tones, 0.12)
    if low and rng.random() < 0.6:  # chambers
        for _ in range(rng.integers(1, 5)):
            room = blob(
                rng,
                size,
                x + rng.uniform(-0.15, 0.35) * a,
                y - rng.uniform(0, 0.5) * b,
                rng.uniform(7, 24),
                rng.uniform(7, 20),
                rng.uniform(0, 3),
                0.12,
            )
            image[room & (tissue == 2)] = np.clip(tones[2] * rng.uniform(0.7, 1.6), 0, 250)
    return as_mri(rng, image), labels, (1,)


def belly(rng, size=256):
    """An axial MRI of the belly: liver, spleen, kidneys, stomach, loops of gut with gas or fluid, all in fat.

    Labels: 1 small bowel, 2 large bowel, 3 stomach, 4 liver, 5 kidneys, 6 spleen, 7 vertebra, 8 vessels.
    """
    x, y = size * rng.uniform(0.46, 0.54, 2)
    a, b = size * rng.uniform(0.36, 0.48), size * rng.uniform(0.27, 0.4)
    body = blob(rng, size, x, y, a, b, 0, 0.03)
    depth = depth_in(body)
    fat = rng.uniform(0.02, 0.2) * b
    wall, cavity = depth > fat, depth > fat + rng.uniform(4, 11)
    FAT, MUSCLE = 9, 10
    tissue = np.zeros((size, size), np.uint8)
    tissue[body], tissue[wall], tissue[cavity] = FAT, MUSCLE, FAT
    ca, cb = a - fat - 8, b - fat - 8
    at = lambda dx, dy, ra, rb, angle=0.0, rough=0.1: (
        blob(rng, size, x + dx * ca, y + dy * cb, ra * ca, rb * cb, angle, rough) & cavity
    )
    spine_y = y + cb * rng.uniform(0.45, 0.65)
    for side in (-1, 1):
        tissue[blob(rng, size, x + side * 24, spine_y + 8, 14, 17, 0, 0.1) & wall] = MUSCLE
    high = rng.random() < 0.5  # upper belly: liver and stomach; lower: gut
    if high or rng.random() < 0.4:
        tissue[
            at(-0.45, rng.uniform(-0.3, 0.1), rng.uniform(0.3, 0.52), rng.uniform(0.4, 0.8), rng.uniform(-0.4, 0.2))
        ] = 4
        if rng.random() < 0.8:
            tissue[
                at(rng.uniform(0.6, 0.75), rng.uniform(0, 0.35), rng.uniform(0.12, 0.2), rng.uniform(0.25, 0.45), -0.3)
            ] = 6
    for side in (-1, 1):
        if rng.random() < 0.7:
            tissue[
                at(
                    side * rng.uniform(0.4, 0.55),
                    rng.uniform(0.3, 0.5),
                    rng.uniform(0.12, 0.18),
                    rng.uniform(0.18, 0.28),
                    side * 0.3,
                )
            ] = 5
    if high or rng.random() < 0.3:
        tissue[
            at(
                rng.uniform(0.1, 0.5),
                rng.uniform(-0.5, -0.05),
                rng.uniform(0.15, 0.33),
                rng.uniform(0.15, 0.4),
                rng.uniform(-0.9, 0.4),
                0.15,
            )
        ] = 3
    middle = rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.2)
    for _ in range(rng.integers(0, 5) if high else rng.integers(5, 20)):
        dx, dy = middle[0] + rng.normal(0, 0.25), middle[1] + rng.normal(0, 0.25)
        loop = at(dx, dy, rng.uniform(0.06, 0.16), rng.uniform(0.07, 0.14), rng.uniform(0, np.pi), 0.15)
        tissue[loop & np.isin(tissue, (FAT, 1))] = 1
    for place in ((-0.7, 0.1), (0.7, 0.15), (-0.2, -0.7), (0.25, -0.7)):  # colon: at the rim
        if rng.random() < 0.6:
            loop = at(
                place[0] + rng.normal(0, 0.08),
                place[1] + rng.normal(0, 0.1),
                rng.uniform(0.09, 0.2),
                rng.uniform(0.1, 0.24),
                rng.uniform(0, np.pi),
                0.2,
            )
            tissue[loop & np.isin(tissue, (FAT, 1))] = 2
    bone = blob(rng, size, x, spine_y, rng.uniform(13, 19), rng.uniform(11, 15), 0, 0.06) & body
    canal = blob(rng, size, x, spine_y + 18, 7, 5.5) & body
    tissue[bone] = 7
    for side, r in ((0.1, 6), (-0.15, 7)):
        tissue[blob(rng, size, x + side * 80, spine_y - 20, r, r) & cavity] = 8
    tones = np.array([2, 95, 90, 85, 80, 110, 100, 110, rng.choice([15, 200]), 210, 60], np.float32)
    if rng.random() < 0.35:  # fat suppressed, or CT
        tones[9] = rng.uniform(15, 60)
    tones = np.clip(tones * np.exp(rng.normal(0, 0.3, 11)), 1, 250)
    image = by_tissue(rng, tissue, tones, 0.2)
    for value in (1, 2, 3):  # what is in the gut: gas, fluid, food, behind a wall of its own
        parts, number = ndimage.label(tissue == value)
        for part in range(1, number + 1):
            place = parts == part
            content = place & (depth_in(place) > rng.uniform(1.5, 3.5))
            kind = rng.random()
            level = (
                rng.uniform(3, 20)
                if kind < 0.35
                else rng.uniform(150, 245)
                if kind < 0.6
                else tones[value] * rng.uniform(0.7, 1.3)
            )
            if rng.random() < 0.4:  # gas above, fluid below
                rows = np.flatnonzero(place.any(1))
                content[int(rng.uniform(rows[0], rows[-1] + 1)) :] = False
            image[content] = level + (smooth_noise(rng, size, 4) * rng.uniform(0, 22))[content]
    image[canal] = rng.uniform(60, 230)
    labels = np.where(tissue <= 8, tissue, 0).astype(np.uint8)
    return as_mri(rng, image), labels, ()
