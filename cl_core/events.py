"""What the verbs yield while they work: small, detached, on the CPU. A listener may keep an event for ever."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


class Diverged(ArithmeticError):
    """A loss became NaN, infinite or a hundred times its start. The message says what to change."""


@dataclass(frozen=True)
class Event:
    """One moment of a verb.

    stage: "learn", "balance", "statistics", "layer", "refine" or "measure"; `describe` puts it in words.
    fraction: how much of the verb's work is done, 0 … 1, counted in full-network passes.
    """

    stage: str
    iteration: int  # done so far in this stage (or at this layer)
    of: int  # iterations of this stage (or of this layer)
    fraction: float
    layer: int = 0  # "layer" only: the layer, or group of layers, being inverted, 1 … ; the last is inverted first
    layer_names: tuple[str, ...] = ()  # "layer" only: of all the layers, or groups of layers, first layer first
    losses: Mapping[str, float] = field(default_factory=dict)  # weighted, by name, with their sum as "total"
    accuracies: tuple[float, ...] = ()  # "learn" only: validation accuracy of each task seen, 0 … 1
    images: np.ndarray | None = None  # uint8 (n, h, w, c): what is being made, a few times a second
    image_labels: tuple[int, ...] = ()  # class index of each of those images
    images_are_activations: bool = False  # a layer above the pixels is shown as the mean of its channels
    images_are_decoded: bool = False  # from hidden inputs, where an inversion stops before the pixels

    @property
    def layers(self) -> int:
        """Number of layers, or groups of layers, that are inverted one after the other; 0 outside "layer"."""
        return len(self.layer_names)

    def describe(self) -> str:
        """The stage in words, for a progress line."""
        if self.stage == "layer":
            return f"Inverting {self.layer_names[self.layer - 1]} ({self.layer} of {self.layers})"
        words = {
            "learn": "Learning",
            "balance": "Balancing the head",
            "statistics": "Measuring statistics",
            "refine": "Refining through the whole network",
            "measure": "Measuring accuracy and features",
        }
        return words[self.stage]
