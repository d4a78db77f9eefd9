"""A CLIP's image tower as a chain of layers, and its text tower as the head (METHOD.md §3, §8).

Letters: n images, t tokens (the class token first), w width, d feature size.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cl_core.backbones import architectures, clip_weights
from cl_core.backbones.adapters import Adapter, adapter_state, add_adapters, load_adapters
from cl_core.backbones.chain import Backbone, PresentHead, groups_of
from cl_core.backbones.clip import Clip
from cl_core.config import ConfigError, NetworkConfig
from cl_core.images import Normaliser


def build(
    config: NetworkConfig,
    input_shape: tuple[int, int, int],
    prompts: Sequence[Sequence[str]],
    classes: int,
    generator: torch.Generator,
    fixed: Mapping[str, np.ndarray] | None,
    instead: Sequence[Sequence[Sequence[str]]] = (),
) -> "ClipChain":
    """A CLIP with adapters that are the identity, for images (c, h, w); see `backbones.build`. Raises ConfigError."""
    if not prompts:
        raise ConfigError("A CLIP needs prompts: it knows a class by what is said of it.")
    if fixed:
        model = clip_weights.restore(config.clip, fixed)
    elif config.checkpoint == clip_weights.RANDOM:
        seed = int(torch.randint(2**31, (1,), generator=generator))
        model = clip_weights.build(config.clip, seed=seed)
    else:
        model = clip_weights.build(config.clip, config.checkpoint)
    prompts = model.readable(prompts, instead or [[]] * len(prompts))
    chain = ClipChain(model, input_shape, prompts, add_adapters(model, config.adapter, generator))
    chain.set_head(classes, generator)
    return chain.eval()


def count_groups(name: str, kind: str, first: int = 0) -> int:
    """How many groups of layers the chain of an architecture has, from layer `first` on. Raises ConfigError."""
    layers = 1 + architectures.image_blocks(name)
    return len(groups_of(layers, stages_of(layers), kind, first))


def stages_of(layers: int) -> list[range]:
    """The patch embedding, and two halves of the blocks."""
    half = (layers + 1) // 2
    return [range(0, 1), range(1, half), range(half, layers)] if half > 1 else [range(layers)]


class Embedding(nn.Module):
    """Layer 1: unit images (n, c, h, w) of the data → tokens (n, t, w): a picture as CLIP knows pictures, its

    normalisation, patches, class token, positions, ln_pre.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, clip: Clip) -> None:
        super().__init__()
        self.visual: Any = clip.model.visual
        self.draws_on_white = clip.draws_on_white
        self.register_buffer("mean", clip.mean, persistent=False)
        self.register_buffer("std", clip.std, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        visual = self.visual
        x = as_pictures(x, visual.image_size, self.draws_on_white)
        patches = visual.conv1((x - self.mean) / self.std).flatten(2).transpose(1, 2)  # (n, t − 1, w)
        first = visual.class_embedding.expand(len(x), 1, -1)
        return visual.ln_pre(torch.cat([first, patches], dim=1) + visual.positional_embedding)


def as_pictures(x: Tensor, size: Sequence[int], on_white: bool) -> Tensor:
    """Unit images (n, c, h, w) as colour pictures (n, 3, *size).

    on_white: grey images, light on black, become dark drawings in the middle of white, as `pictures.on_white` makes
    them. What has another size is scaled.
    """
    height, width = size
    if x.shape[1] == 1:
        x = x.expand(-1, 3, -1, -1)
        if on_white:
            x = 1 - x
            above, left = height - x.shape[2], width - x.shape[3]
            if 0 <= above < height // 2 and 0 <= left < width // 2:
                x = F.pad(x, (left // 2, left - left // 2, above // 2, above - above // 2), value=1.0)
    if x.shape[2:] != (height, width):
        x = F.interpolate(x, (height, width), mode="bilinear", align_corners=False, antialias=True)
    return x


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


class PromptedHead(nn.Module):
    """logits = scale · cosine of image features and the text prototypes of prompts, as the text tower is now."""

    def __init__(self, clip: Clip, prompts: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self.clip, self.classes = clip, len(prompts)
        self.of = torch.arange(len(prompts)).repeat_interleave(torch.tensor([len(of) for of in prompts]))
        self.tokens = clip.tokenizer([prompt for of in prompts for prompt in of])  # (prompts, context)

    def prototypes(self) -> Tensor:
        """Of each class the normalised mean of its prompts' normalised features (classes, d)."""
        device = self.clip.mean.device
        features = F.normalize(self.clip.model.encode_text(self.tokens.to(device)), dim=-1)
        sums = features.new_zeros(self.classes, features.shape[1]).index_add(0, self.of.to(device), features)
        return F.normalize(sums, dim=-1)

    @property
    def weight(self) -> Tensor:
        """The head as a linear map (classes, d), without a graph."""
        with torch.no_grad():
            return self.clip.scale * self.prototypes()

    @property
    def bias(self) -> Tensor:
        return torch.zeros(self.classes, device=self.clip.mean.device)

    @property
    def in_features(self) -> int:
        return int(self.clip.model.visual.proj.shape[1])

    @property
    def out_features(self) -> int:
        return self.classes

    def forward(self, features: Tensor) -> Tensor:
        return self.clip.scale * features @ self.prototypes().T


class ClipChain(Backbone):
    """The image tower of a Clip as a chain; its head compares with text prototypes.

    Images go in as they are in the data, in [0, 1]; features come out normalised. Layers and head share the towers' own
    parameters. prompts: of every class, first class first; adapters: of both towers, all that learning changes.
    """

    unit_features = True

    def __init__(
        self,
        clip: Clip,
        input_shape: tuple[int, int, int] | None = None,
        prompts: Sequence[Sequence[str]] = (),
        adapters: Sequence[Adapter] = (),
    ) -> None:
        visual = clip.model.visual
        blocks = list(visual.transformer.resblocks)
        layers = [Embedding(clip), *blocks[:-1], Projection(blocks[-1], visual)]
        names = ["patch embedding", *(f"block {i}" for i in range(1, len(blocks))), f"block {len(blocks)} and head"]
        super().__init__(layers, names, stages_of(len(layers)), input_shape or (3, *visual.image_size))
        self.clip = clip
        self.prompts, self.adapters = tuple(tuple(of) for of in prompts), list(adapters)
        clip.check([prompt for of in self.prompts for prompt in of])

    def features(self, x: Tensor) -> Tensor:
        """Features (n, d) of images (n, c, h, w), or of what the patch embedding would make of them (n, t, w)."""
        return self.through(range(x.dim() == 3, len(self.layers)), x)

    def set_head(self, classes: int, generator: torch.Generator) -> None:
        """A head for the first `classes` of the prompts."""
        self.head = PromptedHead(self.clip, self.prompts[:classes])

    def set_prototypes(self, prototypes: Tensor, scale: Tensor) -> None:
        """A head whose logits are scale · cosine with text prototypes (classes, d), which stay as they are."""
        head = nn.Linear(prototypes.shape[1], len(prototypes)).to(prototypes.device)
        with torch.no_grad():
            head.weight.copy_(scale * prototypes)
            head.bias.zero_()
        self.head = head

    def present_head(self) -> PresentHead:
        head, scale = self.head, self.clip.scale
        if isinstance(head, PromptedHead):
            prototypes = head.prototypes()
            return PresentHead(lambda features: scale * features @ prototypes.T, prototypes)
        return PresentHead(head, head.weight / scale)

    def normaliser(self, mean: np.ndarray, std: np.ndarray) -> Normaliser:
        """Images go in as they are: CLIP's own normalisation is part of the first layer."""
        return Normaliser(np.zeros_like(mean), np.ones_like(std), self.device)

    def parts(self, scope: str) -> list[nn.Module]:
        """The adapters: of the text tower for the "head"; with those of the last image blocks for the last "stage"."""
        of_text = [a for a in self.adapters if not self._in_layers(a, range(len(self.layers)))]
        if scope == "head":
            return [*of_text]
        if scope == "stage":
            return [*of_text, *(a for a in self.adapters if self._in_layers(a, self.stages[-1]))]
        return [*self.adapters]

    def _in_layers(self, adapter: Adapter, layers: Sequence[int]) -> bool:
        return any(adapter is module for i in layers for module in self.layers[i].modules())

    def teacher(self) -> "ClipChain":
        """A frozen copy, its prototypes as they are now; the towers are shared, since learning never changes them."""
        learned = {id(p) for adapter in self.adapters for p in adapter.parameters()}
        shared: dict[int, Any] = {id(p): p for p in self.parameters() if id(p) not in learned}
        shared[id(self.clip.tokenizer)] = self.clip.tokenizer
        teacher = copy.deepcopy(self, shared).eval().requires_grad_(False)
        if isinstance(self.head, PromptedHead):
            with torch.no_grad():
                teacher.set_prototypes(self.head.prototypes(), self.clip.scale)
            teacher.head.requires_grad_(False)
        return teacher

    def learned_state(self) -> dict[str, Tensor]:
        return adapter_state(self.clip)

    def load_learned(self, state: Mapping[str, Tensor]) -> None:
        load_adapters(self.clip, state)

    def fixed_state(self) -> dict[str, Tensor]:
        return self.clip.fixed_state()
