"""Replay of real images: a reference, not data-free."""

from typing import ClassVar

from cl_core.strategies.base import register
from cl_core.strategies.pmi import LayerwiseInversionReplay


@register
class RealReplay(LayerwiseInversionReplay):
    """The same learner as PMI on real images of the old classes: memory_per_class of each."""

    name = "replay"
    title = "Replay of real images"
    description = "Keeps a few real images of each old class and replays them: a reference, not data-free."
    memory = "real"
    settings: ClassVar = {}
