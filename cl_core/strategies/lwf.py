"""LwF: learning without forgetting (Li and Hoiem 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cl_core.config import LearnConfig
from cl_core.strategies.base import Batch, Strategy, register

if TYPE_CHECKING:
    from torch import Tensor


@register
class LearningWithoutForgetting(Strategy):
    """Cross-entropy on the new classes, and distillation of the old logits (temperature 2) on the new images."""

    name = "lwf"
    title = "Learning without forgetting"
    description = "Asks the new network to answer like the old one on the new images; nothing of old images is kept."
    teaches = True
    TEMPERATURE = 2.0

    def losses(self, batch: Batch, config: LearnConfig) -> dict[str, Tensor]:
        if batch.teacher_logits is None:
            return super().losses(batch, config)
        from torch.nn import functional as F

        from cl_core import losses

        known = F.softmax(batch.teacher_logits / self.TEMPERATURE, dim=1)
        answers = batch.logits[:, : batch.old_classes] / self.TEMPERATURE
        return {
            "local_ce": losses.local_cross_entropy(batch.logits, batch.labels, batch.first_new, config.label_smoothing),
            "distillation": self.TEMPERATURE**2 * F.cross_entropy(answers, known),
        }
