"""Trains gmiseg-mini from random weights and writes it as safetensors. See README.md for the command.

Two stages: most of the run at 128 px (a 16 x 16 grid), the rest at 256 px, the size that ships. The learning rate
follows one cosine over both. Progress is measured either in steps (repeatable) or in minutes of training (for a
machine of unknown speed). `--run` holds everything that changes: the drawn scenes, the checkpoint, the learning curve.
"""

import argparse
import copy
import csv
import hashlib
import math
import os
import time
from pathlib import Path

import torch
import torch.nn.functional as F

import evaluate
import loss
from export import write_model
from model import Configuration, Sam, grown, initialise, normalise
from prototypes import as_mask_prompt, similarity
from sampling import BANK, SUPPORT_SIZE, Sampler
from scenes import real_scenes, synthetic_bank

CURVE = ["minutes", "step", "images", "image_size", "prompt", "set", "dice"]


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder of datasets: <set>/images, <set>/masks")
    p.add_argument("--run", required=True, help="folder of this run; a run found there is resumed")
    p.add_argument("--output", required=True, help="the weights file to write at the end")
    p.add_argument("--steps", type=int, nargs=2, metavar=("SMALL", "LARGE"), help="steps at 128 px and at 256 px")
    p.add_argument(
        "--minutes", type=float, nargs=2, metavar=("SMALL", "LARGE"), help="instead of --steps: training time"
    )
    p.add_argument("--batch", type=int, nargs=2, default=(8, 6), metavar=("SMALL", "LARGE"))
    p.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    p.add_argument("--init", help="a weights file to start from instead of random weights")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--bf16", action="store_true", help="matrix products in bfloat16")
    p.add_argument("--compile", action="store_true", help="fuse with torch.compile: some minutes, then a fifth faster")
    p.add_argument("--evaluate-every", type=float, default=6, help="minutes of training between points of the curve")
    p.add_argument("--checkpoint-every", type=float, default=3, help="minutes between checkpoints")
    chosen = p.parse_args()
    if (chosen.steps is None) == (chosen.minutes is None):
        p.error("give either --steps or --minutes")
    return chosen


class NonFiniteLoss(RuntimeError):
    """The loss was not finite; `path` holds the batch and the weights that led to it."""

    def __init__(self, path):
        super().__init__(f"loss is not finite; the batch is in {path}")
        self.path = path


def parameter_groups(model):
    """Weight decay for matrices only: not for biases, norms, tokens and position tables."""
    decayed, free = [], []
    for name, p in model.named_parameters():
        table = p.ndim < 2 or "pos" in name or "token" in name or (".prompt_encoder" in f".{name}" and "embed" in name)
        (free if table else decayed).append(p)
    return [{"params": decayed, "weight_decay": 0.05}, {"params": free, "weight_decay": 0.0}]


class Run:
    """The state of a run: stage, weights, their moving average, optimiser, generator, and how far it has come."""

    def __init__(self, o):
        self.o = o
        self.folder = Path(o.run)
        (self.folder / "bank").mkdir(parents=True, exist_ok=True)
        torch.manual_seed(o.seed)
        real = real_scenes(o.data, "training")
        self.sampler = Sampler(real, synthetic_bank(BANK, self.folder / "bank", real), o.seed)
        self.stage = 0
        self.step = 0  # in all
        self.stage_step = 0
        self.images = 0
        self.elapsed = 0.0  # seconds of training, evaluation not counted
        self.stage_start = 0.0  # `elapsed` at which the stage began
        start = evaluate.load(o.init).state_dict() if o.init else None
        self.enter(0, start, start)
        if (self.folder / "checkpoint.pt").exists():
            self.resume()

    def enter(self, stage, state, average):
        size = (128, 256)[stage]
        self.stage, self.stage_step, self.stage_start = stage, 0, self.elapsed
        self.model = Sam(Configuration().at(size))
        if state is None:
            batch = self.sampler.batch(32, size)
            initialise(self.model, normalise(batch.pixels, batch.sizes))
        else:
            self.model.load_state_dict(grown(state, self.model))
        self.average = copy.deepcopy(self.model)
        if average is not None:
            self.average.load_state_dict(grown(average, self.average))
        self.model.to(self.o.device), self.average.to(self.o.device)
        if self.o.compile:  # in place: names and weights stay as they are
            decoder = self.model.mask_decoder
            for part in (self.model.image_encoder, decoder.transformer, decoder.output_upscaling):
                part.compile()
        self.optimiser = torch.optim.AdamW(parameter_groups(self.model), lr=self.o.rate, betas=(0.9, 0.98), eps=1e-6)

    def save(self):
        state = {
            "stage": self.stage,
            "step": self.step,
            "stage_step": self.stage_step,
            "images": self.images,
            "elapsed": self.elapsed,
            "stage_start": self.stage_start,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.sampler.rng.bit_generator.state,
            "torch": torch.get_rng_state(),
        }
        partial = self.folder / "checkpoint.partial"
        torch.save(state, partial)
        os.replace(partial, self.folder / "checkpoint.pt")

    def resume(self):
        state = torch.load(self.folder / "checkpoint.pt", map_location="cpu", weights_only=True)
        self.enter(state["stage"], state["model"], state["average"])
        for name in ("step", "stage_step", "images", "elapsed", "stage_start"):
            setattr(self, name, state[name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.sampler.rng.bit_generator.state = state["generator"]
        torch.set_rng_state(state["torch"])
        print(f"resumed at step {self.step}, {self.elapsed / 60:.1f} min", flush=True)

    def progress(self):
        """(share of the whole run, share of this stage), 0...1."""
        if self.o.steps:
            return self.step / sum(self.o.steps), self.stage_step / max(1, self.o.steps[self.stage])
        stage = (self.elapsed - self.stage_start) / 60 / max(1e-9, self.o.minutes[self.stage])
        return self.elapsed / 60 / sum(self.o.minutes), stage

    def learn(self):
        """One step; returns the mean focal + dice of each prompt kind."""
        o = self.o
        share, _ = self.progress()
        warm = min(1, (self.stage_step + 1) / (100, 50)[self.stage])
        rate = o.rate * warm * max(0.01, 0.5 * (1 + math.cos(math.pi * min(1, share))))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batch = self.sampler.batch(o.batch[self.stage], self.model.configuration.image_size)
        total, parts = self.forward(batch)
        if not torch.isfinite(total):
            path = self.folder / f"non-finite-{self.step}.pt"
            torch.save({"batch": vars(batch), "model": self.model.state_dict()}, path)
            raise NonFiniteLoss(path)
        self.optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        keep = min(0.997, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)
        self.step, self.stage_step, self.images = self.step + 1, self.stage_step + 1, self.images + len(batch.pixels)
        return parts

    def forward(self, b):
        """Four prompts per image on one embedding: box; point; several points, perhaps with box or mask, or correcting
        the mask of the one point; none. In an episode a fifth: the map that a support set gives, as mask prompt."""
        model, device = self.model, self.o.device
        low = model.configuration.grid * 4
        shrink = lambda m: F.interpolate(m[:, None], (low, low), mode="area")[:, 0].to(device)  # noqa: E731
        target, whole = shrink(b.target), shrink(b.whole)
        boxes, count = b.boxes.to(device), len(b.pixels)
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=self.o.bf16):
            e = model.image_encoder(normalise(b.pixels.to(device), b.sizes))
            sparse_box, none = model.prompt(boxes=boxes)
            # one point comes with SAM's padding point: as many tokens as a box, so both go through at once
            sparse_point, _ = model.prompt(points=b.point.to(device), labels=torch.ones(count, 1, device=device))
            logits, iou = model.decode(torch.cat([e, e]), torch.cat([sparse_box, sparse_point]), none[:1])
            by_box, box_loss = loss.slot(logits[:count], iou[:count], target)
            by_point, point_loss = loss.slot(logits[count:], iou[count:], target, multimask=True)
            points, labels, earlier = b.points.to(device), b.labels.to(device), None
            if b.corrects:
                earlier = logits[count:, :1].detach()
                points, labels = corrections(b.point.to(device), earlier[:, 0], target, points.shape[1], b.image_size)
            elif b.with_mask:
                earlier = logits[:count, :1].detach()
            logits, iou = model.decode(e, *model.prompt(points, labels, boxes if b.with_box else None, earlier))
            by_points, points_loss = loss.slot(logits, iou, target)
            logits, iou = model.decode(e, *model.prompt_none(count))
            by_none, none_loss = loss.slot(logits, iou, whole, b.whole_weight.to(device))
            by_support = self.episode(b.support, e, target) if b.support else 0
        total = by_box + by_point + by_points + 0.5 * by_none + 0.5 * by_support
        return total, torch.stack([box_loss, point_loss, points_loss, none_loss]).cpu()


    def episode(self, support, embedding, target):
        """Loss of the masks made from the likeness to support images alone.

        The map is an input, as any mask prompt; so nothing flows back into the support's features.
        """
        model, device = self.model, self.o.device
        count, grid = len(embedding), model.configuration.grid
        with torch.no_grad():
            features = model.image_encoder(normalise(support.pixels.to(device), support.sizes))
        cells = F.interpolate(support.target[:, None], (grid, grid), mode="area")[:, 0].to(device)
        shown = torch.zeros_like(cells)
        patch = model.configuration.patch_size
        for i, (height, width) in enumerate(support.sizes):
            shown[i, : -(-height // patch), : -(-width // patch)] = 1
        split = lambda t: t.unflatten(0, (count, SUPPORT_SIZE))  # noqa: E731
        odds = similarity(embedding, split(features), split(cells), split(shown))
        logits, iou = model.decode(embedding, *model.prompt(masks=as_mask_prompt(odds, 4 * grid)))
        return loss.slot(logits, iou, target, support.weight.to(device))[0]


@torch.no_grad()
def corrections(first, logits, target, count, image_size):
    """([B, count, 2], [B, count]): the first point and clicks drawn from where the mask of it was wrong.

    first [B, 1, 2]; logits and target [B, h, w]. Where nothing is wrong the clicks fall on the target.
    """
    truth = target > 0.5
    wrong = ((logits > 0) != truth).flatten(1).float()
    weight = wrong + 1e-6 * truth.flatten(1) + 1e-9
    chosen = torch.multinomial(weight, count - 1, replacement=True)
    side = logits.shape[-1]
    cells = torch.stack([chosen % side, chosen // side], -1).float()
    points = (cells + torch.rand_like(cells)) * (image_size / side) - 0.5
    labels = truth.flatten(1).gather(1, chosen).float()
    return torch.cat([first, points], 1), torch.cat([torch.ones_like(labels[:, :1]), labels], 1)


def record(run, everything):
    """Adds a point to the learning curve (moving average, validation images) and says it."""
    found = evaluate.scores(run.average, everything, ("box", "point", "3 points", "none"))
    by_set, mean = evaluate.summary(found)
    path = run.folder / "curve.csv"
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(CURVE)
        for name, row in [*by_set.items(), ("mean", mean)]:
            for kind, value in row.items():
                place = [round(run.elapsed / 60, 2), run.step, run.images, run.model.configuration.image_size]
                writer.writerow([*place, kind, name, round(value, 4)])
    show = {k: round(100 * v, 1) for k, v in mean.items()}
    heart = {k: round(100 * v, 1) for k, v in by_set["phantom-cardiac"].items()}
    print(f"curve: {run.elapsed / 60:.1f} min, step {run.step}: mean {show}, cardiac phantoms {heart}", flush=True)
    return by_set, mean


def main():
    o = options()
    torch.set_num_threads(o.threads)
    run = Run(o)
    everything = evaluate.items(o.data, 6)
    parameters = sum(p.numel() for p in run.model.parameters())
    print(f"{parameters} parameters, {len(everything)} validation targets, {vars(o)}", flush=True)
    since_save = since_curve = 0.0
    losses = []
    while True:
        start = time.monotonic()
        losses.append(run.learn())
        spent = time.monotonic() - start
        run.elapsed, since_save, since_curve = run.elapsed + spent, since_save + spent, since_curve + spent
        if len(losses) == 50:
            mean = torch.stack(losses).mean(0).tolist()
            print(
                f"step {run.step} images {run.images} {run.elapsed / 60:.1f} min "
                f"loss box {mean[0]:.3f} point {mean[1]:.3f} points {mean[2]:.3f} none {mean[3]:.3f} "
                f"last {spent / o.batch[run.stage] * 1000:.0f} ms/image",
                flush=True,
            )
            losses = []
        ended = run.progress()[1] >= 1
        if since_curve > o.evaluate_every * 60 or ended:
            record(run, everything)
            since_curve = 0.0
        if ended and run.stage == 0:
            run.enter(1, run.model.state_dict(), run.average.state_dict())
        if since_save > o.checkpoint_every * 60 or ended:
            run.save()
            since_save = 0.0
        if ended and run.stage == 1 and run.stage_step:
            break
    write_model(
        run.average,
        o.output,
        {"training": {"steps": run.step, "images": run.images, "minutes": round(run.elapsed / 60, 1)}},
    )
    print(o.output, hashlib.sha256(Path(o.output).read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
