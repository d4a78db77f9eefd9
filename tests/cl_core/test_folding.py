"""The folded copy that an inversion works on computes what the network computes."""

import pytest
import torch

from cl_core.backbones import Backbone, build
from cl_core.backbones.folding import FoldedNorm, folded
from cl_core.config import NetworkConfig
from cl_core.inversion.objectives import ChannelKLs, InputStatistics
from cl_core.seeding import generator
from cl_core.statistics import watching


def _trained(config: NetworkConfig) -> Backbone:
    """A network whose BatchNorms have something to do."""
    network, draws = build(config, (3, 12, 12), 4, generator(0)).eval(), generator(1)
    for norm in network.norms:
        for values, least in ((norm.running_var, 0.3), (norm.weight.data, 0.2)):
            values.copy_(torch.rand(values.shape, generator=draws) + least)
        norm.weight.data[0] *= -1
        for values in (norm.running_mean, norm.bias.data):
            values.copy_(torch.randn(values.shape, generator=draws))
    return network


@pytest.mark.parametrize(
    "config", [NetworkConfig(width=8, blocks=1, pool=3, activation="silu"), NetworkConfig(width=8)]
)
def test_a_folded_network_gives_the_same_features_statistics_and_gradients(config: NetworkConfig):
    network = _trained(config)
    quick = folded(network)
    assert all(isinstance(norm, FoldedNorm) for norm in quick.norms)
    draws, found = generator(2), []
    x = torch.randn(6, 3, 12, 12, generator=draws).requires_grad_()
    sizes = [norm.num_features for norm in network.norms]
    known = [InputStatistics(torch.randn(c, generator=draws), torch.rand(c, generator=draws) + 0.5) for c in sizes]
    for chain in (network, quick):
        with watching(chain.norms) as seen:
            features = chain.features(x)
        kls = ChannelKLs(known, chain.norms)(seen)
        (grad,) = torch.autograd.grad(features.square().mean() + kls.sum(), x)
        found.append((features.detach(), kls.detach(), grad))
    for exact, other in zip(*found, strict=True):
        torch.testing.assert_close(other, exact, rtol=1e-4, atol=1e-4 * float(exact.abs().max()))


def test_folding_leaves_the_network_as_it_is_and_keeps_a_norm_that_has_switched_a_channel_off():
    network = _trained(NetworkConfig(width=8, blocks=1)).train()
    with torch.no_grad():
        network.norms[1].weight[3] = 0
    before = {name: value.clone() for name, value in network.state_dict().items()}
    quick = folded(network)
    assert [isinstance(norm, FoldedNorm) for norm in quick.norms] == [i != 1 for i in range(len(network.norms))]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training
    assert all(p.requires_grad for p in network.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for net in (network, quick) for m in net.modules())
