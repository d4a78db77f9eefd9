"""A stream of tasks: each brings classes that were not there before (METHOD.md §1). No torch."""

from dataclasses import dataclass

import numpy as np

from cl_core import datasets
from cl_core.config import ConfigError, StreamConfig
from cl_core.datasets import Dataset, Split


@dataclass(frozen=True)
class Experience:
    """One task: its classes and their images. Labels are class indices in the order of the stream."""

    index: int
    classes: tuple[int, ...]
    train: Split
    validation: Split
    test: Split


class TaskStream:
    """Class-incremental stream of a data set. The last task is smaller when the classes do not divide evenly.

    class_order: the data set's labels in stream order; class_names: their names; task_sizes: classes a task.
    mean, std: float32 (c,), per channel, of the first task's training images in [0, 1]; later tasks have no say.
    Raises ConfigError when a task would need more classes than there are, DataError when the data cannot be read.
    """

    def __init__(self, config: StreamConfig, seed: int, dataset: Dataset | None = None) -> None:
        self.dataset = datasets.load(config.data) if dataset is None else dataset
        total = len(self.dataset.class_names)
        if config.increment > total:
            raise ConfigError(
                f"“Classes a task” (increment) is {config.increment}, but {self.dataset.name} has only {total} "
                f"classes; choose {total} or fewer."
            )
        self._train_per_class = config.train_per_class
        shuffled = config.class_order == "shuffled"
        order = np.random.default_rng(seed).permutation(total) if shuffled else np.arange(total)
        self.class_order = tuple(int(label) for label in order)
        self.class_names = tuple(self.dataset.class_names[label] for label in self.class_order)
        starts = range(0, total, config.increment)
        self.task_sizes = tuple(min(config.increment, total - start) for start in starts)
        pixels = self.experience(0).train.images / np.float32(255)  # (n, c, h, w)
        self.mean = pixels.mean(axis=(0, 2, 3), dtype=np.float64).astype(np.float32)
        self.std = np.maximum(pixels.std(axis=(0, 2, 3), dtype=np.float64), 1e-3).astype(np.float32)

    def __len__(self) -> int:
        """Number of tasks."""
        return len(self.task_sizes)

    def classes(self, t: int) -> tuple[int, ...]:
        """The classes that task t brings (0 is the first)."""
        start = sum(self.task_sizes[:t])
        return tuple(range(start, start + self.task_sizes[t]))

    def experience(self, t: int) -> Experience:
        """Task t, 0 … len − 1."""
        classes = self.classes(t)
        train, validation, test = (self._images(split, classes) for split in datasets.SPLITS)
        return Experience(t, classes, train, validation, test)

    def seen(self, t: int, split: str) -> Split:
        """All the images of one split of tasks 0 … t."""
        return self._images(split, range(sum(self.task_sizes[: t + 1])))

    def rows(self, split: str, classes: range | tuple[int, ...]) -> np.ndarray:
        """Where those classes' images lie in the data set's split (n,), class after class; train is cut to size."""
        labels = self.dataset.split(split).labels
        limit = self._train_per_class if split == "train" else None
        found = [np.flatnonzero(labels == self.class_order[c])[:limit] for c in classes]
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _images(self, split: str, classes: range | tuple[int, ...]) -> Split:
        whole, rows = self.dataset.split(split), self.rows(split, classes)
        renumbered = np.argsort(self.class_order)[whole.labels[rows]].astype(np.int64)
        return Split(whole.images[rows], renumbered)
