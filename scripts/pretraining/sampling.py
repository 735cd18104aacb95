"""One training sample: a scene, a target in it, augmentation, and prompts simulated from the target."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

SMALLEST_TARGET = 12  # pixels at model resolution; less cannot be drawn on the mask grid

# Share of samples: real images and their labels, and what is drawn for variety; sketches.KINDS two fifths.
MIXTURE = {
    "real": 0.29,
    "segments": 0.06,
    "composites": 0.1,
    "things": 0.05,
    "shapes": 0.005,
    "cardiac": 0.011,
    "abdomen": 0.005,
    "retina": 0.06,
    "nuclei": 0.01,
    "head": 0.045,
    "chest": 0.02,
    "belly": 0.03,
    "pelvis": 0.02,
    "limb": 0.015,
    "fundus": 0.03,
    "disc": 0.03,
    "endoscopy": 0.055,
    "instrument": 0.01,
    "mole": 0.02,
    "smear": 0.015,
    "glands": 0.012,
    "culture": 0.01,
    "neuropil": 0.012,
    "sonogram": 0.035,
    "echocardiogram": 0.015,
    "strata": 0.01,
    "radiograph": 0.01,
    "angiogram": 0.015,
}
BANK = {
    "segments": 3600,
    "composites": 2400,
    "things": 2600,
    "shapes": 900,
    "cardiac": 700,
    "abdomen": 250,
    "retina": 400,
    "nuclei": 150,
    "head": 500,
    "chest": 400,
    "belly": 450,
    "pelvis": 250,
    "limb": 300,
    "fundus": 350,
    "disc": 350,
    "endoscopy": 900,
    "instrument": 300,
    "mole": 350,
    "smear": 250,
    "glands": 250,
    "culture": 250,
    "neuropil": 150,
    "sonogram": 500,
    "echocardiogram": 300,
    "strata": 250,
    "radiograph": 250,
    "angiogram": 250,
}
EPISODES = 0.3  # share of batches with support images
SUPPORT_SIZE = 2
# Where lines are labelled that show only when a part of the image fills the input.
THIN = {"chase_db1", "phantom-retina", "fundus", "disc", "angiogram"}


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
    mask_of: str  # and the mask that the "box" or the one "point" gave, or ""
    corrects: bool  # whether that slot's points correct the mask that the one point gave instead
    drawn_mask: bool  # whether such a mask is shown as a user would send it, its outline and no more, and not as logits
    support: "Support | None" = None  # other images of the same tasks, where this batch has an episode

    @property
    def image_size(self):
        return self.pixels.shape[1]


@dataclass
class Support:
    """For each image of a batch, SUPPORT_SIZE others with the same label of the same set, in the same tone."""

    pixels: torch.Tensor  # uint8 [B * SUPPORT_SIZE, S, S, 3]
    sizes: list
    target: torch.Tensor  # float [B * SUPPORT_SIZE, S, S]
    weight: torch.Tensor  # float [B], 0 where the set has no other image with the label


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
        root = root * [2.5 if s in THIN else 1 for s in self.sources]
        self.source_share = root / root.sum()

    def scene(self):
        kind = self.rng.choice(list(MIXTURE), p=list(MIXTURE.values()))
        pool = self.bank[kind] if kind != "real" else self.by_source[self.rng.choice(self.sources, p=self.source_share)]
        return pool[self.rng.integers(len(pool))]

    def batch(self, size, image_size):
        rng = self.rng
        count = int(rng.integers(2, 5))
        has_episode = bool(rng.random() < EPISODES)
        rows, support = [], []
        while len(rows) < size:
            row = self.sample(image_size, count)
            if row is not None:
                row, (scene, values, tone) = row
                rows.append(row)
                if has_episode:
                    support.append(self.siblings(scene, values, tone, image_size))
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
            str(rng.choice(["", "box", "point"], p=[0.6, 0.15, 0.25])),
            bool(rng.random() < 0.5),
            bool(rng.random() < 0.4),
            joined(support, image_size) if has_episode else None,
        )

    def siblings(self, scene, values, tone, image_size):
        """[(pixels, size, target)] of other scenes in which the labels `values` mean the same; empty if there are none."""
        rng = self.rng
        pool = self.by_source.get(scene.source) or self.bank.get(scene.source.removeprefix("phantom-"), [])
        found = []
        for _ in range(12 if values and len(pool) > 1 else 0):
            other = pool[rng.integers(len(pool))]
            mask = np.isin(other.labels, values)
            if other is scene or not mask.any():
                continue
            image, (target,), filled = geometry(rng, other.image, (mask,), image_size, 0.0)
            if (target > 0.5).sum() >= SMALLEST_TARGET:
                found.append((intensity(np.random.default_rng(tone), image), filled, target))
            if len(found) == SUPPORT_SIZE:
                return found
        return []

    def sample(self, image_size, count):
        rng = self.rng
        scene = self.scene()
        target, weight, values = choose_target(rng, scene)
        if target is None:
            return None
        whole = scene.labels > 0 if scene.salient is None else np.isin(scene.labels, scene.salient)
        for closeness in (1.0, 0.0):  # a crop that loses the target is drawn again as the whole image
            thin = scene.source in THIN and share_of_extent(target) < 0.35 and rng.random() < 0.5
            image, (t, w), filled = geometry(rng, scene.image, (target, whole), image_size, closeness, thin)
            mask = t > 0.5
            if mask.sum() >= SMALLEST_TARGET:
                break
        else:
            return None
        points, labels = simulated_points(rng, mask, count, negative_share=0.3)
        single, _ = simulated_points(rng, mask, 1, 0)
        tone = int(rng.integers(2**32))
        image = intensity(np.random.default_rng(tone), image)
        row = image, filled, t, w, weight, simulated_box(rng, mask), single, points, labels
        return row, (scene, values, tone)


def joined(support, image_size):
    """The support of a whole batch; what is missing is empty and weighs nothing."""
    nothing = [(np.zeros((image_size, image_size, 3), np.uint8), (image_size, image_size), None)] * SUPPORT_SIZE
    flat = [one for own in support for one in (own or nothing)]
    blank = np.zeros((image_size, image_size), np.float32)
    return Support(
        torch.from_numpy(np.stack([pixels for pixels, _, _ in flat])),
        [size for _, size, _ in flat],
        torch.from_numpy(np.stack([blank if target is None else target for _, _, target in flat])),
        torch.tensor([float(bool(own)) for own in support]),
    )


def choose_target(rng, scene):
    """(mask, weight of the promptless slot, labels that mean the same in other scenes of the set).

    One label, or one connected part of it, or now and then all labels; the last is empty for parts and single objects.
    """
    values, counts = np.unique(scene.labels, return_counts=True)
    present = [int(v) for v, c in zip(values, counts) if v and c >= 8]
    if not present:
        return None, 0.0, ()
    if scene.source == "segments":
        return scene.labels == rng.choice(present), 0.0, ()
    if scene.instances:
        if rng.random() < 0.5:
            return scene.labels == rng.choice(present), 0.0, ()
        return scene.labels > 0, 1.0, tuple(range(1, 256))
    known = scene.source not in ("shapes", "composites", "things")  # a label means nothing beyond such a scene
    if len(present) > 1 and rng.random() < 0.12:
        salient = present if scene.salient is None else scene.salient
        target = np.isin(scene.labels, salient)
        if target.any():
            return target, 1.0, tuple(salient) if known else ()
    value = int(rng.choice(present))
    target = scene.labels == value
    obvious = scene.source != "composites" and scene.salient != () and (scene.source != "shapes" or len(present) <= 2)
    weight = 1.0 if obvious else 0.0
    if rng.random() < (0.4 if scene.source in ("phantom-nuclei", "things", "culture", "glands") else 0.15):
        parts, number = ndimage.label(target)
        if number > 1:
            areas = np.bincount(parts.ravel())[1:]
            large = np.flatnonzero(areas >= 20)
            if len(large):
                return parts == rng.choice(large) + 1, 0.0, ()
    return target, weight, (value,) if known else ()


def geometry(rng, image, masks, image_size, closeness, thin=False):
    """Crop round the first mask, flip, quarter turn, slight rotation; then long side -> `image_size`.

    The resize is the service's own (antialiased bilinear, zero padding right and below), so nothing else is learnt.
    With `closeness` 0 nothing is cropped; with `thin` every crop is a small part of the image.
    Returns (uint8 [S, S, 3], float masks [S, S], (height, width) of the filled part).
    """
    height, width = masks[0].shape
    box = (0.0, 0.0, float(width), float(height))
    choice = rng.random() if closeness else 1.0
    if choice < 0.4 and not thin:
        box = focus(rng, masks[0])
    elif choice < 0.7 or (closeness and thin):
        ys, xs = np.nonzero(masks[0])
        at = rng.integers(len(ys))
        share, aspect = rng.uniform(0.2, 0.6) if thin else rng.uniform(0.45, 1), np.exp(rng.uniform(-0.25, 0.25))
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


def focus(rng, mask):
    """(x0, y0, x1, y1) of a window about the mask, as the service cuts one about a box: a square of 1.3 to 3 times its
    longer side, moved inside the image, and no longer than that. Now and then of less, so that the target fills the view."""
    height, width = mask.shape
    x0, y0, x1, y1 = extent(mask)
    reach = rng.uniform(0.75, 1.3) if rng.random() < 0.25 else rng.uniform(1.3, 3)
    side = max(24.0, max(x1 - x0, y1 - y0) + 1) * reach
    w, h = min(side, width), min(side, height)
    left = np.clip((x0 + x1 + 1) / 2 - w * rng.uniform(0.4, 0.6), 0, width - w)
    top = np.clip((y0 + y1 + 1) / 2 - h * rng.uniform(0.4, 0.6), 0, height - h)
    return left, top, left + w, top + h


def intensity(rng, pixels):
    """Gamma, contrast, brightness, other tone curves, colour, shading, blur, grain and noise, each only sometimes.

    uint8 -> uint8. Strong on purpose: what is to be segmented later comes from devices that nobody here has seen.
    """
    levels = np.arange(256, dtype=np.float32) / 255
    if rng.random() < 0.6:
        levels = levels ** np.exp(rng.normal() * 0.3)
        levels = (levels - 0.5) * np.exp(rng.normal() * 0.25) + 0.5 + rng.normal() * 0.08
    if rng.random() < 0.12:  # another tone curve, not always a rising one
        knots = np.sort(rng.uniform(0, 1, 5)) if rng.random() < 0.6 else rng.uniform(0, 1, 5)
        levels = np.interp(levels, np.linspace(0, 1, 5), knots).astype(np.float32)
    if rng.random() < 0.1:
        levels = 1 - levels
    table = np.clip(levels * 255, 0, 255)
    if rng.random() < 0.45:  # the usual case stays in bytes
        return table.astype(np.uint8)[pixels]
    x = table.astype(np.float32)[pixels]
    if rng.random() < 0.4:
        if rng.random() < 0.4:  # grey to a colour ramp, colour to another one
            ends = rng.uniform(0, 255, (2, 3)).astype(np.float32)
            x = ends[0] + (ends[1] - ends[0]) * (x.mean(-1, keepdims=True) / 255)
        else:
            x = x[..., rng.permutation(3)] if rng.random() < 0.3 else x
            x = x * np.exp(rng.normal(0, 0.2, 3)).astype(np.float32) + rng.normal(0, 12, 3).astype(np.float32)
    if rng.random() < 0.3:
        a, b = rng.normal(0, 0.3, 2).astype(np.float32)
        ramp = np.linspace(-1, 1, len(x), dtype=np.float32)
        x = x * (1 + a * ramp[:, None] + b * ramp[None])[..., None]
    if rng.random() < 0.25:
        sigma = float(np.exp(rng.uniform(np.log(0.4), np.log(1.8))))
        x = ndimage.gaussian_filter(x, (sigma, sigma, 0), truncate=2.5)
    if rng.random() < 0.4:
        grain = rng.standard_normal(x.shape[:2], dtype=np.float32)
        if rng.random() < 0.3:
            grain = 2 * ndimage.uniform_filter(grain, 3)
        strength = rng.uniform(2, 18)
        x = x * (1 + grain * strength / 100)[..., None] if rng.random() < 0.3 else x + (grain * strength)[..., None]
    return np.clip(x, 0, 255).astype(np.uint8)


def extent(mask):
    """(x0, y0, x1, y1) of a mask, corners inclusive, as float32."""
    xs, ys = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return np.array([xs[0], ys[0], xs[-1], ys[-1]], np.float32)


def share_of_extent(mask):
    """How much of its extent a mask fills, 0...1: little where it is lines."""
    x0, y0, x1, y1 = extent(mask)
    return mask.sum() / ((x1 - x0 + 1) * (y1 - y0 + 1))


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
