"""Points chosen in the feature space: what they are, what is said of them, what lies near; and on the page."""

import fake_core
import numpy as np
import pytest
from test_app import button, open_page, texts

from dashboard import closeup, points
from dashboard.points import Points
from dashboard.views import kept
from dashboard.views.images import COLUMNS, first_rows

VIEW = {
    "real": np.array([[0.0, 0], [1, 0], [5, 0], [9, 0]], np.float16),
    "real_labels": np.array([0, 0, 1, 1]),
    "synthetic": np.array([[4.0, 0], [0.2, 0]], np.float16),
    "synthetic_labels": np.array([1, 0]),
}


def test_a_selection_is_the_rows_that_its_points_name():
    chosen = [{"customdata": ["real", 2]}, {"customdata": ["synthetic", 1]}, {"customdata": ["real", 0]}, {"x": 1.0}]
    found = points.from_selection(chosen)
    assert found == Points((0, 2), (1,))
    assert found.classes(VIEW) == {0, 1}
    assert not points.from_selection([])
    assert Points((3, 4), (2,)).within(VIEW) == Points((3,), ())


def test_the_nearest_real_points_come_first_and_a_point_is_not_its_own_neighbour():
    assert points.nearest_real(VIEW, "synthetic", 0, 2) == [(2, 1.0), (1, 3.0)]
    assert points.nearest_real(VIEW, "real", 0, 9) == [(1, 1.0), (2, 5.0), (3, 9.0)]


def test_an_opinion_is_a_softmax():
    (first, p), (second, q) = points.opinion(np.log(np.array([0.2, 0.7, 0.1])), 2)
    assert (first, second) == (1, 0)
    assert (p, q) == pytest.approx((0.7, 0.2))


def test_targets_are_found_by_class_and_rank():
    view = VIEW | {"synthetic_labels": np.array([0, 0, 1, 1]), "targets": np.zeros((2, 2))}
    assert points.target_of(view | {"target_labels": np.array([1, 1])}, 3) == 1
    assert points.target_of(view | {"target_labels": np.array([1, 1])}, 0) is None
    assert points.target_of(VIEW, 0) is None


def test_the_last_inversion_of_a_class_made_its_images(lab):
    path = fake_core.grown("pmi", lab, 5)
    assert points.maker(path, 0) is None  # not told
    for node, classes in ((path[2], [0, 1]), (path[4], [2, 3])):
        node.record["inverted_classes"] = classes
    assert points.maker(path, 0) is path[2]
    assert points.maker(path, 3) is path[4]


def test_chosen_images_come_first_in_their_row():
    labels = np.repeat([0, 1], 20)
    rows, marks = first_rows(labels, [37, 3], 1)
    assert rows[:3] == [37, 20, 21]
    assert marks == [True] + [False] * (COLUMNS - 1)


def test_a_sheet_names_each_class_and_counts():
    images = np.zeros((3, 4, 4, 1), np.uint8)
    html = closeup.sheet([images, images[:0]], [images[:1], images], [0, 1], ["<a>", "b"])
    assert "&lt;a&gt; <i>4</i>" in html
    assert "○ synthetic" in html
    assert "○ synthetic" not in closeup.sheet([images], [images[:0]], [0], ["a"])


def test_statistics_by_class_and_position_draw_the_mean_image_and_those_by_channel_noise():
    mean = np.linspace(-1, 2, 16).reshape(1, 4, 4)
    by_class, images = kept.drawn(
        {"class1/input0/mean": mean, "class0/input0/mean": mean, "task0/norm0/mean": mean}, (4, 4)
    )
    assert by_class
    assert images.shape == (2, 4, 4, 1)
    np.testing.assert_allclose(images[1, ..., 0] / 255, (mean[0] + 1) / 3, atol=0.003)
    channel = {"task0/input0/mean": np.array([0.5]), "task0/input0/mean_square": np.array([1.25])}
    by_class, images = kept.drawn(channel, (40, 40))
    assert not by_class
    assert images.shape == (1, 40, 40, 1)
    pixels = images.astype(float).ravel()
    assert abs(np.corrcoef(pixels[:-1], pixels[1:])[0, 1]) < 0.1  # no picture


def choose(page, node_id, **rows):
    page.session_state["picked"] = (node_id, Points(**rows))
    return page.run().run()


def test_a_chosen_point_tells_what_it_is(lab):
    leaf = fake_core.grown("pmi", lab, 4)[-1]
    page = open_page(node=leaf.id).run()
    assert "take the lasso" in texts(page)
    choose(page, leaf.id, synthetic=(0,))
    assert not page.exception
    name = leaf.class_names[0]
    assert f"made for a target feature of {name}" in texts(page)
    assert "Nearest real images" in texts(page)
    assert "The network that made it" in texts(page)
    choose(page, leaf.id, real=(0, 1), synthetic=(0, 30))
    assert "Chosen: 2 real and 2 synthetic" in texts(page)
    button(page, "Let go").click().run()
    assert "take the lasso" in texts(page)


def test_a_task_card_chooses_its_classes_and_lets_them_go(lab):
    page = open_page(node=fake_core.grown("pmi", lab, 4)[-1].id).run()
    button(page, "Highlight task 2").click().run()
    assert page.session_state["view.classes"] == [2, 3]
    assert ".il-task{background" in texts(page)
    button(page, "Highlight task 2").click().run()
    assert page.session_state["view.classes"] == []
    assert ".il-task{background" not in texts(page)
