"""What is chosen in one view is marked in the others."""

import pytest
from helpers import button, charts, settled
from playwright.sync_api import Page, expect

from dashboard.bench import PLACE

pytestmark = pytest.mark.browser
FAINT = """([panel, name]) => {
  const plot = document.querySelector(`.st-key-panel-${panel} .js-plotly-plot`);
  const place = plot._fullData.findIndex(trace => trace.name === name);
  return Number(getComputedStyle(plot.querySelectorAll(".scatterlayer > .trace")[place]).opacity);
}"""  # the opacity with which a trace is drawn
LOOK = """panels => {
  window.holes = 0;
  const seen = plot => plot.querySelector(".main-svg") && plot.checkVisibility({visibilityProperty: true});
  const look = () => {
    for (const panel of panels)
      if (![...document.querySelectorAll(`.st-key-panel-${panel} .js-plotly-plot`)].some(seen)) holes += 1;
    requestAnimationFrame(look);
  };
  look();
}"""  # counts the frames in which a panel has no picture
LETS_GO = """() => {
  const picture = document.querySelector(".st-key-panel-features .js-plotly-plot");
  picture.on("plotly_restyle", () => {
    picture.on("plotly_afterplot", () => (window.drawnIn = window.event?.type ?? "the same task"));
  });
}"""  # "message" were a later task, that of React's own clock


def test_points_and_tasks_are_marked_everywhere(page: Page, address: str):
    """A point says what it is and marks its class, a box of points gives their images, a task card stresses its classes

    in the pictures; all are let go.
    """
    page.goto(address)
    expect(charts(page)).to_have_count(8)
    settled(page)
    space = page.locator(".st-key-panel-features")
    space.locator(".nsewdrag").first.scroll_into_view_if_needed()
    x, y = page.evaluate(PLACE)
    page.mouse.move(x - 1, y)
    expect(space.locator(".hovertext")).to_contain_text("T-shirt/top · synthetic")
    page.mouse.click(x, y)
    expect(page.locator(".il-closeup")).to_be_visible()
    expect(page.locator(".il-sheet-labels span").nth(1)).to_have_css("opacity", "0.25")
    expect(page.locator(".st-key-card-1 .il-bar")).to_have_css("height", "10px")
    page.evaluate(LETS_GO)
    button(page, "Let go").click()
    expect(page.locator(".il-sheet-labels span").nth(1)).to_have_css("opacity", "1")
    page.wait_for_function("'drawnIn' in window")
    assert page.evaluate("drawnIn") == "the same task"  # else a press of Plotly's buttons could hang the page
    settled(page)
    space.locator('.modebar-btn[data-val="select"]').click()
    area = space.locator(".nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
    page.mouse.up()
    expect(space.get_by_alt_text("The chosen images, one row a class")).to_be_visible()
    expect(page.locator(".st-key-card-3 .il-bar")).to_have_css("height", "10px")  # their tasks' cards
    expect(space.locator(".selectionlayer path")).not_to_have_count(0)
    page.evaluate(LOOK, ["features"])
    button(page, "Let go").click()
    expect(page.locator(".st-key-card-3 .il-bar")).to_have_css("height", "5px")
    expect(space.locator(".selectionlayer path")).to_have_count(0)
    settled(page)
    assert page.evaluate("holes") == 0
    button(page, "Highlight task 2").click()
    expect(page.locator(".st-key-card-2 .il-bar")).to_have_css("height", "10px")
    expect(page.locator(".st-key-card-1 .il-bar")).to_have_css("height", "5px")
    expect(page.locator(".il-sheet-labels span").first).to_have_css("opacity", "0.25")  # the rows of the others
    expect(page.locator(".st-key-panel-alignment tbody tr").first).to_have_css("opacity", "0.25")
    expect(page.locator(".film .sheet > div").first).to_have_css("opacity", "0.25")  # in a shadow root
    for panel, trace in (("features", "Trouser · real"), ("forgetting", "1 · T-shirt/top, Trouser")):
        faint = page.evaluate(FAINT, [panel, trace])
        assert faint == 0.25, f"{trace} in {panel}"
    assert page.evaluate(FAINT, ["features", "Dress · synthetic"]) == 1


def test_a_picture_is_seen_until_the_next_one_is_drawn(page: Page, address: str):
    """And the one before is there when one goes back to it: the very same, deaf to the mouse meanwhile."""
    page.goto(address)
    expect(charts(page)).to_have_count(8)
    settled(page)
    page.evaluate(LOOK, ["features", "forgetting", "matrix"])
    space = page.locator(".st-key-panel-features")
    first = space.locator(".js-plotly-plot").element_handle()
    assert first is not None
    for name in ("LDA", "PCA", "LDA", "PCA", "test", "classes"):
        page.get_by_role("radio", name=name, exact=True).click()
        settled(page)
    expect(space.locator(".js-plotly-plot:visible .xtitle")).to_contain_text("principal axis 1")
    expect(page.locator(".st-key-panel-matrix .js-plotly-plot:visible")).to_have_count(1)
    assert first.is_visible()
    assert page.evaluate("holes") == 0
    space.locator(".js-plotly-plot:visible .nsewdrag").scroll_into_view_if_needed()
    x, y = page.evaluate(PLACE)
    page.mouse.move(x - 1, y)
    expect(space.locator(".hovertext")).to_contain_text("T-shirt/top · synthetic")
