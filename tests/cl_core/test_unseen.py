"""A class never shown: what lends it features, how they are judged, and what learning from them does."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from cl_core import unseen
from cl_core.config import ConfigError, UnseenConfig
from cl_core.events import Event

CLASSES, D = 8, 16


def gaussian(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def world(seed: int, images: int = 30) -> tuple[unseen.KnownClasses, Tensor, Tensor]:
    """Old classes, a new class's text prototype, and its real features: images lie a gap away from their text."""
    text = F.normalize(gaussian(seed, CLASSES + 1, D), dim=1)
    gap = 0.7 * F.normalize(gaussian(seed + 1, D), dim=0)
    noise = 0.1 * gaussian(seed + 2, CLASSES + 1, images, D)
    features = F.normalize(text[:, None] + gap + noise, dim=2)
    labels = torch.arange(CLASSES).repeat_interleave(images)
    names = [f"class {i}" for i in range(CLASSES)]
    old = unseen.know(features[:-1].flatten(0, 1), labels, names, text[:-1], 20.0)
    return old, text[-1], features[-1]


def drain(steps) -> tuple[list[Event], unseen.Adapted]:
    events = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            return events, end.value


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**16),
    k=st.integers(1, 50),
    spread=st.sampled_from(["average", "draw"]),
    shift=st.floats(0, 1),
)
def test_what_is_proposed_is_normalised_named_and_drawn_from_the_seed(seed: int, k: int, spread: str, shift: float):
    old, prototype, _ = world(seed)
    config = UnseenConfig(k=k, spread=spread, shift=shift, samples=7)
    new, again = (unseen.propose(old, "new", 3 * prototype, config, seed) for _ in range(2))
    assert torch.equal(new.features, again.features)
    torch.testing.assert_close(new.features.norm(dim=1), torch.ones(7))
    assert len(new.lenders) == min(k, CLASSES)
    cosines = [lender.cosine for lender in new.lenders]
    assert cosines == sorted(cosines, reverse=True)
    for lender in new.lenders:
        assert lender.name == old.names[lender.index]
        assert lender.cosine == pytest.approx(float(old.prototypes[lender.index] @ prototype), abs=1e-5)


def test_a_whole_shift_ends_at_the_text_or_where_images_of_that_text_would_lie():
    old, prototype, _ = world(0)
    gap = (old.gaussians.mean - old.prototypes).mean(0)
    for toward, place in (("text", prototype), ("text + gap", prototype + gap)):
        new = unseen.propose(old, "new", prototype, UnseenConfig(shift=1.0, toward=toward, samples=3), 0)
        torch.testing.assert_close(new.features, F.normalize(place, dim=0).expand_as(new.features))


def test_a_new_class_that_means_what_an_old_one_means_has_its_features():
    old, _, _ = world(0)
    config = UnseenConfig(k=1, samples=2000)
    new = unseen.propose(old, "again", old.prototypes[3], config, 0)
    assert new.lenders[0].index == 3
    assert new.lenders[0].angle == pytest.approx(0, abs=0.1)
    drawn = F.normalize(old.gaussians.sample(3, 2000, torch.Generator().manual_seed(1)), dim=1)
    torch.testing.assert_close(new.features.mean(0), drawn.mean(0), atol=0.01, rtol=0)
    torch.testing.assert_close(new.features.T.cov(), drawn.T.cov(), atol=2e-3, rtol=0)


def test_the_projection_is_judged_beside_every_baseline():
    """Guesses in a world whose images lie a constant gap from their text; each guess is where it says that it is."""
    old, prototype, real = world(0)
    new = unseen.propose(old, "new", prototype, UnseenConfig(samples=200), 0)
    truth = real.mean(0)
    by_name = {guess.name: guess for guess in unseen.judge(old, new, real).guesses}
    places = {
        unseen.PROJECTED: new.features.mean(0),
        unseen.TEXT: prototype,
        unseen.NEAREST: old.gaussians.mean[new.lenders[0].index],
        unseen.OLD: F.normalize(old.gaussians.mean, dim=1).mean(0),
    }
    for name, place in places.items():
        assert by_name[name].cosine == pytest.approx(float(F.cosine_similarity(place, truth, dim=0)), abs=1e-5)
    assert by_name[unseen.GAP].cosine > 0.97  # the gap is one and the same here
    assert by_name[unseen.PROJECTED].cosine > by_name[unseen.NEAREST].cosine
    assert by_name[unseen.OLD].about is None
    perfect = unseen.judge(old, dataclasses.replace(new, features=real), real)
    assert perfect.guesses[0].cosine == pytest.approx(1, abs=1e-5)
    assert perfect.guesses[0].about == pytest.approx(1, abs=1e-5)
    assert perfect.frechet < unseen.judge(old, new, real).frechet


@pytest.mark.parametrize("acts_on", ["prototypes", "features", "both"])
def test_nothing_is_adapted_without_a_step(acts_on: str):
    old, prototype, real = world(0)
    new = [unseen.propose(old, "new", prototype, UnseenConfig(), 0)]
    events, adapted = drain(unseen.adapt(old, new, UnseenConfig(acts_on=acts_on, steps=0), 0))
    assert not events
    torch.testing.assert_close(adapted.logits(real), unseen.zero_shot(old, new).logits(real))


@pytest.mark.parametrize("acts_on", ["prototypes", "features", "both"])
def test_adapting_lowers_the_loss_and_leaves_what_it_came_from(acts_on: str):
    old, prototype, _ = world(0)
    new = [unseen.propose(old, "new", prototype, UnseenConfig(), 0)]
    before, state = old.prototypes.clone(), torch.get_rng_state()
    config = UnseenConfig(acts_on=acts_on, steps=40, lr=0.01)
    events, adapted = drain(unseen.adapt(old, new, config, 0))
    assert events[-1].losses["total"] < events[0].losses["total"]
    assert events[-1].fraction == 1
    assert (adapted.adapter is None) == (acts_on == "prototypes")
    same = torch.equal(adapted.prototypes, torch.cat([before, prototype[None]]))
    assert same == (acts_on == "features")
    assert torch.equal(old.prototypes, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_holding_on_keeps_the_old_logits():
    old, prototype, _ = world(0)
    new = [unseen.propose(old, "new", prototype, UnseenConfig(), 0)]
    probe = F.normalize(gaussian(9, 50, D), dim=1)
    start = unseen.zero_shot(old, new).logits(probe)[:, :CLASSES]
    moved = {}
    for weight in (0.0, 30.0):
        config = UnseenConfig(steps=60, lr=0.01, distillation=weight)
        _, adapted = drain(unseen.adapt(old, new, config, 0))
        moved[weight] = float((adapted.logits(probe)[:, :CLASSES] - start).abs().mean())
    assert moved[30.0] < 0.3 * moved[0.0]


def test_the_weight_of_the_new_class_is_what_it_is_worth_among_the_old():
    """Two features at one place, of an old class and of the new one: the heavier takes it."""
    old, _, _ = world(0)
    place = F.normalize(old.gaussians.mean[3], dim=0)
    new = [unseen.Projection("new", old.prototypes[3], (), place.expand(50, D))]
    won = {}
    for weight in (0.2, 5.0):
        config = UnseenConfig(steps=60, lr=0.01, samples=50, distillation=0, new_weight=weight)
        _, adapted = drain(unseen.adapt(old, new, config, 0))
        logits = adapted.logits(place[None])[0]
        won[weight] = float(logits[-1] - logits[3])
    assert won[0.2] < 0 < won[5.0]


def test_accuracy_counts_each_side_among_all_the_classes():
    adapted = unseen.Adapted(torch.eye(3), 1.0)
    features = torch.eye(3)[[0, 1, 2, 2]]
    scores = unseen.accuracy(adapted, features, torch.tensor([0, 0, 2, 2]), 2)
    assert (scores.old, scores.new) == (0.5, 1.0)
    assert scores.total == pytest.approx(2 / 3)  # two old classes and a new one, whatever the number of images
    alone = unseen.accuracy(adapted, features[:2], torch.tensor([0, 0]), 2)
    assert (alone.total, alone.old) == (0.5, 0.5)
    assert math.isnan(alone.new)


def test_some_of_the_classes_are_the_same_in_another_order():
    old, _, _ = world(0)
    rest = old.take([5, 2])
    assert rest.names == (old.names[5], old.names[2])
    assert torch.equal(rest.prototypes[1], old.prototypes[2])
    assert torch.equal(rest.gaussians.mean[1], old.gaussians.mean[2])


def test_a_class_with_one_image_lends_nothing():
    with pytest.raises(ConfigError, match="“b” needs 2 images"):
        unseen.know(torch.eye(3), torch.tensor([0, 0, 1]), ["a", "b"], torch.eye(2, 3), 1.0)
    with pytest.raises(ConfigError, match="1 class names and 2 text prototypes"):
        unseen.know(torch.eye(3), torch.tensor([0, 0, 0]), ["a"], torch.eye(2, 3), 1.0)
