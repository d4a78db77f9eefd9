"""Measures against numbers worked out by hand, and what must hold of any features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cl_core import metrics

HAND_MADE = [[0.9], [0.5, 0.8], [0.4, 0.9, 0.7]]

features = st.integers(1, 4).flatmap(
    lambda d: st.tuples(*[arrays(float, st.tuples(st.integers(1, 8), st.just(d)), elements=st.floats(-9, 9))] * 2)
)


def gaussian(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centred = points - points.mean(0)
    return points.mean(0), centred.T @ centred / len(points)


def test_a_hand_made_matrix():
    assert metrics.average_accuracy(HAND_MADE) == pytest.approx((0.4 + 0.9 + 0.7) / 3)
    assert metrics.average_accuracy(HAND_MADE, [2, 2, 1]) == pytest.approx((0.8 + 1.8 + 0.7) / 5)
    assert metrics.average_incremental_accuracy(HAND_MADE) == pytest.approx((0.9 + 0.65 + 2 / 3) / 3)
    each, average = metrics.forgetting(HAND_MADE)
    assert each == pytest.approx([0.5, -0.1])
    assert average == pytest.approx(0.2)
    assert metrics.backward_transfer(HAND_MADE) == pytest.approx((-0.5 + 0.1) / 2)


def test_forgetting_counts_from_the_best_moment_not_the_first():
    assert metrics.forgetting([[0.5], [0.8, 0.9], [0.2, 0.9, 0.9]])[0] == pytest.approx([0.6, 0.0])


def test_a_square_matrix_gives_the_same_as_a_ragged_one():
    square = np.full((3, 3), np.nan)
    for i, row in enumerate(HAND_MADE):
        square[i, : i + 1] = row
    assert metrics.forgetting(square.tolist()) == metrics.forgetting(HAND_MADE)
    assert metrics.average_incremental_accuracy(square.tolist()) == metrics.average_incremental_accuracy(HAND_MADE)


def test_after_one_task_nothing_is_forgotten_yet():
    assert metrics.forgetting([[0.9]]) == ([], None)
    assert metrics.backward_transfer([[0.9]]) is None
    assert metrics.average_incremental_accuracy([[0.9]]) == 0.9


def test_frechet_distance_of_diagonal_gaussians_is_the_closed_form():
    mean1, mean2, std1, std2 = np.array([0.0, 1]), np.array([3.0, 1]), np.array([1.0, 2]), np.array([2.0, 0])
    expected = 9 + np.sum((std1 - std2) ** 2)
    found = metrics.frechet_distance(mean1, np.diag(std1**2), mean2, np.diag(std2**2))
    assert found == pytest.approx(expected)


@settings(deadline=None, max_examples=50)
@given(features)
def test_frechet_distance_is_symmetric_and_zero_on_equal(pair):
    a, b = (gaussian(points) for points in pair)
    there, back = metrics.frechet_distance(*a, *b), metrics.frechet_distance(*b, *a)
    assert there >= 0
    assert there == pytest.approx(back, abs=1e-9)
    assert metrics.frechet_distance(*a, *a) == pytest.approx(0, abs=1e-9)
    assert there >= np.sum((a[0] - b[0]) ** 2) - 1e-9


@settings(deadline=None, max_examples=50)
@given(features)
def test_alignment_of_any_sets_is_defined(pair):
    real, synthetic = pair
    found = metrics.alignment(real, synthetic, np.zeros(real.shape[1]), np.random.default_rng(0))
    assert found["frechet"] >= 0
    assert (found["floor"] is None) == (len(real) == 1)
    assert 0 <= found["mmd"] <= 2**0.5
    assert 0 <= found["coverage"] <= 1
    assert found["cosine"] is None or -1 <= found["cosine"] <= 1


@settings(deadline=None, max_examples=25)
@given(features)
def test_a_set_covers_itself_and_is_at_no_discrepancy(pair):
    assert metrics.coverage(pair[0], pair[0]) == 1
    assert metrics.mmd(pair[0], pair[0]) == pytest.approx(0, abs=1e-6)


def test_alignment_without_images_is_undefined_not_an_error():
    found = metrics.alignment(np.zeros((3, 2)), np.zeros((0, 2)), np.zeros(2), np.random.default_rng(0))
    assert set(found.values()) == {None}


def test_alignment_tells_real_from_displaced_and_repeats_itself():
    generator = np.random.default_rng(0)
    real, alike, centre = generator.normal(3, 1, (200, 80)), generator.normal(3, 1, (50, 80)), np.zeros(80)
    good = metrics.alignment(real, alike, centre, np.random.default_rng(1))
    bad = metrics.alignment(real, alike - 4, centre, np.random.default_rng(1))
    assert good["frechet"] == pytest.approx(good["floor"], rel=0.15)
    assert good["floor"] == bad["floor"]
    assert bad["frechet"] > 3 * bad["floor"]
    assert good["cosine"] > 0.9 > -0.9 > bad["cosine"]
    assert good["mmd"] < bad["mmd"]
    assert good["coverage"] > 0.5 > bad["coverage"]
    assert good == metrics.alignment(real, alike, centre, np.random.default_rng(1))


def test_the_floor_is_higher_for_smaller_sets():
    real = np.random.default_rng(0).normal(size=(400, 20))
    small = metrics.frechet_floor(real, 200, 30, np.random.default_rng(0))
    large = metrics.frechet_floor(real, 200, 200, np.random.default_rng(0))
    assert small > 2 * large > 0
    assert metrics.frechet_floor(real, 300, 200, np.random.default_rng(0)) is None


def test_coverage_sees_a_missing_mode():
    real = np.concatenate([np.zeros((10, 2)), np.full((10, 2), 9.0)]) + np.random.default_rng(0).normal(0, 0.1, (20, 2))
    assert metrics.coverage(real, real[:10]) == 0.5
