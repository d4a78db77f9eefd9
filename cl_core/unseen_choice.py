"""How long and how strongly to adapt to a class never shown, by what it does to old classes that play such a class.

Adapting can cost more on the old classes than it gains on the new one, and of the new one nothing is there to tell. But
each old class can be taken for new among the others, and of old classes there are images. None of the classes that are
new in earnest is looked at. Letters: n images, d feature size.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from cl_core import unseen
from cl_core.config import ConfigError, UnseenConfig
from cl_core.pulse import pulse
from cl_core.unseen_trials import World, drained

PLAYED = 6  # old classes that play the new one
WEIGHTS = (1.0, 3.0, 10.0)  # of the new class
SHARES = (0.1, 0.3, 1.0)  # of the steps


@dataclasses.dataclass(frozen=True)
class Stage:
    """Classes of which there are images: what is kept of them, and features with labels (n, d), (n,) to learn from.

    telling: likewise, of images that are not learned from; without them half of those to learn from tell.
    """

    name: str
    known: unseen.KnownClasses
    train: tuple[Tensor, Tensor]
    telling: tuple[Tensor, Tensor] | None = None


def choose(world: World, apart: Sequence[int], config: UnseenConfig, seed: int) -> UnseenConfig:
    """The advice of a world's old classes; apart: those that are new in earnest. Raises ConfigError, Diverged."""
    stage = stage_of(world)
    there = [c for c in world.old if c not in apart]
    return advise(stage, {new: world.beside(new, [*apart, new]) for new in _playing(stage, there)}, config, seed)


def stage_of(world: World) -> Stage:
    return Stage(world.name, world.known, world.train, world.telling)


def of_all(stage: Stage, config: UnseenConfig, seed: int) -> UnseenConfig:
    """The advice of a stage's classes, some of which play the new one among all the others. ConfigError, Diverged."""
    every = range(len(stage.known))
    return advise(stage, {n: [c for c in every if c != n] for n in _playing(stage, every)}, config, seed)


def advise(stage: Stage, playing: Mapping[int, Sequence[int]], config: UnseenConfig, seed: int) -> UnseenConfig:
    """The settings with those steps and that weight of the new class that gain most, of all under which old and new

    together are named no worse than without a step: by the accuracy in all and that of the new one, equally, means over
    the classes that play. Where two are alike, the gentler counts. playing: who plays the new class, and among whom.
    """
    plays = [_play(stage, new, old, config, seed) for new, old in playing.items()]
    best = dataclasses.replace(config, steps=0)
    least, own = _means(plays, best, seed)
    most = least + own
    for share in SHARES:
        for weight in WEIGHTS:
            tried = dataclasses.replace(config, steps=round(share * config.steps), new_weight=weight)
            total, own = _means(plays, tried, seed)
            if total >= least and total + own > most:
                best, most = tried, total + own
    return best


def _playing(stage: Stage, there: Sequence[int]) -> Sequence[int]:
    if len(there) < 3:
        raise ConfigError(f"{stage.name} has too few other classes to play the new one.")
    return there[:: max(1, len(there) // PLAYED)][:PLAYED]


@dataclasses.dataclass(frozen=True)
class _Play:
    """An old class taken for new: what is kept of the others, its proposal, and images that tell (n, d), (n,)."""

    old: unseen.KnownClasses
    proposed: unseen.Projection
    features: Tensor
    labels: Tensor


def _play(stage: Stage, new: int, chosen: Sequence[int], config: UnseenConfig, seed: int) -> _Play:
    """Of each class the first half of its images is learned from, and the other half tells, unless the stage has images

    for that. Drawings come style after style, so that a half is in other styles.
    """
    place = torch.full((len(stage.known),), -1)
    place[[*chosen, new]] = torch.arange(len(chosen) + 1)
    features, labels = stage.train[0], place[stage.train[1]]
    first = _first_half(labels, len(chosen) + 1)
    own = first & (labels >= 0) & (labels < len(chosen))
    names, prototypes = [stage.known.names[c] for c in chosen], stage.known.prototypes[list(chosen)]
    old = unseen.know(features[own], labels[own], names, prototypes, stage.known.scale)
    proposed = unseen.propose(old, stage.known.names[new], stage.known.prototypes[new], config, seed)
    if stage.telling is not None:
        told, told_labels = stage.telling[0], place[stage.telling[1]]
        return _Play(old, proposed, told[told_labels >= 0], told_labels[told_labels >= 0])
    rest = ~first & (labels >= 0)
    return _Play(old, proposed, features[rest], labels[rest])


def _first_half(labels: Tensor, classes: int) -> Tensor:
    """Whether each image (n,) is among the first half of its class, which has the odd one more."""
    first = torch.zeros(len(labels), dtype=torch.bool)
    for c in range(classes):
        rows = torch.nonzero(labels == c).flatten()
        first[rows[: (len(rows) + 1) // 2]] = True
    return first


def _means(plays: Sequence[_Play], config: UnseenConfig, seed: int) -> tuple[float, float]:
    """What is named rightly after adapting: in all, and of the class that plays the new one; means over the plays."""
    found = []
    for play in plays:
        pulse()
        adapted = drained(unseen.adapt(play.old, [play.proposed], config, seed))
        found.append(unseen.accuracy(adapted, play.features, play.labels, len(play.old)))
    return sum(of.total for of in found) / len(found), sum(of.new for of in found) / len(found)
