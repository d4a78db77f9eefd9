"""The loss terms of inversion, as plain functions that add (METHOD.md §4–5)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cl_core.statistics import VARIANCE_FLOOR, gaussian_kl


class _ChannelKL(torch.autograd.Function):
    """`channel_kl` with one fused backward pass: the gradient of a mean and a mean square is a + b·x in each channel.

    Autograd through torch.var_mean took twice as long for a whole step of inversion.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        exact = torch.promote_types(x.dtype, torch.float32)  # x may be bfloat16
        m = x.mean((0, 2, 3), dtype=exact)
        norm = torch.linalg.vector_norm(x, dim=(0, 2, 3), dtype=exact)
        v = (norm**2 / (x.numel() / x.shape[1]) - m**2).clamp_min(VARIANCE_FLOOR)
        ctx.save_for_backward(x, m, v, mean, variance)
        return gaussian_kl(m, v, mean, variance)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        x, m, v, mean, variance = ctx.saved_tensors
        channels, count = x.shape[1], x.numel() / x.shape[1]
        by_mean = (m - mean) / variance / channels
        by_variance = 0.5 * (1 / variance - 1 / v) / channels * (v > VARIANCE_FLOOR)
        slope = 2 * by_variance / count * grads[0]
        offset = (by_mean - 2 * m * by_variance) / count * grads[0]
        offset, slope = offset.to(x.dtype), slope.to(x.dtype)
        return torch.addcmul(offset[None, :, None, None], x, slope[None, :, None, None]), None, None


def channel_kl(x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """KL of the batch's channel statistics from the stored ones, averaged over channels; x (n, c, h, w)."""
    return _ChannelKL.apply(x, mean, variance)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class InputStatistics:
    """What is known of a tensor that inversion makes: mean and variance of each channel (c,), or of each class, channel

    and position (g, c, h, w); then the batch must hold g classes one after the other, with equally many images.
    """

    mean: Tensor
    variance: Tensor

    @property
    def by_class(self) -> bool:
        return self.mean.dim() == 4

    def first(self, classes: int) -> "InputStatistics":
        """The same for a batch of the first so many classes."""
        return InputStatistics(self.mean[:classes], self.variance[:classes]) if self.by_class else self

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A start (n, c, h, w) from N(mean, variance)."""
        noise = torch.randn(shape, generator=generator).to(self.mean.device)
        return self.centre(shape) + noise * self.deviation(shape)

    def centre(self, shape: tuple[int, ...]) -> Tensor:
        """The mean, to be broadcast to (n, c, h, w)."""
        return self._spread_out(self.mean, shape[0])

    def deviation(self, shape: tuple[int, ...]) -> Tensor:
        """The standard deviation, to be broadcast to (n, c, h, w)."""
        return self._spread_out(self.variance.sqrt(), shape[0])

    def _spread_out(self, entries: Tensor, n: int) -> Tensor:
        return entries.repeat_interleave(n // len(entries), 0) if self.by_class else entries[:, None, None]

    def kl(self, x: Tensor) -> Tensor:
        """KL of the batch's statistics from these, averaged over their entries; x (n, c, h, w)."""
        if not self.by_class:
            return channel_kl(x, self.mean, self.variance)
        grouped = x.float().view(self.mean.shape[0], -1, *x.shape[1:])  # (g, n / g, c, h, w)
        m = grouped.mean(1)
        v = (grouped * grouped).mean(1) - m * m
        return gaussian_kl(m, v, self.mean, self.variance.clamp_min(1e-3 * float(self.variance.mean())))


@dataclass(frozen=True)
class FeatureTarget:
    """Target features and how far from them is far.

    values (n, d); whitening: None for the mean squared error (the paper), or (g, d, d), one matrix a class, for the
    squared Mahalanobis distance over d; the batch must then hold g classes one after the other, equally many each.
    """

    values: Tensor
    whitening: Tensor | None = None

    def distance(self, features: Tensor) -> Tensor:
        """Mean over images and dimensions."""
        difference = features - self.values
        if self.whitening is None:
            return (difference**2).mean()
        grouped = difference.view(self.whitening.shape[0], -1, difference.shape[1])
        return (grouped @ self.whitening).square().mean()


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels of x (n, c, h, w), down and across."""
    return (x[:, :, 1:] - x[:, :, :-1]).square().mean() + (x[:, :, :, 1:] - x[:, :, :, :-1]).square().mean()
