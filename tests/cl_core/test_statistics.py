"""Closed forms and invariants of what is kept of the data."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cl_core.seeding import generator
from cl_core.statistics import ClassGaussians, affine_fit, channel_moments, gaussian_kl

numbers = st.floats(-3, 3)
positive = st.floats(0.05, 5)


@given(numbers, positive, numbers, positive)
def test_kl_equals_torch_distributions_and_is_zero_only_for_equal_gaussians(m: float, v: float, mu: float, s2: float):
    def normal(mean: float, variance: float) -> torch.distributions.Normal:
        return torch.distributions.Normal(torch.tensor([mean]), torch.tensor([variance]).sqrt())

    expected = torch.distributions.kl_divergence(normal(m, v), normal(mu, s2)).item()
    found = gaussian_kl(*(torch.tensor([x]) for x in (m, v, mu, s2))).item()
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert gaussian_kl(*(torch.tensor([x]) for x in (m, v, m, v))).item() == pytest.approx(0, abs=1e-6)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 100))
def test_merged_moments_are_those_of_the_whole_sample(a: int, b: int, seed: int):
    x = torch.randn(a + b, 3, 4, 4, generator=generator(seed)) + 2
    merged = channel_moments(x[:a]).merge(channel_moments(x[a:]))
    whole = x.transpose(0, 1).reshape(3, -1)
    torch.testing.assert_close(merged.mean, whole.mean(1))
    torch.testing.assert_close(merged.variance, whole.var(1, unbiased=False))


@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_a_fitted_gaussian_gives_back_mean_and_covariance_of_its_draws(kind: str):
    mix = torch.tensor([[1.0, 0.0, 0.0], [0.8, 0.5, 0.0], [-0.3, 0.2, 2.0]])
    features = torch.randn(4000, 3, generator=generator(0)) @ mix.T + torch.tensor([1.0, -2.0, 3.0])
    labels = torch.arange(4000) % 2
    gaussians = ClassGaussians(kind, shrinkage=0.0).fit(features, labels, [0, 1])
    torch.testing.assert_close(gaussians.mean[1], features[labels == 1].mean(0))
    draws = gaussians.sample(1, 100_000, generator(1))
    torch.testing.assert_close(draws.mean(0), gaussians.mean[1], atol=0.03, rtol=0)
    torch.testing.assert_close(draws.T.cov(), gaussians.covariance(1), atol=0.08, rtol=0)
    white = (draws - gaussians.mean[1]) @ gaussians.whitening(1)
    torch.testing.assert_close(white.T.cov(), torch.eye(3), atol=0.03, rtol=0)


def test_gaussians_survive_the_way_to_arrays_and_back():
    features = torch.randn(50, 4, generator=generator(0))
    for kind in ("diagonal", "full"):
        fitted = ClassGaussians(kind).fit(features, torch.zeros(50), [0])
        back = ClassGaussians.from_arrays(fitted.to_arrays(), torch.device("cpu"))
        assert back.kind == kind
        torch.testing.assert_close(back.covariance(0), fitted.covariance(0))


def test_fewer_images_than_dimensions_and_equal_features_still_give_an_invertible_covariance():
    for features in (torch.randn(3, 8, generator=generator(0)), torch.ones(5, 8), torch.ones(1, 8)):
        gaussians = ClassGaussians("full").fit(features, torch.zeros(len(features)), [0])
        assert torch.isfinite(gaussians.whitening(0)).all()
        assert torch.isfinite(gaussians.sample(0, 5, generator(0))).all()


def test_a_class_without_an_image_is_refused_in_words():
    with pytest.raises(ValueError, match="without an image"):
        ClassGaussians().fit(torch.ones(2, 3), torch.zeros(2), [1])


def test_affine_map_of_a_gaussian_is_the_gaussian_of_the_mapped_features():
    draws = generator(3)
    old = torch.randn(5000, 4, generator=draws)
    weight, bias = torch.randn(4, 4, generator=draws), torch.randn(4, generator=draws)
    new = old @ weight + bias
    found_weight, found_bias = affine_fit(old, new, ridge=1e-6)
    torch.testing.assert_close(found_weight, weight, atol=1e-3, rtol=0)
    mapped = ClassGaussians("full", shrinkage=0.0).fit(old, torch.zeros(5000), [0]).map_affine(found_weight, found_bias)
    direct = ClassGaussians("full", shrinkage=0.0).fit(new, torch.zeros(5000), [0])
    torch.testing.assert_close(mapped.mean, direct.mean, atol=1e-3, rtol=0)
    torch.testing.assert_close(mapped.covariance(0), direct.covariance(0), atol=1e-2, rtol=1e-2)


def test_generators_depend_on_every_name_and_leave_the_global_state_alone():
    before = torch.get_rng_state()
    draws = {tuple(torch.randint(1000, (4,), generator=generator(*key)).tolist()) for key in [(0,), (1,), (0, "a")]}
    assert len(draws) == 3
    assert np.array_equal(before.numpy(), torch.get_rng_state().numpy())
