#!/usr/bin/env python3
"""Records what the PyTorch package makes of a checkpoint, for `gmiseg model verify FILE --against OUT.safetensors`.

    .venv/bin/python scripts/reference/record_checkpoint.py sam_vit_b_01ec64.pth reference.safetensors --images a.png b.jpg

For each image: the embedding, and for a point, a box and no prompt the low-resolution logits of all masks, the predicted
quality and the masks at the image's size. `--sizes 1024x683,37x1024` adds scaled copies of the first image, and
`--sixteen-bit` a 16-bit grey copy of the last one: sizes and depths at which rounding and windowing show.

The images themselves go into the file, as the bytes of their files, so that it can be carried to another machine.
Images of 16 bit are windowed as `docs/imaging.md` says, since the package takes bytes only.
"""

import argparse
import hashlib
import io
import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from segment_anything import SamPredictor, sam_model_registry

from write_fixtures import build

KINDS = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}  # by the encoder's width


def read(path):
    """The weights without what training scripts wrap around them, and the configuration if the file has one."""
    found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    configuration = found.get("gmiseg.configuration")
    for key in ("model", "state_dict"):
        if key in found:
            found = found[key]
    weights = {name.removeprefix("module."): value for name, value in found.items()}
    return weights, json.loads(configuration) if configuration else None


def load(path):
    weights, configuration = read(path)
    # Without values at first, so that nothing is there twice.
    with torch.device("meta"):
        sam = (
            build(configuration) if configuration
            else sam_model_registry[KINDS[weights["image_encoder.pos_embed"].shape[-1]]]())
    missing = [name for name in sam.state_dict() if name not in weights]
    if missing:
        raise SystemExit(f"{path}: {missing[0]} is missing, and {len(missing) - 1} others")
    sam.load_state_dict({name: weights[name].float() for name in sam.state_dict()}, assign=True)
    # Not part of a state dict.
    sam.pixel_mean = torch.tensor([123.675, 116.28, 103.53]).reshape(3, 1, 1)
    sam.pixel_std = torch.tensor([58.395, 57.12, 57.375]).reshape(3, 1, 1)
    return sam.eval()


def windowed(samples):
    """16 bits to 8: the 0.5th to the 99.5th percentile (nearest rank) of the samples above the smallest one."""
    above = np.sort(samples[samples > samples.min()].ravel())
    if above.size == 0:
        return np.zeros(samples.shape, np.uint8)
    rank = lambda per_mille: float(above[max(1, (above.size * per_mille + 999) // 1000) - 1])
    low, high = rank(5), rank(995)
    if low == high:
        low, high = float(samples.min()), float(samples.max())
    scaled = (samples.astype(np.float64) - low) * 255 / (high - low)
    return np.clip(np.floor(scaled + 0.5), 0, 255).astype(np.uint8)


def decoded(data):
    """RGB bytes [height, width, 3], as `gmiseg` decodes the file."""
    image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I"):
        grey = windowed(np.asarray(image).astype(np.int64))
        return np.repeat(grey[..., None], 3, axis=-1)
    return np.asarray(image.convert("RGB"))


def encoded(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def pictures(options):
    """Name and file bytes of every image."""
    for path in options.images:
        yield path.name, path.read_bytes()
    first, last = (Image.open(path) for path in (options.images[0], options.images[-1]))
    for size in filter(None, options.sizes.split(",")):
        width, height = map(int, size.split("x"))
        yield f"{options.images[0].name} {size}", encoded(first.convert("RGB").resize((width, height), Image.BICUBIC))
    if options.sixteen_bit:
        grey = np.asarray(last.convert("L")).astype(np.uint32)
        y, x = np.mgrid[0:grey.shape[0], 0:grey.shape[1]]
        # Twelve bits of signal with something in the lower ones, on the pedestal that scanners like to add.
        samples = (1000 + grey * 14 + (x * 7 + y * 3) % 14).astype(np.uint16)
        yield f"{options.images[-1].name} 16-bit", encoded(Image.fromarray(samples))


def prompts(width, height):
    """Name -> what SamPredictor.predict takes. Coordinates are pixels of the original image."""
    return {
        "point": dict(point_coords=np.array([[0.4 * width, 0.6 * height]]), point_labels=np.array([1])),
        "box": dict(box=np.array([0.15 * width, 0.2 * height, 0.8 * width - 1, 0.9 * height - 1])),
        "none": dict(),
    }


def record(predictor, index, data, tensors):
    image = decoded(data)
    height, width = image.shape[:2]
    predictor.set_image(image)
    key = f"image.{index}"
    tensors[f"{key}.file"] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    tensors[f"{key}.embedding"] = predictor.features.permute(0, 2, 3, 1).contiguous()
    for kind, prompt in prompts(width, height).items():
        one, one_quality, one_low = predictor.predict(**prompt, multimask_output=False)
        many, many_quality, many_low = predictor.predict(**prompt, multimask_output=True)
        place = f"{key}.{kind}"
        for name, value in prompt.items():
            tensors[f"{place}.{name}"] = torch.tensor(value, dtype=torch.float32)
        tensors[f"{place}.logits"] = torch.tensor(np.concatenate([one_low, many_low]))
        tensors[f"{place}.iou"] = torch.tensor(np.concatenate([one_quality, many_quality]))
        tensors[f"{place}.masks"] = torch.tensor(np.concatenate([one, many]).astype(np.uint8))
    return hashlib.sha256(image.tobytes()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--images", type=Path, nargs="+", required=True)
    parser.add_argument("--sizes", default="1024x683,37x1024", help="scaled copies of the first image")
    parser.add_argument("--sixteen-bit", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    predictor = SamPredictor(load(options.checkpoint))
    tensors, images = {}, []
    with torch.inference_mode():
        for index, (name, data) in enumerate(pictures(options)):
            start = time.perf_counter()
            digest = record(predictor, index, data, tensors)
            images.append({"name": name, "pixels_sha256": digest})
            print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)
    metadata = {
        "gmiseg.reference": json.dumps({"checkpoint": options.checkpoint.name, "images": images}),
        "torch": torch.__version__}
    save_file(tensors, options.output, metadata=metadata)


if __name__ == "__main__":
    main()
