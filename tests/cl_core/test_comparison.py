"""Two snapshots as one network sees them."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from test_experiment import drain, quick

from cl_core import comparison, experiment, measure
from cl_core.commands.build_example import for_looking
from cl_core.config import Config, ConfigError
from cl_core.files import Files
from cl_core.snapshot import Snapshot, freeze
from cl_core.state import State
from cl_core.store import StoreError

TWO_TASKS = {"increment": 2, "tasks": 2, "train_per_class": 40}


def tiny(**changes: dict[str, Any]) -> Config:
    config = quick(stream=TWO_TASKS, learn={"epochs_first": 1, "epochs": 1, "balance_epochs": 0})
    few = {"images_per_class": 6, "iterations_per_layer": 1, "full_iterations": 2}
    return config.override({"invert": few, "network": {"pool": 1}}).override(changes)


@pytest.fixture(scope="module")
def path() -> list[Snapshot]:
    """Start, learn 1, invert 1, learn 2, invert 2."""
    return drain(experiment.run(tiny()))


@pytest.fixture(scope="module")
def other(path: list[Snapshot]) -> Snapshot:
    """The second inversion under another setting."""
    return drain(experiment.grow(path[3], "invert", tiny(invert={"full_iterations": 4})))


@pytest.fixture(scope="module")
def made(path: list[Snapshot], other: Snapshot) -> comparison.Comparison:
    return comparison.compare(path[4], other, path[1])


def test_both_are_seen_by_the_network_that_is_named(path, other, made):
    """By hand: B's first image through the lender's network, in the principal axes of the real features."""
    assert made.lender == path[1].id
    state = State.of(path[1], path[1].config)
    images, labels = other.synthetic
    assert made.b_labels.tolist() == labels.tolist()
    features = measure.features_of(state.network, state.normalise(torch.tensor(images).float())).numpy()
    between = np.linalg.norm(features[0] - features[1:], axis=1)
    assert np.allclose(np.linalg.norm(made.b[0] - made.b[1:], axis=1), between, atol=1e-3)


def test_the_axes_are_those_of_the_real_features(made):
    covariance = np.cov(made.real.T)
    assert np.allclose(covariance, np.diag(np.diag(covariance)), atol=1e-4)
    assert np.allclose(made.real.mean(0), 0, atol=1e-4)
    assert (np.bincount(made.real_labels) == comparison.IMAGES_A_CLASS).all()
    assert len(made.explained) == made.real.shape[1] == made.a.shape[1] == made.b.shape[1]


def test_a_snapshot_beside_itself_is_the_same_twice(path):
    twice = comparison.compare(path[4], path[4], path[3])
    assert np.array_equal(twice.a, twice.b)
    assert twice.alignment["a"] == twice.alignment["b"]
    assert [row["class"] for row in twice.alignment["a"]] == [0, 1, 2, 3]


def test_one_without_images_has_no_points(path):
    made = comparison.compare(path[1], path[4], path[1])
    assert (len(made.a), len(made.a_labels), made.alignment["a"]) == (0, 0, [])
    assert set(made.real_labels) == {0, 1, 2, 3}  # what either of them has seen


def test_classes_in_another_order_are_matched_by_name(path):
    swapped = drain(experiment.run(tiny(stream={"order": (1, 0), "tasks": 1})))[2]
    assert comparison.shared_classes(path[2], swapped) == {0: 1, 1: 0}
    made = comparison.compare(path[2], swapped, path[1])
    assert made.b_labels.tolist() == [1] * 6 + [0] * 6
    assert set(made.real_labels) == {0, 1}


def test_stored_features_serve_where_both_have_one_network(path, other, made):
    same = comparison.of_views(path[4], other, path[3].id)
    assert same is not None
    assert same.lender == path[3].id
    computed = comparison.compare(path[4], other, path[3])
    assert np.allclose(abs(same.b), abs(computed.b), atol=0.1)  # float16; an axis may point the other way
    assert [row["frechet"] for row in same.alignment["b"]] == pytest.approx(
        [row["frechet"] for row in computed.alignment["b"]], rel=0.05
    )
    assert comparison.of_views(path[2], other, path[3].id) is None  # another network


def test_it_is_kept_and_read_again(made, tmp_path):
    files, name = Files(tmp_path), comparison.name_of("a", "b", "c")
    assert comparison.read(files, name) is None
    comparison.save(files, name, made)
    again = comparison.read(files, name)
    assert again is not None
    assert np.array_equal(again.a, made.a.astype(np.float32))
    assert (again.lender, again.alignment) == (made.lender, dict(made.alignment))
    files.write(name, files.read(name)[:-99])
    assert comparison.read(files, name) is None
    assert len({comparison.name_of(*ids) for ids in ("abc", "bac", "aba", "abc")}) == 3


def test_what_cannot_be_compared_is_a_sentence(path, other):
    with pytest.raises(StoreError, match="not kept here"):
        comparison.compare(path[4], other, for_looking(path[3]))
    with pytest.raises(ConfigError, match="learned nothing is no measure"):
        comparison.compare(path[4], other, path[0])
    with pytest.raises(ConfigError, match="learned nothing that both"):
        comparison.compare(path[0], path[0], path[1])
    elsewhere = dataclasses.replace(
        path[4], config=path[4].config.override({"stream": {"data": "cifar10"}}), arrays=freeze({})
    )
    with pytest.raises(ConfigError, match="same data"):
        comparison.compare(path[4], elsewhere, path[1])
