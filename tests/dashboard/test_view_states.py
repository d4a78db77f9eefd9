"""What is laid over the curves, the drift view and the CLIP page in each state of what computes: nothing that is there

goes away because something else is asked for, waits, computes, is stopped, fails or ends.
"""

import threading
import time
from collections.abc import Callable, Iterator

import fake_core
import numpy as np
import pytest
import test_clip_page
from streamlit.testing.v1 import AppTest
from test_ab import grow
from test_app import button, labels, open_page, texts, until
from test_clip_page import open_clip_page
from test_newcomers import asked, found  # noqa: F401  (a fixture)
from test_overlay import laid

from cl_core.datasets import DataError
from cl_core.events import Diverged
from cl_core.pretraining import contest
from dashboard import drift, newcomers
from dashboard.job import REGISTRY, Step

reader = test_clip_page.reader  # in the place of the small CLIP, for every test here


def when(page: AppTest, there: Callable[[], bool]) -> None:
    """Poll, as a browser would, until that is so."""
    limit = time.monotonic() + 10
    while not there():
        assert time.monotonic() < limit, texts(page)
        time.sleep(0.02)
        page.run()
    assert not page.exception


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What waits for it goes on when it is set, at the latest at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


# What is laid over the curves, and the drift view, while the next task is learned.


@pytest.fixture
def page(lab) -> AppTest:
    """Two tasks are learned, and another branch is laid over their curves."""
    path = grow(lab, to=4)
    branch = grow(lab, {}, {}, {"learn": {"epochs": 3}}, to=4)
    page = open_page(node=path[-1].id).run()
    laid(page).set_value([next(option for option in laid(page).options if "Branch" in option)]).run()
    assert page.session_state[f"view.overlay.{path[0].id}"] == [branch[-1].id]
    stays(page, 2)
    return page


def stays(page: AppTest, tasks: int) -> None:
    """The branch is laid over, under the curves it is told so, and the panels of drift are those of so many tasks."""
    assert len(laid(page).value) == 1
    assert next(option for option in laid(page).options if "Branch" in option) in texts(page)
    assert f"the network after task {tasks};" in texts(page)


def test_they_stay_while_a_run_computes_and_after_it_is_cancelled(page: AppTest):
    fake_core.behaviour.pause = 0.05
    button(page, "Learn task 3").click().run()
    assert "Cancel run" in labels(page)
    stays(page, 2)
    button(page, "Cancel run").click().run()
    until(page, "Learn task 3")
    stays(page, 2)


def test_they_stay_when_a_run_fails(page: AppTest):
    fake_core.behaviour.fail_at, fake_core.behaviour.error = "measure", Diverged("The loss became NaN.")
    button(page, "Learn task 3").click().run()
    until(page, "Dismiss")
    stays(page, 2)


def test_when_a_run_is_done_the_drift_view_has_its_network_and_the_branch_is_still_laid_over(page: AppTest):
    button(page, "Learn task 3").click().run()
    until(page, "Invert after task 3")
    stays(page, 3)


def test_features_that_cannot_be_read_are_a_sentence_in_the_drift_view_alone(lab, monkeypatch):
    def damaged(*about: object) -> list[drift.Step]:
        raise DataError("The features of task 2 cannot be read.")

    monkeypatch.setattr(drift, "steps", damaged)
    page = open_page().run()
    assert not page.exception
    assert [info.value for info in page.info] == ["The features of task 2 cannot be read."]
    assert "How does an image come out of a feature?" in texts(page)  # the panel below


# The CLIP page: names that compete.


def test_while_an_answer_is_awaited_the_last_one_stays(lab, gate: threading.Event, monkeypatch):
    def hold(clip: object, images: np.ndarray, prompts: list[list[str]]) -> np.ndarray:
        gate.wait(10)
        return np.full((len(images), len(prompts)), 1 / len(prompts), np.float32)

    monkeypatch.setattr(contest, "hold", hold)
    page = open_clip_page()
    before = texts(page).count("tooth")
    page.text_area(key="w.names").set_value("a cat\na dog").run()
    when(page, lambda: "Asking …" in texts(page))
    assert texts(page).count('class="il-rival"') == 12
    assert texts(page).count("tooth") == before
    assert "a cat" not in texts(page)
    gate.set()
    when(page, lambda: "a cat" in texts(page))
    assert "Asking …" not in texts(page)


# The CLIP page: a class never shown.


def busy_until(gate: threading.Event) -> None:
    """A run of somebody else."""

    def work() -> Iterator[Step]:
        yield Step("Another's")
        while not gate.wait(0.01):
            yield Step("Another's")

    REGISTRY.submit("Another's", work)


def test_a_class_never_shown_waits_behind_a_run_and_comes(asked, gate: threading.Event):  # noqa: F811
    busy_until(gate)
    page = open_clip_page()
    when(page, lambda: "Waiting: 1 run ahead of yours …" in texts(page))
    assert "Turned as the words turn" not in texts(page)
    gate.set()
    when(page, lambda: "Turned as the words turn" in texts(page))
    assert "Waiting" not in texts(page)


def test_what_nobody_waits_for_any_more_is_not_computed(asked, gate: threading.Event):  # noqa: F811
    busy_until(gate)
    page = open_clip_page()
    page.slider(key="w.unseen-k").set_value(1).run()
    gate.set()
    when(page, lambda: "Turned as the words turn" in texts(page))
    assert [what.config.k for what in asked] == [1]


def test_a_dream_waits_is_stopped_and_can_be_asked_for_again(asked, gate: threading.Event, monkeypatch):  # noqa: F811
    begun: list[newcomers.Asked] = []

    def dreaming(what: newcomers.Asked) -> Iterator[Step]:
        begun.append(what)
        while True:
            yield Step("Dreaming")
            time.sleep(0.01)

    monkeypatch.setattr(newcomers, "dreaming", dreaming)
    page = open_clip_page()
    when(page, lambda: "Turned as the words turn" in texts(page))
    busy_until(gate)
    button(page, "Dream pictures of it").click().run()
    assert "Waiting: 1 run ahead" in str(page.get("progress")[0].proto)
    assert not begun
    gate.set()
    when(page, lambda: "Dreaming" in str(page.get("progress")[0].proto))
    button(page, "Stop").click().run()
    when(page, lambda: any("Dream pictures of it" in label for label in labels(page)))
    assert not page.error
    assert "Turned as the words turn" in texts(page)
    button(page, "Dream pictures of it").click().run()
    when(page, lambda: len(begun) == 2)
