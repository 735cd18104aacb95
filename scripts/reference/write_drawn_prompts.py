"""Writes Tests/Fixtures/reference/drawn-prompts.safetensors: prompts, and the mask prompts that pretraining draws of them.

    .venv/bin/python scripts/reference/write_drawn_prompts.py     # with scripts/pretraining/requirements.txt installed
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "pretraining"))
from evaluate import placed_boxes, placed_points  # noqa: E402
from model import Configuration, drawn  # noqa: E402

# image_size, width and height of the original image
SQUARE, WIDTH, HEIGHT = 64, 53, 37


def main():
    configuration = Configuration(image_size=SQUARE, patch_size=8)
    side = 4 * configuration.grid
    torch.manual_seed(51)
    several = np.array([[20.0, 30.0], [3.0, 2.0], [52.0, 36.0]])
    one, three = np.array([1.0]), np.array([1.0, 0.0, 1.0])
    box, line = np.array([8.0, 7.0, 42.0, 33.0]), np.array([8.0, 30.0, 50.0, 30.0])
    mask = torch.randn(1, side, side) * 4
    kinds = {
        "point": (several[:1], one, None, None),
        "points": (several, three, None, None),
        "box": (None, None, box, None),
        "line": (None, None, line, None),  # a box one pixel high: half a cell
        "box-points": (several, three, box, None),
        "mask-box": (None, None, box, mask),
        "mask-points": (several, three, None, mask),
    }
    # The long side fills the square.
    scale = torch.tensor([[SQUARE / WIDTH, round(HEIGHT * SQUARE / WIDTH) / HEIGHT]])
    tensors = {}
    for kind, (points, labels, corners, logits) in kinds.items():
        prompt = {"points": None, "labels": None, "boxes": None, "masks": None}
        if points is not None:
            mapped = placed_points(configuration, torch.tensor(points[None]), scale)
            prompt |= {"points": mapped.float(), "labels": torch.tensor(labels[None]).float()}
            tensors[f"prompt.{kind}.point_coords"] = torch.tensor(points).float()
            tensors[f"prompt.{kind}.point_labels"] = torch.tensor(labels).float()
        if corners is not None:
            prompt["boxes"] = placed_boxes(configuration, torch.tensor(corners[None]), scale).float()
            tensors[f"prompt.{kind}.box"] = torch.tensor(corners).float()
        if logits is not None:
            prompt["masks"] = logits[None]
            tensors[f"prompt.{kind}.mask_input"] = logits.clone()
        tensors[f"prompt.{kind}.logits"] = drawn(configuration, **prompt)[0, 0].clone()
    path = ROOT / "Tests" / "Fixtures" / "reference" / "drawn-prompts.safetensors"
    save_file(tensors, path, metadata={"format": "pt", "image": f"{WIDTH}x{HEIGHT} in {SQUARE}"})
    path.chmod(0o644)


if __name__ == "__main__":
    main()
