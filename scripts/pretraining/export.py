"""Writes the weights file that the service loads: half precision, original names, configuration and card as metadata.

`python export.py CHECKPOINT OUTPUT [--card card.json]` takes the moving average out of a checkpoint of any stage;
`python export.py --mean FIRST SECOND OUTPUT` takes the mean of two weights files, of a run and of the one that it started from.
"""

import argparse
import json
import os
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from model import Configuration, Sam, grown


def mean(first, second):
    """(model, card) with the mean of the weights of two files of the same sizes."""
    state, cards, sizes = {}, [], []
    for path in (first, second):
        with safe_open(path, "pt") as file:
            cards.append(json.loads(file.metadata().get("gmiseg.card", "{}")))
            sizes.append(Configuration.read(file.metadata()["gmiseg.configuration"]))
            for name in file.keys():
                state[name] = state.get(name, 0) + file.get_tensor(name).float() / 2
    if sizes[0] != sizes[1]:
        raise SystemExit(f"the two files are of different sizes: {sizes[0]} and {sizes[1]}")
    model = Sam(sizes[0])
    model.load_state_dict(state, strict=False)
    return model, {"mean_of": cards}


def write_model(model, path, card):
    """`card` is a short dictionary: licences, training, scores. The write is atomic."""
    tensors = {name: value.detach().cpu().half().contiguous() for name, value in model.state_dict().items()}
    if not all(torch.isfinite(t).all() for t in tensors.values()):
        raise ValueError("a weight is not finite in half precision")
    metadata = {"format": "pt", "gmiseg.configuration": model.configuration.json(), "gmiseg.card": json.dumps(card)}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    data = save(tensors, metadata)
    size = int.from_bytes(data[:8], "little")
    head = json.loads(data[8 : 8 + size])
    # safetensors writes metadata in any order, and the same weights would have one hash today and another tomorrow.
    head["__metadata__"] = dict(sorted(metadata.items()))
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight
    Path(f"{path}.partial").write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    os.replace(f"{path}.partial", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", metavar="input", help="a checkpoint; with --mean two weights files")
    parser.add_argument("output")
    parser.add_argument("--mean", action="store_true")
    parser.add_argument("--card", help="JSON file for the metadata")
    options = parser.parse_args()
    if len(options.inputs) != (2 if options.mean else 1):
        parser.error("one checkpoint, or --mean and two weights files")
    if options.mean:
        model, card = mean(*options.inputs)
        write_model(model, options.output, card)
        return
    state = torch.load(options.inputs[0], map_location="cpu", weights_only=True)
    model = Sam(Configuration.read(state["configuration"]))
    model.load_state_dict(grown(state["average"], model))
    card = (
        json.loads(Path(options.card).read_text())
        if options.card
        else {"training": {"steps": state["step"], "images": state["images"]}}
    )
    write_model(model, options.output, card)


if __name__ == "__main__":
    main()
