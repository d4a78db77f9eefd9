"""A class never shown: the charts' numbers, and the section of the page with an answer that needs no torch."""

import time
from dataclasses import dataclass

import numpy as np
import pytest
from test_app import button, texts
from test_clip_page import open_clip_page

from cl_core.config import ConfigError, UnseenConfig
from cl_core.events import Event
from dashboard import newcomers
from dashboard.charts import newcomer as charts
from dashboard.job import REGISTRY, Step
from dashboard.newcomers import BEFORE, FEATURES, Asked, Found
from dashboard.palette import INKS, colour

INK = INKS["light"]


@dataclass(frozen=True)
class Lender:
    """As cl_core.unseen's, which brings torch."""

    index: int
    name: str
    cosine: float
    angle: float


@dataclass(frozen=True)
class Plane:
    lender: Lender
    before: np.ndarray
    after: np.ndarray
    truth: np.ndarray
    new: np.ndarray


@dataclass(frozen=True)
class Guess:
    name: str
    cosine: float
    about: float | None


@dataclass(frozen=True)
class Accuracy:
    total: float
    old: float
    new: float


def turned(lender: Lender, truth: int = 2) -> Plane:
    """Three features, turned by the lender's angle."""
    theta = np.radians(lender.angle)
    before = np.array([[0.5, 0.0], [0.4, 0.1], [0.4, -0.1]])
    rotation = np.array([[np.cos(theta), np.sin(theta)], [-np.sin(theta), np.cos(theta)]])
    return Plane(lender, before, before @ rotation, np.full((truth, 2), 0.3), np.array([np.cos(theta), np.sin(theta)]))


def found(name: str, truth: bool = True) -> Found:
    lenders = (Lender(3, "cat", 0.9, 26.0), Lender(0, "<b>dog</b>", 0.5, 60.0))
    cloud = {
        "draws": np.arange(8.0).reshape(4, 2), "lender": np.array([0, 0, 1, 1]), "projected": np.ones((3, 2)),
        "truth": np.zeros((2 * truth, 2)), "explained": np.array([0.5, 0.25]),
    }  # fmt: skip
    guesses = (Guess("projected features", 0.94, 0.7), Guess("mean of the old classes", 0.89, None)) if truth else ()
    pictures = np.zeros((2, 3, 32, 32), np.uint8)
    new = (0.1, 0.4) if truth else (float("nan"),) * 2
    return Found(
        name, 40, lenders, tuple(turned(of, 2 * truth) for of in lenders), pictures, pictures[: 2 * truth], cloud,
        guesses, True if truth else None,
        {BEFORE: Accuracy(0.5, 0.6, new[0]), FEATURES: Accuracy(0.7, 0.62, new[1])},
    )  # fmt: skip


@pytest.fixture
def asked(lab, monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """What the page asks for, answered without the small CLIP."""
    every: list[Asked] = []

    def answering(what: Asked):
        every.append(what)
        yield Step("Projecting")
        if "zany" in what.name:
            raise ConfigError("The small CLIP has never read “zany”; say it in other, simpler words.")
        return found(what.name, truth=what.name != "unicorn")

    monkeypatch.setattr(newcomers, "answering", answering)
    monkeypatch.setattr(REGISTRY, "_jobs", {})
    return every


def shown(**parameters: str):
    page = open_clip_page(**parameters)
    return again(page)


def again(page):
    limit = time.monotonic() + 10
    while any(job.active for job in REGISTRY._jobs.values()):
        assert time.monotonic() < limit
        time.sleep(0.01)
    page.run()
    assert not page.exception
    return page


# Charts.


def test_the_plane_shows_the_texts_on_the_unit_circle_and_the_turn_between_the_means():
    plane = turned(Lender(0, "cat", 0.5, 60.0))
    drawn = charts.plane(plane, 0, "lion", INK)
    old, new = drawn.data[2], drawn.data[3]
    assert (old.x[1], old.y[1]) == (1, 0)
    assert np.hypot(new.x[1], new.y[1]) == pytest.approx(1, abs=1e-5)
    assert new.line.color == colour(0)
    arrow = drawn.layout.annotations[-1]
    np.testing.assert_allclose([arrow.ax, arrow.ay], plane.before.mean(0))
    np.testing.assert_allclose([arrow.x, arrow.y], plane.after.mean(0))
    assert [trace.marker.symbol.endswith("-open") for trace in drawn.data[4:]] == [True, True, False]
    assert [trace.marker.color for trace in drawn.data[4:6]] == ["rgba(230,159,0,1)", "rgba(0,114,178,1)"]
    assert "θ = 60°" in [note.text for note in drawn.layout.annotations]


def test_without_real_features_none_are_drawn():
    assert len(charts.plane(turned(Lender(0, "cat", 0.5, 60.0), 0), 0, "lion", INK).data) == 6
    names = [trace.name for trace in charts.cloud(found("lion", False).cloud, ["cat", "dog"], "lion", INK).data]
    assert names == ["cat: drawn", "dog: drawn", "lion: projected"]


def test_a_persons_words_are_no_markup_in_a_chart():
    drawn = charts.cloud(found("x").cloud, ["cat", "dog"], "<b>x</b>", INK)
    assert drawn.data[2].name == "&lt;b&gt;x&lt;/b&gt;: projected"
    assert (
        "&lt;b&gt;x" in charts.plane(turned(Lender(0, "cat", 0.5, 60.0)), 0, "<b>x</b>", INK).layout.annotations[1].text
    )


# The section of the page.


def test_the_first_class_is_there_by_itself(asked):
    page = shown()
    assert asked == [Asked("things", "spider", UnseenConfig())]
    assert len(page.get("plotly_chart")) == 3  # the plane, the cloud; and the report below
    for words in (
        "was kept from the small CLIP",
        "cos 0.90 · θ 26°",
        "<b>0.940</b>",
        "0.700",
        "never seen by the method",
    ):
        assert words in texts(page)
    assert "&lt;b&gt;dog&lt;/b&gt;" in texts(page)
    assert "40\u202f%" in texts(page)


def test_a_class_of_ones_own_and_settings_stand_in_the_address(asked):
    page = shown(world="clothes", newcomer="unicorn")
    assert page.selectbox(key="w.newcomer").options[0] == "unicorn"
    assert "Nobody knows" in texts(page)
    assert '<td class="il-number">–</td>' in texts(page)
    page.slider(key="w.unseen-k").set_value(1).run()
    page.segmented_control(key="w.unseen-spread").set_value("average").run()
    again(page)
    assert page.query_params["unseen.k"] == "1"
    assert asked[-1] == Asked("clothes", "unicorn", UnseenConfig(k=1, spread="average"))
    page.segmented_control(key="w.world").set_value("things").run()
    again(page)
    assert asked[-1].name == "spider"
    assert "newcomer" not in page.query_params


def test_a_name_never_read_is_a_sentence_and_what_was_found_stays(asked):
    page = shown()
    page.session_state["addresses"]["clip"] = {"newcomer": "zany"}  # AppTest cannot type into a list of names
    again(page.run())
    assert ["never read “zany”" in error.value for error in page.error] == [True]
    assert len(page.get("plotly_chart")) == 3  # the plane, the cloud; and the report below
    assert "“spider” was kept" in texts(page)


def test_bad_settings_in_the_address_are_told(asked):
    page = open_clip_page(**{"unseen.k": "many", "unseen.shift": "7", "world": "mars", "newcomer": ""})
    assert not page.exception
    for words in ("a whole number from 1 to 50", "a number from 0 to 1", "“mars”"):
        assert words in texts(page)
    again(page)
    assert asked[-1] == Asked("things", "spider", UnseenConfig())
    assert button(page, "Other pictures")


@dataclass(frozen=True)
class Dream:
    images: np.ndarray
    cosine: float | None
    learned: Accuracy


def test_pictures_are_dreamed_when_asked_for_and_stand_beside_the_real_ones(asked, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (24, 3, 32, 32), dtype=np.uint8)
    going: list[bool] = []

    def dreaming(what: Asked):
        yield Step("Dreaming")
        while not going:
            time.sleep(0.01)
            yield Event("refine", 1, 4, 0.25, losses={"total": 1.0}, images=images.transpose(0, 2, 3, 1)[:8])
        return Dream(images, 0.77, Accuracy(0.71, 0.63, 0.39))

    monkeypatch.setattr(newcomers, "dreaming", dreaming)
    page = shown()
    button(page, "Dream pictures of it").click().run()
    limit = time.monotonic() + 10
    while not any("Refining" in str(part.proto) for part in page.get("progress")):
        assert time.monotonic() < limit
        page.run()
    assert "Pictures as they form" in texts(page)
    going.append(True)
    again(page)
    assert "Dreamed pictures" in texts(page)
    assert "Real pictures" in texts(page)
    assert "features of the dreamed pictures" in texts(page)
    assert "39\u202f%" in texts(page)
    page.slider(key="w.unseen-k").set_value(1).run()
    again(page)
    assert button(page, "Dream pictures of it")  # other settings: other pictures


def test_a_dream_that_fails_is_a_sentence_and_one_that_is_stopped_can_be_asked_for_again(asked, monkeypatch):
    def failing(what: Asked):
        yield Step("Dreaming")
        raise ConfigError("This cannot be dreamed.")

    monkeypatch.setattr(newcomers, "dreaming", failing)
    page = shown()
    button(page, "Dream pictures of it").click().run()
    again(page)
    assert page.error[0].value == "This cannot be dreamed."
    assert button(page, "Dream pictures of it")


def test_old_classes_are_asked_how_far_to_learn_and_what_came_of_it_stands_beside(asked, monkeypatch):
    def advising(what: Asked):
        yield Step("Old classes play the new one, each in turn")
        if what.config.k == 2:
            raise ConfigError("There are too few old classes.")
        return newcomers.Advice(30, 3.0, Accuracy(0.72, 0.64, 0.38))

    monkeypatch.setattr(newcomers, "advising", advising)
    page = shown()
    assert newcomers.ADVISED not in texts(page)
    button(page, "Ask the old classes").click().run()
    again(page)
    assert "**30 steps**" in texts(page)
    assert newcomers.ADVISED in texts(page)
    assert "38\u202f%" in texts(page)
    page.slider(key="w.unseen-k").set_value(2).run()
    button(again(page), "Ask the old classes").click().run()
    assert again(page).error[0].value == "There are too few old classes."
    assert newcomers.ADVISED not in texts(page)
