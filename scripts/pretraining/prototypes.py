"""Where a query's features look like the object of a support set: a mask prompt that needs no training.

Linear discriminant analysis (Fisher 1936) between the cells of the image embedding that lie on the object and those that do
not, over all support images, with a ridge on the within-class covariance. Its log odds on the query are the map.
"""

import torch
import torch.nn.functional as F

RIDGE = 0.01  # of the mean variance
LIMIT = 8.0  # of the map, as logits


@torch.no_grad()
def similarity(query, support, coverage, shown):
    """Log odds [B, 1, g, g] of the object in each cell of `query`.

    query [B, C, g, g]; support [B, n, C, g, g]; coverage [B, n, g, g], the share of each cell on the object; shown, the same
    shape, 0 where a cell is padding.
    """
    x = support.float().permute(0, 1, 3, 4, 2).flatten(1, 3)  # [B, N, C]
    on = (coverage * shown).flatten(1)
    off = ((1 - coverage) * shown).flatten(1)
    many_on, many_off = on.sum(1).clamp(min=1e-3), off.sum(1).clamp(min=1e-3)
    mean_on = torch.einsum("bn,bnc->bc", on, x) / many_on[:, None]
    mean_off = torch.einsum("bn,bnc->bc", off, x) / many_off[:, None]
    a, b = x - mean_on[:, None], x - mean_off[:, None]
    within = torch.einsum("bn,bnc,bnd->bcd", on, a, a) + torch.einsum("bn,bnc,bnd->bcd", off, b, b)
    within = within / (many_on + many_off)[:, None, None]
    channels = within.shape[-1]
    ridge = RIDGE * within.diagonal(dim1=1, dim2=2).mean(1) + 1e-6
    within = within + ridge[:, None, None] * torch.eye(channels, device=x.device)
    direction = torch.linalg.solve(within, mean_on - mean_off)
    offset = -(direction * (mean_on + mean_off)).sum(1) / 2 + torch.log(many_on / many_off)
    return torch.einsum("bchw,bc->bhw", query.float(), direction)[:, None] + offset[:, None, None, None]


def as_mask_prompt(odds, side):
    """Log odds [B, 1, g, g] -> mask prompt [B, 1, side, side]."""
    return F.interpolate(odds.clamp(-LIMIT, LIMIT), (side, side), mode="bilinear", align_corners=False)
