"""The two places of a figure."""

import pytest
from plotly.graph_objects import Figure, Scatter

from dashboard.state import turns


def test_a_figure_goes_back_to_where_it_stands_or_takes_the_place_of_the_one_before_the_last(
    monkeypatch: pytest.MonkeyPatch,
):
    kept: dict = {}
    monkeypatch.setattr(turns, "keep", lambda name, default: kept.setdefault(name, default))

    def now(height: int, alt: str = "a curve") -> int:
        return turns.take_turn("curve", Figure(Scatter(y=[1, height])), alt).now

    assert [now(1), now(1), now(2), now(1), now(2), now(3), now(2)] == [0, 0, 1, 0, 1, 0, 1]
    assert now(2, "other words") == 0  # to Streamlit it is another chart
    turns.forget_before("curve")
    assert kept["turns"]["curve"].places[1] is None
    assert now(2) == 1
    turns.forget_before("of this there is none")
