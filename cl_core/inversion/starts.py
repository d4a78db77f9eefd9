"""Where the input of a layer starts before it is optimised (METHOD.md §4, TRIALS.md §2).

A start takes the layer's target, the stored statistics of its input, that input's shape (n, c, h, w) and a generator.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from cl_core.inversion.objectives import InputStatistics

Start = Callable[[Tensor, InputStatistics, tuple[int, ...], torch.Generator], Tensor]


def gaussian(target: Tensor, known: InputStatistics, shape: tuple[int, ...], draws: torch.Generator) -> Tensor:
    """From the stored statistics, whatever the target: the paper's start."""
    return known.draw(shape, draws)


def residual(target: Tensor, known: InputStatistics, shape: tuple[int, ...], draws: torch.Generator) -> Tensor:
    """The target itself where it has the input's shape: a residual block is close to the identity. Else `gaussian`."""
    return target.clone() if tuple(target.shape) == shape else gaussian(target, known, shape, draws)


STARTS: dict[str, Start] = {"gaussian": gaussian, "residual": residual}
