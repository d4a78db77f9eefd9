"""Per-layer model inversion (PMI): a feature becomes an image one layer at a time, last layer first (METHOD.md §4)."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cl_core.divergence import DivergenceWatch
from cl_core.inversion.objectives import FeatureTarget, InputStatistics, KnownStatistics
from cl_core.inversion.optimisers import Optimiser
from cl_core.statistics import Moments, watching


@dataclass(frozen=True)
class LayerStep:
    """One iteration at a layer: losses by name, weighted, with "total", and the current input (detached)."""

    losses: dict[str, float]
    current: Tensor


def invert_group(
    group: Callable[[Tensor], Tensor],
    norms: Sequence[nn.Module],
    norm_moments: Sequence[Moments],
    target: FeatureTarget,
    h: Tensor,
    statistics: InputStatistics,
    optimiser: Optimiser,
    iterations: int,
    lr: float,
    alpha: float,
    unit: Tensor | None = None,
) -> Generator[LayerStep, None, Tensor]:
    """Yields each iteration; returns the best input (n, c, h, w) or (n, t, w) found, minimising over h, which

    `optimiser` moves, distance(group(h), target) + α·Σ KL(BatchNorm statistics) + α·KL(statistics of h).

    group: a layer, or a few consecutive ones, frozen and in evaluation mode. unit: what h is measured in, to be
    broadcast to it; None: as it is. 0 iterations return the start. Raises Diverged.
    """

    def made() -> Tensor:
        return h if unit is None else h * unit

    best, best_total = made().detach().clone(), float("inf")
    watch = DivergenceWatch("a layer", "Step size at a layer")
    known, terms = KnownStatistics(norms, norm_moments, [statistics]), dict[str, Tensor]()

    def evaluate() -> Tensor:
        with watching(norms) as seen:
            x = made()
            output = group(x)
        terms["feature"] = target.distance(output)
        if alpha:
            terms.update({name: alpha * error for name, error in known.errors(seen, [x]).items()})
        return torch.stack(list(terms.values())).sum()

    for _ in range(iterations):
        here = made().detach().clone()
        optimiser.step(evaluate, lr)
        losses = {name: float(term.detach()) for name, term in terms.items()}
        total = watch.check(sum(losses.values()))
        if total < best_total:
            best, best_total = here, total
        yield LayerStep(losses | {"total": total}, here)
    return best
