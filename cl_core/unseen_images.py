"""A class never shown, at the level of images: its projected features inverted, and adapters that learn from that.

METHOD.md §8: pseudo-images of the new class with replayed ones of the old classes, both towers frozen but for the
adapters in their blocks. Nothing here sees a real image, but for the statistics of the layers' inputs.
"""

import copy
import dataclasses
from collections.abc import Generator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cl_core.backbones.adapters import add_adapters
from cl_core.backbones.clip import Clip
from cl_core.backbones.clip_chain import ClipChain
from cl_core.config import InvertConfig, UnseenConfig
from cl_core.divergence import DivergenceWatch
from cl_core.events import Event
from cl_core.inversion import Knowledge, invert_targets
from cl_core.inversion.objectives import InputStatistics
from cl_core.seeding import generator
from cl_core.statistics import ClassGaussians, measure_moments
from cl_core.unseen import Adapted

OLD_BATCH, NEW_BATCH = 96, 32  # pseudo-images of a step


def pseudo_images(
    chain: ClipChain, examples: Tensor, features: Tensor, config: InvertConfig, draws: torch.Generator
) -> Generator[Event, None, Tensor]:
    """Images (n, c, h, w) in [0, 1] whose features are near those given (n, d). Raises ConfigError, Diverged.

    examples: images of the old classes, likewise, for the statistics of the layers' inputs and of pixels, and for a
    decoder where the start is one.
    """
    inputs, norms = measure_moments(chain, examples, "channel")
    labels, pixels = torch.zeros(len(features), dtype=torch.int64), examples.transpose(0, 1).flatten(1)
    knowledge = Knowledge(
        classes=(0,),
        gaussians=ClassGaussians("diagonal").fit(features, labels, [0]),
        inputs=[InputStatistics(of.mean, of.variance) for of in inputs],
        norms=norms,
        features=features[None],
        pool=1,
        examples=examples,
        colours=torch.cov(pixels, correction=0),
    )
    config = dataclasses.replace(config, images_per_class=len(features))
    normalise = chain.normaliser(np.zeros(3, np.float32), np.ones(3, np.float32))
    made = yield from invert_targets(chain, knowledge, features, labels, config, normalise, draws)
    return made.images


def adapt_on_images(
    clip: Clip,
    prompts: Sequence[Sequence[str]],
    old: tuple[Tensor, Tensor],
    new: tuple[Tensor, Tensor],
    config: UnseenConfig,
    seed: int,
) -> Generator[Event, None, ClipChain]:
    """A copy of the CLIP with adapters that have learned from pseudo-images (n, c, h, w) and their labels (n,).

    prompts: of the old classes, then of the new ones, as the labels number them. The losses are those of
    `unseen.adapt`, and L1 between the old classes' text prototypes and what they were. Raises Diverged.
    """
    draws = generator(seed, "unseen images")
    chain = _adaptable(clip, prompts, config.adapter_size, draws)
    (old_images, old_labels), (new_images, new_labels) = old, new
    classes, olds = len(prompts), int(old_labels.max()) + 1
    with torch.no_grad():
        before = chain.present_head().prototypes
        teacher = torch.cat([chain(part) for part in old_images.split(OLD_BATCH)])[:, :olds]
    assert before is not None  # the head is made of prompts
    # As in `unseen.adapt`, where every class has as many features: a new class counts new_weight times an old one.
    weights = torch.ones(classes)
    weights[olds:] = config.new_weight * (OLD_BATCH / olds) / (NEW_BATCH / (classes - olds))
    learns = [p for adapter in chain.adapters for p in adapter.parameters()]
    optimiser = torch.optim.AdamW(learns, lr=config.lr, weight_decay=0.01)
    watch = DivergenceWatch("the adaptation", "Learning rate")
    for step in range(config.steps):
        of_old = torch.randint(len(old_images), (OLD_BATCH,), generator=draws)
        of_new = torch.randint(len(new_images), (NEW_BATCH,), generator=draws)
        head = chain.present_head()
        assert head.prototypes is not None
        logits = head(chain.features(torch.cat([old_images[of_old], new_images[of_new]])))
        labels = torch.cat([old_labels[of_old], new_labels[of_new]])
        losses = {
            "cross-entropy": F.cross_entropy(logits, labels, weights, label_smoothing=config.label_smoothing),
            "old logits": config.distillation * F.l1_loss(logits[:OLD_BATCH, :olds], teacher[of_old]),
            "old texts": config.distillation * F.l1_loss(head.prototypes[:olds], before[:olds]),
        }
        total = torch.stack(list(losses.values())).sum()
        watch.check(float(total.detach()))
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        told = {name: float(loss.detach()) for name, loss in {**losses, "total": total}.items()}
        yield Event("learn", step + 1, config.steps, (step + 1) / config.steps, losses=told)
    return chain.requires_grad_(False)


def as_adapted(chain: ClipChain) -> Adapted:
    """What `adapt_on_images` has made, for features of its own image tower (`chain.features`)."""
    with torch.no_grad():
        prototypes = chain.present_head().prototypes
    assert prototypes is not None
    return Adapted(prototypes, float(chain.clip.scale))


def _adaptable(clip: Clip, prompts: Sequence[Sequence[str]], size: int, draws: torch.Generator) -> ClipChain:
    own = copy.deepcopy(clip, {id(clip.tokenizer): clip.tokenizer})
    chain = ClipChain(own, prompts=prompts, adapters=add_adapters(own, size, draws))
    chain.set_head(len(prompts), draws)
    return chain.eval()
