"""Snapshot: everything that exists after a step. Plain data and read-only arrays; no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from cl_core.config import Config


def freeze(arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """The same arrays, contiguous and read-only, in a mapping that cannot change."""
    frozen = {}
    for name, array in arrays.items():
        if array.flags.writeable or not array.flags.c_contiguous:
            array = np.array(array, order="C", copy=True)
            array.flags.writeable = False
        frozen[name] = array
    return MappingProxyType(frozen)


@dataclass(frozen=True)
class Snapshot:
    """A node of the tree.

    arrays, by "group/name"; a group is stored once, however many snapshots share it:
      model/…             what learning changes of the network: parameters and buffers, float32
      fixed/…             what it never changes: the towers of a CLIP; the same in all the steps of a tree
      statistics/…        channel or class-position statistics of the layers' inputs
      gaussians/mean      (classes, d), and by the kind of class model: std (classes, d); covariance (classes, d, d);
                          std and loadings (classes, d, r); these, offsets (classes, d, k) and weights (classes, k)
      synthetic<t>/images (n, c, h, w) float16, in [0, 1], of the classes that task t brought; /labels (n,) int64
      hidden<t>/inputs    (n, t, w) float16: what is replayed in the place of those images, where the inversion has
                          stopped at the patch embedding; the images are decoded from it then. /labels (n,) int64
      view/…              features for looking at, in at most 64 principal dimensions of this network (see measure.py)
      film/images         (frames, n, c, h, w) uint8: a few images as inversion went on (see inversion/film.py), and
                          film/labels (n,); only of an inversion; their features are view/film and view/film_targets
    record: plain data: accuracies, losses, seconds, bytes kept (see experiment.py for its keys).
    Classes are numbered in the order in which the stream brings them.
    """

    id: str
    parent: str | None
    verb: str  # "start", "learn" or "invert"
    tasks_learned: int
    config: Config
    class_names: tuple[str, ...]  # all the classes of the stream, in its order
    task_sizes: tuple[int, ...]  # classes of each task; each has all of them in a domain-incremental stream
    arrays: Mapping[str, np.ndarray]
    record: Mapping[str, Any]

    @property
    def classes_seen(self) -> int:
        """Number of classes learned so far."""
        return max((c + 1 for t in range(self.tasks_learned) for c in self.classes(t)), default=0)

    def classes(self, task: int) -> tuple[int, ...]:
        """The class indices of a task, 0 the first."""
        return self.config.stream.classes_of(task, self.task_sizes)

    @property
    def next_verb(self) -> str | None:
        """What the method does next: "learn", "invert", or None at the end of the stream."""
        if self.verb == "learn" and self.replays:
            return "invert"
        return "learn" if self.tasks_learned < len(self.task_sizes) else None

    @property
    def replays(self) -> bool:
        """Whether the strategy of this snapshot replays synthetic images."""
        return bool(self.record.get("replays", False))

    def group(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of one group, without its prefix."""
        prefix = name + "/"
        return {key[len(prefix) :]: value for key, value in self.arrays.items() if key.startswith(prefix)}

    @property
    def hidden(self) -> np.ndarray | None:
        """Hidden inputs (n, t, w), replayed in the place of the synthetic images; None where images are replayed."""
        inputs = [self.arrays.get(f"hidden{t}/inputs") for t in range(len(self.task_sizes))]
        found = [array for array in inputs if array is not None]
        return np.concatenate(found) if found else None

    @property
    def synthetic(self) -> tuple[np.ndarray, np.ndarray]:
        """Synthetic images (n, c, h, w) in [0, 1] and their class indices (n,); empty before the first inversion."""
        tasks = [t for t in range(len(self.task_sizes)) if f"synthetic{t}/images" in self.arrays]
        if not tasks:
            return np.zeros((0, 1, 1, 1), np.float16), np.zeros(0, np.int64)
        return (
            np.concatenate([self.arrays[f"synthetic{t}/images"] for t in tasks]),
            np.concatenate([self.arrays[f"synthetic{t}/labels"] for t in tasks]),
        )
