"""Emoji drawings: 33 groups of concepts, each concept in up to six drawing styles. No torch.

`emoji`: the classes are the groups, the domains are the styles, and the splits part the concepts, so that a test
drawing shows what no training drawing shows. `emoji-concepts`: the classes are concepts that the small CLIP has never
been shown, learned from four styles and tested in a style that it has never seen either.
The sheets and their index are those of `python -m cl_core build-emoji`.
"""

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from cl_core.datasets.base import ASSETS, SPLITS, DataError, Dataset, Split

FOLDER = ASSETS / "clip"
VALIDATION, TEST = 0.15, 0.15  # share of each group's concepts; the withheld ones are in the test part
SEED = 0  # of that draw
VALIDATION_STYLE, TEST_STYLE = "fluent-flat", "emojitwo"  # of `emoji-concepts`; the other styles are learned from
_REBUILD = "run `python -m cl_core build-emoji` to build it again"
_SOURCE = (
    "The drawings are cut to their frame and scaled to 32 × 32 in colour, on white; flags, skin tones and variants of "
    "gender are left out.",
)
PREPARATION = {
    "emoji": (
        *_SOURCE,
        "The concepts of each group are shared out, 70 % to learn from: a concept of the test is in no other part.",
    ),
    "emoji-concepts": (
        *_SOURCE,
        "The classes are the concepts that the small CLIP has never been shown; four styles are learned from, "
        "a fifth is for validation and a sixth, never shown to it either, for the test.",
    ),
}


@dataclass(frozen=True)
class Concept:
    """What a drawing shows."""

    id: str  # code points in hexadecimal
    name: str
    keywords: tuple[str, ...]
    group: int
    withheld: bool  # from the pretraining of the small CLIP


@dataclass(frozen=True)
class Style:
    """A set of drawings by one hand."""

    name: str
    title: str
    licence: str
    withheld: bool


@dataclass(frozen=True)
class Drawings:
    """Every drawing, style after style; the arrays are read-only."""

    images: np.ndarray  # uint8 (n, 3, h, w)
    concept: np.ndarray  # int64 (n,), indices into concepts
    style: np.ndarray  # int64 (n,), indices into styles
    concepts: tuple[Concept, ...]
    styles: tuple[Style, ...]
    groups: tuple[str, ...]
    fingerprint: str  # hex; equal fingerprints are equal drawings and descriptions

    @property
    def group(self) -> np.ndarray:
        """The group of each drawing (n,)."""
        return np.array([concept.group for concept in self.concepts])[self.concept]

    @property
    def of_withheld_concept(self) -> np.ndarray:
        """Whether each drawing (n,) shows what was kept from the small CLIP."""
        return np.array([concept.withheld for concept in self.concepts])[self.concept]

    @property
    def of_withheld_style(self) -> np.ndarray:
        """Whether each drawing (n,) is in a style that was kept from the small CLIP."""
        return np.array([style.withheld for style in self.styles])[self.style]

    @property
    def withheld(self) -> np.ndarray:
        """Whether each drawing (n,) was kept from the small CLIP, for its concept or its style."""
        return self.of_withheld_concept | self.of_withheld_style


@functools.lru_cache(maxsize=2)
def read(folder: Path = FOLDER) -> Drawings:
    """The drawings in a folder that `build-emoji` has written, their files verified. Raises DataError."""
    index_file = folder / "index.json"
    try:
        text = index_file.read_bytes()
        index = json.loads(text)
        sheets = [_read_sheet(folder, style, index["side"], index["columns"]) for style in index["styles"]]
        concepts = tuple(
            Concept(c["id"], c["name"], tuple(c["keywords"]), c["group"], c["withheld"]) for c in index["concepts"]
        )
        styles = tuple(Style(s["name"], s["title"], s["licence"], s["withheld"]) for s in index["styles"])
        shown = [np.array(style["concepts"], np.int64) for style in index["styles"]]
        groups = tuple(index["groups"])
    except DataError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"The data file {index_file} cannot be read; {_REBUILD}.") from error
    images, concept = np.concatenate(sheets), np.concatenate(shown)
    style = np.repeat(np.arange(len(styles)), [len(part) for part in shown])
    for array in (images, concept, style):
        array.flags.writeable = False
    return Drawings(images, concept, style, concepts, styles, groups, hashlib.sha256(text).hexdigest())


def load(name: str) -> Dataset:
    """One of PREPARATION as a data set. Raises DataError when a file is missing or damaged."""
    drawings = read(FOLDER)
    splits = _by_group(drawings) if name == "emoji" else _by_concept(drawings)
    if name == "emoji":
        class_names = drawings.groups
        domains = tuple(style.title for style in drawings.styles)
    else:
        class_names = tuple(drawings.concepts[c].name for c in _complete(drawings))
        domains = ()
    return Dataset(
        name=name,
        class_names=class_names,
        fingerprint=hashlib.sha256(f"{name} {drawings.fingerprint}".encode()).hexdigest(),
        licence="; ".join(f"{style.title}: {style.licence}" for style in drawings.styles),
        read=lambda split: splits[split],
        domains=domains,
        preparation=PREPARATION[name],
    )


def _by_group(drawings: Drawings) -> dict[str, Split]:
    """The splits of `emoji`: each group's concepts shared out, those of the small CLIP's test among the test ones."""
    generator = np.random.default_rng(SEED)
    complete = set(np.flatnonzero(_styles_of_each(drawings) == len(drawings.styles)))
    part = np.zeros(len(drawings.concepts), np.int64)  # of each concept: the index of its split
    for group in range(len(drawings.groups)):
        members = [i for i, concept in enumerate(drawings.concepts) if concept.group == group]
        order = sorted(generator.permutation(members), key=lambda i: not drawings.concepts[i].withheld)
        withheld = sum(drawings.concepts[i].withheld for i in members)
        test = max(round(TEST * len(order)), withheld, 1)
        # One concept that every style draws begins the validation part, so that no domain's part is empty.
        order.insert(test, order.pop(next(i for i in range(test, len(order)) if order[i] in complete)))
        validation = max(round(VALIDATION * len(order)), 1)
        part[order[:test]] = SPLITS.index("test")
        part[order[test : test + validation]] = SPLITS.index("validation")
    of = part[drawings.concept]
    rows = {split: np.flatnonzero(of == i) for i, split in enumerate(SPLITS)}
    return {s: Split(drawings.images[r], drawings.group[r], drawings.style[r]) for s, r in rows.items()}


def _by_concept(drawings: Drawings) -> dict[str, Split]:
    """The splits of `emoji-concepts`: withheld concepts, parted by style."""
    classes = {concept: label for label, concept in enumerate(_complete(drawings))}
    labels = np.array([classes.get(concept, -1) for concept in drawings.concept])
    style = np.array([style.name for style in drawings.styles])[drawings.style]
    where = {
        "train": (style != VALIDATION_STYLE) & (style != TEST_STYLE),
        "validation": style == VALIDATION_STYLE,
        "test": style == TEST_STYLE,
    }
    rows = {split: np.flatnonzero(there & (labels >= 0)) for split, there in where.items()}
    return {split: Split(drawings.images[r], labels[r]) for split, r in rows.items()}


def _complete(drawings: Drawings) -> list[int]:
    """The withheld concepts that every style draws."""
    full = _styles_of_each(drawings) == len(drawings.styles)
    return [i for i, concept in enumerate(drawings.concepts) if concept.withheld and full[i]]


def _styles_of_each(drawings: Drawings) -> np.ndarray:
    """How many styles draw each concept (concepts,)."""
    return np.bincount(drawings.concept, minlength=len(drawings.concepts))


def _read_sheet(folder: Path, style: dict[str, Any], side: int, columns: int) -> np.ndarray:
    """The drawings of one style, uint8 (n, 3, side, side). Raises DataError."""
    file = folder / f"{style['name']}.webp"
    try:
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != style["sha256"]:
            raise DataError(f"The data file {file} is damaged (its checksum differs); {_REBUILD}.")
        with Image.open(file) as image:
            page = np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise DataError(f"The data file {file} cannot be read; {_REBUILD}.") from error
    tiles = page.reshape(len(page) // side, side, columns, side, 3).transpose(0, 2, 4, 1, 3)
    return tiles.reshape(-1, 3, side, side)[: len(style["concepts"])].copy()
