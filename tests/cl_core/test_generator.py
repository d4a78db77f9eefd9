"""The conditional generator: it learns to make what the network takes for its classes, and leaves nothing behind."""

from dataclasses import replace

import pytest
import torch

from cl_core import strategies
from cl_core.config import Config, ConfigError, InvertConfig, NetworkConfig
from tests.cl_core.test_inversion import NORMALISE, _drain, _network_and_knowledge

SETTINGS = InvertConfig(
    source="generator", selection="random", images_per_class=9, iterations_per_layer=0, full_iterations=60,
    full_lr=0.01, full_schedule="cosine", label_weight=1.0, alpha=0.02, tv=0.02,
)  # fmt: skip


def test_a_generator_makes_images_that_the_network_takes_for_their_classes():
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    result, events = _drain(network, knowledge, SETTINGS)
    assert result.images.shape == (18, 1, 12, 12)
    assert 0 <= result.images.min() <= result.images.max() <= 1
    assert result.labels.tolist() == [0] * 9 + [1] * 9
    with torch.no_grad():
        named = network(NORMALISE(result.images)).argmax(1)
    assert (named == result.labels).float().mean() > 0.9
    curve = result.refine["curve"]
    assert set(curve) == {"label", "normalisation", "smoothness", "total"}
    assert curve["total"][-1] < curve["total"][0]
    assert events[-1].fraction == pytest.approx(1.0)
    assert len(result.film.images) == len(result.film.frames) > 2
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(p.requires_grad for p in network.parameters())
    short = replace(SETTINGS, full_iterations=3)
    once, again = (_drain(network, knowledge, short)[0].images for _ in range(2))
    assert torch.equal(once, again)


def test_the_strategy_asks_for_a_generator_under_any_preset_and_a_generator_for_adam():
    config = strategies.configure(Config().override({"invert": {"optimiser": "lbfgs", "pixels": "dct"}}), "generator")
    assert (config.invert.source, config.invert.optimiser) == ("generator", "adam")
    with pytest.raises(ConfigError, match="A generator learns with Adam"):
        InvertConfig(source="generator", optimiser="lbfgs")
