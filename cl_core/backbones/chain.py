"""Backbone: a chain of layers whose composition is the penultimate feature, and a linear head (METHOD.md §3)."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cl_core.pulse import pulse


class Backbone(nn.Module):
    """f = f_L ∘ … ∘ f_1 with features (n, d), then a head.

    layers: the chain, first layer first; layer_names: one a layer; stages: which layers form each stage, in order;
    input_shape: (c, h, w) of a normalised image. mixed: layers compute in bfloat16 where that is safe (autocast); what
    goes in and comes out is float32.
    """

    mixed = False

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
        self.head = nn.Linear(1, 1)  # replaced by `set_head` once the feature size is known

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
        return self.head.in_features

    @property
    def norms(self) -> list[nn.BatchNorm2d]:
        """The BatchNorm layers, in the order in which an image meets them."""
        return self.norms_of(range(len(self.layers)))

    def norms_of(self, layers: Sequence[int]) -> list[nn.BatchNorm2d]:
        """The BatchNorm layers inside some layers of the chain."""
        return [m for index in layers for m in self.layers[index].modules() if isinstance(m, nn.BatchNorm2d)]

    def groups(self, kind: str) -> list[range]:
        """Consecutive layers that are inverted together: each layer, the stages, two halves, or the whole chain."""
        n = len(self.layers)
        half = (n + 1) // 2
        return {
            "layers": [range(i, i + 1) for i in range(n)],
            "stages": self.stages,
            "halves": [range(half), range(half, n)],
            "whole": [range(n)],
        }[kind]

    def group_name(self, group: range) -> str:
        """The layers of a group in words."""
        names = [self.layer_names[i] for i in group]
        return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"

    def layer_input_shapes(self) -> list[tuple[int, ...]]:
        """The shape (without n) of each layer's input."""
        shapes, x = [], torch.zeros(1, *self.input_shape, device=self.head.weight.device)
        with torch.no_grad(), evaluating(self):
            for layer in self.layers:
                shapes.append(tuple(x.shape[1:]))
                x = layer(x)
        return shapes

    def set_head(self, classes: int, generator: torch.Generator) -> None:
        """A head for `classes` classes; rows that exist already are kept, new ones are drawn."""
        old, size = self.head, self._measure_feature_size()
        device = old.weight.device
        fresh = nn.Linear(size, classes)
        bound = 1 / math.sqrt(size)
        with torch.no_grad():
            fresh.weight.uniform_(-bound, bound, generator=generator)
            fresh.bias.zero_()
            if old.in_features == size:
                fresh.weight[: old.out_features] = old.weight.cpu()
                fresh.bias[: old.out_features] = old.bias.cpu()
        self.head = fresh.to(device)

    def _measure_feature_size(self) -> int:
        x = torch.zeros(1, *self.input_shape, device=self.head.weight.device)
        with torch.no_grad(), evaluating(self):
            return self.features(x).shape[1]


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
