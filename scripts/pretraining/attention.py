"""SAM's attention, the same function computed faster.

The package writes [heads, N, N] tables of scores, adds two tables of relative positions to them and takes the softmax in single
precision, each a pass over memory; on a processor that was two thirds of a training step. Here the relative positions are part of
the product: with u(i) their terms for query i, one for each row and column of keys, and w(j) the one-hot row and column of key j,

    q_i . k_j * scale + u(i) . w(j) = [q_i * scale, u(i)] . [k_j, w(j)],

so that one product gives the scores, and a table that is too large for the cache is made head by head and made again
for the gradient.
"""

import types

import torch
import torch.nn.functional as F
from segment_anything.modeling.image_encoder import Attention as ImageAttention
from segment_anything.modeling.image_encoder import get_rel_pos
from segment_anything.modeling.transformer import Attention as TokenAttention

LARGE = 1 << 18  # scores of one head from which its table is not kept


def make_fast(model):
    """Gives every attention layer of a SAM model this computation. Weights and their names are untouched."""
    for module in model.modules():
        if isinstance(module, ImageAttention):
            module.forward = types.MethodType(image_attention, module)
        elif isinstance(module, TokenAttention):
            module.forward = types.MethodType(token_attention, module)


def image_attention(self, x):
    """x [B, H, W, C] -> [B, H, W, C], with decomposed relative positions."""
    batch, height, width, channels = x.shape
    qkv = self.qkv(x).reshape(batch, height * width, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4).flatten(1, 2)
    q, k, v = qkv.unbind(0)  # [B * heads, N, d]
    grid = q.unflatten(1, (height, width))
    rows = get_rel_pos(height, height, self.rel_pos_h).to(q.dtype)  # [H, H, d]
    columns = get_rel_pos(width, width, self.rel_pos_w).to(q.dtype)
    by_row = torch.einsum("bhwc,hkc->bhwk", grid, rows).flatten(1, 2)
    by_column = torch.einsum("bhwc,wkc->bhwk", grid, columns).flatten(1, 2)
    place = torch.arange(height * width, device=x.device)
    where = torch.cat([F.one_hot(place // width, height), F.one_hot(place % width, width)], 1).to(k.dtype)
    query = torch.cat([q * self.scale, by_row, by_column], -1)
    key = torch.cat([k, where.expand(len(k), -1, -1)], -1)
    out = attend(query, key, v).unflatten(0, (batch, self.num_heads))
    return self.proj(out.transpose(1, 2).reshape(batch, height, width, channels))


def token_attention(self, q, k, v):
    """The decoder's attention: q [B, n, C], k and v [B, m, C] -> [B, n, C]."""
    q, k, v = self.q_proj(q), self.k_proj(k), self.v_proj(v)
    q, k, v = (self._separate_heads(x, self.num_heads) for x in (q, k, v))
    return self.out_proj(self._recombine_heads(attend(q * q.shape[-1] ** -0.5, k, v)))


def attend(q, k, v):
    """softmax(q k^T) v over the last two axes, in the type of `q`."""
    with torch.autocast(q.device.type, enabled=False):
        if q.is_cuda:
            return F.scaled_dot_product_attention(q, k, v, scale=1.0)
        if q.shape[-2] * k.shape[-2] >= LARGE:
            return HeadByHead.apply(q, k, v)
        return (q @ k.transpose(-1, -2)).softmax(-1) @ v


class HeadByHead(torch.autograd.Function):
    """`attend` for [heads, N, d], with one head's scores in the cache at a time."""

    @staticmethod
    def forward(ctx, q, k, v):
        out = torch.empty_like(v)
        for i in range(len(q)):
            torch.mm((q[i] @ k[i].T).softmax(-1), v[i], out=out[i])
        ctx.save_for_backward(q, k, v)
        return out

    @staticmethod
    def backward(ctx, gradient):
        q, k, v = ctx.saved_tensors
        dq, dk, dv = (torch.empty_like(x) for x in (q, k, v))
        gradient = gradient.contiguous()
        for i in range(len(q)):
            p = (q[i] @ k[i].T).softmax(-1)
            torch.mm(p.T, gradient[i], out=dv[i])
            ds = torch._softmax_backward_data(gradient[i] @ v[i].T, p, -1, p.dtype)
            torch.mm(ds, k[i], out=dq[i])
            torch.mm(ds.T, q[i], out=dk[i])
        return dq, dk, dv
