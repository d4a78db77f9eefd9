"""Gaussians only: the control that stands beside the method everywhere."""

from typing import ClassVar

from cl_core.strategies.base import Strategy, register


@register
class GaussiansOnly(Strategy):
    """The backbone of the first task, frozen; each class is a Gaussian of its features; no image is made."""

    name = "gaussians"
    title = "Gaussians only"
    description = "Freezes the network after task 1 and reads each class off its Gaussian: a control without any image."
    freezes = True
    settings: ClassVar = {"learn": {"head": "lda"}}
