"""The film of an inversion: its numbers, its HTML, and where it is on the page."""

import base64
import dataclasses
import io
import re

import fake_core
import numpy as np
import pytest
from PIL import Image
from test_app import films, open_page, texts

from cl_core.snapshot import Snapshot, freeze
from cl_core.store import Store
from dashboard.charts import film as charts
from dashboard.charts import reel
from dashboard.charts.reel import Film, Part
from dashboard.views import film as view


@pytest.fixture(scope="module")
def inverted(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return fake_core.grown("pmi", Store(tmp_path_factory.mktemp("film")), 2)[-1]


@pytest.fixture
def film(inverted: Snapshot) -> Film:
    return view.of(inverted)


def test_parts_come_in_the_order_of_inversion(film: Film):
    parts = reel.parts(film)
    assert [part.title for part in parts] == ["start", *reversed(fake_core.LAYERS), "all layers at once"]
    assert [number for part in parts for number in part.frames] == list(range(len(film.frames)))
    assert parts[-1].moments == (1, 4, 12)
    assert list(parts[1].curve) == film.layers[0]["curve"]


def test_an_inversion_without_layers_has_two_parts(film: Film):
    kept = [0, *range(len(film.frames) - 3, len(film.frames))]
    bare = dataclasses.replace(
        film, frames=[film.frames[i] for i in kept], images=film.images[kept], layers=[{"layer": 1, "curve": []}]
    )
    assert [part.title for part in reel.parts(bare)] == ["start", "all layers at once"]


def test_a_moment_is_above_its_own_image_and_losses_fall_on_a_scale_of_their_own():
    part = Part("all", (0, 1, 2), (1, 3, 9), tuple(10.0 / i for i in range(1, 10)))
    x = reel.along(part)
    assert x[[0, 2, 8]] == pytest.approx([1 / 6, 3 / 6, 5 / 6])
    assert (np.diff(x) > 0).all()
    y = reel.heights(part.curve)
    assert (y[0], y[-1]) == pytest.approx((0, 1))
    assert reel.heights([2.0, 2.0]).tolist() == [0, 0]
    assert reel.along(Part("one", (0,), (4,), (4.0, 3.0, 2.0, 1.0))).tolist() == [0.125, 0.375, 0.625, 0.875]


def test_every_image_has_its_place_in_the_one_picture(film: Film):
    encoded = reel.sprite(film).removeprefix("data:image/png;base64,")
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    frame, row, column, size = 3, 1, 1, 28
    across = (frame * film.columns + column) * size
    cut = picture[row * size : (row + 1) * size, across : across + size]
    assert np.array_equal(cut, film.images[frame, row * film.columns + column, 0])


def test_colours_travel_too(film: Film):
    coloured = dataclasses.replace(film, images=film.images.repeat(3, 2))
    assert reel.sprite(coloured).startswith("data:image/webp;base64,")


def test_each_frame_has_a_sentence_a_loss_and_features_inside_the_picture(film: Film):
    data = charts.data(film, frozenset(), "a")
    count, n = len(film.frames), len(film.labels)
    assert len(data["stops"]) == count
    assert "start" in data["stops"][0]["says"]
    assert (
        data["stops"][1]["says"]
        == "After 12 iterations at block 3 · 3 passes through the whole network so far · loss 2"
    )
    assert data["stops"][-1]["part"] == len(reel.parts(film)) - 1
    paths = np.array(data["paths"])
    assert paths.shape == (n, count, 2)
    height = int(re.search(r'viewBox="0 0 720 (\d+)"', data["html"]).group(1))  # type: ignore[union-attr]
    assert (paths >= 0).all()
    assert (paths <= [charts.WIDTH, height]).all()
    assert data["html"].count('class="cell"') == count
    assert data["html"].count('class="mover"') == data["html"].count('class="target"') == n


def test_the_cloud_keeps_distances_in_proportion(film: Film):
    where, _ = film.features()
    paths = np.array(charts.data(film, frozenset(), "a")["paths"]).transpose(1, 0, 2)
    true, drawn = np.linalg.norm(where[-1] - where[0], axis=1), np.linalg.norm(paths[-1] - paths[0], axis=1)
    assert drawn / true == pytest.approx((drawn / true).mean(), rel=0.05)


def test_what_is_stressed_stands_out_and_is_in_the_strip(film: Film):
    names = ["<b>", *film.names[1:]]
    html = charts.data(dataclasses.replace(film, names=names), frozenset({1}), "a")["html"]
    assert 'part="own-1"' in html
    assert "<b></span>" not in html  # names are escaped
    assert "&lt;b&gt;" in html


def test_images_made_for_a_label_have_no_target(film: Film):
    html = charts.data(dataclasses.replace(film, aims=False), frozenset(), "a")["html"]
    assert 'class="target"' not in html
    assert "its target" not in html
    assert "for its label alone" in html


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.07344, "0.0734"), (12.34, "12.3"), (4_861_000.0, "4.86·10⁶"), (0.0, "0"), (12345.6, "12346")],
)
def test_losses_are_short(value: float, words: str):
    assert reel.short(value) == words


def test_the_page_shows_the_film_of_the_latest_inversion(lab):
    path = fake_core.grown("pmi", lab, 3)
    page = open_page(node=path[-2].id).run()
    assert not page.exception
    assert len(films(page)) == 1
    assert "How does an image come out of a feature?" in texts(page)
    assert "This is the inversion after" not in texts(page)
    page = open_page(node=path[-1].id).run()  # a task later
    assert len(films(page)) == 1
    assert "This is the inversion after task 1" in texts(page)


def test_an_inversion_from_before_films_shows_its_losses_and_says_why(lab):
    path = fake_core.grown("pmi", Store(lab.path.parent / "other"), 2)
    record = {key: value for key, value in path[-1].record.items() if key != "film"}
    arrays = {n: a for n, a in path[-1].arrays.items() if not n.startswith(("film", "view/film"))}
    for node in (*path[:-1], dataclasses.replace(path[-1], record=record, arrays=freeze(arrays))):
        lab.save(node)
    page = open_page(node=path[-1].id).run()
    assert not page.exception
    assert not films(page)
    assert "made before its images were kept" in texts(page)
