"""An inversion of a CLIP that stops at the patch embedding: hidden inputs are made, kept and replayed, not images."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from cl_core import experiment, shapes, strategies
from cl_core.config import Config, ConfigError, InvertConfig, identity
from cl_core.presets import preset
from cl_core.snapshot import Snapshot
from cl_core.state import State
from cl_core.store import Store
from tests.cl_core.steps import done

SMALL: dict[str, dict[str, Any]] = {  # a task of trousers and sandals, one of bags and boots
    "stream": {"order": (1, 5, 8, 9), "train_per_class": 24},
    "learn": {"epochs_first": 2, "epochs": 2, "lr": 0.01, "batch_size": 16},
    "invert": {"images_per_class": 4, "iterations_per_layer": 2, "full_iterations": 10, "stop": "patch-embedding"},
    "machine": {"device": "cpu"},
}


def config(**invert: Any) -> Config:
    return strategies.configure(preset("clip-demo").override(SMALL).override({"invert": invert}), "pmi")


@pytest.fixture(scope="module")
def learned() -> Snapshot:
    return done(experiment.learn(experiment.start(config()), config()))


@pytest.fixture(scope="module")
def inverted(learned: Snapshot) -> Snapshot:
    return done(experiment.invert(learned, config()))


def test_the_names_of_steps_from_before_there_was_the_setting_stay():
    assert "stop" not in identity(InvertConfig())
    assert identity(InvertConfig(stop="patch-embedding"))["stop"] == "patch-embedding"
    assert identity(InvertConfig()) | {"stop": "pixels"} == dataclasses.asdict(InvertConfig())


def test_hidden_inputs_make_the_features_that_were_wanted(learned: Snapshot, inverted: Snapshot):
    hidden, (images, labels) = inverted.hidden, inverted.synthetic
    assert hidden is not None
    assert hidden.shape == (8, 17, 128)
    assert images.shape == (8, 1, 28, 28)
    assert [layer["name"] for layer in inverted.record["layers"]] == [
        "block 4 and head",
        "block 3",
        "block 2",
        "block 1",
    ]
    view = inverted.group("view")
    network = State.of(inverted, config()).network
    with torch.no_grad():
        found = network.features(torch.tensor(hidden).float())
        named = network.head(found).argmax(1).numpy()
    assert (named == labels).mean() > 0.8
    film = view["film"].astype(np.float64)
    off = np.linalg.norm(film - view["film_targets"].astype(np.float64), axis=2).mean(1)
    assert off[-1] < 0.3 * off[0]  # it is the hidden inputs that the film follows, not their pictures


def test_what_is_replayed_is_what_is_kept(inverted: Snapshot, store: Store):
    kept = {row["what"]: row["bytes"] for row in inverted.record["kept"]}
    assert kept["hidden0/inputs"] == 8 * 17 * 128 * 2
    assert not any(name.startswith("synthetic") for name in kept)
    store.save(inverted)
    again = store.load(inverted.id)
    shapes.check(again)
    assert np.array_equal(again.hidden, inverted.hidden)
    second = done(experiment.learn(again, config()))
    assert second.record["curves"]["hard_kd"][-1] > 0
    assert second.record["hidden"]


def test_images_beside_hidden_inputs_enter_behind_their_own_embedding(inverted: Snapshot):
    """Another step may stop at pixels: its images are replayed as what the frozen patch embedding makes of them."""
    second = done(experiment.learn(inverted, config()))
    mixed = done(experiment.invert(second, config(stop="pixels")))
    network = State.of(mixed, config()).network
    images, labels = mixed.synthetic
    new = labels >= 2
    with torch.no_grad():
        embedded = network.layers[0](torch.tensor(images[new]).float()).numpy()
    np.testing.assert_allclose(mixed.hidden[new], embedded, atol=5e-3)
    assert np.array_equal(mixed.hidden[~new], inverted.hidden)
    anew = done(experiment.invert(second, config(stop="pixels", synthetic="regenerate")))
    assert anew.hidden is None
    assert not anew.record["hidden"]


def test_what_has_no_patch_embedding_refuses_in_a_sentence(learned: Snapshot):
    demo = preset("demo")
    root = dataclasses.replace(experiment.start(demo), tasks_learned=1, verb="learn")
    with pytest.raises(ConfigError, match="Only a CLIP has a patch embedding"):
        experiment.step_id(root, "invert", demo.override({"invert": {"stop": "patch-embedding"}}))
    with pytest.raises(ConfigError, match="has 5 numbers; this network has 4 layers above its patch embedding"):
        experiment.step_id(learned, "invert", config(layer_iterations=(1, 1, 1, 1, 1)))
    with pytest.raises(ConfigError, match="A generator makes images"):
        InvertConfig(source="generator", stop="patch-embedding")
