"""The back of the eye, whole and about its disc."""

import numpy as np
from scipy import ndimage

import phantoms
from phantoms import blurred

from .tools import WHOLE


def fundus(rng, size=320):
    """The phantoms' eye, with discs of any size and strength, and their cup and rim labelled.

    Labels: 1 vessel, 2 rim of the disc, 3 cup; 12 whole disc.
    """
    image, labels = _eye(rng, size)
    return _photographed(rng, image, labels)


def disc(rng, size=256):
    """A part of the eye of `fundus`, seen larger: mostly its disc, sometimes with an atrophic crescent beside it, or vessels
    alone. Labels as there."""
    side = size * rng.uniform(2.2, 4.5)
    image, labels = _eye(rng, int(side))
    of_disc = np.isin(labels, (2, 3))
    ys, xs = np.nonzero(of_disc if rng.random() < 0.8 else labels)
    at = rng.integers(len(ys))
    y, x = (int(np.clip(p[at] - size * rng.uniform(0.25, 0.75), 0, side - size)) for p in (ys, xs))
    if rng.random() < 0.4:
        beside = ndimage.shift(of_disc.astype(np.float32), rng.normal(0, 0.012, 2) * side, order=0) * ~of_disc
        image += blurred(beside, rng.uniform(1, 4))[..., None] * rng.uniform([5, 10, 5], [45, 60, 40])
    return _photographed(rng, image[y : y + size, x : x + size], labels[y : y + size, x : x + size].copy())


def _eye(rng, size):
    """(float image [size, size, 3], labels [size, size]: 1 vessel, 2 rim, 3 cup) of one drawn eye."""
    p, rim, cup = phantoms.fundus(rng, size, rng.uniform(0.04, 0.1), np.exp(rng.uniform(np.log(0.3), np.log(2.2))))
    return p.image.astype(np.float32), np.where(cup, 3, np.where(rim, 2, p.labels)).astype(np.uint8)


def _photographed(rng, image, labels):
    """What a sketch of the eye returns, of `image` float [H, W, 3] and `labels` [H, W], which are written to: in some tone and
    focus, labelled by one protocol or another."""
    if rng.random() < 0.4:
        labels[labels > 1] = 2 + WHOLE
    image = image * rng.uniform(0.5, 1.15) * np.exp(rng.normal(0, 0.12, 3))
    if rng.random() < 0.4:
        image = ndimage.gaussian_filter(image, (rng.uniform(0.5, 2),) * 2 + (0,))
    if (labels > 1).any() and rng.random() < 0.5:  # as who looks for glaucoma labels no vessels
        labels[labels == 1] = 0
    return phantoms.to_bytes(image), labels, (1,) if (labels == 1).any() else ()
