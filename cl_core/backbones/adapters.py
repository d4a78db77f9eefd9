"""Small adapters in the transformer blocks of a CLIP, all that learning changes (METHOD.md §8; Houlsby et al. 2019)."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from cl_core.backbones.clip import ADAPTER, Clip
from cl_core.config import ConfigError

DEVIATION = 0.02  # of the first map's start


class Adapter(nn.Module):
    """x + up(gelu(down(x))): tokens (…, w) → (…, w) through `size` numbers. The identity until it has learned."""

    def __init__(self, width: int, size: int, generator: Generator) -> None:
        super().__init__()
        # Without nn.Linear's own start, which would draw from the global random state.
        self.down = nn.utils.skip_init(nn.Linear, width, size)
        self.up = nn.utils.skip_init(nn.Linear, size, width)
        with torch.no_grad():
            self.down.weight.normal_(0, DEVIATION, generator=generator)
            for zero in (self.down.bias, self.up.weight, self.up.bias):
                zero.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(F.gelu(self.down(x)))


def add_adapters(clip: Clip, size: int, generator: Generator) -> list[Adapter]:
    """Put an adapter behind the MLP of every block of both towers, and freeze everything else; returns the adapters.

    They become part of the model's state dict (…mlp.adapter.…), and of every chain of its layers.
    """
    clip.requires_grad_(False)
    adapters = []
    for block in _blocks(clip):
        adapter = Adapter(block.ln_2.weight.shape[0], size, generator).to(clip.mean.device)
        block.mlp.add_module("adapter", adapter)
        adapters.append(adapter)
    return adapters


def adapter_state(clip: Clip) -> dict[str, Tensor]:
    """The adapters' parameters by name: what a snapshot has to keep of the model."""
    return {name: p.detach().cpu().clone() for name, p in clip.named_parameters() if ADAPTER in name}


def load_adapters(clip: Clip, state: Mapping[str, Tensor]) -> None:
    """The inverse of `adapter_state`. Raises ConfigError when the adapters are of another size or number."""
    adapters = {name: p for name, p in clip.named_parameters() if ADAPTER in name}
    if {name: p.shape for name, p in adapters.items()} != {name: p.shape for name, p in state.items()}:
        raise ConfigError("The adapters that are kept with this step are of another size than those of its settings.")
    with torch.no_grad():
        for name, parameter in adapters.items():
            parameter.copy_(state[name])


def _blocks(clip: Clip) -> Iterator[Any]:
    model = clip.model
    yield from model.visual.transformer.resblocks
    yield from (model.text if hasattr(model, "text") else model).transformer.resblocks
