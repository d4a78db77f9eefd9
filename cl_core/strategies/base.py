"""What a strategy is, and the registry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from cl_core.config import ConfigError, LearnConfig


@dataclass(frozen=True)
class Batch:
    """One step of learning as a strategy sees it. n real images of the new classes, m synthetic ones of the old.

    Classes are numbered in the stream's order, so the new ones begin at `first_new`; m is 0 where nothing is replayed,
    and the teacher's part is None on the first task.
    """

    labels: Tensor  # (n,)
    features: Tensor  # (n, d) of the student
    logits: Tensor  # (n, classes)
    old_labels: Tensor  # (m,)
    old_features: Tensor  # (m, d)
    old_logits: Tensor  # (m, classes)
    head: Callable[[Tensor], Tensor]  # the student's head, for detached features
    relation: Callable[[Tensor], Tensor]  # the learned linear map of relational distillation, (n, d) → (n, d)
    teacher_features: Tensor | None  # (n, d), of the real images
    teacher_old_features: Tensor | None  # (m, d)
    teacher_old_logits: Tensor | None  # (m, first_new)
    first_new: int
    classes: int

    @property
    def novelty(self) -> tuple[int, int]:
        """Numbers of new and of old classes."""
        return self.classes - self.first_new, self.first_new


class Strategy:
    """How old tasks are held on to while a new one is learned."""

    name: ClassVar[str]
    description: ClassVar[str]  # one sentence for people
    replays: ClassVar[bool] = False  # wants synthetic images of the old classes
    data_free: ClassVar[bool] = True

    def losses(self, batch: Batch, config: LearnConfig) -> dict[str, Tensor]:
        """The weighted terms by name; the training loop sums and logs them. On the first task: plain cross-entropy."""
        return {"cross_entropy": F.cross_entropy(batch.logits, batch.labels)}


_REGISTRY: dict[str, type[Strategy]] = {}


def register(cls: type[Strategy]) -> type[Strategy]:
    """Class decorator. A name that is taken raises ValueError."""
    if cls.name in _REGISTRY:
        raise ValueError(f"A strategy named {cls.name!r} exists already.")
    _REGISTRY[cls.name] = cls
    return cls


def names() -> list[str]:
    """The registered names."""
    return list(_REGISTRY)


def describe(name: str) -> str:
    """The sentence that tells what a strategy does."""
    return get(name).description


def get(name: str) -> Strategy:
    """The strategy of that name. Raises ConfigError when there is none."""
    if name not in _REGISTRY:
        raise ConfigError(f"There is no strategy {name!r}; allowed are {', '.join(_REGISTRY)}.")
    return _REGISTRY[name]()
