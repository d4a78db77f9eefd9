"""A copy of a frozen network that computes the same with less work, for the length of an inversion."""

import copy

import torch
from torch import Tensor, nn

from cl_core.backbones.chain import Backbone, evaluating

FAINT = 1e-3  # of a norm's largest scale


class FoldedNorm(nn.BatchNorm2d):
    """Stands where a BatchNorm was that the convolution before it has taken over: its input is y = scale · x + shift,

    with x what the BatchNorm would have received.
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__(norm.num_features, affine=False, track_running_stats=False)
        self.scale, self.shift = _affine(norm)

    def forward(self, input: Tensor) -> Tensor:
        return input


def folded(backbone: Backbone) -> Backbone:
    """A frozen copy of `backbone` for evaluation whose convolutions do the work of the BatchNorms that follow them.

    Its images and weights lie with the channels last, which convolutions on a processor are quickest with. A BatchNorm
    stays where it is when one of its channels is all but switched off, as what is seen of that channel behind it would
    drown in rounding. A network without BatchNorm is returned itself.
    """
    if not backbone.norms:
        return backbone
    quick = copy.deepcopy(backbone).eval().requires_grad_(False)
    names = {module: name for name, module in quick.named_modules()}
    for conv, norm in _pairs(quick):
        scale, shift = _affine(norm)
        if float(scale.abs().min()) >= FAINT * float(scale.abs().max()):
            conv.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
            conv.bias = nn.Parameter(shift if conv.bias is None else shift + scale * conv.bias)
            quick.set_submodule(names[norm], FoldedNorm(norm).eval())
    quick.requires_grad_(False)
    return quick.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift (c,) of a BatchNorm in evaluation mode."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("This BatchNorm layer keeps no running statistics.")
    scale = norm.weight.detach() * (norm.running_var + norm.eps).rsqrt()
    return scale, norm.bias.detach() - scale * norm.running_mean


def _pairs(backbone: Backbone) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """The convolutions whose output a BatchNorm receives as it is (and nothing else does, in a chain of layers)."""
    made: list[tuple[Tensor, nn.Conv2d]] = []
    found: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def convolved(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        made.append((output, module))  # type: ignore[arg-type]

    def received(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found.extend((conv, module) for output, conv in made if output is inputs[0])  # type: ignore[misc]

    handles = [norm.register_forward_pre_hook(received) for norm in backbone.norms]
    handles += [m.register_forward_hook(convolved) for m in backbone.modules() if isinstance(m, nn.Conv2d)]
    try:
        with torch.no_grad(), evaluating(backbone):
            backbone.features(torch.zeros(1, *backbone.input_shape, device=backbone.head.weight.device))
    finally:
        for handle in handles:
            handle.remove()
    return found
