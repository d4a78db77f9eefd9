"""Who races: settings of the family of inversions and its rivals, what of them is tuned, and one's own. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cl_core.config import InvertConfig, NetworkConfig

STEP_SIZES = (0.03, 0.1, 0.3, 0.8, 2.0)  # every racer's step sizes come from this one grid
OWN = "the settings of the next step"
WAY = (
    "groups", "start", "pixels", "optimiser", "full_schedule", "beta2", "layer_lr", "full_lr", "layer_alpha", "jitter",
    "layer_units", "crop", "flip",
)  # fmt: skip
MOST_AT_LAYERS = 0.7  # of a budget: what is judged are whole images, which the refinement makes


@dataclass(frozen=True)
class Racer:
    """settings: of InvertConfig; layer_share: of a budget, spent at the layers; grid: what is tuned, in that order."""

    name: str
    settings: Mapping[str, Any]
    layer_share: float = 0.0
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def anytime(self) -> bool:
        """Nothing in it depends on the length of the run, so that one run serves all the budgets."""
        return self.settings["optimiser"] == "lbfgs"


_LBFGS = {"optimiser": "lbfgs", "pixels": "dct"}
RACERS = (
    Racer(
        "the paper's PMI",
        {"groups": "layers", "start": "gaussian", "optimiser": "adam", "full_schedule": "cosine"},
        layer_share=0.25,  # 50 iterations a layer, then 160
        grid={"layer_lr": STEP_SIZES, "full_lr": STEP_SIZES},
    ),
    Racer(
        "layer groups, decoder starts",
        _LBFGS | {"groups": "halves", "start": "decoder", "iterations_per_layer": 4},
        grid={"iterations_per_layer": (2, 4, 7), "layer_alpha": (0.1, 1.0, 10.0), "groups": ("halves", "stages")},
    ),
    Racer("one group, decoder start", _LBFGS | {"groups": "whole", "start": "decoder", "iterations_per_layer": 0}),
    Racer(
        "noise, Adam",
        {
            "groups": "whole",
            "start": "gaussian",
            "iterations_per_layer": 0,
            "optimiser": "adam",
            "full_schedule": "cosine",
        },
        grid={"full_lr": STEP_SIZES, "beta2": (0.9, 0.999)},
    ),
    Racer("noise, L-BFGS", _LBFGS | {"groups": "whole", "start": "soft", "iterations_per_layer": 0}),
)
# What else races on a CLIP, whose blocks keep the shape of their tokens.
_DEVIATION = {"groups": "layers", "layer_units": "deviation"}
_OPENING = {"optimiser": "adam", "pixels": "coarse-to-fine", "full_schedule": "cosine"}
CLIP_RACERS = (
    Racer("layers, decoder starts", _LBFGS | _DEVIATION | {"start": "decoder", "iterations_per_layer": 4}),
    Racer(
        "layers, residual and decoder starts",
        _LBFGS | _DEVIATION | {"start": "residual or decoder", "iterations_per_layer": 4},
    ),
    Racer(
        "layers, residual starts, then coarse to fine",
        _OPENING | _DEVIATION | {"start": "residual"},
        layer_share=0.2,
        grid={"layer_lr": STEP_SIZES, "full_lr": STEP_SIZES},
    ),
    Racer(
        "noise, coarse to fine",
        _OPENING | {"groups": "whole", "start": "gaussian", "iterations_per_layer": 0},
        grid={"full_lr": STEP_SIZES, "beta2": (0.9, 0.999)},
    ),
)


FIRST = ("the paper's PMI", "one group, decoder start", "noise, Adam", "noise, L-BFGS")  # who races unless asked


def of_network(network: NetworkConfig) -> tuple[Racer, ...]:
    """Those that race on a network."""
    return (*RACERS, *CLIP_RACERS) if network.backbone == "clip" else RACERS


def own(config: InvertConfig) -> Racer:
    """A person's settings as a racer: the way that they go, but for the objective, which all racers share.

    The layers keep their share of the iterations.
    """
    each = config.layer_iterations
    layers = sum(each) / len(each) if each else config.iterations_per_layer
    settings = {name: getattr(config, name) for name in WAY} | {"iterations_per_layer": 0}
    share = layers / max(1, layers + config.full_iterations)
    return Racer(OWN, settings, layer_share=min(share, MOST_AT_LAYERS))
