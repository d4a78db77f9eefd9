"""Losses, variations and strategies: their formulas, and that networks are left as they should be."""

import contextlib
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cl_core import augment, losses, strategies
from cl_core.backbones import build
from cl_core.backbones.chain import evaluating, frozen
from cl_core.backbones.resnet import shares
from cl_core.config import ConfigError, NetworkConfig
from cl_core.seeding import generator
from cl_core.strategies.base import Strategy, register


def test_novelty_factors_are_the_papers():
    hold, move = losses.novelty_factors(new=2, old=8)
    assert (hold, move) == pytest.approx((1 * 2, (1 + 1) / 2))
    hold, move = losses.novelty_factors(new=20, old=20)
    assert hold == pytest.approx(math.log2(11))


def test_local_cross_entropy_ignores_old_logits_and_is_zero_for_one_new_class():
    logits, labels = torch.tensor([[9.0, 1.0, 2.0], [-9.0, 1.0, 2.0]]), torch.tensor([2, 2])
    expected = math.log(1 + math.exp(-1))
    assert losses.local_cross_entropy(logits, labels, first_new=1).item() == pytest.approx(expected, rel=1e-5)
    assert losses.local_cross_entropy(logits, labels, first_new=2).item() == 0


def test_hard_distillation_is_l1_over_the_old_columns():
    student, teacher = torch.tensor([[1.0, 2.0, 50.0]]), torch.tensor([[0.0, 4.0]])
    assert losses.hard_distillation(student, teacher).item() == pytest.approx(1.5)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_relational_distillation_sees_angles_only(seed: int, scale: float):
    features = torch.randn(12, 5, generator=generator(seed))
    turn, _ = torch.linalg.qr(torch.randn(5, 5, generator=generator(seed, "turn")))
    moved = scale * features @ turn + 3
    assert losses.relational_distillation(moved, features).item() == pytest.approx(0, abs=1e-4)
    assert losses.relational_distillation(features.roll(1, 0), features).item() > 1e-3
    assert losses.relational_distillation(features[:2], features[:2]).item() == 0


def test_shift_moves_whole_images_and_noise_keeps_their_mean():
    x = torch.arange(36.0).view(1, 1, 6, 6).repeat(200, 1, 1, 1)
    moved = augment.shift(x, 1, generator(0))
    inner = moved[:, 0, 2, 2]  # one of the nine neighbours of that pixel
    assert set(inner.tolist()) == {7.0, 8, 9, 13, 14, 15, 19, 20, 21}
    torch.testing.assert_close(moved[:, 0, 2, 3] - inner, torch.ones(200))
    noisy = augment.add_noise(torch.zeros(4000, 1, 2, 2), 1.0, generator(0))
    assert noisy.mean().abs() < 0.02
    assert noisy.var().item() == pytest.approx(1 / 3, rel=0.1)
    assert augment.shift(x, 0, generator(0)) is x
    assert augment.add_noise(x, 0.0, generator(0)) is x


def test_a_taken_strategy_name_raises_and_an_unknown_one_lists_the_known():
    with pytest.raises(ValueError, match="exists already"):
        register(type("Copy", (Strategy,), {"name": "finetune", "description": ""}))
    with pytest.raises(ConfigError, match=r"allowed are .*finetune"):
        strategies.get("nonsense")
    assert all(strategies.describe(name).endswith(".") for name in strategies.names())


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(2, 4))
def test_a_grid_by_matrices_is_the_pooling(height: int, width: int, side: int):
    x = torch.randn(2, 3, height, width, generator=generator(0))
    rows, columns = (shares(size, side, x.device, x.dtype) for size in (height, width))
    torch.testing.assert_close(rows @ x @ columns.T, torch.nn.functional.adaptive_avg_pool2d(x, side))


@pytest.mark.parametrize("config", [NetworkConfig(width=8, blocks=b, pool=p, stem_stride=s, activation=a)
                                    for b, p, s, a in [(1, 1, 1, "relu"), (2, 3, 2, "silu")]])  # fmt: skip
def test_the_chain_composes_to_the_feature_and_a_larger_head_keeps_its_rows(config: NetworkConfig):
    network = build(config, (3, 16, 16), 2, generator(0)).eval()
    x = torch.randn(4, 3, 16, 16, generator=generator(1))
    step = x
    for layer, shape in zip(network.layers, network.layer_input_shapes(), strict=True):
        assert step.shape[1:] == shape
        step = layer(step)
    torch.testing.assert_close(step, network.features(x))
    assert step.shape == (4, network.feature_size) == (4, 32 * config.pool**2)
    assert sorted(i for stage in network.stages for i in stage) == list(range(len(network.layers)))
    before = network(x)
    network.set_head(5, generator(2))
    torch.testing.assert_close(network(x)[:, :2], before)


def test_modes_are_restored_after_an_error():
    network = build(NetworkConfig(width=8, blocks=1), (1, 8, 8), 2, generator(0)).train()
    network.layers[1].eval()
    modes = [m.training for m in network.modules()]
    for guard in (evaluating, frozen):
        with contextlib.suppress(RuntimeError), guard(network):
            assert not network.training
            raise RuntimeError
        assert modes == [m.training for m in network.modules()]
        assert all(p.requires_grad for p in network.parameters())
