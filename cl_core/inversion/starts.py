"""Where the input of a group of layers starts before it is optimised (METHOD.md §4, TRIALS.md §2)."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cl_core.backbones import Backbone
from cl_core.inversion.objectives import InputStatistics
from cl_core.seeding import generator


@dataclass(frozen=True, eq=False)
class Examples:
    """What a group of layers met and made on real images: inputs (m, c, h, w), outputs (m, …)."""

    inputs: Tensor
    outputs: Tensor

    @functools.cached_property
    def ridge(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Ridge regression of input from output, in the dual form: it costs m³, whatever the layers' sizes.

        Mean output (d,), mean input (c·h·w,), centred outputs (m, d) and weights (m, c·h·w).
        """
        x, y = self.outputs.flatten(1), self.inputs.flatten(1)
        mx, my = x.mean(0), y.mean(0)
        gram = (x - mx) @ (x - mx).T
        ridge = RIDGE * gram.diagonal().mean().clamp_min(1e-6) * torch.eye(len(x), device=x.device)
        return mx, my, x - mx, torch.linalg.solve(gram + ridge, y - my)


@dataclass(frozen=True)
class Place:
    """What a start may know of the input that is wanted."""

    target: Tensor  # what the group should give (n, …)
    known: InputStatistics  # the stored statistics of the input
    shape: tuple[int, ...]  # of the input, (n, c, h, w)
    examples: Examples | None  # on real images of the current task; None unless a decoder is asked


Start = Callable[[Place, torch.Generator], Tensor]


def gaussian(place: Place, draws: torch.Generator) -> Tensor:
    """From the stored statistics, whatever the target: the paper's start."""
    return place.known.draw(place.shape, draws)


def soft(place: Place, draws: torch.Generator) -> Tensor:
    """The stored mean with weak noise whose amplitude falls as 1 / frequency: large soft forms (TRIALS.md §2b).

    The start for L-BFGS, which white noise sets on a bad course.
    """
    if len(place.shape) == 3:  # tokens have no frequencies
        noise = torch.randn(place.shape, generator=draws).to(place.known.mean.device)
        return place.known.centre(place.shape) + WEAKNESS * place.known.deviation(place.shape) * noise
    *_, h, w = place.shape
    spectrum = torch.fft.rfft2(torch.randn(place.shape, generator=draws))
    frequency = (torch.fft.fftfreq(h)[:, None] ** 2 + torch.fft.rfftfreq(w)[None, :] ** 2).sqrt()
    noise = torch.fft.irfft2(spectrum / frequency.clamp_min(1 / max(h, w)), s=(h, w))
    noise = (noise / noise.std()).to(place.known.mean.device)
    return place.known.centre(place.shape) + WEAKNESS * place.known.deviation(place.shape) * noise


def residual(place: Place, draws: torch.Generator) -> Tensor:
    """The target itself where it has the input's shape: a residual block is close to the identity. Else `gaussian`."""
    return _unchanged(place) if tuple(place.target.shape) == place.shape else gaussian(place, draws)


def _unchanged(place: Place) -> Tensor:
    """The target; of tokens, what never varies is as it always is: a class token has met no image before block 1."""
    x = place.target.clone()
    if x.dim() == 3:
        still = place.known.deviation(place.shape) < STILL
        x = torch.where(still, place.known.centre(place.shape), x)
    return x


def decoder(place: Place, draws: torch.Generator) -> Tensor:
    """Ridge regression of the group's input from its output, fitted on the current task's real activations.

    The learner may use those images; they are gone with the task. What shrinkage takes away from the deviations is
    given back by GAIN.
    """
    assert place.examples is not None
    mx, my, outputs, weights = place.examples.ridge
    deviation = (place.target.flatten(1) - mx) @ outputs.T @ weights
    return (my + GAIN * deviation).view(place.shape)


def shortcut(place: Place, draws: torch.Generator) -> Tensor:
    """The target itself where it has the input's shape, else `decoder`."""
    return _unchanged(place) if tuple(place.target.shape) == place.shape else decoder(place, draws)


RIDGE, GAIN = 0.03, 1.3
WEAKNESS = 0.2  # of soft noise, in deviations
STILL = 0.01  # deviation of a channel of tokens that never varies
EXAMPLES = 250  # images of the current task that a decoder is fitted on
STARTS: dict[str, Start] = {
    "gaussian": gaussian,
    "soft": soft,
    "residual": residual,
    "decoder": decoder,
    "residual or decoder": shortcut,
}
DECODING = frozenset({"decoder", "residual or decoder"})  # these are fitted on images of the current task


def examples(backbone: Backbone, images: Tensor, groups: list[range]) -> list[Examples]:
    """Input and output of each group of layers on normalised images (m, c, h, w)."""
    pairs, x = [], images
    with torch.no_grad():
        for group in groups:
            y = backbone.through(group, x)
            pairs.append(Examples(x, y))
            x = y
    return pairs


class GroupStarts:
    """The starts of the inputs of all the groups of layers of a network.

    kind: a name in STARTS; inputs: what is known of each layer's input; images: normalised ones, for a decoder;
    decodes: the first group is not inverted, and its start is always decoded, for looking at.
    """

    def __init__(
        self,
        kind: str,
        backbone: Backbone,
        groups: list[range],
        inputs: Sequence[InputStatistics],
        images: Tensor,
        decodes: bool = False,
    ) -> None:
        shapes = backbone.layer_input_shapes()
        self.shapes = [shapes[group[0]] for group in groups]
        self.starts = [decoder if decodes and group[0] == 0 else STARTS[kind] for group in groups]
        self.known = [inputs[group[0]] for group in groups]
        self.examples: Sequence[Examples | None] = (
            examples(backbone, images, groups) if len(images) else [None] * len(groups)
        )

    def draw(self, index: int, target: Tensor, draws: torch.Generator) -> Tensor:
        """The start (n, c, h, w) of the input of group `index`, which should make `target` (n, …)."""
        return self._draw(index, target, self.known[index], draws)

    def of_first_classes(self, index: int, target: Tensor, classes: int) -> Tensor:
        """The same for the first so many classes only, from draws that are the same each time: for looking at."""
        return self._draw(index, target, self.known[index].first(classes), generator(0, "look", index))

    def _draw(self, index: int, target: Tensor, known: InputStatistics, draws: torch.Generator) -> Tensor:
        return self.starts[index](Place(target, known, (len(target), *self.shapes[index]), self.examples[index]), draws)
