"""The loss terms of inversion, as plain functions that add (METHOD.md §4–5)."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cl_core.backbones.folding import FoldedNorm
from cl_core.images import as_maps
from cl_core.statistics import VARIANCE_FLOOR, Moments, gaussian_kl


class ChannelKLs:
    """KLs of the channel statistics of several tensors, maps or tokens, from those known of them, in one pass and back.

    known: mean and variance (c,) for each. seen_by: the modules whose inputs the first of them are, where one may be a
    FoldedNorm: then the statistics are those of what the BatchNorm in its place would have received.
    """

    def __init__(self, known: Sequence["Moments | InputStatistics"], seen_by: Sequence[nn.Module] = ()) -> None:
        self.mean, self.variance = (torch.cat([getattr(k, name) for k in known]) for name in ("mean", "variance"))
        self.known = len(known)
        self._measure([len(k.mean) for k in known])
        self.scale, self.shift = torch.ones_like(self.mean), torch.zeros_like(self.mean)
        parts = zip(seen_by, self.scale.split(self.sizes), self.shift.split(self.sizes), strict=False)
        for module, scale, shift in parts:
            if isinstance(module, FoldedNorm):
                scale.copy_(module.scale)
                shift.copy_(module.shift)

    def __call__(self, xs: Sequence[Tensor]) -> Tensor:
        """The KL of each tensor, averaged over its channels: (k,). Of tokens: of the class token + of the patches."""
        if len(xs) != self.known:
            raise ValueError(f"There are {len(xs)} tensors but statistics of {self.known}; one each is needed.")
        maps = [as_maps(x) for x in xs]
        self._measure([m.shape[1] for of in maps for m in of])
        each: Tensor = _FusedKLs.apply(self, *(m for of in maps for m in of))  # type: ignore[no-untyped-call]
        if len(each) == self.known:
            return each
        return torch.stack([part.sum() for part in each.split([len(of) for of in maps])])

    def _measure(self, sizes: list[int]) -> None:
        """The channels of each map, and what averages over them (maps, channels of all)."""
        if sizes != getattr(self, "sizes", None):
            self.sizes = sizes
            self.average = torch.block_diag(*(torch.full((1, c), 1 / c) for c in sizes)).to(self.mean)


class _FusedKLs(torch.autograd.Function):
    """ChannelKLs with one fused backward pass: the gradient of a mean and a mean square is a + b·x in each channel.

    Autograd through torch.var_mean took twice as long for a whole step of inversion.
    """

    @staticmethod
    def forward(ctx: Any, of: ChannelKLs, *xs: Tensor) -> Tensor:
        means, variances = zip(*(_mean_and_variance(x) for x in xs), strict=True)
        m = torch.cat(means)
        count = torch.tensor([x.numel() / x.shape[1] for x in xs], device=m.device)
        v = (torch.cat(variances) / of.scale**2).clamp_min(VARIANCE_FLOOR)
        own = (m - of.shift) / of.scale
        ctx.of = of
        ctx.save_for_backward(m, own, v, count, *xs)
        return of.average @ gaussian_kl(own, v, of.mean, of.variance)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        m, own, v, count, *xs = ctx.saved_tensors
        of, share = ctx.of, (grads[0] / count) @ ctx.of.average
        by_mean = (own - of.mean) / of.variance / of.scale
        by_square = 0.5 * (1 / of.variance - 1 / v) * (v > VARIANCE_FLOOR) / of.scale**2
        lines = torch.stack([(by_mean - 2 * m * by_square) * share, 2 * by_square * share])  # a and b of each channel
        return None, *(_line(x, *ab) for x, ab in zip(xs, lines.split(of.sizes, 1), strict=True))


def _mean_and_variance(x: Tensor) -> tuple[Tensor, Tensor]:
    """Of each channel (c,) of x (n, c, h, w), which may be bfloat16: at least float32."""
    exact = torch.promote_types(x.dtype, torch.float32)
    if x.device.type != "cpu":
        variance, mean = torch.var_mean(x.to(exact), (0, 2, 3), correction=0)
        return mean, variance
    running = torch.zeros(2, x.shape[1], dtype=exact)  # they stay as they are, and say how exact the answer is to be
    # what a BatchNorm in training finds, a fifteenth of the time of var_mean on a processor
    return torch.batch_norm_update_stats(x, running[0], running[1], 0.0)


def _line(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """a + b·x for x (n, c, h, w) and a, b (c,), lying in memory as x does: whole images, in the order they lie in."""
    (n, c, h, w), first = x.shape, x.is_contiguous()
    flat = x.view(n, -1) if first else x.permute(0, 2, 3, 1).reshape(n, -1)
    a, b = (t.to(x.dtype).repeat_interleave(h * w) if first else t.to(x.dtype).repeat(h * w) for t in (a, b))
    found = torch.addcmul(a, flat, b)
    return found.view(x.shape) if first else found.view(n, h, w, c).permute(0, 3, 1, 2)


def channel_kls(xs: Sequence[Tensor], known: Sequence["Moments | InputStatistics"]) -> Tensor:
    """Sum over tensors (n, c, h, w) of the KL of its channel statistics from those known, averaged over channels."""
    return ChannelKLs(known)(xs).sum()


def channel_kl(x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """KL of the batch's channel statistics from the stored ones, averaged over channels; x (n, c, h, w)."""
    return channel_kls([x], [InputStatistics(mean, variance)])


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
        grouped = x.float().reshape(self.mean.shape[0], -1, *x.shape[1:])  # (g, n / g, c, h, w)
        m = grouped.mean(1)
        v = (grouped * grouped).mean(1) - m * m
        return gaussian_kl(m, v, self.mean, self.variance.clamp_min(1e-3 * float(self.variance.mean()))).mean()


class KnownStatistics:
    """What a stretch of the network is held to: statistics of what its BatchNorms see, and of its layers' inputs.

    norms: the BatchNorms or what stands in their places; moments: one each; inputs: for each layer's input asked for.
    """

    def __init__(
        self, norms: Sequence[nn.Module], moments: Sequence[Moments], inputs: Sequence[InputStatistics]
    ) -> None:
        if len(norms) != len(moments):
            raise ValueError(f"There are {len(norms)} BatchNorms but statistics of {len(moments)}; one each is needed.")
        self.norms, self.by_class = len(norms), [known for known in inputs if known.by_class]
        together: list[Moments | InputStatistics] = [*moments, *(known for known in inputs if not known.by_class)]
        self.kls = ChannelKLs(together, norms) if together else None

    def errors(self, seen: Sequence[Tensor], inputs: Sequence[Tensor]) -> dict[str, Tensor]:
        """The sums of the KLs, each averaged over its entries: "normalisation" and "input statistics", where there are

        such. seen: what the norms have received.
        """
        errors = dict[str, Tensor]()
        found = self.kls([*seen, *([] if self.by_class else inputs)]) if self.kls is not None else torch.empty(0)
        if self.norms:
            errors["normalisation"] = found[: self.norms].sum()
        if self.by_class:
            by_class = [known.kl(x) for known, x in zip(self.by_class, inputs, strict=True)]
            errors["input statistics"] = torch.stack(by_class).sum()
        elif len(inputs):
            errors["input statistics"] = found[self.norms :].sum()
        return errors


@dataclass(frozen=True)
class FeatureTarget:
    """Target features and how far from them is far.

    values (n, d); whiteners: none for the mean squared error (the paper), or one a class (see ClassModel), for the
    squared Mahalanobis distance over d; the batch must then hold g classes one after the other, equally many each.
    cosine: 1 − cosine instead.
    """

    values: Tensor
    whiteners: Sequence[Callable[[Tensor], Tensor]] = ()
    cosine: bool = False

    def distance(self, features: Tensor) -> Tensor:
        """Mean over images and dimensions."""
        if self.cosine:
            return (1 - F.cosine_similarity(features, self.values)).mean()
        difference = features - self.values
        if not self.whiteners:
            return (difference**2).mean()
        parts = difference.tensor_split(len(self.whiteners))
        white = [whiten(part) for whiten, part in zip(self.whiteners, parts, strict=True)]
        return torch.stack([part.square().mean() for part in white]).mean()


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels of x (n, c, h, w), down and across."""
    return _TotalVariation.apply(x)  # type: ignore[no-any-return,no-untyped-call]


class _TotalVariation(torch.autograd.Function):
    """It is x·(L x + x L), with L = DᵀD the second difference; and the half of its own gradient on the way."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        down, across = (_second_difference(side).to(x) for side in x.shape[2:])
        n, c, h, w = x.shape
        half = (down / (n * c * max(1, h - 1) * w)) @ x + x @ (across / (n * c * h * max(1, w - 1)))
        ctx.save_for_backward(half)
        return (x * half).sum()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (half,) = ctx.saved_tensors
        return half * (2 * grads[0])


@functools.cache
def _second_difference(side: int) -> Tensor:
    """DᵀD (side, side), where D takes the differences of neighbours."""
    difference = torch.eye(side).diff(dim=0)
    return difference.T @ difference
