"""From the events of the current step to what a live panel shows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cl_core.events import Event


@dataclass(frozen=True)
class Progress:
    """The current step, as far as it is known.

    losses: (moment, place, total loss) rows for a live curve, moment being the fraction of the step that is done;
    accuracies: (moment, validation accuracy of each task seen) rows while learning.
    """

    words: str = ""
    fraction: float = 0.0
    stage: str = ""
    layer: int = 0
    layer_names: tuple[str, ...] = ()
    losses: list[tuple[float, str, float]] = field(default_factory=list)
    accuracies: list[tuple[float, tuple[float, ...]]] = field(default_factory=list)
    images: np.ndarray | None = None  # uint8 (n, h, w, c)
    image_labels: tuple[int, ...] = ()
    images_are_activations: bool = False
    images_are_decoded: bool = False


def fold(events: Sequence[Event]) -> Progress:
    """The progress that these events of one step, oldest first, amount to."""
    if not events:
        return Progress()
    last = events[-1]
    seen = next((event for event in reversed(events) if event.images is not None), None)
    measured = [event for event in events if event.accuracies]
    return Progress(
        words=last.describe(),
        fraction=min(1.0, max(0.0, last.fraction)),
        stage=last.stage,
        layer=last.layer,
        layer_names=last.layer_names,
        losses=_losses(events),
        accuracies=[(event.fraction, event.accuracies) for event in measured],
        images=None if seen is None else seen.images,
        image_labels=() if seen is None else seen.image_labels,
        images_are_activations=seen is not None and seen.images_are_activations,
        images_are_decoded=seen is not None and seen.images_are_decoded,
    )


def _losses(events: Sequence[Event]) -> list[tuple[float, str, float]]:
    places = {"learn": "learning", "refine": "all layers"}
    rows = [(e.fraction, places.get(e.stage, f"layer {e.layer}"), e.losses.get("total", np.nan)) for e in events]
    kinds = [event.stage in ("learn", "layer", "refine") for event in events]
    return [row for row, wanted in zip(rows, kinds, strict=True) if wanted and np.isfinite(row[2])]


def seconds_left(fraction: float, elapsed: float, expected: float | None) -> float | None:
    """What is left of a step: from the expectation at first, soon from its own pace. None: no idea yet."""
    if fraction <= 0.02:
        return None if expected is None else max(0.0, expected - elapsed)
    pace, trust = elapsed / fraction, min(1.0, 6 * fraction)
    total = pace if expected is None else trust * pace + (1 - trust) * max(expected, elapsed)
    return max(0.0, total - elapsed)
