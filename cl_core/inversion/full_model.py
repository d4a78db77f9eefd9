"""Full-model inversion: a refinement of images through the whole frozen network (METHOD.md §5)."""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from cl_core.backbones import Backbone
from cl_core.config import InvertConfig
from cl_core.divergence import DivergenceWatch
from cl_core.inversion.objectives import FeatureTarget, InputStatistics, KnownStatistics, total_variation
from cl_core.inversion.optimisers import Optimiser
from cl_core.inversion.pixels import Pixels
from cl_core.statistics import Moments, watching


@dataclass(frozen=True)
class RefineStep:
    """One iteration of the refinement: losses by name, weighted, with "total", and the images in [0, 1] (detached)."""

    losses: dict[str, float]
    images: Tensor


def step_size(config: InvertConfig, iteration: int) -> float:
    """The factor on the step size: 5 steps of warm-up, halved at 1/2 and 3/4 (the paper's 80 and 120), or a cosine."""
    progress = iteration / max(1, config.full_iterations)
    if config.full_schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    return min(1.0, (iteration + 1) / 5) * (0.5 if progress >= 0.5 else 1.0) * (0.5 if progress >= 0.75 else 1.0)


def roll(images: Tensor, jitter: int, generator: torch.Generator) -> Tensor:
    """All the images (n, c, h, w) rolled by one random number of rows and of columns, each −jitter … jitter.

    Without jitter nothing is drawn.
    """
    if jitter == 0:
        return images
    rows, columns = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
    return images.roll((rows, columns), (2, 3))


def glimpse(images: Tensor, config: InvertConfig, generator: torch.Generator) -> Tensor:
    """What the network looks at, of images (n, c, h, w): all of them rolled, cut to a part and mirrored alike, as the

    config says, and scaled to their size again. What it does not ask for is not drawn.
    """
    images = roll(images, config.jitter, generator)
    if config.crop:
        h, w = images.shape[2:]
        share, down, right = torch.rand(3, generator=generator).tolist()
        rows, columns = (max(1, round(side * (1 - config.crop * share))) for side in (h, w))
        top, left = round(down * (h - rows)), round(right * (w - columns))
        part = images[:, :, top : top + rows, left : left + columns]
        images = F.interpolate(part, (h, w), mode="bilinear", align_corners=False)
    if config.flip and float(torch.rand(1, generator=generator)) < 0.5:
        images = images.flip(3)
    return images


def refine(
    backbone: Backbone,
    pixels: Pixels,
    optimiser: Optimiser,
    normalise: Callable[[Tensor], Tensor],
    target: FeatureTarget,
    labels: Tensor,
    norm_moments: Sequence[Moments],
    statistics: Sequence[InputStatistics],
    config: InvertConfig,
    generator: torch.Generator,
) -> Generator[RefineStep, None, Tensor]:
    """Yields each iteration; returns the best images (n, c, h, w) in [0, 1]. generator: for the jitter, crop and flip.

    Where the config stops before the pixels, hidden inputs of that layer stand for images everywhere. The backbone must
    be frozen and in evaluation mode; 0 iterations return the start. Raises Diverged.
    """
    first = config.first_layer

    def kept(images: Tensor) -> Tensor:
        return images.clone() if first else images.clamp(0, 1).clone()

    best, best_total = kept(pixels.images(1.0).detach()), float("inf")
    watch, guard = DivergenceWatch("the refinement", "Step size, refinement"), _Guard()
    progress = 0.0
    chain = range(first, len(backbone.layers))
    norms, layers = backbone.norms_of(chain), [backbone.layers[i] for i in chain] if config.input_alpha else []
    moments = norm_moments[len(norm_moments) - len(norms) :]
    known = KnownStatistics(norms, moments, statistics[first:] if layers else ())
    weights = {"normalisation": config.alpha, "input statistics": config.input_alpha}
    terms: dict[str, Tensor] = {}
    shown: list[Tensor] = [best]

    def evaluate() -> Tensor:
        images = shown[0] = pixels.images(progress)
        normal = images if first else normalise(images)
        with watching([*norms, *layers]) as seen:
            features = backbone.through(chain, normal if first else glimpse(normal, config, generator))
        if config.feature_weight:
            terms["feature"] = config.feature_weight * target.distance(features)
        errors = known.errors(seen[: len(norms)], seen[len(norms) :])
        terms.update({name: weights[name] * error for name, error in errors.items()})
        if config.label_weight:
            terms["label"] = config.label_weight * F.cross_entropy(backbone.head(features), labels)
        if config.tv and not first:
            terms["smoothness"] = config.tv * total_variation(normal)
        return guard.weigh(terms) if config.optimiser == "adam" else torch.stack(list(terms.values())).sum()

    for iteration in range(config.full_iterations):
        # L-BFGS compares values from step to step, so nothing may open or change its weight under way
        progress = iteration / config.full_iterations if config.optimiser == "adam" else 1.0
        optimiser.step(evaluate, config.full_lr * step_size(config, iteration))
        pixels.settle()
        losses, images = {name: float(t.detach()) for name, t in terms.items()}, shown[0].detach()
        total = watch.check(sum(losses.values()))
        if total < best_total:
            best, best_total = kept(images), total
        yield RefineStep(losses | {"total": total}, images)
    return best


class _Guard:
    """If a term grows above its first value its weight is doubled, up to tenfold: a guard against divergence (§5).

    It watches the paper's two terms; smoothness and labels start where they please.
    """

    WATCHED = frozenset({"feature", "normalisation"})

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        self.weights: dict[str, float] = {}

    def weigh(self, terms: dict[str, Tensor]) -> Tensor:
        """The sum of the terms with their current weights."""
        for name in self.WATCHED & terms.keys():
            value = float(terms[name].detach())
            if value > self.first.setdefault(name, value):
                self.weights[name] = min(10.0, 2 * self.weights.get(name, 1.0))
        return torch.stack([self.weights.get(name, 1.0) * term for name, term in terms.items()]).sum()
