"""Closed forms and invariants of what is kept of the data."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cl_core.config import ConfigError, LearnConfig
from cl_core.seeding import generator
from cl_core.statistics import ClassGaussians, affine_fit, channel_moments, gaussian_kl
from cl_core.statistics.class_models import KINDS

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


@pytest.mark.parametrize("kind", KINDS)
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


@pytest.mark.parametrize("kind", KINDS)
def test_class_models_survive_the_way_to_arrays_and_back(kind: str):
    features = torch.randn(50, 4, generator=generator(0))
    fitted = ClassGaussians(kind, rank=2).fit(features, torch.arange(50) % 2, [0, 1])
    back = ClassGaussians.from_arrays(fitted.to_arrays(), torch.device("cpu"))
    assert back.kind == kind
    torch.testing.assert_close(back.mean, fitted.mean)
    assert torch.equal(back.sample(1, 9, generator(1)), fitted.sample(1, 9, generator(1)))
    assert len(back.join(back.take([1]))) == 3


def test_classes_with_fewer_directions_and_centres_are_stored_beside_the_others():
    features = torch.randn(50, 6, generator=generator(0))
    few = ClassGaussians("mixture", rank=2, components=2).fit(features, torch.zeros(50), [0])
    both = few.join(ClassGaussians("mixture", rank=4, components=3).fit(features, torch.zeros(50), [0]))
    back = ClassGaussians.from_arrays(both.to_arrays(), torch.device("cpu"))
    for c in (0, 1):
        torch.testing.assert_close(back.covariance(c), both.covariance(c))
        assert torch.isfinite(back.sample(c, 20, generator(1))).all()


def test_class_models_of_different_kinds_are_not_joined():
    features = torch.randn(20, 3, generator=generator(0))
    full, diagonal = (ClassGaussians(kind).fit(features, torch.zeros(20), [0]) for kind in ("full", "diagonal"))
    with pytest.raises(ConfigError, match="choose one class model"):
        full.join(diagonal)


def _low_rank_features(n: int = 3000, d: int = 6) -> torch.Tensor:
    """Two common factors and, in each dimension, noise of its own."""
    draws = generator(5)
    mix, scale = torch.randn(2, d, generator=draws), torch.linspace(0.5, 20, d)
    return (torch.randn(n, 2, generator=draws) @ mix + 0.3 * torch.randn(n, d, generator=draws)) * scale + 4


@pytest.mark.parametrize("kind", ["low-rank", "mixture"])
def test_a_low_rank_covariance_has_the_variances_exactly_and_the_correlations_of_two_factors(kind: str):
    features = _low_rank_features()
    few = ClassGaussians(kind, shrinkage=0.0, rank=2).fit(features, torch.zeros(len(features)), [0])
    sample = features.T.cov(correction=0)
    torch.testing.assert_close(few.covariance(0).diagonal(), sample.diagonal(), rtol=2e-3, atol=0)
    torch.testing.assert_close(few.covariance(0), sample, rtol=0.1, atol=0.1 * float(sample.diagonal().max()))
    all_ranks = ClassGaussians(kind, shrinkage=0.0, rank=6).fit(features, torch.zeros(len(features)), [0])
    unit = sample.diagonal().sqrt()
    torch.testing.assert_close(
        all_ranks.covariance(0) / unit / unit[:, None], sample / unit / unit[:, None], atol=2e-3, rtol=0
    )


@pytest.mark.parametrize("kind", ["low-rank", "mixture"])
def test_woodbury_whitens_as_the_inverse_of_the_dense_covariance(kind: str):
    features = _low_rank_features()
    model = ClassGaussians(kind, rank=2).fit(features, torch.zeros(len(features)), [0])
    white, dense = model.whitening(0).double(), model.covariance(0).double()
    torch.testing.assert_close(white.T @ dense @ white, torch.eye(6).double(), atol=1e-3, rtol=0)
    torch.testing.assert_close(white @ white.T, dense.inverse(), rtol=1e-2, atol=1e-4 * float(dense.inverse().max()))


@pytest.mark.parametrize("kind", ["low-rank", "mixture"])
def test_an_affine_map_of_a_low_rank_model_is_that_of_the_dense_covariance_and_stays_low_rank(kind: str):
    mix = torch.randn(2, 6, generator=generator(1))
    features = torch.randn(500, 2, generator=generator(2)) @ mix + 0.01 * torch.randn(500, 6, generator=generator(3))
    old = ClassGaussians(kind, shrinkage=0.0, rank=2).fit(features, torch.zeros(500), [0])
    weight, bias = torch.randn(6, 6, generator=generator(4)), torch.arange(6.0)
    mapped = old.map_affine(weight, bias)
    wanted = weight.T @ old.covariance(0) @ weight
    torch.testing.assert_close(mapped.mean[0], old.mean[0] @ weight + bias)
    torch.testing.assert_close(mapped.covariance(0), wanted, rtol=0, atol=5e-3 * float(wanted.diagonal().max()))
    torch.testing.assert_close(mapped.covariance(0).diagonal(), wanted.diagonal(), rtol=2e-3, atol=0)  # with any rest
    assert mapped.to_arrays()["loadings"].shape == (1, 6, 2)


def test_a_mixture_draws_from_its_centres_and_has_the_covariance_of_the_low_rank_model():
    draws = generator(6)
    centres = torch.tensor([[4.0, 0, 0], [-4, 3, 0], [-4, -3, 0]])
    features = centres[torch.arange(900) % 3] + 0.3 * torch.randn(900, 3, generator=draws)
    labels = torch.zeros(900)
    mixture = ClassGaussians("mixture", rank=3, components=3).fit(features, labels, [0])
    plain = ClassGaussians("low-rank", rank=3).fit(features, labels, [0])
    torch.testing.assert_close(mixture.covariance(0), plain.covariance(0), atol=0.02, rtol=0)

    def near_a_centre(model: ClassGaussians) -> float:
        distances = torch.cdist(model.sample(0, 3000, generator(7)), centres)
        return float((distances.min(1).values < 1.8).float().mean())

    assert near_a_centre(mixture) > 0.99
    assert near_a_centre(plain) < 0.4
    one = torch.cdist(mixture.sample(0, 3000, generator(7)), centres).argmin(1).bincount() / 3000
    torch.testing.assert_close(one, torch.full((3,), 1 / 3), atol=0.04, rtol=0)


def test_what_class_models_take_at_the_size_of_the_demo():
    features = torch.randn(100, 576, generator=generator(0))

    def kilobytes(kind: str) -> float:
        arrays = ClassGaussians(kind).fit(features, torch.zeros(100), [0]).to_arrays()
        return sum(array.nbytes for array in arrays.values()) / 1000

    assert {kind: round(kilobytes(kind)) for kind in KINDS} == {
        "diagonal": 5,
        "full": 1329,
        "low-rank": 41,
        "mixture": 45,
    }


def test_estimated_shrinkage_comes_nearer_to_the_true_covariance_than_none():
    draws = generator(8)
    mix = torch.randn(30, 30, generator=draws) / 5 + torch.eye(30)
    features, labels = torch.randn(25, 30, generator=draws) @ mix, torch.zeros(25)
    error = {}
    for shrinkage in (0.0, "ledoit-wolf", "oas"):
        found = ClassGaussians("full", shrinkage=shrinkage).fit(features, labels, [0]).covariance(0)
        error[shrinkage] = float((found - mix.T @ mix).square().mean())
    assert error["ledoit-wolf"] < 0.8 * error[0.0]
    assert error["oas"] < 0.8 * error[0.0]


def test_settings_say_how_class_models_are_fitted():
    made = ClassGaussians.of(LearnConfig(class_model="mixture", class_rank=7, class_components=2, shrinkage="oas"))
    assert (made.kind, made.fitting.shrinkage, made.fitting.rank, made.fitting.components) == ("mixture", "oas", 7, 2)
    assert ClassGaussians.of(LearnConfig()).fitting == ClassGaussians().fitting


@pytest.mark.filterwarnings("ignore:Only one sample")
@pytest.mark.parametrize("shrinkage", [0.02, "ledoit-wolf", "oas"])
@pytest.mark.parametrize("kind", KINDS)
def test_fewer_images_than_dimensions_and_equal_features_still_give_an_invertible_covariance(
    kind: str, shrinkage: float | str
):
    for features in (torch.randn(3, 8, generator=generator(0)), torch.ones(5, 8), torch.ones(1, 8)):
        gaussians = ClassGaussians(kind, shrinkage).fit(features, torch.zeros(len(features)), [0])
        for model in (gaussians, gaussians.map_affine(torch.zeros(8, 8), torch.ones(8))):
            assert torch.isfinite(model.whitening(0)).all()
            assert torch.isfinite(model.sample(0, 5, generator(0))).all()


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
