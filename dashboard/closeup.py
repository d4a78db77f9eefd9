"""HTML of the points that are chosen in the feature space: a sheet of several, a card of one. Pure; all is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from dashboard import pictures
from dashboard.markup import percent
from dashboard.palette import colour, symbol_image

SIDE = 6  # images of a class on each side of a sheet
Likely = Sequence[tuple[int, float]]  # classes and their probabilities


@dataclass(frozen=True)
class Card:
    """All that is known of one image. images: uint8 (1, h, w, c) itself and (n, h, w, c) its neighbours.

    says: who, and what they say of it; neighbours: class and distance of each.
    """

    kind: str  # "real" or "synthetic"
    image: np.ndarray
    label: int
    facts: Sequence[str]
    says: Sequence[tuple[str, Likely]]
    neighbours: Sequence[tuple[int, float]]
    neighbour_images: np.ndarray


def card(about: Card, names: Sequence[str]) -> str:
    """The image, what it is, what networks say of it, and its nearest real neighbours."""
    name, hollow = escape(names[about.label]), about.kind == "synthetic"
    facts = "".join(f"<span>{escape(fact)}</span>" for fact in about.facts)
    head = f"<b>{_mark(about.label, hollow)} {name}</b><span>{about.kind} image</span>{facts}"
    says = "".join(_says(who, likely, about.label, names) for who, likely in about.says)
    image = pictures.data_uri(pictures.sheet([about.image], 1, scale=4))
    return (
        f'<div class="il-closeup"><img class="il-closeup-image" src="{image}" alt="{about.kind} image of {name}">'
        f'<div class="il-closeup-head">{head}</div><div class="il-closeup-says">{says}</div>{_neighbours(about, names)}'
        "</div>"
    )


def _says(who: str, likely: Likely, label: int, names: Sequence[str]) -> str:
    right = likely[0][0] == label
    rows = "".join(
        f"<span>{_mark(c)} {escape(names[c])}</span>"
        f'<div class="il-meter"><i style="width:{100 * p:.1f}%;background:{colour(c)}"></i></div><u>{percent(p)}</u>'
        for c, p in likely
    )
    verdict = "✓ agrees" if right else "✗ does not agree"
    return f'<div><p>{escape(who)} <b>{verdict}</b></p><div class="il-likely">{rows}</div></div>'


def _neighbours(about: Card, names: Sequence[str]) -> str:
    if not len(about.neighbours):
        return ""
    labels = [f"{_mark(c)} {escape(names[c])}<br><i>{distance:.3g} away</i>" for c, distance in about.neighbours]
    return strip(about.neighbour_images, labels, "Nearest real images (test) in the feature space")


def strip(images: np.ndarray, labels: Sequence[str], title: str) -> str:
    """A row of images (n, h, w, c) uint8, each with its label, HTML already, under it."""
    source = pictures.data_uri(pictures.sheet([images], len(images), scale=3))
    cells = "".join(f"<span>{label}</span>" for label in labels)
    return (
        f'<div class="il-closeup-near" style="--il-count:{len(images)}"><p>{escape(title)}</p>'
        f'<img src="{source}" alt="{escape(title)}"><div>{cells}</div></div>'
    )


def sheet(
    real: Sequence[np.ndarray], synthetic: Sequence[np.ndarray], classes: Sequence[int], names: Sequence[str]
) -> str:
    """One row a class: its chosen real images (k, h, w, c) at the left, its chosen synthetic ones at the right."""
    both = any(map(len, real)) and any(map(len, synthetic))
    columns = 2 * SIDE + 1 if both else 2 * SIDE
    rows, strength = [], []
    for a, b in zip(real, synthetic, strict=True):
        blank = np.zeros_like((*a, *b)[0])
        side = SIDE if both else columns
        left, right = list(a[:side]), list(b[:side])
        pad = SIDE + 1 - len(left) if both else 0
        rows.append(np.stack([*left, *[blank] * pad, *right, blank])[:columns])
        shown = [1.0] * len(left) + [0.0] * pad + [1.0] * len(right)
        strength.append((shown + [0.0] * columns)[:columns])
    source = pictures.data_uri(pictures.sheet(rows, columns, strength=strength))
    labels = "".join(
        f"<span>{_mark(c) if len(a) else ''}{_mark(c, True) if len(b) else ''} {escape(names[c])} "
        f"<i>{len(a) + len(b)}</i></span>"
        for c, a, b in zip(classes, real, synthetic, strict=True)
    )
    heads = ["● real, test", "○ synthetic"] if both else ["● real, test" if any(map(len, real)) else "○ synthetic"]
    head = "".join(f"<span>{words}</span>" for words in heads)
    return (
        '<figure class="il-sheet il-chosen"><div class="il-sheet-body"><i></i>'
        f'<div class="il-chosen-head">{head}</div><div class="il-sheet-labels">{labels}</div>'
        f'<img src="{source}" alt="The chosen images, one row a class"></div></figure>'
    )


def _mark(c: int, hollow: bool = False) -> str:
    return f'<img class="il-mark" src="{symbol_image(c, hollow)}" alt="">'
