"""Joint training: the upper reference, not continual at all."""

from cl_core.strategies.base import Strategy, register


@register
class Joint(Strategy):
    """A fresh network on all the images of all the classes seen, after each task: as if nothing ever went away."""

    name = "joint"
    title = "Joint training"
    description = "Trains a fresh network on everything seen so far: the upper reference, not data-free, not continual."
    memory = "everything"
