"""The lessons: their data fits the core, their sentences tell both outcomes, and the page runs them to the end."""

import dataclasses
import time
from collections.abc import Mapping

import fake_core
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from test_app import APP, button, drawn, labels, texts, until

from cl_core import presets, strategies
from cl_core.config import Config, ConfigError, differences
from cl_core.snapshot import Snapshot
from dashboard import forms, glossary, library, markup, state
from dashboard.job import REGISTRY
from dashboard.lessons import LESSONS, Lesson, measures, runs

PAGE = """
import streamlit as st
from dashboard import state
from dashboard.views import lessons
state.enter("lessons")
lessons.page(st.Page(lambda: None, title="E"))
"""
BY_KEY = {lesson.key: lesson for lesson in LESSONS}
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.key)


def open_lessons(**parameters: str) -> AppTest:
    page = AppTest.from_string(PAGE, default_timeout=30)
    for name, value in parameters.items():
        page.query_params[name] = value
    return page.run()


def run_through(key: str, option: str) -> AppTest:
    """Predict, run, and wait for what comes out."""
    page = open_lessons(lesson=key)
    page.radio(key=f"view.guess-{key}").set_value(option).run()
    button(page, "Run it").click().run()
    return until(page, "Predict again")


def taken(node: Snapshot, verb: str, config: Config) -> Snapshot:
    """The step after a snapshot."""
    work = fake_core.grow(node, verb, config, None)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


# The data of the lessons.


@every_lesson
def test_a_lesson_is_made_of_settings_and_strategies_that_exist(lesson: Lesson):
    for arm in lesson.arms:
        strategies.get(arm.strategy)
        config = runs.settings(lesson, arm)  # raises for a setting that does not exist or is out of range
        assert all(section in state.STEP_SECTIONS for section, *_ in differences(runs.base(lesson), config))
        moves = runs.path(lesson, arm)
        assert (moves[-1].verb, moves[-1].tasks + (moves[-1].verb == "learn")) == lesson.until
        assert lesson.from_first or moves[0].config == runs.base(lesson)  # the first step is shared
    assert len({runs.path(lesson, arm) for arm in lesson.arms}) == len(lesson.arms)
    configs = [runs.settings(lesson, arm) for arm in lesson.arms]
    assert lesson.tries_on in {arm.name for arm in lesson.arms}
    for section, field in (lesson.control, lesson.tries):
        assert forms.spec(section, field).metadata["label"]
    values = {getattr(getattr(config, lesson.control[0]), lesson.control[1]) for config in configs}
    assert len(values) > 1 or lesson.control == lesson.tries


@every_lesson
def test_a_lesson_says_what_it_has_to_say(lesson: Lesson):
    from dashboard.views.lesson_figures import FIGURES

    assert lesson.question.endswith("?")
    assert 2 <= len(lesson.options) <= 4
    assert lesson.figures
    assert set(lesson.figures) <= set(FIGURES)
    assert all(text.endswith((".", "?")) for text in (lesson.story, lesson.explanation, lesson.look_for))
    assert lesson.equation.count("{") == lesson.equation.count("}")
    assert lesson.where.count("$") % 2 == 0


def test_the_lessons_share_one_root_and_their_first_step():
    assert len({lesson.key for lesson in LESSONS}) == len(LESSONS) == 9
    quick = [lesson for lesson in LESSONS if lesson.preset == "quick"]
    assert all(runs.base(lesson).override({"stream": {"tasks": 0}}) == presets.preset("quick") for lesson in quick)
    firsts = {runs.path(lesson, arm)[0].identity for lesson in quick for arm in lesson.arms}
    assert len(firsts) == 2  # channel and class-position statistics
    assert len(quick) == 8  # the others need another network


@every_lesson
def test_a_value_of_one_s_own_is_a_run_of_its_own_and_a_bad_one_is_refused(lesson: Lesson):
    section, field = lesson.tries
    f = forms.spec(section, field)
    choices = forms.options(section, field, f.default)
    values = choices or (f.metadata["low"], f.metadata["high"])
    arms = [runs.with_value(lesson, value) for value in values]
    assert [getattr(getattr(runs.settings(lesson, arm), section), field) for arm in arms] == list(values)
    with pytest.raises(ConfigError):
        runs.with_value(lesson, "nonsense" if choices else f.metadata["high"] + 1)


# The sentences. For each answer of each lesson, numbers that bear it out.

OUTCOMES: dict[str, dict[str, Mapping[str, Mapping[str, float]]]] = {
    "forgetting": {
        answer: {"finetune": {"old": old, "new": 0.9, "total": 0.4}, "joint": {"old": 0.85, "new": 0.9, "total": 0.9}}
        for answer, old in (("well", 0.8), ("half", 0.45), ("gone", 0.01))
    },
    "replay": {
        answer: {"pmi": {"old": old, "new": 0.85, "total": old}, "finetune": {"old": 0.02, "new": 0.95, "total": 0.3}}
        for answer, old in (("all", 0.85), ("part", 0.5), ("nothing", 0.05))
    },
    "layers": {
        answer: {
            "layers": {"start": 2.0, "layers": left, "end": 0.3},
            "halves": {"start": 0.8, "layers": 0.5, "end": 0.3},
        }
        for answer, left in (("there", 0.2), ("way", 1.0), ("noise", 4.5))
    },
    "duration": {
        "few": {"few": {"end": 0.1}, "enough": {"end": 0.2}, "fast": {"end": 0.3}},
        "enough": {"few": {"end": 0.4}, "enough": {"end": 0.03}, "fast": {"end": 0.3}},
        "fast": {"few": {"end": 0.4}, "enough": {"end": 0.2}, "fast": {"end": 0.1}},
    },
    "gaussians": {
        answer: {
            "gaussians": {"old": 0.8, "total": alone, "lda": alone},
            "pmi": {"old": 0.7, "total": 0.73, "lda": 0.86},
        }
        for answer, alone in (("worse", 0.6), ("equal", 0.74), ("better", 0.86))
    },
    "drift": {
        answer: {"re-estimate": {"off": again, "lda": 0.8, "old": 0.7}, "affine": {"off": 0.1, "lda": 0.85, "old": 0.7}}
        for answer, again in (("images", 0.05), ("map", 0.4), ("equal", 0.105))
    },
    "leaks": {
        answer: {"channel": {"drawn": channel, "dreamed": 0.8}, "position": {"drawn": position, "dreamed": 0.95}}
        for answer, (channel, position) in {
            "neither": (0.0, 0.1),
            "position": (0.0, 0.99),
            "channel": (0.9, 0.1),
            "both": (0.9, 0.99),
        }.items()
    },
    "diversity": {
        answer: {
            "cfs": {"old": chosen, "total": 0.7, "spread": 0.8},
            "random": {"old": 0.7, "total": 0.7, "spread": 0.7},
        }
        for answer, chosen in (("cfs", 0.8), ("equal", 0.71), ("random", 0.6))
    },
    "clip": {
        answer: {
            "pmi": {"zero": 0.7, "old": 0.7, "new": 0.8, "total": 0.75},
            "finetune": {"zero": 0.7, "old": 0.1, "new": 0.9, "total": total},
        }
        for answer, total in (("more", 0.8), ("same", 0.71), ("less", 0.3))
    },
}


@every_lesson
def test_the_sentence_follows_the_numbers_to_every_answer(lesson: Lesson):
    outcomes = OUTCOMES[lesson.key]
    assert set(outcomes) == set(lesson.options)
    sentences = set()
    for answer, numbers in outcomes.items():
        assert {key for of in numbers.values() for key in of} <= set(lesson.measures)
        verdict = lesson.verdict(numbers)
        assert verdict.answer == answer
        assert verdict.sentence.endswith(".")
        sentences.add(verdict.sentence)
    assert len(sentences) == len(outcomes)


def test_the_sentence_quotes_the_numbers_it_was_given():
    told = BY_KEY["replay"].verdict(OUTCOMES["replay"]["part"]).sentence
    assert markup.percent(0.5) in told
    assert markup.percent(0.02) in told
    assert f"{markup.percent(0.10)} less on the newest task" in told
    assert "Another one is as good" in BY_KEY["duration"].verdict(
        {"few": {"end": 0.105}, "enough": {"end": 0.1}, "fast": {"end": 0.5}}
    ).sentence  # fmt: skip


# The numbers of a snapshot.


def test_distances_are_in_units_of_the_class_and_channel_statistics_draw_nothing(lab):
    leaf = lab.load(fake_core.grown("pmi", lab, 2)[-1].id)
    view = dict(leaf.arrays)
    n = len(view["film/labels"])
    d = view["view/film"].shape[-1]
    spreads = np.linspace(1, 3, d)
    view["view/gaussian_covariance"] = np.repeat(np.diag(spreads**2)[None], leaf.classes_seen, 0)
    view["view/film_targets"] = np.zeros((n, d))
    view["view/film"] = np.broadcast_to(2 * spreads, view["view/film"].shape)
    moved = dataclasses.replace(leaf, arrays=view)
    assert measures.in_the_end(moved) == pytest.approx(4.0, rel=0.05)  # two deviations in every dimension
    assert measures.likeness(leaf) == 0.0
    assert measures.drawn(leaf).std() == 0


def test_a_mean_image_looks_like_its_class(lab):
    lesson = BY_KEY["leaks"]
    config = runs.settings(lesson, lesson.arms[1])
    learned = taken(fake_core.start(config), "learn", config)
    assert measures.likeness(taken(learned, "invert", config)) > 0.95


# The page.


@every_lesson
def test_a_lesson_runs_to_its_end(lab, lesson: Lesson):
    page = run_through(lesson.key, next(iter(lesson.options)))
    assert not page.exception
    assert not page.error
    assert page.query_params["lesson"] in (lesson.key, [lesson.key])
    told = texts(page)
    assert "s you predicted" in told
    assert lesson.look_for[:30].split("’")[0] in told
    assert [latex.value.strip("$\n ") for latex in page.latex] == [lesson.equation]
    assert drawn(page) >= (lesson.key != "leaks")
    assert f"1 of {len(LESSONS)} done" in [pills.label for pills in page.get("button_group")] or "1 of" in str(
        page.main
    )


def test_a_step_that_is_there_appears_at_once_and_a_prediction_is_not_required(lab):
    run_through("replay", "part")
    page = open_lessons(lesson="replay")
    assert "What came out" not in texts(page)  # not before one asks for it
    button(page, "it is there already").click().run()
    assert "You made no prediction" in texts(page)
    assert "run" not in page.query_params
    button(page, "Predict again").click().run()
    assert "guess" not in page.query_params


def test_a_run_can_be_cancelled_found_again_and_taken_up(lab):
    fake_core.behaviour.pause = 0.03
    page = open_lessons(lesson="forgetting")
    button(page, "Run it").click().run()
    address = {name: value if isinstance(value, str) else value[0] for name, value in page.query_params.items()}
    again = open_lessons(**address)  # a refresh
    assert "Cancel run" in labels(again)
    button(again, "Cancel run").click().run()
    fake_core.behaviour.pause = 0.0
    limit = time.monotonic() + 15
    while "What was computed before is kept" not in texts(again):  # told once the run has stopped
        assert time.monotonic() < limit
        again.run()
    assert "What came out" not in texts(again)
    button(again, "Run it").click().run()
    until(again, "Predict again")
    assert not again.exception


def test_a_failure_is_a_sentence_and_the_next_run_works(lab):
    fake_core.behaviour.fail_at = "measure"
    page = open_lessons(lesson="forgetting")
    button(page, "Run it").click().run()
    until(page, "Dismiss")
    assert "halve the step size" in page.error[0].value
    fake_core.behaviour.fail_at = ""
    button(page, "Dismiss").click().run()
    button(page, "Run it").click().run()
    until(page, "Predict again")


def test_another_value_is_run_beside_the_lesson_s_own(lab):
    page = run_through("duration", "fast")
    assert "among the runs above" in texts(page)
    page.select_slider(key="w.lesson.invert.full_iterations").set_value(20).run()
    assert page.query_params["try"] in ("20", ["20"])
    button(page, "Run it with this value").click().run()
    limit = 200
    while "run" in page.query_params and limit:
        page.run()
        limit -= 1
    assert "“Yours”" in texts(page)
    assert ">Yours</b>" in texts(page)
    assert not page.exception


def test_open_in_explore_is_that_snapshot_with_its_settings(lab):
    run_through("layers", "way")
    tree = library.find(library.experiments()[0].id)
    arm = BY_KEY["layers"].arms[0]
    leaf = runs.walk([tree], runs.path(BY_KEY["layers"], arm))[1][-1]
    address = state.address_to(leaf)
    page = AppTest.from_file(str(APP), default_timeout=30)
    for name, value in address.items():
        page.query_params[name] = value
    page.run().run()
    assert not page.exception
    assert not page.warning
    assert page.query_params["node"] in (leaf.id, [leaf.id])
    assert page.query_params["invert.groups"] in ("layers", ["layers"])


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"lesson": "magic"}, "lesson “magic”"),
        ({"lesson": "drift", "guess": "perhaps"}, "prediction “perhaps”"),
        ({"lesson": "drift", "run": "gone"}, "The run in the address is over"),
    ],
)
def test_a_bad_address_is_told(lab, parameters, told):
    page = open_lessons(**parameters)
    assert not page.exception
    assert told in page.warning[0].value
    assert not page.run().warning


def test_a_value_in_the_address_that_is_out_of_range_is_told(lab):
    run_through("duration", "few")
    page = open_lessons(lesson="duration", guess="few", **{"try": "-3"})
    assert not page.exception
    assert "cannot be used" in page.warning[0].value


def test_the_time_is_told_before_the_run(lab):
    page = open_lessons(lesson="forgetting")
    assert any("Run it · about" in label or "Run it · under" in label for label in labels(page))
    assert not any(job.active for job in REGISTRY._jobs.values())


# The glossary.


def test_a_term_is_told_once_and_text_is_escaped():
    html = markup.terms("Forgetting is <b>forgetting</b> & replay.")
    assert html.count('class="il-term"') == 2
    assert "<b>" not in html
    assert "&lt;b&gt;forgetting&lt;/b&gt; &amp; " in html
    assert 'tabindex="0"' in html


def test_a_longer_term_goes_before_a_part_of_it_and_parts_of_words_do_not_count():
    found = [term.name for _, term in glossary.parts("Average incremental accuracy of a headless stream") if term]
    assert found == ["average incremental accuracy", "task stream"]
    text = "Targets, CFS and the Fréchet distance."
    assert "".join(piece for piece, _ in glossary.parts(text)) == text


def test_the_glossary_s_terms_are_sentences_in_order():
    names = [term.name for term in glossary.TERMS]
    assert names == sorted(set(names), key=str.lower)
    assert all(term.says.endswith(".") and len(term.says) < 140 for term in glossary.TERMS)
    assert Config().learn.strategy in strategies.names()
