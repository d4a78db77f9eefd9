"""How the refinement moves an image: which numbers are free, and how they make pixels. Images are in [0, 1].

Or, where an inversion stops before the pixels, how it moves the hidden inputs of a layer.
"""

from typing import Protocol

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor
from torch.nn import functional as F


class Pixels(Protocol):
    """Free variables and the images (n, c, h, w) that they make."""

    variables: list[Tensor]

    def images(self, progress: float) -> Tensor:
        """The images, at `progress` 0 … 1 of the refinement."""

    def settle(self) -> None:
        """Called after each step of the optimiser: bring the variables back where they are allowed to be."""


class PlainPixels:
    """Each pixel is free, in normalised units, and held within the range of real pixels after each step."""

    def __init__(self, start: Tensor, mean: Tensor, std: Tensor) -> None:
        self.mean, self.std = mean, std
        self.pixels = ((start - mean) / std).requires_grad_()
        self.variables = [self.pixels]

    def images(self, progress: float) -> Tensor:
        return self.pixels * self.std + self.mean

    def settle(self) -> None:
        with torch.no_grad():
            self.pixels.copy_(self.images(1.0).clamp(0, 1).sub(self.mean).div(self.std))


class CoarseToFinePixels:
    """sigmoid of a sum of three scales: a quarter of the side, a half, and the whole (TRIALS.md §1, recipe R).

    The finer scales start at zero and open at 20 % and 50 % of the refinement, so that large forms come first. The
    start is taken at the coarse scale: what noise it has in detail is not kept.
    """

    OPENING = (0.0, 0.2, 0.5)

    def __init__(self, start: Tensor, limit: float = 0.02) -> None:
        n, c, h, w = start.shape
        self.size = (h, w)
        sides = [(max(1, -(-h // k)), max(1, -(-w // k))) for k in (4, 2, 1)]
        coarse = F.adaptive_avg_pool2d(start, sides[0]).clamp(limit, 1 - limit)
        fine = [torch.zeros(n, c, *side, device=start.device) for side in sides[1:]]
        self.variables = [scale.requires_grad_() for scale in (torch.logit(coarse), *fine)]

    def images(self, progress: float) -> Tensor:
        opened = [v for v, at in zip(self.variables, self.OPENING, strict=True) if progress >= at]
        scales = [F.interpolate(v, self.size, mode="bilinear", align_corners=False) for v in opened]
        return torch.sigmoid(torch.stack(scales).sum(0))

    def settle(self) -> None:
        """Every value is allowed."""


class Hidden:
    """Each number of a layer's input (n, t, w) is free; there are no pixels. unit: what a step is measured in, to be

    broadcast to it; None: as it is.
    """

    def __init__(self, start: Tensor, unit: Tensor | None) -> None:
        self.unit = unit
        self.variables = [(start if unit is None else start / unit).detach().requires_grad_()]

    def images(self, progress: float) -> Tensor:
        return self.variables[0] if self.unit is None else self.variables[0] * self.unit

    def settle(self) -> None:
        """Every value is allowed."""


class DCTPixels:
    """Whitened frequencies and colours: LOW + (HIGH − LOW) · sigmoid(u0 + K · IDCT(A · θ)), θ = 0 (TRIALS.md §2b).

    A_k = (1 + 100 λ_k)^−½, with λ_k the Laplacian eigenvalue of that DCT-II cell, root mean square 1: a preconditioner
    by total variation, under which large forms move first. K: the colour covariance (c, c) to the power 0.4, Frobenius
    norm √c. The range is a little wider than [0, 1], so that black and white are reached, and cut to it: the network
    looks at the very images that are kept.
    """

    LOW, HIGH, ROUGHNESS, COLOUR_POWER = -0.1, 1.1, 100.0, 0.4

    def __init__(self, start: Tensor, colours: Tensor) -> None:
        _, c, h, w = start.shape
        unit = ((start - self.LOW) / (self.HIGH - self.LOW)).clamp(0.1, 0.9)
        self.offset = torch.logit(unit)
        self.rows, self.columns = _dct_matrix(h).to(start), _dct_matrix(w).to(start)
        eigenvalues = _laplacian(h)[:, None] + _laplacian(w)[None, :]
        damping = (1 + self.ROUGHNESS * eigenvalues).rsqrt()
        self.damping = (damping / damping.square().mean().sqrt()).to(start)  # (h, w)
        values, vectors = torch.linalg.eigh(colours)
        root = vectors @ values.clamp_min(1e-6 * float(values.max())).pow(self.COLOUR_POWER).diag() @ vectors.T
        self.colours = root * (c**0.5 / root.norm())
        self.theta = torch.zeros_like(start).requires_grad_()
        self.variables = [self.theta]

    def images(self, progress: float) -> Tensor:
        waves = self.rows.T @ (self.damping * self.theta) @ self.columns
        logits = self.offset + torch.einsum("ij,njhw->nihw", self.colours, waves)
        return (self.LOW + (self.HIGH - self.LOW) * torch.sigmoid(logits)).clamp(0, 1)

    def settle(self) -> None:
        """Every value is allowed."""


def _dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II matrix (size, size): frequencies = matrix @ values."""
    return torch.tensor(dct(np.eye(size), norm="ortho", axis=0), dtype=torch.float32)


def _laplacian(size: int) -> Tensor:
    """The eigenvalue of each DCT-II cosine (size,) under the second difference."""
    return 2 - 2 * torch.cos(torch.pi * torch.arange(size) / size)
