"""The kinds of class model: what is kept of one class's features (n, d), and how to draw from it (METHOD.md §6).

Each kind has its own trade between faithfulness and bytes: at d = 576 in float32, a diagonal takes 4.6 kB a class, a
full covariance 1.3 MB, a low-rank one with 32 directions in float16 41 kB.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from sklearn.covariance import ledoit_wolf_shrinkage, oas
from sklearn.mixture import GaussianMixture
from torch import Tensor

from cl_core.statistics.moments import VARIANCE_FLOOR

LEAST_SHRINKAGE = 1e-3  # what estimates are held above: equal features have a covariance of 0
JITTER = 1e-4  # share of the mean variance added to a mapped covariance, which rounding may leave singular
LEAST_OWN = 1e-4  # share of a dimension's variance that no low-rank model explains: it must stay invertible


@dataclass(frozen=True)
class Fitting:
    """How class models are fitted.

    shrinkage: share of a covariance given up for its diagonal level, a number or "ledoit-wolf" or "oas", which
    estimate it; rank: directions of a low-rank covariance; components: Gaussians of a mixture.
    """

    shrinkage: float | str = 0.02
    rank: int = 32
    components: int = 3

    def shrinkage_of(self, centred: Tensor) -> float:
        """The share for this sample of deviations (n, d) from their mean."""
        if not isinstance(self.shrinkage, str):
            return self.shrinkage
        x = centred.double().cpu().numpy()
        estimate = (
            ledoit_wolf_shrinkage(x, True) if self.shrinkage == "ledoit-wolf" else oas(x, assume_centered=True)[1]
        )
        return max(float(estimate), LEAST_SHRINKAGE)


@dataclass(frozen=True)
class ClassModel(ABC):
    """A distribution of features. The fields of a kind are what is stored of it, by those names.

    mean (d,).
    """

    half: ClassVar[tuple[str, ...]] = ()  # fields that are stored as float16
    mean: Tensor

    @classmethod
    @abstractmethod
    def fit(cls, x: Tensor, fitting: Fitting) -> Self:
        """The model of features x (n, d), n ≥ 1."""

    @abstractmethod
    def dense(self) -> Tensor:
        """Its covariance (d, d), written out."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n draws (n, d)."""

    @abstractmethod
    def whitening(self) -> Tensor:
        """The matrix (d, d) that maps deviations from the mean to unit covariance: x ↦ x @ whitening."""

    def whitener(self) -> Callable[[Tensor], Tensor]:
        """x ↦ x @ whitening for deviations (n, d) from the mean, in the quickest form that the kind allows."""
        whitening = self.whitening()
        return lambda x: x @ whitening

    @abstractmethod
    def mapped(self, weight: Tensor, bias: Tensor) -> Self:
        """The model of x @ weight + bias, with weight (d, d) and bias (d,), within the same kind."""


@dataclass(frozen=True)
class Diagonal(ClassModel):
    """A mean and a standard deviation for each dimension: the paper's. std (d,)."""

    std: Tensor

    @classmethod
    def fit(cls, x: Tensor, fitting: Fitting) -> Self:
        mean = x.mean(0)
        return cls(mean, _deviation(x - mean))

    def dense(self) -> Tensor:
        return self.std.square().diag()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.mean + _noise(self.mean, n, generator) * self.std

    def whitening(self) -> Tensor:
        return (1 / self.std).diag()

    def mapped(self, weight: Tensor, bias: Tensor) -> Self:
        variance = self.std.square() @ weight.square()
        return type(self)(self.mean @ weight + bias, variance.clamp_min(VARIANCE_FLOOR).sqrt())


@dataclass(frozen=True)
class Full(ClassModel):
    """A mean and a whole covariance (d, d), shrunk toward its mean variance so that it can be inverted."""

    covariance: Tensor

    @classmethod
    def fit(cls, x: Tensor, fitting: Fitting) -> Self:
        mean = x.mean(0)
        centred = x - mean
        covariance = centred.T @ centred / len(x)
        level = covariance.diagonal().mean().clamp_min(VARIANCE_FLOOR)
        share = fitting.shrinkage_of(centred)
        return cls(mean, (1 - share) * covariance + share * level * _eye(mean))

    def dense(self) -> Tensor:
        return self.covariance

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.mean + _noise(self.mean, n, generator) @ torch.linalg.cholesky(self.covariance).T

    def whitening(self) -> Tensor:
        root = torch.linalg.cholesky(self.covariance)
        return torch.linalg.solve_triangular(root, _eye(self.mean), upper=False).T

    def mapped(self, weight: Tensor, bias: Tensor) -> Self:
        covariance = weight.T @ self.covariance @ weight
        level = covariance.diagonal().mean().clamp_min(VARIANCE_FLOOR)
        return type(self)(self.mean @ weight + bias, covariance + JITTER * level * _eye(self.mean))


@dataclass(frozen=True)
class LowRank(ClassModel):
    """Factor analysis: Σ = S (L Lᵀ + U) S, with S the standard deviations, L the loadings and U the diagonal rest.

    U = 1 − Σ_k L², so the variance of each dimension is exact; what is lost are correlations beyond the first `rank`
    principal directions of the correlation matrix. std (d,); loadings (d, r) in [−1, 1], hence safe in float16.
    """

    half: ClassVar[tuple[str, ...]] = ("loadings",)
    std: Tensor
    loadings: Tensor

    @classmethod
    def fit(cls, x: Tensor, fitting: Fitting) -> Self:
        mean, std, loadings, _ = _principal(x, fitting)
        return cls(mean, std, _half(loadings))

    @property
    def factors(self) -> Tensor:
        """All that makes dimensions vary together (d, k), in standard deviations."""
        return self.loadings

    @property
    def own(self) -> Tensor:
        """U (d,): each dimension's variance of its own, as a share of its variance."""
        return (1 - self.factors.square().sum(1)).clamp_min(LEAST_OWN)

    def dense(self) -> Tensor:
        root = self.std[:, None] * self.factors
        return root @ root.T + (self.std.square() * self.own).diag()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        together = _noise(self.loadings[0], n, generator) @ self.loadings.T
        return self.mean + self.std * (together + self.own.sqrt() * _noise(self.mean, n, generator))

    def whitening(self) -> Tensor:
        """Symmetric in units of the own deviations: (I + B Bᵀ)^−½ = I − Q diag(1 − (1 + s²)^−½) Qᵀ, with B = Q s Pᵀ.

        Woodbury's identity for the inverse root; only a (d, k) matrix is decomposed.
        """
        return self.whitener()(_eye(self.mean))

    def whitener(self) -> Callable[[Tensor], Tensor]:
        q, s, _ = torch.linalg.svd(self.factors / self.own.sqrt()[:, None], full_matrices=False)
        rows, less = 1 / (self.std * self.own.sqrt()), q * (1 - (1 + s**2).rsqrt())
        return lambda x: x * rows - (x * rows) @ less @ q.T

    def mapped(self, weight: Tensor, bias: Tensor) -> Self:
        """Exact but for correlations that `weight` brings into the rest U."""
        std, by_std = self._mapped_deviation(weight)
        return type(self)(self.mean @ weight + bias, std, _half(by_std @ self.loadings))

    def _mapped_deviation(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """The mapped dimensions' standard deviations (d,), and the map (d, d) between features in those units."""
        together = weight.T @ (self.std[:, None] * self.factors)
        alone = (self.std.square() * self.own) @ weight.square()
        std = (together.square().sum(1) + alone).clamp_min(VARIANCE_FLOOR).sqrt()
        return std, weight.T * self.std / std[:, None]


@dataclass(frozen=True)
class Mixture(LowRank):
    """A mixture of low-rank Gaussians that share their covariance; its own covariance is that of `LowRank`.

    scikit-learn's GaussianMixture with tied covariances on the principal directions: 500 images of a class bear a few
    centres, not a covariance for each. offsets (d, k): the centres about the mean, in standard deviations;
    weights (k,): their shares.
    """

    half: ClassVar[tuple[str, ...]] = ("loadings", "offsets")
    offsets: Tensor
    weights: Tensor

    @classmethod
    def fit(cls, x: Tensor, fitting: Fitting) -> Self:
        mean, std, loadings, scores = _principal(x, fitting)
        centres, within, weights = _centres(scores, min(fitting.components, max(1, len(x) // 2)))
        return cls(mean, std, _half(loadings @ within), _half(loadings @ centres.T), weights)

    @property
    def factors(self) -> Tensor:
        return torch.cat([self.loadings, self.offsets * self.weights.sqrt()], 1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        which = torch.multinomial(self.weights.cpu(), n, replacement=True, generator=generator)
        centres = self.std * self.offsets.T[which.to(self.mean.device)]
        return super().sample(n, generator) + centres

    def mapped(self, weight: Tensor, bias: Tensor) -> Self:
        std, by_std = self._mapped_deviation(weight)
        offsets = _half(by_std @ self.offsets)
        return type(self)(self.mean @ weight + bias, std, _half(by_std @ self.loadings), offsets, self.weights)


KINDS: dict[str, type[ClassModel]] = {"diagonal": Diagonal, "full": Full, "low-rank": LowRank, "mixture": Mixture}


def _principal(x: Tensor, fitting: Fitting) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mean (d,), standard deviations (d,), loadings (d, r) of the first principal directions, and scores (n, r).

    Of the correlation matrix, shrunk toward the identity. Scores have unit variance, or are 0 where there is none.
    """
    mean = x.mean(0)
    std = _deviation(x - mean)
    z = (x - mean) / std
    values, directions = torch.linalg.eigh(z.T @ z / len(z))
    values, directions = values.flip(0)[: fitting.rank], directions.flip(1)[:, : fitting.rank]
    alive = values > 1e-5 * values[0].clamp_min(VARIANCE_FLOOR)
    roots = torch.where(alive, values, 0).sqrt()
    scores = z @ directions * torch.where(alive, 1 / roots, 0)
    share = fitting.shrinkage_of(z)
    return mean, std, (1 - share) ** 0.5 * directions * roots, scores


def _centres(scores: Tensor, components: int) -> tuple[Tensor, Tensor, Tensor]:
    """Centres (k, r), root (r, r) of the shared covariance and weights (k,) of a mixture of scores (n, r)."""
    r = scores.shape[1]
    if components == 1 or not scores.any():
        return scores.new_zeros(1, r), torch.eye(r, device=scores.device), scores.new_ones(1)
    found = GaussianMixture(components, covariance_type="tied", random_state=0).fit(scores.double().cpu().numpy())
    parts = (found.means_, torch.linalg.cholesky(torch.tensor(found.covariances_)), found.weights_)
    centres, root, weights = (torch.as_tensor(part).to(scores) for part in parts)
    return centres, root, weights


def _deviation(centred: Tensor) -> Tensor:
    return centred.square().mean(0).clamp_min(VARIANCE_FLOOR).sqrt()


def _noise(like: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Standard normal draws (n, len(like)), on that tensor's device."""
    return torch.randn(n, len(like), generator=generator).to(like.device)


def _eye(like: Tensor) -> Tensor:
    return torch.eye(len(like), device=like.device)


def _half(x: Tensor) -> Tensor:
    """Rounded as it will be stored: what is used now is what is read back."""
    return x.half().float()
