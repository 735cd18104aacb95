"""What several sketches are made with."""

import numpy as np
from scipy import ndimage

import phantoms
from phantoms import blurred, filled, smooth_noise, wobbly_ellipse

WHOLE = 10  # added to the first label of several that are drawn as one: other protocols, other wholes


def blob(rng, size, x, y, a, b, angle=0.0, rough=0.06):
    """The filled outline of a wobbly ellipse, a boolean [size, size] that must not be written to; pixels and radians."""
    return filled(size, wobbly_ellipse(rng, x, y, a, b, angle, rough))


def depth_in(mask):
    """Distance of each pixel to the outside of a mask [H, W], in pixels, 0 there."""
    return ndimage.distance_transform_edt(mask)


def by_tissue(rng, labels, tones, spread=0.08):
    """float32 [size, size]: grey levels `tones`, 0...255, laid on a map [size, size] of indices into them, each with a grain of its
    own scale; `spread` is how strong that may be."""
    size = len(labels)
    image = np.asarray(tones, np.float32)[labels]
    for value in range(len(tones)):
        place = labels == value
        if place.any() and rng.random() < 0.7:
            grain = smooth_noise(rng, size, rng.choice([2, 3, 5, 9, 20]))
            image[place] += (grain * rng.uniform(0, spread) * (tones[value] + 15))[place]
    return image


def as_mri(rng, image):
    """Grey levels [size, size] as uint8: blurred, shaded by a coil, with Rician noise, and in a window that may clip."""
    size = len(image)
    image = blurred(image, rng.uniform(0.4, 1.3))
    image = image * np.exp(rng.uniform(0, 0.35) * smooth_noise(rng, size, size / rng.uniform(1.2, 3)))
    image = phantoms.rician(rng, image, rng.uniform(1, 11))
    return phantoms.to_bytes(image * rng.uniform(150, 290) / (np.percentile(image, 99.5) + 1))
