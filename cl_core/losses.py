"""The loss terms of learning with replay, as plain functions (METHOD.md §7); strategies weigh and name them."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def novelty_factors(new: int, old: int) -> tuple[float, float]:
    """(holding on, moving on): a·b and (1 + 1/a)/b with a = log2(new/2 + 1), b = sqrt(old/new) (METHOD.md §7)."""
    a, b = math.log2(new / 2 + 1), math.sqrt(old / new)
    return a * b, (1 + 1 / a) / b


def local_cross_entropy(logits: Tensor, labels: Tensor, first_new: int, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of real images (n, classes) among the new classes only, which begin at `first_new`."""
    return F.cross_entropy(logits[:, first_new:], labels - first_new, label_smoothing=smoothing)


def hard_distillation(logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """L1 between student and teacher logits of the old classes (n, old); further student columns are ignored."""
    return F.l1_loss(logits[:, : teacher_logits.shape[1]], teacher_logits)


def text_distillation(prototypes: Tensor, teacher_prototypes: Tensor) -> Tensor:
    """L1 between student and teacher text features of the old classes' prompts (old, d), summed over d (§8)."""
    return (prototypes[: len(teacher_prototypes)] - teacher_prototypes).abs().sum(1).mean()


def feature_distillation(features: Tensor, teacher_features: Tensor) -> Tensor:
    """Squared distance of student and teacher features (n, d), in units of the teacher's mean variance."""
    scale = (
        teacher_features.var(0).mean().clamp_min(1e-5) if len(teacher_features) > 1 else teacher_features.new_ones(())
    )
    return F.mse_loss(features, teacher_features) / scale


def relational_distillation(features: Tensor, teacher_features: Tensor) -> Tensor:
    """L1 between the angles of triplets of features (n, d), student against teacher (Park et al. 2019, RKD-A).

    The batch is cut into three equal parts, whose i-th elements make the i-th triplet; all three of its angles count.
    Fewer than three features have no angle: 0.
    """
    if len(features) < 3:
        return features.new_zeros(())
    return F.l1_loss(_triplet_cosines(features), _triplet_cosines(teacher_features))


def _triplet_cosines(features: Tensor) -> Tensor:
    a, b, c = features[: len(features) // 3 * 3].view(3, -1, features.shape[1])
    ab, bc, ca = F.normalize(b - a, dim=1), F.normalize(c - b, dim=1), F.normalize(a - c, dim=1)
    return torch.stack([-(ab * bc).sum(1), -(bc * ca).sum(1), -(ca * ab).sum(1)])
