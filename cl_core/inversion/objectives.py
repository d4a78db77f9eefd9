"""The loss terms of inversion, as plain functions that add (METHOD.md §4–5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cl_core.images import as_maps
from cl_core.statistics import VARIANCE_FLOOR, Moments, gaussian_kl

CACHED = 2**18  # numbers that stay in a core's cache


class _ChannelKLs(torch.autograd.Function):
    """`channel_kls` with one fused backward pass: the gradient of a mean and a mean square is a + b·x in each channel.

    Autograd through torch.var_mean took twice as long for a whole step of inversion.
    """

    @staticmethod
    def forward(ctx: Any, mean: Tensor, variance: Tensor, *xs: Tensor) -> Tensor:
        sums = torch.cat([_channel_sums(x) for x in xs], 1)  # (2, channels of all)
        count = _for_each_channel(xs, lambda x: x.numel() / x.shape[1])
        share = _for_each_channel(xs, lambda x: 1 / x.shape[1])
        m = sums[0] / count
        v = (sums[1] / count - m**2).clamp_min(VARIANCE_FLOOR)
        ctx.save_for_backward(m, v, mean, variance, count, share, *xs)
        return (share * gaussian_kl(m, v, mean, variance)).sum()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        m, v, mean, variance, count, share, *xs = ctx.saved_tensors
        by_mean = (m - mean) / variance * share
        by_variance = 0.5 * (1 / variance - 1 / v) * share * (v > VARIANCE_FLOOR)
        slope = 2 * by_variance / count * grads[0]
        offset = (by_mean - 2 * m * by_variance) / count * grads[0]
        sizes, found = [x.shape[1] for x in xs], list[Tensor]()
        for x, a, b in zip(xs, offset.split(sizes), slope.split(sizes), strict=True):
            a, b = (t.to(x.dtype).repeat_interleave(x[0, 0].numel()) for t in (a, b))
            found.append(torch.addcmul(a, x.reshape(len(x), -1), b).view(x.shape))
        return None, None, *found


def _for_each_channel(xs: Sequence[Tensor], of: Callable[[Tensor], float]) -> Tensor:
    """A number of each tensor, repeated for each of its channels."""
    return torch.cat([torch.full((x.shape[1],), of(x), device=x.device) for x in xs])


def _channel_sums(x: Tensor) -> Tensor:
    """Sum and sum of squares of each channel of x (n, c, h, w), which may be bfloat16: (2, c), at least float32.

    A few whole images at a time, so that what is squared is still in the cache: thrice as fast as reducing channels.
    """
    channels, exact = x.shape[1], torch.promote_types(x.dtype, torch.float32)
    flat = x.reshape(len(x), -1)
    sums = flat.new_zeros(2, flat.shape[1], dtype=exact)
    for part in flat.split(max(1, CACHED // flat.shape[1])):
        values = part.to(exact)
        sums[0] += values.sum(0)
        sums[1] += (values * values).sum(0)
    return sums.view(2, channels, -1).sum(2)


def channel_kls(xs: Sequence[Tensor], known: Sequence["Moments | InputStatistics"]) -> Tensor:
    """Sum over tensors (n, c, h, w) of the KL of its channel statistics from those known, averaged over channels."""
    if len(xs) != len(known):
        raise ValueError(f"There are {len(xs)} tensors but statistics of {len(known)}; one each is needed.")
    mean, variance = (torch.cat([getattr(k, name) for k in known]) for name in ("mean", "variance"))
    maps = [m for x in xs for m in as_maps(x)]
    return _ChannelKLs.apply(mean, variance, *maps)  # type: ignore[no-untyped-call]


def channel_kl(x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """KL of the batch's channel statistics from the stored ones, averaged over channels; x (n, c, h, w)."""
    return _ChannelKLs.apply(mean, variance, *as_maps(x))  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class InputStatistics:
    """What is known of a tensor that inversion makes: mean and variance of each channel (c,), or of each class, channel

    and position (g, c, h, w); then the batch must hold g classes one after the other, with equally many images.
    Of tokens (n, t, w): (2 · w,), of the class token and of the patches, or (g, t, w).
    """

    mean: Tensor
    variance: Tensor

    @property
    def by_class(self) -> bool:
        return self.mean.dim() > 1

    def first(self, classes: int) -> "InputStatistics":
        """The same for a batch of the first so many classes."""
        return InputStatistics(self.mean[:classes], self.variance[:classes]) if self.by_class else self

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A start (n, c, h, w) from N(mean, variance)."""
        noise = torch.randn(shape, generator=generator).to(self.mean.device)
        return self.centre(shape) + noise * self.deviation(shape)

    def centre(self, shape: tuple[int, ...]) -> Tensor:
        """The mean, to be broadcast to (n, c, h, w)."""
        return self._spread_out(self.mean, shape)

    def deviation(self, shape: tuple[int, ...]) -> Tensor:
        """The standard deviation, to be broadcast to (n, c, h, w)."""
        return self._spread_out(self.variance.sqrt(), shape)

    def _spread_out(self, entries: Tensor, shape: tuple[int, ...]) -> Tensor:
        if self.by_class:
            return entries.repeat_interleave(shape[0] // len(entries), 0)
        if len(shape) == 4:
            return entries[:, None, None]
        first, patches = entries.view(2, 1, -1)
        return torch.cat([first, patches.expand(shape[1] - 1, -1)])  # (t, w)

    def kl(self, x: Tensor) -> Tensor:
        """KL of the batch's statistics from these, averaged over their entries; x (n, c, h, w)."""
        if not self.by_class:
            return channel_kl(x, self.mean, self.variance)
        grouped = x.float().view(self.mean.shape[0], -1, *x.shape[1:])  # (g, n / g, c, h, w)
        m = grouped.mean(1)
        v = (grouped * grouped).mean(1) - m * m
        return gaussian_kl(m, v, self.mean, self.variance.clamp_min(1e-3 * float(self.variance.mean()))).mean()


def input_kls(xs: Sequence[Tensor], known: Sequence[InputStatistics]) -> Tensor:
    """Sum over layers' inputs of the KL from what is known of them, averaged over the entries."""
    if known[0].by_class:
        return torch.stack([k.kl(x) for x, k in zip(xs, known, strict=True)]).sum()
    return channel_kls(xs, known)


@dataclass(frozen=True)
class FeatureTarget:
    """Target features and how far from them is far.

    values (n, d); whiteners: none for the mean squared error (the paper), or one a class (see ClassModel), for the
    squared Mahalanobis distance over d; the batch must then hold g classes one after the other, equally many each.
    """

    values: Tensor
    whiteners: Sequence[Callable[[Tensor], Tensor]] = ()

    def distance(self, features: Tensor) -> Tensor:
        """Mean over images and dimensions."""
        difference = features - self.values
        if not self.whiteners:
            return (difference**2).mean()
        parts = difference.tensor_split(len(self.whiteners))
        white = [whiten(part) for whiten, part in zip(self.whiteners, parts, strict=True)]
        return torch.stack([part.square().mean() for part in white]).mean()


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels of x (n, c, h, w), down and across."""
    return (x[:, :, 1:] - x[:, :, :-1]).square().mean() + (x[:, :, :, 1:] - x[:, :, :, :-1]).square().mean()
