"""What the small CLIP's report measures, and that the shipped weights know what they are said to know."""

import numpy as np
import pytest
import torch

from cl_core import datasets
from cl_core.backbones import small_clip
from cl_core.commands import clip_report
from cl_core.config import ConfigError
from cl_core.datasets import emoji
from cl_core.pretraining import captions, evaluation, ground, pictures


def test_an_interval_resamples_concepts_not_pictures():
    """Ten pictures a concept that are all alike say no more than one."""
    generator = np.random.default_rng(0)
    single = generator.integers(0, 2, 40).astype(float)
    one = evaluation.bootstrap(single, np.arange(40))
    ten = evaluation.bootstrap(np.repeat(single, 10), np.repeat(np.arange(40), 10))
    assert one == ten
    assert one.low < one.mean < one.high
    assert one.high - one.low == pytest.approx(2 * 1.96 * single.std() / np.sqrt(40), rel=0.15)


def test_the_nearest_neighbour_of_a_picture_is_itself():
    images = emoji.read().images[::100]
    assert len(np.unique(images, axis=0)) == len(images)
    assert evaluation.nearest_neighbours(images, images).tolist() == list(range(len(images)))


def test_clothes_stand_dark_on_white():
    light = np.zeros((2, 1, 28, 28), np.uint8)
    light[0, 0, 0, 0] = 200
    page = ground.on_white(light)
    assert page.shape == (2, 3, 32, 32)
    assert page[0, :, 2, 2].tolist() == [55] * 3
    assert (page == 255).sum() == page.size - 3


def test_changes_keep_pictures_in_range_and_draw_from_the_generator():
    x = torch.from_numpy(emoji.read().images[::200].copy()).float() / 255
    one, same = (pictures.change(x, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(one, same)
    assert not torch.equal(one, pictures.change(x, torch.Generator().manual_seed(2)))
    assert one.shape == x.shape
    assert one.min() >= 0
    assert one.max() <= 1


def test_a_pale_colour_on_white_gets_an_outline_too():
    yellow = torch.ones(20, 3, 32, 32)
    yellow[:, 2, 8:24, 8:24] = 0
    drawn = pictures._outline(yellow, 1.0, torch.Generator().manual_seed(0))
    assert (drawn[:, :, 8, 8:24].amax(1) < 0.5).all()  # dark in every channel along its edge
    torch.testing.assert_close(drawn[:, :, :4], yellow[:, :, :4])


def test_another_style_is_described_by_the_bundled_concepts():
    shown = emoji.read()
    turned = emoji.Drawings(
        shown.images, len(shown.concepts) - 1 - shown.concept, shown.style, shown.concepts[::-1], shown.styles,
        shown.groups, shown.fingerprint,
    )  # fmt: skip
    again = clip_report._renumbered(turned, shown)
    np.testing.assert_array_equal(again.concept, shown.concept)


def test_the_shipped_weights_name_groups_and_clothes():
    """Bars below what the report prints, so that a slip in loading or in the prompts shows."""
    model, drawings = small_clip.load_small(), emoji.read()
    rows = np.flatnonzero(drawings.of_withheld_style & ~drawings.of_withheld_concept)[::3]
    with torch.no_grad():
        groups = model.prototypes(captions.prompts_of_groups(drawings.groups))
    named = (evaluation.features(model, drawings.images[rows]) @ groups.T).argmax(1).numpy()
    assert (named == drawings.group[rows]).mean() > 0.5
    test = datasets.load("fashion-mnist").split("test")
    few = test.rows(np.arange(0, len(test), 5))
    seen = [label for label in range(10) if label not in captions.CLOTHES_WITHHELD]
    assert evaluation.name_clothes(model, few, seen) > 0.85
    assert evaluation.name_clothes(model, few, captions.CLOTHES_WITHHELD) > 0.45
    with pytest.raises(ConfigError, match="has never read"):
        model.encode_text(["a photo of a spectrophotometer"])
