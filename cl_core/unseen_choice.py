"""How long and how strongly to adapt to a class never shown, by what it does to old classes that play such a class.

Adapting can cost more on the old classes than it gains on the new one, and of the new one nothing is there to tell. But
each old class can be taken for new among the others, and of old classes there are images. None of the classes that are
new in earnest is looked at. Letters: n images, d feature size.
"""

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from cl_core import unseen
from cl_core.config import ConfigError, UnseenConfig
from cl_core.unseen_trials import World, drained

PLAYED = 6  # old classes that play the new one
WEIGHTS = (1.0, 3.0, 10.0)  # of the new class
SHARES = (0.1, 0.3, 1.0)  # of the steps


def choose(world: World, apart: Sequence[int], config: UnseenConfig, seed: int) -> UnseenConfig:
    """The settings with those steps and that weight of the new class that gain most, of all under which old and new

    together are named no worse than without a step: by the accuracy in all and that of the new one, equally, means over
    the classes that play. Where two are alike, the gentler counts. apart: the classes that are new in earnest. Raises
    ConfigError, Diverged.
    """
    there = [c for c in world.old if c not in apart]
    if len(there) < 3:
        raise ConfigError(f"{world.name} has too few other classes to play the new one.")
    playing = there[:: max(1, len(there) // PLAYED)][:PLAYED]
    plays = [_play(world, new, [*apart, new], config, seed) for new in playing]
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


@dataclasses.dataclass(frozen=True)
class _Play:
    """An old class taken for new: what is kept of the others, its proposal, and images that tell (n, d), (n,)."""

    old: unseen.KnownClasses
    proposed: unseen.Projection
    features: Tensor
    labels: Tensor


def _play(world: World, new: int, apart: Sequence[int], config: UnseenConfig, seed: int) -> _Play:
    """Of each class the first half of its images is learned from, and the other half tells, unless the world has images

    for that. Drawings come style after style, so that a half is in other styles.
    """
    chosen = world.beside(new, apart)
    place = torch.full((len(world.known),), -1)
    place[[*chosen, new]] = torch.arange(len(chosen) + 1)
    features, labels = world.train[0], place[world.train[1]]
    first = _first_half(labels, len(chosen) + 1)
    own = first & (labels >= 0) & (labels < len(chosen))
    names, prototypes = [world.known.names[c] for c in chosen], world.known.prototypes[chosen]
    old = unseen.know(features[own], labels[own], names, prototypes, world.known.scale)
    proposed = unseen.propose(old, world.known.names[new], world.known.prototypes[new], config, seed)
    if world.telling is not None:
        told, told_labels = world.telling[0], place[world.telling[1]]
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
        adapted = drained(unseen.adapt(play.old, [play.proposed], config, seed))
        found.append(unseen.accuracy(adapted, play.features, play.labels, len(play.old)))
    return sum(of.total for of in found) / len(found), sum(of.new for of in found) / len(found)
