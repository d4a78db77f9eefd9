"""A model of each class seen, and how old ones follow features that move (METHOD.md §2 step 6, §6)."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from cl_core.config import ConfigError, LearnConfig
from cl_core.pulse import pulse
from cl_core.statistics.class_models import KINDS, VARIANCE_FLOOR, ClassModel, Fitting


class ClassGaussians:
    """One model of penultimate features for each class, all of one kind: "diagonal", "full", "low-rank" or "mixture".

    See `Fitting` for shrinkage, rank and components. Classes are addressed by their place.
    """

    def __init__(
        self, kind: str = "diagonal", shrinkage: float | str = 0.02, rank: int = 32, components: int = 3
    ) -> None:
        self.kind, self.fitting = kind, Fitting(shrinkage, rank, components)
        self.models: tuple[ClassModel, ...] = ()

    @classmethod
    def of(cls, config: LearnConfig) -> "ClassGaussians":
        """No class yet; fitted as the config says."""
        shrinkage = cls().fitting.shrinkage if config.shrinkage == "fixed" else config.shrinkage
        return cls(config.class_model, shrinkage, config.class_rank, config.class_components)

    def __len__(self) -> int:
        return len(self.models)

    @property
    def mean(self) -> Tensor:
        """Prototypes (classes, d)."""
        return torch.stack([model.mean for model in self.models]) if self.models else torch.zeros(0, 0)

    def fit(self, features: Tensor, labels: Tensor, classes: Sequence[int]) -> "ClassGaussians":
        """One model for each of `classes`, in that order, from features (n, d) and labels (n,)."""
        of_each = [features[labels == c] for c in classes]
        if not all(map(len, of_each)):
            raise ValueError("A class without an image has no Gaussian.")
        self.models = tuple(self._fit(x) for x in of_each)
        return self

    def _fit(self, x: Tensor) -> ClassModel:
        pulse()
        return KINDS[self.kind].fit(x, self.fitting)

    def _with(self, models: Sequence[ClassModel]) -> "ClassGaussians":
        other = ClassGaussians(self.kind)
        other.fitting, other.models = self.fitting, tuple(models)
        return other

    def join(self, other: "ClassGaussians") -> "ClassGaussians":
        """These classes, then the other's. Raises ConfigError when they are of different kinds."""
        if self.models and self.kind != other.kind:
            raise ConfigError(
                f"Earlier classes are kept as “{self.kind}” class models and new ones would be as “{other.kind}”: "
                "choose one class model for all tasks."
            )
        return other._with([*self.models, *other.models])

    def take(self, classes: Sequence[int]) -> "ClassGaussians":
        """Some of the classes, in the order given."""
        return self._with([self.models[c] for c in classes])

    def covariance(self, c: int) -> Tensor:
        """The covariance (d, d) of a class."""
        pulse()
        return self.models[c].dense()

    def sample(self, c: int, n: int, generator: torch.Generator) -> Tensor:
        """n draws (n, d) of a class."""
        pulse()
        return self.models[c].sample(n, generator)

    def whitening(self, c: int) -> Tensor:
        """The matrix (d, d) that maps deviations from a class's mean to unit covariance: x ↦ x @ whitening."""
        return self.models[c].whitening()

    def map_affine(self, weight: Tensor, bias: Tensor) -> "ClassGaussians":
        """The models after x ↦ x @ weight + bias, with weight (d, d) and bias (d,)."""
        mapped = []
        for model in self.models:
            pulse()
            mapped.append(model.mapped(weight, bias))
        return self._with(mapped)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The fields of the models, stacked over classes: float32, or float16 where the kind says so."""
        if not self.models:
            return {}
        stacked = {name: _stack([getattr(m, name) for m in self.models]) for name in _fields(KINDS[self.kind])}
        half = KINDS[self.kind].half
        return {name: (x.half() if name in half else x).cpu().numpy() for name, x in stacked.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], device: torch.device) -> "ClassGaussians":
        """The inverse of `to_arrays`: which arrays there are tells the kind."""
        kind = next(kind for kind, model in KINDS.items() if set(_fields(model)) == set(arrays))
        tensors = [torch.tensor(arrays[name], device=device).float() for name in _fields(KINDS[kind])]
        gaussians = cls(kind)
        gaussians.models = tuple(KINDS[kind](*parts) for parts in zip(*tensors, strict=True))
        return gaussians


def _fields(model: type[ClassModel]) -> list[str]:
    return [f.name for f in dataclasses.fields(model)]


def _stack(tensors: list[Tensor]) -> Tensor:
    """Stacked; where the last sizes differ (fewer directions in one class), filled up with zeros, which do nothing."""
    widest = max(x.shape[-1] for x in tensors)
    return torch.stack([torch.nn.functional.pad(x, (0, widest - x.shape[-1])) for x in tensors])


def affine_fit(x: Tensor, y: Tensor, ridge: float = 1e-2) -> tuple[Tensor, Tensor]:
    """weight (d, d) and bias (d,) of the ridge regression of y (n, d) on x (n, d), pulled toward the identity.

    ridge: strength in units of the mean variance of x.
    """
    mx, my = x.mean(0), y.mean(0)
    xc, yc = x - mx, y - my
    gram = xc.T @ xc / len(x)
    penalty = ridge * gram.diagonal().mean().clamp_min(VARIANCE_FLOOR) * torch.eye(x.shape[1], device=x.device)
    weight = torch.linalg.solve(gram + penalty, xc.T @ yc / len(x) + penalty)
    return weight, my - mx @ weight
