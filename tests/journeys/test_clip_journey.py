"""CLIP in a real browser: words compete on pictures, a class never shown, and an experiment that learns in adapters."""

import io

import pytest
from conftest import looking
from helpers import button, charts, picture, settled
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser
PATIENCE = 180_000  # milliseconds, where PyTorch has to be imported and a network inverted on a busy machine
TINY = (
    "?preset=clip-demo&stream.train_per_class=20&stream.tasks=2&learn.epochs_first=1&learn.epochs=1"
    "&invert.images_per_class=4&invert.iterations_per_layer=2&invert.full_iterations=4"
)


def soon(part: Locator) -> None:
    """It appears, after something has been computed."""
    expect(part).to_be_visible(timeout=PATIENCE)


def open_clip(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)
    if (page.viewport_size or {"width": 1400})["width"] < 700:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="CLIP").click()
    expect(page.get_by_role("heading", name="CLIP: pictures and words")).to_be_visible()
    expect(page.locator(".il-rival")).to_have_count(12)  # answered before anything is computed


def say(page: Page, names: str) -> None:
    box = page.get_by_role("textbox", name="Names or sentences")
    box.fill(names)
    box.press("Control+Enter")  # a click alone can be lost where the page moves when the text is taken
    settled(page)
    button(page, "Let them compete").click()


def a_face() -> bytes:
    """A drawing of one's own."""
    drawn = Image.new("RGBA", (400, 300), (255, 255, 255, 0))
    pen = ImageDraw.Draw(drawn)
    pen.ellipse((90, 40, 310, 260), fill=(255, 210, 0, 255))
    for x in (150, 230):
        pen.ellipse((x, 100, x + 24, 124), fill=(60, 40, 0, 255))
    pen.arc((140, 120, 264, 220), 20, 160, fill=(60, 40, 0, 255), width=10)
    content = io.BytesIO()
    drawn.save(content, "PNG")
    return content.getvalue()


def test_words_compete_and_a_class_never_shown_is_dreamed(page: Page, address: str):
    open_clip(page, address)
    picture(page, "clip-first")
    say(page, "a dog\na cat\na building")
    soon(page.locator(".il-rival-name", has_text="a building").first)
    assert "names=a" in page.url
    say(page, "a dog\na zyzzyva")
    soon(page.get_by_text("has never read “zyzzyva”"))
    typed = page.get_by_role("textbox", name="Names or sentences")
    expect(typed).to_have_value("a dog\na zyzzyva")
    button(page, "Their own names").click()
    expect(typed).not_to_have_value("a dog\na zyzzyva")
    page.get_by_role("button", name="Your own picture").or_(page.get_by_role("radio", name="Your own picture")).click()
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": a_face()})
    expect(page.locator(".il-rival")).to_have_count(1)
    soon(page.locator(".il-rival-name", has_text="happy face").first)

    soon(page.get_by_text("“spider” was kept from the small CLIP"))
    expect(charts(page)).to_have_count(3)
    chosen = page.get_by_role("combobox", name="The new class")
    settled(page)
    chosen.click()
    chosen.press_sequentially("ship")
    page.get_by_role("option").filter(has_text="ship").first.wait_for()
    chosen.press("Enter")
    soon(page.get_by_text("“ship” was kept from the small CLIP"))
    expect(page.get_by_role("cell", name="mean of the old classes")).to_be_visible()
    button(page, "Dream pictures of it").click()
    soon(page.get_by_alt_text("Dreamed pictures"))
    expect(page.get_by_role("cell", name="dreamed pictures", exact=True)).to_be_visible()
    picture(page, "clip-dreamed")


def test_a_clip_experiment_learns_and_inverts_to_pixels_and_to_its_patch_embedding(page: Page, address: str):
    page.goto(address + TINY)
    button(page, "New experiment").first.click()
    expect(page.get_by_role("radio", name="CLIP", exact=True)).to_be_checked()
    button(page, "Create the experiment").click()
    soon(page.get_by_text("What does it know before it learns?"))
    button(page, "Learn task 1").click()
    soon(button(page, "Invert after task 1"))
    expect(page.get_by_text("all seen, by their words, nothing learned")).to_be_visible()
    learned = page.url
    button(page, "Invert after task 1").click()
    soon(button(page, "Learn task 2"))
    expect(page.get_by_alt_text("Synthetic images, one row a class")).to_be_visible()
    picture(page, "clip-inverted")

    page.goto(f"{learned}&invert.stop=patch-embedding")
    button(page, "Invert after task 1").click()
    soon(button(page, "Learn task 2"))
    expect(page.locator("figcaption", has_text="decoded from hidden inputs")).to_be_visible()
    picture(page, "clip-hidden")
    button(page, "Learn task 2").click()
    soon(button(page, "Invert after task 2"))


@pytest.mark.parametrize(("theme", "width"), [("dark", 1280), ("light", 390)])
def test_the_clip_page_in_both_themes_and_on_a_telephone(browser: Browser, address: str, theme: str, width: int):
    with looking(browser, theme, width) as page:
        open_clip(page, address)
        expect(page.get_by_text("What can it do, and what not?")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
