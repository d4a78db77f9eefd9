"""Pictures of a class never shown."""

import dataclasses

import pytest
import torch

from cl_core import dreams, newcomer, unseen
from cl_core.backbones import small_clip
from cl_core.config import UnseenConfig
from cl_core.presets import preset


def test_pictures_of_the_new_class_lead_back_to_its_features():
    small = small_clip.load_small()
    world = newcomer.world(small, "things", "spider")
    adapting = UnseenConfig(steps=5)
    new = unseen.propose(world.old, world.name, world.prototype, adapting, 0)
    settings = dataclasses.replace(
        preset("clip-demo").invert, images_per_class=4, iterations_per_layer=3, layer_iterations=(), full_iterations=25
    )
    parts = dreams.dream(small, world, new, settings, adapting, 0)
    told = []
    while True:
        try:
            told.append(next(parts))
        except StopIteration as end:
            dream = end.value
            break
    assert dream.images.shape == (4, 3, 32, 32)
    with torch.no_grad():
        seen = small.encode_image(torch.tensor(dream.images).float() / 255)
    assert float((seen * new.features[:4]).sum(1).mean()) > 0.7
    assert dream.cosine == pytest.approx(
        float(torch.nn.functional.cosine_similarity(seen.mean(0), world.truth.mean(0), dim=0)), abs=0.02
    )
    fractions = [event.fraction for event in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    assert all(p.requires_grad for p in small.parameters())  # the small CLIP is left as it was
