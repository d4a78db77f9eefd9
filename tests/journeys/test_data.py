"""A person's own photos: from a folder on disk to the first task learned."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import looking, serving
from helpers import button, picture, settled
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three kinds of things on grounds of many colours, as large as a small photo."""
    folder = tmp_path_factory.mktemp("lesson") / "photos"
    draws = np.random.default_rng(0)
    for kind in ("balls", "boxes", "kites"):
        (folder / kind).mkdir(parents=True)
        for i in range(20):
            ground, paint = (tuple(int(v) for v in draws.integers(0, 256, 3)) for _ in range(2))
            photo = Image.new("RGB", (240, 180), ground)
            x, y = (int(v) for v in draws.integers(40, 80, 2))
            shape = ImageDraw.Draw(photo)
            if kind == "balls":
                shape.ellipse((x, y, x + 80, y + 80), fill=paint)
            elif kind == "boxes":
                shape.rectangle((x, y, x + 100, y + 60), fill=paint)
            else:
                shape.polygon([(x + 50, y - 20), (x + 90, y + 30), (x + 50, y + 90), (x + 10, y + 30)], fill=paint)
            photo.save(folder / kind / f"{i}.jpg")
    return folder


def look_into(page: Page, folder: Path) -> None:
    path = page.get_by_role("textbox", name="Path of the folder")
    path.fill(str(folder))
    path.press("Enter")


def open_data(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="Data").click()
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()


def test_from_ones_own_photos_to_the_first_task(page: Page, address: str, photos: Path):
    open_data(page, address)
    expect(page.get_by_role("cell", name="Ankle boot")).to_be_visible()
    picture(page, "data-bundled")
    look_into(page, photos / "balls")  # one folder too deep
    expect(page.get_by_text("one sub-folder for each class")).to_be_visible()
    look_into(page, photos)
    expect(page.get_by_role("cell", name="kites")).to_be_visible()
    expect(page.get_by_alt_text("Images to learn from, one row a class")).to_be_visible()
    assert "data=folder" in page.url
    picture(page, "data-folder")
    button(page, "Learn from these images").click()
    expect(page.get_by_role("combobox", name="Data")).to_have_value("photos")
    settled(page)  # the form stays while the rest of the page comes
    button(page, "Create the experiment").click()
    expect(button(page, "Learn task 1")).to_be_visible()
    expect(page.get_by_alt_text(re.compile("real images of kites"))).to_be_visible()
    there = page.url
    page.get_by_role("link", name="Data").click()
    expect(page.get_by_role("cell", name="kites")).to_be_visible()  # as it was left
    page.get_by_role("link", name="Explore").click()
    expect(button(page, "Learn task 1")).to_be_visible()
    assert page.url.partition("?")[2] == there.partition("?")[2]
    button(page, "Learn task 1").click()
    expect(page.get_by_text("Does it remember?")).to_be_visible()


def test_a_fetch_that_fails_says_why_while_the_rest_of_the_page_stays(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The data folder is a file, so that nothing can be stored in it; nothing goes over a network."""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("INVERSION_LAB_DATA", str(tmp_path / "file"))
    with serving(tmp_path / "store") as address, looking(browser) as page:
        open_data(page, address)
        button(page, "Fetch 11.6").click()
        expect(page.get_by_text("MNIST could not be stored in")).to_be_visible()
        expect(button(page, "Fetch 11.6")).to_be_visible()
        expect(page.get_by_role("cell", name="Ankle boot")).to_be_visible()


@pytest.mark.parametrize(("theme", "width"), [("dark", 1400), ("light", 390)])
def test_the_data_page_in_both_themes_and_on_a_telephone(
    browser: Browser, address: str, photos: Path, theme: str, width: int
):
    with looking(browser, theme, width) as page:
        page.goto(address)
        settled(page)
        if width < 700:
            page.get_by_test_id("stExpandSidebarButton").click()
        page.get_by_role("link", name="Data").click()
        expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
        if width < 700:
            page.get_by_test_id("stSidebarCollapseButton").click()
        look_into(page, photos)
        expect(page.get_by_role("cell", name="kites")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture(page, f"data-{theme}-{width}")
