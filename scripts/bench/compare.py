#!/usr/bin/env python3
"""Runs `gmiseg bench` and the peers one after the other, in several passes, and prints a table of medians and ratios.

    .venv/bin/python scripts/bench/compare.py --gmiseg .build/release/gmiseg --passes 3
    .venv/bin/python scripts/bench/compare.py --only sam-vit-b --peers path/to/another/peers.py

Speeds drift on a shared machine. So nothing is measured twice in a row: each pass runs every row once, ours right before
its peers, and the ratio is taken within a pass; the table has the median over passes. Another script of peers is called
as `peers.py PEER BENCH MODEL --threads N --rounds N` and must print a line of JSON with `seconds` and `peak_rss_mb`.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

# What is timed, with which model, in what precision, on what prompts, and beside whom. One prompt is a box; four are what a
# job makes of an image.
ROWS = [
    ("encoder", "sam-vit-b", "f32", "", ["torch", "openvino"]),
    ("encoder", "sam-vit-b", "int8", "", ["torch", "openvino-int8"]),
    ("encoder", "sam-vit-l", "f32", "", ["torch"]),
    ("click", "sam-vit-b", "f32", "", ["torch"]),
    ("step", "sam-vit-b", "f32", "one", ["torch"]),
    ("step", "sam-vit-b", "f32", "four", ["torch"]),
]
PROMPTS = {"": ([], []), "one": (["--prompts", "box"], []), "four": (["--prompts", "all"], ["--prompts", "4"])}  # ours, theirs


def run(command):
    """The last line of JSON that `command` prints; nothing when it fails, which it then has said on standard error."""
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if result.returncode == 0 and lines else None


def time_text(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"


def cell(results):
    """Median time and memory of one side."""
    times, memory = [r["seconds"] for r in results], [r["peak_rss_mb"] for r in results if r.get("peak_rss_mb")]
    text = time_text(statistics.median(times))
    return f"{text} ({statistics.median(memory) / 1024:.2f} GB)" if memory else text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gmiseg", default=".build/release/gmiseg")
    parser.add_argument("--peers", default=str(HERE / "peers.py"))
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has PyTorch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement")
    parser.add_argument("--passes", type=int, default=3, help="over the whole table")
    parser.add_argument("--only", action="append", default=[], help="rows that have this word: a bench, a model, a precision")
    arguments = parser.parse_args()

    rows = [row for row in ROWS if all(word in row[:4] for word in arguments.only)]
    ours, theirs, ratios = {}, {}, {}
    limits = ["--threads", str(arguments.threads), "--rounds", str(arguments.rounds)]
    for number in range(arguments.passes):
        for bench, model, precision, prompts, peers in rows:
            # Only the encoder has a choice of precision.
            choice = ["--precision", precision] if precision != "f32" else []
            our_prompts, their_prompts = PROMPTS[prompts]
            mine = run([
                arguments.gmiseg, "bench", bench, "--model", model, "--random-weights", "--json", *choice, *our_prompts, *limits])
            row = (bench, model, precision, prompts)
            print(f"pass {number + 1}: {' '.join(row)}: {mine}", file=sys.stderr)
            if mine is None:
                continue
            ours.setdefault(row, []).append(mine)
            for peer in peers:
                other = run([arguments.python, arguments.peers, peer, bench, model, *their_prompts, *limits])
                print(f"pass {number + 1}: {bench} {model} {prompts} {peer}: {other}", file=sys.stderr)
                if other is not None:
                    theirs.setdefault((*row, peer), []).append(other)
                    ratios.setdefault((*row, peer), []).append(other["seconds"] / mine["seconds"])

    print(f"Medians of {arguments.passes} passes, {arguments.threads} threads; in brackets the peak memory.\n")
    print("| what | ours | peer | | faster |\n|---|---|---|---|---|")
    for key in theirs:
        *row, peer = key
        bench, model, precision, prompts = row
        factor = statistics.median(ratios[key])
        name = f"{model} {bench} {precision}" + (f", {prompts} prompt(s)" if prompts else "")
        print(f"| {name} | {cell(ours[tuple(row)])} | {peer} | {cell(theirs[key])} | {factor:.2f}× |")


if __name__ == "__main__":
    main()
