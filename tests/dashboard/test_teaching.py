"""The trials that teach are settings that exist, for every preset; estimates are corrected by what was spent."""

import fake_core
import pytest
from test_app import button, labels, open_page, texts

from cl_core import presets
from cl_core.config import Config, differences
from dashboard import estimate, forms, state, teaching
from dashboard.teaching import TRIALS

BY_NAME = {trial.name: trial for trial in TRIALS}


@pytest.mark.parametrize("preset", presets.PRESETS)
@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_a_trial_is_taken_and_left(trial, preset):
    base = presets.preset(preset)
    taken = teaching.take(trial, base)
    assert teaching.is_on(trial, taken)
    assert teaching.take(trial, taken) == taken
    assert {section for section, *_ in differences(base, taken)} <= set(state.STEP_SECTIONS)
    assert teaching.leave(trial, taken, base) == base
    assert (trial in teaching.offered(base)) == (taken != base)


def test_every_trial_is_offered_somewhere_and_says_what_to_look_for_in_a_sentence():
    offered = {trial.name for preset in presets.PRESETS for trial in teaching.offered(presets.preset(preset))}
    assert offered == set(BY_NAME)
    assert all(trial.look_for.endswith(".") and len(trial.look_for) < 220 for trial in TRIALS)


def test_selection_is_offered_where_it_is_not_and_the_other_way_round():
    names = {preset: {trial.name for trial in teaching.offered(presets.preset(preset))} for preset in ("paper", "demo")}
    assert "no-cfs" in names["paper"]
    assert "cfs" not in names["paper"]
    assert "cfs" in names["demo"]
    assert "no-cfs" not in names["demo"]


def test_two_trials_at_once_and_one_left():
    base = presets.preset("demo")
    both = teaching.take(BY_NAME["too-fast"], teaching.take(BY_NAME["no-replay"], base))
    assert teaching.leave(BY_NAME["no-replay"], both, base) == teaching.take(BY_NAME["too-fast"], base)


def test_a_click_takes_a_trial_says_what_to_look_for_and_another_click_goes_back(lab):
    root = fake_core.grown("pmi", lab, 0)[0]
    page = open_page(node=root.id, preset="demo").run()
    assert "No CFS" not in labels(page)
    button(page, "Labels only").click().run()
    assert page.query_params["invert.label_weight"] in ("1", ["1"])
    assert "look like noise" in texts(page)
    button(page, "Reset all").click().run()
    button(page, "No replay").click().run()
    assert page.query_params["learn.strategy"] in ("finetune", ["finetune"])
    button(page, "No replay").click().run()
    assert "learn.strategy" not in page.query_params
    assert "look like noise" not in texts(page)
    assert "unchanged" in texts(page)


def test_every_control_says_what_it_is_its_range_and_the_paper_s_value():
    for section in ("learn", "invert", "stream", "network", "machine"):
        for name in vars(getattr(Config(), section)):
            f, text = forms.spec(section, name), forms.help_text(section, name, presets.preset("demo"), "demo")
            assert f.metadata["help"] in text
            of_paper = (section, name) not in forms.ONLY["clip"]  # whose settings are not the paper's
            assert (f"The paper: {forms.in_words(f.default)}" in text) == of_paper
            if f.metadata["low"] is not None:
                assert f"From {f.metadata['low']:g} to {f.metadata['high']:g}." in text


@pytest.mark.parametrize("verb", ["learn", "invert"])
def test_four_are_in_front(verb):
    assert len([f for f in forms.front(verb, 2, presets.preset("demo")) if f[1] != "strategy"]) <= 4


def test_what_is_to_come_is_corrected_by_what_was_spent():
    assert estimate.corrected([10.0, 10.0], [5.0, 5.0, 10.0, 10.0], []) == 20.0
    assert estimate.corrected([10.0, 10.0], [5.0, 5.0, 10.0, 10.0], [10.0, 10.0]) == 40.0
    assert estimate.corrected([10.0], [None, 4.0, 10.0], [7.0, 2.0]) == 5.0
    assert estimate.corrected([None], [5.0], [5.0]) is None
    assert estimate.corrected([], [5.0], [5.0]) == 0.0
