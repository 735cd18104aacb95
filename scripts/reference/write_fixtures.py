#!/usr/bin/env python3
"""Writes Tests/Fixtures/reference/*.safetensors from the original PyTorch implementation of Segment Anything.

Every model here is tiny and random: what is compared is the arithmetic, not the segmentation. Four files hold models
with what they answer, one holds gradients of a low-rank adaptation, one holds images resized by Pillow.

    python -m venv .venv && .venv/bin/pip install -r scripts/reference/requirements.txt
    .venv/bin/python scripts/reference/write_fixtures.py

With `--full-size FILE` it writes SAM ViT-B at its own size and one answer instead, which is too large to keep.

Layout. Activations are written channels last ([1, g, g, C]), as the Swift side holds them; weights keep the names and
shapes of the state dict, so the same file is also a model that loads. Images of bytes are written as float16, which holds 0...255 exactly.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from segment_anything import SamPredictor, sam_model_registry
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from segment_anything.utils.transforms import ResizeLongestSide

PIXEL_MEAN = [123.675, 116.28, 103.53]
PIXEL_STD = [58.395, 57.12, 57.375]

# The names are those of the Swift `Configuration`.
CONFIGURATIONS = {
    # A grid of 7 cut into windows of 3: two rows and columns of padding tokens take part in attention.
    "padded-windows": dict(
        image_size=56, patch_size=8, width=24, depth=3, heads=3, mlp_ratio=4, global_blocks=[1], window=3,
        embedding_channels=16, mask_input_channels=4, decoder_depth=2, decoder_heads=2, decoder_mlp=24,
        multimask_outputs=3, iou_head_depth=3, iou_head_hidden=12),
    # Position tables of other lengths than the grid and the window need, so they are interpolated, both up and down;
    # and sizes that differ from SAM's wherever it has a habit (one decoder layer, two linear layers in the IoU head).
    "interpolated-tables": dict(
        image_size=32, patch_size=4, width=20, depth=2, heads=5, mlp_ratio=2, global_blocks=[1], window=4,
        embedding_channels=24, mask_input_channels=8, decoder_depth=1, decoder_heads=4, decoder_mlp=16,
        multimask_outputs=2, iou_head_depth=2, iou_head_hidden=10),
    # An image size that the patch does not divide (the last four pixels reach no token) and a window wider than the grid.
    "uneven-patches": dict(
        image_size=60, patch_size=8, width=16, depth=2, heads=2, mlp_ratio=3, global_blocks=[0], window=9,
        embedding_channels=16, mask_input_channels=4, decoder_depth=2, decoder_heads=1, decoder_mlp=16,
        multimask_outputs=3, iou_head_depth=3, iou_head_hidden=8),
    # Inputs of norms so small that their epsilon decides the result: 1e-6 and 1e-5 cannot be told apart otherwise.
    "small-activations": dict(
        image_size=32, patch_size=8, width=12, depth=2, heads=2, mlp_ratio=2, global_blocks=[1], window=2,
        embedding_channels=16, mask_input_channels=4, decoder_depth=1, decoder_heads=2, decoder_mlp=8,
        multimask_outputs=3, iou_head_depth=2, iou_head_hidden=8),
}
TABLE_LENGTHS = {"interpolated-tables": [(5, 5), (9, 21)]}  # per block, (rel_pos_h, rel_pos_w)
IMAGE_SIZES = {  # width, height
    "padded-windows": (61, 43), "interpolated-tables": (19, 32), "uneven-patches": (31, 40), "small-activations": (21, 20)}
SHRUNK = {  # parameters that are made a thousand times smaller
    "small-activations": [
        "image_encoder.patch_embed.proj", "image_encoder.pos_embed", "image_encoder.neck.0",
        "prompt_encoder.mask_downscaling.0", "mask_decoder.transformer.layers.0.self_attn.out_proj",
        "mask_decoder.output_upscaling.0"]}


def build(c):
    grid = c["image_size"] // c["patch_size"]
    return Sam(
        image_encoder=ImageEncoderViT(
            img_size=c["image_size"], patch_size=c["patch_size"], embed_dim=c["width"], depth=c["depth"],
            num_heads=c["heads"], mlp_ratio=c["mlp_ratio"], out_chans=c["embedding_channels"], qkv_bias=True,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), use_rel_pos=True, window_size=c["window"],
            global_attn_indexes=c["global_blocks"]),
        prompt_encoder=PromptEncoder(
            embed_dim=c["embedding_channels"], image_embedding_size=(grid, grid),
            input_image_size=(c["image_size"], c["image_size"]), mask_in_chans=c["mask_input_channels"]),
        mask_decoder=MaskDecoder(
            transformer_dim=c["embedding_channels"],
            transformer=TwoWayTransformer(
                depth=c["decoder_depth"], embedding_dim=c["embedding_channels"], num_heads=c["decoder_heads"],
                mlp_dim=c["decoder_mlp"]),
            num_multimask_outputs=c["multimask_outputs"], iou_head_depth=c["iou_head_depth"],
            iou_head_hidden_dim=c["iou_head_hidden"]),
        pixel_mean=PIXEL_MEAN, pixel_std=PIXEL_STD).eval()


def randomise(sam, table_lengths, shrunk=()):
    """Fills every parameter so that no term of the network is too small to notice, but those meant to be."""
    for index, (height, width) in enumerate(table_lengths):
        attention = sam.image_encoder.blocks[index].attn
        channels = attention.rel_pos_h.shape[1]
        attention.rel_pos_h = torch.nn.Parameter(torch.zeros(height, channels))
        attention.rel_pos_w = torch.nn.Parameter(torch.zeros(width, channels))
    with torch.no_grad():
        for name, parameter in sam.named_parameters():
            if parameter.ndim == 1:  # norms and biases
                centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
                if name.endswith(("neck.1.weight", "neck.3.weight", "output_upscaling.1.weight")):
                    centre = 1.0
                # Small decoder biases: large ones would make every logit of a mask the same sign.
                parameter.normal_(centre, 0.05 if "mask_decoder.output" in name else 0.2)
            elif "rel_pos" in name or "pos_embed" in name:
                parameter.normal_(0, 0.5)
            elif "embed" in name or "tokens" in name or "iou_token" in name:
                parameter.normal_(0, 0.7)
            else:
                fan_in = parameter[0].numel()
                if "output_upscaling" in name:
                    fan_in = parameter.shape[0]
                gain = 2.5 if "mask_decoder.output" in name else 1.2
                parameter.normal_(0, gain / fan_in**0.5)
            if name.startswith(tuple(shrunk)):
                parameter.mul_(1e-3)


def picture(width, height, generator):
    """A smooth random colour picture with a bright ellipse: bytes, [height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = []
    for channel in range(3):
        fx, fy, phase = generator.uniform(0.05, 0.4, 3)
        planes.append(120 + 60 * np.sin(fx * x + fy * y + 6 * phase) + generator.normal(0, 12, (height, width)))
    image = np.stack(planes, axis=-1)
    inside = ((x - 0.45 * width) / (0.25 * width)) ** 2 + ((y - 0.55 * height) / (0.3 * height)) ** 2 < 1
    image[inside] += 50
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), inside


def prompts(width, height, mask):
    """Name -> what SamPredictor.predict takes. Coordinates are pixels of the original image."""
    point = np.array([[0.4 * width, 0.6 * height]])
    several = np.array([[0.4 * width, 0.6 * height], [3.0, 2.0], [width - 1.0, height - 1.0]])
    box = np.array([0.15 * width, 0.2 * height, 0.8 * width - 1, 0.9 * height - 1])
    one, three = np.array([1]), np.array([1, 0, 1])
    return {
        "point": dict(point_coords=point, point_labels=one),
        "points": dict(point_coords=several, point_labels=three),
        "box": dict(box=box),
        "box-points": dict(box=box, point_coords=several, point_labels=three),
        "mask": dict(mask_input=mask),
        "mask-point": dict(mask_input=mask, point_coords=point, point_labels=one),
        "none": dict(),
    }


def stored(array):
    return torch.tensor(array, dtype=torch.float32)


def weights(sam):
    return {
        name: value.detach().contiguous().clone()
        for name, value in sam.state_dict().items() if name not in ("pixel_mean", "pixel_std")
    }


def model_fixture(name, c, seed):
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    sam = build(c)
    randomise(sam, TABLE_LENGTHS.get(name, []), SHRUNK.get(name, []))
    tensors = weights(sam)

    def keep(stage):
        return lambda module, inputs, output: tensors.__setitem__(f"stage.{stage}", output.detach().clone())

    hooks = [sam.image_encoder.patch_embed.register_forward_hook(keep("patch"))]
    hooks += [block.register_forward_hook(keep(f"block.{i}")) for i, block in enumerate(sam.image_encoder.blocks)]

    width, height = IMAGE_SIZES[name]
    image, _ = picture(width, height, generator)
    predictor = SamPredictor(sam)
    predictor.set_image(image)
    for hook in hooks:
        hook.remove()
    tensors["image"] = torch.as_tensor(image, dtype=torch.float16)
    tensors["embedding"] = predictor.features.permute(0, 2, 3, 1).contiguous()
    tensors["dense_pe"] = sam.prompt_encoder.get_dense_pe().permute(0, 2, 3, 1).contiguous()

    side = 4 * (c["image_size"] // c["patch_size"])
    mask = torch.randn(1, 1, side // 4, side // 4) * 4
    mask = F.interpolate(mask, (side, side), mode="bilinear", align_corners=False)[0].numpy()
    for kind, prompt in prompts(width, height, mask).items():
        single, single_iou, single_low = predictor.predict(**prompt, multimask_output=False, return_logits=True)
        many, many_iou, many_low = predictor.predict(**prompt, multimask_output=True, return_logits=True)
        for key, value in prompt.items():
            tensors[f"prompt.{kind}.{key}"] = stored(value)
        tensors[f"prompt.{kind}.logits"] = stored(np.concatenate([single_low, many_low]))
        tensors[f"prompt.{kind}.iou"] = stored(np.concatenate([single_iou, many_iou]))
        masks = np.concatenate([single, many]) > 0
        if kind in ("point", "box-points"):  # the masks follow from the logits: two kinds show how
            tensors[f"prompt.{kind}.masks"] = torch.as_tensor(masks, dtype=torch.float16)
        if kind == "box":
            tensors["upscaled.box"] = stored(single[0])
        share = masks.mean(axis=(1, 2))
        print(f"  {kind:11} foreground {np.round(share, 2)}, |logit| {np.abs(single_low).mean():.2f}")
    return tensors


def focal_and_dice(logits, truth):
    """The loss of the paper's §3 with weights 1: focal (alpha 0.25, gamma 2, mean) and dice (smoothed by 1)."""
    probability = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    agreement = probability * truth + (1 - probability) * (1 - truth)
    balance = 0.25 * truth + 0.75 * (1 - truth)
    focal = (balance * (1 - agreement) ** 2 * entropy).mean()
    dice = 1 - (2 * (probability * truth).sum() + 1) / (probability.sum() + truth.sum() + 1)
    return focal, dice


class LowRankProjection(torch.nn.Module):
    """The fused qkv projection with low-rank updates of q and v beside it: W x + scale * up(down(x))."""

    def __init__(self, qkv, rank, scale):
        super().__init__()
        self.qkv, self.scale, self.width = qkv, scale, qkv.in_features
        for name in ("q", "v"):
            self.register_parameter(f"{name}_down", torch.nn.Parameter(torch.randn(rank, self.width) * 0.3))
            self.register_parameter(f"{name}_up", torch.nn.Parameter(torch.randn(self.width, rank) * 0.3))

    def forward(self, x):
        q, k, v = self.qkv(x).split(self.width, dim=-1)
        q = q + self.scale * (x @ self.q_down.T @ self.q_up.T)
        v = v + self.scale * (x @ self.v_down.T @ self.v_up.T)
        return torch.cat([q, k, v], dim=-1)


def gradient_fixture(c, seed, rank=4, scale=0.5):
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    sam = build(c)
    randomise(sam, [])
    tensors = weights(sam)
    for parameter in sam.parameters():
        parameter.requires_grad_(False)
    for parameter in sam.mask_decoder.parameters():
        parameter.requires_grad_(True)
    trained = {f"mask_decoder.{name}": value for name, value in sam.mask_decoder.named_parameters()}
    for index, block in enumerate(sam.image_encoder.blocks):
        block.attn.qkv = LowRankProjection(block.attn.qkv, rank, scale)
        for name in ("q_down", "q_up", "v_down", "v_up"):
            trained[f"lora.{index}.{name}"] = getattr(block.attn.qkv, name)
            tensors[f"lora.{index}.{name}"] = getattr(block.attn.qkv, name).detach().clone()

    width, height = 53, 37
    image, inside = picture(width, height, generator)
    transform = ResizeLongestSide(c["image_size"])
    resized = torch.as_tensor(transform.apply_image(image)).permute(2, 0, 1)[None]
    embedding = sam.image_encoder(sam.preprocess(resized))
    box = np.array([6.0, 5.0, 41.0, 33.0])
    sparse, dense = sam.prompt_encoder(
        points=None, boxes=torch.as_tensor(transform.apply_boxes(box[None], (height, width)), dtype=torch.float),
        masks=None)
    logits, iou = sam.mask_decoder.predict_masks(
        image_embeddings=embedding, image_pe=sam.prompt_encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense)

    side = logits.shape[-1]
    truth = np.zeros((c["image_size"], c["image_size"]), np.float32)
    shown = np.asarray(Image.fromarray(inside).resize(resized.shape[:1:-1], Image.NEAREST), np.float32)
    truth[: shown.shape[0], : shown.shape[1]] = shown
    truth = F.interpolate(torch.as_tensor(truth)[None, None], (side, side), mode="area")[0, 0]
    truth = (truth > 0.5).float()

    # Two scalars: the loss of the adaptation on the single mask, and a linear functional of every output,
    # which alone reaches the hypernetworks of the other masks and the IoU head.
    focal, dice = focal_and_dice(logits[0, 0], truth)
    logit_weights = torch.randn_like(logits) / logits.numel() ** 0.5
    iou_weights = torch.randn_like(iou)
    functional = (logits * logit_weights).sum() + (iou * iou_weights).sum()
    for label, scalar in (("loss", focal + dice), ("functional", functional)):
        grads = torch.autograd.grad(scalar, list(trained.values()), retain_graph=True, allow_unused=True)
        for name, gradient in zip(trained, grads):
            if gradient is not None:
                tensors[f"gradient.{label}.{name}"] = gradient.detach().contiguous()
        tensors[label] = scalar.detach().reshape(1)
    tensors |= {
        "image": torch.as_tensor(image, dtype=torch.float16), "box": stored(box), "truth": truth,
        "embedding": embedding.detach().permute(0, 2, 3, 1).contiguous(), "logits": logits.detach()[0],
        "iou": iou.detach()[0], "logit_weights": logit_weights[0], "iou_weights": iou_weights[0],
        "focal": focal.detach().reshape(1), "dice": dice.detach().reshape(1),
        "scale": torch.tensor([scale]),
    }
    print(f"  focal {focal:.4f}, dice {dice:.4f}, functional {functional:.4f}, {len(trained)} trained tensors")
    return tensors


def preprocessing_fixture(seed):
    """Images before and after ResizeLongestSide and normalisation, at sizes where rounding and filters matter."""
    generator = np.random.default_rng(seed)
    tensors = {}
    # width, height, long side: shrinking by odd ratios, enlarging, already right, a one-pixel-high ribbon
    for width, height, side in [(97, 61, 40), (50, 129, 32), (13, 9, 40), (40, 27, 40), (90, 2, 30), (41, 41, 40)]:
        image, _ = picture(width, height, generator)
        noise = generator.integers(0, 256, image.shape, dtype=np.uint8)
        image = np.where(generator.random(image.shape) < 0.2, noise, image)
        resized = ResizeLongestSide(side).apply_image(image)
        pixels = torch.as_tensor(resized).permute(2, 0, 1)[None]
        mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (PIXEL_MEAN, PIXEL_STD))
        pixels = (pixels - mean) / std
        pixels = F.pad(pixels, (0, side - pixels.shape[3], 0, side - pixels.shape[2]))
        key = f"{width}x{height}to{side}"
        tensors[f"{key}.image"] = torch.as_tensor(image, dtype=torch.float16)
        tensors[f"{key}.resized"] = torch.as_tensor(resized, dtype=torch.float16)
        if side <= 32:
            tensors[f"{key}.pixels"] = pixels.permute(0, 2, 3, 1).contiguous()
    return tensors


def full_size_fixture(checkpoint):
    """SAM ViT-B at its own size, with the official weights or without a checkpoint with random ones; one box."""
    torch.manual_seed(41)
    generator = np.random.default_rng(41)
    sam = sam_model_registry["vit_b"](checkpoint=checkpoint)
    if checkpoint is None:
        randomise(sam, [])
    tensors = weights(sam)
    width, height = 700, 451
    image, _ = picture(width, height, generator)
    predictor = SamPredictor(sam)
    predictor.set_image(image)
    prompt = prompts(width, height, None)["box"]
    _, iou, logits = predictor.predict(**prompt, multimask_output=False)
    return tensors | {
        "image": torch.as_tensor(image, dtype=torch.float16), "prompt.box.box": stored(prompt["box"]),
        "embedding": predictor.features.permute(0, 2, 3, 1).contiguous(), "prompt.box.logits": stored(logits),
        "prompt.box.iou": stored(iou)}


def main():
    here = Path(__file__).resolve()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=here.parents[2] / "Tests" / "Fixtures" / "reference")
    parser.add_argument(
        "--full-size", type=Path, metavar="FILE",
        help="write only this file, of 375 MB: SAM ViT-B and its answer, for GMISEG_FULL_SIZE_REFERENCE=FILE")
    parser.add_argument("--checkpoint", help="sam_vit_b_01ec64.pth for --full-size; random weights without it")
    options = parser.parse_args()
    output = options.output
    output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if options.full_size is not None:
        save_file(full_size_fixture(options.checkpoint), options.full_size, metadata={"format": "pt"})
        return

    def write(name, tensors, configuration=None):
        metadata = {"format": "pt"}
        if configuration is not None:
            metadata["gmiseg.configuration"] = json.dumps(dict(name=f"fixture-{name}") | configuration)
        path = output / f"{name}.safetensors"
        save_file({key: value.contiguous() for key, value in tensors.items()}, path, metadata=metadata)
        path.chmod(0o644)
        print(f"{path.name}: {path.stat().st_size} bytes, {len(tensors)} tensors")

    for seed, (name, configuration) in enumerate(CONFIGURATIONS.items(), start=11):
        write(name, model_fixture(name, configuration, seed), configuration)
    # Two blocks with windows around a global one.
    write("gradients", gradient_fixture(CONFIGURATIONS["padded-windows"], seed=21), CONFIGURATIONS["padded-windows"])
    write("preprocessing", preprocessing_fixture(seed=31))


if __name__ == "__main__":
    main()
