"""The rotation between two text prototypes, and the cloud that it makes of old classes' features."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from cl_core import projection
from cl_core.config import ConfigError


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**20), d=st.integers(2, 80), closeness=st.floats(0, 1))
def test_the_rotation_is_an_isometry_that_leaves_the_rest_alone(seed: int, d: int, closeness: float):
    x, (old, other) = draw(seed, 6, d), draw(seed + 1, 2, d)
    new = closeness * old + (1 - closeness) * other  # closeness 1: the same prototype
    assume(1 + F.cosine_similarity(old, new, dim=0) > 2 * projection.OPPOSITE)  # in two dimensions it happens
    turned = projection.rotate(x, old, new)
    torch.testing.assert_close(turned @ turned.T, x @ x.T, atol=1e-7, rtol=1e-7)
    a, b = F.normalize(old, dim=0), F.normalize(new, dim=0)
    torch.testing.assert_close(projection.rotate(a[None], old, new)[0], b, atol=1e-9, rtol=0)
    plane = torch.linalg.qr(torch.stack([a, F.normalize(other, dim=0)], dim=1)).Q
    rest = x - x @ plane @ plane.T
    torch.testing.assert_close(projection.rotate(rest, old, new), rest, atol=1e-7, rtol=0)


def test_a_prototype_onto_itself_is_the_identity_and_onto_its_opposite_an_error():
    x, old = draw(0, 5, 16), draw(1, 16)
    torch.testing.assert_close(projection.rotate(x, old, 3 * old), x)
    with pytest.raises(ConfigError, match="opposite"):
        projection.rotate(x, old, -old)


def test_the_nearest_come_first_and_are_as_many_as_there_are():
    old = torch.eye(3)
    indices, cosines = projection.nearest(old, torch.tensor([0.1, 3.0, 1.0]), 9)
    assert indices.tolist() == [1, 2, 0]
    assert cosines.tolist() == sorted(cosines.tolist(), reverse=True)
    assert len(projection.nearest(old, old[0], 2)[0]) == 2


def test_drawing_keeps_the_spread_that_averaging_loses():
    old, new = draw(0, 5, 32), draw(1, 32)
    samples = F.normalize(F.normalize(old, dim=1)[:, None] + 0.1 * draw(2, 5, 400, 32), dim=2)
    cloud = {}
    for spread in projection.SPREADS:
        cloud[spread] = projection.project(samples, old, new, spread, torch.Generator().manual_seed(0))
        torch.testing.assert_close(cloud[spread].norm(dim=1), torch.ones(400, dtype=torch.float64))
        mean = F.normalize(cloud[spread].mean(0), dim=0)
        assert mean @ F.normalize(new, dim=0) > 0.98  # the classes lie at their prototypes here
    assert cloud["average"].var(0).sum() < 0.4 * cloud["draw"].var(0).sum()
    assert cloud["draw"].var(0).sum() > 0.8 * samples.var(1).sum(1).mean()
    with pytest.raises(ConfigError, match="average, draw"):
        projection.project(samples, old, new, "mean", torch.Generator())


def test_a_whole_shift_ends_at_the_new_prototype():
    old, new = draw(0, 2, 8), draw(1, 8)
    cloud = projection.project(draw(2, 2, 5, 8), old, new, "draw", torch.Generator().manual_seed(0), shift=1.0)
    torch.testing.assert_close(cloud, F.normalize(new, dim=0).expand(5, 8))
    assert projection.angle(old[0], old[0]) == pytest.approx(0, abs=1e-4)
    assert projection.angle(torch.tensor([1.0, 0]), torch.tensor([0, 2.0])) == pytest.approx(90)
