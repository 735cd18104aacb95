#!/usr/bin/env python3
"""Recipes against each other: a table from what the instrument of docs/adaptation.md prints (`RecipeMeasurement`).

Gains over the base model in Dice points; "harmed" are runs that lose more than a point; "others" is what the adapters change on
the other tasks' images: what they forget. At the end, what a choice among several recipes could reach at best.
"""

import argparse
import collections
import itertools
import re
import statistics

PROMPTS = ("box", "point", "points", "none")
# The kinds of prompts that a job scores.
JUDGED = ("box", "point", "none")


def read(paths):
    """By run (folder and seed): {recipe: (gain by prompt, change on others by prompt, processor seconds)}."""
    runs, base = collections.defaultdict(dict), {}
    for path in paths:
        for line in open(path):
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) < 4 or not cells[2].startswith("seed "):
                continue
            run = cells[0], cells[2]
            dice = {name: 100 * float(value) for name, value in re.findall(r"(\w+) ([\d.]+)", cells[3])}
            if cells[1] == "base":
                base[run] = dice
                continue
            others = re.findall(r"(\w+) ([+-][\d.]+)", cells[6]) if len(cells) > 6 else []
            gain = {prompt: dice[prompt] - base[run][prompt] for prompt in PROMPTS}
            seconds = float(re.search(r"([\d.]+) s of processor", cells[5])[1])
            runs[run][cells[1]] = gain, {name: 100 * float(value) for name, value in others}, seconds
    return runs


def cell(values):
    harmed = sum(value < -1 for value in values)
    return f"{statistics.fmean(values):+.1f} ({min(values):+.1f}; {harmed})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", nargs="+", help="what the instrument printed")
    runs = read(parser.parse_args().output)
    recipes = list(dict.fromkeys(recipe for run in runs.values() for recipe in run))
    runs = [run for run in runs.values() if len(run) == len(recipes)]
    print(f"{len(runs)} runs of each recipe: mean gain (worst; harmed)\n")
    print("| recipe | " + " | ".join(PROMPTS) + " | mean | others: " + ", ".join(PROMPTS[:3]) + " | processor |")
    print("|---|" + "---|" * (len(PROMPTS) + 3))
    for recipe in recipes:
        gains = {prompt: [run[recipe][0][prompt] for run in runs] for prompt in PROMPTS}
        mean = statistics.fmean(statistics.fmean(values) for values in gains.values())
        others = ", ".join(
            f"{statistics.fmean(run[recipe][1][prompt] for run in runs):+.1f}" for prompt in PROMPTS[:3]
            if all(prompt in run[recipe][1] for run in runs))
        seconds = statistics.fmean(run[recipe][2] for run in runs)
        print(f"| {recipe} | " + " | ".join(cell(gains[prompt]) for prompt in PROMPTS)
              + f" | {mean:+.1f} | {others or '–'} | {seconds:.0f} s |")
    # As the gate would: each kind of prompt answered by the better of adapter and base, the recipe by the mean over kinds.
    print("\nThe best recipe of each run, each kind of prompt answered by the better of adapter and base model:\n")
    print("| choice among | gain |\n|---|---|")
    for count in range(1, 4):
        for choice in itertools.combinations(recipes, count):
            gain = statistics.fmean(
                max(statistics.fmean(max(run[recipe][0][prompt], 0) for prompt in JUDGED) for recipe in choice)
                for run in runs)
            print(f"| {'; '.join(choice)} | {gain:+.1f} |")


if __name__ == "__main__":
    main()
