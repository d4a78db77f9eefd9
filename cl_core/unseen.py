"""A class of which there is no image at all: features for it, how near they come, and learning from them.

Semantic-aware projection (METHOD.md §8; projection.py has the rotation). All features are normalised image features of
one CLIP, those of the *original* one: what the class Gaussians were fitted on. Letters: n features, d their size.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cl_core import metrics, projection
from cl_core.backbones.adapters import Adapter
from cl_core.config import ConfigError, UnseenConfig
from cl_core.divergence import DivergenceWatch
from cl_core.events import Event
from cl_core.seeding import generator
from cl_core.statistics import ClassGaussians

LEAST_IMAGES = 2  # of a class, for a Gaussian that has a spread
TOLD_EVERY = 5  # steps between two events


@dataclass(frozen=True)
class KnownClasses:
    """The classes that have images: what is kept of them.

    prototypes: of their prompts, (classes, d), unit vectors; gaussians: of their image features, in the same order;
    scale: what cosines are multiplied by to become logits.
    """

    names: tuple[str, ...]
    prototypes: Tensor
    gaussians: ClassGaussians
    scale: float

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Sequence[int]) -> "KnownClasses":
        """Some of them, in the order given."""
        kept = list(indices)
        names = tuple(self.names[i] for i in kept)
        return KnownClasses(names, self.prototypes[kept], self.gaussians.take(kept), self.scale)


@dataclass(frozen=True)
class Lender:
    """An old class that lends its features. cosine, angle (degrees): between its text prototype and the new one."""

    index: int
    name: str
    cosine: float
    angle: float


@dataclass(frozen=True)
class Projection:
    """A class that has a name and no images. prototype: of its prompts (d,); features (n, d), normalised."""

    name: str
    prototype: Tensor
    lenders: tuple[Lender, ...]  # nearest first
    features: Tensor


@dataclass(frozen=True)
class Guess:
    """A guess at where the new class's features lie, and its cosine to their true mean.

    about: that cosine of the two unit vectors after the mean of the old classes' is taken off both; None where the
    guess is that mean.
    """

    name: str
    cosine: float
    about: float | None


# The guesses, by name: the projection, then the baselines.
PROJECTED = "projected features"
TEXT = "text prototype"
GAP = "text prototype + modality gap"
NEAREST = "nearest old class"
OLD = "mean of the old classes"


@dataclass(frozen=True)
class Judgement:
    """How near the guesses come to the real features of the class: the projection first, then the baselines.

    frechet: of projected and real features, in as many principal dimensions as the real ones bear; floor: what two real
    sets of those sizes give; None where there are too few real ones.
    """

    guesses: tuple[Guess, ...]
    frechet: float
    floor: float | None


@dataclass(frozen=True)
class Accuracy:
    """Shares named rightly among old and new classes together, 0 … 1: of old classes' images, of new ones', and in all.

    total: the two sides by their numbers of classes, however many images of each there are.
    """

    total: float
    old: float
    new: float


@dataclass(frozen=True)
class Adapted:
    """What names old and new classes: text prototypes (classes, d), and perhaps an adapter of the features."""

    prototypes: Tensor
    scale: float
    adapter: nn.Module | None = None

    def logits(self, features: Tensor) -> Tensor:
        """Logits (n, classes) of normalised image features (n, d)."""
        if self.adapter is not None:
            features = F.normalize(self.adapter(features), dim=1)
        return self.scale * features @ F.normalize(self.prototypes, dim=1).T


def know(
    features: Tensor, labels: Tensor, names: Sequence[str], prototypes: Tensor, scale: float, kind: str = "full"
) -> KnownClasses:
    """The classes 0 … len(names) − 1 from their image features (n, d) and labels (n,). Raises ConfigError.

    kind: of class model, see statistics.
    """
    if len(names) != len(prototypes) or len(names) < 1:
        raise ConfigError(
            f"There are {len(names)} class names and {len(prototypes)} text prototypes: one each, please."
        )
    counts = torch.bincount(labels, minlength=len(names))
    if (counts < LEAST_IMAGES).any():
        few = names[int(counts.argmin())]
        raise ConfigError(f"The class “{few}” needs {LEAST_IMAGES} images or more to lend its features.")
    gaussians = ClassGaussians(kind).fit(features, labels, range(len(names)))
    return KnownClasses(tuple(names), F.normalize(prototypes, dim=1), gaussians, scale)


def propose(old: KnownClasses, name: str, prototype: Tensor, config: UnseenConfig, seed: int) -> Projection:
    """Features of a new class from its text prototype (d,) and its nearest old classes. Raises ConfigError."""
    indices, cosines = projection.nearest(old.prototypes, prototype, config.k)
    lenders = tuple(
        Lender(i, old.names[i], cosine, projection.angle(old.prototypes[i], prototype))
        for i, cosine in zip(indices.tolist(), cosines.tolist(), strict=True)
    )
    draws = generator(seed, "unseen", name)
    samples = torch.stack([_draw(old, lender.index, config.samples, draws) for lender in lenders])  # (k, n, d)
    toward = prototype if config.toward == "text" else _beyond_the_gap(old, prototype)
    features = projection.project(
        samples, old.prototypes[indices], prototype, config.spread, draws, config.temperature, config.shift, toward
    )
    return Projection(name, F.normalize(prototype, dim=0), lenders, features)


def judge(old: KnownClasses, new: Projection, real: Tensor, seed: int = 0) -> Judgement:
    """The projection and its baselines against real features (m, d) of the class, normalised."""
    means = F.normalize(old.gaussians.mean, dim=1)
    centre = means.mean(0)
    places = {
        PROJECTED: new.features.mean(0),
        TEXT: new.prototype,
        GAP: _beyond_the_gap(old, new.prototype),
        NEAREST: means[new.lenders[0].index],
        OLD: centre,
    }
    truth, guesses = F.normalize(real.mean(0), dim=0), []
    for name, place in places.items():
        place = F.normalize(place, dim=0)
        about = None if name == OLD else float(F.cosine_similarity(place - centre, truth - centre, dim=0))
        guesses.append(Guess(name, float(place @ truth), about))
    scores = metrics.alignment(
        real.double().cpu().numpy(),
        new.features.double().cpu().numpy(),
        centre.double().cpu().numpy(),
        np.random.default_rng(seed),
        dimensions=max(1, min(64, len(real) - 1)),
    )
    frechet = scores["frechet"]
    assert frechet is not None  # neither set is empty
    return Judgement(tuple(guesses), frechet, scores["floor"])


def zero_shot(old: KnownClasses, new: Sequence[Projection]) -> Adapted:
    """What names the old classes, then the new ones, before anything is learned: their text prototypes."""
    return Adapted(torch.cat([old.prototypes, *(one.prototype[None] for one in new)]), old.scale)


def adapt(
    old: KnownClasses, new: Sequence[Projection], config: UnseenConfig, seed: int
) -> Generator[Event, None, Adapted]:
    """Learn to name old and new classes from draws of the old ones' Gaussians and from the projected features.

    Cross-entropy over all of them, weighted toward the new, and L1 between the old classes' logits on old draws and
    what they were before. Raises Diverged.
    """
    before = zero_shot(old, new)
    draws = generator(seed, "unseen adaptation")
    moved = nn.Parameter(torch.zeros_like(before.prototypes))
    adapter = Adapter(before.prototypes.shape[1], config.adapter_size, draws).to(moved.device)
    learns = {"prototypes": [moved], "features": list(adapter.parameters())}
    chosen = [p for name, of in learns.items() if config.acts_on in (name, "both") for p in of]
    optimiser = torch.optim.AdamW(chosen, lr=config.lr, weight_decay=0.0)
    own = torch.cat([_draw(old, c, config.samples, draws) for c in range(len(old))])
    features = torch.cat([own, *(one.features for one in new)])  # (n, d)
    counts = [config.samples] * len(old) + [len(one.features) for one in new]
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts)).to(features.device)
    weights = torch.tensor([1.0] * len(old) + [config.new_weight] * len(new), device=features.device)
    with torch.no_grad():
        teacher = before.logits(own)[:, : len(old)]
    watch = DivergenceWatch("the adaptation", "Learning rate")
    after = Adapted(before.prototypes, old.scale, adapter if config.acts_on != "prototypes" else None)
    for step in range(config.steps):
        after = Adapted(before.prototypes + moved, after.scale, after.adapter)
        logits = after.logits(features)
        losses = {
            "cross-entropy": F.cross_entropy(logits, labels, weights, label_smoothing=config.label_smoothing),
            "old logits": config.distillation * F.l1_loss(logits[: len(own), : len(old)], teacher),
        }
        total = torch.stack(list(losses.values())).sum()
        watch.check(float(total.detach()))
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        if (step + 1) % TOLD_EVERY == 0 or step + 1 == config.steps:
            told = {name: float(loss.detach()) for name, loss in {**losses, "total": total}.items()}
            yield Event("learn", step + 1, config.steps, (step + 1) / config.steps, losses=told)
    adapter.requires_grad_(False)
    return Adapted((before.prototypes + moved).detach(), after.scale, after.adapter)


def accuracy(adapted: Adapted, features: Tensor, labels: Tensor, old: int) -> Accuracy:
    """Of real features (n, d) with labels (n,): below `old` the old classes, from there on the new ones.

    A side without images has accuracy nan, and the total is then the other side's.
    """
    with torch.no_grad():
        logits = adapted.logits(features)
    right, new = (logits.argmax(1) == labels).double(), labels >= old
    sides = [float(right[~new].mean()), float(right[new].mean())]
    counts = [0 if math.isnan(share) else n for share, n in zip(sides, (old, logits.shape[1] - old), strict=True)]
    total = sum(n * share for share, n in zip(sides, counts, strict=True) if n) / max(1, sum(counts))
    return Accuracy(total, *sides)


def _beyond_the_gap(old: KnownClasses, prototype: Tensor) -> Tensor:
    """A text prototype (d,) moved by the modality gap: the mean way from the old classes' texts to their images."""
    return prototype + (old.gaussians.mean - old.prototypes).mean(0)


def _draw(old: KnownClasses, index: int, n: int, draws: torch.Generator) -> Tensor:
    """n normalised draws (n, d) of an old class."""
    return F.normalize(old.gaussians.sample(index, n, draws), dim=1)
