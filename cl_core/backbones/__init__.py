"""The chain-of-layers contract: whatever the method needs from an architecture, it gets from the chain.

A new backbone is one file that subclasses `Backbone` and one line in `build`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from cl_core import footprint
from cl_core.backbones.chain import Backbone
from cl_core.backbones.resnet import ResNet
from cl_core.config import ConfigError, NetworkConfig

__all__ = ["Backbone", "build", "count_groups", "fetch", "fingerprint", "knows_classes", "to_fetch"]


def build(
    config: NetworkConfig,
    input_shape: tuple[int, int, int],
    classes: int,
    generator: torch.Generator,
    prompts: Sequence[Sequence[str]] = (),
    fixed: Mapping[str, np.ndarray] | None = None,
    instead: Sequence[Sequence[Sequence[str]]] = (),
) -> Backbone:
    """The network of a config, freshly initialised from `generator`, for images (c, h, w) and a head of `classes`.

    prompts: of every class of the stream, for a backbone that knows classes by what is said of them; instead: what else
    may be said of each, should it be unable to read those (see `Clip.readable`); fixed: the weights
    that learning never changes, as `fixed_state` has given them, instead of those that the config names. Raises
    ConfigError.
    """
    if config.backbone == "clip":
        from cl_core.backbones import clip_chain  # open_clip takes seconds to import

        network: Backbone = clip_chain.build(config, input_shape, prompts, classes, generator, fixed, instead)
    else:
        network = ResNet(config, input_shape, classes, generator)
    network.at_once = footprint.of(config, input_shape).at_once
    return network


def count_groups(config: NetworkConfig, kind: str, first: int = 0) -> int:
    """How many groups of layers this network is inverted in, from layer `first` on: see `groups_of`. ConfigError."""
    if config.backbone == "clip":
        from cl_core.backbones import clip_chain

        return clip_chain.count_groups(config.clip, kind, first)
    if first:
        raise ConfigError("Only a CLIP has a patch embedding to stop at: let inversion stop at pixels.")
    return {"layers": 1 + 3 * config.blocks, "stages": 3, "halves": 2, "whole": 1}[kind]


def knows_classes(config: NetworkConfig) -> bool:
    """Whether the network can name classes before it has learned any."""
    return config.backbone == "clip"


def to_fetch(config: NetworkConfig) -> int | None:
    """About how many bytes `fetch` would bring before `build` can work; None: nothing. Raises ConfigError."""
    if config.backbone == "clip":
        from cl_core.backbones import clip_weights

        return clip_weights.to_fetch(config.clip, config.checkpoint)
    return None


def fetch(config: NetworkConfig) -> None:
    """Bring the weights that a config names over the internet, unless they are here. Raises ConfigError."""
    if config.backbone == "clip":
        from cl_core.backbones import clip_weights

        clip_weights.fetch(config.clip, config.checkpoint)


def fingerprint(config: NetworkConfig) -> str:
    """What identifies the weights that a network begins with; "" where they are drawn from the seed. ConfigError."""
    if config.backbone == "clip":
        from cl_core.backbones import clip_weights

        return clip_weights.fingerprint(config.clip, config.checkpoint)
    return ""
