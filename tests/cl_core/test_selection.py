"""Contrastive feature selection: its loss, its spread, and what it must leave as it is."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cl_core import selection
from cl_core.config import InvertConfig
from cl_core.inversion.optimisers import PerImageLBFGS
from cl_core.inversion.pixels import DCTPixels
from cl_core.inversion.starts import Examples, Place, decoder
from cl_core.seeding import generator
from cl_core.statistics import ClassGaussians
from cl_core.statistics.class_models import KINDS

QUICK = InvertConfig(cfs_epochs=20, cfs_steps=10, cfs_ratio=0.1)


def _gaussians(kind: str, d: int = 6) -> tuple[torch.Tensor, ClassGaussians]:
    features = torch.randn(2, 100, d, generator=generator(0)) * torch.linspace(0.5, 3, d) + 1
    labels = torch.arange(2).repeat_interleave(100)
    return features, ClassGaussians(kind).fit(features.flatten(0, 1), labels, [0, 1])


def test_the_contrastive_loss_is_highest_for_equal_features_and_matches_its_formula():
    z = torch.nn.functional.normalize(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), dim=2)
    assert selection.contrastive_loss(z, 1.0).item() == pytest.approx(math.log((math.e + 1) / 2))
    assert selection.contrastive_loss(z[:, :1].repeat(1, 2, 1), 1.0).item() == pytest.approx(1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_selected_features_have_the_class_mean_and_spread_and_are_more_diverse_than_random_ones(kind: str):
    features, gaussians = _gaussians(kind)
    models = selection.fit(features, QUICK, generator(1))
    chosen = selection.select(gaussians, models, 40, QUICK, generator(2), pool=1)
    assert chosen.shape == (2, 40, 6)
    torch.testing.assert_close(chosen.mean(1), gaussians.mean, atol=1e-4, rtol=0)
    spread = chosen.var(1, unbiased=False)
    wanted = torch.stack([gaussians.covariance(c).diagonal() for c in range(2)])
    torch.testing.assert_close(spread, wanted, rtol=0.02, atol=0)

    def likeness(x: torch.Tensor) -> float:
        z = models(x)
        return float((z @ z.transpose(1, 2)).mean())

    random = [torch.stack([gaussians.sample(c, 40, generator(3, i)) for c in range(2)]) for i in range(20)]
    assert likeness(chosen) < sum(map(likeness, random)) / 20


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 12), st.booleans(), st.integers(0, 99))
def test_restandardising_is_finite_for_any_number_of_features(n: int, same: bool, seed: int):
    _, gaussians = _gaussians("full", d=5)
    z = torch.randn(n, 5, generator=generator(seed))
    moved = selection.restandardise(z[:1].expand(n, 5) if same else z, gaussians, 0)
    assert torch.isfinite(moved).all()
    torch.testing.assert_close(moved.mean(0), gaussians.mean[0], atol=2e-3, rtol=0)


def test_pooling_averages_the_grid_of_each_channel():
    grid = torch.arange(2 * 3 * 4.0).view(2, 12)  # 3 channels on a grid of side 2
    torch.testing.assert_close(selection.pooled(grid, 2), grid.view(2, 3, 4).mean(2))
    assert selection.pooled(grid, 1) is grid


def test_per_image_lbfgs_solves_badly_scaled_quadratics_of_every_image():
    scales = torch.logspace(0, 3, 8)[None] * torch.tensor([[1.0], [7.0], [0.1]])
    x = torch.randn(3, 8, generator=generator(0)).requires_grad_()
    target = torch.randn(3, 8, generator=generator(1))
    optimiser, values = PerImageLBFGS(x), []

    def evaluate() -> torch.Tensor:
        loss = (scales * (x - target) ** 2).sum()
        values.append(float(loss.detach()))
        return loss

    for _ in range(150):
        optimiser.step(evaluate, lr=0.0)
    assert min(values) < 1e-4 * values[0]


def test_dct_pixels_start_at_the_images_and_large_forms_move_first():
    start = torch.rand(2, 3, 16, 16, generator=generator(0)) * 0.7 + 0.15
    pixels = DCTPixels(start, torch.eye(3))
    torch.testing.assert_close(pixels.images(0.0), start)
    (grad,) = torch.autograd.grad(pixels.images(0.0).sum(), pixels.theta)
    assert grad[..., 0, 0].abs().min() > grad[..., 8:, 8:].abs().max()


def test_the_ridge_decoder_inverts_a_linear_layer():
    draws = generator(0)
    weight = torch.randn(4, 4, generator=draws)
    inputs = torch.randn(200, 1, 2, 2, generator=draws)
    outputs, wanted = inputs.flatten(1) @ weight, torch.randn(5, 1, 2, 2, generator=draws)
    place = Place(wanted.flatten(1) @ weight, None, (5, 1, 2, 2), Examples(inputs, outputs))  # type: ignore[arg-type]
    found = decoder(place, draws)
    cosine = torch.nn.functional.cosine_similarity(found.flatten(1), wanted.flatten(1))
    assert cosine.min() > 0.98
