"""What an inversion knows of the classes whose images it makes."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from cl_core.inversion.objectives import InputStatistics
from cl_core.statistics import ClassGaussians, Moments


@dataclass(frozen=True)
class Knowledge:
    """What data-free learning has kept of the classes to invert, in the order of `classes`."""

    classes: tuple[int, ...]
    gaussians: ClassGaussians
    inputs: Sequence[InputStatistics]  # one a layer: of its input
    norms: Sequence[Moments]  # one a BatchNorm: of its input
    features: Tensor  # (g, n, d) of each class, for its contrastive model: real for new classes, synthetic for old
    pool: int  # side of the feature grid
    examples: (
        Tensor  # normalised images of the current task (m, c, h, w), for decoders; empty unless they are asked for
    )
    colours: Tensor  # (c, c) covariance of the current task's pixels
    unit_features: bool = False  # features have length 1, and targets should
