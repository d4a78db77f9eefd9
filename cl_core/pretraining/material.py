"""What the small CLIP learns from: pictures by concept, and captions as tokens. Nothing withheld is in it.

Concepts here are the emoji that are not withheld, then the classes of Fashion-MNIST that are not.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from cl_core import datasets
from cl_core.backbones.architectures import tokenize
from cl_core.datasets import emoji
from cl_core.pretraining import captions
from cl_core.pretraining.ground import on_white

BATCH = 256  # pictures
CLOTHES_SHARE = 0.12  # of a batch
PICTURES = 2  # of an emoji concept in a batch, in two styles


@dataclass(frozen=True)
class Material:
    """Pictures and captions; token numbers are ranks among the token ids that occur (token_ids)."""

    images: Tensor  # uint8 (n, 3, h, w)
    rows_of: list[np.ndarray]  # of each concept, where its pictures are
    group_of: Tensor  # int64 (concepts,)
    emoji_concepts: int  # the first ones
    captions: Tensor  # int64 (concepts, CAPTIONS, context)
    group_captions: Tensor  # int64 (groups, templates, context)
    token_ids: Tensor  # int64 (rows,), ascending

    @property
    def concepts(self) -> int:
        return len(self.group_of)


@dataclass(frozen=True)
class Batch:
    """One step's pictures and one caption for each of their concepts."""

    images: Tensor  # float (n, 3, h, w) in [0, 1]
    concept: Tensor  # int64 (n,), indices into `concepts`
    concepts: Tensor  # int64 (m,)
    captions: Tensor  # int64 (m, context)
    group_captions: Tensor  # int64 (groups, context)


def load(seed: int) -> Material:
    """Everything that is not withheld. Raises DataError when the bundled data cannot be read."""
    drawings, clothes = emoji.read(), datasets.load("fashion-mnist")
    kept = [i for i, concept in enumerate(drawings.concepts) if not concept.withheld]
    number = {concept: i for i, concept in enumerate(kept)}
    shown = np.flatnonzero(~drawings.withheld)
    labels = [i for i in range(len(clothes.class_names)) if i not in captions.CLOTHES_WITHHELD]
    number_of = {label: len(kept) + i for i, label in enumerate(labels)}
    train = clothes.split("train")
    worn = np.flatnonzero(np.isin(train.labels, labels))
    images = np.concatenate([drawings.images[shown], on_white(train.images[worn])])
    concept = np.array([*(number[c] for c in drawings.concept[shown]), *(number_of[c] for c in train.labels[worn])])
    groups = [drawings.concepts[i].group for i in kept]
    groups += [drawings.groups.index(captions.CLOTHES_GROUP)] * len(labels)
    draws = np.random.default_rng(seed)
    said = [captions.of_concept(drawings.concepts[i], draws) for i in kept]
    said += [captions.of_clothes(label) for label in labels]
    tokens = tokenize([caption for of in said for caption in of])
    group_tokens = tokenize([caption for of in captions.prompts_of_groups(drawings.groups) for caption in of])
    ids = torch.cat([tokens.flatten(), group_tokens.flatten()]).unique()
    return Material(
        torch.from_numpy(images),
        [np.flatnonzero(concept == i) for i in range(len(groups))],
        torch.tensor(groups),
        len(kept),
        torch.searchsorted(ids, tokens).view(len(said), captions.CAPTIONS, -1),
        torch.searchsorted(ids, group_tokens).view(len(drawings.groups), len(captions.GROUP_TEMPLATES), -1),
        ids,
    )


def draw(material: Material, generator: Generator) -> Batch:
    """A batch: PICTURES drawings of each of some emoji concepts, as many clothes of each class, one caption each."""
    clothes = material.concepts - material.emoji_concepts
    each = round(BATCH * CLOTHES_SHARE / clothes)
    m = (BATCH - each * clothes) // PICTURES
    chosen = torch.randperm(material.emoji_concepts, generator=generator)[:m]
    rows = []
    for c in chosen.tolist():
        own = material.rows_of[c]
        rows += own[torch.randperm(len(own), generator=generator)[:PICTURES].numpy()].tolist()
    for c in range(material.emoji_concepts, material.concepts):
        own = material.rows_of[c]
        rows += own[torch.randint(len(own), (each,), generator=generator).numpy()].tolist()
    concepts = torch.cat([chosen, torch.arange(material.emoji_concepts, material.concepts)])
    which = torch.randint(material.captions.shape[1], (len(concepts),), generator=generator)
    groups, templates = material.group_captions.shape[:2]
    as_said = torch.randint(templates, (groups,), generator=generator)
    return Batch(
        material.images[torch.tensor(rows)].float() / 255,
        torch.cat(
            [torch.arange(m).repeat_interleave(PICTURES), torch.arange(m, len(concepts)).repeat_interleave(each)]
        ),
        concepts,
        material.captions[concepts, which],
        material.group_captions[torch.arange(groups), as_said],
    )
