"""The CLIP page without a browser and without torch: what is shown at first, asking, and what is said when it fails."""

import io
import time

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from test_app import button, labels, texts

from cl_core.config import ConfigError
from cl_core.pretraining import contest
from cl_core.pretraining.gallery import Gallery
from dashboard import asking, cards, newcomers

PAGE = """
import streamlit as st
from dashboard import state
from dashboard.views import clip
state.enter("clip")
clip.page(st.Page(lambda: None, title="E"))
"""


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the small CLIP: the longest name wins everywhere, and “zany” was never read."""

    def hold(clip: object, images: np.ndarray, prompts: list[list[str]]) -> np.ndarray:
        if any("zany" in prompt for of in prompts for prompt in of):
            raise ConfigError("The small CLIP has never read “zany”; say it in other, simpler words.")
        sizes = np.array([float(len(of[0])) for of in prompts])
        return np.tile(sizes / sizes.sum(), (len(images), 1)).astype(np.float32)

    monkeypatch.setattr(contest, "hold", hold)
    monkeypatch.setattr(asking, "small_clip", lambda: None)
    monkeypatch.setattr(asking.ASKS, "_jobs", {})
    monkeypatch.setattr(newcomers, "answering", lambda asked: (_ for _ in ()))  # test_newcomers.py looks at it


def open_clip_page(**parameters: str) -> AppTest:
    page = AppTest.from_string(PAGE, default_timeout=30)
    page.query_params.update(parameters)
    return page.run()


def answered(page: AppTest) -> AppTest:
    limit = time.monotonic() + 10
    while any(job.active for job in asking.ASKS._jobs.values()):
        assert time.monotonic() < limit
        time.sleep(0.01)
    page.run()
    assert not page.exception
    return page


def test_the_first_screen_is_answered_already(lab):
    page = open_clip_page()
    assert not page.exception
    assert not asking.ASKS._jobs  # nobody was asked
    assert texts(page).count('class="il-rival"') == 12
    assert "pictures get their true name" in texts(page)


@pytest.mark.parametrize("kind", ["style", "clothes", "learned"])
def test_every_kind_of_pictures_is_there_at_once(lab, kind: str):
    page = open_clip_page(pictures=kind)
    assert not page.exception
    assert not asking.ASKS._jobs
    assert "of 12" in texts(page)


def test_a_page_that_is_drawn_again_leaves_alone_what_a_person_is_typing(lab):
    page = open_clip_page(names="a cat")
    for _ in range(2):
        field = page.text_area(key="w.names")
        assert field.value == "a cat"
        assert not field.proto.set_value  # which would replace what the browser shows
        page.run()


def test_a_field_whose_words_the_state_changes_is_another_so_that_a_late_browser_cannot_put_them_back(lab):
    page = open_clip_page(names="a cat")
    button(page, "Their own names").click().run()
    (field,) = page.text_area
    assert field.value.count("\n") == 11
    assert field.key != "w.names"


def test_typed_names_compete_and_stand_in_the_address(lab):
    page = open_clip_page(pictures="clothes")
    page.text_area(key="w.names").set_value("a <b>cat</b>\nan elephant in a box\n\na <b>cat</b>").run()
    answered(page)
    assert page.query_params["names"] == "a <b>cat</b>\nan elephant in a box\n\na <b>cat</b>"
    assert "a &lt;b&gt;cat&lt;/b&gt;" in texts(page)
    assert "<b>cat</b>" not in texts(page)
    assert texts(page).count("an elephant in a box") == 12
    button(page, "Their own names").click().run()
    assert "names" not in page.query_params
    assert "of 12" in texts(page)


def test_a_word_never_read_is_a_sentence_and_nothing_is_lost(lab):
    page = open_clip_page()
    page.text_area(key="w.names").set_value("a cat\na dog").run()
    answered(page)
    page.text_area(key="w.names").set_value("a zany cat\na dog").run()
    answered(page)
    assert ["never read “zany”" in error.value for error in page.error] == [True]
    assert page.text_area(key="w.names").value == "a zany cat\na dog"
    assert texts(page).count('class="il-rival"') == 12
    assert texts(page).count("a cat") == 12  # the last answer stays


def test_other_pictures_and_as_it_is_are_asked_for(lab):
    page = open_clip_page()
    first = texts(page)
    button(page, "Other pictures").click().run()
    answered(page)
    assert page.query_params["draw"] == "1"
    assert texts(page) != first
    page.segmented_control[0].set_value(False).run()
    answered(page)
    assert page.query_params["as_is"] == "1"
    assert len(asking.ASKS._jobs) == 2


def test_bad_values_in_the_address_are_told(lab):
    page = open_clip_page(pictures="martians", draw="-3")
    assert not page.exception
    assert "“martians”" in texts(page)
    assert "the pictures number" in texts(page)
    assert texts(page).count('class="il-rival"') == 12


def test_a_picture_of_ones_own(lab):
    page = open_clip_page(pictures="own")
    assert not page.exception
    assert "Choose a picture" in page.info[0].value
    content = io.BytesIO()
    Image.new("RGBA", (300, 200), (200, 30, 30, 255)).save(content, "PNG")
    page.file_uploader[0].upload("mine.png", content.getvalue(), "image/png").run()
    answered(page)
    assert texts(page).count('class="il-rival"') == 1
    assert "happy face" in page.text_area[0].value
    page.file_uploader[0].upload("*bad*.png", content.getvalue()[:60], "image/png").run()
    answered(page)
    assert "“\\*bad\\*.png” cannot be read" in page.error[0].value
    assert texts(page).count('class="il-rival"') == 1  # the one before stays
    assert "Other pictures" not in labels(page)


# Cards.


def test_a_card_shows_the_likeliest_names_and_the_true_one():
    names, said = ["cat", "dog", "owl", "bat", "fox"], np.array([0.1, 0.3, 0.05, 0.25, 0.3])
    assert cards.ranked(names, said, "", 3) == [1, 4, 3]
    assert cards.ranked(names, said, "Owl", 3) == [1, 4, 2]
    assert cards.ranked(names, said, "dog", 3) == [1, 4, 3]
    assert cards.ranked(names, said, "mug", 3) == [1, 4, 3]


def test_the_score_counts_the_pictures_whose_true_name_competes():
    shown = Gallery(np.zeros((3, 3, 2, 2), np.uint8), ("cat", "mug", "dog"), (False,) * 3)
    said = np.array([[0.9, 0.1], [0.5, 0.5], [0.8, 0.2]])
    assert cards.score(shown, ["Cat", "dog"], said) == (1, 2)
