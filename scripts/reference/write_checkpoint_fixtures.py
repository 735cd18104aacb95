#!/usr/bin/env python3
"""Writes Tests/Fixtures/checkpoints/: one tiny random model in every container and naming, and PyTorch's answers.

    .venv/bin/pip install transformers
    .venv/bin/python scripts/reference/write_checkpoint_fixtures.py

    tiny.pth                    as torch.save writes it, wrapped in {"model": ...} with names behind "module.", one tensor a
                                transposed view, one in half precision, and optimizer state beside it
    tiny-transformers.safetensors   as transformers' SamModel names it
    tiny-reference.safetensors  what record_checkpoint.py records of tiny.pth
    legacy.pth                  PyTorch's format from before version 1.6

The state dict goes through `SamModel.load_state_dict(strict=True)`, and SamModel must give the embedding that the
package gives: so that the names are transformers' own, and mean what we think.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import SamConfig, SamModel

from write_fixtures import build, picture, randomise, weights

CONFIGURATION = dict(
    image_size=32, patch_size=8, width=12, depth=2, heads=2, mlp_ratio=2, global_blocks=[1], window=3,
    embedding_channels=16, mask_input_channels=4, decoder_depth=1, decoder_heads=2, decoder_mlp=8, multimask_outputs=3,
    iou_head_depth=3, iou_head_hidden=8)


def transformers_name(name):
    for pattern, replacement in [
            (r"^image_encoder\.", "vision_encoder."), (r"\.blocks\.", ".layers."), (r"\.patch_embed\.proj\.", ".patch_embed.projection."),
            (r"neck\.0\.", "neck.conv1."), (r"neck\.1\.", "neck.layer_norm1."), (r"neck\.2\.", "neck.conv2."),
            (r"neck\.3\.", "neck.layer_norm2."), (r"\.norm(\d|_final)", r".layer_norm\1"),
            (r"prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix", "shared_image_embedding.positional_embedding"),
            (r"point_embeddings", "point_embed"), (r"mask_downscaling\.0\.", "mask_embed.conv1."),
            (r"mask_downscaling\.1\.", "mask_embed.layer_norm1."), (r"mask_downscaling\.3\.", "mask_embed.conv2."),
            (r"mask_downscaling\.4\.", "mask_embed.layer_norm2."), (r"mask_downscaling\.6\.", "mask_embed.conv3."),
            (r"output_upscaling\.0\.", "upscale_conv1."), (r"output_upscaling\.1\.", "upscale_layer_norm."),
            (r"output_upscaling\.3\.", "upscale_conv2."),
            (r"(mlps\.\d|prediction_head)\.layers\.0\.", r"\1.proj_in."), (r"(mlps\.\d|prediction_head)\.layers\.1\.", r"\1.layers.0."),
            (r"(mlps\.\d|prediction_head)\.layers\.2\.", r"\1.proj_out.")]:
        name = re.sub(pattern, replacement, name)
    return name


def sam_model(c, state):
    model = SamModel(SamConfig(
        vision_config=dict(
            hidden_size=c["width"], num_hidden_layers=c["depth"], num_attention_heads=c["heads"], image_size=c["image_size"],
            patch_size=c["patch_size"], window_size=c["window"], global_attn_indexes=c["global_blocks"],
            output_channels=c["embedding_channels"], mlp_dim=c["mlp_ratio"] * c["width"],
            num_pos_feats=c["embedding_channels"] // 2),
        prompt_encoder_config=dict(
            hidden_size=c["embedding_channels"], image_size=c["image_size"], patch_size=c["patch_size"],
            mask_input_channels=c["mask_input_channels"]),
        mask_decoder_config=dict(
            hidden_size=c["embedding_channels"], mlp_dim=c["decoder_mlp"], num_hidden_layers=c["decoder_depth"],
            num_attention_heads=c["decoder_heads"], iou_head_hidden_dim=c["iou_head_hidden"])))
    named = {transformers_name(name): value for name, value in state.items()}
    tied = "prompt_encoder.shared_embedding.positional_embedding"
    if tied in model.state_dict():
        named[tied] = named["shared_image_embedding.positional_embedding"]
    model.load_state_dict(named, strict=True)
    return model.eval()


def main():
    here = Path(__file__).resolve()
    output = here.parents[2] / "Tests" / "Fixtures" / "checkpoints"
    output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(51)
    torch.set_num_threads(1)
    c = CONFIGURATION
    sam = build(c)
    randomise(sam, [])
    state = weights(sam)
    half = "image_encoder.blocks.0.mlp.lin1.weight"
    view = "image_encoder.blocks.1.mlp.lin2.weight"
    state[half] = state[half].half().float()
    sam.load_state_dict(state)
    configuration = json.dumps(dict(name="fixture-checkpoint") | c)

    saved = {f"module.{name}": value for name, value in state.items()}
    saved[f"module.{half}"] = state[half].half()
    saved[f"module.{view}"] = state[view].t().contiguous().t()
    assert not saved[f"module.{view}"].is_contiguous()
    saved["module.image_encoder.adapter.weight"] = torch.zeros(2, 3)
    optimizer = {"state": {0: {"step": 7, "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.999)}]}
    torch.save(
        {"model": saved, "optimizer": optimizer, "epoch": 3, "gmiseg.configuration": configuration}, output / "tiny.pth")
    torch.save({"weight": torch.ones(2)}, output / "legacy.pth", _use_new_zipfile_serialization=False)

    theirs = sam_model(c, state)
    pixels = torch.randn(1, 3, c["image_size"], c["image_size"])
    with torch.inference_mode():
        expected, found = sam.image_encoder(pixels), theirs.vision_encoder(pixels).last_hidden_state
        print("SamModel's embedding differs by", ((expected - found).abs().max() / expected.abs().max()).item())
        assert torch.allclose(expected, found, rtol=1e-4, atol=1e-5)
    folder = output / "transformers"
    theirs.save_pretrained(folder)
    named = load_file(folder / "model.safetensors")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    save_file(named, output / "tiny-transformers.safetensors", {"format": "pt", "gmiseg.configuration": configuration})

    generator = np.random.default_rng(51)
    image = output / "picture.png"
    Image.fromarray(picture(30, 23, generator)[0]).save(image)
    subprocess.run(
        [sys.executable, here.parent / "record_checkpoint.py", output / "tiny.pth", output / "tiny-reference.safetensors",
         "--images", image, "--sizes", "41x27,2x37"], check=True)
    image.unlink()
    for file in sorted(output.iterdir()):
        file.chmod(0o644)
        print(file.name, file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
