#!/usr/bin/env python3
"""Times what others make of the same work, random weights, and prints one line of JSON like `gmiseg bench --json`.

    python -m venv .venv && .venv/bin/pip install -r scripts/bench/requirements.txt
    .venv/bin/python scripts/bench/peers.py torch encoder sam-vit-b
    .venv/bin/python scripts/bench/peers.py openvino-int8 encoder sam-vit-b --threads 2 --rounds 5

`torch` is the original package on PyTorch, `openvino` and `openvino-int8` the same image encoder converted and, for the
second, quantised by NNCF. Only `torch` knows `click` (one box on an embedding that is there, to a mask at the image's
size) and `step` (forward, backward and update with low-rank factors of rank 4 on q and v of every block; one box, or with
`--prompts 4` also nothing, a point and several points on the same embedding, as a job of ours).

Peak memory is that of the process (VmHWM). For OpenVINO it is taken in a fresh process which only loads the converted
model, so that converting does not count.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIDE = 1024  # pixels along each side of what every SAM encoder sees
NAMES = {"sam-vit-b": "vit_b", "sam-vit-l": "vit_l", "sam-vit-h": "vit_h"}


def timed(body, rounds):
    """Seconds of each of `rounds` calls, after one that is not counted."""
    body()
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        body()
        samples.append(time.perf_counter() - start)
    return samples


def peak_memory():
    """Largest resident set of this process in MiB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def report(arguments, samples):
    print(json.dumps({
        "bench": arguments.bench, "peer": arguments.peer, "model": arguments.model, "threads": arguments.threads,
        "rounds": len(samples), "seconds": statistics.median(samples), "seconds_best": min(samples),
        "peak_rss_mb": peak_memory(), "random_weights": True,
    }))


def original(arguments):
    """The model of the original package, random weights, on the number of threads asked for."""
    import torch
    from segment_anything import sam_model_registry

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    return sam_model_registry[NAMES[arguments.model]]().eval()


def torch_encoder(arguments):
    import torch

    model, pixels = original(arguments), torch.rand(1, 3, SIDE, SIDE)
    with torch.inference_mode():
        return timed(lambda: model.image_encoder(pixels), arguments.rounds)


def torch_click(arguments):
    import numpy
    import torch
    from segment_anything import SamPredictor

    predictor = SamPredictor(original(arguments))
    # The state that `set_image` would leave; its cost is the encoder's, which is another row.
    predictor.is_image_set = True
    predictor.original_size = predictor.input_size = (SIDE, SIDE)
    predictor.features = torch.rand(1, 256, SIDE // 16, SIDE // 16)
    box = numpy.array([0.28, 0.28, 0.72, 0.72]) * SIDE
    return timed(lambda: predictor.predict(box=box, multimask_output=False), 4 * arguments.rounds)


def torch_step(arguments):
    import torch
    from torch.nn import functional

    class AdaptedProjection(torch.nn.Module):
        """A frozen projection to q, k and v, with low-rank updates of q and v."""

        def __init__(self, frozen, rank=4):
            super().__init__()
            self.frozen = frozen
            width = frozen.in_features
            self.factors = torch.nn.ParameterList()
            for _ in ("q", "v"):
                self.factors.append(torch.nn.Parameter(torch.randn(rank, width) / width**0.5))
                self.factors.append(torch.nn.Parameter(torch.zeros(width, rank)))

        def forward(self, x):
            q_down, q_up, v_down, v_up = self.factors
            update_q = functional.linear(functional.linear(x, q_down), q_up)
            update_v = functional.linear(functional.linear(x, v_down), v_up)
            return self.frozen(x) + torch.cat((update_q, torch.zeros_like(update_q), update_v), dim=-1)

    model = original(arguments).requires_grad_(False)
    for block in model.image_encoder.blocks:
        block.attn.qkv = AdaptedProjection(block.attn.qkv)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    pixels = torch.rand(1, 3, SIDE, SIDE)
    truth = torch.zeros(1, 1, SIDE // 4, SIDE // 4)
    truth[..., 72:184, 72:184] = 1
    box = torch.tensor([[[0.28, 0.28, 0.72, 0.72]]]) * SIDE

    points = torch.tensor([[[0.5, 0.5], [0.4, 0.6], [0.6, 0.4]]]) * SIDE
    labels = torch.ones(1, 3)
    prompts = [{"boxes": box}]
    if arguments.prompts == 4:
        prompts += [{}, {"points": (points[:, :1], labels[:, :1])}, {"points": (points, labels)}]

    def step():
        embedding, loss = model.image_encoder(pixels), 0
        for prompt in prompts:
            sparse, dense = model.prompt_encoder(**{"points": None, "boxes": None, "masks": None, **prompt})
            logits, _ = model.mask_decoder(
                image_embeddings=embedding, image_pe=model.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=False)
            loss = loss + functional.binary_cross_entropy_with_logits(logits, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return timed(step, arguments.rounds)


def convert(arguments, folder):
    """Writes the encoder as OpenVINO reads it; returns the path."""
    import numpy
    import openvino
    import torch

    network = original(arguments).image_encoder
    pixels = torch.rand(1, 3, SIDE, SIDE)
    onnx = str(Path(folder) / "encoder.onnx")
    with torch.inference_mode():
        torch.onnx.export(network, (pixels,), onnx, opset_version=17, dynamo=False)
    graph = openvino.Core().read_model(onnx)
    if arguments.peer == "openvino-int8":
        import nncf

        data = nncf.Dataset([numpy.asarray(pixels)])
        graph = nncf.quantize(graph, data, subset_size=1, model_type=nncf.ModelType.TRANSFORMER)
    path = str(Path(folder) / "encoder.xml")
    openvino.save_model(graph, path, compress_to_fp16=False)
    return path


def openvino_encoder(arguments):
    """Converts here, measures in a process that does nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, *sys.argv[1:], "--converted", convert(arguments, folder)]
        sys.exit(subprocess.run(command, check=False).returncode)


def converted_encoder(arguments):
    import numpy
    import openvino

    options = {"INFERENCE_NUM_THREADS": arguments.threads, "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(arguments.converted, "CPU", options).create_infer_request()
    pixels = numpy.random.default_rng(0).random((1, 3, SIDE, SIDE), dtype=numpy.float32)
    return timed(lambda: request.infer({0: pixels}), arguments.rounds)


BENCHES = {
    ("torch", "encoder"): torch_encoder, ("torch", "click"): torch_click, ("torch", "step"): torch_step,
    ("openvino", "encoder"): openvino_encoder, ("openvino-int8", "encoder"): openvino_encoder,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=sorted({peer for peer, _ in BENCHES}))
    parser.add_argument("bench", choices=["encoder", "click", "step"])
    parser.add_argument("model", choices=sorted(NAMES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompts", type=int, choices=[1, 4], default=1, help="of a step")
    parser.add_argument("--converted", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    bench = BENCHES.get((arguments.peer, arguments.bench))
    if bench is None:
        parser.error(f"{arguments.peer} has no {arguments.bench}")
    report(arguments, converted_encoder(arguments) if arguments.converted else bench(arguments))


if __name__ == "__main__":
    main()
