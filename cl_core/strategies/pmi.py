"""PMI: replay of images made by layer-wise model inversion, with the paper's four losses (METHOD.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cl_core.config import LearnConfig
from cl_core.strategies.base import Batch, Strategy, register

if TYPE_CHECKING:
    from torch import Tensor


@register
class LayerwiseInversionReplay(Strategy):
    """Local cross-entropy, hard and relational distillation and classifier balance, added up."""

    name = "pmi"
    title = "Layer-wise inversion"
    description = "Replays images of the old classes made by layer-wise model inversion: no old image is kept."
    memory = "synthetic"
    teaches = True
    weights = frozenset({"local_ce", "relational_kd", "hard_kd", "feature_kd", "text_kd", "balance"})
    settings: ClassVar = {"invert": {"selection": "random"}}

    def losses(self, batch: Batch, config: LearnConfig) -> dict[str, Tensor]:
        if batch.old_classes == 0:
            return super().losses(batch, config)
        import torch

        from cl_core import losses

        hold, move = losses.novelty_factors(*batch.novelty)
        n = len(batch.labels)
        smoothing = config.label_smoothing
        local = losses.local_cross_entropy(batch.logits, batch.labels, batch.first_new, smoothing)
        terms = {"local_ce": config.local_ce * move * local}
        if batch.teacher_features is not None and batch.teacher_logits is not None:
            relation = losses.relational_distillation(batch.relation(batch.features), batch.teacher_features[:n])
            terms["relational_kd"] = config.relational_kd * hold * relation
            if len(batch.old_labels):
                kept = losses.hard_distillation(batch.old_logits, batch.teacher_logits[n:])
                terms["hard_kd"] = config.hard_kd * hold * kept
                features = losses.feature_distillation(batch.old_features, batch.teacher_features[n:])
                terms["feature_kd"] = config.feature_kd * features
        if batch.prototypes is not None and batch.teacher_prototypes is not None:
            text = losses.text_distillation(batch.prototypes, batch.teacher_prototypes)
            terms["text_kd"] = config.text_kd * hold * text
        logits = batch.head(torch.cat([batch.features, batch.old_features]).detach())
        labels = torch.cat([batch.labels, batch.old_labels])
        balance = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        terms["balance"] = config.balance * move * balance
        return terms
