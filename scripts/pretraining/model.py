"""The network: SAM's own classes in a small size, so that the weights load into any SAM implementation by name.

Shapes: images [B, 3, S, S] (normalised), embeddings [B, C, S/8, S/8], logits [B, 4, S/2, S/2] (0 = single mask, 1...3 =
multimask), IoU estimates [B, 4]. Coordinates of prompts are pixels of the S x S input, pixel centres at integers.
"""

import json
import math
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer
from torch import nn

import attention

PIXEL_MEAN = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
PIXEL_STD = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)


@dataclass(frozen=True)
class Configuration:
    """The sizes, under the names that the service reads from the weights file."""

    name: str = "gmiseg-mini"
    image_size: int = 256
    patch_size: int = 8
    width: int = 160
    depth: int = 6
    heads: int = 5
    mlp_ratio: int = 4
    global_blocks: tuple = (2, 5)
    window: int = 8
    embedding_channels: int = 128
    mask_input_channels: int = 16
    decoder_depth: int = 2
    decoder_heads: int = 8
    decoder_mlp: int = 1024
    multimask_outputs: int = 3
    iou_head_depth: int = 3
    iou_head_hidden: int = 128
    drawn_prompts: bool = True  # boxes and points are also drawn into the mask prompt
    focused_boxes: bool = True  # a box is answered on the part of the image about it
    box_prior: float = 0.25  # share of a drawn box that the service adds to the masks; training adds nothing
    appearance: float = 1.0  # share of the image's own evidence that the service adds; nothing here does

    @property
    def grid(self):
        return self.image_size // self.patch_size

    def at(self, image_size):
        return replace(self, image_size=image_size)

    def json(self):
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text, absent=None):
        """What `json` wrote; `absent` holds the values of fields that an older file does not name."""
        fields = (absent or {}) | json.loads(text)
        return cls(**fields | {"global_blocks": tuple(fields["global_blocks"])})


class Sam(nn.Module):
    """Encoder, prompt encoder and decoder under the names of the original `Sam` module."""

    def __init__(self, c: Configuration):
        super().__init__()
        self.configuration = c
        self.image_encoder = ImageEncoderViT(
            img_size=c.image_size,
            patch_size=c.patch_size,
            embed_dim=c.width,
            depth=c.depth,
            num_heads=c.heads,
            mlp_ratio=c.mlp_ratio,
            out_chans=c.embedding_channels,
            qkv_bias=True,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=c.window,
            global_attn_indexes=c.global_blocks,
        )
        self.prompt_encoder = PromptEncoder(
            embed_dim=c.embedding_channels,
            image_embedding_size=(c.grid, c.grid),
            input_image_size=(c.image_size, c.image_size),
            mask_in_chans=c.mask_input_channels,
        )
        self.mask_decoder = MaskDecoder(
            num_multimask_outputs=c.multimask_outputs,
            transformer_dim=c.embedding_channels,
            transformer=TwoWayTransformer(
                depth=c.decoder_depth,
                embedding_dim=c.embedding_channels,
                mlp_dim=c.decoder_mlp,
                num_heads=c.decoder_heads,
            ),
            iou_head_depth=c.iou_head_depth,
            iou_head_hidden_dim=c.iou_head_hidden,
        )
        attention.make_fast(self)

    def prompt(self, points=None, labels=None, boxes=None, masks=None):
        """(sparse [B, n, C], dense [B or 1, C, g, g]) from SAM's prompt encoder; all None is the promptless call."""
        pair = None if points is None else (points, labels)
        if self.configuration.drawn_prompts:
            masks = drawn(self.configuration, points, labels, boxes, masks)
        return self.prompt_encoder(points=pair, boxes=boxes, masks=masks)

    def prompt_none(self, batch):
        """The promptless call for a batch: no sparse tokens, SAM's "no mask" embedding as the dense one."""
        sparse, dense = self.prompt()
        return sparse.expand(batch, -1, -1), dense

    def decode(self, embedding, sparse, dense):
        """One set of prompts per image. SAM's decoder expects one image with many; the arithmetic is the same."""
        decoder = self.mask_decoder
        batch, channels, height, width = embedding.shape
        own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight]).unsqueeze(0).expand(batch, -1, -1)
        tokens = torch.cat([own, sparse.expand(batch, -1, -1)], 1)
        position = self.prompt_encoder.get_dense_pe().expand(batch, -1, -1, -1)
        out, image = decoder.transformer(embedding + dense, position, tokens)
        upscaled = decoder.output_upscaling(image.transpose(1, 2).reshape(batch, channels, height, width))
        hyper = torch.stack([mlp(out[:, 1 + i]) for i, mlp in enumerate(decoder.output_hypernetworks_mlps)], 1)
        masks = (hyper.float() @ upscaled.float().flatten(2)).unflatten(2, upscaled.shape[-2:])
        return masks, decoder.iou_prediction_head(out[:, 0]).float()


def drawn(c, points=None, labels=None, boxes=None, masks=None):
    """The mask prompt [B, 1, 4g, 4g] that shows the other prompts, as logits; None when there is no prompt at all.

    A small network trained for hours finds a place on a map sooner than in the sines of a token. The base is the mask
    prompt if there is one, else the ellipse inscribed in the box, 4 in the middle, 0 on its edge and no less than -8.
    Each point adds (foreground) or takes (background) a bump of height 6 whose width is 1/32 of the image.
    """
    if points is None and boxes is None and masks is None:
        return None
    given = next(x for x in (masks, boxes, points) if x is not None)
    side = 4 * c.grid
    cell = c.image_size / side
    place = (torch.arange(side, device=given.device) + 0.5) * cell - 0.5
    base = torch.zeros(len(given), side, side, device=given.device)
    if masks is not None:
        base = masks[:, 0].float()
    elif boxes is not None:
        middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, ((boxes[:, 2:] - boxes[:, :2] + 1) / 2).clamp(min=cell)
        x = ((place - middle[:, :1]) / half[:, :1]) ** 2
        y = ((place - middle[:, 1:]) / half[:, 1:]) ** 2
        base = (4 * (1 - (x[:, None, :] + y[:, :, None]))).clamp(min=-8)
    if points is not None:
        spread = 2 * (c.image_size / 32) ** 2
        x = torch.exp(-((place - points[..., :1]) ** 2) / spread)  # [B, n, side]
        y = torch.exp(-((place - points[..., 1:]) ** 2) / spread)
        sign = labels.to(x.dtype) * 2 - 1
        base = base + 6 * torch.einsum("bn,bni,bnj->bij", sign, y, x)
    return base[:, None]


def mask_prompt(coverage, sizes):
    """Masks [B, h, w], each cell's covered share, as mask prompts [B, 1, h, w]: 4 well inside, 0 on the outline, -4 well outside.

    `sizes` are the (rows, columns) that show the image: beyond them is no outline.

    A mask says where, not how sure. So the distance from its outline in cells, at most 3, stands for that, and the covered
    share, -1...1, keeps what is thinner than a cell. Its twin is Sources/SegmentAnything/Prompts/Prompt+Mask.swift.
    """
    out = torch.full_like(coverage, -4)
    for whole, (rows, columns), made in zip(coverage.cpu().numpy(), sizes, out):
        mask = whole[:rows, :columns]
        inside = mask >= 0.5
        if inside.any() and not inside.all():
            distance = np.where(inside, ndimage.distance_transform_edt(inside), -ndimage.distance_transform_edt(~inside))
            distance -= np.sign(distance) / 2
        else:
            distance = np.where(inside, 3.0, -3.0)
        made[:rows, :columns] = torch.from_numpy(np.clip(distance, -3, 3) + 2 * mask - 1)
    return out[:, None]


def normalise(pixels, sizes):
    """uint8 [B, S, S, 3] -> float [B, 3, S, S]; what lies outside each (height, width) is zero after normalisation."""
    x = (pixels.permute(0, 3, 1, 2).float() - PIXEL_MEAN.to(pixels.device)) / PIXEL_STD.to(pixels.device)
    for i, (height, width) in enumerate(sizes):
        x[i, :, height:] = 0
        x[i, :, :, width:] = 0
    return x.contiguous()


# ------------------------------------------------------------------------------------------------ first weights


def initialise(model, sample):
    """Starting weights. `sample` is a batch of normalised images, used only to scale the patch embedding's response.

    A network this small that trains for an hour cannot afford to discover geometry first. So it starts location-aware:
    windowed heads look at Gaussians round fixed offsets, the patch embedding is a cosine basis, the decoder's queries
    and keys measure the same thing, and masks begin as background.
    """
    c = model.configuration
    encoder = model.image_encoder
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.8 / math.sqrt(module.in_features))
            nn.init.zeros_(module.bias)
    nn.init.trunc_normal_(encoder.pos_embed, std=0.02)
    for block in encoder.blocks:
        for last in (block.attn.proj, block.mlp.lin2):
            last.weight.data.mul_(2.5 / math.sqrt(2 * c.depth))
        if block.window_size:
            _look_near(block.attn, c.heads)
    _cosine_patches(encoder.patch_embed.proj, sample)
    gaussian = model.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    octaves = torch.logspace(math.log10(0.08), math.log10(1.6), gaussian.shape[1])
    gaussian.copy_(torch.randn_like(gaussian) * octaves)
    transformer = model.mask_decoder.transformer
    for layer in transformer.layers:
        for attention in (layer.cross_attn_token_to_image, layer.cross_attn_image_to_token):
            attention.q_proj.weight.data.mul_(1.4)
            attention.k_proj.weight.data.copy_(attention.q_proj.weight.data)
    final = transformer.final_attn_token_to_image
    final.k_proj.weight.data.copy_(final.q_proj.weight.data)
    for mlp in model.mask_decoder.output_hypernetworks_mlps:
        nn.init.constant_(mlp.layers[-1].bias, -0.5)


def _cosine_patches(projection, sample):
    """Low-frequency cosines (grey, then a few colour differences) for three quarters of the filters, the rest random;
    each scaled to a response of standard deviation 0.7 and mean 0 on `sample`."""
    size = projection.kernel_size[0]
    weight = projection.weight.data
    nn.init.normal_(weight, std=1 / math.sqrt(3 * size * size))
    place = (torch.arange(size) + 0.5) / size
    order = sorted(((u, v) for u in range(size) for v in range(size)), key=lambda f: (f[0] ** 2 + f[1] ** 2, f))
    grey = torch.ones(3) / math.sqrt(3)
    colours = [torch.tensor([1.0, -1.0, 0.0]) / math.sqrt(2), torch.tensor([1.0, 1.0, -2.0]) / math.sqrt(6)]
    budget = len(weight) * 3 // 4
    plan = [(f, colour) for f in order[:6] for colour in colours]
    plan = [(f, grey) for f in order[: budget - len(plan)]] + plan
    for i, ((u, v), colour) in enumerate(plan[:budget]):
        basis = torch.outer(torch.cos(math.pi * u * place), torch.cos(math.pi * v * place))
        weight[i] = colour[:, None, None] * (basis / basis.norm())
    with torch.no_grad():
        response = F.conv2d(sample, weight, stride=size)
        gain = 0.7 / response.std((0, 2, 3)).clamp(min=1e-3)
        weight.mul_(gain.view(-1, 1, 1, 1))
        projection.bias.copy_(-response.mean((0, 2, 3)) * gain)


def _look_near(attention, heads):
    """Give every head a Gaussian round its own offset (in tokens), as a convolution's taps have.

    SAM adds q . R[d] per axis, d = query index - key index. With R[d] spanning (-d^2, d) along fixed directions and a
    constant part of q along them (the bias), the sum is -a(d - c)^2 up to a constant: a separable Gaussian at c.
    """
    offsets = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1), (0, 0)]
    head_width = attention.rel_pos_h.shape[1]
    square_y, linear_y, square_x, linear_x = torch.linalg.qr(torch.randn(head_width, 4))[0].T
    scale, sharpness = 0.25, 0.4

    def table(length, square, linear):
        d = (torch.arange(length) - length // 2).float().clamp(-5, 5)[:, None]
        return scale * (-(d**2) * square + d * linear)

    attention.rel_pos_h.data = table(attention.rel_pos_h.shape[0], square_y, linear_y)
    attention.rel_pos_w.data = table(attention.rel_pos_w.shape[0], square_x, linear_x)
    for head in range(heads):
        y, x = offsets[head % len(offsets)]
        query = square_y + 2 * y * linear_y + square_x + 2 * x * linear_x
        attention.qkv.bias.data[head * head_width : (head + 1) * head_width] = query * sharpness / scale


def grown(state, model):
    """`state` of a smaller input fitted to `model`: position tables are interpolated, all else is the same."""
    target = model.state_dict()
    for name, value in state.items():
        wanted = target[name].shape
        if value.shape != wanted:
            if name.endswith("pos_embed"):
                value = F.interpolate(value.permute(0, 3, 1, 2), size=wanted[1:3], mode="bicubic").permute(0, 2, 3, 1)
            elif "rel_pos" in name:
                value = F.interpolate(value.T[None], size=wanted[0], mode="linear")[0].T
            else:
                raise ValueError(f"{name}: expected {tuple(wanted)}, found {tuple(value.shape)}")
        target[name] = value.clone()
    return target


def deepened(model, after):
    """`model` with a copy of each block of `after` (indices from 0) put behind it, whose two outputs are zero: the same function at
    first, with more to learn (block expansion: Wu et al. 2024, LLaMA Pro, arXiv:2401.02415).
    """
    order = [(i, copy) for i in range(model.configuration.depth) for copy in (False, True) if not copy or i in after]
    c = replace(
        model.configuration,
        depth=len(order),
        global_blocks=tuple(new for new, (old, _) in enumerate(order) if old in model.configuration.global_blocks),
    )
    deeper = Sam(c)
    rest = {name: value for name, value in model.state_dict().items() if ".blocks." not in name}
    deeper.load_state_dict(rest, strict=False)
    for block, (old, copy) in zip(deeper.image_encoder.blocks, order):
        block.load_state_dict(model.image_encoder.blocks[old].state_dict())
        if copy:
            for last in (block.attn.proj, block.mlp.lin2):
                nn.init.zeros_(last.weight)
                nn.init.zeros_(last.bias)
    return deeper
