"""Scores on validation images, at the images' own resolution, along the path the service takes, but not fitted to the image
(docs/decisions/0021-answers-fitted-to-the-image.md), and with several points asked at once, whether they contradict each other's
answers or not (docs/decisions/0022-points-in-steps.md). Of the masks for one point each column takes its own, in both looks (the service:
docs/decisions/0025-four-masks-for-a-click.md and 0026). Thin answers stay as they are (docs/decisions/0023-thin-answers-drawn-anew.md).

`python evaluate.py --weights models/gmiseg-mini.safetensors --data DIR` prints a table and writes it as JSON.
"""

import argparse
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import ndimage

from model import Configuration, Sam, drawn, normalise
from sampling import extent, simulated_box, simulated_points
from scenes import INSTANCES, Scene, listing, phantom_scene, read_pair

# Prompt kinds. The two box kinds differ in the box only: the exact extent, or each edge off by up to 10 % of the side.
KINDS = ("box", "loose box", "point", "point, best of 3", "3 points", "none")
POINTS = {"point": 1, "point, best of 3": 1, "3 points": 3}
PHANTOMS = {"cardiac": 1, "abdomen": 1, "retina": 1, "nuclei": 1}  # label that is the target


@dataclass
class Item:
    source: str
    image: np.ndarray  # uint8 [H, W(, 3)], own resolution
    target: np.ndarray  # bool [H, W]
    whole: np.ndarray  # bool [H, W], the promptless target
    box: np.ndarray
    loose: np.ndarray
    points: np.ndarray  # [3, 2]


def targets_of(scene, rng, most):
    """Up to `most` targets of a scene: its labels, or for a set of instances one object; none under 20 pixels."""
    values, counts = np.unique(scene.labels, return_counts=True)
    large = [int(v) for v, c in zip(values, counts) if v and c >= 20]
    rng.shuffle(large)
    return [scene.labels == v for v in large[: 1 if scene.instances else most]]


def items(root, per_set, per_image=1, phantom_count=12):
    """Validation items of every set below `root`, and of phantoms with seeds that training never draws."""
    made = []

    def add(scene, targets, rng):
        whole = scene.labels > 0 if scene.salient is None else np.isin(scene.labels, scene.salient)
        for t in targets:
            points, _ = simulated_points(rng, t, 3, 0)
            made.append(Item(scene.source, scene.image, t, whole, extent(t), simulated_box(rng, t), points))

    for dataset, parts in listing(root).items():
        rng = np.random.default_rng(zlib.crc32(dataset.encode()))
        stems = list(parts["validation"])
        rng.shuffle(stems)
        for stem in stems[:per_set]:
            scene = Scene(dataset, stem, *read_pair(root, dataset, stem), None, dataset in INSTANCES)
            add(scene, targets_of(scene, rng, per_image), rng)
    for kind, label in PHANTOMS.items():
        for i in range(phantom_count):
            scene = phantom_scene(kind, (2, i))
            add(scene, [scene.labels == label], np.random.default_rng((4, i)))
    return made


def prepared(image, image_size):
    """(uint8 [S, S, 3], (height, width) of the filled part, scale) as the service prepares an image."""
    height, width = image.shape[:2]
    scale = image_size / max(height, width)
    h, w = int(height * scale + 0.5), int(width * scale + 0.5)
    small = np.asarray(Image.fromarray(image).convert("RGB").resize((w, h), Image.BILINEAR))
    pixels = np.zeros((image_size, image_size, 3), np.uint8)
    pixels[:h, :w] = small
    return pixels, (h, w), (w / width, h / height)


def focused_window(box, shape):
    """(x0, y0, x1, y1), the last two exclusive: the part of an image of `shape` that a box is answered on, or None for all, as without
    a box.

    The box and as much again around it, as the service cuts it (Sources/SegmentAnything/Prediction/Focus.swift).
    """
    height, width = shape
    if box is None:
        return None
    side = int(np.floor(max(24.0, 2.0 * max(box[2] - box[0] + 1, box[3] - box[1] + 1)) + 0.5))
    if side > 0.85 * max(height, width):
        return None
    w, h = min(side, width), min(side, height)
    x = int(np.floor((box[0] + box[2] + 1) / 2 - w / 2 + 0.5))
    y = int(np.floor((box[1] + box[3] + 1) / 2 - h / 2 + 0.5))
    x, y = min(max(x, 0), width - w), min(max(y, 0), height - h)
    return x, y, x + w, y + h


def found_extent(logits, view, points):
    """(x0, y0, x1, y1) about the parts of a mask that hold one of `points`, or all of it, and about the points; None if it is empty.

    As fine as the cells of the logits [h, w]; what the service looks at more closely (Sources/SegmentAnything/Prediction/Inquiry.swift).
    """
    mask = (logits > 0).numpy()[: -(-view.filled[0] // 2), : -(-view.filled[1] // 2)]
    if not mask.any():
        return None
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    cells = np.floor((points + 0.5 - view.origin) * view.scale / 2).astype(int).clip(0)
    touched = {parts[min(y, len(parts) - 1), min(x, len(parts[0]) - 1)] for x, y in cells} - {0}
    ys, xs = np.nonzero(np.isin(parts, list(touched)) if touched else mask)
    low = np.array([xs.min(), ys.min()]) * 2 / np.array(view.scale) + view.origin
    high = np.array([xs.max() + 1, ys.max() + 1]) * 2 / np.array(view.scale) + view.origin - 1
    return *np.minimum(low, points.min(0)), *np.maximum(high, points.max(0))


def at_own_size(logits, filled, shape):
    """Low-resolution logits [h, w] -> boolean mask of `shape`: to the padded input, crop, to the image, threshold 0."""
    size = 2 * logits.shape[-1]
    x = F.interpolate(logits[None, None], (size, size), mode="bilinear", align_corners=False)
    x = x[..., : filled[0], : filled[1]]
    return (F.interpolate(x, shape, mode="bilinear", align_corners=False)[0, 0] > 0).numpy()


def dice(prediction, truth):
    total = prediction.sum() + truth.sum()
    return 1.0 if total == 0 else float(2 * (prediction & truth).sum() / total)


def ellipse(box, shape):
    """The ellipse inscribed in a box with inclusive corners."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    a, b = (box[2] - box[0] + 1) / 2, (box[3] - box[1] + 1) / 2
    return ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 <= 1


def filled_box(box, shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])


def placed_points(c, points, scale):
    """Points [B, n, 2] of an image on its resized form, as the service has them (PromptPlacement.swift); scale [B, 2]."""
    return (points + 0.5) * scale[:, None] - 0.5 if c.drawn_prompts else points * scale[:, None]


def placed_boxes(c, boxes, scale):
    """Boxes [B, 4], corners inclusive: from where their first pixels begin to where their last ones end."""
    last = (boxes[:, 2:] + 1) * scale - 1 if c.drawn_prompts else boxes[:, 2:] * scale
    return torch.cat([boxes[:, :2] * scale, last], 1)


@torch.no_grad()
def decode(model, embedding, kind, batch, views):
    """(logits [B, h, w]) of one prompt kind for a batch of items, each seen through its view."""
    scale = torch.tensor(np.array([v.scale for v in views]), dtype=torch.float32)
    origin = torch.tensor(np.array([v.origin for v in views]), dtype=torch.float32)
    prompt = {}
    if kind in ("box", "loose box"):
        boxes = np.stack([i.box if kind == "box" else i.loose for i in batch])
        prompt["boxes"] = placed_boxes(model.configuration, torch.from_numpy(boxes) - origin.repeat(1, 2), scale)
    elif kind != "none":
        count = POINTS[kind]
        points = torch.from_numpy(np.stack([i.points[:count] for i in batch]))
        prompt["points"] = placed_points(model.configuration, points - origin[:, None], scale)
        prompt["labels"] = torch.ones(len(batch), count)
    prompt = {name: value.to(embedding.device) for name, value in prompt.items()}
    logits, iou = model.decode(embedding, *model.prompt(**prompt))
    if "boxes" in prompt:
        logits = logits + model.configuration.box_prior * drawn(model.configuration, boxes=prompt["boxes"])
    logits, iou = logits.cpu(), iou.cpu()
    if kind == "point, best of 3":
        return logits[torch.arange(len(batch)), 1 + iou[:, 1:].argmax(1)]
    return logits[:, 0]


class View:
    """An image, or a part of it, as the encoder sees it."""

    def __init__(self, image, window, image_size):
        x0, y0, x1, y1 = window or (0, 0, image.shape[1], image.shape[0])
        self.window = x0, y0, x1, y1
        self.pixels, self.filled, self.scale = prepared(image[y0:y1, x0:x1], image_size)
        self.origin = x0, y0

    def mask(self, logits, shape):
        """Low-resolution logits -> boolean mask of the whole image, false beyond the view."""
        x0, y0, x1, y1 = self.window
        whole = np.zeros(shape, bool)
        whole[y0:y1, x0:x1] = at_own_size(logits, self.filled, (y1 - y0, x1 - x0))
        return whole


@torch.no_grad()
def scores(model, everything, kinds=KINDS, baselines=False):
    """{source: {kind: [Dice, ...]}}, in the order of the items."""
    model.eval()
    size, device = model.configuration.image_size, next(model.parameters()).device
    found = {}

    def embed(views):
        pixels = torch.from_numpy(np.stack([v.pixels for v in views])).to(device)
        return model.image_encoder(normalise(pixels, [v.filled for v in views]))

    for start in range(0, len(everything), 8):
        batch = everything[start : start + 8]
        whole = [View(i.image, None, size) for i in batch]
        whole_embedding = embed(whole)
        for kind in kinds:
            views, embedding = whole, whole_embedding
            if kind in ("box", "loose box") and model.configuration.focused_boxes:
                windows = [focused_window(i.box if kind == "box" else i.loose, i.target.shape) for i in batch]
                if any(windows):
                    views = [View(i.image, w, size) for i, w in zip(batch, windows)]
                    embedding = embed(views)
            logits = decode(model, embedding, kind, batch, views)
            if kind in POINTS and model.configuration.focused_boxes:
                count = POINTS[kind]
                found_boxes = [found_extent(g, v, i.points[:count]) for g, v, i in zip(logits, views, batch)]
                windows = [focused_window(b, i.target.shape) for b, i in zip(found_boxes, batch)]
                if any(windows):
                    views = [View(i.image, w, size) for i, w in zip(batch, windows)]
                    logits = decode(model, embed(views), kind, batch, views)
            for item, logit, view in zip(batch, logits, views):
                truth = item.whole if kind == "none" else item.target
                found.setdefault(item.source, {}).setdefault(kind, []).append(dice(view.mask(logit, truth.shape), truth))
        for item in batch if baselines else ():
            row = found[item.source]
            for name, box in (("box", item.box), ("loose box", item.loose)):
                row.setdefault(f"ellipse in {name}", []).append(dice(ellipse(box, item.target.shape), item.target))
                row.setdefault(f"filled {name}", []).append(dice(filled_box(box, item.target.shape), item.target))
    model.train()
    return found


def summary(found):
    """({source: {kind: mean}}, {kind: mean over the real sets, each counting once})."""
    by_set = {s: {k: float(np.mean(v)) for k, v in row.items()} for s, row in found.items()}
    real = [row for s, row in by_set.items() if not s.startswith("phantom-")]
    return by_set, {k: float(np.mean([row[k] for row in real])) for k in real[0]}


def markdown(by_set, mean, counts):
    """The table of the model card: Dice in per cent, each prompt beside what its box alone would give."""
    columns = ["box", "ellipse in box", "filled box", "loose box", "ellipse in loose box"]
    columns += ["point", "point, best of 3", "3 points", "none"]
    lines = ["| set | targets | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for name, row in [*by_set.items(), ("**mean of the real sets**", mean)]:
        lines.append(
            f"| {name} | {counts.get(name, '')} | " + " | ".join(f"{100 * row[c]:.1f}" for c in columns) + " |"
        )
    return "\n".join(lines) + "\n"


def load(path):
    """The model in a weights file, in single precision."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        absent = {"drawn_prompts": False, "focused_boxes": False, "box_prior": 0.0, "appearance": 0.0}
        model = Sam(Configuration.read(file.metadata()["gmiseg.configuration"], absent))
        model.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()}, strict=False)
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--data", required=True, help="folder of datasets that training was given")
    parser.add_argument("--per-set", type=int, default=40, help="validation images per set, at most")
    parser.add_argument("--per-image", type=int, default=3, help="labels per image, at most")
    parser.add_argument("--json", help="write the table here too")
    parser.add_argument("--markdown", help="and here, as the model card shows it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    everything = items(options.data, options.per_set, options.per_image, 24)
    found = scores(load(options.weights), everything, baselines=True)
    by_set, mean = summary(found)
    columns = list(mean)
    print("set".ljust(24), *(c.rjust(18) for c in columns))
    for name, row in [*by_set.items(), ("mean of the real sets", mean)]:
        print(name.ljust(24), *(f"{100 * row[c]:18.1f}" for c in columns))
    counts = {s: len(row["box"]) for s, row in found.items()}
    if options.markdown:
        Path(options.markdown).write_text(markdown(by_set, mean, counts))
    if options.json:
        Path(options.json).write_text(json.dumps({"by_set": by_set, "mean": mean, "targets": counts}, indent=1))


if __name__ == "__main__":
    main()
