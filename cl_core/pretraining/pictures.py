"""Random changes to the pictures that the small CLIP learns from.

Shapes: n pictures, c = 3 channels, h × w pixels; float in [0, 1].
"""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

GREY = (0.299, 0.587, 0.114)


def change(x: Tensor, generator: Generator) -> Tensor:
    """Pictures (n, 3, h, w) with random outlines, colours, positions and holes."""
    x = _outline(x, 0.5, generator)
    x = _recolour(x, generator)
    x = _move(x, generator)
    x = _tint_ground(x, 0.1, generator)
    return _cut_out(x, 0.3, generator)


def _uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator) * (high - low) + low


def _chosen(n: int, share: float, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator) < share


def _outline(x: Tensor, share: float, generator: Generator) -> Tensor:
    """Some pictures as line drawings: dark lines where a colour changes, the fills paler.

    Any channel counts, as yellow on white hardly differs in brightness.
    """
    which = _chosen(len(x), share, generator)
    drawn = x[which]
    spread = F.max_pool2d(drawn, 3, 1, 1) + F.max_pool2d(-drawn, 3, 1, 1)  # brightest − darkest neighbour
    spread = spread.amax(1, keepdim=True)
    thickness = _uniform(len(drawn), 1, 2.5, generator)[:, None, None, None]
    lines = (spread * thickness - 0.4).clamp(0, 1)
    paleness = _uniform(len(drawn), 0, 1, generator)[:, None, None, None]
    x = x.clone()
    x[which] = (drawn + (1 - drawn) * paleness) * (1 - lines)
    return x


def _recolour(x: Tensor, generator: Generator) -> Tensor:
    """Saturation × .4 … 1.6 for all, another hue for .3, grey for .12 of the pictures."""
    n = len(x)
    saturation = _uniform(n, 0.4, 1.6, generator)
    saturation[_chosen(n, 0.12, generator)] = 0
    angle = _uniform(n, -math.pi, math.pi, generator) * _chosen(n, 0.3, generator)
    grey = torch.tensor(GREY).expand(3, 3)
    # A rotation about the grey axis (Rodrigues), then a blend with the grey value.
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    turn = cos * torch.eye(3) + sin * cross + (1 - cos) / 3
    colour = saturation[:, None, None]
    mix = (colour * torch.eye(3) + (1 - colour) * grey) @ turn  # (n, 3, 3)
    return (mix @ x.flatten(2)).view_as(x).clamp(0, 1)


def _move(x: Tensor, generator: Generator) -> Tensor:
    """Flip, rotate by up to 20°, scale, stretch, shear and shift; what comes in from outside is white."""
    n = len(x)
    angle = _uniform(n, -math.pi / 9, math.pi / 9, generator)
    scale = _uniform(n, -0.25, 0.2, generator).exp()
    stretch = _uniform(n, -0.15, 0.15, generator).exp()
    shear = _uniform(n, -0.15, 0.15, generator)
    flip = 1 - 2 * _chosen(n, 0.5, generator).float()
    cos, sin = angle.cos(), angle.sin()
    a = torch.stack([cos * flip / stretch, shear * cos - sin, sin * flip / stretch, cos * stretch + shear * sin], dim=1)
    matrix = a.view(n, 2, 2) / scale[:, None, None]
    shift = torch.stack([_uniform(n, -0.15, 0.15, generator), _uniform(n, -0.15, 0.15, generator)], dim=1)
    grid = F.affine_grid(torch.cat([matrix, shift[:, :, None]], dim=2), list(x.shape), align_corners=False)
    return 1 - F.grid_sample(1 - x, grid, align_corners=False)


def _tint_ground(x: Tensor, share: float, generator: Generator) -> Tensor:
    """Some pictures on coloured paper: every pixel multiplied by a pale colour."""
    paper = 1 - 0.5 * torch.rand(len(x), 3, generator=generator) * _chosen(len(x), share, generator)[:, None]
    return x * paper[:, :, None, None]


def _cut_out(x: Tensor, share: float, generator: Generator) -> Tensor:
    """A white rectangle of up to half the side in some pictures."""
    n, side = len(x), x.shape[-1]
    place = torch.arange(side)
    covered = _chosen(n, share, generator)[:, None, None]
    for shape in ((n, side, 1), (n, 1, side)):  # rows, then columns
        length = _uniform(n, side / 6, side / 2, generator)
        start = _uniform(n, 0, 1, generator) * (side - length)
        inside = (place >= start[:, None]) & (place < (start + length)[:, None])  # (n, side)
        covered = covered & inside.view(shape)
    return torch.where(covered[:, None], torch.ones(()), x)
