"""Backbone: a chain of layers whose composition is the penultimate feature, and a linear head (METHOD.md §3)."""

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cl_core import footprint
from cl_core.images import Normaliser
from cl_core.pulse import pulse


@dataclass(frozen=True)
class PresentHead:
    """Features (n, d) → logits (n, classes), as the parameters are now.

    prototypes: text features (classes, d) of the classes' prompts, part of the graph; None without a text tower.
    """

    apply: Callable[[Tensor], Tensor]
    prototypes: Tensor | None = None

    def __call__(self, features: Tensor) -> Tensor:
        return self.apply(features)


class Backbone(nn.Module):
    """f = f_L ∘ … ∘ f_1 with features (n, d), then a head.

    layers: the chain, first layer first; layer_names: one a layer; stages: which layers form each stage, in order;
    input_shape: (c, h, w) of a normalised image. Between layers go maps (n, c, h, w) or tokens (n, t, w), the class
    token first; see `images.as_maps`. mixed: layers compute in bfloat16 where that is safe (autocast); what
    goes in and comes out is float32.
    """

    mixed = False
    unit_features = False  # features have length 1
    at_once = footprint.AT_ONCE  # images that pass through where no gradients are needed
    pool = 1  # side of the grid that a feature is
    prompts: Sequence[Sequence[str]] = ()  # of each class, where it is known by what is said of it

    def __init__(
        self,
        layers: Sequence[nn.Module],
        layer_names: Sequence[str],
        stages: Sequence[range],
        input_shape: tuple[int, int, int],
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.layer_names = list(layer_names)
        self.stages = list(stages)
        self.input_shape = input_shape
        # Maps features to logits; has a weight (classes, d), a bias and their sizes, as this one. See `set_head`.
        self.head: Any = nn.utils.skip_init(nn.Linear, 1, 1)

    def features(self, x: Tensor) -> Tensor:
        """Penultimate features (n, d) of normalised images (n, c, h, w)."""
        return self.through(range(len(self.layers)), x)

    def through(self, group: Sequence[int], x: Tensor) -> Tensor:
        """What some consecutive layers make of x, the input of the first of them, in float32."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.mixed):
            for index in group:
                pulse()
                x = self.layers[index](x)
                if x.grad_fn is not None:
                    x.register_hook(pulse)  # on the way back
        return x.float()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    @property
    def feature_size(self) -> int:
        return int(self.head.in_features)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def normaliser(self, mean: np.ndarray, std: np.ndarray) -> Normaliser:
        """How unit images of the stream, with this mean and deviation a channel (c,), become its input."""
        return Normaliser(mean, std, self.device)

    def parts(self, scope: str) -> list[nn.Module]:
        """The modules that learning changes: those of the "head", of the last "stage" and the head, or "all"."""
        parts: dict[str, list[nn.Module]] = {"all": [self], "head": [self.head]}
        parts["stage"] = [self.head, *(self.layers[i] for i in self.stages[-1])]
        return parts[scope]

    def present_head(self) -> PresentHead:
        """The head for one step of learning: what is the same for all features is computed once."""
        return PresentHead(self.head)

    def teacher(self) -> "Backbone":
        """A frozen copy in evaluation mode; what learning never changes may be shared."""
        return copy.deepcopy(self).eval().requires_grad_(False)

    def learned_state(self) -> dict[str, Tensor]:
        """What learning changes, by name: a step keeps it."""
        return self.state_dict()

    def load_learned(self, state: Mapping[str, Tensor]) -> None:
        """The inverse of `learned_state`."""
        self.load_state_dict(state)

    def fixed_state(self) -> dict[str, Tensor]:
        """What learning never changes: kept once for all the steps that share it."""
        return {}

    @property
    def norms(self) -> list[nn.BatchNorm2d]:
        """The BatchNorm layers, in the order in which an image meets them."""
        return self.norms_of(range(len(self.layers)))

    def norms_of(self, layers: Sequence[int]) -> list[nn.BatchNorm2d]:
        """The BatchNorm layers inside some layers of the chain."""
        return [m for index in layers for m in self.layers[index].modules() if isinstance(m, nn.BatchNorm2d)]

    def groups(self, kind: str, first: int = 0) -> list[range]:
        """Consecutive layers that are inverted together, of those from `first` on: see `groups_of`."""
        return groups_of(len(self.layers), self.stages, kind, first)

    def group_name(self, group: range) -> str:
        """The layers of a group in words."""
        names = [self.layer_names[i] for i in group]
        return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"

    def layer_input_shapes(self) -> list[tuple[int, ...]]:
        """The shape (without n) of each layer's input."""
        shapes, x = [], torch.zeros(1, *self.input_shape, device=self.device)
        with torch.no_grad(), evaluating(self):
            for layer in self.layers:
                shapes.append(tuple(x.shape[1:]))
                x = layer(x)
        return shapes

    def set_head(self, classes: int, generator: torch.Generator) -> None:
        """A head for `classes` classes; rows that exist already are kept, new ones are drawn."""
        old, size = self.head, self._measure_feature_size()
        fresh = nn.Linear(size, classes)
        bound = 1 / math.sqrt(size)
        with torch.no_grad():
            fresh.weight.uniform_(-bound, bound, generator=generator)
            fresh.bias.zero_()
            if old.in_features == size:
                fresh.weight[: old.out_features] = old.weight.cpu()
                fresh.bias[: old.out_features] = old.bias.cpu()
        self.head = fresh.to(self.device)

    def _measure_feature_size(self) -> int:
        x = torch.zeros(1, *self.input_shape, device=self.device)
        with torch.no_grad(), evaluating(self):
            return self.features(x).shape[1]


def groups_of(layers: int, stages: Sequence[range], kind: str, first: int = 0) -> list[range]:
    """A chain's layers in groups: each layer, the stages, two halves, or the whole chain; those from `first` on."""
    half = (layers + 1) // 2
    groups = {
        "layers": [range(i, i + 1) for i in range(layers)],
        "stages": list(stages),
        "halves": [range(half), range(half, layers)],
        "whole": [range(layers)],
    }[kind]
    return [range(max(first, group.start), group.stop) for group in groups if group.stop > first]


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode within the block; every sub-module's own mode is restored after it, also after an error."""
    modes = {m: m.training for m in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for m, mode in modes.items():
            m.training = mode


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients for the parameters within the block; both are restored after it."""
    wanted = {p: p.requires_grad for p in module.parameters()}
    try:
        with evaluating(module):
            for p in wanted:
                p.requires_grad_(False)
            yield
    finally:
        for p, value in wanted.items():
            p.requires_grad_(value)
