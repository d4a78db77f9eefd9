"""The journeys of a person, in a real browser."""

import json
import time

import pytest
from conftest import ARTEFACTS, looking, serving
from helpers import LONG, TINY, button, charts, new_experiment, picture, settled
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser
TIGHT = """() => [...document.querySelectorAll(".js-plotly-plot")].filter(plot => {
  const size = plot._fullLayout._size, margin = plot.layout.margin;
  return ["l", "t", "b"].some(side => size[side] > margin[side] + 1);
}).map(plot => plot.closest("[class*=st-key-panel-]").className)"""  # charts that Plotly had to make more room in
UNEQUAL = """() => [...document.querySelectorAll(".js-plotly-plot")].filter(plot =>
  plot.layout.template || !plot.layout.datarevision || plot._fullLayout.width % 1
  || plot._fullData.some(trace => ArrayBuffer.isView(trace.x))
).map(plot => plot.closest("[class*=st-key-panel-]").className)"""  # charts of which Plotly can't tell equal copies

CUT_OFF = """() => [...document.querySelectorAll("[data-testid=stButtonGroup] > [role]")]
  .filter(group => group.scrollWidth > group.clientWidth + 1).map(group => group.innerText)"""  # choices out of sight
UNREACHED = """() => [...document.querySelectorAll("[class*=st-key-card-]")].filter(card => {
  const button = card.querySelector("button");
  return button && button.clientWidth < card.clientWidth - 4;
}).map(card => card.innerText)"""  # task cards of which a click finds a part only


def test_first_paint(browser: Browser, tmp_path, capsys):
    """A server that has just come up, a browser that has just been opened: heading and first chart, in seconds."""
    with serving(tmp_path / "store") as address, looking(browser) as page:
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.get_by_role("heading", name="Inversion Lab").wait_for()
        heading = time.perf_counter() - began
        charts(page).first.wait_for()
        chart = time.perf_counter() - began
        expect(charts(page)).to_have_count(8)
        picture(page, "first-screen-light")
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    measured = {"heading_s": round(heading, 2), "first_chart_s": round(chart, 2)}
    (ARTEFACTS / "first-paint.json").write_text(json.dumps(measured))
    with capsys.disabled():
        print(f"\nfirst paint: heading after {heading:.2f} s, first chart after {chart:.2f} s")


@pytest.mark.parametrize(("theme", "width"), [("dark", 1400), ("light", 1920), ("dark", 390)])
def test_the_first_screen_in_both_themes_and_at_all_sizes(browser: Browser, address: str, theme: str, width: int):
    with looking(browser, theme, width) as page:
        page.goto(address)
        expect(charts(page)).to_have_count(8)
        assert page.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate(UNREACHED) == []
        if width > 1000:
            assert page.evaluate(TIGHT) == []  # it would draw them twice
        assert page.evaluate(UNEQUAL) == []  # and these too: Streamlit hands each figure to Plotly twice
        picture(page, f"first-screen-{theme}-{width}")


def test_learn_invert_and_remember(page: Page, address: str):
    """New experiment, learn, invert, learn, to the end; every chart is there; UMAP on demand; the control beside."""
    new_experiment(page, address, f"{TINY}&stream.tasks=3")
    picture(page, "1-new")
    button(page, "Learn task 1").click()
    expect(button(page, "Invert after task 1")).to_be_visible()
    expect(page.get_by_text("Does it remember?")).to_be_visible()
    expect(button(page, "Invert after task 1")).to_be_in_viewport(ratio=1)
    expect(charts(page).first).to_be_in_viewport(ratio=0.6)  # nobody has scrolled: the step and what it led to
    picture(page, "2-learned")
    button(page, "Invert after task 1").click()
    expect(button(page, "Learn task 2")).to_be_visible()
    expect(page.get_by_alt_text("Synthetic images, one row a class")).to_be_visible()
    expect(charts(page)).to_have_count(6)
    picture(page, "3-inverted")
    button(page, "Learn task 2").click()
    expect(button(page, "Invert after task 2")).to_be_visible()
    button(page, "Run to the end").click()
    expect(page.get_by_text("Every task is learned")).to_be_visible()
    expect(button(page, "Invert 3")).to_be_visible()
    expect(charts(page)).to_have_count(6)
    button(page, "Run the same without replay").click()
    expect(page.get_by_text("the same with Finetune")).to_be_visible()
    expect(button(page, "Cancel run")).to_have_count(0)
    picture(page, "4-end")
    page.get_by_role("radio", name="LDA").click()
    expect(page.get_by_text("LDA is linear")).to_be_visible()
    page.get_by_role("radio", name="UMAP").click()
    button(page, "Draw the UMAP picture").click()
    expect(page.get_by_text("UMAP bends space")).to_be_visible(timeout=300_000)  # the first one of a machine compiles
    picture(page, "5-umap")


def test_stepping_back_and_growing_a_branch(page: Page, address: str):
    """An earlier step shows that moment; another setting there grows a second branch; the address leads back."""
    new_experiment(page, address, settings="?machine.seed=1&" + LONG[1:].replace("400", "2"))
    button(page, "Learn task 1").click()
    expect(button(page, "Invert after task 1")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    slider = page.get_by_role("slider", name="Epochs, first task")
    slider.focus()
    slider.press("ArrowRight")
    expect(button(page, "Epochs, first task: 10 → 3")).to_be_visible()
    button(page, "Learn task 1").click()
    expect(button(page, "Learn 1")).to_have_count(2)
    there = page.url
    page.reload()
    expect(button(page, "Learn 1")).to_have_count(2)
    assert page.url == there


def test_a_refresh_during_a_run_finds_it_again_and_cancel_stops_it(page: Page, address: str):
    new_experiment(page, address, LONG)
    button(page, "Learn task 1").click()
    expect(page.locator('[data-stage="learn"]')).to_be_visible()
    assert "run=" in page.url
    page.reload()
    expect(page.locator('[data-stage="learn"]')).to_be_visible()
    picture_of_a_run(page)
    button(page, "Cancel run").click()
    expect(page.get_by_text("What was computed before is kept")).to_be_visible()
    expect(button(page, "Learn task 1")).to_be_visible()
    button(page, "Dismiss").click()
    expect(button(page, "Dismiss")).to_have_count(0)
    assert "run=" not in page.url


def test_a_browser_that_asks_with_the_address_of_before_is_not_led_back_but_its_history_is_followed(
    page: Page, address: str
):
    """A busy browser has not yet heard of the newest step when it polls, or when a person clicks."""
    late = "history.replaceState(null, '', location.href.replace(/node=[^&]*/, 'node=before'))"
    told = "!location.href.includes('node=before')"
    new_experiment(page, address, LONG)
    button(page, "Learn task 1").click()
    expect(page.locator('[data-stage="learn"]')).to_be_visible()
    page.evaluate(late)
    page.wait_for_function(told)
    expect(button(page, "Invert after task 1")).to_be_visible()
    settled(page)
    page.evaluate(late)
    button(page, "Labels only").click()
    page.wait_for_function(told)
    learned = page.evaluate("location.href")
    button(page, "Undo").click()
    expect(button(page, "Learn task 1")).to_be_visible()
    page.go_back()
    expect(button(page, "Invert after task 1")).to_be_visible()
    assert page.evaluate("location.href") == learned


def picture_of_a_run(page: Page) -> None:
    expect(page.locator('[data-testid="stVegaLiteChart"]').first).to_be_visible()
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / "run.png")


def test_a_failing_run_is_a_sentence_and_the_next_one_works(page: Page, address: str):
    """A step size that makes the loss explode."""
    new_experiment(page, address, LONG.replace("400", "2") + "&learn.lr_first=10&machine.seed=2")
    button(page, "Learn task 1").click()
    expect(page.get_by_text("Learn task 1 stopped.")).to_be_visible()
    expect(page.get_by_text("Details for a bug report")).to_be_visible()
    picture(page, "failed")
    button(page, "Step size, first task").click()  # back to the preset's
    button(page, "Learn task 1").click()
    expect(button(page, "Invert after task 1")).to_be_visible()


def test_bad_values_in_the_address_are_told(page: Page, address: str):
    page.goto(address + "/?node=zzz&preset=turbo&learn.epochs=many")
    expect(page.get_by_text("is not the name of a step")).to_be_visible()
    expect(page.get_by_text("“turbo”, which does not exist")).to_be_visible()
    expect(page.get_by_text("it must be a whole number")).to_be_visible()
    expect(charts(page)).to_have_count(8)


def test_what_does_not_change_does_not_flicker_and_looking_elsewhere_does_not_stop_the_run(page: Page, address: str):
    """While a job runs and its panel is polled, the charts stay the very same elements; so do they after a click."""
    new_experiment(page, address, TINY.replace("learn.epochs=2", "learn.epochs=400") + "&machine.seed=3")
    button(page, "Learn task 1").click()
    expect(button(page, "Invert after task 1")).to_be_visible()
    button(page, "Invert after task 1").click()
    expect(button(page, "Learn task 2")).to_be_visible()
    expect(charts(page)).to_have_count(6)
    marked = page.evaluate(
        "[...document.querySelectorAll('.js-plotly-plot')]"
        ".filter(plot => plot.checkVisibility({visibilityProperty: true}))"
        ".map(plot => (plot.dataset.marked = 'yes')).length"
    )
    assert marked == 5  # the sixth is the film, which lives in a shadow of its own
    button(page, "Learn task 2").click()
    expect(page.get_by_text("What happens to the old tasks meanwhile?")).to_be_visible()  # several polls later
    assert page.locator(".js-plotly-plot[data-marked]").count() == marked
    button(page, "Learn 1").click()
    expect(page.get_by_text("There are no synthetic images at this moment")).to_be_visible()
    expect(page.locator('[data-stage="learn"]')).to_be_visible()
    button(page, "Cancel run").click()
    expect(page.get_by_text("What was computed before is kept")).to_be_visible()
