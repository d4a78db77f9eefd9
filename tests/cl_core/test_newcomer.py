"""A class that comes into a world of old ones by its name alone."""

import numpy as np
import pytest
import torch

from cl_core import newcomer, unseen
from cl_core.backbones import clip, small_clip
from cl_core.config import ConfigError, UnseenConfig
from cl_core.pretraining import contest, gallery


@pytest.fixture(scope="module")
def small() -> clip.Clip:
    return small_clip.load_small()


@pytest.fixture(scope="module")
def things(small) -> newcomer.World:
    return newcomer.world(small, "things", "Spider ")


def test_the_old_things_are_learned_ones_near_in_words_and_the_new_one_is_not_among_them(things):
    assert things.name == "Spider"
    assert things.withheld is True
    assert len(things.old) == newcomer.OLD_THINGS == len(things.pictures)
    assert "spider web" in things.old.names
    assert not {"spider", *gallery.never_shown("things", contest.shipped()[0])} & set(things.old.names)
    assert len(things.truth) == len(things.truth_pictures) >= 5
    assert set(things.labels.tolist()) <= set(range(newcomer.OLD_THINGS))
    torch.testing.assert_close(things.features.norm(dim=1), torch.ones(len(things.features)))


def test_without_pictures_there_is_no_truth_and_the_cloud_is_centred_without_it(things, small):
    new = unseen.propose(things.old, things.name, things.prototype, UnseenConfig(), 0)
    without = newcomer.world(small, "things", "violet")  # of which there are no pictures
    assert len(without.truth) == 0
    assert without.withheld is None
    flat = newcomer.cloud(things, new, 0)
    assert len(flat["draws"]) == len(flat["lender"]) == len(new.lenders) * newcomer.SHOWN
    torch.testing.assert_close(
        torch.tensor(flat["draws"].mean(0) + flat["projected"].mean(0) / len(new.lenders)),
        torch.zeros(2),
        atol=1e-4,
        rtol=0,
    )


def test_in_its_plane_a_lender_turns_by_its_angle(things):
    new = unseen.propose(things.old, things.name, things.prototype, UnseenConfig(k=3), 0)
    for plane in newcomer.planes(things, new.lenders, 0):
        before, after = (np.linalg.norm(x, axis=1) for x in (plane.before, plane.after))
        np.testing.assert_allclose(before, after, atol=1e-4)
        turned = np.degrees(np.arctan2(*plane.after.T[::-1]) - np.arctan2(*plane.before.T[::-1]))
        np.testing.assert_allclose((turned + 180) % 360 - 180, plane.lender.angle, atol=0.1)
        np.testing.assert_allclose(np.linalg.norm(plane.new), 1)


def test_clothes_come_among_the_learned_clothes(small):
    world = newcomer.world(small, "clothes", "sandal")
    assert world.old.names == ("t-shirt", "trousers", "pullover", "dress", "sneaker", "ankle boot")
    assert world.withheld is True
    assert len(world.truth) == newcomer.TEST
    assert newcomer.world(small, "clothes", "sweater").old.names == (
        "t-shirt", "trousers", "dress", "sneaker", "ankle boot",
    )  # fmt: skip
    shares = newcomer.accuracy(
        world, unseen.zero_shot(world.old, [unseen.propose(world.old, "sandal", world.prototype, UnseenConfig(), 0)])
    )
    assert shares.old > 0.6
    assert shares.total == pytest.approx((6 * shares.old + shares.new) / 7, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "sentence"), [(" ", "needs a name"), ("zyzzyva", "never read “zyzzyva”"), ("x" * 200, "200 characters")]
)
def test_a_name_that_cannot_be_used_is_a_sentence(small, name: str, sentence: str):
    with pytest.raises(ConfigError, match=sentence):
        newcomer.world(small, "things", name)
