"""Classes that play the one never shown: nothing of them but their text may be learned from; and what is told of it."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cl_core import unseen, unseen_choice, unseen_trials
from cl_core.commands import options
from cl_core.commands import unseen as command
from cl_core.config import ConfigError, UnseenConfig

CLASSES, IMAGES, D, NEW = 6, 12, 16, 4
CONFIG = UnseenConfig(k=3, samples=20, steps=5)


def made_up(of_new: int = 0) -> unseen_trials.World:
    """A world of drawn features; of_new: the seed of those of the class NEW alone."""
    draws = torch.Generator().manual_seed(0)
    texts = F.normalize(torch.randn(CLASSES, D, generator=draws), dim=1)
    noise = 0.1 * torch.randn(CLASSES, IMAGES, D, generator=draws)
    noise[NEW] = torch.randn(IMAGES, D, generator=torch.Generator().manual_seed(of_new))
    features = F.normalize(texts[:, None] + noise, dim=2)
    parts = []
    for part in (slice(0, None, 2), slice(1, None, 2)):
        labels = torch.arange(CLASSES).repeat_interleave(IMAGES // 2)
        parts.append((features[:, part].flatten(0, 1), labels))
    known = unseen.know(*parts[0], [f"class {i}" for i in range(CLASSES)], texts, 20.0)
    none, prompts = np.zeros((0, 3, 4, 4), np.uint8), tuple((f"class {i}",) for i in range(CLASSES))
    every = tuple(range(CLASSES))
    return unseen_trials.World("made up", "A world.", known, *parts, (none, none), prompts, every, every)


def test_nothing_of_the_new_class_but_its_text_is_learned_from():
    one, other = (unseen_trials.trial(made_up(seed), NEW, CONFIG, 0) for seed in (1, 2))
    assert torch.equal(one.projection.features, other.projection.features)
    for name in (unseen_trials.ZERO_SHOT, unseen_trials.ADAPTED, unseen_trials.WITHOUT):
        assert one.accuracies[name].old == other.accuracies[name].old
    assert one.judgement != other.judgement  # it is judged by its own images


def test_only_the_nearest_are_old_where_there_are_many():
    world = dataclasses.replace(made_up(), most=2)
    cosines = world.known.prototypes @ world.known.prototypes[NEW]
    cosines[NEW] = -2
    assert world.beside(NEW) == sorted(cosines.topk(2).indices.tolist())


def test_the_table_tells_means_and_where_the_projection_is_ahead():
    world = made_up()
    rows = [command.row(unseen_trials.trial(world, new, CONFIG, 0)) for new in (0, 1, 2)]
    found = command.summary(world.name, world.about, rows)
    cosines = [row["guesses"][unseen.PROJECTED]["cosine"] for row in rows]
    assert found["guesses"][unseen.PROJECTED]["cosine"] == pytest.approx(np.mean(cosines))
    nearest = [row["guesses"][unseen.NEAREST]["cosine"] for row in rows]
    ahead = found["ahead"][unseen.NEAREST]["cosine"]
    assert ahead["mean"] == pytest.approx(np.mean(cosines) - np.mean(nearest))
    assert ahead["low"] <= ahead["mean"] <= ahead["high"]
    assert found["ahead"][unseen.OLD]["about"] is None
    table = command.markdown([found | {"advice": {"steps": 30, "new_weight": 3.0}}])
    assert "advise 30 steps, each feature of the new one counted 3 times" in table
    assert f"| {unseen.PROJECTED} | {np.mean(cosines):.3f} |" in table
    assert f"| {unseen_trials.ADAPTED} | 3 |" in table
    both = command.together([{"rows": rows}, {"rows": rows[:1]}])
    assert both["guesses"][unseen.PROJECTED]["cosine"] == pytest.approx((sum(cosines) + cosines[0]) / 4)
    assert "The 4 new classes" in command.markdown([both])


def test_a_setting_of_one_section_is_changed_by_its_name():
    assert options.changed(CONFIG, ["k=7", "spread=average"]) == dataclasses.replace(CONFIG, k=7, spread="average")
    for wrong in ("k", "kk=3", "k=x", "k=0"):
        with pytest.raises(ConfigError):
            options.changed(CONFIG, [wrong])


def test_old_classes_advise_without_a_look_at_those_that_are_new_in_earnest():
    config = dataclasses.replace(CONFIG, steps=20, lr=0.05)
    worlds = [made_up(seed) for seed in (1, 2)]
    one, other = (
        unseen_choice._play(unseen_choice.stage_of(world), 0, world.beside(0, [NEW]), config, 0) for world in worlds
    )
    assert torch.equal(one.features, other.features)
    assert torch.equal(one.proposed.features, other.proposed.features)
    assert f"class {NEW}" not in one.old.names
    # The texts name everything rightly here, so that no step is worth taking.
    assert unseen_choice.choose(made_up(1), [NEW], config, 0).steps == 0


def test_where_texts_mislead_old_classes_advise_to_adapt():
    world = made_up(1)
    turned = world.known.prototypes + 2 * world.known.prototypes.roll(1, 0)
    known = dataclasses.replace(world.known, prototypes=F.normalize(turned, dim=1))
    config = dataclasses.replace(CONFIG, steps=200, lr=0.05, k=1)
    advice = unseen_choice.choose(dataclasses.replace(world, known=known), [NEW], config, 0)
    assert advice.steps > 0
    with pytest.raises(ConfigError, match="too few other classes"):
        unseen_choice.choose(world, [0, 1, 2, NEW], config, 0)
