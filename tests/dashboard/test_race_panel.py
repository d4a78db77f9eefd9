"""The race in Explore: who races, what is kept with a snapshot, and that it tells the truth whoever wins."""

import time

import numpy as np
import pytest
from test_ab import grow
from test_app import button, labels, open_page, texts

from cl_core import heats as kept
from cl_core.events import Event
from cl_core.files import Files
from cl_core.heats import Heat
from cl_core.racers import RACERS
from dashboard import findings, heats, work
from dashboard.job import REGISTRY, Step

PMI, WHOLE = RACERS[0], RACERS[2]


def heat(racer, end: float, groups: int, units: int = 50, note: str = "") -> Heat:
    moments = [] if note else [units // 2, units]
    rows = [
        {"units": u, "seconds": u / 10, "objective": end * units / u, "feature_error": 0.1, "statistics_error": 0.05,
         "pixel_variance": 0.02}
        for u in moments
    ]  # fmt: skip
    settings = dict(racer.settings) | {name: values[0] for name, values in racer.grid.items()}
    images = np.zeros((len(rows), 4, 1, 28, 28), np.uint8)
    return Heat(racer.name, settings, groups, units, rows, images, np.array([0, 0, 1, 1]), note)


def keep(files: Files, node: str, racer, made: Heat) -> None:
    kept.save(files, kept.name_of(node, racer, made.units), made)


def test_the_verdict_is_what_the_numbers_say():
    """Whoever wins; a racer without a result is none of them."""
    lost = heats.evidence([heat(PMI, 0.3, 4), heat(WHOLE, 0.2, 1)])
    assert findings.layer_by_layer(lost).startswith("Layer by layer does not win here: after 50 units “one group")
    won = heats.evidence([heat(PMI, 0.1, 4), heat(WHOLE, 0.2, 1), heat(RACERS[3], 0, 1, note="It diverged.")])
    assert findings.layer_by_layer(won).startswith("Layer by layer wins here")
    assert findings.layer_by_layer(heats.evidence([heat(PMI, 0.1, 4)])) == ""
    assert "None of these" in findings.layer_by_layer(heats.evidence([heat(WHOLE, 0.1, 1), heat(RACERS[3], 0.2, 1)]))
    assert "All of these" in findings.layer_by_layer(heats.evidence([heat(PMI, 0.1, 4), heat(RACERS[1], 0.2, 2)]))


def test_before_its_refinement_begins_a_racer_has_no_image():
    one = heat(PMI, 0.3, 4)
    assert heats.at(one, 10).shape == (0, 28, 28, 1)
    assert heats.at(one, 30).shape == (4, 28, 28, 1)
    assert heats.moments([one, heat(WHOLE, 0.2, 1, units=20)]) == [10, 20, 25, 50]


def test_the_example_that_has_no_network_says_so(lab):
    page = open_page().run()
    assert "kept without its network" in texts(page)
    assert not any(label.startswith("Race") for label in labels(page))


def test_a_race_that_is_kept_is_shown_again_with_its_units(lab):
    node = grow(lab, to=2)[-1]
    for racer, end, groups in ((PMI, 0.3, 4), (WHOLE, 0.2, 1)):
        keep(lab.files, node.id, racer, heat(racer, end, groups, units=100))
    page = open_page(node=node.id).run()
    assert not page.exception
    assert "Layer by layer does not win here" in texts(page)
    assert "nobody says what the images show" in texts(page)
    assert any(label.startswith("Let the missing ones race") for label in labels(page))
    slider = next(one for one in page.select_slider if "images after" in one.label)
    slider.set_value(50).run()
    assert not page.exception
    racers = next(group for group in page.get("button_group") if "Who races" in group.label)
    racers.set_value([PMI.name]).run()
    assert "One alone is no race" in texts(page)


def test_a_race_runs_as_a_job_that_can_be_cancelled_and_keeps_what_it_has(lab, monkeypatch):
    node = grow(lab, to=2)[-1]

    def slow(place, racers, units, files):
        yield Step("Racing", 1, 2)
        keep(files, place[1], racers[0], heat(racers[0], 0.2, 1, units))
        while True:
            time.sleep(0.01)
            yield Event("refine", 1, 2, 0.5, losses={"total": 1.0})

    monkeypatch.setattr(work, "race", slow)
    page = open_page(node=node.id).run()
    button(page, "Race ·").click().run()
    assert any(label == "Cancel run" for label in labels(page))
    page.button(key="cancel-race").click().run()
    job = REGISTRY.get(f"race-{node.id}")
    limit = time.monotonic() + 10
    while job.active:
        assert time.monotonic() < limit
        time.sleep(0.01)
    page.run()
    assert not page.exception
    assert any(label.startswith("Let the missing ones race") for label in labels(page))


def test_a_race_that_fails_is_a_sentence(lab, monkeypatch):
    node = grow(lab, to=2)[-1]

    def failing(place, racers, units, files):
        yield Step("Racing")
        raise ValueError("no good")

    monkeypatch.setattr(work, "race", failing)
    page = open_page(node=node.id).run()
    button(page, "Race ·").click().run()
    limit = time.monotonic() + 10
    while REGISTRY.get(f"race-{node.id}").active:
        assert time.monotonic() < limit
        time.sleep(0.01)
    page.run()
    assert any("no good" in error.value for error in page.error)
    assert any(label.startswith("Race ·") for label in labels(page))


@pytest.mark.parametrize("deleted", [True, False])
def test_the_heats_of_a_step_go_with_it(lab, deleted):
    from dashboard import library

    path = grow(lab, to=3)
    keep(lab.files, path[2].id, PMI, heat(PMI, 0.2, 4))
    library.delete(lab, path[2].id if deleted else path[3].id)
    assert kept.budgets(lab.files, path[2].id) == ([] if deleted else [50])
