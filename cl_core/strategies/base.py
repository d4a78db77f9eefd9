"""What a strategy is, and the registry. Importing it brings no torch: a first screen can list the strategies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from cl_core.config import Config, ConfigError, LearnConfig

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """One step of learning as a strategy sees it: n real images of the new classes, m replayed ones of the old.

    Classes are numbered in the stream's order, so the task's begin at `first_new`; m is 0 where nothing is replayed,
    and the teacher's part is None on the first task. In a domain-incremental stream a task brings no new class, but all
    of them in a new domain: first_new is 0, so that the new images are learned among all the classes; the teacher knows
    them all, and is held on to in all of its logits; and n_new = n_old = all of them in the factors of METHOD.md §7.
    """

    labels: Tensor  # (n,)
    features: Tensor  # (n, d) of the student
    logits: Tensor  # (n, classes)
    old_labels: Tensor  # (m,)
    old_features: Tensor  # (m, d)
    old_logits: Tensor  # (m, classes)
    head: Callable[[Tensor], Tensor]  # the student's head, for detached features
    relation: Callable[[Tensor], Tensor]  # the learned linear map of relational distillation, (n, d) → (n, d)
    teacher_features: Tensor | None  # (n + m, d), of the real and the replayed images
    teacher_logits: Tensor | None  # (n + m, old_classes)
    prototypes: Tensor | None  # (classes, d): the student's text features of the classes; None without a text tower
    teacher_prototypes: Tensor | None  # (old_classes, d)
    first_new: int
    old_classes: int  # classes known before this task: 0 on the first
    classes: int

    @property
    def novelty(self) -> tuple[int, int]:
        """Numbers of this task's and of old classes."""
        return self.classes - self.first_new, self.old_classes


class Strategy:
    """How old tasks are held on to while a new one is learned."""

    name: ClassVar[str]
    title: ClassVar[str]  # its name for people
    description: ClassVar[str]  # one sentence for people
    memory: ClassVar[str] = "nothing"  # shown of old classes: or synthetic, real, everything
    teaches: ClassVar[bool] = False  # the previous model is needed as a teacher
    freezes: ClassVar[bool] = False  # the backbone stays as the first task left it
    same_bytes: ClassVar[bool] = False  # a real memory as large as what layer-wise inversion keeps, in bytes
    weights: ClassVar[frozenset[str]] = frozenset()  # the settings of learning that weigh its terms
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})  # what it needs of a config

    @property
    def replays(self) -> bool:
        """Whether it wants synthetic images of the old classes."""
        return self.memory == "synthetic"

    @property
    def data_free(self) -> bool:
        """Whether no real image of an old class is kept."""
        return self.memory in ("nothing", "synthetic")

    def losses(self, batch: Batch, config: LearnConfig) -> dict[str, Tensor]:
        """The weighted terms by name; the training loop sums and logs them. On the first task: plain cross-entropy."""
        from torch.nn.functional import cross_entropy

        return {"cross_entropy": cross_entropy(batch.logits, batch.labels, label_smoothing=config.label_smoothing)}


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


def configure(config: Config, name: str) -> Config:
    """The config with this strategy and what it needs. Raises ConfigError."""
    return config.override({"learn": {"strategy": name}}).override(get(name).settings)
