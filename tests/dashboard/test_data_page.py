"""The Data page without a browser: what is shown, what is said when it cannot be, fetching, and the way to Explore."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from test_app import button, labels, texts

from cl_core import datasets
from cl_core.datasets import DataError, vision
from dashboard import fetch
from dashboard.job import REGISTRY, Step
from dashboard.views import data


def script() -> None:
    """As dashboard/app.py, with the Data page first."""
    import streamlit as st

    from dashboard import state
    from dashboard.views import data, explore

    other = st.Page(lambda: None, title="A/B", url_path="ab")
    to = st.Page(lambda: explore.page(other), title="Explore", url_path="explore")
    current = st.navigation([st.Page(lambda: data.page(to), title="Data", default=True, url_path="data"), to, other])
    state.enter(current.url_path or "data")
    current.run()
    state.tell_browser()


def open_data(name: str | None = None) -> AppTest:
    page = AppTest.from_function(script, default_timeout=30)
    if name is not None:
        page.query_params["data"] = name
    return page.run()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Cats, mugs and plants, of any size."""
    for c, (name, count) in enumerate((("cats", 40), ("mugs", 8), ("plants & co", 50))):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (20 + i, 30), (80 * c, 5 * i, 90)).save(tmp_path / "photos" / name / f"{i}.jpg")
    return tmp_path / "photos"


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVERSION_LAB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(fetch.FETCHES, "_jobs", {})


def errors(page: AppTest) -> list[str]:
    return [error.value for error in page.error]


def test_the_bundled_images_are_shown_at_first(lab):
    page = open_data()
    assert not page.exception
    for words in ("Fashion-MNIST", "14\u202f000", "Ankle boot", "<b>10000</b>", "Licence: MIT", "of the first task"):
        assert words in texts(page)
    assert "data:image/png;base64" in texts(page)
    assert [label for label in labels(page) if label.startswith("Fetch")] == [
        f"Fetch {size}\u202fMB" for size in ("11.6", "21.3", "30.9", "246", "170", "169")
    ]


def test_a_folder_of_ones_own(lab, photos: Path):
    page = open_data()
    page.text_input(key="w.folder").set_value(f'"{photos}" ').run()
    assert not page.exception
    assert page.query_params["data"] == f"folder:{photos}"
    assert "plants &amp; co" in texts(page)
    assert "“mugs” has only 6 images to learn from; more would help." in texts(page)
    assert "turned upright" in texts(page)
    assert "2 tasks of up to 2 classes" in texts(page)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("folder:/no/such/folder", "There is no folder /no/such/folder"),
        ("folder:", "needs a path"),
        ("cifar-10", "`python -m cl_core data cifar-10 --fetch`"),
        ("martians", "There is no data set “martians”"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_the_rest_of_the_page_stays(lab, name: str, sentence: str):
    page = open_data(name)
    assert not page.exception
    assert len(errors(page)) == 1
    assert sentence in errors(page)[0]
    assert "Learn from these images" not in labels(page)
    button(page, "Look").click().run()
    assert not errors(page)
    assert "Learn from these images" in labels(page)


def test_learning_from_them_opens_the_form_on_the_explore_page(lab, photos: Path):
    page = open_data(f"folder:{photos}")
    button(page, "Learn from these images").click().run()
    page.run()  # a browser would come again for the rest of the page
    assert not page.exception
    assert page.title[0].value == "Inversion Lab"
    assert page.selectbox(key="w.new.stream.data").value == f"folder:{photos}"
    button(page, "Create the experiment").click().run()
    while any(job.active for job in REGISTRY._jobs.values()):
        time.sleep(0.01)
    page.run()
    assert not page.exception
    assert "Learn task 1" in " ".join(labels(page))
    assert "plants &amp; co" in texts(page)


def test_fetching_shows_how_far_it_is_and_then_the_images(lab, monkeypatch: pytest.MonkeyPatch):
    """A work in the place of the download, which goes on when the test says so."""
    here: list[str] = []

    def work(name: str):
        yield Step("Fetching MNIST")
        yield fetch.Arrived(0.25)
        while not here:
            time.sleep(0.01)
            yield fetch.Arrived(0.5)

    monkeypatch.setattr(fetch, "fetching", work)
    monkeypatch.setattr(vision, "on_disk", lambda name: name in here)
    bundled = datasets.load("fashion-mnist")
    monkeypatch.setattr(vision, "load", lambda name: bundled)
    page = open_data()
    button(page, "Fetch 11.6").click().run()
    wait(lambda: fetch.job("mnist").mailbox.read())
    page.run()
    assert not page.exception
    assert "Stop" in labels(page)
    here.append("mnist")
    wait(lambda: not fetch.job("mnist").active)
    page.run()
    assert not page.exception
    assert not [label for label in labels(page) if "11.6" in label]
    assert "Look" in labels(page)


def test_a_fetch_that_fails_is_a_sentence_and_can_be_tried_again(lab, monkeypatch: pytest.MonkeyPatch):
    def work(name: str):
        yield Step("Fetching MNIST")
        raise DataError("MNIST could not be fetched (no network).")

    monkeypatch.setattr(fetch, "fetching", work)
    page = open_data()
    button(page, "Fetch 11.6").click().run()
    wait(lambda: not fetch.job("mnist").active)
    page.run()
    assert not page.exception
    assert errors(page) == ["MNIST could not be fetched (no network)."]
    assert "Learn from these images" in labels(page)  # what one looked at is still there
    assert "Fetch 11.6\u202fMB" in labels(page)


def wait(done) -> None:
    limit = time.monotonic() + 10
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.01)


def child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Let the child that fetches run this instead: it gets `place`, where the set arrives."""
    program = tmp_path / "python"
    place = vision.arriving("mnist")
    start = f"#!{sys.executable}\nimport pathlib, sys, time\nplace = pathlib.Path({str(place)!r})\n"
    program.write_text(start + "place.mkdir(parents=True)\n" + code)
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_the_child_is_followed_by_what_arrives_and_stopped_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    child(monkeypatch, tmp_path, "(place / 'part').write_bytes(bytes(2_900_000))\ntime.sleep(600)\n")
    work = fetch.fetching("mnist", pause=0.01)
    assert next(work) == Step("Fetching MNIST")
    wait(lambda: next(work) == fetch.Arrived(0.25))
    work.close()
    assert not vision.arriving("mnist").exists()


def test_the_last_words_of_a_child_that_fails_are_the_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = "sys.stderr.write('10%\\r20%\\rbroken\\nMNIST could not be fetched (why).\\n')\nsys.exit(2)\n"
    child(monkeypatch, tmp_path, code)
    with pytest.raises(DataError, match=r"^MNIST could not be fetched \(why\)\.$"):
        list(fetch.fetching("mnist", pause=0.01))


def test_domains_are_named_and_shown_side_by_side(lab, tmp_path: Path):
    for domain in ("photo", "sketch"):
        for name in ("cats", "mugs"):
            (tmp_path / "both" / domain / name).mkdir(parents=True)
            for i in range(10):
                pixels = np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "both" / domain / name / f"{i}.png")
    page = open_data(f"folder:{tmp_path / 'both'}")
    assert not page.exception
    assert "domains: photo, sketch" in texts(page)
    assert "sketch: 12 to learn from, 4 for validation, 4 for the test" in texts(page)
    assert "2 tasks, to begin with: the same classes in one domain after the other" in texts(page)


def test_two_classes_have_nothing_to_forget(lab, tmp_path: Path):
    for name in ("cats", "mugs"):
        (tmp_path / "two" / name).mkdir(parents=True)
        for i in range(5):
            Image.new("L", (8, 8), 40 * i).save(tmp_path / "two" / name / f"{i}.png")
    page = open_data(f"folder:{tmp_path / 'two'}")
    assert not page.exception
    assert "there is nothing to forget yet" in texts(page)


@pytest.mark.parametrize(("classes", "each"), [(2, 2), (3, 2), (4, 2), (10, 2), (15, 3), (100, 20)])
def test_about_five_tasks_of_at_least_two_classes(classes: int, each: int):
    assert data.increment(classes) == each


def test_a_page_that_one_comes_back_to_is_as_it_was_left(monkeypatch: pytest.MonkeyPatch):
    def walk() -> None:
        import streamlit as st

        from dashboard import state

        page = st.session_state.get("go", "explore")
        state.enter(page)
        if st.session_state.get("look"):
            state.select(st.session_state["look"])
        st.text(f"{page} {state.selected()}")
        state.tell_browser()

    page = AppTest.from_function(walk).run()
    page.session_state["look"] = "abc"
    page.run()
    page.session_state["look"], page.session_state["go"] = None, "data"
    page.query_params = {}
    assert page.run().text[0].value == "data None"
    page.session_state["go"] = "explore"
    page.query_params = {}
    assert page.run().text[0].value == "explore abc"
