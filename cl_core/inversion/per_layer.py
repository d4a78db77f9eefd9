"""Per-layer model inversion (PMI): a feature becomes an image one layer at a time, last layer first (METHOD.md §4)."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cl_core.divergence import DivergenceWatch
from cl_core.inversion.objectives import FeatureTarget, InputStatistics, channel_kl
from cl_core.statistics import Moments, watching


@dataclass(frozen=True)
class LayerStep:
    """One iteration at a layer: losses by name, weighted, with "total", and the current input (detached)."""

    losses: dict[str, float]
    current: Tensor


def invert_layer(
    layer: nn.Module,
    norms: Sequence[nn.Module],
    norm_moments: Sequence[Moments],
    target: FeatureTarget,
    start: Tensor,
    statistics: InputStatistics,
    iterations: int,
    lr: float,
    beta2: float,
    alpha: float,
) -> Generator[LayerStep, None, Tensor]:
    """Yields each iteration; returns the best input h (n, c, h, w) found, minimising with Adam

    distance(layer(h), target) + α·Σ KL(BatchNorm statistics) + α·KL(statistics of h).

    The layer must be frozen and in evaluation mode. 0 iterations return the start. Raises Diverged.
    """
    h = start.clone().requires_grad_()
    best, best_total = start, float("inf")
    optimiser = torch.optim.Adam([h], lr=lr, betas=(0.9, beta2))
    watch = DivergenceWatch("a layer", "Step size at a layer")
    for _ in range(iterations):
        with watching(norms) as seen:
            output = layer(h)
        terms = {"feature": target.distance(output), "input statistics": alpha * statistics.kl(h)}
        if norms:
            kls = [channel_kl(x, m.mean, m.variance) for x, m in zip(seen, norm_moments, strict=True)]
            terms["normalisation"] = alpha * torch.stack(kls).sum()
        total = torch.stack(list(terms.values())).sum()
        value = watch.check(float(total.detach()))
        if value < best_total:
            best, best_total = h.detach().clone(), value
        (h.grad,) = torch.autograd.grad(total, h)
        optimiser.step()
        yield LayerStep({name: float(term.detach()) for name, term in terms.items()} | {"total": value}, h.detach())
    return best
