"""Random variations of training images, drawn from an explicit generator."""

import torch
from torch import Tensor
from torch.nn import functional as F


def shift(x: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Each image of x (n, c, h, w) moved by up to `pixels` down and across; its border pixels are repeated."""
    if pixels == 0:
        return x
    n, c, h, w = x.shape
    moves = torch.randint(0, 2 * pixels + 1, (2, n, 1), generator=generator).to(x.device)
    rows = (moves[0] + torch.arange(h, device=x.device))[:, None, :, None]  # (n, 1, h, 1)
    columns = (moves[1] + torch.arange(w, device=x.device))[:, None, None, :]  # (n, 1, 1, w)
    images = torch.arange(n, device=x.device)[:, None, None, None]
    channels = torch.arange(c, device=x.device)[None, :, None, None]
    return F.pad(x, (pixels,) * 4, mode="replicate")[images, channels, rows, columns]


def add_noise(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Gaussian noise on each image of x (n, c, h, w), of a deviation drawn from U(0, strength) for that image."""
    if strength == 0:
        return x
    deviation = strength * torch.rand(len(x), 1, 1, 1, generator=generator)
    return x + (deviation * torch.randn(x.shape, generator=generator)).to(x.device)
