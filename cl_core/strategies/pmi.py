"""PMI: replay of images made by layer-wise model inversion, with the paper's four losses (METHOD.md §7)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from cl_core import losses
from cl_core.config import LearnConfig
from cl_core.strategies.base import Batch, Strategy, register


@register
class LayerwiseInversionReplay(Strategy):
    """Local cross-entropy, hard and relational distillation and classifier balance, added up."""

    name = "pmi"
    description = "Replays images of the old classes made by layer-wise model inversion: no old image is kept."
    replays = True

    def losses(self, batch: Batch, config: LearnConfig) -> dict[str, Tensor]:
        if batch.first_new == 0:
            return super().losses(batch, config)
        hold, move = losses.novelty_factors(*batch.novelty)
        terms = {
            "local_ce": config.local_ce * move * losses.local_cross_entropy(batch.logits, batch.labels, batch.first_new)
        }
        if batch.teacher_features is not None and config.relational_kd:
            relation = losses.relational_distillation(batch.relation(batch.features), batch.teacher_features)
            terms["relational_kd"] = config.relational_kd * hold * relation
        if batch.teacher_old_logits is not None and batch.teacher_old_features is not None:
            kept = losses.hard_distillation(batch.old_logits, batch.teacher_old_logits)
            terms["hard_kd"] = config.hard_kd * hold * kept
            if config.feature_kd:
                features = losses.feature_distillation(batch.old_features, batch.teacher_old_features)
                terms["feature_kd"] = config.feature_kd * features
        logits = batch.head(torch.cat([batch.features, batch.old_features]).detach())
        labels = torch.cat([batch.labels, batch.old_labels])
        terms["balance"] = config.balance * move * F.cross_entropy(logits, labels)
        return terms
