"""What an inversion tells of its work: how much of it is done, and images only a few times a second."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from cl_core.events import Event
from cl_core.images import Normaliser, activations_to_bytes, to_bytes

SECONDS_BETWEEN_IMAGES = 0.4
SHOWN_A_CLASS = 8


class Work:
    """Turns steps into events: how much is done of the whole, and images only a few times a second."""

    def __init__(
        self, per_group: list[int], names: tuple[str, ...], full: int, labels: Tensor, images_per_class: int
    ) -> None:
        self.per_group, self.names, self.full, self.done = per_group, names, full, 0.0
        self.total = sum(per_group) / len(per_group) + full  # in passes through the whole network
        first = torch.arange(len(labels)) % images_per_class < SHOWN_A_CLASS
        self.shown = first.nonzero().flatten().to(labels.device)
        self.labels = tuple(int(label) for label in labels[self.shown])
        self.latest = -SECONDS_BETWEEN_IMAGES

    def _time_for_images(self, last: bool) -> bool:
        if last or time.monotonic() - self.latest >= SECONDS_BETWEEN_IMAGES:
            self.latest = time.monotonic()
            return True
        return False

    def layer_event(
        self, index: int, iteration: int, losses: dict[str, float], current: Tensor, normalise: Normaliser
    ) -> Event:
        self.done += 1 / len(self.per_group)
        images = None
        if self._time_for_images(iteration == self.per_group[index]):
            shown = current[self.shown]
            images = to_bytes(normalise.inverse(shown)) if index == 0 else activations_to_bytes(shown)
        return Event(
            "layer",
            iteration,
            self.per_group[index],
            self.done / self.total,
            index + 1,
            self.names,
            losses,
            images=images,
            image_labels=self.labels if images is not None else (),
            images_are_activations=index > 0,
        )

    def refine_event(
        self, iteration: int, losses: dict[str, float], images: Callable[[Tensor], Tensor], decoded: bool = False
    ) -> Event:
        """images: those of some rows, in [0, 1], decoded or not; asked for when it is time to show some."""
        self.done += 1
        shown = to_bytes(images(self.shown)) if self._time_for_images(iteration == self.full) else None
        labels = self.labels if shown is not None else ()
        return Event(
            "refine",
            iteration,
            self.full,
            self.done / self.total,
            losses=losses,
            images=shown,
            image_labels=labels,
            images_are_decoded=decoded,
        )
