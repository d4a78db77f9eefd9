"""A CLIP's image tower as a chain of layers (METHOD.md §3, §8).

Letters: n images, t tokens (the class token first), w width, d feature size.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cl_core.backbones.chain import Backbone
from cl_core.backbones.clip import Clip


class Embedding(nn.Module):
    """Layer 1: images in [0, 1] (n, 3, h, w) → tokens (n, t, w): normalisation, patches, class token, positions,
    ln_pre.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, clip: Clip) -> None:
        super().__init__()
        self.visual: Any = clip.model.visual
        self.register_buffer("mean", clip.mean, persistent=False)
        self.register_buffer("std", clip.std, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        visual = self.visual
        patches = visual.conv1((x - self.mean) / self.std).flatten(2).transpose(1, 2)  # (n, t − 1, w)
        first = visual.class_embedding.expand(len(x), 1, -1)
        return visual.ln_pre(torch.cat([first, patches], dim=1) + visual.positional_embedding)


class Projection(nn.Module):
    """The last transformer block with the final norm, projection and normalisation: tokens (n, t, w) → (n, d).

    Block and head are one layer: the head reads the class token alone, so that without the block before it the other
    tokens would get no gradient and could not be inverted.
    """

    def __init__(self, block: nn.Module, visual: Any) -> None:
        super().__init__()
        self.block = block
        self.visual = visual

    def forward(self, x: Tensor) -> Tensor:
        pooled, _ = self.visual._pool(self.block(x))
        return F.normalize(pooled @ self.visual.proj, dim=-1)


class ClipChain(Backbone):
    """The image tower of a Clip as a chain; its head compares with text prototypes (`set_prototypes`).

    Images go in as they are, in [0, 1]; features come out normalised. The layers share the tower's own parameters.
    """

    def __init__(self, clip: Clip) -> None:
        visual = clip.model.visual
        blocks = list(visual.transformer.resblocks)
        layers = [Embedding(clip), *blocks[:-1], Projection(blocks[-1], visual)]
        names = ["patch embedding", *(f"block {i}" for i in range(1, len(blocks))), f"block {len(blocks)} and head"]
        half = (len(layers) + 1) // 2
        height, width = visual.image_size
        stages = [range(0, 1), range(1, half), range(half, len(layers))] if half > 1 else [range(len(layers))]
        super().__init__(layers, names, stages, (3, height, width))

    def set_prototypes(self, prototypes: Tensor, scale: Tensor) -> None:
        """A head whose logits are scale · cosine with text prototypes (classes, d)."""
        head = nn.Linear(prototypes.shape[1], len(prototypes)).to(prototypes.device)
        with torch.no_grad():
            head.weight.copy_(scale * prototypes)
            head.bias.zero_()
        self.head = head
