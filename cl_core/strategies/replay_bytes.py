"""Replay of real images that take as many bytes as the method keeps: a reference, not data-free."""

from typing import ClassVar

from cl_core.strategies.base import register
from cl_core.strategies.replay import RealReplay


@register
class RealReplayOfSameBytes(RealReplay):
    """As many real images of each old class as fit in what layer-wise inversion keeps under the same settings."""

    name = "replay-bytes"
    title = "Replay of real images, same bytes"
    description = "Replays as many real images as fit in the bytes that layer-wise inversion keeps: not data-free."
    same_bytes: ClassVar = True
