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
import torch.multiprocessing
import torch.nn.functional as F

import evaluate
import loss
from export import write_model
from model import Configuration, Sam, deepened, grown, initialise, mask_prompt, normalise
from optimisers import optimisers
from prototypes import as_mask_prompt, similarity
from sampling import BANK, SUPPORT_SIZE, Sampler
from scenes import real_scenes, synthetic_bank
from team import Team

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
    p.add_argument("--batch", type=int, nargs=2, default=(16, 8), metavar=("SMALL", "LARGE"), help="images a step of each process")
    p.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    p.add_argument("--init", help="a weights file to start from instead of random weights")
    p.add_argument("--deepen", type=int, nargs="+", default=[], metavar="BLOCK", help="of --init: put a copy behind these blocks, 0...")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--processes", type=int, default=1, help="that share the run; one a core, or one a GPU's feeder")
    p.add_argument("--threads", type=int, default=1, help="of each process")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--bf16", action="store_true", help="matrix products in bfloat16")
    p.add_argument("--compile", action="store_true", help="fuse with torch.compile: some minutes, then a fifth faster at best")
    p.add_argument("--evaluate-every", type=float, default=6, help="minutes of training between points of the curve")
    p.add_argument("--checkpoint-every", type=float, default=3, help="minutes between checkpoints")
    chosen = p.parse_args()
    if (chosen.steps is None) == (chosen.minutes is None):
        p.error("give either --steps or --minutes")
    if chosen.deepen and not chosen.init:
        p.error("--deepen wants the weights of --init")
    return chosen


class NonFiniteLoss(RuntimeError):
    """The loss was not finite; `path` holds the batch and the weights that led to it."""

    def __init__(self, path):
        super().__init__(f"loss is not finite; the batch is in {path}")
        self.path = path


class Run:
    """The state of a run: stage, weights, their moving average, optimisers, generators, and how far it has come."""

    def __init__(self, o, team):
        self.o, self.team = o, team
        self.folder = Path(o.run)
        (self.folder / "bank").mkdir(parents=True, exist_ok=True)
        torch.manual_seed(o.seed + team.rank)
        real = real_scenes(o.data, "training")
        if not team.leads:
            team.wait()  # until the leader has drawn the scenes
        self.sampler = Sampler(real, synthetic_bank(BANK, self.folder / "bank", real), (o.seed, team.rank))
        if team.leads:
            team.wait()
        self.stage = 0
        self.step = 0  # in all
        self.stage_step = 0
        self.images = 0
        self.elapsed = 0.0  # seconds of training, evaluation not counted
        self.stage_start = 0.0  # `elapsed` at which the stage began
        first = evaluate.load(o.init) if o.init else None
        if o.deepen:
            first = deepened(first, o.deepen)
        self.configuration = first.configuration if first else Configuration()
        start = first.state_dict() if first else None
        self.enter(0, start, start)
        if (self.folder / "checkpoint.pt").exists():
            self.resume()

    def enter(self, stage, state, average):
        size = (128, 256)[stage]
        self.stage, self.stage_step, self.stage_start = stage, 0, self.elapsed
        self.model = Sam(self.configuration.at(size))
        if state is None:
            batch = self.sampler.batch(32, size)
            initialise(self.model, normalise(batch.pixels, batch.sizes))
        else:
            self.model.load_state_dict(grown(state, self.model))
        self.team.share(self.model.state_dict().values())
        self.average = copy.deepcopy(self.model)
        if average is not None:
            self.average.load_state_dict(grown(average, self.average))
        self.model.to(self.o.device), self.average.to(self.o.device)
        if self.o.compile:  # in place: names and weights stay as they are
            decoder = self.model.mask_decoder
            for part in (self.model.image_encoder, decoder.transformer, decoder.output_upscaling):
                part.compile()
        self.optimisers = optimisers(self.model, self.o.rate)

    def save(self):
        generators = self.team.gathered((self.sampler.rng.bit_generator.state, torch.get_rng_state()))
        if not self.team.leads:
            return
        state = {
            "configuration": self.configuration.json(),
            "stage": self.stage,
            "step": self.step,
            "stage_step": self.stage_step,
            "images": self.images,
            "elapsed": self.elapsed,
            "stage_start": self.stage_start,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "generators": generators,
        }
        partial = self.folder / "checkpoint.partial"
        torch.save(state, partial)
        os.replace(partial, self.folder / "checkpoint.pt")

    def resume(self):
        state = torch.load(self.folder / "checkpoint.pt", map_location="cpu", weights_only=True)
        if len(state["generators"]) != self.team.size:
            raise SystemExit(f"{self.folder} was run by {len(state['generators'])} processes: give --processes of that number")
        if state["configuration"] != self.configuration.json():
            raise SystemExit(f"{self.folder} holds a network of other sizes: give the --init and --deepen that it began with")
        self.enter(state["stage"], state["model"], state["average"])
        for name in ("step", "stage_step", "images", "elapsed", "stage_start"):
            setattr(self, name, state[name])
        for optimiser, stored in zip(self.optimisers, state["optimisers"]):
            optimiser.load_state_dict(stored)
        drawing, torchs = state["generators"][self.team.rank]
        self.sampler.rng.bit_generator.state = drawing
        torch.set_rng_state(torchs)
        self.say(f"resumed at step {self.step}, {self.elapsed / 60:.1f} min")

    def say(self, line):
        if self.team.leads:
            print(line, flush=True)

    def progress(self):
        """(share of the whole run, share of this stage), 0...1."""
        if self.o.steps:
            return self.step / sum(self.o.steps), self.stage_step / max(1, self.o.steps[self.stage])
        stage = (self.elapsed - self.stage_start) / 60 / max(1e-9, self.o.minutes[self.stage])
        return self.elapsed / 60 / sum(self.o.minutes), stage

    def learn(self):
        """One step; returns the mean focal + dice of each prompt kind."""
        o, start = self.o, time.monotonic()
        share, _ = self.progress()
        warm = min(1, (self.stage_step + 1) / (100, 50)[self.stage])
        rate = o.rate * warm * max(0.01, 0.5 * (1 + math.cos(math.pi * min(1, share))))
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * group["scale"]
        batch = self.sampler.batch(o.batch[self.stage], self.model.configuration.image_size)
        total, parts = self.forward(batch)
        self.model.zero_grad()
        total.backward()
        worst = total.detach().reshape(1).cpu()
        for p in self.model.parameters():  # the same tensors in every process, whatever its batch used
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        self.team.average([*(p.grad for p in self.model.parameters()), worst])
        if not torch.isfinite(worst):  # in one process or another: all of them keep their batch and stop
            path = self.folder / f"non-finite-{self.step}-{self.team.rank}.pt"
            torch.save({"batch": vars(batch), "model": self.model.state_dict()}, path)
            raise NonFiniteLoss(path)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        keep = min(0.997, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)
        self.step, self.stage_step = self.step + 1, self.stage_step + 1
        self.images += len(batch.pixels) * self.team.size
        spent = torch.tensor([time.monotonic() - start])
        self.team.average([spent])  # one clock for all, so that all change stage at the same step
        self.elapsed += spent.item()
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
            # one point comes with SAM's padding point: as many tokens as a box, so both go through at once
            box = model.prompt(boxes=boxes)
            point = model.prompt(points=b.point.to(device), labels=torch.ones(count, 1, device=device))
            sparse, dense = (torch.cat(pair) for pair in zip(box, point))
            logits, iou = model.decode(torch.cat([e, e]), sparse, dense)
            by_box, box_loss = loss.slot(logits[:count], iou[:count], target)
            by_point, point_loss = loss.slot(logits[count:], iou[count:], target, multimask=True)
            points, labels, earlier = b.points.to(device), b.labels.to(device), None
            if b.corrects:
                earlier = logits[count:, :1].detach()
                points, labels = corrections(b.point.to(device), earlier[:, 0], target, points.shape[1], b.image_size)
            elif b.mask_of:
                earlier = (logits[:count, :1] if b.mask_of == "box" else logits[count:, :1]).detach()
            if earlier is not None and b.drawn_mask:
                shown = [(-(-h * low // b.image_size), -(-w * low // b.image_size)) for h, w in b.sizes]
                earlier = mask_prompt((earlier[:, 0] > 0).float(), shown)
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


def train(rank, o, parent=None):
    """What each process of the team does; it ends with process `parent`."""
    torch.set_num_threads(o.threads)
    meeting_place = Path(o.run).resolve() / "meeting-place"
    team = Team(rank, o.processes, meeting_place, parent)
    run = Run(o, team)
    everything = evaluate.items(o.data, 6) if team.leads else []
    parameters = sum(p.numel() for p in run.model.parameters())
    run.say(f"{parameters} parameters, {len(everything)} validation targets, {vars(o)}")
    saved = shown = run.elapsed
    losses = []
    while True:
        losses.append(run.learn())
        if len(losses) == 50:
            box, point, points, none = torch.stack(losses).mean(0).tolist()
            run.say(
                f"step {run.step} images {run.images} {run.elapsed / 60:.1f} min "
                f"loss box {box:.3f} point {point:.3f} points {points:.3f} none {none:.3f}"
            )
            losses = []
        ended = run.progress()[1] >= 1
        if run.elapsed - shown > o.evaluate_every * 60 or ended:
            if team.leads:
                record(run, everything)
            team.wait()
            shown = run.elapsed
        if ended and run.stage == 0:
            run.enter(1, run.model.state_dict(), run.average.state_dict())
        if run.elapsed - saved > o.checkpoint_every * 60 or ended:
            run.save()
            saved = run.elapsed
        if ended and run.stage == 1 and run.stage_step:
            break
    if team.leads:
        card = {"training": {"steps": run.step, "images": run.images}}
        if not o.steps:  # the time is part of what such a run is; of another it would only change the file's hash
            card["training"]["minutes"] = round(run.elapsed / 60, 1)
        write_model(run.average, o.output, card)
        print(o.output, hashlib.sha256(Path(o.output).read_bytes()).hexdigest())


def main():
    o = options()
    Path(o.run).mkdir(parents=True, exist_ok=True)
    (Path(o.run) / "meeting-place").unlink(missing_ok=True)
    if o.processes == 1:
        train(0, o)
    else:
        torch.multiprocessing.spawn(train, (o, os.getpid()), o.processes)


if __name__ == "__main__":
    main()
