#!/usr/bin/env python3
"""Dice over the number of support images, from the results.csv of `gmiseg evaluate`: a table, and a picture as SVG.

What the GMISeg paper shows in its figures 6 and 7: more support images help, and it matters less which they are.
"""

import argparse
import collections
import csv
import pathlib
import statistics

PROMPTS = {"box": "box", "1-point": "one point", "none": "no prompt"}
COLOURS = {"box": "#2a6f97", "1-point": "#c1666b", "none": "#5b8e55"}


def read(path, adapter):
    """Mean Dice in points by (prompt, support size): {dataset and label: {support seed: Dice}}.

    Of one kind of adapter, and of the base model on the targets that the adapters were asked for.
    """
    with open(path, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == "model"]
    kinds = sorted({row["adapter"] for row in rows if int(row["support"])})
    if adapter is None and len(kinds) > 1:
        raise SystemExit(f"choose one with --adapter: {', '.join(kinds)}")
    rows = [row for row in rows if not int(row["support"]) or row["adapter"] == (adapter or kinds[0])]

    def target(row):
        return row["dataset"], row["label"], row["stem"], row["object"], row["prompt"]

    asked = {target(row) for row in rows if int(row["support"])}
    scores = collections.defaultdict(lambda: collections.defaultdict(lambda: collections.defaultdict(list)))
    for row in rows:
        if not asked or target(row) in asked:
            task = row["dataset"], row["label"]
            scores[row["prompt"], int(row["support"])][task][row["support_seed"]].append(100 * float(row["dice"]))
    return {
        key: {task: {seed: statistics.fmean(dice) for seed, dice in seeds.items()} for task, seeds in tasks.items()}
        for key, tasks in scores.items()
    }


def summarise(scores, seeds):
    """By prompt and size: the mean over tasks, and the mean over them of the standard deviation over support sets.

    Of the tasks that have `seeds` support sets of every size, so that all points are of the same ones.
    """
    sizes = sorted({size for _, size in scores})
    complete = [
        {task for task, found in tasks.items() if size == 0 or len(found) >= seeds}
        for (_, size), tasks in scores.items()
    ]
    tasks = set.intersection(*complete)
    table = collections.defaultdict(dict)
    for prompt in PROMPTS:
        for size in sizes:
            runs = [list(scores[prompt, size][task].values()) for task in tasks]
            spreads = [statistics.stdev(run) for run in runs if len(run) > 1]
            table[prompt][size] = (
                statistics.fmean(statistics.fmean(run) for run in runs),
                statistics.fmean(spreads) if spreads else None,
            )
    return table, sizes, sorted(tasks)


def panel(title, left, curves, sizes, low, high):
    """One chart: {prompt: {size: value}} over sizes that double from tick to tick."""
    width, height, top = 300, 220, 40
    x = {size: left + 40 + index * (width - 60) / max(len(sizes) - 1, 1) for index, size in enumerate(sizes)}

    def y(value):
        return top + height - 40 - (value - low) / (high - low) * (height - 60)

    parts = [f'<text x="{left + 40}" y="{top - 16}" font-weight="600">{title}</text>']
    step = 10 if high - low > 30 else 2
    for tick in range(int(low), int(high) + 1, step):
        parts.append(f'<line x1="{left + 34}" x2="{left + width - 14}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left + 30}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="#555">{tick}</text>')
    for size in sizes:
        parts.append(f'<text x="{x[size]:.1f}" y="{top + height - 18}" text-anchor="middle" fill="#555">{size}</text>')
    for prompt, values in curves.items():
        points = " ".join(f"{x[size]:.1f},{y(value):.1f}" for size, value in values.items())
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[prompt]}" stroke-width="2"/>')
        for size, value in values.items():
            parts.append(f'<circle cx="{x[size]:.1f}" cy="{y(value):.1f}" r="3" fill="{COLOURS[prompt]}"/>')
    parts.append(f'<text x="{left + width / 2:.0f}" y="{top + height}" text-anchor="middle" fill="#555">support images</text>')
    return parts


def draw(table, sizes):
    means = {prompt: {size: table[prompt][size][0] for size in sizes} for prompt in PROMPTS}
    spreads = {
        prompt: {size: table[prompt][size][1] for size in sizes if table[prompt][size][1] is not None} for prompt in PROMPTS
    }
    lowest = min(min(values.values()) for values in means.values())
    highest = max(max(values.values()) for values in means.values())
    parts = panel("Dice in points, mean over tasks", 0, means, sizes, 10 * (lowest // 10), 10 * (highest // 10 + 1))
    trained = [size for size in sizes if size > 0]
    widest = max(max(values.values()) for values in spreads.values())
    parts += panel("standard deviation over support sets", 320, spreads, trained, 0, 2 * (widest // 2 + 1))
    for index, (prompt, name) in enumerate(PROMPTS.items()):
        parts.append(f'<rect x="{40 + 110 * index}" y="272" width="12" height="12" fill="{COLOURS[prompt]}"/>')
        parts.append(f'<text x="{58 + 110 * index}" y="282">{name}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 296" font-family="sans-serif" font-size="12">'
        '<rect width="640" height="296" fill="#fff"/>' + "".join(parts) + "</svg>\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", help="results.csv of gmiseg evaluate --support 0,1,2,4,8,16 --seeds N")
    parser.add_argument("--seeds", type=int, default=5, help="support sets that a task must have of every size")
    parser.add_argument("--adapter", help="the kind, where the results are of several")
    parser.add_argument("--svg", help="where to draw")
    arguments = parser.parse_args()
    table, sizes, tasks = summarise(read(arguments.results, arguments.adapter), arguments.seeds)
    print(f"{len(tasks)} tasks: " + ", ".join(dataset for dataset, _ in tasks))
    print("| support | " + " | ".join(PROMPTS.values()) + " | spread: " + " | ".join(PROMPTS.values()) + " |")
    print("|---|" + "---|" * 2 * len(PROMPTS))
    for size in sizes:
        cells = [f"{table[prompt][size][0]:.1f}" for prompt in PROMPTS]
        spreads = [table[prompt][size][1] for prompt in PROMPTS]
        cells += ["–" if spread is None else f"{spread:.1f}" for spread in spreads]
        print(f"| {size} | " + " | ".join(cells) + " |")
    if arguments.svg:
        pathlib.Path(arguments.svg).write_text(draw(table, sizes))


if __name__ == "__main__":
    main()
