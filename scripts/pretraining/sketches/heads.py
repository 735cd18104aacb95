"""A head by MRI or CT."""

import numpy as np
from scipy import ndimage

from phantoms import smooth_noise

from .tools import WHOLE, as_mri, blob, by_tissue, depth_in


def head(rng, size=256):
    """A slice of a head: scalp, skull, fluid, folded cortex, white matter, ventricles, often a tumour in its oedema.

    Labels: 1 white matter, 2 grey matter, 3 fluid, 4 bone, 5 scalp, 6 oedema, 7 core, 8 rim of the core; 11 brain, 16 tumour.
    """
    x, y = size * rng.uniform(0.46, 0.54, 2)
    a, b = size * rng.uniform(0.26, 0.43, 2)
    b = np.clip(b, 0.75 * a, 1.35 * a)
    scalp, skull = rng.uniform(0.02, 0.12) * a, rng.uniform(0.04, 0.12) * a
    outer = blob(rng, size, x, y, a, b, rng.uniform(-0.3, 0.3), 0.04)
    depth = depth_in(outer)
    bone = depth > scalp
    inner = depth > scalp + skull * (1 + 0.3 * smooth_noise(rng, size, 40))
    brain_depth = depth - scalp - skull - rng.uniform(0.5, 4)
    folds = smooth_noise(rng, size, a * rng.uniform(0.09, 0.18))
    sulcus = (np.abs(folds) < rng.uniform(0.05, 0.22)) & (brain_depth < a * rng.uniform(0.15, 0.4))
    brain = inner & (brain_depth > 0) & ~sulcus
    split = np.abs((np.arange(size)[None] - x) + 3 * smooth_noise(rng, size, 60)) < rng.uniform(0.3, 2)
    if rng.random() < 0.6:
        brain &= ~split
    white = (ndimage.gaussian_filter(depth_in(brain), 1) > a * rng.uniform(0.05, 0.09)) & brain
    labels = np.zeros((size, size), np.uint8)
    labels[outer], labels[bone], labels[inner], labels[brain], labels[white] = 5, 4, 3, 2, 1
    for side in (-1, 1):  # deep grey matter and ventricles
        deep = blob(rng, size, x + side * a * rng.uniform(0.18, 0.3), y, a * 0.14, b * 0.2, side * 0.3, 0.1)
        labels[deep & brain] = 2
        if rng.random() < 0.85:
            width = a * rng.uniform(0.03, 0.16)
            horn = blob(
                rng,
                size,
                x + side * width * 1.3,
                y - b * rng.uniform(-0.1, 0.2),
                width,
                b * rng.uniform(0.12, 0.35),
                side * 0.25,
                0.15,
            )
            labels[horn & brain] = 3
    tumour = rng.random() < 0.6
    if tumour:
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.7)
        tx, ty, r = x + a * far * np.cos(angle), y + b * far * np.sin(angle), a * rng.uniform(0.1, 0.33)
        wave = smooth_noise(rng, size, r * rng.uniform(0.5, 1.2))
        yy, xx = np.mgrid[:size, :size]
        reach = np.hypot(xx - tx, (yy - ty) * rng.uniform(0.7, 1.4)) / r + rng.uniform(0.1, 0.35) * wave
        spread = reach < rng.uniform(1.2, 2.2)
        labels[spread & (brain | (reach < 1)) & inner & (labels != 3)] = 6
        labels[(reach < 1) & inner] = 8
        labels[(reach < rng.uniform(0.5, 0.85)) & inner] = 7
    tones = {  # 0 air, white, grey, fluid, bone, scalp, oedema, core, rim
        "T1": [2, 150, 105, 40, 15, 175, 90, 70, 190],
        "T2": [2, 75, 105, 220, 15, 140, 180, 190, 130],
        "FLAIR": [2, 90, 115, 25, 15, 130, 205, 120, 175],
        "CT": [2, 105, 122, 70, 250, 90, 85, 95, 150],
    }[rng.choice(["T1", "T2", "FLAIR", "CT"], p=[0.4, 0.25, 0.25, 0.1])]
    tones = np.clip(np.array(tones) * np.exp(rng.normal(0, 0.18, 9)), 1, 255)
    image = by_tissue(rng, labels, tones, 0.12)
    if rng.random() < 0.4:  # brain extracted
        image[~brain & ~np.isin(labels, (3, 6, 7, 8)) | (depth <= scalp + skull)] = 0
        labels[(labels == 4) | (labels == 5) | (depth <= scalp + skull)] = 0
    if rng.random() < 0.15:
        labels[np.isin(labels, (1, 2))] = 1 + WHOLE
    if rng.random() < 0.3:
        labels[np.isin(labels, (6, 7, 8))] = 6 + WHOLE
    return as_mri(rng, image), labels, (6, 7, 8, 16) if tumour else (1, 2, 11)
