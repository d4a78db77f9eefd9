"""Classes that play the one never shown, each in turn, and what became of it: the measures of `unseen`, by data.

Four worlds of the small CLIP. In each the truth is known, and is used for judging alone. Letters: n images, d feature.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cl_core import datasets, unseen, unseen_images
from cl_core.backbones.clip import Clip
from cl_core.backbones.clip_chain import ClipChain
from cl_core.config import InvertConfig, UnseenConfig
from cl_core.datasets import emoji
from cl_core.events import Event
from cl_core.images import from_bytes
from cl_core.pretraining import captions, evaluation
from cl_core.pretraining.ground import on_white
from cl_core.seeding import generator
from cl_core.unseen import Accuracy, Adapted, Judgement, KnownClasses, Projection
from cl_core.unseen_ground import by_style, ground

DREAMS, NEW_DREAMS = 12, 32  # pseudo-images of an old class and of the new one
EXAMPLES = 500  # images that the layers' statistics are measured on
BATCH, CPU = 256, torch.device("cpu")
T = TypeVar("T")
NEIGHBOURS = 40  # old classes of the world of things, where there are more than a thousand


@dataclass(frozen=True)
class World:
    """Classes with images, of which one after the other is taken to be new.

    known: all of them, from images to learn from, whose features and labels are train (n, d), (n,); test: of other
    images; images: the pictures of both, uint8 (n, 3, h, w); prompts: of each class; new: those that play the new
    class; old: those that stay, less the new one; most: only so many old ones, the nearest in text; telling: features
    and labels of images that are neither learned from nor tested on, where there are such.
    """

    name: str
    about: str
    known: KnownClasses
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    images: tuple[np.ndarray, np.ndarray]
    prompts: tuple[tuple[str, ...], ...]
    new: tuple[int, ...]
    old: tuple[int, ...]
    most: int | None = None
    telling: tuple[Tensor, Tensor] | None = None

    def beside(self, new: int, apart: Sequence[int] = ()) -> list[int]:
        """The old classes of one that is new, without those that are left apart."""
        old = [c for c in self.old if c != new and c not in apart]
        if self.most is None or len(old) <= self.most:
            return old
        cosines = self.known.prototypes[old] @ self.known.prototypes[new]
        return sorted(old[i] for i in cosines.topk(self.most).indices.tolist())


@dataclass(frozen=True)
class Dreams:
    """Pseudo-images (classes · DREAMS, 3, h, w) of all the classes of a world, and what made them.

    examples: real images of the world's classes, of which statistics over all of them are used.
    """

    clip: Clip
    chain: ClipChain
    examples: Tensor
    invert: InvertConfig
    images: Tensor


# Who names the test images of old and new classes.
ZERO_SHOT = "zero-shot"
ADAPTED = "adapted on projected features"
CHOSEN = "adapted as far as old classes advise"
ON_IMAGES = "adapted on their pseudo-images"
WITHOUT = "control: adapted to the old classes alone"
ON_REAL = "control: adapted on real features of the new class"


@dataclass(frozen=True)
class Trial:
    """One class that was new. accuracies: by who names the images."""

    projection: Projection
    judgement: Judgement
    accuracies: dict[str, Accuracy]


def worlds(clip: Clip) -> list[World]:
    """All of them. Raises DataError."""
    return [_concepts(clip), _things(clip), _clothes(clip), _groups(clip)]


def trial(
    world: World,
    new: int,
    config: UnseenConfig,
    seed: int,
    dreams: Dreams | None = None,
    advised: UnseenConfig | None = None,
) -> Trial:
    """One class of a world taken to be new; with dreams also learned from images. advised: what `unseen_choice` says.

    Raises ConfigError, Diverged.
    """
    chosen = world.beside(new)
    old, prototype = world.known.take(chosen), world.known.prototypes[new]
    proposed = unseen.propose(old, world.known.names[new], prototype, config, seed)
    (train, train_labels), (test, test_labels) = world.train, world.test
    own, place = train_labels == new, torch.full((len(world.known),), -1)
    place[[*chosen, new]] = torch.arange(len(chosen) + 1)
    asked = place[test_labels] >= 0
    # Who learned from no image of the new class is tested on all of them: there are few.
    features = torch.cat([test[asked], train[own]])
    labels = torch.cat([place[test_labels[asked]], place[train_labels[own]]])
    names: dict[str, Adapted] = {
        ZERO_SHOT: unseen.zero_shot(old, [proposed]),
        ADAPTED: drained(unseen.adapt(old, [proposed], config, seed)),
        WITHOUT: _without(old, proposed, config, seed),
    }
    if advised is not None:
        names[CHOSEN] = drained(unseen.adapt(old, [proposed], advised, seed))
    scores = {name: unseen.accuracy(by, features, labels, len(old)) for name, by in names.items()}
    if dreams is not None:
        adapted = _on_images(world, dreams, [*chosen, new], proposed, config, seed)
        pictures = np.concatenate([world.images[1][asked], world.images[0][own]])
        with torch.no_grad():
            seen = torch.cat([adapted.features(part) for part in from_bytes(pictures, CPU).split(BATCH)])
        scores[ON_IMAGES] = unseen.accuracy(unseen_images.as_adapted(adapted), seen, labels, len(old))
    true = Projection(proposed.name, proposed.prototype, proposed.lenders, _repeated(train[own], config.samples))
    best = drained(unseen.adapt(old, [true], config, seed))
    scores[ON_REAL] = unseen.accuracy(best, test[asked], place[test_labels[asked]], len(old))
    real = torch.cat([train[own], test[test_labels == new]])
    return Trial(proposed, unseen.judge(old, proposed, real), scores)


def dream(clip: Clip, world: World, invert: InvertConfig, seed: int) -> Dreams:
    """Pseudo-images of every class of a world, from draws of the Gaussians, which stand for the old classes'."""
    chain, known = ClipChain(clip).eval(), world.known
    some = from_bytes(world.images[0][:: max(1, len(world.images[0]) // EXAMPLES)], CPU)
    draws = generator(seed, "dreams", world.name)
    targets = [F.normalize(known.gaussians.sample(c, DREAMS, draws), dim=1) for c in range(len(known))]
    images = drained(unseen_images.pseudo_images(chain, some, torch.cat(targets), invert, draws))
    return Dreams(clip, chain, some, invert, images)


def _on_images(
    world: World, dreams: Dreams, classes: Sequence[int], new: Projection, config: UnseenConfig, seed: int
) -> ClipChain:
    """The towers' adapters after they have learned from pseudo-images; classes: the old ones, then the new one."""
    draws, features = generator(seed, "dreams", new.name), new.features[:NEW_DREAMS]
    made = drained(unseen_images.pseudo_images(dreams.chain, dreams.examples, features, dreams.invert, draws))
    images = torch.cat([dreams.images[DREAMS * c : DREAMS * (c + 1)] for c in classes[:-1]])
    labels = torch.arange(len(classes) - 1).repeat_interleave(DREAMS)
    own = torch.full((len(made),), len(classes) - 1)
    prompts = [world.prompts[c] for c in classes]
    steps = unseen_images.adapt_on_images(dreams.clip, prompts, (images, labels), (made, own), config, seed)
    return drained(steps)


def _without(old: KnownClasses, new: Projection, config: UnseenConfig, seed: int) -> Adapted:
    """Adapted to the old classes alone; the new one keeps its text prototype."""
    alone = drained(unseen.adapt(old, [], config, seed))
    return Adapted(torch.cat([alone.prototypes, new.prototype[None]]), alone.scale, alone.adapter)


def drained(steps: Generator[Event, None, T]) -> T:
    """What the steps return in the end."""
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
    made = ground(clip, names, prompts, train, test)
    images, said = (train[0], test[0]), tuple(tuple(of) for of in prompts)
    return World(name, about, made.known, made.train, made.test, images, said, tuple(new), tuple(old), most)


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
    parts = by_style(drawings, learned + kept_from)
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
    own = _world(clip, "emoji", about, prompts, data.class_names, train, test, new=groups, old=groups)
    others = data.split("validation")  # of other concepts, as the test is
    return replace(own, telling=(evaluation.features(clip, others.images), torch.tensor(others.labels)))


def _renumbered(split: datasets.Split, kept: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Images of the classes that are kept, and their places among them."""
    place = np.full(int(split.labels.max()) + 1, -1)
    place[list(kept)] = np.arange(len(kept))
    rows = np.flatnonzero(place[split.labels] >= 0)
    return split.images[rows], place[split.labels[rows]]
