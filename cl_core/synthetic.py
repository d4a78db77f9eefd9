"""The synthetic images that a state has of old classes, and what is replayed of them (METHOD.md §2, §8)."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from cl_core.snapshot import Snapshot


class Synthetic:
    """Unit images (n, c, h, w), class by class, and labels (n,).

    hidden (n, t, w): where an inversion has stopped before the pixels, the inputs of the second layer, which are
    replayed in place of the images; the images are then decoded from them, for looking at. Else None.
    """

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        self.images = torch.zeros(0, *shape, device=device)
        self.labels = torch.zeros(0, dtype=torch.long, device=device)
        self.hidden: Tensor | None = None

    @classmethod
    def of(cls, snapshot: Snapshot, shape: tuple[int, ...], device: torch.device) -> "Synthetic":
        """Those of a snapshot, copied."""
        made, (images, labels) = cls(shape, device), snapshot.synthetic
        if len(labels):
            made.images = torch.tensor(images, device=device).float()
            made.labels = torch.tensor(labels, device=device)
        if (hidden := snapshot.hidden) is not None:
            made.hidden = torch.tensor(hidden, device=device).float()
        return made

    def replayed(self, normalise: Callable[[Tensor], Tensor]) -> Tensor:
        """What enters the network: normalised images, or hidden inputs."""
        return normalise(self.images) if self.hidden is None else self.hidden

    def add(
        self,
        images: Tensor,
        labels: Tensor,
        classes: Sequence[int],
        hidden: Tensor | None,
        embed: Callable[[Tensor], Tensor],
    ) -> None:
        """Put these images in the place of what there was of their classes; classes stay in order.

        hidden: of these; embed: unit images → hidden inputs, for images that are to be replayed beside such.
        """
        stay = ~torch.isin(self.labels, torch.tensor(list(classes), device=self.labels.device))
        images = images.half().float()
        kept = None if self.hidden is None or not stay.any() else self.hidden[stay]
        if hidden is not None and kept is None:
            kept = embed(self.images[stay])
        elif hidden is None and kept is not None:
            hidden = embed(images)
        all_labels = torch.cat([self.labels[stay], labels])
        order = all_labels.argsort(stable=True)
        self.images, self.labels = torch.cat([self.images[stay], images])[order], all_labels[order]
        self.hidden = None
        if hidden is not None and kept is not None:
            self.hidden = torch.cat([kept, hidden.half().float()])[order]

    def to_arrays(self, brought: Sequence[range]) -> dict[str, np.ndarray]:
        """As arrays, by the names that Snapshot documents. brought: the classes that each task brings."""
        arrays: dict[str, np.ndarray] = {}
        for t, classes in enumerate(brought):
            of = torch.isin(self.labels, torch.tensor(classes, device=self.labels.device))
            if of.any():
                arrays |= _stored(f"synthetic{t}/images", self.images[of], self.labels[of])
                if self.hidden is not None:
                    arrays |= _stored(f"hidden{t}/inputs", self.hidden[of], self.labels[of])
        return arrays


def bytes_of_one(shape: Sequence[int]) -> int:
    """What an image, or a hidden input, of this shape takes with its label, as `to_arrays` stores it."""
    stored = _stored("one/image", torch.zeros(1, *shape), torch.zeros(1, dtype=torch.long))
    return sum(array.nbytes for array in stored.values())


def _stored(name: str, values: Tensor, labels: Tensor) -> dict[str, np.ndarray]:
    group = name.partition("/")[0]
    return {name: values.half().cpu().numpy(), f"{group}/labels": labels.cpu().numpy()}
