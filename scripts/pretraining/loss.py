"""Focal + dice, weights 1 : 1, and the error of the IoU estimate."""

import torch
import torch.nn.functional as F


def focal(logits, target):
    """Focal loss with gamma 2 and no class weight, mean over the last two axes."""
    probability = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (entropy * (target - probability).abs() ** 2).mean((-1, -2))


def dice(logits, target):
    """1 - soft Dice over the last two axes."""
    probability = torch.sigmoid(logits)
    overlap = 2 * (probability * target).sum((-1, -2))
    return 1 - (overlap + 0.1) / (probability.sum((-1, -2)) + target.sum((-1, -2)) + 0.1)


@torch.no_grad()
def reached_iou(logits, target):
    """IoU of the mask at threshold 0."""
    mask, truth = logits > 0, target > 0.5
    both = (mask & truth).sum((-1, -2)).float()
    return both / ((mask | truth).sum((-1, -2)) + 1e-6)


def slot(logits, iou, target, weight=None, multimask=False):
    """(loss, mean focal + dice of the single mask) of one kind of prompt.

    logits [B, 4, h, w], iou [B, 4], target [B, h, w]. With `multimask` the best of masks 1...3 is taught too, as an
    ambiguous point deserves several answers; the others get a twentieth so that none dies.
    """
    weight = torch.ones(len(target), device=target.device) if weight is None else weight
    single = focal(logits[:, 0], target) + dice(logits[:, 0], target)
    total = single + (iou[:, 0] - reached_iou(logits[:, 0], target)) ** 2
    if multimask:
        several, same = logits[:, 1:], target[:, None].expand_as(logits[:, 1:])
        each = focal(several, same) + dice(several, same)
        total = total + each.min(1)[0] + 0.05 * each.mean(1)
        total = total + ((iou[:, 1:] - reached_iou(several, same)) ** 2).mean(1)
    share = weight.sum().clamp(min=1)
    return (total * weight).sum() / share, ((single * weight).sum() / share).detach()
