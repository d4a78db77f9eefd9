"""How well a CLIP names what it was not shown, beside the nearest neighbour in pixels.

Every picture counts once; intervals resample concepts, since the pictures of one concept are alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cl_core.backbones.clip import Clip
from cl_core.datasets import Split
from cl_core.datasets.emoji import Drawings
from cl_core.pretraining import captions
from cl_core.pretraining.ground import on_white

RESAMPLES = 2000
BATCH = 512  # pictures at once


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One set of pictures: groups named by CLIP and by the nearest neighbour, and concepts named by CLIP."""

    pictures: int
    concepts: int
    clip: Interval
    neighbour: Interval
    difference: Interval
    first: float  # concept accuracy
    first_five: float
    candidates: int  # concepts to choose from


def bootstrap(values: np.ndarray, concept: np.ndarray, seed: int = 0) -> Interval:
    """The mean of values (n,) and its interval when concepts are drawn again with replacement."""
    ids, where = np.unique(concept, return_inverse=True)
    sums, counts = np.bincount(where, values), np.bincount(where)
    drawn = np.random.default_rng(seed).integers(len(ids), size=(RESAMPLES, len(ids)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def features(clip: Clip, images: np.ndarray) -> Tensor:
    """Normalised features (n, d) of uint8 pictures (n, 3, h, w)."""
    with torch.no_grad():
        return torch.cat([clip.encode_image(torch.tensor(part).float() / 255) for part in _parts(images)])


def compare(clip: Clip, drawings: Drawings, rows: np.ndarray, shown: Drawings, candidates: Sequence[int]) -> Comparison:
    """Name the groups and the concepts of some drawings.

    rows: which of `drawings`; shown: the drawings of pretraining (those of them that are not withheld) are the
    neighbours; candidates: the concepts to choose from, all of whose words CLIP has read.
    """
    images, concept, group = drawings.images[rows], drawings.concept[rows], drawings.group[rows]
    seen = features(clip, images)
    with torch.no_grad():
        groups = clip.prototypes(captions.prompts_of_groups(drawings.groups))
        names = clip.prototypes([captions.prompts_of_concept(drawings.concepts[c]) for c in candidates])
    right = (seen @ groups.T).argmax(1).numpy() == group
    learned = np.flatnonzero(~shown.withheld)
    nearest = nearest_neighbours(images, shown.images[learned])
    beside = shown.group[learned][nearest] == group
    asked = np.isin(concept, candidates)
    best = np.array(candidates)[(seen[torch.from_numpy(asked)] @ names.T).topk(5, dim=1).indices.numpy()]  # (n, 5)
    hits = best == concept[asked, None]
    return Comparison(
        len(rows),
        len(np.unique(concept)),
        bootstrap(right.astype(float), concept),
        bootstrap(beside.astype(float), concept),
        bootstrap(right.astype(float) - beside, concept),
        float(hits[:, 0].mean()),
        float(hits.any(1).mean()),
        len(candidates),
    )


def nearest_neighbours(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each uint8 picture the index of the nearest of the others, by squared distance of pixels."""
    to = torch.tensor(others).flatten(1).float() / 255
    found = []
    for part in _parts(images):
        x = torch.tensor(part).flatten(1).float() / 255
        found.append(((to**2).sum(1) - 2 * x @ to.T).argmin(1))
    return torch.cat(found).numpy()


def readable(clip: Clip, drawings: Drawings, withheld: bool) -> list[int]:
    """The concepts, withheld or not, in whose name is no word that CLIP has never read."""
    concepts = enumerate(drawings.concepts)
    return [i for i, c in concepts if c.withheld == withheld and not clip.unread_words(c.name)]


def name_clothes(clip: Clip, split: Split, labels: Sequence[int]) -> float:
    """The share of Fashion-MNIST's images of some classes that their prompts name rightly among those classes."""
    rows = np.flatnonzero(np.isin(split.labels, labels))
    seen = features(clip, on_white(split.images[rows]))
    with torch.no_grad():
        texts = clip.prototypes(captions.prompts_of_clothes(labels))
    return float((np.array(labels)[(seen @ texts.T).argmax(1).numpy()] == split.labels[rows]).mean())


def _parts(images: np.ndarray) -> list[np.ndarray]:
    return [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
