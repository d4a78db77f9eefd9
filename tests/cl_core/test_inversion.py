"""Inversion: its terms, its cleanliness, and that it finds what it looks for."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cl_core import inversion
from cl_core.backbones import Backbone, build
from cl_core.config import ConfigError, InvertConfig, NetworkConfig
from cl_core.divergence import DivergenceWatch
from cl_core.events import Diverged, Event
from cl_core.images import Normaliser
from cl_core.inversion import Inversion, Knowledge
from cl_core.inversion.full_model import roll
from cl_core.inversion.objectives import FeatureTarget, InputStatistics, channel_kl, channel_kls, total_variation
from cl_core.inversion.pixels import CoarseToFinePixels, DCTPixels, PlainPixels
from cl_core.seeding import generator
from cl_core.statistics import ClassGaussians, gaussian_kl, measure_moments, running_moments, watching

CPU = torch.device("cpu")


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 1000))
def test_fused_channel_kl_has_the_value_and_gradient_of_the_plain_formula(n: int, channels: int, seed: int):
    draws = generator(seed)
    x = torch.randn(n, channels, 3, 2, generator=draws, dtype=torch.float64)
    x = x.contiguous(memory_format=torch.channels_last if seed % 2 else torch.contiguous_format).requires_grad_()
    mean = torch.randn(channels, generator=draws, dtype=torch.float64)
    variance = torch.rand(channels, generator=draws, dtype=torch.float64) + 0.1
    plain = gaussian_kl(x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False), mean, variance).mean()
    fused = channel_kl(x, mean, variance)
    torch.testing.assert_close(fused, plain)
    (expected,) = torch.autograd.grad(plain, x)
    (found,) = torch.autograd.grad(3 * fused, x)
    torch.testing.assert_close(found, 3 * expected)


def test_mixed_precision_gives_features_and_statistics_in_float32_close_to_the_exact_ones():
    network = build(NetworkConfig(width=8, blocks=1), (1, 12, 12), 2, generator(0)).eval()
    x = torch.randn(6, 1, 12, 12, generator=generator(1))
    exact = network.features(x)
    network.mixed = True
    with watching(network.norms) as seen:
        coarse = network.features(x)
    assert coarse.dtype == torch.float32
    assert 0 < float((coarse - exact).detach().abs().max()) < 0.05 * float(exact.detach().abs().max())
    inner = seen[-1].detach()
    assert inner.dtype == torch.bfloat16
    mean, variance = torch.zeros(inner.shape[1]), torch.ones(inner.shape[1])
    assert channel_kl(inner, mean, variance) == pytest.approx(
        float(channel_kl(inner.float(), mean, variance)), rel=1e-3
    )


def test_statistics_by_class_and_position_are_met_by_the_images_they_came_from():
    x = torch.randn(2, 50, 3, 4, 4, generator=generator(0))
    statistics = InputStatistics(x.mean(1), x.var(1, unbiased=False))
    assert statistics.kl(x.view(100, 3, 4, 4)).item() == pytest.approx(0, abs=1e-5)
    assert statistics.kl(x.view(100, 3, 4, 4) + 1).item() > 0.1
    assert statistics.draw((100, 3, 4, 4), generator(1)).shape == (100, 3, 4, 4)


def test_mahalanobis_distance_is_the_mean_squared_whitened_difference():
    features = torch.randn(200, 3, generator=generator(0)) * torch.tensor([1.0, 5.0, 0.2])
    gaussians = ClassGaussians("full", shrinkage=0.0).fit(features, torch.zeros(200), [0])
    target = FeatureTarget(gaussians.mean.expand(200, 3), [gaussians.models[0].whitener()])
    assert target.distance(features).item() == pytest.approx(1.0, rel=1e-4)


def test_total_variation_counts_steps_and_nothing_else():
    flat, stripes = torch.ones(1, 1, 4, 4), torch.tensor([0.0, 1.0]).repeat(2).expand(1, 1, 4, 4)
    assert total_variation(flat).item() == 0
    assert total_variation(stripes).item() == pytest.approx(1.0)
    x = torch.randn(2, 3, 5, 7, generator=generator(0), dtype=torch.float64).requires_grad_()
    plain = x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean()
    torch.testing.assert_close(total_variation(x), plain)
    found, expected = (torch.autograd.grad(3 * value, x)[0] for value in (total_variation(x), plain))
    torch.testing.assert_close(found, expected)


def test_pixels_stay_in_range_and_coarse_to_fine_opens_its_scales_in_turn():
    start = torch.rand(2, 1, 28, 28, generator=generator(0))
    plain = PlainPixels(start.clone(), torch.tensor(0.5), torch.tensor(0.25))
    torch.testing.assert_close(plain.images(0.0), start)
    with torch.no_grad():
        plain.pixels.add_(100)
    plain.settle()
    assert plain.images(1.0).max() <= 1
    pixels = CoarseToFinePixels(start)
    for progress, open_scales in ((0.0, 1), (0.3, 2), (0.9, 3)):
        grads = torch.autograd.grad(pixels.images(progress).sum(), pixels.variables, allow_unused=True)
        assert sum(g is not None for g in grads) == open_scales
    assert 0 <= pixels.images(1.0).min() <= pixels.images(1.0).max() <= 1


def test_whitened_frequencies_give_the_start_back_and_stay_within_what_an_image_can_be():
    start = 0.15 + 0.7 * torch.rand(2, 3, 10, 12, generator=generator(0))
    pixels = DCTPixels(start, torch.eye(3) + 0.5)
    torch.testing.assert_close(pixels.images(1.0), start)
    with torch.no_grad():
        pixels.theta += 50 * torch.randn(pixels.theta.shape, generator=generator(1))
    images = pixels.images(1.0)
    assert (images.min(), images.max()) == (0, 1)  # black and white are reached, and nothing beyond


def _network_and_knowledge(config: NetworkConfig) -> tuple[Backbone, Knowledge]:
    """A small random network, with the statistics of random images of two classes."""
    network = build(config, (1, 12, 12), 2, generator(0, "network")).eval()
    images = torch.randn(60, 1, 12, 12, generator=generator(1))
    inputs, _ = measure_moments(network, images, "channel")
    with torch.no_grad():
        features = network.features(images)
    gaussians = ClassGaussians().fit(features, torch.arange(60) % 2, [0, 1])
    moments = [running_moments(norm) for norm in network.norms]
    known = [InputStatistics(m.mean, m.variance) for m in inputs]
    colours = images.var().view(1, 1)
    knowledge = Knowledge((0, 1), gaussians, known, moments, features.view(2, 30, -1), config.pool, images, colours)
    return network, knowledge


SMALL = NetworkConfig(width=8, blocks=1)
NORMALISE = Normaliser([0.5], [0.25], CPU)  # type: ignore[arg-type]


def _drain(network: Backbone, knowledge: Knowledge, config: InvertConfig) -> tuple[Inversion, list[Event]]:
    steps, events = inversion.invert_classes(network, knowledge, config, NORMALISE, generator(2)), []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as stop:
            return stop.value, events


@pytest.mark.parametrize(
    ("groups", "start", "pixels", "optimiser"),
    [
        ("layers", "gaussian", "plain", "adam"),
        ("layers", "residual", "coarse-to-fine", "adam"),
        ("whole", "soft", "dct", "lbfgs"),
        ("stages", "gaussian", "dct", "adam"),
        ("halves", "decoder", "dct", "lbfgs"),
        ("whole", "decoder", "plain", "lbfgs"),
    ],
)
def test_inversion_goes_down_the_chain_and_lowers_every_loss(groups: str, start: str, pixels: str, optimiser: str):
    network, knowledge = _network_and_knowledge(NetworkConfig(width=8, blocks=2, activation="silu"))
    settings = InvertConfig(
        images_per_class=6,
        iterations_per_layer=15,
        full_iterations=20,
        groups=groups,
        start=start,
        pixels=pixels,
        optimiser=optimiser,
        selection="random",
        layer_lr=0.05,
        full_lr=0.05,
        layer_alpha=0.1,
        alpha=0.05,
    )
    result, events = _drain(network, knowledge, settings)
    layers = len(network.groups(groups))
    assert [entry["layer"] for entry in result.layers] == list(range(layers, 0, -1))
    assert all(min(entry["curve"]) < entry["curve"][0] for entry in result.layers)
    assert min(result.refine["curve"]["total"]) < result.refine["curve"]["total"][0]
    assert result.images.shape == (12, 1, 12, 12)
    assert 0 <= result.images.min() <= result.images.max() <= 1
    assert result.labels.tolist() == [0] * 6 + [1] * 6
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert any(event.images is not None and event.images.dtype == "uint8" for event in events)


@pytest.mark.parametrize(("groups", "refined"), [("whole", 0), ("layers", 4), ("layers", 0)])
def test_jitter_moves_what_the_network_sees_where_its_feature_is_aimed_at(groups: str, refined: int):
    network, knowledge = _network_and_knowledge(SMALL)
    settings = InvertConfig(
        selection="random", images_per_class=2, iterations_per_layer=3, full_iterations=refined, groups=groups
    )
    jittery = dataclasses.replace(settings, jitter=3)
    still, once, again = (_drain(network, knowledge, config)[0].images for config in (settings, jittery, jittery))
    assert torch.equal(once, again)
    assert torch.equal(once, still) == (groups == "layers" and not refined)  # there, a target is a map, in its place


def test_jitter_rolls_by_no_more_than_it_says_and_l_bfgs_refuses_it():
    images, draws = torch.zeros(2, 1, 9, 9), generator(3)
    images[:, :, 4, 4] = 1
    places = {tuple(roll(images, 2, draws)[0, 0].nonzero()[0].tolist()) for _ in range(300)}
    assert places == {(y, x) for y in range(2, 7) for x in range(2, 7)}
    before = draws.get_state()
    assert roll(images, 0, draws) is images
    assert torch.equal(draws.get_state(), before)
    with pytest.raises(ConfigError, match="L-BFGS cannot follow an image that jitters"):
        InvertConfig(optimiser="lbfgs", jitter=1)


def test_zero_iterations_return_the_start_and_iterations_can_be_given_layer_by_layer():
    network, knowledge = _network_and_knowledge(SMALL)
    none = InvertConfig(selection="random", images_per_class=2, iterations_per_layer=0, full_iterations=0)
    result, events = _drain(network, knowledge, none)
    assert events == []
    assert result.images.shape == (4, 1, 12, 12)
    each = InvertConfig(selection="random", images_per_class=2, layer_iterations=(4, 3, 2, 1), full_iterations=0)
    result, _ = _drain(network, knowledge, each)
    assert {entry["layer"]: len(entry["curve"]) for entry in result.layers} == {1: 4, 2: 3, 3: 2, 4: 1}
    with pytest.raises(ConfigError, match="has 2 numbers; this network has 4 layers"):
        _drain(network, knowledge, InvertConfig(selection="random", layer_iterations=(1, 2)))


@pytest.mark.parametrize("ending", ["done", "cancelled", "error"])
def test_hooks_modes_and_gradients_are_as_before_however_inversion_ends(ending: str):
    network, knowledge = _network_and_knowledge(SMALL)
    network.train()
    network.layers[0].eval()
    wanted = {name: p.requires_grad_(index % 2 == 0) for index, (name, p) in enumerate(network.named_parameters())}
    before = [m.training for m in network.modules()], {name: p.requires_grad for name, p in wanted.items()}
    if ending == "error":
        knowledge = dataclasses.replace(knowledge, norms=knowledge.norms[:1])
    steps = inversion.invert_classes(
        network, knowledge, InvertConfig(selection="random", images_per_class=2), NORMALISE, generator(0)
    )
    if ending == "cancelled":
        next(steps)
        steps.close()
    elif ending == "error":
        with pytest.raises(ValueError, match="one each is needed"):
            list(steps)
    else:
        _drain(
            network,
            knowledge,
            InvertConfig(selection="random", images_per_class=2, iterations_per_layer=1, full_iterations=1),
        )
    assert before == ([m.training for m in network.modules()], {n: p.requires_grad for n, p in wanted.items()})
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
    assert all(p.grad is None for p in network.parameters())


def test_a_diverging_loss_is_one_sentence_that_names_the_control():
    watch = DivergenceWatch("the refinement", "Step size, refinement")
    watch.check(1.0)
    for bad in (math.nan, math.inf, 101.0):
        with pytest.raises(Diverged, match="lower “Step size, refinement”"):
            watch.check(bad)
    network, knowledge = _network_and_knowledge(SMALL)
    hot = InvertConfig(
        selection="random", images_per_class=2, layer_lr=10.0, start="residual", layer_alpha=1000.0, alpha=1000.0
    )
    knowledge.norms[0].mean.add_(1e20)
    with pytest.raises(Diverged):
        _drain(network, knowledge, hot)


def test_channel_kls_sum_the_layers_and_their_gradients():
    draws = generator(0)
    xs = [torch.randn(4, c, s, s, generator=draws).requires_grad_() for c, s in ((3, 5), (2, 2), (1, 7))]
    known = [InputStatistics(torch.randn(c, generator=draws), torch.rand(c, generator=draws) + 0.5) for c in (3, 2, 1)]
    together = channel_kls(xs, known)
    apart = torch.stack([channel_kl(x, k.mean, k.variance) for x, k in zip(xs, known, strict=True)]).sum()
    torch.testing.assert_close(together, apart)
    for a, b in zip(torch.autograd.grad(together, xs), torch.autograd.grad(apart, xs), strict=True):
        torch.testing.assert_close(a, b)
