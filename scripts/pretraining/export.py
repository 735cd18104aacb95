"""Writes the weights file that the service loads: half precision, original names, configuration and card as metadata.

`python export.py CHECKPOINT OUTPUT [--card card.json]` takes the moving average out of a checkpoint of any stage.
"""

import argparse
import json
import os
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import Configuration, Sam, grown


def write_model(model, path, card):
    """`card` is a short dictionary: licences, training, scores. The write is atomic."""
    tensors = {name: value.detach().cpu().half().contiguous() for name, value in model.state_dict().items()}
    if not all(torch.isfinite(t).all() for t in tensors.values()):
        raise ValueError("a weight is not finite in half precision")
    metadata = {"format": "pt", "gmiseg.configuration": model.configuration.json(), "gmiseg.card": json.dumps(card)}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, f"{path}.partial", metadata)
    os.replace(f"{path}.partial", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("output")
    parser.add_argument("--card", help="JSON file for the metadata")
    options = parser.parse_args()
    state = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    model = Sam(Configuration())
    model.load_state_dict(grown(state["average"], model))
    card = (
        json.loads(Path(options.card).read_text())
        if options.card
        else {"training": {"steps": state["step"], "images": state["images"]}}
    )
    write_model(model, options.output, card)


if __name__ == "__main__":
    main()
