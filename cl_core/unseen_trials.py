"""Classes that play the one never shown, each in turn, and what became of it: the measures of `unseen`, by data.

Four worlds of the small CLIP. In each the truth is known, and is used for judging alone. Letters: n images, d feature.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cl_core import datasets, unseen
from cl_core.backbones.clip import Clip
from cl_core.config import UnseenConfig
from cl_core.datasets import emoji
from cl_core.events import Event
from cl_core.pretraining import captions, evaluation
from cl_core.pretraining.ground import on_white
from cl_core.unseen import Accuracy, Adapted, Judgement, KnownClasses, Projection

NEIGHBOURS = 40  # old classes of the world of things, where there are more than a thousand


@dataclass(frozen=True)
class World:
    """Classes with images, of which one after the other is taken to be new.

    known: all of them, from images to learn from, whose features and labels are train (n, d), (n,); test: of other
    images; new: those that play the new class; old: those that stay, less the new one. most: only so many old ones, the
    nearest in text.
    """

    name: str
    about: str
    known: KnownClasses
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    new: tuple[int, ...]
    old: tuple[int, ...]
    most: int | None = None

    def beside(self, new: int) -> list[int]:
        """The old classes of one that is new."""
        old = [c for c in self.old if c != new]
        if self.most is None or len(old) <= self.most:
            return old
        cosines = self.known.prototypes[old] @ self.known.prototypes[new]
        return sorted(old[i] for i in cosines.topk(self.most).indices.tolist())


@dataclass(frozen=True)
class Trial:
    """One class that was new. accuracies: of test images of the old classes and all of the new one, by who names them.

    "zero-shot"; "adapted": on the projected features; and two controls: "without the new": the old classes' features
    alone, "on real features": the projected ones replaced by the class's own.
    """

    projection: Projection
    judgement: Judgement
    accuracies: dict[str, Accuracy]


def worlds(clip: Clip) -> list[World]:
    """All of them. Raises DataError."""
    return [_concepts(clip), _things(clip), _clothes(clip), _groups(clip)]


def trial(world: World, new: int, config: UnseenConfig, seed: int) -> Trial:
    """One class of a world taken to be new. Raises ConfigError, Diverged."""
    chosen = world.beside(new)
    old, prototype = world.known.take(chosen), world.known.prototypes[new]
    proposed = unseen.propose(old, world.known.names[new], prototype, config, seed)
    (train, train_labels), (test, test_labels) = world.train, world.test
    own = train[train_labels == new]
    real = torch.cat([own, test[test_labels == new]])
    place = torch.full((len(world.known),), -1)
    place[[*chosen, new]] = torch.arange(len(chosen) + 1)
    # Nothing was learned from any image of the new class, so that all of them can test.
    asked = (place[test_labels] >= 0) & (test_labels != new)
    features = torch.cat([test[asked], real])
    labels = torch.cat([place[test_labels][asked], torch.full((len(real),), len(chosen))])
    true = Projection(proposed.name, proposed.prototype, proposed.lenders, _repeated(own, config.samples))
    names: dict[str, Adapted] = {
        "zero-shot": unseen.zero_shot(old, [proposed]),
        "adapted": _drained(unseen.adapt(old, [proposed], config, seed)),
        "without the new": _without(old, proposed, config, seed),
        "on real features": _drained(unseen.adapt(old, [true], config, seed)),
    }
    scores = {name: unseen.accuracy(by, features, labels, len(old)) for name, by in names.items()}
    return Trial(proposed, unseen.judge(old, proposed, real), scores)


def _without(old: KnownClasses, new: Projection, config: UnseenConfig, seed: int) -> Adapted:
    """Adapted to the old classes alone; the new one keeps its text prototype."""
    alone = _drained(unseen.adapt(old, [], config, seed))
    return Adapted(torch.cat([alone.prototypes, new.prototype[None]]), alone.scale, alone.adapter)


def _drained(steps: Generator[Event, None, Adapted]) -> Adapted:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _repeated(features: Tensor, n: int) -> Tensor:
    """n features (n, d), each of those given as often as the others."""
    return features[torch.arange(n) % len(features)]


# The worlds.


def _world(
    clip: Clip,
    name: str,
    about: str,
    prompts: Sequence[Sequence[str]],
    names: Sequence[str],
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    new: Sequence[int],
    old: Sequence[int],
    most: int | None = None,
) -> World:
    """train, test: uint8 images (n, 3, h, w) with labels (n,), places among `names`."""
    with torch.no_grad():
        prototypes = clip.prototypes(prompts)
    parts = [(evaluation.features(clip, images), torch.tensor(labels)) for images, labels in (train, test)]
    known = unseen.know(*parts[0], names, prototypes, float(clip.scale.detach()))
    return World(name, about, known, parts[0], parts[1], tuple(new), tuple(old), most)


def _concepts(clip: Clip) -> World:
    """The data set emoji-concepts: the small CLIP was kept from all of its classes."""
    data, concepts = datasets.load("emoji-concepts"), {c.name: c for c in emoji.read().concepts}
    kept = [i for i, name in enumerate(data.class_names) if not clip.unread_words(name)]
    train, validation, test = (_renumbered(data.split(split), kept) for split in datasets.SPLITS)
    both = (np.concatenate([validation[0], test[0]]), np.concatenate([validation[1], test[1]]))
    names = [data.class_names[i] for i in kept]
    prompts = [captions.prompts_of_concept(concepts[name]) for name in names]
    about = (
        f"{len(kept)} emoji that the small CLIP was kept from and whose names it can read; each in turn is new, the "
        "others are old, known from four drawings each and tested on two in other styles."
    )
    return _world(clip, "emoji-concepts", about, prompts, names, train, both, range(len(kept)), range(len(kept)))


def _things(clip: Clip) -> World:
    """New ones that the small CLIP was kept from, among old ones that it has learned."""
    drawings = emoji.read()
    counts = np.bincount(drawings.concept[~drawings.of_withheld_style], minlength=len(drawings.concepts))
    tested = np.bincount(drawings.concept[drawings.of_withheld_style], minlength=len(drawings.concepts))
    whole = (counts >= unseen.LEAST_IMAGES) & (tested > 0)
    learned, kept_from = ([i for i in evaluation.readable(clip, drawings, w) if whole[i]] for w in (False, True))
    place = np.full(len(drawings.concepts), -1)
    place[learned + kept_from] = np.arange(len(learned) + len(kept_from))
    labels = place[drawings.concept]
    parts = []
    for withheld_style in (False, True):
        rows = np.flatnonzero((labels >= 0) & (drawings.of_withheld_style == withheld_style))
        parts.append((drawings.images[rows], labels[rows]))
    chosen = [drawings.concepts[i] for i in learned + kept_from]
    about = (
        f"{len(kept_from)} emoji that the small CLIP was kept from are new in turn, each among the {NEIGHBOURS} "
        f"nearest in text of {len(learned)} that it has learned; learned from in five styles, tested in a sixth."
    )
    return _world(
        clip, "things", about, [captions.prompts_of_concept(c) for c in chosen], [c.name for c in chosen],
        parts[0], parts[1],
        new=range(len(learned), len(chosen)), old=range(len(learned)), most=NEIGHBOURS,
    )  # fmt: skip


def _clothes(clip: Clip) -> World:
    """Fashion-MNIST: the withheld four are new, among the other nine."""
    data, labels = datasets.load("fashion-mnist"), range(len(captions.CLOTHES))
    train, test = ((on_white(split.images), split.labels) for split in (data.split("train"), data.split("test")))
    names = [captions.CLOTHES[label][0] for label in labels]
    about = (
        "Fashion-MNIST: each of the four classes withheld from the small CLIP is new in turn, the other nine are old."
    )
    return _world(
        clip, "fashion-mnist", about, captions.prompts_of_clothes(labels), names, train, test,
        new=captions.CLOTHES_WITHHELD, old=labels,
    )  # fmt: skip


def _groups(clip: Clip) -> World:
    """The data set emoji: groups of concepts, tested on concepts that no training drawing shows."""
    data = datasets.load("emoji")
    train, test = ((split.images, split.labels) for split in (data.split("train"), data.split("test")))
    groups = range(len(data.class_names))
    about = (
        f"{len(groups)} groups of emoji, each in turn new to the learner, though not to the small CLIP, which has "
        "learned their names; tested on concepts that no old drawing shows."
    )
    prompts = captions.prompts_of_groups(data.class_names)
    return _world(clip, "emoji", about, prompts, data.class_names, train, test, new=groups, old=groups)


def _renumbered(split: datasets.Split, kept: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Images of the classes that are kept, and their places among them."""
    place = np.full(int(split.labels.max()) + 1, -1)
    place[list(kept)] = np.arange(len(kept))
    rows = np.flatnonzero(place[split.labels] >= 0)
    return split.images[rows], place[split.labels[rows]]
