#!/usr/bin/env python3
"""Writes Tests/Fixtures/metrics/published.json: seeded mask pairs with the values of three published implementations.

Needs numpy, scipy, medpy, monai (with torch) and surface-distance: requirements-metrics.txt. Deterministic.

The three do not agree on one definition, so each value stands by itself; docs/evaluation.md says which ours follows:
- dice, jaccard: all agree; two empty masks are NaN in MONAI by default and in surface-distance, an error in MedPy.
- MedPy: assd over the surface pixels of both masks together; hd95 is the percentile of all of these distances.
- MONAI: the symmetric average is the same number; hd95 is the larger of the two directed percentiles.
- surface-distance: the surface is a polygon through pixel corners, each piece weighted by its length.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import surface_distance
import torch
from medpy.metric import binary
from monai import metrics as monai
from scipy import ndimage

OUTPUT = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "metrics" / "published.json"
# surface-distance 0.1 was written for NumPy 1.
np.Inf, np.NaN = np.inf, np.nan

SPACINGS = [(1.0, 1.0), (0.7, 2.5), (3.0, 0.4)]  # x, y


def blob(random, height, width):
    """A smooth random region."""
    field = ndimage.gaussian_filter(random.standard_normal((height, width)), random.uniform(1, 3))
    return field > np.quantile(field, random.uniform(0.5, 0.95))


def pairs():
    random = np.random.default_rng(7)
    height, width = 20, 26
    empty = np.zeros((height, width), bool)
    pixel, corner = empty.copy(), empty.copy()
    pixel[8, 11] = corner[0, 0] = True
    full = ~empty
    ring = ndimage.binary_dilation(pixel, iterations=6) & ~ndimage.binary_dilation(pixel, iterations=3)
    border = empty.copy()
    border[:, 20:] = True
    yield "both empty", empty, empty
    yield "prediction empty", empty, ring
    yield "truth empty", ring, empty
    yield "one pixel twice", pixel, pixel
    yield "one pixel each", pixel, corner
    yield "pixel in a ring", pixel, ring
    yield "ring against its filling", ring, ndimage.binary_fill_holes(ring)
    yield "along the border", border, np.roll(border, -5, 1)
    yield "full against border", full, border
    yield "full twice", full, full
    for index in range(16):
        one = blob(random, height, width)
        yield f"blobs {index}", one, blob(random, height, width)
        yield f"blob and its neighbour {index}", one, np.roll(one, tuple(random.integers(-3, 4, 2)), (0, 1))
    for index in range(6):
        one = blob(random, height, width)
        holes = one & ~(random.random((height, width)) < 0.15)
        yield f"blob with holes {index}", holes, one


def number(value):
    value = float(value)
    return value if math.isfinite(value) else None


def one_hot(mask):
    return torch.from_numpy(mask)[None, None]


def by_monai(prediction, truth, spacing):
    pair = {"y_pred": one_hot(prediction), "y": one_hot(truth), "include_background": True}
    spaced = pair | {"spacing": (spacing[1], spacing[0])}
    return {
        "asd": number(monai.compute_average_surface_distance(**spaced, symmetric=True)),
        "hd95": number(monai.compute_hausdorff_distance(**spaced, percentile=95)),
    }


def by_surface_distance(prediction, truth, spacing):
    found = surface_distance.compute_surface_distances(truth, prediction, (spacing[1], spacing[0]))
    directed = surface_distance.compute_average_surface_distance(found)
    return {"asd": number(np.mean(directed)), "hd95": number(surface_distance.compute_robust_hausdorff(found, 95))}


def by_medpy(prediction, truth, spacing):
    if not prediction.any() or not truth.any():
        return {"asd": None, "hd95": None}
    voxel = (spacing[1], spacing[0])
    return {
        "asd": number(binary.assd(prediction, truth, voxelspacing=voxel)),
        "hd95": number(binary.hd95(prediction, truth, voxelspacing=voxel)),
    }


def main():
    warnings.simplefilter("ignore")
    rows = []
    for name, prediction, truth in pairs():
        pair = {"y_pred": one_hot(prediction), "y": one_hot(truth), "include_background": True, "ignore_empty": False}
        distances = [
            {
                "x": x,
                "y": y,
                "medpy": by_medpy(prediction, truth, (x, y)),
                "monai": by_monai(prediction, truth, (x, y)),
                "surfaceDistance": by_surface_distance(prediction, truth, (x, y)),
            }
            for x, y in SPACINGS
        ]
        rows.append(
            {
                "name": name,
                "prediction": ["".join("#" if v else "." for v in row) for row in prediction],
                "groundTruth": ["".join("#" if v else "." for v in row) for row in truth],
                "diceMONAI": number(monai.compute_dice(**pair)),
                "jaccardMONAI": number(monai.compute_iou(**pair)),
                "diceSurfaceDistance": number(surface_distance.compute_dice_coefficient(truth, prediction)),
                "spaced": distances,
            }
        )
    OUTPUT.write_text(json.dumps(rows, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
