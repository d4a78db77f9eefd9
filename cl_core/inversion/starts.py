"""Where the input of a group of layers starts before it is optimised (METHOD.md §4, TRIALS.md §2)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cl_core.backbones import Backbone
from cl_core.inversion.objectives import InputStatistics


@dataclass(frozen=True)
class Place:
    """What a start may know of the input that is wanted."""

    target: Tensor  # what the group should give (n, …)
    known: InputStatistics  # the stored statistics of the input
    shape: tuple[int, ...]  # of the input, (n, c, h, w)
    example_inputs: (
        Tensor  # of the group, on real images of the current task (m, c, h, w); empty unless a decoder is asked
    )
    example_outputs: Tensor  # what the group makes of them (m, …)


Start = Callable[[Place, torch.Generator], Tensor]


def gaussian(place: Place, draws: torch.Generator) -> Tensor:
    """From the stored statistics, whatever the target: the paper's start."""
    return place.known.draw(place.shape, draws)


def soft(place: Place, draws: torch.Generator) -> Tensor:
    """The stored mean with weak noise whose amplitude falls as 1 / frequency: large soft forms (TRIALS.md §2b).

    The start for L-BFGS, which white noise sets on a bad course.
    """
    *_, h, w = place.shape
    spectrum = torch.fft.rfft2(torch.randn(place.shape, generator=draws))
    frequency = (torch.fft.fftfreq(h)[:, None] ** 2 + torch.fft.rfftfreq(w)[None, :] ** 2).sqrt()
    noise = torch.fft.irfft2(spectrum / frequency.clamp_min(1 / max(h, w)), s=(h, w))
    noise = (noise / noise.std()).to(place.known.mean.device)
    return place.known.centre(place.shape) + WEAKNESS * place.known.deviation(place.shape) * noise


def residual(place: Place, draws: torch.Generator) -> Tensor:
    """The target itself where it has the input's shape: a residual block is close to the identity. Else `gaussian`."""
    return place.target.clone() if tuple(place.target.shape) == place.shape else gaussian(place, draws)


def decoder(place: Place, draws: torch.Generator) -> Tensor:
    """Ridge regression of the group's input from its output, fitted on the current task's real activations.

    The learner may use those images; they are gone with the task. In the dual form, the fit costs m³ for m images,
    whatever the layers' sizes. What shrinkage takes away from the deviations is given back by GAIN.
    """
    x, y = place.example_outputs.flatten(1), place.example_inputs.flatten(1)
    mx, my = x.mean(0), y.mean(0)
    gram = (x - mx) @ (x - mx).T
    ridge = RIDGE * gram.diagonal().mean().clamp_min(1e-6) * torch.eye(len(x), device=x.device)
    weights = torch.linalg.solve(gram + ridge, y - my)  # (m, c·h·w)
    deviation = (place.target.flatten(1) - mx) @ (x - mx).T @ weights
    return (my + GAIN * deviation).view(place.shape)


RIDGE, GAIN = 0.03, 1.3
WEAKNESS = 0.2  # of soft noise, in deviations
EXAMPLES = 250  # images of the current task that a decoder is fitted on
STARTS: dict[str, Start] = {"gaussian": gaussian, "soft": soft, "residual": residual, "decoder": decoder}


def examples(backbone: Backbone, images: Tensor, groups: list[range]) -> list[tuple[Tensor, Tensor]]:
    """Input and output of each group of layers on normalised images (m, c, h, w)."""
    pairs, x = [], images
    with torch.no_grad():
        for group in groups:
            y = backbone.through(group, x)
            pairs.append((x, y))
            x = y
    return pairs
