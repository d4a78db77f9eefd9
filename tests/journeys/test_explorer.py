"""Comparing, racing, taking along: what a person does with experiments that are there already."""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import looking, serving
from helpers import TINY, button, charts, new_experiment, picture, settled
from playwright.sync_api import Browser, Page, expect

from cl_core.presets import preset
from cl_core.snapshot import Snapshot
from cl_core.store import Store
from dashboard import notes

pytestmark = pytest.mark.browser
SETTINGS = f"{TINY}&stream.tasks=2"
POINTS = """name => {
  const plot = document.querySelector(".st-key-panel-features .js-plotly-plot");
  return plot._fullData.filter(trace => trace.name.endsWith(name)).map(trace => [[...trace.x], [...trace.y]]);
}"""  # the coordinates of the points of a kind, a pair of lists a class
SHEET = "Synthetic images, one row a class"


@dataclass(frozen=True)
class Lab:
    """A server, and two branches of one experiment in its store: each after two tasks, with images of all classes."""

    store: Store
    address: str
    a: list[Snapshot]
    b: list[Snapshot]


@pytest.fixture(scope="module")
def lab(store: Path, address: str) -> Lab:
    from cl_core import experiment

    config = preset("demo").override(_overrides(SETTINGS))
    paths = []
    for changes in ({}, {"learn": {"epochs": 3}}):
        work = experiment.run(config.override(changes), Store(store))
        try:
            while True:
                next(work)
        except StopIteration as end:
            paths.append(end.value)
    return Lab(Store(store), address, *paths)


def _overrides(address: str) -> dict[str, dict[str, int]]:
    """The settings that an address names."""
    found: dict[str, dict[str, int]] = {}
    for name, value in (part.split("=") for part in address[1:].split("&") if "." in part):
        section, field = name.split(".")
        found.setdefault(section, {})[field] = int(value)
    return found


def facts(page: Page) -> list[str]:
    """The large numbers under the accuracy matrix."""
    return page.locator(".st-key-panel-matrix .il-facts b").all_inner_texts()


def test_two_branches_are_compared_and_the_settings_of_one_are_taken_over(page: Page, lab: Lab):
    page.goto(f"{lab.address}/?node={lab.a[-1].id}")
    expect(charts(page).nth(5)).to_be_visible()
    button(page, "Pin as A").click()
    expect(button(page, "Pinned as A")).to_be_visible()
    button(page, "Invert 2").last.click()  # of the other branch
    expect(button(page, "Pin as A")).to_be_enabled()
    button(page, "Pin as B").click()
    page.get_by_role("link", name="Look at A and B").click()
    expect(page.get_by_role("heading", name="A/B", exact=True)).to_be_visible()
    expect(page.locator(".st-key-panel-ab-features .js-plotly-plot:visible")).to_have_count(2)  # computed by a job
    assert f"a={lab.a[-1].id}" in page.url
    assert f"b={lab.b[-1].id}" in page.url
    picture(page, "ab")
    axes = page.evaluate(
        "[...document.querySelectorAll('.st-key-panel-ab-features .js-plotly-plot')]"
        ".map(plot => [plot._fullLayout.xaxis.range, plot._fullLayout.yaxis.range])"
    )
    assert axes[0] == axes[1]
    button(page, "Copy B’s settings to A").click()
    expect(page.get_by_role("heading", name="Inversion Lab")).to_be_visible()
    assert "learn.epochs=3" in page.url


def test_a_race_is_run_told_and_there_again(page: Page, lab: Lab):
    """Two racers that need no tuning."""
    page.goto(f"{lab.address}/?node={lab.a[-1].id}")
    race = page.locator(".st-key-panel-race")
    expect(button(page, "Race ·")).to_be_visible()
    settled(page)
    for name in ("the paper's PMI", "noise, Adam"):
        race.get_by_role("button", name=name, exact=True).click()
        settled(page)
    race.get_by_role("radio", name="20", exact=True).click()
    settled(page)
    button(page, "Race ·").click()
    expect(race.locator(".js-plotly-plot:visible")).to_have_count(2)
    expect(race.get_by_text("After 10 units")).to_be_visible()
    expect(race.get_by_alt_text("The same targets, one row a racer")).to_be_visible()
    told = race.locator(".il-verdict").inner_text()
    picture(page, "race")
    page.reload()
    expect(race.locator(".js-plotly-plot:visible")).to_have_count(2)
    assert race.locator(".il-verdict").inner_text() == told


def test_real_points_stay_where_they_are_when_synthetic_ones_join_them(page: Page, lab: Lab):
    learned, inverted = lab.a[3], lab.a[4]
    assert (learned.verb, inverted.verb) == ("learn", "invert")
    seen = []
    for node in (learned, inverted):
        page.goto(f"{lab.address}/?node={node.id}")
        expect(page.get_by_text("Do dreams live where reality does?")).to_be_visible()
        expect(page.locator(".st-key-panel-features .js-plotly-plot")).to_be_visible()
        settled(page)
        seen.append(page.evaluate(POINTS, "· real"))
        assert len(page.evaluate(POINTS, "· synthetic")) == (4 if node is inverted else 2)  # those of task 1 were there
    assert seen[0] == seen[1]


def test_two_sessions_do_not_see_each_others_choices(browser: Browser, lab: Lab):
    with looking(browser) as one, looking(browser) as other:
        for page in (one, other):
            page.goto(f"{lab.address}/?node={lab.a[-1].id}")
            expect(charts(page).nth(5)).to_be_visible()
        one.get_by_role("radio", name="LDA").click()
        expect(one.get_by_text("LDA is linear")).to_be_visible()
        one.locator(".st-key-chips").get_by_role("button").first.click()
        expect(one.locator(".st-key-card-1 .il-bar")).to_have_css("height", "10px")
        button(other, "Undo").click()
        expect(other.get_by_role("button", name="● Learn 2").first).to_have_attribute("kind", "primary")
        settled(other)
        expect(other.get_by_role("radio", name="PCA")).to_be_checked()
        expect(other.locator(".st-key-card-1 .il-bar")).to_have_css("height", "5px")
        expect(one.get_by_role("radio", name="LDA")).to_be_checked()


def test_what_people_write_is_neither_a_part_of_the_page_nor_a_formula(page: Page, lab: Lab):
    """Class names, and the name and the note of an experiment, with what HTML, Markdown, LaTeX and Plotly know."""
    names = ('<img src="x" onerror="alert(1)">', "**bold** $x^2$", '<a href="http://x">link</a>', "<b>bold</b>")
    written = {step.id: f"5{step.id[1:]}" for step in lab.a}
    for step in lab.a:
        classes = (*names, *step.class_names[len(names) :])
        parent = None if step.parent is None else written[step.parent]
        lab.store.save(dataclasses.replace(step, id=written[step.id], parent=parent, class_names=classes))
    notes.write(lab.store, written[lab.a[0].id], notes.Note(names[1], " ".join(names)))
    page.goto(f"{lab.address}/?node={written[lab.a[-1].id]}")
    expect(charts(page).nth(5)).to_be_visible()
    settled(page)
    for name in names:
        expect(page.get_by_text(name).first).to_be_attached()
    for made in ('img[src="x"]', ".katex", '[*|href="http://x"]'):
        expect(page.locator(f"css={made}")).to_have_count(0)
    bold = page.locator("b, strong, tspan[style*=bold]").filter(has_text=re.compile("^bold$"))
    expect(bold).to_have_count(0)


def test_a_run_taken_elsewhere_has_the_same_numbers_and_the_same_seed_the_same_images(
    browser: Browser, lab: Lab, tmp_path: Path
):
    """Another lab with an empty store: what was exported is opened there, and the first steps are computed anew."""
    with looking(browser) as page:
        page.goto(f"{lab.address}/?node={lab.a[-1].id}")
        expect(charts(page).nth(5)).to_be_visible()
        settled(page)
        numbers, images = facts(page), page.get_by_alt_text(SHEET).get_attribute("src")
        button(page, "Export").click()
        with page.expect_download() as download:
            button(page, "The whole run").click()
        download.value.save_as(tmp_path / "run.zip")
        page.goto(f"{lab.address}/?node={lab.a[2].id}")
        expect(button(page, "Learn task 2")).to_be_visible()
        settled(page)
        first = page.get_by_alt_text(SHEET).get_attribute("src")
    with serving(tmp_path / "store") as there, looking(browser) as page:
        new_experiment(page, there, SETTINGS)
        button(page, "Learn task 1").click()
        button(page, "Invert after task 1").click()
        expect(button(page, "Learn task 2")).to_be_visible()
        settled(page)
        assert page.get_by_alt_text(SHEET).get_attribute("src") == first
        button(page, "Export").click()
        page.locator('input[type="file"]').set_input_files(tmp_path / "run.zip")
        button(page, "Open it").click()
        expect(button(page, "Invert 2")).to_be_visible()
        settled(page)
        assert facts(page) == numbers
        assert page.get_by_alt_text(SHEET).get_attribute("src") == images
