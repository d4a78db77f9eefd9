"""Images made in batches: the same images in the end, and memory for one batch."""

import dataclasses
import itertools

import pytest
import torch

from cl_core import inversion
from cl_core.backbones import Backbone
from cl_core.config import ConfigError, InvertConfig, NetworkConfig
from cl_core.inversion import batches
from cl_core.seeding import generator
from tests.cl_core.test_inversion import NORMALISE, _drain, _network_and_knowledge

SETTINGS = {"images_per_class": 20, "iterations_per_layer": 10, "full_iterations": 25, "selection": "random",
            "groups": "halves", "optimiser": "lbfgs", "pixels": "dct", "start": "residual",
            "alpha": 0.001, "layer_alpha": 0.1}  # fmt: skip  # the features count, which tell images apart


def _errors(images: torch.Tensor, network: Backbone, targets: torch.Tensor) -> torch.Tensor:
    """How far each image's features are from its target (n,)."""
    with torch.no_grad():
        return (network.features(NORMALISE(images)) - targets).square().mean(1)


def test_two_batches_give_images_as_good_as_one_and_no_more_pass_the_network_than_a_batch(monkeypatch):
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=1))
    knowledge = dataclasses.replace(knowledge, examples=knowledge.examples[:0])  # for decoders, 250 at most
    passed: list[int] = []
    through = Backbone.through
    monkeypatch.setattr(Backbone, "through", lambda self, group, x: passed.append(len(x)) or through(self, group, x))
    found = {}
    for batch in (40, 20):
        passed.clear()
        result, events = _drain(network, knowledge, InvertConfig(batch=batch, **SETTINGS))
        assert max(passed) == batch
        fractions = [event.fraction for event in events]
        assert fractions == sorted(fractions)
        assert fractions[-1] == pytest.approx(1.0)
        assert result.labels.tolist() == [0] * 20 + [1] * 20
        assert [len(entry["curve"]) for entry in result.layers] == [10, 10]
        found[batch] = result, _errors(result.images, network, result.targets)
    one, two = found[40], found[20]
    assert torch.equal(one[0].targets, two[0].targets)
    others = _errors(two[0].images.roll(7, 0), network, two[0].targets)
    assert two[1].mean() < 1.3 * one[1].mean()
    assert (two[1] < others).float().mean() > 0.8  # each image is its own target's, in whatever batch it was made


def test_the_film_of_batches_shows_images_that_are_kept():
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=1))
    result, _ = _drain(network, knowledge, InvertConfig(batch=20, **SETTINGS))
    kept = (result.images[torch.tensor(result.film.rows)] * 255).round().byte().numpy()
    assert (result.film.images[-1] == kept).all()
    assert result.labels[torch.tensor(result.film.rows)].tolist() == [0] * 6 + [1] * 6


@pytest.mark.parametrize(
    ("classes", "each", "batch"), [(1, 7, 3), (3, 10, 9), (10, 270, 4000), (100, 270, 4000), (2, 1, 2)]
)
def test_shares_hold_every_image_once_and_keep_to_the_batch(classes: int, each: int, batch: int):
    found = batches.shares(classes, each, batch)
    rows = torch.cat([batches.rows(classes, each, share) for share in found])
    assert sorted(rows.tolist()) == list(range(classes * each))
    sizes = [classes * len(share) for share in found]
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= classes
    assert all(a.stop == b.start for a, b in itertools.pairwise(found))


def test_a_batch_that_cannot_hold_an_image_of_each_class_is_refused_in_words():
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=1))
    with pytest.raises(ConfigError, match=r"“Images in a batch” is 1, but .* set it to 2 or more"):
        list(inversion.invert_classes(network, knowledge, InvertConfig(batch=1), NORMALISE, generator(0)))
