"""One training sample: a scene, a target in it, augmentation, and prompts simulated from the target."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

SMALLEST_TARGET = 12  # pixels at model resolution; less cannot be drawn on the mask grid

# Share of samples: real images and five kinds of synthetic scene (28 % together).
MIXTURE = {"real": 0.72, "cardiac": 0.12, "abdomen": 0.03, "retina": 0.02, "nuclei": 0.03, "shapes": 0.08}
BANK = {"cardiac": 700, "abdomen": 250, "retina": 100, "nuclei": 150, "shapes": 900}


@dataclass
class Batch:
    pixels: torch.Tensor  # uint8 [B, S, S, 3]
    sizes: list  # (height, width) of the filled part
    target: torch.Tensor  # float [B, S, S], 0...1
    whole: torch.Tensor  # float [B, S, S], the promptless target
    whole_weight: torch.Tensor  # float [B], 0 where no promptless target makes sense
    boxes: torch.Tensor  # [B, 4]
    point: torch.Tensor  # [B, 1, 2]
    points: torch.Tensor  # [B, n, 2]
    labels: torch.Tensor  # [B, n]
    with_box: bool  # whether the slot of several points also shows its box
    with_mask: bool  # and the mask that the box gave
    corrects: bool  # whether that slot's points correct the mask that the one point gave instead

    @property
    def image_size(self):
        return self.pixels.shape[1]


class Sampler:
    """Draws batches. Its only state is the generator, so that a resumed run goes on as if never stopped."""

    def __init__(self, real, bank, seed):
        self.rng = np.random.default_rng(seed)
        self.bank = bank
        self.by_source = {}
        for scene in real:
            self.by_source.setdefault(scene.source, []).append(scene)
        self.sources = sorted(self.by_source)
        root = np.sqrt([len(self.by_source[s]) for s in self.sources])  # big sets more often, but not in proportion
        self.source_share = root / root.sum()

    def scene(self):
        kind = self.rng.choice(list(MIXTURE), p=list(MIXTURE.values()))
        pool = self.bank[kind] if kind != "real" else self.by_source[self.rng.choice(self.sources, p=self.source_share)]
        return pool[self.rng.integers(len(pool))]

    def batch(self, size, image_size):
        rng = self.rng
        count = int(rng.integers(2, 5))
        rows = []
        while len(rows) < size:
            row = self.sample(image_size, count)
            if row is not None:
                rows.append(row)
        pixels, sizes, target, whole, weight, boxes, point, points, labels = zip(*rows)
        stack = lambda arrays: torch.from_numpy(np.stack(arrays))  # noqa: E731
        return Batch(
            stack(pixels),
            list(sizes),
            stack(target),
            stack(whole),
            torch.tensor(weight),
            stack(boxes),
            stack(point),
            stack(points),
            stack(labels),
            bool(rng.random() < 0.3),
            bool(rng.random() < 0.2),
            bool(rng.random() < 0.5),
        )

    def sample(self, image_size, count):
        rng = self.rng
        scene = self.scene()
        target, weight = choose_target(rng, scene)
        if target is None:
            return None
        whole = scene.labels > 0 if scene.salient is None else np.isin(scene.labels, scene.salient)
        for closeness in (1.0, 0.0):  # a crop that loses the target is drawn again as the whole image
            image, (t, w), filled = geometry(rng, scene.image, (target, whole), image_size, closeness)
            mask = t > 0.5
            if mask.sum() >= SMALLEST_TARGET:
                break
        else:
            return None
        points, labels = simulated_points(rng, mask, count, negative_share=0.3)
        single, _ = simulated_points(rng, mask, 1, 0)
        return intensity(rng, image), filled, t, w, weight, simulated_box(rng, mask), single, points, labels


def choose_target(rng, scene):
    """(mask, weight of the promptless slot). One label, or one connected part of it, or now and then all labels."""
    values, counts = np.unique(scene.labels, return_counts=True)
    present = [int(v) for v, c in zip(values, counts) if v and c >= 8]
    if not present:
        return None, 0.0
    if scene.instances:
        return (scene.labels == rng.choice(present), 0.0) if rng.random() < 0.5 else (scene.labels > 0, 1.0)
    if len(present) > 1 and rng.random() < 0.12:
        salient = present if scene.salient is None else scene.salient
        target = np.isin(scene.labels, salient)
        if target.any():
            return target, 1.0
    target = scene.labels == rng.choice(present)
    weight = 1.0 if scene.source != "shapes" or len(present) <= 2 else 0.0
    if rng.random() < (0.4 if scene.source == "phantom-nuclei" else 0.15):
        parts, number = ndimage.label(target)
        if number > 1:
            areas = np.bincount(parts.ravel())[1:]
            large = np.flatnonzero(areas >= 20)
            if len(large):
                return parts == rng.choice(large) + 1, 0.0
    return target, weight


def geometry(rng, image, masks, image_size, closeness):
    """Crop round the first mask, flip, quarter turn, slight rotation; then long side -> `image_size`.

    The resize is the service's own (antialiased bilinear, zero padding right and below), so nothing else is learnt.
    Returns (uint8 [S, S, 3], float masks [S, S], (height, width) of the filled part).
    """
    height, width = masks[0].shape
    box = (0.0, 0.0, float(width), float(height))
    if closeness and rng.random() < 0.5:
        ys, xs = np.nonzero(masks[0])
        at = rng.integers(len(ys))
        share, aspect = rng.uniform(0.45, 1), np.exp(rng.uniform(-0.25, 0.25))
        w, h = min(width, max(40, width * share * aspect)), min(height, max(40, height * share / aspect))
        x0 = np.clip(xs[at] - w * rng.uniform(0.15, 0.85), 0, width - w)
        y0 = np.clip(ys[at] - h * rng.uniform(0.15, 0.85), 0, height - h)
        box = (x0, y0, x0 + w, y0 + h)
    w, h = box[2] - box[0], box[3] - box[1]
    scale = image_size / max(w, h)
    w, h = max(8, round(w * scale)), max(8, round(h * scale))
    planes = [Image.fromarray(image)] + [Image.fromarray(m.astype(np.uint8) * 255) for m in masks]
    planes = [p.resize((w, h), Image.BILINEAR, box=box) for p in planes]
    if rng.random() < 0.25:
        angle = rng.uniform(-20, 20)
        planes = [p.rotate(angle, Image.BILINEAR) for p in planes]
    planes = [np.asarray(p) for p in planes]
    if rng.random() < 0.5:
        planes = [p[:, ::-1] for p in planes]
    if rng.random() < 0.35:
        turns = int(rng.integers(1, 4))
        planes = [np.rot90(p, turns) for p in planes]
    h, w = planes[0].shape[:2]
    pixels = np.zeros((image_size, image_size, 3), np.uint8)
    pixels[:h, :w] = planes[0] if planes[0].ndim == 3 else planes[0][..., None]
    out = []
    for plane in planes[1:]:
        mask = np.zeros((image_size, image_size), np.float32)
        mask[:h, :w] = plane.astype(np.float32) / 255
        out.append(mask)
    return pixels, out, (h, w)


def intensity(rng, pixels):
    """Gamma, contrast, brightness, colour cast, shading and noise, each only sometimes. uint8 -> uint8."""
    levels = np.arange(256, dtype=np.float32) / 255
    if rng.random() < 0.5:
        levels = levels ** np.exp(rng.normal() * 0.2)
        levels = (levels - 0.5) * np.exp(rng.normal() * 0.15) + 0.5 + rng.normal() * 0.05
    if rng.random() < 0.03:
        levels = 1 - levels
    table = np.clip(levels * 255, 0, 255)
    if rng.random() < 0.75:  # the usual case stays in bytes
        return table.astype(np.uint8)[pixels]
    x = table.astype(np.float32)[pixels]
    choice = rng.integers(3)
    if choice == 0:
        x = x * np.exp(rng.normal(0, 0.1, 3)).astype(np.float32) + rng.normal(0, 8, 3).astype(np.float32)
    elif choice == 1:
        a, b = rng.normal(0, 0.25, 2).astype(np.float32)
        ramp = np.linspace(-1, 1, len(x), dtype=np.float32)
        x = x * (1 + a * ramp[:, None] + b * ramp[None])[..., None]
    else:
        x = x + rng.standard_normal(x.shape[:2], dtype=np.float32)[..., None] * rng.uniform(2, 14)
    return np.clip(x, 0, 255).astype(np.uint8)


def extent(mask):
    """(x0, y0, x1, y1) of a mask, corners inclusive, as float32."""
    xs, ys = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return np.array([xs[0], ys[0], xs[-1], ys[-1]], np.float32)


def simulated_box(rng, mask, share=0.1):
    """The extent of the mask, each edge moved by up to `share` of the side (and a pixel), inside the image."""
    box = extent(mask)
    sides = np.array([box[2] - box[0] + 1, box[3] - box[1] + 1] * 2, np.float32)
    box = box + rng.uniform(-1, 1, 4).astype(np.float32) * (share * sides + 1)
    limit = np.array([mask.shape[1] - 1, mask.shape[0] - 1] * 2, np.float32)
    box = np.clip(box, 0, limit)
    return np.concatenate([np.minimum(box[:2], box[2:]), np.maximum(box[:2], box[2:])])


def simulated_points(rng, mask, count, negative_share):
    """([n, 2] as (x, y), [n] with 1 inside and 0 outside). The first is inside; outside ones lie near the extent."""
    inside = np.flatnonzero(mask)
    height, width = mask.shape
    x0, y0, x1, y1 = extent(mask).astype(int)
    points, labels = [], []
    for i in range(count):
        place, label = inside[rng.integers(len(inside))], 1
        if i and rng.random() < negative_share:
            for _ in range(12):
                x = rng.integers(max(0, x0 - 12), min(width, x1 + 13))
                y = rng.integers(max(0, y0 - 12), min(height, y1 + 13))
                if not mask[y, x]:
                    place, label = y * width + x, 0
                    break
        points.append((place % width, place // width))
        labels.append(label)
    return np.array(points, np.float32), np.array(labels, np.float32)
