"""A layer that is chosen is marked where layers are shown; what is kept is listed by name, shape and bytes."""

import fake_core
from test_app import films, open_page, texts

from dashboard.charts import losses, reel
from dashboard.palette import INKS
from dashboard.views.kept import inventory

ORDER = ("stem", "block 1", "block 2", "block 3")


def test_a_group_of_layers_covers_all_between_its_ends():
    assert [reel.covers("block 1 to block 3", layer, ORDER) for layer in ORDER] == [False, True, True, True]
    assert [reel.covers("block 1", layer, ORDER) for layer in ORDER] == [False, True, False, False]
    assert not reel.covers("block 1", "attention 7", ORDER)


def test_what_is_kept_is_listed_by_what_it_is_about():
    rows = [{"what": "gaussians/mean", "shape": "4 × 8", "bytes": 128}]
    for task in (0, 1):
        for name in ("norm0", "norm1", "input0", "input1"):
            rows.append({"what": f"statistics/task{task}/{name}/count", "shape": "", "bytes": 8})
            rows.append({"what": f"statistics/task{task}/{name}/mean", "shape": "16", "bytes": 64})
        rows.append({"what": f"synthetic{task}/images", "shape": "5 × 1 × 4 × 4", "bytes": 160})
    listed = {kept.what: kept for kept in inventory(rows, ORDER)}
    assert sum(kept.size for kept in listed.values()) == sum(row["bytes"] for row in rows)
    assert listed["Mean feature of each class"].shape == "4 × 8"
    about = listed["Statistics of the input of block 1"]
    assert (about.layer, about.shape, about.size) == ("block 1", "1 + 16, for each task", 144)
    assert listed["Statistics of the inputs of the normalisations"].layer is None
    assert listed["Synthetic images"].shape == "5 × 1 × 4 × 4, for each task"


def test_the_band_of_a_marked_layer_stands_out():
    layers = [{"name": "block 3", "curve": [2.0, 1.0]}, {"name": "block 2", "curve": [2.0, 1.0]}]
    figure = losses.layer_by_layer(layers, {}, INKS["light"], ("block 2",))
    assert [note.text for note in figure.layout.annotations] == ["block 3", "<b>block 2</b>"]
    assert len(figure.layout.shapes) == 2


def test_a_layer_chosen_on_the_page_is_marked_in_the_film(lab):
    page = open_page().run()
    layer = fake_core.LAYERS[1]
    control = next(control for control in page.button_group if "Mark a layer" in control.label)
    assert "part marked" not in str(films(page)[0].proto)
    control.set_value(layer).run()
    assert not page.exception
    assert "part marked" in str(films(page)[0].proto)
    assert "What is kept of the past?" in texts(page)
