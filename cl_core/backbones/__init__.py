"""The chain-of-layers contract: whatever the method needs from an architecture, it gets from the chain.

A new backbone is one file that subclasses `Backbone` and one line in `build`.
"""

import torch

from cl_core.backbones.chain import Backbone
from cl_core.backbones.resnet import ResNet
from cl_core.config import NetworkConfig

__all__ = ["Backbone", "build"]


def build(
    config: NetworkConfig, input_shape: tuple[int, int, int], classes: int, generator: torch.Generator
) -> Backbone:
    """The network of a config, freshly initialised from `generator`, for images (c, h, w) and a head of `classes`."""
    return ResNet(config, input_shape, classes, generator)
