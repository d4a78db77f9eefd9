"""The projector mode: in the address, on every page, in the type of the charts."""

import json
from dataclasses import replace

import plotly.graph_objects as go
import pytest
from test_app import open_page, texts

from dashboard.charts.style import enlarged, figure
from dashboard.palette import INKS
from dashboard.views.projector import LARGE
from dashboard.views.scene import PROJECTED


def test_the_switch_is_kept_in_the_address(lab):
    page = open_page(projector="1")
    assert not page.exception
    assert page.toggle[0].value is True
    assert LARGE in texts(page)
    drawn = json.loads(page.get("plotly_chart")[0].proto.spec)
    assert drawn["layout"]["font"]["size"] == 14 * PROJECTED
    page.toggle[0].set_value(False).run()
    assert "projector" not in page.query_params
    assert LARGE not in texts(page)
    page.toggle[0].set_value(True).run()
    assert page.query_params["projector"] in ("1", ["1"])


def test_what_else_the_address_may_say_is_told(lab):
    page = open_page(projector="huge")
    assert not page.exception
    page.run()
    assert "projector" not in page.query_params
    assert page.toggle[0].value is False


def test_all_type_of_a_figure_grows_and_so_does_its_room():
    layout = {
        "height": 100, "margin": {"l": 8}, "font": {"size": 10},
        "xaxis": {"title": {"text": "x", "font": {"size": 12}}, "tickfont": {"size": 11}},
        "annotations": [{"text": "a", "xshift": 4, "font": {"size": 20}}],
    }  # fmt: skip
    assert enlarged(layout, 2) == {
        "height": pytest.approx(170), "margin": {"l": 16}, "font": {"size": 20},
        "xaxis": {"title": {"text": "x", "font": {"size": 24}}, "tickfont": {"size": 22}},
        "annotations": [{"text": "a", "xshift": 8, "font": {"size": 40}}],
    }  # fmt: skip
    ink = replace(INKS["light"], type=PROJECTED)
    trace = go.Scatter(x=[1], y=[1], line={"width": 2}, marker={"size": [4, 6]})
    drawn = figure(ink, 100, [trace], {"title": "x"}, {})
    assert drawn.layout.font.size == 14 * PROJECTED
    assert drawn.data[0].line.width == 2 * PROJECTED
    assert drawn.data[0].marker.size == (4, 6)
