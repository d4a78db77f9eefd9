"""DeepInversion replay: images from a label and the BatchNorm statistics, from noise (Yin et al. 2020)."""

from typing import ClassVar

from cl_core.strategies.base import register
from cl_core.strategies.pmi import LayerwiseInversionReplay


@register
class DeepInversionReplay(LayerwiseInversionReplay):
    """The same learner as PMI on images inverted from labels alone, from noise, without layers or class Gaussians."""

    name = "deepinversion"
    title = "DeepInversion"
    description = "Replays images inverted from the label alone, through the whole network from noise: the rival."
    settings: ClassVar = {
        "invert": {
            "selection": "random",
            "groups": "whole",
            "start": "gaussian",
            "iterations_per_layer": 0,
            "layer_iterations": (),
            "feature_weight": 0.0,
            "label_weight": 1.0,
        }
    }
