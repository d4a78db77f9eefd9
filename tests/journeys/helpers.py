"""What a person does, in the words of the page. Nothing sleeps; everything waits for what the page says."""

import os
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

ARTEFACTS = Path(__file__).parent.parent.parent / "artefacts" / "journeys"

# The smallest experiment there is, as settings in the address (dashboard/state says what they mean).
TINY = (
    "?preset=demo&stream.train_per_class=60&network.width=8&learn.epochs_first=2&learn.epochs=2&learn.balance_epochs=1"
    "&invert.iterations_per_layer=3&invert.full_iterations=5&invert.images_per_class=6"
)
LONG = TINY.replace("epochs_first=2", "epochs_first=400")


def button(page: Page, words: str) -> Locator:
    return page.get_by_role("button", name=words)


def charts(page: Page) -> Locator:
    """Every chart that is to be seen, the film of an inversion among them."""
    return page.locator(".js-plotly-plot:visible .main-svg:first-of-type, .film")


def settled(page: Page) -> None:
    """Streamlit has stopped running and nothing on the page is stale."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    expect(page.locator('[data-stale="true"]')).to_have_count(0)


def new_experiment(page: Page, address: str, settings: str = TINY) -> None:
    """Open the form, take what the address says, and create."""
    page.goto(address + settings)
    button(page, "New experiment").first.click()
    button(page, "Create the experiment").click()
    expect(button(page, "Learn task 1")).to_be_visible()


def picture(page: Page, name: str) -> None:
    """Wait until the page is whole; with INVERSION_LAB_PICTURES set, keep a screenshot of all of it, for looking at."""
    settled(page)
    if not os.environ.get("INVERSION_LAB_PICTURES"):
        return
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size or {"width": 1400, "height": 900}
    tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], min(int(tall), 6000))})
    page.screenshot(path=ARTEFACTS / f"{name}.png")
    page.set_viewport_size(size)  # type: ignore[arg-type]
