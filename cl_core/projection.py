"""Semantic-aware projection: features of a class never shown, from those of old classes (METHOD.md §8).

p_old and p_new are text prototypes, unit vectors (d,); θ is the angle between them. An old class's image features are
rotated by θ in the plane of p_old and p_new; what is orthogonal to that plane stays.
"""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from cl_core.config import ConfigError

SPREADS = ("average", "draw")
OPPOSITE = 1e-4  # 1 + cos θ below this: the plane of a rotation by π is not known


def rotate(features: Tensor, old: Tensor, new: Tensor) -> Tensor:
    """Features (n, d) turned by the rotation that takes `old` to `new` (d,) and leaves what is orthogonal to both.

    R = I − (a + b)(a + b)ᵀ / (1 + a·b) + 2·b·aᵀ for the unit vectors a = old, b = new: an isometry with R·a = b, the
    identity for a = b. Raises ConfigError when the two are opposite, where no plane is the right one.
    """
    a, b = F.normalize(old, dim=0), F.normalize(new, dim=0)
    cosine = a @ b
    if 1 + cosine < OPPOSITE:
        raise ConfigError("The new class means the opposite of the old one: there is no one rotation between them.")
    both = a + b
    return features - (features @ both / (1 + cosine))[:, None] * both + 2 * (features @ a)[:, None] * b


def nearest(old: Tensor, new: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k old classes whose text prototypes (classes, d) are nearest to the new one's (d,).

    Returns their indices (k,), nearest first, and the cosines (k,). k is cut to the number of classes.
    """
    cosines = F.normalize(old, dim=1) @ F.normalize(new, dim=0)
    top = cosines.topk(min(k, len(old)))
    return top.indices, top.values


def project(
    samples: Tensor,
    old: Tensor,
    new: Tensor,
    spread: str,
    generator: Generator,
    temperature: float = 0.05,
    shift: float = 0.0,
    toward: Tensor | None = None,
) -> Tensor:
    """Normalised features (n, d) of a new class from n samples of each of its k nearest old classes (k, n, d).

    old: their text prototypes (k, d); new: the new class's (d,). spread "average": the mean of the k rotated samples,
    as in the paper, which shrinks the spread about k-fold; "draw": one neighbour a sample, with probability
    softmax(cosine / temperature), which keeps it. shift: the share of the way that is then gone, 0 … 1, toward p_new
    or another place (d,).
    """
    if spread not in SPREADS:
        raise ConfigError(f"The spread is “{spread}”; it must be one of {', '.join(SPREADS)}.")
    turned = torch.stack([rotate(own, p, new) for own, p in zip(samples, old, strict=True)])  # (k, n, d)
    if spread == "average":
        features = turned.mean(0)
    else:
        weights = torch.softmax(F.normalize(old, dim=1) @ F.normalize(new, dim=0) / temperature, dim=0)
        n = samples.shape[1]
        drawn = torch.multinomial(weights.cpu(), n, replacement=True, generator=generator).to(samples.device)
        features = turned[drawn, torch.arange(n, device=samples.device)]
    features = F.normalize(features, dim=1)
    end = F.normalize(new if toward is None else toward, dim=0)
    return F.normalize(features + shift * (end - features), dim=1)


def angle(old: Tensor, new: Tensor) -> float:
    """θ in degrees between two prototypes (d,)."""
    cosine = float(F.normalize(old, dim=0) @ F.normalize(new, dim=0))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
