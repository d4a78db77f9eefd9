"""A class never shown, as images: what is made of projected features, and what learning from it leaves alone."""

import pytest
import torch
from torch.nn import functional as F

from cl_core import unseen_images
from cl_core.backbones import clip, small_clip
from cl_core.backbones.clip_chain import ClipChain
from cl_core.config import UnseenConfig
from cl_core.datasets import emoji
from cl_core.presets import preset
from cl_core.unseen_trials import drained

PROMPTS = [["a drawing of a cat"], ["a drawing of a tree"], ["a drawing of a key"]]


@pytest.fixture(scope="module")
def small() -> clip.Clip:
    return small_clip.load_small()


def drawings(n: int) -> torch.Tensor:
    return torch.from_numpy(emoji.read().images[::97][:n].copy()).float() / 255


def test_a_pseudo_image_is_seen_as_the_feature_that_it_was_made_from(small: clip.Clip):
    chain, x = ClipChain(small).eval(), drawings(12)
    with torch.no_grad():
        wanted = chain.features(x[:4])
    before = [p.clone() for p in chain.parameters()]
    draws = torch.Generator().manual_seed(0)
    made = drained(unseen_images.pseudo_images(chain, x, wanted, preset("clip-demo").invert, draws))
    assert made.shape == (4, 3, 32, 32)
    assert made.min() >= 0
    assert made.max() <= 1
    with torch.no_grad():
        near = F.cosine_similarity(chain.features(made), wanted)
    assert near.min() > 0.8
    assert all(torch.equal(a, b) for a, b in zip(before, chain.parameters(), strict=True))


def test_learning_from_pseudo_images_changes_adapters_of_a_copy_only(small: clip.Clip):
    x, state = drawings(12), torch.get_rng_state()
    before = {name: p.clone() for name, p in small.state_dict().items()}
    old, new = (x[:8], torch.arange(8) % 2), (x[8:], torch.full((4,), 2))
    with torch.no_grad():
        logits = small.scale * small.encode_image(x) @ small.prototypes(PROMPTS).T
    for steps in (0, 6):
        config = UnseenConfig(steps=steps, adapter_size=4, lr=1e-3)
        events, chain = [], None
        adapting = unseen_images.adapt_on_images(small, PROMPTS, old, new, config, 0)
        while chain is None:
            try:
                events.append(next(adapting))
            except StopIteration as end:
                chain = end.value
        with torch.no_grad():
            named = unseen_images.as_adapted(chain).logits(chain.features(x))
        assert torch.allclose(named, logits, atol=1e-3) == (steps == 0)
        assert len(events) == steps
    assert events[-1].losses["total"] < events[0].losses["total"]
    assert all(torch.equal(before[name], p) for name, p in small.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
