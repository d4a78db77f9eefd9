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
) -> Generator[LayerStep, None, Tensor]:
    """Yields each iteration; returns the best input (n, c, h, w) found, minimising over h, which `optimiser` moves,

    distance(group(h), target) + α·Σ KL(BatchNorm statistics) + α·KL(statistics of h).

    group: a layer, or a few consecutive ones, frozen and in evaluation mode. 0 iterations return h. Raises Diverged.
    """
    best, best_total = h.detach().clone(), float("inf")
    watch = DivergenceWatch("a layer", "Step size at a layer")
    known, terms = KnownStatistics(norms, norm_moments, [statistics]), dict[str, Tensor]()

    def evaluate() -> Tensor:
        with watching(norms) as seen:
            output = group(h)
        terms["feature"] = target.distance(output)
        terms.update({name: alpha * error for name, error in known.errors(seen, [h]).items()})
        return torch.stack(list(terms.values())).sum()

    for _ in range(iterations):
        here = h.detach().clone()
        optimiser.step(evaluate, lr)
        losses = {name: float(term.detach()) for name, term in terms.items()}
        total = watch.check(sum(losses.values()))
        if total < best_total:
            best, best_total = here, total
        yield LayerStep(losses | {"total": total}, here)
    return best
