"""Finetune: the control that forgets."""

from cl_core.strategies.base import Strategy, register


@register
class Finetune(Strategy):
    """Plain cross-entropy on each task's real images, over all the classes seen."""

    name = "finetune"
    title = "Finetune"
    description = "Learns each task and does nothing to hold on to the earlier ones: the control that forgets."
