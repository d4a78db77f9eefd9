"""Classes that move from task to task: the map between two networks' spaces, the numbers, the panels, the page."""

from urllib.parse import unquote

import fake_core
import numpy as np
import pytest
from test_app import button, open_page, texts

from cl_core.snapshot import Snapshot
from cl_core.store import Store
from dashboard import drift
from dashboard.charts import drift as charts
from dashboard.palette import INKS


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    return drift.networks(fake_core.grown("pmi", Store(tmp_path_factory.mktemp("drift")), 5))


def turned(rng: np.random.Generator, k: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(k, k)))[0]


def test_a_space_that_is_only_turned_shifted_and_scaled_is_laid_over_exactly():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(40, 5))
    b = 2.5 * a @ turned(rng, 5) + rng.normal(size=5)
    r, scale, here, there, shared = drift.procrustes(a, b)
    assert scale * (a - here) @ r + there == pytest.approx(b)
    assert r.T @ r == pytest.approx(np.eye(5))
    assert (scale, shared) == pytest.approx((2.5, 1.0))


def test_what_no_turn_brings_together_is_told():
    rng = np.random.default_rng(0)
    assert drift.procrustes(rng.normal(size=(500, 3)), rng.normal(size=(500, 3)))[-1] < 0.05
    a = rng.normal(size=(30, 3))
    assert drift.procrustes(a, np.pad(a, ((0, 0), (0, 2))))[-1] == pytest.approx(1.0)  # more dimensions, same places


def test_distances_are_those_of_each_networks_own_space(learned: list[Snapshot]):
    views = [dict(node.group("view")) for node in learned]
    views[1]["gaussian_mean"] = views[1]["gaussian_mean"].copy()
    views[1]["gaussian_mean"][0] += 3.0
    own = views[1]["real"][views[1]["real_labels"] == 0].astype(float)
    off = np.linalg.norm(views[1]["gaussian_mean"][0] - own.mean(0)) / np.sqrt(own.var(0).sum())
    for named in (0, 2):
        steps = drift.steps(learned, views, named)
        assert [step.tasks for step in steps] == [1, 2, 3]
        assert steps[1].off[0] == pytest.approx(off)
        assert steps[named].shared == pytest.approx(1.0)
        assert steps[0].mean_off(newest=False) is None
        assert steps[1].mean_off(newest=False) == pytest.approx(steps[1].off[:2].mean())
    x = views[2]["real"][views[2]["real_labels"] == 1].astype(float)
    assert steps[2].real_mean[1] == pytest.approx(x.mean(0)[:2])  # the named network's axes are left as they are
    assert steps[2].real_covariance[1] == pytest.approx(np.cov(x.T)[:2, :2])


def test_panels_share_a_plane_and_an_arrow_is_a_movement(learned: list[Snapshot]):
    views = [dict(node.group("view")) for node in learned]
    still = charts.panels(drift.steps(learned, views, 2), learned[-1].class_names, INKS["light"])
    assert still.count("<figure>") == 3
    assert "stroke-dasharray" not in unquote(still)
    views[1]["real"] = views[1]["real"].copy()
    views[1]["real"][views[1]["real_labels"] == 0] += 9
    moved = charts.panels(drift.steps(learned, views, 2), learned[-1].class_names, INKS["light"])
    assert "stroke-dasharray" in unquote(moved)
    assert moved.count('part="own-1"') == 3  # a layer for each class, which the page's style can dim
    assert "stored means are off by: T-shirt/top" in moved


def test_the_panel_is_there_from_the_second_task_on_and_another_network_lends_its_axes(lab):
    page = open_page().run()
    assert "Do the memories keep up?" in texts(page)
    assert "the network after task 5;" in texts(page)
    axes = next(control for control in page.button_group if "on the axes" in control.label)
    axes.set_value(2).run()
    assert not page.exception
    assert "the network after task 2;" in texts(page)
    button(page, "Learn 1").click().run()
    assert not page.exception
    assert "Do the memories keep up?" not in texts(page)
