#!/usr/bin/env python3
"""Measures adaptation through a running server: gain, harm, and whether held-out scores foretell later ones."""

import argparse
import collections
import contextlib
import hashlib
import io
import json
import math
import pathlib
import random
import re
import statistics
import sys
import time
import urllib.error
import urllib.request

import numpy
from PIL import Image

PROMPTS = ("box", "point", "none")


class Server:
    def __init__(self, address):
        self.address = address.rstrip("/")

    def call(self, method, path, parts=None):
        """The JSON answer; parts are (name, file name or None, bytes)."""
        return json.loads(self.bytes(method, path, parts, "application/json"))

    def bytes(self, method, path, parts, accept):
        request = urllib.request.Request(self.address + path, method=method, headers={"Accept": accept})
        if parts is not None:
            boundary = "gmiseg-" + hashlib.sha256(path.encode()).hexdigest()[:16]
            body = io.BytesIO()
            for name, filename, content in parts:
                file = f'; filename="{filename}"' if filename else ""
                body.write(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode())
                body.write(content + b"\r\n")
            body.write(f"--{boundary}--\r\n".encode())
            request.data = body.getvalue()
            request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        try:
            with urllib.request.urlopen(request, timeout=900) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}")


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def labelled(data, minimum):
    """By dataset, and there by stem: image, label map, and the labels that it shows in at least so many pixels."""
    for folder in sorted(path for path in pathlib.Path(data).iterdir() if (path / "masks").is_dir()):
        images = {path.stem: path for path in (folder / "images").iterdir()}
        found = {}
        for mask in sorted((folder / "masks").iterdir()):
            if mask.stem in images:
                values, counts = numpy.unique(numpy.asarray(Image.open(mask)), return_counts=True)
                shown = {int(value) for value, count in zip(values, counts) if value and count >= minimum}
                found[mask.stem] = (images[mask.stem], mask, shown)
        yield folder.name, found


class Task:
    """One label of one dataset."""

    def __init__(self, folder, label, pairs):
        self.folder, self.label, self.pairs = folder, label, pairs

    @staticmethod
    def all(data, labels, minimum):
        """The tasks of every dataset: its labels that are in most images."""
        for folder, images in labelled(data, minimum):
            found = collections.defaultdict(dict)
            for stem, (image, mask, shown) in images.items():
                for label in shown:
                    found[label][stem] = (image, mask)
            for label in sorted(found, key=lambda label: (-len(found[label]), label))[:labels]:
                yield Task(folder, label, found[label])

    def mask(self, stem):
        return numpy.asarray(Image.open(self.pairs[stem][1])) == self.label

    def parts(self, stem):
        mask = png(self.mask(stem).astype("uint8") * 255)
        image = self.pairs[stem][0]
        return [("image", image.name, image.read_bytes()), ("mask", stem + ".png", mask)]

    def prompts(self, stem):
        """As `gmiseg evaluate` draws them: a box whose edges move by up to a tenth of its sides, and any pixel inside."""
        mask = self.mask(stem)
        draw = random.Random(f"{self.folder}/{self.label}/{stem}")
        ys, xs = numpy.nonzero(mask)

        def moved(edge, side, limit):
            return min(max(float(edge) + (2 * draw.random() - 1) * 0.1 * side, 0), limit - 1)

        width, height = int(xs.max() - xs.min() + 1), int(ys.max() - ys.min() + 1)
        x = sorted(moved(edge, width, mask.shape[1]) for edge in (xs.min(), xs.max()))
        y = sorted(moved(edge, height, mask.shape[0]) for edge in (ys.min(), ys.max()))
        at = draw.randrange(len(xs))
        return {
            "box": {"boxes": [{"x0": x[0], "y0": y[0], "x1": x[1], "y1": y[1]}]},
            "point": {"points": [{"x": int(xs[at]), "y": int(ys[at]), "label": 1}]},
            "none": {},
        }


def draw(task, size, seed, tests, pattern):
    """A support set, images of other patients, and the patient of each support image where stems tell; None when there are too few."""

    def patient(stem):
        found = pattern.search(stem) if pattern else None
        return found.group(1) if found else stem

    stems = sorted(task.pairs)
    shuffle = random.Random(f"{task.folder}/{task.label}/{seed}").shuffle
    shuffle(stems)
    # A third of the patients is kept for later first: of a set with few patients the support set would have images of all.
    patients = list(dict.fromkeys(patient(stem) for stem in stems))
    later = set(patients[-(-len(patients) * 2 // 3):])
    support = [stem for stem in stems if patient(stem) not in later][:size]
    rest = [stem for stem in stems if patient(stem) in later][:tests]
    patients = {stem: patient(stem) for stem in support} if pattern else None
    return (support, rest, patients) if len(support) == size and len(rest) >= 4 else None


@contextlib.contextmanager
def adapted(server, task, support, patients, request):
    """The path of a new task and its job, which has ended; the task is deleted afterwards."""
    if patients:
        request = request | {"patients": patients}
    parts = [("task", None, json.dumps(request).encode())] + [part for stem in support for part in task.parts(stem)]
    created = server.call("POST", "/v1/tasks", parts)
    path, job = f"/v1/tasks/{created['task']['id']}", created["job"]
    try:
        while job["state"] in ("queued", "running"):
            time.sleep(0.5)
            job = server.call("GET", f"/v1/jobs/{job['id']}")
        yield path, job
    finally:
        server.call("DELETE", path)


def measure(server, task, size, seed, kind, arguments, pattern):
    drawn = draw(task, size, seed, arguments.tests, pattern)
    if drawn is None:
        return {"omitted": "too few images"}
    support, tests, patients = drawn
    request = {
        "name": f"{task.folder} {task.label}", "adapter": {"kind": kind},
        "adaptation": {"seed": seed, "budget_seconds": arguments.budget, "ensemble": arguments.ensemble},
    }
    with adapted(server, task, support, patients, request) as (at, job):
        if job["state"] != "succeeded":
            return {"failed": job["error"]}
        result = job["result"]
        images = {
            tier: {prompt: [dice(server, path, task, stem, prompt) for stem in tests] for prompt in PROMPTS}
            for tier, path in (("base", "/v1/segment"), ("served", at + "/segment"))
        }
        later = {
            tier: {prompt: statistics.fmean(found) for prompt, found in dice.items()} for tier, dice in images.items()
        }
        heldout = result["held_out"]
        kept = []
        if heldout and not heldout["gate"]["prompts"]["none"]["served"]:
            # What the gate did not let through, for judging the gate.
            path = at + "/segment?adapter=1"
            kept = [dice(server, path, task, stem, "none") for stem in tests]
        return {
            "seconds": result["seconds"], "recipes": result["recipes"], "tests": len(tests), "later": later,
            "images": images,
            "kept": kept,
            "folds": heldout and {
                prompt: {tier: heldout["prompts"][prompt][tier]["dice"]["mean"] for tier in ("base", "adapted")}
                for prompt in PROMPTS
            },
            "gate": heldout and heldout["gate"]["prompts"],
            "ways": heldout and heldout["promptless"]["ways"],
            "served": heldout and {p: heldout["gate"]["prompts"][p]["served"] for p in PROMPTS},
            "foretold": heldout and {prompt: foretold(heldout, prompt)["mean"] for prompt in PROMPTS},
            "interval": heldout and {
                prompt: [foretold(heldout, prompt)[end] for end in ("low", "high")] for prompt in PROMPTS
            },
        }


def foretold(heldout, prompt):
    """The held-out Dice of whatever answers a kind of prompt."""
    tier = "adapted" if heldout["gate"]["prompts"][prompt]["served"] else "base"
    return heldout["prompts"][prompt][tier]["dice"]


def dice(server, path, task, stem, prompt):
    parts = [
        ("image", task.pairs[stem][0].name, task.pairs[stem][0].read_bytes()),
        ("prompts", None, json.dumps(task.prompts(stem)[prompt]).encode()),
        ("ground_truth", "truth.png", png(task.mask(stem).astype("uint8") * 255)),
    ]
    return server.call("POST", path, parts)["metrics"]["dice"]


def run(arguments):
    pattern = re.compile(arguments.patient_pattern) if arguments.patient_pattern else None
    server = Server(arguments.server)
    file, done = begun(arguments.output, server, arguments, "tests", "budget", "min_pixels", "patient_pattern")
    with file:
        for task in Task.all(arguments.data, arguments.labels, arguments.min_pixels):
            for seed in range(arguments.seeds):
                for size in arguments.sizes:
                    for kind in arguments.kinds:
                        key = (task.folder, task.label, size, seed, kind + (" mean" if arguments.ensemble else ""))
                        if key in done:
                            continue
                        found = measure(server, task, size, seed, kind, arguments, pattern)
                        file.write(json.dumps({"key": key, **found}) + "\n")
                        file.flush()
                        print(*key, json.dumps(found.get("later", found)), flush=True)


def begun(path, server, arguments, *names):
    """The journal, open to go on with, and the keys of what it holds.

    Its first line has the settings that all its runs share, those named and the server's; one that was begun with others is
    refused, as a mean over both would be of neither.
    """
    models = server.call("GET", "/v1/models")["models"]
    settings = {name: getattr(arguments, name) for name in names}
    settings["model"] = next(model["sha256"] for model in models if model["default"])
    settings["version"] = server.call("GET", "/readyz").get("version")
    journal = pathlib.Path(path)
    found = entries(journal)
    if found and found[0].get("settings") != settings:
        sys.exit(f"{path} was begun with {found[0].get('settings')}, now {settings}: give another --output")
    file = journal.open("a")
    if not found:
        file.write(json.dumps({"settings": settings}) + "\n")
        file.flush()
    return file, {tuple(line["key"]) for line in lines(journal)}


def entries(journal):
    """The lines of a journal; a last one that was cut off counts for nothing, and is measured again."""
    if not journal.exists():
        return []
    text = journal.read_text()
    if text and not text.endswith("\n"):
        text = text[: text.rfind("\n") + 1]
        journal.write_text(text)
    return [json.loads(line) for line in text.splitlines()]


def lines(journal):
    """What was measured."""
    return [line for line in entries(journal) if "key" in line]


def row(group, prompt):
    """What a group of runs served beside the base model, with one kind of prompt; Dice in points.

    The spread is the standard deviation over a task's support sets, mean over tasks.
    """
    base = [100 * line["later"]["base"][prompt] for line in group]
    served = [100 * line["later"]["served"][prompt] for line in group]
    gains = [after - before for before, after in zip(base, served)]
    errors = [abs(100 * line["foretold"][prompt] - after) for line, after in zip(group, served) if line["foretold"]]
    error = f"{statistics.fmean(errors):17.1f}" if errors else " " * 17
    # Two means of few images differ even where both tell the truth: by how much follows from how images differ.
    chances = [line for line in group if line.get("interval") and line.get("images")]
    if chances:
        bias = statistics.fmean(100 * (line["foretold"][prompt] - line["later"]["served"][prompt]) for line in chances)
        chance = 100 * statistics.fmean(by_chance(line, prompt) for line in chances)
        meeting = 100 * statistics.fmean(meets(line, prompt) for line in chances)
        error += f"{bias:+7.1f}{chance:11.1f}{meeting:7.0f} %"
    else:
        error += " " * 27
    runs = collections.defaultdict(list)
    for line, after in zip(group, served):
        runs[line["key"][0], line["key"][1]].append(after)
    spreads = [statistics.stdev(of_task) for of_task in runs.values() if len(of_task) > 1]
    spread = f"{statistics.fmean(spreads):7.1f}" if spreads else " " * 7
    return (
        f"{len(group):6}  {prompt:6}{statistics.fmean(base):6.1f}{statistics.fmean(served):8.1f}{spread}"
        f"{statistics.fmean(gains):+7.1f}{min(gains):+7.1f}{100 * sum(gain < -1 for gain in gains) / len(gains):8.0f} %{error}"
        f"{statistics.fmean(line['seconds'] for line in group):9.0f}")


def reach(line, prompt):
    """Half of the 95 % interval of the Dice on later images."""
    found = line["images"]["served"][prompt]
    return 1.96 * statistics.stdev(found) / len(found) ** 0.5


def meets(line, prompt):
    """Whether the 95 % intervals of the held-out Dice and of that on later images have a Dice in common."""
    low, high = line["interval"][prompt]
    mean = line["later"]["served"][prompt]
    return low <= mean + reach(line, prompt) and mean - reach(line, prompt) <= high


def by_chance(line, prompt):
    """How far two means of so many images lie apart on average where both have the same true Dice: that of a normal difference."""
    low, high = line["interval"][prompt]
    foretold = (high - low) / 2 / student(max(line["key"][2] - 1, 1))
    deviation = (foretold**2 + (reach(line, prompt) / 1.96) ** 2) ** 0.5
    return (2 / math.pi) ** 0.5 * deviation


def student(freedom):
    """Student's t at 97.5 %, nearly (Abramowitz and Stegun 26.7.5): what a job's interval has for 1.96, each image a patient."""
    z = 1.96
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def report(arguments):
    measured = [line for path in arguments.journal for line in lines(pathlib.Path(path)) if "later" in line]
    columns = "  runs  prompt  base  served spread   gain  worst  harm>1pt  |foretold-later|  bias  by chance  meeting  seconds"

    def table(title, name):
        groups = collections.defaultdict(list)
        for line in measured:
            groups[name(line["key"])].append(line)
        print(f"{title:32}" + columns)
        for key, group in sorted(groups.items()):
            for prompt in PROMPTS:
                print(f"{key:32}" + row(group, prompt))

    table("kind            n", lambda key: f"{key[4]:14}{key[2]:3}")
    if arguments.by_task:
        print()
        table("task", lambda key: f"{key[0]} {key[1]}, {key[4]}, {key[2]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    runner = commands.add_parser("run", help="measure what is not in the journal yet")
    runner.add_argument("data", help="a folder of datasets, each with images/ and masks/")
    runner.add_argument("--server", default="http://127.0.0.1:8080")
    runner.add_argument("--output", required=True, help="the journal")
    runner.add_argument("--sizes", type=lambda text: [int(n) for n in text.split(",")], default=[8])
    runner.add_argument("--seeds", type=int, default=5)
    runner.add_argument("--kinds", type=lambda text: text.split(","), default=["auto"])
    runner.add_argument("--tests", type=int, default=12, help="later images of each run, at most")
    runner.add_argument("--labels", type=int, default=1, help="labels of each dataset, the most frequent first")
    runner.add_argument("--min-pixels", type=int, default=20)
    runner.add_argument("--budget", type=float, default=120)
    runner.add_argument("--ensemble", action="store_true", help="with adaptation.ensemble")
    runner.add_argument("--patient-pattern", help="a regular expression whose first group is the patient in a stem")
    runner.set_defaults(act=run)
    reporter = commands.add_parser("report", help="the table")
    reporter.add_argument("journal", nargs="+")
    reporter.add_argument("--by-task", action="store_true", help="also a table of each task's runs")
    reporter.set_defaults(act=report)
    arguments = parser.parse_args()
    arguments.act(arguments)


if __name__ == "__main__":
    main()
