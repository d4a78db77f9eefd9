"""Linear heads read off the class Gaussians, beside the trained one: weights (classes, d) and biases."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from cl_core.backbones import Backbone
from cl_core.pulse import pulse
from cl_core.statistics import ClassGaussians

LDA_SHRINKAGE = 0.01  # share of the mean variance mixed into the pooled covariance
REFIT_DRAWS, REFIT_STEPS, REFIT_DECAY = 200, 40, 1e-4


class Head(NamedTuple):
    """logits = features @ weight.T + bias."""

    weight: Tensor
    bias: Tensor


def of(kind: str, backbone: Backbone, gaussians: ClassGaussians, draws: torch.Generator) -> Head:
    """The head of that kind: "linear" (as trained), "refit", "nearest-mean" or "lda"."""
    if kind == "linear":
        return Head(backbone.head.weight.detach(), backbone.head.bias.detach())
    if kind == "nearest-mean":
        return nearest_mean(gaussians)
    return lda(gaussians) if kind == "lda" else refit(backbone, gaussians, draws)


def nearest_mean(gaussians: ClassGaussians) -> Head:
    """The class whose prototype is nearest: −½‖z − μ‖² up to what all classes share."""
    return Head(gaussians.mean, -0.5 * gaussians.mean.square().sum(1))


def lda(gaussians: ClassGaussians) -> Head:
    """Linear discriminant analysis with equal priors: Σ pooled over classes and shrunk, w = Σ⁻¹μ, b = −½ μᵀΣ⁻¹μ."""
    classes, d = gaussians.mean.shape
    pooled = torch.stack([gaussians.covariance(c) for c in range(classes)]).mean(0)
    level = pooled.diagonal().mean()
    pooled = (1 - LDA_SHRINKAGE) * pooled + LDA_SHRINKAGE * level * torch.eye(d, device=pooled.device)
    centre = gaussians.mean.mean(0)
    means = gaussians.mean - centre
    weight = torch.linalg.solve(pooled, means.T).T
    return Head(weight, -0.5 * (weight * means).sum(1) - weight @ centre)


def refit(backbone: Backbone, gaussians: ClassGaussians, draws: torch.Generator) -> Head:
    """The trained head, refitted by multinomial logistic regression (L-BFGS) on draws of the class Gaussians."""
    features = torch.cat([gaussians.sample(c, REFIT_DRAWS, draws) for c in range(len(gaussians))])
    labels = torch.arange(len(gaussians), device=features.device).repeat_interleave(REFIT_DRAWS)
    weight = backbone.head.weight.detach().clone().requires_grad_()
    bias = backbone.head.bias.detach().clone().requires_grad_()
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=REFIT_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        pulse()
        optimiser.zero_grad()
        loss = F.cross_entropy(features @ weight.T + bias, labels) + REFIT_DECAY * weight.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return Head(weight.detach(), bias.detach())
