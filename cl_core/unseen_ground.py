"""What old classes are made of, for whoever takes a class to be new among them: features, labels, what is kept.

Letters: n images, d feature size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cl_core import unseen
from cl_core.backbones.clip import Clip
from cl_core.datasets.emoji import Drawings
from cl_core.pretraining import evaluation
from cl_core.unseen import KnownClasses

Labelled = tuple[np.ndarray, np.ndarray]  # uint8 images (n, 3, h, w), and the places of their classes (n,)


@dataclass(frozen=True)
class Ground:
    """known: the classes, from images to learn from; their features and labels (n, d), (n,); those of other images."""

    known: KnownClasses
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def ground(
    clip: Clip, names: Sequence[str], prompts: Sequence[Sequence[str]], train: Labelled, test: Labelled
) -> Ground:
    """The classes of those names and prompts, as the original CLIP sees their images. Raises ConfigError."""
    with torch.no_grad():
        prototypes = clip.prototypes(prompts)
    learned, other = ((evaluation.features(clip, images), torch.tensor(labels)) for images, labels in (train, test))
    known = unseen.know(*learned, names, prototypes, float(clip.scale.detach()))
    return Ground(known, learned, other)


def by_style(drawings: Drawings, concepts: Sequence[int]) -> tuple[Labelled, Labelled]:
    """Drawings of some concepts, labelled by their places among these: in the styles that the small CLIP has met, and

    in the one that it was kept from.
    """
    place = np.full(len(drawings.concepts), -1)
    place[list(concepts)] = np.arange(len(concepts))
    labels = place[drawings.concept]
    parts = [np.flatnonzero((labels >= 0) & (drawings.of_withheld_style == kept)) for kept in (False, True)]
    first, second = ((drawings.images[rows], labels[rows]) for rows in parts)
    return first, second
