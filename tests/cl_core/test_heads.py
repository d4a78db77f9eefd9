"""Heads read off the class Gaussians agree with scikit-learn's and with each other where they must."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from cl_core import heads
from cl_core.heads import Head
from cl_core.seeding import generator
from cl_core.statistics import ClassGaussians
from cl_core.statistics.class_models import KINDS


def _classes() -> tuple[Tensor, Tensor, ClassGaussians]:
    draws = generator(0)
    mix = torch.randn(5, 5, generator=draws)
    labels = torch.arange(3).repeat_interleave(400)
    features = torch.randn(1200, 5, generator=draws) @ mix + 2 * torch.randn(3, 5, generator=draws)[labels] + 10
    return features, labels, ClassGaussians("full", shrinkage=0.0).fit(features, labels, range(3))


def _predict(head: Head, features: Tensor) -> np.ndarray:
    return (features @ head.weight.T + head.bias).argmax(1).numpy()


def test_lda_decides_as_scikit_learns_with_the_same_shrinkage():
    features, labels, gaussians = _classes()
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=heads.LDA_SHRINKAGE).fit(features, labels)
    same = _predict(heads.lda(gaussians), features) == reference.predict(features.numpy())
    assert same.mean() > 0.998


def test_nearest_mean_is_the_nearest_prototype():
    features, _, gaussians = _classes()
    nearest = torch.cdist(features, gaussians.mean).argmin(1).numpy()
    assert np.array_equal(_predict(heads.nearest_mean(gaussians), features), nearest)


def test_a_refitted_head_is_nearly_as_right_as_lda_and_repeatable():
    features, labels, gaussians = _classes()
    backbone = type("Stub", (), {"head": torch.nn.Linear(5, 3)})()
    torch.nn.init.zeros_(backbone.head.weight)
    torch.nn.init.zeros_(backbone.head.bias)
    one, two = (heads.of("refit", backbone, gaussians, generator(1)) for _ in range(2))
    assert torch.equal(one.weight, two.weight)
    right = (_predict(one, features) == labels.numpy()).mean()
    assert right > (_predict(heads.lda(gaussians), features) == labels.numpy()).mean() - 0.03
    assert torch.equal(heads.of("linear", backbone, gaussians, generator(1)).weight, backbone.head.weight)


@pytest.mark.parametrize("model", KINDS)
@pytest.mark.parametrize("kind", ["nearest-mean", "lda"])
def test_heads_work_with_every_class_model(kind: str, model: str):
    features, labels, full = _classes()
    head = heads.of(kind, None, ClassGaussians(model).fit(features, labels, range(3)), generator(0))  # type: ignore[arg-type]
    right = (_predict(head, features) == labels.numpy()).mean()
    assert right > 0.5
    if model != "diagonal":  # a rank as high as d loses nothing
        reference = heads.of(kind, None, full, generator(0))  # type: ignore[arg-type]
        assert right > (_predict(reference, features) == labels.numpy()).mean() - 0.02
