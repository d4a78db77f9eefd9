"""Many images in batches that fit into memory: each batch has images of all the classes, and statistics of its own.

The statistics that a batch is held to are those of all the classes together, so a batch of a few classes alone would be
held to the wrong ones (METHOD.md §4: batches of up to 4,000).
"""

import dataclasses
import math
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cl_core.config import ConfigError
from cl_core.events import Event
from cl_core.inversion.film import Film


@dataclass
class Inversion:
    """images (n, c, h, w) in [0, 1], class by class; labels (n,); targets (n, d); and how it went, as plain data.

    hidden (n, t, w): the inputs of the second layer, of an inversion that stops there; then the images are decoded from
    them, for looking at.
    """

    images: Tensor
    labels: Tensor
    targets: Tensor
    layers: list[dict[str, Any]] = field(default_factory=list)
    refine: dict[str, Any] = field(default_factory=dict)
    film: Film = field(default_factory=Film)
    hidden: Tensor | None = None


def shares(classes: int, images_per_class: int, batch: int) -> list[range]:
    """Which of each class's images are made together: as few shares of nearly equal size as keep to the batch.

    Raises ConfigError when it cannot hold an image of each class.
    """
    if batch < classes:
        raise ConfigError(
            f"“Images in a batch” is {batch}, but each batch has images of all the {classes} classes that are "
            f"inverted: set it to {classes} or more."
        )
    count = math.ceil(images_per_class / (batch // classes))
    edges = [round(i * images_per_class / count) for i in range(count + 1)]
    return [range(a, b) for a, b in pairwise(edges)]


def rows(classes: int, images_per_class: int, share: range) -> Tensor:
    """The rows of a share in images that lie class by class: (classes · len(share),)."""
    return (images_per_class * torch.arange(classes)[:, None] + torch.tensor(share)).flatten()


def numbered(steps: Generator[Event, None, Inversion], index: int, count: int) -> Generator[Event, None, Inversion]:
    """The events of a batch, as a part of the whole work."""
    with closing(steps):
        while True:
            try:
                event = next(steps)
            except StopIteration as stop:
                made: Inversion = stop.value
                return made
            yield dataclasses.replace(event, fraction=(index + event.fraction) / count)


def joined(parts: Sequence[Inversion], targets: Tensor, labels: Tensor, classes: int) -> Inversion:
    """The images of all the batches, class by class. Curves are means over the batches, seconds sums, the film is that

    of the first batch, which has the first images of each class.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    images = _together([part.images for part in parts], classes)
    hidden = [part.hidden for part in parts if part.hidden is not None]
    each, shown = len(images) // classes, len(first.images) // classes
    film = dataclasses.replace(first.film, rows=first.film.rows // shown * each + first.film.rows % shown)
    layers = [
        of[0] | {"curve": _mean([one["curve"] for one in of]), "seconds": sum(one["seconds"] for one in of)}
        for of in zip(*(part.layers for part in parts), strict=True)
    ]
    refined = [part.refine for part in parts]
    curves = {name: _mean([one["curve"][name] for one in refined]) for name in first.refine["curve"]}
    refine = first.refine | {"curve": curves, "seconds": sum(one["seconds"] for one in refined)}
    return Inversion(images, labels, targets, layers, refine, film, _together(hidden, classes) if hidden else None)


def _together(parts: Sequence[Tensor], classes: int) -> Tensor:
    """What batches have made (n, …), class by class."""
    return torch.cat([part.unflatten(0, (classes, -1)) for part in parts], 1).flatten(0, 1)


def _mean(curves: Sequence[Sequence[float]]) -> list[float]:
    """The mean of curves of one length, point by point."""
    return [float(value) for value in np.mean(curves, 0)]
