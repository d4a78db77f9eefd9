"""A stream of tasks (METHOD.md §1): each brings new classes, or all the classes in a new domain. No torch."""

from collections.abc import Iterable
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
    """Class-incremental stream of a data set, whose last task is smaller when the classes do not divide evenly; or a

    domain-incremental one, in which every task has all the classes, in one domain of the data.

    class_order: the data set's labels in stream order; class_names: their names; task_sizes: classes of each task;
    domain_order, domain_names: the same of the domains, one a task; empty in a class-incremental stream.
    mean, std: float32 (c,), per channel, of the first task's training images in [0, 1]; later tasks have no say.
    Raises ConfigError when the data has not what the stream asks for, DataError when it cannot be read.
    """

    def __init__(self, config: StreamConfig, seed: int, dataset: Dataset | None = None) -> None:
        self.dataset = datasets.load(config.data) if dataset is None else dataset
        self.config = config
        shuffled, draws = config.class_order == "shuffled", np.random.default_rng(seed)
        chosen = _chosen_classes(config, self.dataset)
        order = draws.permutation(len(chosen)) if shuffled else np.arange(len(chosen))
        self.task_sizes = _task_sizes(config, self.dataset, len(chosen))
        classes = self.task_sizes[0] if config.by_domain else sum(self.task_sizes)
        self.class_order = tuple(chosen[index] for index in order[:classes])
        self.class_names = tuple(self.dataset.class_names[label] for label in self.class_order)
        self.domain_order: tuple[int, ...] = ()
        if config.by_domain:
            total = len(self.dataset.domains)
            domains = draws.permutation(total) if shuffled else np.arange(total)
            self.domain_order = tuple(int(domain) for domain in domains[: len(self.task_sizes)])
        self.domain_names = tuple(self.dataset.domains[domain] for domain in self.domain_order)
        pixels = self.experience(0).train.images / np.float32(255)  # (n, c, h, w)
        self.mean = pixels.mean(axis=(0, 2, 3), dtype=np.float64).astype(np.float32)
        self.std = np.maximum(pixels.std(axis=(0, 2, 3), dtype=np.float64), 1e-3).astype(np.float32)

    def __len__(self) -> int:
        """Number of tasks."""
        return len(self.task_sizes)

    def classes(self, t: int) -> tuple[int, ...]:
        """The classes of task t (0 is the first)."""
        return self.config.classes_of(t, self.task_sizes)

    def classes_before(self, t: int) -> int:
        """Number of classes that tasks 0 … t − 1 have brought."""
        return max((c + 1 for earlier in range(t) for c in self.classes(earlier)), default=0)

    def experience(self, t: int) -> Experience:
        """Task t, 0 … len − 1."""
        train, validation, test = (self._images(split, (t,)) for split in datasets.SPLITS)
        return Experience(t, self.classes(t), train, validation, test)

    def seen(self, t: int, split: str) -> Split:
        """All the images of one split of tasks 0 … t."""
        return self._images(split, range(t + 1))

    def tasks_of(self, images: Split) -> np.ndarray:
        """The task of each image (n,) of a split that this stream has given."""
        if images.domains is not None:
            return images.domains
        return np.repeat(np.arange(len(self)), self.task_sizes)[images.labels]

    def rows(self, split: str, tasks: Iterable[int]) -> np.ndarray:
        """Where those tasks' images lie in the data set's split (n,), class after class; train is cut to size."""
        return np.concatenate([self._rows_of(split, t, c) for t in tasks for c in self.classes(t)])

    def first_rows(self, split: str, t: int, each: int) -> tuple[np.ndarray, np.ndarray]:
        """The first `each` images of each class of tasks 0 … t, its domains in turns: rows and class indices (n,)."""
        rows = []
        for c in range(self.classes_before(t + 1)):
            parts = [self._rows_of(split, task, c) for task in range(t + 1) if c in self.classes(task)]
            turns = np.concatenate([np.arange(len(part)) for part in parts]).argsort(kind="stable")
            rows.append(np.concatenate(parts)[turns][:each])
        return np.concatenate(rows), np.repeat(np.arange(len(rows)), [len(of) for of in rows])

    def _rows_of(self, split: str, t: int, c: int) -> np.ndarray:
        whole = self.dataset.split(split)
        there = whole.labels == self.class_order[c]
        if self.domain_order and whole.domains is not None:
            there = there & (whole.domains == self.domain_order[t])
        return np.flatnonzero(there)[: self.config.train_per_class if split == "train" else None]

    def _images(self, split: str, tasks: Iterable[int]) -> Split:
        whole, rows = self.dataset.split(split), self.rows(split, tasks)
        renumbered = _positions(self.class_order, len(self.dataset.class_names))[whole.labels[rows]]
        domains = None
        if self.domain_order and whole.domains is not None:
            domains = _positions(self.domain_order, len(self.dataset.domains))[whole.domains[rows]]
        return Split(whole.images[rows], renumbered, domains)


def _positions(order: tuple[int, ...], total: int) -> np.ndarray:
    """The place of each of the data's `total` labels in the stream's order, int64; −1: not in the stream."""
    places = np.full(total, -1, np.int64)
    places[list(order)] = np.arange(len(order))
    return places


def _chosen_classes(config: StreamConfig, dataset: Dataset) -> tuple[int, ...]:
    """The data set's labels that the stream is made of. Raises ConfigError."""
    total, chosen = len(dataset.class_names), config.order
    if len(set(chosen)) < len(chosen) or any(label >= total for label in chosen):
        raise ConfigError(
            f"“Classes, by number” (order) is {', '.join(map(str, chosen))}; {dataset.name} has {total} classes, "
            f"0 to {total - 1}, and each may come once."
        )
    return chosen or tuple(range(total))


def _task_sizes(config: StreamConfig, dataset: Dataset, classes: int) -> tuple[int, ...]:
    """The number of classes of each task. Raises ConfigError."""
    if config.by_domain:
        sizes, unit = [classes] * len(dataset.domains), "domains"
        if len(sizes) < 2:
            raise ConfigError(
                f"“Scenario” is domain-incremental, but {dataset.name} has no domains; it needs folder:PATH with a "
                "sub-folder for each domain, and in that one for each class."
            )
    else:
        unit = "classes"
        for name, label, size in (
            ("increment", "Classes a task", config.increment),
            ("first", "Classes of the first task", config.first),
        ):
            if size > classes:
                raise ConfigError(
                    f"“{label}” ({name}) is {size}, but {dataset.name} has only {classes} classes; "
                    f"choose {classes} or fewer."
                )
        first = config.first or config.increment
        rest = range(first, classes, config.increment)
        sizes = [first, *(min(config.increment, classes - start) for start in rest)]
    if config.tasks > len(sizes):
        raise ConfigError(
            f"“Tasks” (tasks) is {config.tasks}, but the {classes if unit == 'classes' else len(sizes)} {unit} of "
            f"{dataset.name} make only {len(sizes)}; choose {len(sizes)} or fewer, or 0 for all of them."
        )
    return tuple(sizes[: config.tasks or None])
