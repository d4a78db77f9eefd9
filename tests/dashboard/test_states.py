"""What is on the Explore page in every state: which panels, what is told, and never a traceback.

The panels of the moment one looks at stay whatever a run does; only what is to be done next gives way to it.
"""

import time

import fake_core
import pytest
from streamlit.testing.v1 import AppTest
from test_ab import grow
from test_app import button, labels, new_experiment, open_page, texts, until

from cl_core.events import Diverged
from dashboard import work
from dashboard.job import REGISTRY, Step

LEARNED = [
    "Does it remember?", "Which task is remembered when?", "What does it dream?", "Do dreams live where reality does?",
    "How far off is each class?", "What is kept of the past?", "Does layer by layer win?", "What did learning pull on?",
]  # fmt: skip
INVERTED = "How does an image come out of a feature?"
SECOND_TASK = "Do the memories keep up?"
NEXT = "What next?"
EVERY = {*LEARNED, INVERTED, SECOND_TASK, NEXT}


def panels(page: AppTest) -> set[str]:
    """The questions that the panels ask."""
    assert not page.exception
    return {text.value.removeprefix("#### ") for text in page.markdown} & EVERY


@pytest.fixture
def learned(lab) -> AppTest:
    """An experiment of one's own that has learned its first task."""
    page = new_experiment(open_page().run())
    button(page, "Learn task 1").click().run()
    return until(page, "Invert after task 1")


@pytest.fixture
def inverted(learned: AppTest) -> AppTest:
    button(learned, "Invert after task 1").click().run()
    return until(learned, "Learn task 2")


def test_the_example_has_every_panel(lab):
    page = open_page().run()
    assert panels(page) == EVERY - {NEXT}
    assert "**What next?** Walk along the steps of this finished example" in texts(page)


def test_before_anything_is_learned_there_is_only_what_to_do(lab):
    assert panels(new_experiment(open_page().run())) == {NEXT}


def test_each_step_brings_what_it_has_to_show(learned: AppTest):
    assert panels(learned) == {*LEARNED, NEXT}
    assert "There are no synthetic images at this moment" in texts(learned)
    assert "There is nothing to compare at this moment" in texts(learned)
    button(learned, "Invert after task 1").click().run()
    until(learned, "Learn task 2")
    assert panels(learned) == {*LEARNED, INVERTED, NEXT}
    button(learned, "Learn task 2").click().run()
    until(learned, "Invert after task 2")
    assert panels(learned) == EVERY


def test_while_a_run_waits_and_computes_the_moment_stays(inverted: AppTest):
    other = new_experiment(open_page(machine__seed="1").run())
    fake_core.behaviour.pause = 0.05
    button(other, "Learn task 1").click().run()
    button(inverted, "Learn task 2").click().run()
    assert panels(inverted) == {*LEARNED, INVERTED}
    assert "1 run ahead of yours" in texts(inverted)
    button(other, "Cancel run").click().run()
    until(other, "Learn task 1")
    limit = time.monotonic() + 10
    while "ahead of yours" in texts(inverted):
        assert time.monotonic() < limit
        inverted.run()
    assert panels(inverted) == {*LEARNED, INVERTED}
    assert "Cancel run" in labels(inverted)


def test_after_a_cancel_the_moment_is_as_it_was_and_only_the_curve_until_then_is_left(inverted: AppTest):
    before = panels(inverted)
    fake_core.behaviour.pause = 0.05
    button(inverted, "Learn task 2").click().run()
    limit = time.monotonic() + 15
    while "How fast does the loss fall?" not in texts(inverted):
        assert time.monotonic() < limit
        inverted.run()
    button(inverted, "Cancel run").click().run()
    until(inverted, "Dismiss")
    assert panels(inverted) == before
    assert "What was computed before is kept" in texts(inverted)
    assert "none of it is kept" in texts(inverted)
    button(inverted, "Dismiss").click().run()
    assert "none of it is kept" not in texts(inverted)


def test_after_a_failure_the_moment_is_as_it_was_and_its_sentence_is_there(inverted: AppTest):
    before = panels(inverted)
    fake_core.behaviour.fail_at, fake_core.behaviour.error = "measure", Diverged("The loss became NaN.")
    button(inverted, "Learn task 2").click().run()
    until(inverted, "Dismiss")
    assert panels(inverted) == before
    assert "The loss became NaN." in inverted.error[0].value


def test_at_the_end_of_the_stream_what_else_there_is_to_try_is_told(inverted: AppTest):
    button(inverted, "Run to the end").click().run()
    until(inverted, "Run the same without replay")
    assert panels(inverted) == EVERY
    assert "Every task is learned" in texts(inverted)


def test_a_race_waits_behind_a_run_and_can_be_taken_back(lab, monkeypatch):
    node = grow(lab, to=2)[-1]
    page = open_page(node=node.id).run()
    before = panels(page)
    other = new_experiment(open_page(machine__seed="1").run())
    fake_core.behaviour.pause = 0.05
    button(other, "Learn task 1").click().run()

    def race(place, racers, units, folder):
        yield Step("Racing")

    monkeypatch.setattr(work, "race", race)
    button(page, "Race ·").click().run()
    assert "1 run ahead of yours" in texts(page)
    assert panels(page) == before  # a race grows no tree: the next step can be asked for
    page.button(key="cancel-race").click().run()
    job = REGISTRY.get(f"race-{node.id}")
    limit = time.monotonic() + 10
    while job.active:
        assert time.monotonic() < limit
        time.sleep(0.01)
    page.run()
    assert any(label.startswith("Race ·") for label in labels(page))


@pytest.mark.parametrize("split", ["validation", "test"])
def test_what_is_laid_over_stays_when_one_walks_along_the_path(inverted: AppTest, split: str):
    inverted.segmented_control(key="view.split").set_value(split).run()
    assert panels(inverted) == {*LEARNED, INVERTED, NEXT}
    button(inverted, "Undo").click().run()
    assert inverted.segmented_control(key="view.split").value == split
    assert panels(inverted) == {*LEARNED, NEXT}
