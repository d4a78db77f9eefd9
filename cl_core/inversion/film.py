"""A film of an inversion: what the images would be if it stopped here or there, for a few images of each class.

It looks on: it draws from a generator of its own and changes nothing. It is for looking at, and not for learning from.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cl_core.images import Normaliser, to_bytes

A_CLASS, IN_ALL = 6, 40  # images shown
MOMENTS = 9  # of the refinement, closer together at its beginning

# The start of the input of a group of layers, given its number, what it should make, and of how many classes that is.
Fill = Callable[[int, Tensor, int], Tensor]


@dataclass
class Film:
    """frames: plain dicts {"stage": "start", "layer" or "refine", "layer", "name", "iteration", "of", "units", "loss"}.

    layer and name: of the group of layers (None and "" where it is none); units: full-network passes forward and back
    spent so far; loss: of that stage, None at the start. images: one array (n, c, h, w), uint8, a frame.
    rows (n,): which of the inversion's images these are, class by class. hidden: of an inversion that stops there, the
    inputs of the second layer (n, t, w) a frame, which the images are decoded from.
    """

    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    frames: list[dict[str, Any]] = field(default_factory=list)
    images: list[np.ndarray] = field(default_factory=list)
    hidden: list[Tensor] = field(default_factory=list)


class Camera:
    """Takes the frames of a film while an inversion runs.

    classes: how many are inverted, images_per_class images each, class by class; refinement: its iterations; fill: see
    Fill; first: the group whose input is made, above those that only decode.
    """

    def __init__(
        self,
        classes: int,
        images_per_class: int,
        refinement: int,
        fill: Fill,
        normalise: Normaliser,
        first: int = 0,
    ) -> None:
        shown = min(classes, IN_ALL)
        each = min(A_CLASS, images_per_class, max(1, IN_ALL // shown))
        rows = (np.arange(shown)[:, None] * images_per_class + np.arange(each)).ravel()
        self.film, self._classes = Film(rows), shown
        self._rows, self._fill, self._normalise = torch.tensor(rows), fill, normalise
        self._refinement, self._moments, self._first = refinement, moments(refinement), first

    def stop(self, inputs: Tensor, index: int, name: str, iterations: int, units: float, loss: float | None) -> None:
        """What if it stopped with this input of the group of layers number `index`? The groups below only start.

        inputs: of all the images (n, …). A loss of None is the beginning, before any iteration.
        """
        x = inputs.detach()[self._rows.to(inputs.device)]
        for below in reversed(range(self._first, index)):
            x = self._fill(below, x, self._classes)
        stage = "start" if loss is None else "layer"
        layer, name = (None, "") if loss is None else (index + 1, name)
        made = x if self._first else self._normalise.inverse(x)
        self._take(made, stage, layer, name, iterations, iterations, units, loss)

    def decode(self, hidden: Tensor) -> Tensor:
        """Unit images (n, c, h, w) of inputs of the first group: what they may have come from, for looking at."""
        return self._normalise.inverse(self._fill(0, hidden.detach(), self._classes)).clamp(0, 1)

    def wants(self, iteration: int) -> bool:
        """Whether an iteration of the refinement is one of the moments to keep. The last one is kept for `ended`."""
        return iteration in self._moments and iteration < self._refinement

    def refined(self, images: Tensor, iteration: int, units: float, loss: float) -> None:
        """The unit images (n, c, h, w), or hidden inputs, that an iteration of the refinement met, if it is one of the

        moments to keep.
        """
        if self.wants(iteration):
            self._take(
                images[self._rows.to(images.device)], "refine", None, "", iteration, self._refinement, units, loss
            )

    def ended(self, images: Tensor, units: float, loss: float | None) -> None:
        """The images that the inversion gives, after a refinement (loss: their total, None when there was none)."""
        if loss is not None:
            shown = images[self._rows.to(images.device)]
            self._take(shown, "refine", None, "", self._refinement, self._refinement, units, loss)

    def _take(
        self,
        made: Tensor,
        stage: str,
        layer: int | None,
        name: str,
        iteration: int,
        of: int,
        units: float,
        loss: float | None,
    ) -> None:
        """made: unit images, or the hidden inputs where the inversion stops."""
        if self._first:
            self.film.hidden.append(made)
        unit = self.decode(made) if self._first else made
        self.film.images.append(to_bytes(unit).transpose(0, 3, 1, 2))
        self.film.frames.append(
            {
                "stage": stage,
                "layer": layer,
                "name": name,
                "iteration": iteration,
                "of": of,
                "units": units,
                "loss": loss,
            }
        )


def moments(iterations: int) -> list[int]:
    """At most MOMENTS iterations from the first to the last one, evenly spread in their logarithm."""
    return sorted({round(moment) for moment in np.geomspace(1, iterations, MOMENTS)}) if iterations else []
