"""Progress, estimates, pictures, markup and forms: pure functions on numbers."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from cl_core import presets
from cl_core.config import Config
from cl_core.events import Event
from cl_core.snapshot import Snapshot, freeze
from dashboard import estimate, forms, markup, pictures, progress, state, work


def node(verb: str = "start", tasks: int = 0, seconds: dict | None = None, config: Config | None = None) -> Snapshot:
    record = {"replays": True, "seconds": seconds or {}}
    return Snapshot("a", None, verb, tasks, config or Config(), tuple("abcdef"), (2, 2, 2), freeze({}), record)


def test_events_fold_into_progress():
    image = np.zeros((2, 4, 4, 1), np.uint8)
    told = progress.fold(
        [
            Event("layer", 1, 2, 0.1, 2, ("stem", "block 1"), {"total": 3.0}, images=image, image_labels=(0, 1)),
            Event("layer", 2, 2, 0.2, 2, ("stem", "block 1"), {"total": float("nan")}),
            Event("refine", 1, 5, 0.6, losses={"total": 1.0}),
        ]
    )
    assert told.words == "Refining through the whole network"
    assert told.losses == [(0.1, "layer 2", 3.0), (0.6, "all layers", 1.0)]  # what is not finite is not drawn
    assert told.images is image
    assert told.image_labels == (0, 1)
    assert progress.fold([]).fraction == 0


def test_accuracies_keep_their_moments():
    events = [Event("learn", 1, 2, 0.5, accuracies=(0.9,)), Event("learn", 2, 2, 0.8), Event("balance", 1, 1, 1.0)]
    assert progress.fold(events).accuracies == [(0.5, (0.9,))]


def test_time_left_moves_from_expectation_to_pace():
    assert progress.seconds_left(0.0, 0.0, None) is None
    assert progress.seconds_left(0.0, 1.0, 10.0) == 9.0
    assert progress.seconds_left(0.5, 10.0, None) == pytest.approx(10.0)
    assert progress.seconds_left(1.0, 8.0, 10.0) == pytest.approx(0.0)


def test_an_estimate_scales_with_the_work():
    config = presets.preset("demo")
    before, after = node(config=config), node("learn", 1, {"learn": 8.0, "measure": 1.0, "total": 9.0}, config)
    same = estimate.seconds("learn", before, config, [(before, after)])
    assert same == pytest.approx(9.0)
    twice = config.override({"learn": {"epochs_first": 2 * config.learn.epochs_first}})
    assert estimate.seconds("learn", before, twice, [(before, after)]) == pytest.approx(17.0)
    assert (
        estimate.seconds("learn", node("invert", 1), config, [(before, after)]) is None
    )  # the first task tells nothing


def test_a_plan_asks_the_next_collection_where_one_is_silent():
    config = presets.preset("demo")
    first = (node(config=config), node("learn", 1, {"total": 9.0}, config))
    invert = (node("learn", 1, config=config), node("invert", 1, {"total": 4.0}, config))
    steps = [("learn", 0), ("invert", 1)]
    assert estimate.plan(node(config=config), config, steps, [[first], [invert]]) == pytest.approx([9.0, 4.0])
    assert estimate.plan(node(config=config), config, steps, [[first]])[1] is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.3, "under a second"), (9.2, "about 9 s"), (200, "about 3 min"), (9000, "about 2.5 h")],
)
def test_times_in_words(seconds, words):
    assert estimate.in_words(seconds) == words


def test_what_comes_next_depends_on_the_strategy():
    assert work.next_verb(node(), "pmi") == "learn"
    assert work.next_verb(node("learn", 1), "pmi") == "invert"
    assert work.next_verb(node("learn", 1), "finetune") == "learn"
    assert work.next_verb(node("invert", 3), "pmi") is None
    assert [verb for verb, _ in work.remaining(node("learn", 2), "pmi")] == ["invert", "learn", "invert"]
    assert work.remaining(node("learn", 3), "finetune") == []


def test_a_sheet_is_crisp_and_in_order():
    black, white = np.zeros((1, 2, 2, 1), np.uint8), np.full((1, 2, 2, 1), 255, np.uint8)
    png = pictures.sheet([np.concatenate([black, white]), white], columns=2, scale=3, gap=1)
    shown = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
    assert shown.shape == (15, 15, 4)
    assert shown[0, 0].tolist() == [0, 0, 0, 255]
    assert shown[0, 9].tolist() == [255, 255, 255, 255]
    assert shown[9, 9, 3] == 0  # nothing there
    assert shown[0, 6, 3] == 0  # a gap


def test_images_in_units_become_bytes():
    assert pictures.to_bytes(np.array([[[[0.0, 0.5], [1.0, 2.0]]]]))[0, ..., 0].tolist() == [[0, 128], [255, 255]]


def test_markup_escapes_what_people_name_their_classes():
    card = markup.TaskCard(1, (0,), ("<script>",), ("",), (0.5, 0.25), "learned")
    html = markup.task_card(card)
    assert "<script>" not in html
    assert "25\u202f%" in html


@pytest.mark.parametrize(("count", "words"), [(999, "999\u202fbytes"), (1500, "1.5\u202fkB"), (784_000, "784\u202fkB")])
def test_sizes_in_words(count, words):
    assert markup.size(count) == words


def test_every_setting_of_a_step_is_in_one_group_and_has_help():
    fields = {(s, f.name) for s in state.STEP_SECTIONS for f in dataclasses.fields(getattr(Config(), s))}
    shown = set()
    for backbone in ("resnet", "clip"):
        config = Config().override({"network": {"backbone": backbone}})
        names = [name for group in forms.groups(state.STEP_SECTIONS, config).values() for name in group]
        assert len(names) == len(set(names))
        shown |= set(names)
        for section, field in names:
            assert "The paper: " in forms.help_text(section, field) or (section, field) in forms.ONLY["clip"]
    assert shown == fields - {("learn", "strategy")}


def test_a_setting_of_another_backbone_is_not_shown():
    resnet, clip = (Config().override({"network": {"backbone": name}}) for name in ("resnet", "clip"))
    for section, field, at_home in (("invert", "norm_targets", resnet), ("learn", "text_kd", clip)):
        other = clip if at_home is resnet else resnet
        assert forms.matters(section, field, at_home)
        assert not forms.matters(section, field, other)
    changed = clip.override({"network": {"width": 8}, "learn": {"text_kd": 2.0}})
    assert ("network", "width") not in [row[:2] for row in forms.changes(Config(), changed)]
    assert ("learn", "text_kd") in [row[:2] for row in forms.changes(Config(), changed)]


def test_a_weight_that_the_strategy_has_no_term_for_is_not_shown():
    plain, held = (Config().override({"learn": {"strategy": name}}) for name in ("finetune", "pmi"))
    for config, there in ((plain, False), (held, True)):
        assert (("learn", "hard_kd") in forms.front("learn", 1, config)) == there
        assert any(("learn", "balance") in group for group in forms.groups(["learn"], config).values()) == there
    assert ("learn", "epochs") in forms.front("learn", 1, plain)


def test_a_file_is_called_as_it_is():
    assert forms.in_words("/home/me/my_weights.pt") == "/home/me/my_weights.pt"
    assert forms.in_words("folder:/home/me/my_photos") == "my photos"
    assert forms.in_words("") == "none named"


@pytest.mark.parametrize(("verb", "tasks"), [("learn", 0), ("learn", 1), ("invert", 1)])
def test_at_most_four_settings_are_in_front(verb, tasks):
    assert 0 < len(forms.front(verb, tasks, Config())) <= 4 - (verb == "learn")


def test_a_slider_has_round_values_and_those_that_matter():
    rungs = forms.ladder(0, 1000, True, 50, 37)
    assert {0, 37, 50, 100, 1000} <= set(rungs)
    assert rungs == sorted(set(rungs))
    assert all(isinstance(rung, int) for rung in rungs)
    assert 0.15 in forms.ladder(0.0, 100.0, False, 0.15)


@pytest.mark.parametrize("value", [3, 0.15, 1e-4, True, (1, 2, 3), (), "keep"])
def test_settings_survive_the_address(value):
    assert state.parse(state.as_text(value), value) == value


def test_what_cannot_be_read_stays_text_for_validation_to_refuse():
    assert state.parse("many", 3) == "many"


@pytest.mark.parametrize(("value", "told"), [(157.3, "157"), (59.0, "59.0"), (2.9, "2.90"), (0.0, "0.00")])
def test_numbers_of_one_size_have_the_same_decimals(value: float, told: str):
    assert markup.number(value) == told
