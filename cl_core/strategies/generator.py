"""Replay of what a conditional generator makes that was trained on the previous network (ABD, R-DFCIL)."""

from typing import ClassVar

from cl_core.strategies.base import register
from cl_core.strategies.pmi import LayerwiseInversionReplay


@register
class GeneratorReplay(LayerwiseInversionReplay):
    """The same learner as PMI on images of a generator, trained anew after each task (Smith et al. 2021)."""

    name = "generator"
    title = "Conditional generator"
    description = "Replays images of a generator that is trained on the network of the task before: the rival."
    settings: ClassVar = {
        "invert": {
            "source": "generator",
            "selection": "random",
            "groups": "whole",
            "start": "gaussian",
            "iterations_per_layer": 0,
            "layer_iterations": (),
            "optimiser": "adam",
            "pixels": "plain",
            "full_iterations": 200,
            "full_lr": 0.01,
            "full_schedule": "cosine",
            "label_weight": 1.0,
        }
    }
