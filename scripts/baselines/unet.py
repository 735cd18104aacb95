#!/usr/bin/env python3
"""What a user would do instead of adapting: a U-Net trained from scratch on the same support images, for as long.

`python unet.py --data DATASETS --results FOLDER` reads the journal that `gmiseg evaluate` left in FOLDER: for every support
set that was adapted to, the images, the seconds that the adaptation took, and the images that were tested. It trains
MONAI's U-Net on those, tests on these, and writes FOLDER/unet.csv with the columns of FOLDER/results.csv.
"""

import argparse
import csv
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from medpy.metric import binary
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from PIL import Image

COLUMNS = (
    "dataset label stem object support support_seed adapter prompt method dice jaccard asd_px hd95_px asd_mm hd95_mm "
    "prediction_px truth_px predicted_iou dice_by_click"
).split()
BATCH = 4


def read_journal(path):
    """(trainings, stems tested by arm); an arm is known by its JSON text."""
    trainings, tested = [], {}
    for line in path.read_text().splitlines()[1:]:
        entry = json.loads(line)
        if "training" in entry and not entry["training"].get("failure"):
            trainings.append(entry["training"])
        if "cell" in entry:
            tested.setdefault(key(entry["cell"]["arm"]), []).append(entry["cell"]["stem"])
    return trainings, tested


def key(arm):
    return json.dumps(arm, sort_keys=True)


def find(folder, stem):
    """The file of a stem, whatever its ending."""
    return next(p for p in sorted(folder.iterdir()) if p.stem == stem)


def eight_bit(image):
    """Grey or RGB at 8 bits; 16-bit samples between their percentiles, roughly as the service windows them."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float64)
        low, high = np.percentile(values[values > values.min()] if values.max() > values.min() else values, [0.5, 99.5])
        values = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
        image = Image.fromarray((255 * values).astype(np.uint8))
    return image.convert("RGB")


def load(data, dataset, label, stem):
    """(Pillow image, boolean truth at the image's own size)."""
    labels = np.asarray(Image.open(find(data / dataset / "masks", stem)))
    labels = labels if labels.ndim == 2 else labels[..., 0]
    truth = labels > 0 if label in ("merged", "objects") else labels == int(label)
    return eight_bit(Image.open(find(data / dataset / "images", stem))), truth


def square(image, truth, side):
    """An example as the network sees it: ([3, side, side], [1, side, side]), stretched to the square."""
    pixels = np.asarray(image.resize((side, side), Image.BILINEAR), np.float32) / 127.5 - 1
    mask = np.asarray(Image.fromarray(truth).resize((side, side), Image.NEAREST), np.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1), torch.from_numpy(mask)[None]


def augmented(x, y, generator):
    """Flips, quarter turns, brightness, contrast, noise."""
    turns = int(torch.randint(4, (), generator=generator))
    x, y = torch.rot90(x, turns, (1, 2)), torch.rot90(y, turns, (1, 2))
    if torch.rand((), generator=generator) < 0.5:
        x, y = x.flip(2), y.flip(2)
    contrast, brightness = 0.8 + 0.4 * torch.rand(2, generator=generator)
    x = x * contrast + (brightness - 1) + 0.05 * torch.randn(x.shape, generator=generator)
    return x, y


def train(examples, seconds, seed):
    """A network trained for `seconds`, and its steps. The learning rate falls along half a cosine of the time."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = UNet(2, 3, 1, channels=(16, 32, 64, 128, 256), strides=(2, 2, 2, 2), num_res_units=2, norm="instance")
    criterion = DiceCELoss(sigmoid=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3)
    start, steps = time.perf_counter(), 0
    while (spent := time.perf_counter() - start) < seconds:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * max(0.5 * (1 + math.cos(math.pi * spent / seconds)), 0.01)
        chosen = torch.randint(len(examples), (BATCH,), generator=generator)
        batch = [augmented(*examples[i], generator) for i in chosen]
        loss = criterion(network(torch.stack([x for x, _ in batch])), torch.stack([y for _, y in batch]))
        if not torch.isfinite(loss):
            raise SystemExit(f"the loss is {loss.item()} at step {steps}")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        steps += 1
    return network.eval(), steps


@torch.no_grad()
def predict(network, image, truth, side):
    logits = network(square(image, truth, side)[0][None])
    return (F.interpolate(logits, truth.shape, mode="bilinear", align_corners=False)[0, 0] > 0).numpy()


def measures(prediction, truth, spacing):
    """Columns of the results by the definitions of docs/evaluation.md, which MedPy shares."""
    both, total = int((prediction & truth).sum()), int(prediction.sum() + truth.sum())
    row = {
        "dice": 2 * both / total if total else 1.0,
        "jaccard": both / (total - both) if total else 1.0,
        "prediction_px": int(prediction.sum()),
        "truth_px": int(truth.sum()),
    }
    for unit, voxel in (("px", (1.0, 1.0)), ("mm", spacing)):
        if voxel and prediction.any() and truth.any():
            row[f"asd_{unit}"] = binary.assd(prediction, truth, voxelspacing=voxel)
            row[f"hd95_{unit}"] = binary.hd95(prediction, truth, voxelspacing=voxel)
    return {name: f"{v:.6f}" if isinstance(v, float) else v for name, v in row.items()}


def rows_of(training, stems, options):
    arm = training["arm"]
    dataset, label = arm["dataset"], arm["label"]
    spacings = options.data / dataset / "spacing.json"
    spacings = json.loads(spacings.read_text()) if spacings.exists() else {}
    examples = [square(*load(options.data, dataset, label, s), options.side) for s in training["support"]]
    seconds = options.seconds or training["seconds"]
    network, steps = train(examples, seconds, options.seed + arm["supportSeed"])
    dice = []
    for stem in stems:
        image, truth = load(options.data, dataset, label, stem)
        spacing = spacings.get(stem)
        row = measures(predict(network, image, truth, options.side), truth, spacing and (spacing[1], spacing[0]))
        dice.append(float(row["dice"]))
        yield {
            "dataset": dataset,
            "label": label,
            "stem": stem,
            "support": arm["support"],
            "support_seed": arm["supportSeed"],
            "adapter": "unet",
            "prompt": "none",
            "method": "model",
        } | row
    name = f"{dataset}, label {label}, n = {arm['support']}, seed {arm['supportSeed']}"
    print(f"{name}: {seconds:.0f} s, {steps} steps, Dice {100 * np.mean(dice):.1f} on {len(dice)} images", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the datasets that were evaluated")
    parser.add_argument("--results", type=Path, required=True, help="the output folder of gmiseg evaluate")
    parser.add_argument("--adapter", default="lora+decoder", help="the adapter kind whose time is given")
    parser.add_argument("--seconds", type=float, help="train this long instead")
    parser.add_argument("--side", type=int, default=256, help="pixels of the square that the network sees")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    trainings, tested = read_journal(options.results / "journal.jsonl")
    trainings = [t for t in trainings if t["arm"]["adapter"] == options.adapter]
    if not trainings:
        raise SystemExit(f"{options.results}/journal.jsonl has no adaptation of the kind {options.adapter}")
    with open(options.results / "unet.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for training in trainings:
            writer.writerows(rows_of(training, tested.get(key(training["arm"]), []), options))


if __name__ == "__main__":
    main()
