#!/usr/bin/env python3
"""Saves a Segment Anything model of an official size with random weights, as the PyTorch package saves one.

    .venv/bin/python scripts/reference/write_random_checkpoint.py vit_b random_vit_b.pth

Such a file has all that the official ones have but their meaning: the same names, shapes, types and container. Random
weights reach every term of the arithmetic, which is what `record_checkpoint.py` and `gmiseg model verify` compare.
"""

import argparse

import torch
from segment_anything import sam_model_registry

from write_fixtures import randomise


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["vit_b", "vit_l", "vit_h"])
    parser.add_argument("output")
    parser.add_argument("--seed", type=int, default=41)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    sam = sam_model_registry[options.kind]()
    randomise(sam, [])
    torch.save(sam.state_dict(), options.output)


if __name__ == "__main__":
    main()
