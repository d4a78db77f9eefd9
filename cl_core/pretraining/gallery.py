"""Pictures to try the small CLIP on: what it has learned from, and what it has never seen. No torch.

A gallery is drawn by a number, so that the same number always shows the same pictures.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from cl_core import datasets
from cl_core.datasets import emoji
from cl_core.pretraining import captions
from cl_core.pretraining.ground import on_white

PICTURES = 12
KINDS = {
    "things": "drawings of things that it has never been shown",
    "style": "things that it knows, in a style that it has never been shown",
    "clothes": "photos of clothes; of four of the ten kinds it has never seen one",
    "learned": "drawings that it has learned from",
}


@dataclass(frozen=True)
class Gallery:
    """Some pictures and the name of what each shows."""

    images: np.ndarray  # uint8 (n, 3, h, w)
    truths: tuple[str, ...]
    withheld: tuple[bool, ...]  # whether what each shows was kept from the small CLIP

    @property
    def names(self) -> tuple[str, ...]:
        """What there is to see, each once."""
        return tuple(dict.fromkeys(self.truths))


def draw(kind: str, number: int, unreadable: Collection[int]) -> Gallery:
    """PICTURES of a kind of KINDS. unreadable: the emoji concepts to leave out. Raises DataError."""
    draws = np.random.default_rng([*kind.encode(), number])
    return _clothes(draws) if kind == "clothes" else _drawings(kind, draws, unreadable)


def never_shown(kind: str, unreadable: Collection[int]) -> tuple[str, ...]:
    """Names of "clothes" or "things" that were kept from the small CLIP, without the `unreadable` emoji. DataError."""
    if kind == "clothes":
        return tuple(captions.CLOTHES[label][0] for label in captions.CLOTHES_WITHHELD)
    named = (c.name for i, c in enumerate(emoji.read().concepts) if c.withheld and i not in unreadable)
    return tuple(sorted(named))


def templates(kind: str) -> tuple[str, ...]:
    """The sentences into which the name of a thing is put, for that kind of pictures."""
    return captions.CLOTHES_TEMPLATES if kind == "clothes" else captions.DRAWING_TEMPLATES


def prompts(names: Sequence[str], kind: str, in_sentences: bool) -> list[list[str]]:
    """What is asked for each name: the name in every sentence of the kind, or as it is."""
    return [[template.format(name) for template in templates(kind)] if in_sentences else [name] for name in names]


def _drawings(kind: str, draws: np.random.Generator, unreadable: Collection[int]) -> Gallery:
    """Emoji of different concepts whose names can be read, in different styles."""
    drawings = emoji.read()
    fits = ~np.isin(drawings.concept, list(unreadable)) & (drawings.of_withheld_concept == (kind == "things"))
    rows = np.flatnonzero(fits & (drawings.of_withheld_style == (kind == "style")))
    concepts = draws.permutation(np.unique(drawings.concept[rows]))[:PICTURES]
    chosen = np.array([draws.choice(rows[drawings.concept[rows] == concept]) for concept in concepts], np.int64)
    truths = tuple(drawings.concepts[concept].name for concept in concepts)
    return Gallery(drawings.images[chosen], truths, tuple(drawings.withheld[chosen].tolist()))


def _clothes(draws: np.random.Generator) -> Gallery:
    """One of each class of Fashion-MNIST, and more of the withheld ones."""
    test = datasets.load("fashion-mnist").split("test")
    labels = [*range(len(captions.CLOTHES)), *captions.CLOTHES_WITHHELD][:PICTURES]
    rows = np.array([draws.choice(np.flatnonzero(test.labels == label)) for label in labels])
    truths = tuple(captions.CLOTHES[label][0] for label in labels)
    return Gallery(on_white(test.images[rows]), truths, tuple(label in captions.CLOTHES_WITHHELD for label in labels))
