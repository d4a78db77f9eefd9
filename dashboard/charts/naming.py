"""What the small CLIP names rightly of what it has never been shown, beside the nearest neighbour in pixels."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from dashboard import imports
from dashboard.charts.style import figure
from dashboard.markup import percent
from dashboard.palette import Ink

Row = Mapping[str, Any]  # title, clip and neighbour: {mean, low, high}, pictures, concepts


@imports.drawing()
def groups(rows: Sequence[Row], chance: float, ink: Ink) -> go.Figure:
    """Shares of drawings whose group is named rightly, with 95 % intervals: a line a set. chance: of guessing."""
    places = list(range(len(rows)))
    traces = []
    for key, name, paint, shape, lift in (
        ("clip", "CLIP", ink.text, "circle", -0.13),
        ("neighbour", "nearest in pixels", ink.quiet, "diamond", 0.13),
    ):
        found = [row[key] for row in rows]
        traces.append(
            go.Scatter(
                x=[of["mean"] for of in found],
                y=[place + lift for place in places],
                mode="markers+text",
                name=name,
                text=[percent(of["mean"]) for of in found],
                textposition="top center" if lift < 0 else "bottom center",
                textfont={"size": 13, "color": paint},
                marker={"symbol": shape, "size": 12, "color": paint},
                error_x={
                    "symmetric": False,
                    "array": [of["high"] - of["mean"] for of in found],
                    "arrayminus": [of["mean"] - of["low"] for of in found],
                    "color": paint,
                    "thickness": 2,
                    "width": 0,
                },
                hovertemplate=f"{name}: %{{x:.1%}}<extra></extra>",
            )
        )
    names = [escape(row["title"]) for row in rows]
    share = {"range": [0, 1], "tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    line = {"type": "line", "x0": chance, "x1": chance, "yref": "paper", "y0": 0, "y1": 1}
    return figure(
        ink,
        70 + 78 * len(rows),
        traces,
        share | {"title": "named rightly"},
        {"tickvals": places, "ticktext": names, "range": [len(rows) - 0.45, -0.55], "showgrid": False},
        shapes=[line | {"line": {"color": ink.quiet, "width": 1.5, "dash": "dot"}}],
        hovermode="closest",
    )
