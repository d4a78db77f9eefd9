"""The HTML files that people take with them, opened in a browser without a server."""

from pathlib import Path

import pytest
from conftest import looking
from playwright.sync_api import Browser, Page

from dashboard import evidence, exhibits, library
from dashboard.palette import INKS
from dashboard.views import report

pytestmark = pytest.mark.browser
PAINTED = """inks => {
  const figures = [...document.querySelectorAll(".figure > div")];
  return figures.length && [getComputedStyle(document.body).color, ...figures.map(plot => plot._fullLayout?.font.color)]
    .every(paint => inks.includes(paint));
}"""


@pytest.mark.parametrize(("width", "kind"), [(1400, "report"), (390, "report"), (1400, "compare")])
def test_a_file_is_as_light_or_dark_as_the_screen_and_light_for_a_printer(
    browser: Browser, tmp_path: Path, width: int, kind: str
):
    file = tmp_path / "made.html"
    file.write_text(made(kind), encoding="utf-8")
    with looking(browser, "dark", width) as page:
        page.goto(file.as_uri())
        painted(page, "dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out
        page.emulate_media(color_scheme="light")
        painted(page, "light")
        page.emulate_media(color_scheme="dark")
        painted(page, "dark")
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")  # as a browser says it
        painted(page, "light")


def made(kind: str) -> str:
    if kind == "report":
        example = library.example()
        return report.html(library.find(example.main), example.main)
    return exhibits.page(evidence.read(evidence.SHIPPED / f"{kind}.json"))


def painted(page: Page, theme: str) -> None:
    """Wait until the text of the page and of each of its figures has the ink of that theme."""
    text = INKS[theme].text
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
    page.wait_for_function(PAINTED, arg=[text, f"rgb({red}, {green}, {blue})"])
