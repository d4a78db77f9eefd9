"""Pictures of a class that has never been shown: its projected features, inverted through CLIP's image tower.

The inversion is that of an experiment (METHOD.md §4, §5, §8), with the old classes' images for its statistics.
"""

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cl_core import unseen
from cl_core.backbones.clip import Clip
from cl_core.backbones.clip_chain import ClipChain
from cl_core.config import InvertConfig, UnseenConfig
from cl_core.events import Event
from cl_core.newcomer import World, accuracy
from cl_core.seeding import generator
from cl_core.unseen import Accuracy, Projection
from cl_core.unseen_images import pseudo_images

DREAMT = 0.8  # share of the work that is inversion, for the progress that is told


@dataclass(frozen=True)
class Dream:
    """images: uint8 (n, 3, h, w); cosine: of their features' mean to the true one, None without real features;

    learned: accuracy of what has learned from their features in the place of the projected ones.
    """

    images: np.ndarray
    cosine: float | None
    learned: Accuracy


def dream(
    clip: Clip, world: World, new: Projection, config: InvertConfig, adapting: UnseenConfig, seed: int
) -> Generator[Event, None, Dream]:
    """config.images_per_class pictures of the new class, and learning from them. Raises ConfigError, Diverged."""
    chain = ClipChain(clip)
    targets = new.features[: config.images_per_class]
    config = dataclasses.replace(config, images_per_class=len(targets))
    images = yield from _inverted(chain, world, targets, config, seed)
    with torch.no_grad():
        seen = clip.encode_image(images)
    adapted = yield from _scaled(unseen.adapt(world.old, [dataclasses.replace(new, features=seen)], adapting, seed))
    cosine = None
    if len(world.truth):
        cosine = float(F.cosine_similarity(seen.mean(0), world.truth.mean(0), dim=0))
    shown = (images.clamp(0, 1) * 255).round().byte().numpy()
    return Dream(shown, cosine, accuracy(world, adapted))


def _inverted(
    chain: ClipChain, world: World, targets: Tensor, config: InvertConfig, seed: int
) -> Generator[Event, None, Tensor]:
    """Images (n, 3, h, w) in [0, 1] of target features (n, d)."""
    examples = torch.tensor(world.examples).float() / 255
    steps = pseudo_images(chain, examples, targets, config, generator(seed, "dream", world.name))
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            return end.value
        yield dataclasses.replace(event, fraction=DREAMT * event.fraction)


def _scaled(steps: Generator[Event, None, unseen.Adapted]) -> Generator[Event, None, unseen.Adapted]:
    """The events of adapting, in what is left of the whole."""
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            return end.value
        yield dataclasses.replace(event, fraction=DREAMT + (1 - DREAMT) * event.fraction)
