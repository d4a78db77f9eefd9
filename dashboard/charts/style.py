"""What all Plotly figures share."""

import math
from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go

from dashboard.palette import Ink

CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg", "scale": 2},
}


def figure(
    ink: Ink,
    height: int,
    traces: list[Any],
    xaxis: dict[str, Any],
    yaxis: dict[str, Any],
    margin: dict[str, int] | None = None,
    **layout: Any,
) -> go.Figure:
    """A figure on the page's own paper: quiet axes, room for large type, no legend unless asked for.

    It is made in one go, because Plotly is slow at changing a figure.
    """
    quiet = {
        "gridcolor": ink.line,
        "zeroline": False,
        "linecolor": ink.line,
        "automargin": True,
        "tickfont": {"size": 13, "color": ink.quiet},
    }
    axes = [quiet | axis | {"title": _title(axis, ink)} for axis in (xaxis, yaxis)]
    common = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 12, "b": 8} | (margin or {}),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 14, "color": ink.text},
        "showlegend": False,
        "dragmode": False,
        "hoverlabel": {"font": {"size": 14}, "namelength": -1},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": ink.quiet, "activecolor": ink.text},
        "xaxis": axes[0],
        "yaxis": axes[1],
    }
    return go.Figure(traces, common | layout)


def _title(axis: dict[str, Any], ink: Ink) -> dict[str, Any]:
    if not axis.get("title"):
        return {}  # an empty one would take as much room as any
    return {"text": axis["title"], "font": {"size": 14, "color": ink.quiet}}


def log_ticks(values: Iterable[float]) -> list[float]:
    """A few round numbers across the range of some positive values: 1, 2 and 5 of each power of ten, or powers only."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    if not positive:
        return [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    digits = (1, 2, 5) if high - low <= 2 else (1,)
    return [float(f"{digit}e{power}") for power in range(low, high + 1) for digit in digits]
