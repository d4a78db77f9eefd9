"""A heat map of shares, 0 … 1, with a number in each cell that can be read on its ground."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard.palette import Ink, between, readable


def cells(
    values: Sequence[Sequence[float | None]],
    texts: Sequence[Sequence[str]],
    columns: Sequence[int],
    rows: Sequence[int],
    ink: Ink,
    size: int,
    **heat: Any,
) -> list[go.Heatmap | go.Scatter]:
    """The cells and, over them, their numbers: Plotly has one colour for all the text of a heat map, which is lost on

    the cells in the middle of the scale. heat: more of the heat map.
    """
    ground = go.Heatmap(
        z=values, x=columns, y=rows, zmin=0, zmax=1, colorscale=[[0, ink.low], [1, ink.high]], showscale=False, **heat
    )
    told = [
        (column, row, text, readable(between(ink.low, ink.high, value)))
        for row, across, words in zip(rows, values, texts, strict=True)
        for column, value, text in zip(columns, across, words, strict=True)
        if text and value is not None
    ]
    x, y, text, colours = zip(*told, strict=True) if told else ((), (), (), ())
    numbers = go.Scatter(
        x=x, y=y, text=text, mode="text", textfont={"size": size, "color": list(colours)}, hoverinfo="skip"
    )
    return [ground, numbers]
