"""What data-free learning may keep: moments of the layers' inputs, and a model of each class's features."""

from cl_core.statistics.class_models import VARIANCE_FLOOR
from cl_core.statistics.gaussians import ClassGaussians, affine_fit
from cl_core.statistics.kept import KeptStatistics
from cl_core.statistics.moments import (
    Moments,
    channel_moments,
    gaussian_kl,
    measure_moments,
    position_moments,
    running_moments,
    watching,
)

__all__ = [
    "VARIANCE_FLOOR",
    "ClassGaussians",
    "KeptStatistics",
    "Moments",
    "affine_fit",
    "channel_moments",
    "gaussian_kl",
    "measure_moments",
    "position_moments",
    "running_moments",
    "watching",
]
