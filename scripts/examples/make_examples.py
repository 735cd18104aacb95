"""Writes the example tasks: `python scripts/examples/make_examples.py [--output examples] [--check]`.

Each task gets `support/` (8 pairs to adapt with) and `queries/` (4 pairs to try it on), both with `images/` and
`masks/` of the same file names, and `task.json`, the description that `POST /v1/tasks` takes as its `task` part.
Masks are binary: 0 background, 255 the target. The same seed gives the same pixels; `--check` compares, writes nothing.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import phantoms

FAMILY = 3  # first number of every seed; pretraining draws its scenes with 1 (training) and 2 (validation)

TASKS = {
    "cardiac": {
        "name": "Left ventricle, short-axis MRI (phantom)",
        "labels": ["left ventricular cavity"],
        "target": 1,
        "size": 256,
    },
    "abdomen": {"name": "Liver, axial CT (phantom)", "labels": ["liver"], "target": 1, "size": 256},
    "retina": {"name": "Retinal vessels, fundus photograph (phantom)", "labels": ["vessel"], "target": 1, "size": 320},
    "nuclei": {"name": "Cell nuclei, microscopy (phantom)", "labels": ["nucleus"], "target": 1, "size": 320},
}


def pairs(kind, seed):
    """Yields (part, name, image, mask) for the 8 support and 4 query scenes of a task."""
    for part, count, offset in (("support", 8, 0), ("queries", 4, 100)):
        for i in range(count):
            number = sorted(TASKS).index(kind)
            scene = phantoms.KINDS[kind](np.random.default_rng((FAMILY, seed, number, offset + i)), TASKS[kind]["size"])
            mask = np.where(scene.labels == TASKS[kind]["target"], 255, 0).astype(np.uint8)
            yield part, f"{kind}-{'query' if part == 'queries' else part}-{i + 1:02d}.png", scene, mask


def description(kind, scene):
    task = {"name": TASKS[kind]["name"], "labels": TASKS[kind]["labels"]}
    if scene.spacing_mm:
        task["spacing_mm"] = list(scene.spacing_mm)
    return json.dumps(task, indent=2) + "\n"


def same(path, pixels):
    return path.exists() and np.array_equal(np.asarray(Image.open(path)), pixels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parents[2] / "examples")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true", help="exit 1 if the files there are not what would be written")
    options = parser.parse_args()
    different = []
    for kind in TASKS:
        for part, name, scene, mask in pairs(kind, options.seed):
            for folder, pixels in (("images", scene.image), ("masks", mask)):
                path = options.output / kind / part / folder / name
                if options.check:
                    different += [] if same(path, pixels) else [str(path)]
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(pixels).save(path, optimize=True)
        path = options.output / kind / "task.json"
        if options.check:
            different += [] if path.exists() and path.read_text() == description(kind, scene) else [str(path)]
        else:
            path.write_text(description(kind, scene))
    if different:
        sys.exit("not as generated: " + ", ".join(different))


if __name__ == "__main__":
    main()
