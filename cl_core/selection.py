"""Contrastive feature selection (CFS): a diverse subset of the draws of a class's Gaussian (METHOD.md §6)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cl_core.config import InvertConfig
from cl_core.pulse import pulse
from cl_core.statistics import ClassGaussians


class ContrastiveModels(nn.Module):
    """One contrastive model a class, all trained in one batch: 2 × [Linear(d, d) – BatchNorm – LeakyReLU], normalised.

    Input and output (g, n, d): n features of each of g classes.
    """

    def __init__(self, classes: int, d: int, generator: torch.Generator) -> None:
        super().__init__()
        bound = d**-0.5
        weights = [(torch.rand(classes, d, d, generator=generator) * 2 - 1) * bound for _ in range(2)]
        self.weights = nn.ParameterList(weights)
        self.norms = nn.ModuleList(nn.BatchNorm1d(classes * d) for _ in range(2))  # one channel a class and dimension

    def forward(self, x: Tensor) -> Tensor:
        g, n, d = x.shape
        for weight, norm in zip(self.weights, self.norms, strict=True):
            x = torch.bmm(x, weight)
            x = norm(x.transpose(0, 1).reshape(n, g * d)).view(n, g, d).transpose(0, 1)
            x = F.leaky_relu(x)
        return F.normalize(x, dim=2)


def contrastive_loss(z: Tensor, tau: float) -> Tensor:
    """Mean over classes of mean_i log mean_j exp(cos(z_i, z_j) / τ), of normalised features (g, n, d)."""
    return ((z @ z.transpose(1, 2)) / tau).exp().mean(2).log().mean()


def fit(features: Tensor, config: InvertConfig, generator: torch.Generator) -> ContrastiveModels:
    """Models that spread each class's own features (g, n, d) over the sphere; the best epoch is kept (METHOD.md §6)."""
    g, n, d = features.shape
    models = ContrastiveModels(g, d, generator).to(features.device).train()
    optimiser = torch.optim.Adam(models.parameters(), lr=config.cfs_lr)
    best, best_loss = {k: v.clone() for k, v in models.state_dict().items()}, float("inf")
    for _ in range(config.cfs_epochs):
        order = torch.randperm(n, generator=generator).to(features.device)
        batches = [part for part in order.split(config.cfs_batch) if len(part) > 1]
        total = 0.0
        for part in batches:
            pulse()
            loss = contrastive_loss(models(features[:, part]), config.cfs_tau)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach())
        if batches and total / len(batches) < best_loss:
            best_loss, best = total / len(batches), {k: v.clone() for k, v in models.state_dict().items()}
    models.load_state_dict(best)
    return models.eval().requires_grad_(False)


def select(
    gaussians: ClassGaussians,
    models: ContrastiveModels,
    n: int,
    config: InvertConfig,
    generator: torch.Generator,
    pool: int,
) -> Tensor:
    """n features of each class (g, n, d), chosen for diversity and then re-standardised about the class's Gaussian.

    In steps of b = max(⌊n / s⌋, 2): draw b / r candidates, keep the b with the lowest mean cosine to those already
    kept, in the models' space; the first b are taken as they come. pool: see `pooled`.
    """
    b = max(n // config.cfs_steps, 2)
    g, d = gaussians.mean.shape
    kept, seen = torch.empty(g, 0, d, device=gaussians.mean.device), None
    while kept.shape[1] < n:
        pulse()
        take = min(b, n - kept.shape[1])
        count = take if seen is None else max(take, round(take / config.cfs_ratio))
        candidates = torch.stack([gaussians.sample(c, count, generator) for c in range(g)])
        z = models(pooled(candidates, pool))  # (g, count, k)
        if seen is None:
            chosen = torch.arange(take, device=z.device).expand(g, take)
        else:
            chosen = (z @ seen.mean(1, keepdim=True).transpose(1, 2)).squeeze(2).argsort(1)[:, :take]
        kept = torch.cat([kept, _take(candidates, chosen)], 1)
        seen = _take(z, chosen) if seen is None else torch.cat([seen, _take(z, chosen)], 1)
    return torch.stack([restandardise(kept[c], gaussians, c) for c in range(g)])


def _take(x: Tensor, rows: Tensor) -> Tensor:
    """x[g, rows[g, i]] for x (g, n, d) and rows (g, m)."""
    return x.gather(1, rows[:, :, None].expand(-1, -1, x.shape[2]))


def pooled(features: Tensor, side: int) -> Tensor:
    """Features (…, channels · side²) of a pooled grid, averaged over the grid: (…, channels). side 1: as they are."""
    return features if side == 1 else features.unflatten(-1, (-1, side * side)).mean(-1)


def restandardise(z: Tensor, gaussians: ClassGaussians, c: int) -> Tensor:
    """z (n, d) moved and scaled to the class's mean and spread: (z − m̂)·σ/ŝ + μ in each dimension.

    With a full covariance: whitened with the set's own and coloured with the class's. A set of n ≤ d + 1 features spans
    too few directions to be whitened; it is treated dimension by dimension.
    """
    centred = z - z.mean(0)
    covariance = gaussians.covariance(c)
    if gaussians.kind == "diagonal" or len(z) <= z.shape[1] + 1:
        wanted = covariance.diagonal().sqrt()
        own = centred.square().mean(0).sqrt()
        return gaussians.mean[c] + centred * wanted / own.maximum(1e-3 * wanted)  # equal features stay equal
    floor = 1e-6 * covariance.diagonal().mean() * torch.eye(z.shape[1], device=z.device)
    own_root = torch.linalg.cholesky(centred.T @ centred / len(z) + floor)
    white = torch.linalg.solve_triangular(own_root, centred.T, upper=False).T
    return gaussians.mean[c] + white @ torch.linalg.cholesky(covariance).T
