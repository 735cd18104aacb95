"""Can a few steps teach this base a new task? A check in PyTorch to choose settings; the service has its own trainer.

Adapts to `support/` of an example task, scores its `queries/` by prompt kind, before and after:
`python adaptation_trial.py --weights models/gmiseg-mini.safetensors --task examples/cardiac --kind lora+decoder`
"""

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import evaluate
import loss
from model import normalise
from sampling import extent, simulated_box, simulated_points

KINDS = ("box", "point", "3 points", "none")


class LowRank(nn.Module):
    """SAM's fused qkv projection with low-rank updates of q and v: W x + (alpha / rank) B A x, B = 0 at the start."""

    def __init__(self, qkv, rank, alpha):
        super().__init__()
        self.qkv, self.scale = qkv, alpha / rank
        width = qkv.in_features
        self.down = nn.ParameterList(nn.Parameter(torch.randn(rank, width) / math.sqrt(width)) for _ in range(2))
        self.up = nn.ParameterList(nn.Parameter(torch.zeros(width, rank)) for _ in range(2))

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        dq, dv = (x @ down.T @ up.T * self.scale for down, up in zip(self.down, self.up))
        return torch.cat([q + dq, k, v + dv], -1)


def pairs(folder):
    for path in sorted((folder / "images").glob("*.png")):
        image = np.asarray(Image.open(path).convert("RGB"))
        yield image, np.asarray(Image.open(folder / "masks" / path.name)) > 0


def query_items(folder):
    for i, (image, mask) in enumerate(pairs(folder)):
        rng = np.random.default_rng((5, i))
        points, _ = simulated_points(rng, mask, 3, 0)
        yield evaluate.Item("queries", image, mask, mask, extent(mask), simulated_box(rng, mask), points)


def augmented(rng, pixels, filled, mask):
    """(pixels with flips and noise, uint8 mask 0...255), both at model size."""
    truth = np.zeros(pixels.shape[:2], np.uint8)
    resized = Image.fromarray(mask.astype(np.uint8) * 255).resize(filled[::-1], Image.BILINEAR)
    part = (slice(filled[0]), slice(filled[1]))
    truth[part] = np.asarray(resized)
    noisy = pixels + rng.normal(0, 4, pixels.shape)
    pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    for axis in (0, 1):  # flips within the filled part
        if rng.random() < 0.5:
            pixels[part], truth[part] = np.flip(pixels[part], axis).copy(), np.flip(truth[part], axis).copy()
    return pixels, truth


def drawn_prompt(rng, mask, promptless):
    """No prompt with the given probability, else a loose box or one to three points, evenly."""
    if rng.random() < promptless:
        return {}
    if rng.random() < 0.5:
        return {"boxes": torch.from_numpy(simulated_box(rng, mask))[None]}
    points, labels = simulated_points(rng, mask, int(rng.integers(1, 4)), 0.2)
    return {"points": torch.from_numpy(points)[None], "labels": torch.from_numpy(labels)[None]}


def adapt(base, support, kind, rate, lora_rate, steps, batch, promptless, seed, report=None):
    """The adapted copy of `base`. `promptless` is the share of samples without a prompt; the rest: box or points."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = copy.deepcopy(base).requires_grad_(False).eval()
    groups = []
    if "lora" in kind:
        for block in model.image_encoder.blocks:
            block.attn.qkv = LowRank(block.attn.qkv, 4, 4)
        factors = [p for n, p in model.named_parameters() if ".down." in n or ".up." in n]
        groups.append({"params": factors, "lr": lora_rate})
    if "decoder" in kind:
        groups.append({"params": list(model.mask_decoder.requires_grad_(True).parameters()), "lr": rate})
    rates = [g["lr"] for g in groups]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    size = model.configuration.image_size
    low = size // 2
    ready = [(*evaluate.prepared(image, size), mask) for image, mask in support]
    for step in range(steps):
        for group, peak in zip(optimiser.param_groups, rates):
            group["lr"] = peak * min(1, (step + 1) / 5) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        chosen = [ready[i] for i in rng.choice(len(ready), batch, replace=len(ready) < batch)]
        pixels, truths = zip(*(augmented(rng, pixels, filled, mask) for pixels, filled, _, mask in chosen))
        with torch.autocast("cpu", torch.bfloat16):  # for speed alone: a trial, not a product
            images = normalise(torch.from_numpy(np.stack(pixels)), [filled for _, filled, _, _ in chosen])
            embeddings = model.image_encoder(images)
            total = 0
            for embedding, truth in zip(embeddings, truths):
                prompt = drawn_prompt(rng, truth > 127, promptless)
                logits, iou = model.decode(embedding[None], *model.prompt(**prompt))
                target = F.interpolate(torch.from_numpy(truth)[None, None].float() / 255, (low, low), mode="area")[0]
                total = total + loss.slot(logits, iou, target)[0] / batch
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        if report and (step + 1) in report:
            yield step + 1, model
    if not report:
        yield steps, model


def line(found):
    return "  ".join(f"{k} {100 * np.mean(v):5.1f}" for k, v in found["queries"].items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--task", type=Path, required=True)
    parser.add_argument("--kind", default="lora+decoder", choices=["lora", "decoder", "lora+decoder"])
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the decoder")
    parser.add_argument("--lora-rate", type=float, default=5e-3, help="learning rate of the low-rank factors")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--promptless", type=float, default=0.35)
    parser.add_argument("--seed", type=int, default=0)
    o = parser.parse_args()
    torch.set_num_threads(1)
    base = evaluate.load(o.weights)
    queries, support = list(query_items(o.task / "queries")), list(pairs(o.task / "support"))
    print("before          ", line(evaluate.scores(base, queries, KINDS)), flush=True)
    start = time.monotonic()
    report = {o.steps // 3, 2 * o.steps // 3, o.steps}
    for step, model in adapt(
        base, support, o.kind, o.rate, o.lora_rate, o.steps, o.batch, o.promptless, o.seed, report
    ):
        seconds = time.monotonic() - start
        print(f"{step:3} steps {seconds:4.0f} s", line(evaluate.scores(model, queries, KINDS)), flush=True)


if __name__ == "__main__":
    main()
