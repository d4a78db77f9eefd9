"""Divergence, noticed early and said in a sentence."""

import math

from cl_core.events import Diverged


class DivergenceWatch:
    """Raises Diverged when a loss is not finite or has grown a hundredfold.

    where: what was being done; control: the label of the setting to lower.
    """

    FACTOR = 100.0

    def __init__(self, where: str, control: str) -> None:
        self.where, self.control = where, control
        self.first: float | None = None

    def check(self, value: float) -> float:
        """The value itself, if it is sound."""
        if self.first is None and math.isfinite(value):
            self.first = max(abs(value), 1e-3)
        if not math.isfinite(value) or value > self.FACTOR * (self.first or 1.0):
            raise Diverged(
                f"The loss of {self.where} diverged (it reached {value:.3g}): lower “{self.control}” and try again."
            )
        return value
