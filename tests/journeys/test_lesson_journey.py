"""Lessons in a real browser: predict, run, see, explain, and on to the Explore page."""

import pytest
from helpers import button, picture, settled
from playwright.sync_api import Page, expect

from dashboard.lessons import LESSONS

pytestmark = pytest.mark.browser
PATIENCE = 400_000  # milliseconds; a test machine may be busy


def test_a_lesson_is_predicted_run_explained_and_opened(page: Page, address: str):
    page.goto(address)
    page.get_by_role("link", name="Lessons").click()
    expect(page.get_by_role("heading", name="Lessons")).to_be_visible()
    page.get_by_role("radio", name="4 · How long to dream").click()
    expect(page.get_by_text("Which brings the objective lowest?")).to_be_visible()
    assert "lesson=duration" in page.url
    picture(page, "lesson-question")
    page.get_by_text("60 steps, step size 10").first.click()
    button(page, "Run it").click()
    expect(button(page, "Cancel run")).to_be_visible()
    expect(page.get_by_text("Lesson 4, How long to dream")).to_be_visible()
    expect(page.get_by_role("heading", name="What came out")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Of the objective at the start")).to_be_visible()
    expect(page.get_by_text("s you predicted")).to_be_visible()
    expect(page.locator(".st-key-lesson-why .katex-display")).to_be_visible()
    expect(page.locator(".js-plotly-plot .main-svg:first-of-type")).to_have_count(1)
    assert "guess=fast" in page.url
    term = page.locator(".st-key-lesson-why abbr", has_text="inversion")
    term.focus()
    told = term.evaluate("element => getComputedStyle(element, '::after').content")
    assert "until the frozen network sees" in told
    picture(page, "lesson-result")
    page.locator(".st-key-lesson-open-enough button").click()
    expect(page.get_by_role("heading", name="Inversion Lab")).to_be_visible()
    expect(page.get_by_text("What does it dream?")).to_be_visible()
    assert "node=" in page.url
    assert "invert.full_iterations=60" in page.url


def test_every_lesson_runs_to_its_end(page: Page, address: str):
    """One after the other, on next to nothing: each is answered, quotes an equation and names the next."""
    page.goto(address)
    page.get_by_role("link", name="Lessons").click()
    for lesson in LESSONS:
        page.get_by_role("radio", name=lesson.title, exact=False).click()
        expect(page.get_by_text(lesson.question)).to_be_visible()
        settled(page)
        if button(page, "Run it").count():
            button(page, "Run it").click()
        expect(page.get_by_role("heading", name="What came out")).to_be_visible(timeout=PATIENCE)
        settled(page)
        assert page.locator(".il-verdict b").inner_text()
        expect(page.locator(".st-key-lesson-why .katex-display")).to_be_visible()
        expect(page.locator('[data-testid="stException"]')).to_have_count(0)
