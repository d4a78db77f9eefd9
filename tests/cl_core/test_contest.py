"""Names that compete on pictures, and what is shipped of that."""

import numpy as np
import pytest

from cl_core.backbones import clip, small_clip
from cl_core.config import ConfigError
from cl_core.datasets import DataError
from cl_core.pretraining import contest, gallery


@pytest.fixture(scope="module")
def small() -> clip.Clip:
    return small_clip.load_small()


def test_what_is_shipped_is_what_the_shipped_weights_say(small):
    """When it fails after new weights: `python -m cl_core clip-contests`."""
    unreadable, answers = contest.shipped()
    fresh = contest.build(small, small_clip.SMALL_WEIGHTS)
    assert f'"weights": "{fresh["weights"]}"' in contest.SHIPPED.read_text(encoding="utf-8")
    assert unreadable == set(fresh["unreadable"])
    for kind, said in answers.items():
        np.testing.assert_allclose(said, fresh["answers"][kind], atol=0.002)
        np.testing.assert_allclose(said.sum(1), 1, atol=0.01)


@pytest.mark.parametrize("kind", gallery.KINDS)
def test_a_gallery_is_of_its_kind_and_the_same_every_time(kind: str):
    unreadable, _ = contest.shipped()
    shown, again, other = (gallery.draw(kind, number, unreadable) for number in (3, 3, 4))
    np.testing.assert_array_equal(shown.images, again.images)
    assert not np.array_equal(shown.images, other.images)
    assert shown.images.shape == (gallery.PICTURES, 3, 32, 32)
    assert len(shown.truths) == len(shown.withheld) == gallery.PICTURES
    assert (
        set(shown.withheld) == {"things": {True}, "style": {True}, "clothes": {True, False}, "learned": {False}}[kind]
    )


def test_names_and_pictures_that_belong_together_win(small):
    """What it has learned from, in its own words: far above chance."""
    shown = gallery.draw("learned", 1, contest.shipped()[0])
    said = contest.hold(small, shown.images, gallery.prompts(shown.names, "learned", True))
    assert said.shape == (gallery.PICTURES, len(shown.names))
    assert np.mean([shown.names[best] == truth for best, truth in zip(said.argmax(1), shown.truths, strict=True)]) > 0.7


def test_what_cannot_compete_is_a_sentence(small):
    picture = gallery.draw("learned", 0, ()).images[:1]
    for names, sentence in (
        (["cat"], "two names or more"),
        ([str(i) for i in range(51)], "51 names; at most 50"),
        (["cat", "x" * 101], "101 characters; at most 100"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            contest.check_names(names)
    with pytest.raises(ConfigError, match="never read “zyzzyva”"):
        contest.hold(small, picture, [["cat"], ["a zyzzyva"]])
    with pytest.raises(ConfigError, match="too long: the small CLIP reads no more than 14"):
        contest.hold(small, picture, [["cat"], ["cat " * 15]])


def test_a_damaged_file_of_answers_is_a_sentence(tmp_path):
    (tmp_path / "contests.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="clip-contests"):
        contest.shipped(tmp_path / "contests.json")
