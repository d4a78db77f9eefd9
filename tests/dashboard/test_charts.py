"""Figures show the numbers that they are given."""

import dataclasses
import itertools

import numpy as np
import plotly.io
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dashboard import stress
from dashboard.charts import features, forgetting, live, losses
from dashboard.charts.style import coordinates, log_ticks
from dashboard.palette import INKS, SHAPES, SYMBOLS, between, colour, contrast, faded, symbol
from dashboard.projections import Projection, ellipse

INK = INKS["light"]
MATRIX = [[0.9], [0.6, 0.8], [0.5, 0.7, 0.95]]
TOTALS = [0.9, 0.7, 0.72]
TASKS, FIRSTS = ["1 · a, b", "2 · c, d", "3 · e"], [0, 2, 4]


def test_forgetting_curves_are_the_columns_of_the_matrix():
    figure = forgetting.curves(MATRIX, TOTALS, TASKS, FIRSTS, INK)
    lines = {trace.name: trace for trace in figure.data}
    for j, name in enumerate(TASKS):
        assert list(lines[name].x) == list(range(j + 1, 4))
        assert list(lines[name].y) == [row[j] for row in MATRIX[j:]]
        assert lines[name].marker.symbol == symbol(FIRSTS[j])
    assert list(lines["all classes seen"].y) == TOTALS
    assert lines["all classes seen"].line.width > max(lines[name].line.width for name in TASKS)


def test_another_run_is_drawn_faintly_beside():
    others = [forgetting.Run("Finetune", [[0.9], [0.0, 0.8]], [0.9, 0.4]), forgetting.Run("Joint", [[0.9]], [0.9])]
    figure = forgetting.curves(MATRIX, TOTALS, TASKS, FIRSTS, INK, others)
    faint = [trace for trace in figure.data if trace.name.endswith("Finetune")]
    assert [list(trace.y) for trace in faint] == [[0.9, 0.0], [0.8], [0.9, 0.4]]
    assert all(trace.line.dash == "dot" for trace in faint)
    assert [list(trace.y) for trace in figure.data if trace.name.endswith("Joint")] == [[0.9]]


def test_the_words_at_the_ends_of_the_lines_do_not_overlap():
    others = [forgetting.Run(name, MATRIX, [0.9, 0.7, 0.71]) for name in ("Finetune", "Joint")]
    notes = forgetting.curves(MATRIX, TOTALS, TASKS, FIRSTS, INK, others).layout.annotations
    heights = sorted(note.y for note in notes)
    assert len(notes) == 3
    assert min(b - a for a, b in itertools.pairwise(heights)) > 0.05


def test_highlighted_tasks_stand_out():
    figure = forgetting.curves(MATRIX, TOTALS, TASKS, FIRSTS, INK, owners=[(0, 1), (2,), (3,)])
    every = ["own-0 own-1", "own-2", "own-3"]
    assert [trace.uid.partition(" ")[2] for trace in figure.data[:-1]] == every
    assert figure.data[-1].uid is None  # the bold line belongs to all
    assert len({trace.uid for trace in figure.data}) == len(figure.data)
    assert '"uid":"task1 own-2"' in plotly.io.to_json(figure)  # which plotly would leave out


def test_of_several_classes_the_strongest_counts():
    told = stress.style({0}, range(3))
    assert ".own-1{opacity:0.25!important}" in told
    assert told.index(".own-1{opacity:0.25") < told.index(".own-0{opacity:1!important}")  # the later of equals holds
    assert told.endswith(".il-rows{--c1:0.25;--c2:0.25;--c0:1;}")
    assert stress.style(set(), range(3)) == ""


def test_the_matrix_is_the_matrix():
    heat = forgetting.matrix(MATRIX, 3, INK).data[0]
    assert [[*row] for row in heat.z] == [[0.9, None, None], [0.6, 0.8, None], [0.5, 0.7, 0.95]]
    assert (heat.zmin, heat.zmax) == (0, 1)


@pytest.mark.parametrize("theme", INKS)
def test_each_number_of_a_heat_map_can_be_read_on_its_cell(theme):
    steps = [[i / 100 for i in range(51)], [i / 100 for i in range(50, 101)]]
    for figure in (forgetting.matrix(steps, 51, INKS[theme]), forgetting.confusion(*_counts(steps), INKS[theme])):
        heat, numbers = figure.data
        for x, y, words, paint in zip(numbers.x, numbers.y, numbers.text, numbers.textfont.color, strict=True):
            share = heat.z[list(heat.y).index(y)][list(heat.x).index(x)]
            assert words.rstrip("%") == f"{100 * share:.0f}"
            ground = between(heat.colorscale[0][1], heat.colorscale[1][1], share)
            assert contrast(paint, ground) >= 4.5


def _counts(steps: list[list[float]]) -> tuple[list[list[int]], list[str]]:
    """Confusions of which some class's every share from 0 to 1 is one."""
    shares = [share for row in steps for share in row]
    counts = [[round(100 * share), round(100 * (1 - share)), *[0] * (len(shares) - 2)] for share in shares]
    return counts, [f"class {c}" for c in range(len(shares))]


def test_confusion_is_in_shares_of_the_true_class():
    figure = forgetting.confusion([[3, 1], [0, 5]], ["a", "b"], INK, frozenset({1}))
    assert [[*row] for row in figure.data[0].z] == [[0.75, 0.25], [0, 1]]
    assert list(figure.layout.xaxis.ticktext) == ["a", "<b>b</b>"]


def test_epochs_are_the_rows_of_the_record():
    figure = forgetting.while_learning([[0.9, 0.1], [0.8, 0.5]], TASKS, FIRSTS, INK)
    assert [list(trace.y) for trace in figure.data] == [[0.9, 0.8], [0.1, 0.5]]


def a_projection(classes: int, each: int) -> tuple[Projection, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels, made = np.repeat(np.arange(classes), each), np.repeat(np.arange(classes), 3)
    mean, covariance = rng.normal(0, 3, (classes, 2)), np.repeat(np.array([[[2.0, 0.5], [0.5, 1.0]]]), classes, 0)
    points = Projection(mean[labels] + 0, mean[made] + 1, mean, covariance, ("x", "y"), "")
    return points, labels, made


def test_real_points_are_filled_synthetic_ones_hollow_and_colour_is_the_class():
    projection, labels, made = a_projection(12, 5)
    names = [f"class {c}" for c in range(12)]
    traces = {trace.name: trace for trace in features.scatter(projection, labels, made, names, INK).data}
    for c, name in enumerate(names):
        real, synthetic = traces[f"{name} · real"], traces[f"{name} · synthetic"]
        assert (real.marker.symbol, synthetic.marker.symbol) == (symbol(c), symbol(c) + "-open")
        assert (real.marker.color, synthetic.marker.color) == (faded(colour(c), 0.5), faded(colour(c), 1))
        assert synthetic.hovertemplate == f"{name} · synthetic<extra></extra>"  # a text for all is not told by Plotly
        np.testing.assert_allclose(real.x, projection.real[labels == c, 0], rtol=1e-5)
        assert [*map(tuple, synthetic.customdata)] == [("synthetic", row) for row in np.flatnonzero(made == c)]
    assert (symbol(0), colour(0)) != (symbol(10), colour(10))  # the eleventh class is another one


def test_ellipses_are_drawn_at_one_and_two_sigma():
    projection, labels, made = a_projection(2, 5)
    traces = {trace.name: trace for trace in features.scatter(projection, labels, made, ["a", "b"], INK).data}
    for sigmas in (1, 2):
        drawn = np.stack([traces[f"b · {sigmas}σ"].x, traces[f"b · {sigmas}σ"].y], axis=1)
        np.testing.assert_allclose(drawn, ellipse(projection.mean[1], projection.covariance[1], sigmas), atol=1e-4)


@pytest.mark.parametrize(("hidden", "left"), [("real", "synthetic"), ("synthetic", "real"), ("ellipses", "real")])
def test_each_kind_can_be_hidden(hidden, left):
    projection, labels, made = a_projection(2, 5)
    hide = {hidden: () if hidden == "ellipses" else False}
    drawn = features.scatter(projection, labels, made, ["a", "b"], INK, **hide).data
    words = {"ellipses": "σ"}.get(hidden, hidden)
    assert not any(words in trace.name for trace in drawn)
    assert any(left in trace.name for trace in drawn)


def test_ellipses_of_real_and_synthetic_points_are_their_own():
    rng = np.random.default_rng(1)
    projection, labels, made = a_projection(2, 400)
    real = projection.real + rng.normal(0, 1, projection.real.shape) * [3.0, 1.0]
    projection = dataclasses.replace(projection, real=real)
    drawn = features.scatter(projection, labels, made, ["a", "b"], INK, ellipses=("real", "synthetic")).data
    lines = {trace.name: trace for trace in drawn if trace.mode == "lines"}
    assert set(lines) == {"a · 1σ · real", "b · 1σ · real"}  # three synthetic points give no ellipse
    contour = np.stack([lines["a · 1σ · real"].x, lines["a · 1σ · real"].y], axis=1)
    own = real[labels == 0] - real[labels == 0].mean(0)
    inverse = np.linalg.inv(np.cov(own.T))
    assert np.mean(np.einsum("ni,ij,nj->n", own, inverse, own) <= 1) == pytest.approx(0.39, abs=0.06)
    edge = contour - real[labels == 0].mean(0)
    np.testing.assert_allclose(np.einsum("ni,ij,nj->n", edge, inverse, edge), 1, rtol=1e-4)


def test_targets_are_shown_when_they_are_asked_for():
    projection, labels, made = a_projection(2, 5)
    projection = dataclasses.replace(projection, targets=np.ones((2, 2)))
    aims = features.scatter(projection, labels, made, ["a", "b"], INK, target_labels=np.array([0, 1])).data
    symbols = [trace.marker.symbol for trace in aims if trace.name.endswith("target")]
    assert symbols == ["circle-open-dot", "square-open-dot"]
    assert not [t for t in features.scatter(projection, labels, made, ["a", "b"], INK).data if "target" in t.name]


def test_alignment_is_the_record():
    rows = [
        {"class": 0, "frechet": 3.0, "floor": 2.0, "cosine": 0.9, "coverage": 0.5},
        {"class": 2, "frechet": 4.0, "floor": None, "cosine": None, "coverage": 0.1},
    ]
    drawn = {trace.name: list(trace.x) for trace in features.alignment(rows, ["a", "c"], INK, [1, 1]).data}
    assert drawn == {
        "Fréchet distance": [3, 4], "cosine": [0.9, None], "coverage": [0.5, 0.1], "floor": [2, None],
    }  # fmt: skip


def test_many_points_are_drawn_by_webgl():
    projection, labels, made = a_projection(3, features.MANY // 3 + 1)
    kinds = {trace.type for trace in features.scatter(projection, labels, made, ["a", "b", "c"], INK).data}
    assert "scattergl" in kinds


def test_layer_curves_stand_end_to_end_in_the_order_of_inversion():
    layers = [{"name": "block 1", "curve": [3.0, 2.0]}, {"name": "stem", "curve": []}]
    figure = losses.layer_by_layer(layers, {"curve": {"total": [5.0, 4.0, 3.0]}}, INK)
    assert [trace.name for trace in figure.data] == ["block 1", "all layers"]  # a layer of 0 iterations has no curve
    assert [list(trace.x) for trace in figure.data] == [[1, 2], [3, 4, 5]]
    assert list(figure.data[1].y) == [5.0, 4.0, 3.0]


def test_the_terms_of_a_loss_and_their_sum():
    figure = losses.by_name(
        {"iteration": [10, 20], "total": [3.0, 2.0], "hard_kd": [1.0, 0.5]}, {"hard_kd": "old"}, INK
    )
    assert {trace.name: list(trace.y) for trace in figure.data} == {"old": [1.0, 0.5], "total": [3.0, 2.0]}
    assert list(figure.data[0].x) == [10, 20]


def test_live_charts_hold_the_rows():
    chart = live.loss([(0.1, "layer 2", 3.0), (0.2, "layer 2", 2.0)], INK).to_dict()
    rows = next(rows for rows in chart["datasets"].values() if len(rows) == 2)
    assert [row["loss"] for row in rows] == [3.0, 2.0]
    chart = live.accuracies([(0.5, (0.9, 0.1))], TASKS[:2], FIRSTS[:2]).to_dict()
    assert chart["encoding"]["color"]["scale"]["range"] == [colour(0), colour(2)]


def test_on_a_projector_live_charts_are_as_much_higher_as_their_type_is_larger():
    larger = live.typed(live.loss([], INK), dataclasses.replace(INK, type=1.5)).to_dict()
    assert larger["height"] == 1.5 * live.loss([], INK).to_dict()["height"]
    assert larger["config"]["axis"]["titleFontSize"] == 1.5 * 13


@given(arrays(np.float64, st.integers(0, 20), elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False)))
def test_coordinates_are_sent_as_finely_as_a_screen_shows_them(values):
    largest = np.abs(values).max(initial=0.0)
    assert coordinates(values) == pytest.approx(values.tolist(), abs=1e-5 * largest)


def test_log_ticks_are_round_and_cover_the_values():
    assert log_ticks([0.3, 4]) == [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
    assert log_ticks([1e-4, 10]) == [1e-4, 1e-3, 1e-2, 0.1, 1, 10]
    assert log_ticks([0.0, float("nan")]) == [1.0]


def test_every_symbol_can_be_drawn_in_text_and_in_plotly():
    assert set(SYMBOLS) == set(SHAPES)
