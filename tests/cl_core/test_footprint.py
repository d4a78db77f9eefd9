"""What a network holds, counted from its configuration, beside what the network itself says."""

import pytest
import torch
from torch import nn

from cl_core import backbones, footprint, presets
from cl_core.backbones.clip_chain import ClipChain
from cl_core.backbones.clip_weights import build
from cl_core.config import NetworkConfig
from cl_core.seeding import generator

SHAPE = (3, 32, 32)
RESNETS = {
    "paper": NetworkConfig(),
    "demo": presets.preset("demo").network,
    "wide": NetworkConfig(blocks=2, width=48),
}


def kept(network: nn.Module, images: torch.Tensor) -> float:
    """Floats of one image that a pass keeps for the way back, weights left out."""
    own = {p.untyped_storage().data_ptr() for p in network.parameters()}
    sizes: dict[int, int] = {}

    def pack(x: torch.Tensor) -> torch.Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        passed = network.features(images)
    assert passed.requires_grad
    return sum(sizes.values()) / 4 / len(images)


@pytest.mark.parametrize("name", RESNETS)
def test_a_resnet_s_weights_and_maps_are_counted(name: str):
    network = backbones.build(RESNETS[name], SHAPE, 2, generator(0, "network")).train()
    found = footprint.of(RESNETS[name], SHAPE)
    weights = sum(p.numel() for p in network.layers.parameters())
    assert found.weights == pytest.approx(weights, rel=0.05)
    assert 0.75 < found.kept / kept(network, torch.rand(4, *SHAPE)) < 1.35
    assert found.features == network.feature_size


def test_a_clip_s_weights_and_tokens_are_counted():
    clip = build(seed=0)
    found = footprint.of(NetworkConfig(backbone="clip"), SHAPE)
    weights = sum(p.numel() for p in clip.parameters())
    assert found.weights == pytest.approx(weights, rel=0.05)
    chain = ClipChain(clip).requires_grad_(False)
    images = torch.rand(4, *chain.input_shape, requires_grad=True)
    assert 0.75 < found.kept / kept(chain, images) < 1.35
    assert found.features == clip.model.visual.output_dim
    assert found.fixed


def test_the_larger_a_network_the_fewer_images_pass_at_once():
    of = {name: NetworkConfig(backbone="clip", clip=name) for name in ("small-clip", "ViT-B-32", "ViT-L-14")}
    few = {name: footprint.of(config, (3, 224, 224)) for name, config in of.items()}
    assert few["small-clip"].at_once == footprint.AT_ONCE
    for name in ("ViT-B-32", "ViT-L-14"):
        assert 1 < few[name].at_once < footprint.AT_ONCE
        assert few[name].at_once * few[name].under_way <= footprint.FLOATS_AT_ONCE
    wide = backbones.build(NetworkConfig(width=64, stem_stride=1), (3, 96, 96), 2, generator(0, "network"))
    assert wide.at_once == footprint.of(NetworkConfig(width=64, stem_stride=1), (3, 96, 96)).at_once < 50
