"""Draws where a model fails: `python failures.py --server http://127.0.0.1:8080 --output ../../docs/images/failures.png`.

A server answers boxes, points and no prompt on drawn scenes whose seeds no training uses; of each kind the worst of a dozen
answers is shown: truth green, answer orange, prompt blue. Drawn, because no patient's image is in this repository.
"""

import argparse
import io
import json
import urllib.request
import uuid
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from evaluate import dice
from sampling import extent
from scenes import phantom_scene, sketch_scene, sketches

FAMILY = 9  # first number of every seed: training draws with 1, validation with 2, the examples with 3
SCENES = 12  # of each kind
SIDE = 256
KINDS = [  # what is shown, how it is asked for, and the label, None for one of a scene's, chosen at random
    *(("nuclei", "point", None), ("retina", "box", 1), ("cardiac", "none", 1), ("endoscopy", "point", 1)),
    *(("sonogram", "point", None), ("head", "box", None), ("belly", "box", None), ("disc", "point", 3)),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="http://127.0.0.1:8080")
    parser.add_argument("--output", type=Path, default=Path("failures.png"))
    chosen = parser.parse_args()
    panels = []
    for kind, prompt, label in KINDS:
        answers = [answer(chosen.server, *question(kind, prompt, label, i)) for i in range(SCENES)]
        worst = min((a for a in answers if a), key=lambda a: a[0])
        print(kind, prompt, "worst %.3f, median %.3f" % (worst[0], np.median([a[0] for a in answers if a])))
        panels.append(
            panel(f"{kind}, {'no prompt' if prompt == 'none' else prompt}: Dice {100 * worst[0]:.0f}", *worst[1:])
        )
    rows = [np.concatenate(panels[i : i + 4], 1) for i in range(0, len(panels), 4)]
    Image.fromarray(np.concatenate(rows)).quantize(256).save(chosen.output, optimize=True)


def question(kind, prompt, label, index):
    """(image, truth, the request's prompts) of one scene; truth [H, W] is empty where the scene has no such label."""
    scene = (sketch_scene if kind in sketches.KINDS else phantom_scene)(kind, (FAMILY, index))
    rng = np.random.default_rng((FAMILY, index))
    values, counts = np.unique(scene.labels, return_counts=True)
    present = [v for v, count in zip(values, counts) if v and count >= 60]
    if label is None and present:
        label = rng.choice(present)
    truth = scene.labels == label if label in present else np.zeros(scene.labels.shape, bool)
    if not truth.any() or prompt == "none":
        return scene.image, truth, {}
    if prompt == "box":
        x0, y0, x1, y1 = (float(v) for v in extent(truth))
        return scene.image, truth, {"boxes": [{"x0": x0, "y0": y0, "x1": x1, "y1": y1}]}
    ys, xs = np.nonzero(truth)
    at = rng.integers(len(ys))
    return scene.image, truth, {"points": [{"x": int(xs[at]), "y": int(ys[at]), "label": 1}]}


def answer(server, image, truth, prompts):
    """(Dice, image, truth, mask, prompts) by the server's answer; None where there is nothing to ask for."""
    if not truth.any():
        return None
    scan, boundary = io.BytesIO(), uuid.uuid4().hex
    Image.fromarray(image).save(scan, "PNG")
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    body = f'{part}"prompts"\r\n\r\n{json.dumps(prompts)}\r\n{part}"image"; filename="scan.png"\r\n\r\n'.encode()
    body += scan.getvalue() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Accept": "image/png"}
    request = urllib.request.Request(f"{server}/v1/segment", body, headers)
    with urllib.request.urlopen(request) as reply:
        mask = np.asarray(Image.open(io.BytesIO(reply.read()))) > 0
    return dice(mask, truth), image, truth, mask, prompts


def panel(title, image, truth, mask, prompts):
    """uint8 [SIDE + 18, SIDE, 3]: the scene with outlines, under its title."""
    height, width = truth.shape
    canvas = Image.new("RGB", (SIDE, SIDE + 18), (24, 24, 24))
    picture = np.asarray(Image.fromarray(image).convert("RGB").resize((SIDE, SIDE), Image.BILINEAR)).copy()
    for shape, colour in ((truth, (0, 220, 120)), (mask, (255, 150, 0))):
        shown = np.asarray(Image.fromarray(shape).resize((SIDE, SIDE), Image.NEAREST))
        picture[shown & ~ndimage.binary_erosion(shown, border_value=0)] = colour
    canvas.paste(Image.fromarray(picture), (0, 18))
    draw = ImageDraw.Draw(canvas)
    draw.text((4, 3), title, fill=(230, 230, 230))
    place = lambda x, y: ((x + 0.5) * SIDE / width, 18 + (y + 0.5) * SIDE / height)  # noqa: E731
    for box in prompts.get("boxes", []):
        draw.rectangle([*place(box["x0"], box["y0"]), *place(box["x1"], box["y1"])], outline=(90, 170, 255))
    for point in prompts.get("points", []):
        x, y = place(point["x"], point["y"])
        draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=(90, 170, 255), outline=(255, 255, 255))
    return np.asarray(canvas)


if __name__ == "__main__":
    main()
