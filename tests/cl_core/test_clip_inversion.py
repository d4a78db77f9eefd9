"""Inverting a CLIP: tokens, their statistics, where a block starts, and what the network is shown."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from cl_core import backbones, datasets, experiment
from cl_core.backbones import Backbone
from cl_core.backbones.chain import frozen
from cl_core.config import InvertConfig, NetworkConfig
from cl_core.images import activations_to_bytes, from_bytes
from cl_core.inversion.full_model import glimpse
from cl_core.inversion.objectives import FeatureTarget, InputStatistics
from cl_core.inversion.optimisers import Adam
from cl_core.inversion.per_layer import invert_group
from cl_core.inversion.starts import GroupStarts
from cl_core.presets import preset
from cl_core.seeding import generator
from cl_core.snapshot import Snapshot
from cl_core.statistics import measure_moments, watching
from tests.cl_core.steps import done

WIDTH = 128


@pytest.fixture(scope="module")
def chain() -> Backbone:
    network = NetworkConfig(backbone="clip")
    return backbones.build(network, (1, 28, 28), 1, generator(0), [["a shirt"]]).requires_grad_(False)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return from_bytes(datasets.load("fashion-mnist").split("train").images[:48], torch.device("cpu"))


@pytest.fixture(scope="module")
def met(chain: Backbone, images: torch.Tensor) -> list[torch.Tensor]:
    """What each layer meets on those images, and the features."""
    with torch.no_grad(), watching(list(chain.layers)) as seen:
        features = chain.features(images)
    return [*seen, features]


@pytest.fixture(scope="module")
def known(chain: Backbone, images: torch.Tensor) -> list[InputStatistics]:
    moments, _ = measure_moments(chain, images, "channel")
    return [InputStatistics(m.mean, m.variance) for m in moments]


def test_the_class_token_is_measured_apart_from_the_patches(met: list[torch.Tensor], known: list[InputStatistics]):
    tokens, of = met[2], known[2]
    torch.testing.assert_close(of.mean[:WIDTH], tokens[:, 0].mean(0), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(of.mean[WIDTH:], tokens[:, 1:].mean((0, 1)), atol=1e-4, rtol=1e-3)
    assert float(of.kl(tokens)) < 1e-3
    assert float(of.kl(tokens.flip(1))) > 0.05  # a patch in the place of the class token
    drawn = of.draw((200, 17, WIDTH), generator(0))
    assert float((drawn[:, 0].mean(0) - of.mean[:WIDTH]).abs().max()) < 5 * float(of.variance.max().sqrt()) / 14


@pytest.mark.parametrize("block", [1, 2, 3])
def test_a_block_started_from_its_target_comes_nearer_than_one_started_at_random(
    chain: Backbone, met: list[torch.Tensor], known: list[InputStatistics], block: int
):
    target, errors = met[block + 1], {}
    for kind in ("residual", "gaussian"):
        starts = GroupStarts(kind, chain, chain.groups("layers"), known, met[0][:0])
        start, unit = starts.draw(block, target, generator(0)), known[block].deviation(tuple(met[block].shape))
        h = (start / unit).requires_grad_()
        with frozen(chain):
            steps = invert_group(
                functools.partial(chain.through, [block]), [], [], FeatureTarget(target), h, known[block],
                Adam([h], 0.99), 10, 0.1, 0.0, unit,
            )  # fmt: skip
            made = done(steps)
            error = F.mse_loss(chain.through([block], made), target) / target.var()
        errors[kind] = float(error)
    assert errors["residual"] < 0.5 * errors["gaussian"]


def test_what_never_varies_starts_as_it_always_is(
    chain: Backbone, met: list[torch.Tensor], known: list[InputStatistics]
):
    """Before block 1 the class token has met no image: starting it from the block's output would be wrong for good."""
    starts = GroupStarts("residual", chain, chain.groups("layers"), known, met[0][:0])
    start = starts.draw(1, met[2], generator(0))
    torch.testing.assert_close(start[:, 0], met[1][:, 0], atol=1e-3, rtol=1e-3)
    assert torch.equal(start[:, 1:], met[2][:, 1:])


def test_between_features_of_length_one_the_cosine_is_the_squared_error():
    a, b = (F.normalize(torch.randn(5, 8, generator=generator(i)), dim=1) for i in range(2))
    torch.testing.assert_close(FeatureTarget(b, (), True).distance(a), FeatureTarget(b).distance(a) * 8 / 2)


def test_a_glimpse_is_a_part_or_the_mirror_image_and_draws_only_what_is_asked_for():
    images = torch.rand(2, 1, 12, 12, generator=generator(0))
    draws = generator(1)
    before = draws.get_state()
    assert torch.equal(glimpse(images, InvertConfig(), draws), images)
    assert torch.equal(draws.get_state(), before)
    seen = [glimpse(images, InvertConfig(flip=True), draws) for _ in range(20)]
    assert {torch.equal(x, images) for x in seen} == {True, False}
    assert all(torch.equal(x, images) or torch.equal(x, images.flip(3)) for x in seen)
    cropped = glimpse(images, InvertConfig(crop=0.5), draws)
    assert cropped.shape == images.shape
    assert not torch.equal(cropped, images)


def test_patches_are_shown_where_they_lie():
    tokens = torch.zeros(1, 17, 4)
    tokens[0, 1 + 4 * 2 + 3] = 1.0  # the patch in row 2, column 3
    shown = activations_to_bytes(tokens)[0, :, :, 0]
    assert shown.shape == (4, 4)
    assert shown[2, 3] == 255
    assert shown.sum() == 255


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of six small pictures each."""
    root, draws = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name, colour in (("red", (220, 30, 30)), ("blue", (30, 30, 220))):
        (root / name).mkdir()
        for i in range(6):
            pixels = np.clip(np.array(colour) + draws.normal(0, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


def test_any_vision_transformer_of_open_clip_goes_the_same_way(folder: Path):
    changes: dict[str, dict[str, Any]] = {
        "stream": {"data": f"folder:{folder}", "increment": 2},
        "network": {"clip": "ViT-S-32-alt", "checkpoint": "random", "adapter": 4},
        "learn": {"epochs_first": 1, "epochs": 1, "batch_size": 4},
        "invert": {"images_per_class": 2, "iterations_per_layer": 1, "full_iterations": 2},
        "machine": {"device": "cpu"},
    }
    path: list[Snapshot] = done(experiment.run(preset("clip-demo").override(changes)))
    assert [step.verb for step in path] == ["start", "learn", "invert"]
    leaf = path[-1]
    assert leaf.synthetic[0].shape == (4, 3, 32, 32)
    assert [layer["name"] for layer in leaf.record["layers"]][-1] == "patch embedding"
    assert len(leaf.record["layers"]) == 13
