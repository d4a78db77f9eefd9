"""What a data set is: names, and images in three splits. No torch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SPLITS = ("train", "validation", "test")


class DataError(ValueError):
    """Data cannot be read. The message is one sentence for people: which file, and what to do."""


@dataclass(frozen=True)
class Split:
    """Images of one split, their classes and, where the data has domains, those; the arrays are read-only."""

    images: np.ndarray  # uint8 (n, c, h, w)
    labels: np.ndarray  # int64 (n,)
    domains: np.ndarray | None = None  # int64 (n,), indices into Dataset.domains

    def __post_init__(self) -> None:
        for array in (self.images, self.labels, self.domains):
            if array is not None:
                array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, index: np.ndarray) -> "Split":
        """The images at `index`, in that order."""
        return Split(self.images[index], self.labels[index], None if self.domains is None else self.domains[index])


@dataclass(frozen=True)
class Dataset:
    """A data set whose splits are read when they are first asked for, and kept."""

    name: str
    class_names: tuple[str, ...]
    fingerprint: str  # hex; equal fingerprints are equal images
    licence: str
    read: Callable[[str], Split] = field(repr=False, compare=False)
    domains: tuple[str, ...] = ()  # names of where the images come from (photo, sketch …); () when there is but one
    preparation: tuple[str, ...] = ()  # what was done to the images on the way here: sentences for people
    _kept: dict[str, Split] = field(default_factory=dict, init=False, repr=False, compare=False)

    def split(self, name: str) -> Split:
        """The split of that name, one of SPLITS. Raises DataError when its file is damaged."""
        if name not in self._kept:
            self._kept[name] = self.read(name)
        return self._kept[name]

    def number(self, class_name: str) -> int:
        """The label of a class. Raises DataError: a run may come from elsewhere, or its data have changed since."""
        if class_name not in self.class_names:
            raise DataError(f"The data {self.name} has no class “{class_name}”: it is not what this run was made with.")
        return self.class_names.index(class_name)
