"""What data-free learning may keep: moments of the layers' inputs, and a Gaussian a class (METHOD.md §3, §4, §6)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cl_core.backbones import Backbone
from cl_core.backbones.chain import evaluating

VARIANCE_FLOOR = 1e-5  # no stored or measured variance counts as less: a constant channel must not give infinity


@dataclass(frozen=True)
class Moments:
    """Count, mean and mean square of activations: of each channel (c,) or of each channel and position (c, h, w)."""

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
    """Moments of each channel of x (n, c, h, w), over images and positions."""
    return Moments(x.shape[0], x.mean((0, 2, 3)), (x * x).mean((0, 2, 3)))


def position_moments(x: Tensor) -> Moments:
    """Moments of each channel and position of x (n, c, h, w), over images."""
    return Moments(x.shape[0], x.mean(0), (x * x).mean(0))


def running_moments(norm: nn.BatchNorm2d) -> Moments:
    """What a BatchNorm layer has seen in training: its running mean and variance."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("This BatchNorm layer keeps no running statistics.")
    return Moments(1, norm.running_mean, norm.running_var + norm.running_mean**2)


def gaussian_kl(mean: Tensor, variance: Tensor, target_mean: Tensor, target_variance: Tensor) -> Tensor:
    """KL( N(mean, variance) ‖ N(target) ), averaged over the entries (METHOD.md §4):

    ½ · [ log σ² − log v − 1 + (v + (m − μ)²) / σ² ].
    """
    v, sigma2 = variance.clamp_min(VARIANCE_FLOOR), target_variance.clamp_min(VARIANCE_FLOOR)
    return 0.5 * (sigma2.log() - v.log() - 1 + (v + (mean - target_mean) ** 2) / sigma2).mean()


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


def measure_moments(
    backbone: Backbone, images: Tensor, kind: str, batch: int = 500
) -> tuple[list[Moments], list[Moments]]:
    """Moments of every layer's and every BatchNorm's input, on normalised images (n, c, h, w), in evaluation mode.

    kind: "channel" or "position", for the layers' inputs; norms are always measured by channel.
    """
    of = channel_moments if kind == "channel" else position_moments
    layers, totals = len(backbone.layers), list[Moments]()
    with torch.no_grad(), evaluating(backbone):
        for part in images.split(batch):
            with watching([*backbone.layers, *backbone.norms]) as seen:
                backbone.features(part)
            seen = [x.float() for x in seen]  # bfloat16 where the network computes so
            found = [of(x) for x in seen[:layers]] + [channel_moments(x) for x in seen[layers:]]
            totals = [a.merge(b) for a, b in zip(totals, found, strict=True)] if totals else found
    return totals[:layers], totals[layers:]


class ClassGaussians:
    """A Gaussian for each class's penultimate features: a mean and a diagonal or full covariance (METHOD.md §6).

    kind: "diagonal" (the paper) or "full"; shrinkage: share of the mean variance mixed into a full covariance's
    diagonal, which keeps it invertible when there are fewer images than dimensions.
    mean (classes, d); spread (classes, d) variances, or (classes, d, d) covariances.
    """

    def __init__(self, kind: str = "diagonal", shrinkage: float = 0.02) -> None:
        self.kind, self.shrinkage = kind, shrinkage
        self.mean = torch.zeros(0, 0)
        self.spread = torch.zeros(0, 0)

    def __len__(self) -> int:
        return self.mean.shape[0]

    def fit(self, features: Tensor, labels: Tensor, classes: Sequence[int]) -> "ClassGaussians":
        """One Gaussian for each of `classes`, in that order, from features (n, d) and labels (n,)."""
        fitted = [self._fit_one(features[labels == c]) for c in classes]
        self.mean = torch.stack([mean for mean, _ in fitted])
        self.spread = torch.stack([spread for _, spread in fitted])
        return self

    def _fit_one(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if len(x) == 0:
            raise ValueError("A class without an image has no Gaussian.")
        mean = x.mean(0)
        centred = x - mean
        if self.kind == "diagonal":
            return mean, (centred**2).mean(0).clamp_min(VARIANCE_FLOOR)
        covariance = centred.T @ centred / len(x)
        level = covariance.diagonal().mean().clamp_min(VARIANCE_FLOOR)
        eye = torch.eye(x.shape[1], device=x.device)
        return mean, (1 - self.shrinkage) * covariance + self.shrinkage * level * eye

    def join(self, other: "ClassGaussians") -> "ClassGaussians":
        """These classes, then the other's."""
        if len(self) == 0:
            return other
        joined = ClassGaussians(self.kind, self.shrinkage)
        joined.mean = torch.cat([self.mean, other.mean])
        joined.spread = torch.cat([self.spread, other.spread])
        return joined

    def take(self, classes: Sequence[int]) -> "ClassGaussians":
        """Some of the classes, in the order given."""
        taken = ClassGaussians(self.kind, self.shrinkage)
        index = torch.as_tensor(list(classes), device=self.mean.device)
        taken.mean, taken.spread = self.mean[index], self.spread[index]
        return taken

    def covariance(self, c: int) -> Tensor:
        """The covariance (d, d) of a class."""
        return self.spread[c].diag() if self.kind == "diagonal" else self.spread[c]

    def sample(self, c: int, n: int, generator: torch.Generator) -> Tensor:
        """n draws (n, d) of a class."""
        noise = torch.randn(n, self.mean.shape[1], generator=generator).to(self.mean.device)
        if self.kind == "diagonal":
            return self.mean[c] + noise * self.spread[c].sqrt()
        return self.mean[c] + noise @ torch.linalg.cholesky(self.spread[c]).T

    def whitening(self, c: int) -> Tensor:
        """The matrix (d, d) that maps deviations from a class's mean to unit covariance: x ↦ x @ whitening."""
        if self.kind == "diagonal":
            return self.spread[c].rsqrt().diag()
        factor = torch.linalg.cholesky(self.spread[c])
        eye = torch.eye(factor.shape[0], device=factor.device)
        return torch.linalg.solve_triangular(factor, eye, upper=False).T

    def map_affine(self, weight: Tensor, bias: Tensor) -> "ClassGaussians":
        """The Gaussians after x ↦ x @ weight + bias, with weight (d, d) and bias (d,)."""
        mapped = ClassGaussians(self.kind, self.shrinkage)
        mapped.mean = self.mean @ weight + bias
        full = torch.stack([weight.T @ self.covariance(c) @ weight for c in range(len(self))])
        mapped.spread = torch.stack([s.diagonal() for s in full]) if self.kind == "diagonal" else full
        if self.kind == "diagonal":
            mapped.spread = mapped.spread.clamp_min(VARIANCE_FLOOR)
        else:
            level = mapped.spread.diagonal(dim1=1, dim2=2).mean(1).clamp_min(VARIANCE_FLOOR)
            mapped.spread = mapped.spread + 1e-4 * level[:, None, None] * torch.eye(
                weight.shape[0], device=weight.device
            )
        return mapped

    def to_arrays(self) -> dict[str, np.ndarray]:
        """mean, and std or covariance, as float32 arrays."""
        name, spread = ("std", self.spread.sqrt()) if self.kind == "diagonal" else ("covariance", self.spread)
        return {"mean": self.mean.cpu().numpy(), name: spread.cpu().numpy()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], device: torch.device) -> "ClassGaussians":
        """The inverse of `to_arrays`."""
        gaussians = cls("diagonal" if "std" in arrays else "full")
        gaussians.mean = torch.tensor(arrays["mean"], device=device)
        spread = (
            torch.tensor(arrays["std"], device=device) ** 2
            if "std" in arrays
            else torch.tensor(arrays["covariance"], device=device)
        )
        gaussians.spread = spread
        return gaussians


def affine_fit(x: Tensor, y: Tensor, ridge: float = 1e-2) -> tuple[Tensor, Tensor]:
    """weight (d, d) and bias (d,) of the ridge regression of y (n, d) on x (n, d), pulled toward the identity.

    ridge: strength in units of the mean variance of x.
    """
    mx, my = x.mean(0), y.mean(0)
    xc, yc = x - mx, y - my
    gram = xc.T @ xc / len(x)
    penalty = ridge * gram.diagonal().mean().clamp_min(VARIANCE_FLOOR) * torch.eye(x.shape[1], device=x.device)
    weight = torch.linalg.solve(gram + penalty, xc.T @ yc / len(x) + penalty)
    return weight, my - mx @ weight
