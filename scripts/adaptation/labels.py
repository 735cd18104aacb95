#!/usr/bin/env python3
"""Measures tasks with several labels through a running server, label by label, without a prompt."""

import argparse
import collections
import io
import json
import pathlib
import re
import statistics

import numpy
from PIL import Image

from measure import Server, adapted, begun, draw, labelled, lines, png


class MapTask:
    """The label maps of a dataset, less the labels that are in few of them."""

    label = "map"

    def __init__(self, folder, labels, pairs):
        self.folder, self.labels, self.pairs = folder, labels, pairs

    @staticmethod
    def all(data, share, minimum):
        for folder, images in labelled(data, minimum):
            often = collections.Counter(label for _, _, shown in images.values() for label in shown)
            labels = sorted(label for label, count in often.items() if count >= share * len(images))
            # Beyond some twenty they are numbers of objects, not kinds.
            if 1 < len(labels) < 20:
                yield MapTask(folder, labels, {
                    stem: (image, mask) for stem, (image, mask, shown) in images.items() if shown & set(labels)
                })

    def map(self, stem):
        values = numpy.asarray(Image.open(self.pairs[stem][1]))
        return numpy.where(numpy.isin(values, self.labels), values, 0).astype("uint8")

    def parts(self, stem):
        image = self.pairs[stem][0]
        return [("image", image.name, image.read_bytes()), ("mask", stem + ".png", png(self.map(stem)))]


def answer(server, path, file):
    """The label map of an image without a prompt."""
    parts = [("image", file.name, file.read_bytes()), ("prompts", None, b"{}")]
    return numpy.asarray(Image.open(io.BytesIO(server.bytes("POST", path, parts, "image/png"))))


def scores(server, path, task, stems):
    """By label, the Dice on each image that shows it, and in how many of the others it was found."""
    found = {label: {"dice": [], "absent": 0, "found": 0} for label in task.labels}
    for stem in stems:
        truth, mask = task.map(stem), answer(server, path, task.pairs[stem][0])
        for label, score in found.items():
            one, other = truth == label, mask == label
            if one.any():
                score["dice"].append(2 * float((one & other).sum()) / float(one.sum() + other.sum()))
            else:
                score["absent"] += 1
                score["found"] += int(other.any())
    return found


def measure(server, task, seed, arguments, pattern):
    drawn = draw(task, arguments.size, seed, arguments.tests, pattern)
    if drawn is None:
        return {"omitted": "too few images"}
    support, tests, patients = drawn
    request = {
        "name": task.folder, "labels": {str(label): f"label {label}" for label in task.labels},
        "adaptation": {"seed": seed, "budget_seconds": arguments.budget},
    }
    if arguments.untrained:
        # The shortest of jobs, that never may answer.
        request["adaptation"] |= {"steps": 1, "gate_margin": 1}
        request["adapter"] = {"kind": "decoder"}
    with adapted(server, task, support, patients, request) as (path, job):
        if job["state"] != "succeeded":
            return {"failed": job["error"]}
        result = job["result"]
        heldout = result["held_out"]
        served = heldout["gate"]["prompts"]["none"]["served"]
        return {
            "seconds": result["seconds"], "recipes": result["recipes"], "gate": heldout["gate"]["prompts"],
            "heldout": heldout["labels"], "served": served, "tests": len(tests),
            "later": scores(server, path + "/segment", task, tests),
            "kept": {} if served or arguments.untrained
            else scores(server, path + "/segment?adapter=1", task, tests),
        }


def run(arguments):
    pattern = re.compile(arguments.patient_pattern) if arguments.patient_pattern else None
    server = Server(arguments.server)
    file, done = begun(
        arguments.output, server, arguments, "size", "tests", "share", "budget", "min_pixels", "patient_pattern")
    with file:
        for seed in range(arguments.seeds):
            for task in MapTask.all(arguments.data, arguments.share, arguments.min_pixels):
                key = (task.folder, seed, "untrained" if arguments.untrained else "auto")
                if key in done or arguments.only and not re.search(arguments.only, task.folder):
                    continue
                found = {"key": key, **measure(server, task, seed, arguments, pattern)}
                file.write(json.dumps(found) + "\n")
                file.flush()
                if "later" in found:
                    print(text(found), flush=True)


def mean(scores):
    """Of the labels that any image showed, Dice in points."""
    return statistics.fmean(100 * statistics.fmean(score["dice"]) for score in scores.values() if score["dice"])


def text(line):
    labels = "  ".join(
        f"{label}: {100 * statistics.fmean(score['dice']):.0f}" + (f" ({score['found']}/{score['absent']})" if score["absent"] else "")
        for label, score in line["later"].items() if score["dice"])
    kept = f"  kept {mean(line['kept']):.1f}" if line["kept"] else ""
    served = "adapter" if line["served"] else "likeness"
    return f"{line['key'][0]:22}{line['key'][1]:3}  {line['key'][2]:10}{mean(line['later']):6.1f}  {served:9}{kept}  {labels}  {line['seconds']:.0f} s"


def report(arguments):
    groups = collections.defaultdict(list)
    for path in arguments.journal:
        for line in lines(pathlib.Path(path)):
            if "later" in line:
                print(text(line))
                groups[line["key"][2]].append(line)
    for kind, group in groups.items():
        absent, found = (sum(score[name] for line in group for score in line["later"].values()) for name in ("absent", "found"))
        print(
            f"{kind}: {len(group)} runs, Dice {statistics.fmean(mean(line['later']) for line in group):.1f}, "
            f"found in {found} of {absent} images without the label, "
            f"{statistics.fmean(line['seconds'] for line in group):.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    runner = commands.add_parser("run", help="measure what is not in the journal yet")
    runner.add_argument("data", help="a folder of datasets, each with images/ and masks/")
    runner.add_argument("--server", default="http://127.0.0.1:8080")
    runner.add_argument("--output", required=True, help="the journal")
    runner.add_argument("--size", type=int, default=8)
    runner.add_argument("--seeds", type=int, default=2)
    runner.add_argument("--tests", type=int, default=12, help="later images of each run, at most")
    runner.add_argument("--share", type=float, default=0.5, help="of the images that a label must be in to be one of the task")
    runner.add_argument("--min-pixels", type=int, default=20)
    runner.add_argument("--budget", type=float, default=120)
    runner.add_argument("--untrained", action="store_true", help="what the task answers before it is adapted")
    runner.add_argument("--only", help="a regular expression of datasets")
    runner.add_argument("--patient-pattern", help="a regular expression whose first group is the patient in a stem")
    runner.set_defaults(act=run)
    reporter = commands.add_parser("report", help="the table")
    reporter.add_argument("journal", nargs="+")
    reporter.set_defaults(act=report)
    arguments = parser.parse_args()
    arguments.act(arguments)


if __name__ == "__main__":
    main()
