"""The film of an inversion: it shows what it says, and it changes nothing."""

import numpy as np
import pytest
import torch
from test_inversion import NORMALISE, _drain, _network_and_knowledge

from cl_core import inversion
from cl_core.config import InvertConfig, NetworkConfig
from cl_core.inversion.film import A_CLASS, IN_ALL, MOMENTS, Camera, moments
from cl_core.inversion.objectives import InputStatistics

SHORT = {"selection": "random", "images_per_class": 8, "iterations_per_layer": 3, "full_iterations": 20}


class Asleep(Camera):
    """A camera that takes nothing."""

    def _take(self, *frame: object) -> None:
        return

    def stop(self, *seen: object) -> None:
        return


@pytest.mark.parametrize(
    ("groups", "start", "pixels", "optimiser"),
    [
        ("layers", "gaussian", "plain", "adam"),
        ("stages", "residual", "coarse-to-fine", "adam"),
        ("halves", "decoder", "dct", "lbfgs"),
    ],
)
def test_an_inversion_is_the_same_bit_for_bit_with_and_without_its_film(
    groups: str, start: str, pixels: str, optimiser: str, monkeypatch: pytest.MonkeyPatch
):
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=1))
    config = InvertConfig(**SHORT, groups=groups, start=start, pixels=pixels, optimiser=optimiser)  # type: ignore[arg-type]
    filmed, _ = _drain(network, knowledge, config)
    before = torch.random.get_rng_state()
    monkeypatch.setattr(inversion, "Camera", Asleep)
    plain, _ = _drain(network, knowledge, config)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert len(filmed.film.frames) == 1 + len(network.groups(groups)) + len(moments(20))
    assert not plain.film.frames
    assert torch.equal(filmed.images, plain.images)
    assert [layer["curve"] for layer in filmed.layers] == [layer["curve"] for layer in plain.layers]
    assert filmed.refine["curve"] == plain.refine["curve"]


def test_a_stop_gives_what_an_inversion_without_the_further_iterations_gives():
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=1))
    config = InvertConfig(**SHORT, groups="halves", start="decoder")  # type: ignore[arg-type]
    film = _drain(network, knowledge, config)[0].film
    for frame, iterations in ((0, (0, 0)), (1, (0, 3)), (2, (3, 3))):  # first group first
        stopped = InvertConfig(
            **SHORT | {"full_iterations": 0, "layer_iterations": iterations},  # type: ignore[arg-type]
            groups="halves",
            start="decoder",
        )
        images = _drain(network, knowledge, stopped)[0].images[film.rows]
        assert np.abs(film.images[frame].astype(int) - (images * 255).numpy()).max() <= 1
    assert [frame["stage"] for frame in film.frames[:3]] == ["start", "layer", "layer"]
    assert [frame["layer"] for frame in film.frames[:3]] == [None, 2, 1]
    assert [frame["units"] for frame in film.frames[:3]] == [0.0, 1.5, 3.0]


def test_the_last_frame_is_what_the_inversion_gives_and_units_only_grow():
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=1))
    result, _ = _drain(network, knowledge, InvertConfig(**SHORT))  # type: ignore[arg-type]
    film = result.film
    assert film.rows.tolist() == [*range(A_CLASS), *range(8, 8 + A_CLASS)]
    assert np.abs(film.images[-1] - (result.images[film.rows] * 255).numpy()).max() <= 1
    units = [frame["units"] for frame in film.frames]
    assert units == sorted(units)
    assert units[-1] == pytest.approx(3 + 20)
    assert film.frames[-1]["loss"] == min(result.refine["curve"]["total"])
    one = [frame for frame in film.frames if frame["stage"] == "refine"][1]
    assert one["loss"] == result.refine["curve"]["total"][one["iteration"] - 1]


def test_an_inversion_without_layers_has_a_start_and_a_refinement():
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=1))
    config = InvertConfig(**SHORT | {"iterations_per_layer": 0}, groups="whole")  # type: ignore[arg-type]
    film = _drain(network, knowledge, config)[0].film
    assert {frame["stage"] for frame in film.frames} == {"start", "refine"}
    assert np.array_equal(film.images[0], film.images[1])  # the first look of the refinement is at the start
    nothing = InvertConfig(**SHORT | {"iterations_per_layer": 0, "full_iterations": 0})  # type: ignore[arg-type]
    assert [frame["stage"] for frame in _drain(network, knowledge, nothing)[0].film.frames] == ["start"]


def test_of_many_classes_only_a_few_images_are_shown():
    camera = Camera(100, 5, 10, lambda index, target, classes: target, NORMALISE)
    assert camera.film.rows.tolist() == [5 * c for c in range(IN_ALL)]
    statistics = InputStatistics(torch.rand(100, 2, 3, 3), torch.rand(100, 2, 3, 3))
    assert statistics.first(IN_ALL).draw((IN_ALL, 2, 3, 3), torch.Generator()).shape == (IN_ALL, 2, 3, 3)


def test_moments_are_closer_together_at_the_beginning():
    assert moments(0) == []
    assert moments(1) == [1]
    assert moments(3) == [1, 2, 3]
    long = moments(1000)
    assert len(long) == MOMENTS
    assert (long[0], long[-1]) == (1, 1000)
    assert all(np.diff(long[1:]) >= np.diff(long[:-1]))


def test_events_name_the_groups_of_layers():
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=1))
    _, events = _drain(network, knowledge, InvertConfig(**SHORT, groups="halves"))  # type: ignore[arg-type]
    first, last = events[0], [event for event in events if event.stage == "layer"][-1]
    assert first.layer_names == last.layer_names == ("stem to block 1", "block 2 to block 3")
    assert first.describe() == "Inverting block 2 to block 3 (2 of 2)"
    assert last.describe() == "Inverting stem to block 1 (1 of 2)"
