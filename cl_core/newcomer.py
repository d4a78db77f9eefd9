"""A class that has a name and no images, among old classes that have some: what the CLIP page tries (METHOD.md §8).

Two worlds. `things`: the old classes are the things nearest in words, of those that the small CLIP has learned; their
drawings in five styles are theirs, the sixth style tests them. `clothes`: the old classes are the six kinds of
Fashion-MNIST that it has learned. Real features of the new class, where there are any, are for the truth alone.

Letters: n features, d their size.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from cl_core import datasets, projection, unseen
from cl_core.backbones.clip import Clip
from cl_core.config import ConfigError
from cl_core.datasets import emoji
from cl_core.pretraining import captions, contest, evaluation, gallery
from cl_core.pretraining.ground import on_white
from cl_core.seeding import generator
from cl_core.unseen import Accuracy, KnownClasses, Lender, Projection
from cl_core.unseen_ground import Labelled, by_style, ground

OLD_THINGS = 40  # old classes of the world of emoji
TRAIN, TEST = 200, 100  # images of an old class of clothes
EXAMPLES = 256  # images of the old classes that are kept at hand
SHOWN = 60  # features of a class that are drawn


@dataclass(frozen=True)
class World:
    """Old classes with images, and a class that is to be new.

    learned: features and labels of the old classes' images that they are known from (n, d), (n,); features, labels: of
    images of theirs that nobody has learned from here; truth (m, d): real
    features of the new class, none when there are none; withheld: whether the small CLIP was kept from that class,
    None when nobody knows; pictures: the first image of each old class, truth_pictures: those of the new one, examples:
    some of the old ones' that were learned from, uint8 (·, 3, h, w).
    """

    name: str
    prototype: Tensor
    old: KnownClasses
    learned: tuple[Tensor, Tensor]
    features: Tensor
    labels: Tensor
    truth: Tensor
    withheld: bool | None
    pictures: np.ndarray
    truth_pictures: np.ndarray
    examples: np.ndarray


@dataclass(frozen=True)
class Plane:
    """What one lender's features do in the plane of the two text prototypes, whose first axis is the old one (·, 2)."""

    lender: Lender
    before: np.ndarray
    after: np.ndarray
    truth: np.ndarray

    @property
    def new(self) -> np.ndarray:
        """The new prototype (2,); the old one is (1, 0)."""
        theta = np.radians(self.lender.angle)
        return np.array([np.cos(theta), np.sin(theta)])


@functools.lru_cache(maxsize=4)
def world(clip: Clip, kind: str, name: str) -> World:
    """The world into which a class of that name comes. Raises ConfigError when it cannot be read, DataError."""
    name = " ".join(name.split())
    if not name:
        raise ConfigError("A new class needs a name.")
    contest.check_names([name, ""])
    return _clothes(clip, name) if kind == "clothes" else _things(clip, name)


def planes(world: World, lenders: Sequence[Lender], seed: int) -> list[Plane]:
    """Draws of each lender before and after the rotation, in its plane."""
    found = []
    for lender in lenders:
        old = world.old.prototypes[lender.index]
        draws = world.old.gaussians.sample(lender.index, SHOWN, generator(seed, "plane", lender.name))
        before = F.normalize(draws, dim=1)
        across = world.prototype - (world.prototype @ old) * old
        axes = torch.stack([old, F.normalize(across, dim=0)])  # (2, d)
        turned = projection.rotate(before, old, world.prototype)
        found.append(Plane(lender, *((x @ axes.T).numpy() for x in (before, turned, world.truth))))
    return found


def accuracy(world: World, named_by: unseen.Adapted) -> Accuracy:
    """On images of the old classes that were not learned from, and on the new class's own where there are any."""
    features = torch.cat([world.features, world.truth])
    new = torch.full((len(world.truth),), len(world.old))
    return unseen.accuracy(named_by, features, torch.cat([world.labels, new]), len(world.old))


def cloud(world: World, new: Projection, seed: int) -> dict[str, np.ndarray]:
    """Features in two principal axes (·, 2), those of the lenders' draws and the projected ones: what is known without

    an image of the new class. Keys: "draws" and their "lender" (place among the lenders), "projected", "truth", "old
    text", "new text", and "explained" (2,).
    """
    draws = [_draws(world, lender, generator(seed, "cloud", lender.name)) for lender in new.lenders]
    known, projected = torch.cat(draws), new.features[:SHOWN]
    both = torch.cat([known, projected])
    centre = both.mean(0)
    _, lengths, axes = torch.linalg.svd(both - centre, full_matrices=False)
    flat = {"draws": known, "projected": projected, "truth": world.truth}
    found = {key: ((x - centre) @ axes[:2].T).numpy() for key, x in flat.items()}
    found["lender"] = np.repeat(np.arange(len(draws)), SHOWN)
    found["explained"] = (lengths[:2] ** 2 / (lengths**2).sum()).numpy()
    return found


def _draws(world: World, lender: Lender, draws: Generator) -> Tensor:
    return F.normalize(world.old.gaussians.sample(lender.index, SHOWN, draws), dim=1)


# The two worlds.


def _things(clip: Clip, name: str) -> World:
    drawings, unreadable = emoji.read(), contest.shipped()[0]
    named = {concept.name.casefold(): i for i, concept in enumerate(drawings.concepts)}
    own = named.get(name.casefold())
    prototype = _prototypes(clip, [name], "things")[0]
    learned = [i for i, c in enumerate(drawings.concepts) if not c.withheld and i not in unreadable and i != own]
    by_words = _words(clip, tuple(drawings.concepts[i].name for i in learned)) @ prototype
    nearest = [learned[i] for i in by_words.topk(OLD_THINGS).indices.tolist()]
    names, (train, test) = [drawings.concepts[i].name for i in nearest], by_style(drawings, nearest)
    old = ground(clip, names, gallery.prompts(names, "things", True), train, test)
    truth = np.flatnonzero(drawings.concept == own) if own is not None else np.zeros(0, np.int64)
    first = [int(np.flatnonzero(drawings.concept == i)[0]) for i in nearest]
    withheld = drawings.concepts[own].withheld if own is not None else None
    real = evaluation.features(clip, drawings.images[truth]) if len(truth) else old.test[0][:0]
    pictures, shown = drawings.images[first], drawings.images[truth]
    return World(name, prototype, old.known, old.train, *old.test, real, withheld, pictures, shown, _some(train[0]))


def _clothes(clip: Clip, name: str) -> World:
    data = datasets.load("fashion-mnist")
    own = next((i for i, names in enumerate(captions.CLOTHES) if name.casefold() in names), None)
    labels = [i for i in range(len(captions.CLOTHES)) if i not in captions.CLOTHES_WITHHELD and i != own]
    prototype = _prototypes(clip, [name], "clothes")[0]
    parts = {split: _few(data.split(split), labels, most) for split, most in (("train", TRAIN), ("test", TEST))}
    (train, train_labels), (test, _) = parts["train"], parts["test"]
    names = [captions.CLOTHES[i][0] for i in labels]
    old = ground(clip, names, gallery.prompts(names, "clothes", True), parts["train"], parts["test"])
    truth = _few(data.split("test"), [own], TEST)[0] if own is not None else test[:0]
    first = [int(np.flatnonzero(train_labels == i)[0]) for i in range(len(labels))]
    withheld = own in captions.CLOTHES_WITHHELD if own is not None else None
    real = evaluation.features(clip, truth) if len(truth) else old.test[0][:0]
    return World(name, prototype, old.known, old.train, *old.test, real, withheld, train[first], truth, _some(train))


def _few(split: datasets.Split, labels: Sequence[int], most: int) -> Labelled:
    """The first images of each of some classes, on white, and their places among these classes."""
    rows = [np.flatnonzero(split.labels == label)[:most] for label in labels]
    places = np.repeat(np.arange(len(labels)), [len(own) for own in rows])
    return on_white(split.images[np.concatenate(rows)]), places


def _some(images: np.ndarray) -> np.ndarray:
    return images[:: max(1, len(images) // EXAMPLES)][:EXAMPLES]


def _prototypes(clip: Clip, names: Sequence[str], kind: str) -> Tensor:
    with torch.no_grad():
        return clip.prototypes(gallery.prompts(names, kind, True))


@functools.lru_cache(maxsize=2)
def _words(clip: Clip, names: tuple[str, ...]) -> Tensor:
    """The text features (n, d) of many names as they are: to find the nearest ones, one sentence each is enough."""
    with torch.no_grad():
        return clip.encode_text(names)
