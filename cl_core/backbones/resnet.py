"""A residual network in the CIFAR style (He et al. 2016, §4.2) as a chain: stem, then one layer a residual block.

Three stages of `blocks` blocks with width, 2·width and 4·width channels; the last layer includes the pooling, so that
its output is the penultimate feature (METHOD.md §3). blocks = 3 is ResNet-20, 5 is ResNet-32.
"""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cl_core.backbones.chain import Backbone
from cl_core.config import NetworkConfig

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU}


class Stem(nn.Module):
    """The first convolution: (n, c, h, w) → (n, width, h/stride, w/stride)."""

    def __init__(self, channels: int, width: int, stride: int, activation: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.conv(x)))


class Block(nn.Module):
    """A basic residual block; where the shape changes, the shortcut is a strided 1×1 convolution with BatchNorm."""

    def __init__(self, channels: int, width: int, stride: int, activation: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.act = ACTIVATIONS[activation]()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.norm1(self.conv1(x)))
        return self.act(self.norm2(self.conv2(y)) + self.shortcut(x))


class Grid(nn.Module):
    """The means over a grid: (n, c, h, w) → (n, c, side, side), as of AdaptiveAvgPool2d.

    On CUDA by products of matrices: the gradient of the other is summed in another order each time there.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        if self.side == 1 or not x.is_cuda:
            return F.adaptive_avg_pool2d(x, self.side)
        rows, columns = (shares(size, self.side, x.device, x.dtype) for size in x.shape[2:])
        return rows @ x @ columns.T


@functools.cache
def shares(size: int, side: int, device: torch.device, kind: torch.dtype) -> Tensor:
    """What `size` places in a row have of each of the `side` means that AdaptiveAvgPool makes of them: (side, size)."""
    part = torch.zeros(side, size)
    for i in range(side):
        part[i, i * size // side : -(-(i + 1) * size // side)] = 1
    return (part / part.sum(1, keepdim=True)).to(device, kind)


class ResNet(Backbone):
    """The chain of a NetworkConfig."""

    def __init__(
        self, config: NetworkConfig, input_shape: tuple[int, int, int], classes: int, generator: torch.Generator
    ) -> None:
        widths = [config.width * factor for factor in (1, 2, 4)]
        layers: list[nn.Module] = [Stem(input_shape[0], widths[0], config.stem_stride, config.activation)]
        channels = widths[0]
        for stage, width in enumerate(widths):
            for block in range(config.blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(Block(channels, width, stride, config.activation))
                channels = width
        layers[-1] = nn.Sequential(layers[-1], Grid(config.pool), nn.Flatten())
        names = ["stem", *(f"block {i}" for i in range(1, len(layers)))]
        n = config.blocks
        stages = [range(0, 1 + n), range(1 + n, 1 + 2 * n), range(1 + 2 * n, 1 + 3 * n)]
        super().__init__(layers, names, stages, input_shape)
        self.pool = config.pool
        _initialise(self, generator)
        self.set_head(classes, generator)


def _initialise(network: nn.Module, generator: torch.Generator) -> None:
    """He-normal convolutions (fan out), drawn from `generator`; norms start as the identity."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * math.prod(module.kernel_size)
            with torch.no_grad():
                module.weight.normal_(0, math.sqrt(2 / fan_out), generator=generator)
