"""Moments of the layers' inputs, which inversion is held to (METHOD.md §3, §4)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cl_core.backbones import Backbone
from cl_core.backbones.chain import evaluating
from cl_core.images import as_maps

VARIANCE_FLOOR = 1e-5  # no stored or measured variance counts as less: a constant channel must not give infinity


@dataclass(frozen=True)
class Moments:
    """Count, mean and mean square of activations: of each channel (c,) or of each channel and position (c, h, w).

    Tokens have two channels for one, the class token's and the patches' (see `channel_moments`); positions (t, w).
    """

    count: int
    mean: Tensor
    mean_square: Tensor

    @property
    def variance(self) -> Tensor:
        return (self.mean_square - self.mean**2).clamp_min(VARIANCE_FLOOR)

    def merge(self, other: "Moments") -> "Moments":
        """Moments of both samples together (averaging variances would lose the spread between the two)."""
        count = self.count + other.count
        a, b = self.count / count, other.count / count
        return Moments(count, a * self.mean + b * other.mean, a * self.mean_square + b * other.mean_square)


def channel_moments(x: Tensor) -> Moments:
    """Moments of each channel of x (n, c, h, w), over images and positions.

    Of tokens (n, t, w): of each channel of the class token, then of each channel of the patches (2 · w,).
    """
    maps = as_maps(x)
    means, squares = [m.mean((0, 2, 3)) for m in maps], [(m * m).mean((0, 2, 3)) for m in maps]
    return Moments(x.shape[0], torch.cat(means), torch.cat(squares))


def position_moments(x: Tensor) -> Moments:
    """Moments of each channel and position of x (n, c, h, w) or (n, t, w), over images."""
    return Moments(x.shape[0], x.mean(0), (x * x).mean(0))


def running_moments(norm: nn.BatchNorm2d) -> Moments:
    """What a BatchNorm layer has seen in training: its running mean and variance."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("This BatchNorm layer keeps no running statistics.")
    return Moments(1, norm.running_mean, norm.running_var + norm.running_mean**2)


def gaussian_kl(mean: Tensor, variance: Tensor, target_mean: Tensor, target_variance: Tensor) -> Tensor:
    """KL( N(mean, variance) ‖ N(target) ) of each entry (METHOD.md §4):

    ½ · [ log σ² − log v − 1 + (v + (m − μ)²) / σ² ].
    """
    v, sigma2 = variance.clamp_min(VARIANCE_FLOOR), target_variance.clamp_min(VARIANCE_FLOOR)
    return 0.5 * (sigma2.log() - v.log() - 1 + (v + (mean - target_mean) ** 2) / sigma2)


@contextmanager
def watching(modules: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """The inputs that `modules` received in the latest forward pass, in the order given, as parts of the graph.

    Hooks are always removed.
    """
    seen = [torch.empty(0)] * len(modules)

    def keep(index: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: seen.__setitem__(index, inputs[0])

    handles = [module.register_forward_pre_hook(keep(i)) for i, module in enumerate(modules)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def measure_moments(backbone: Backbone, images: Tensor, kind: str) -> tuple[list[Moments], list[Moments]]:
    """Moments of every layer's and every BatchNorm's input, on normalised images (n, c, h, w), in evaluation mode.

    kind: "channel" or "position", for the layers' inputs; norms are always measured by channel.
    """
    of = channel_moments if kind == "channel" else position_moments
    layers, totals = len(backbone.layers), list[Moments]()
    with torch.no_grad(), evaluating(backbone):
        for part in images.split(backbone.at_once):
            with watching([*backbone.layers, *backbone.norms]) as seen:
                backbone.features(part)
            seen = [x.float() for x in seen]  # bfloat16 where the network computes so
            found = [of(x) for x in seen[:layers]] + [channel_moments(x) for x in seen[layers:]]
            totals = [a.merge(b) for a, b in zip(totals, found, strict=True)] if totals else found
    return totals[:layers], totals[layers:]
