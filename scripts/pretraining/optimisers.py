"""What takes the steps: Muon for the matrices, AdamW for everything else."""

import torch

DECAY = 0.05
MUON = 1.0  # share of the learning rate; with updates of AdamW's size one rate serves both


def optimisers(model, rate):
    """[AdamW, Muon], each group with a `scale` that its learning rate is multiplied by.

    Muon (Jordan et al. 2024; scaled to AdamW's update size as in Liu et al. 2025, arXiv:2502.16982) replaces the momentum of a matrix
    by the nearest one whose singular values are all one, so that rare directions move as fast as common ones. Weight decay is for
    matrices and convolutions only: not for biases, norms, tokens and position tables.
    """
    matrices, kernels, free = [], [], []
    for name, p in model.named_parameters():
        table = p.ndim < 2 or "pos" in name or "token" in name or (".prompt_encoder" in f".{name}" and "embed" in name)
        (free if table else matrices if p.ndim == 2 else kernels).append(p)
    adam = [
        {"params": kernels, "weight_decay": DECAY, "scale": 1.0},
        {"params": free, "weight_decay": 0.0, "scale": 1.0},
    ]
    return [
        torch.optim.AdamW(adam, lr=rate, betas=(0.9, 0.98), eps=1e-6),
        torch.optim.Muon(
            [{"params": matrices, "scale": MUON}],
            lr=rate,
            weight_decay=DECAY,
            momentum=0.95,
            adjust_lr_fn="match_rms_adamw",
        ),
    ]
