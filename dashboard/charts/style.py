"""What all Plotly figures share."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.palette import Ink

ROOM = 0.7  # how much higher a figure gets, of how much its type does
FONT = '"Source Sans", sans-serif'  # the page's own
CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg", "scale": 2},
}


class Composed(go.Figure):
    """A figure that stays as it is once it is sent: what is sent of it is made once.

    Streamlit hands each figure to Plotly twice, in equal copies. Plotly draws it again if it cannot see that they are
    equal; it cannot for a template and for binary arrays, and it compares lists only where there is a datarevision.
    """

    def to_dict(self) -> dict[str, Any]:
        if "_sent" not in self.__dict__:
            self._sent = super().to_dict()
            del self._sent["layout"]["template"]
            self._sent["data"] = [_Trace(trace) for trace in self._sent["data"]]
        return self._sent


class _Trace(dict[str, Any]):
    """A trace that keeps its uid, which plotly takes out of what it writes: of it Plotly makes classes (stress.uid)."""

    def pop(self, name: str, default: Any = None) -> Any:
        return self[name] if name == "uid" and name in self else super().pop(name, default)


def coordinates(values: np.ndarray) -> list[float]:
    """Numbers (n,) as a list, to a hundred-thousandth of the largest: finer than a screen shows, and short to send."""
    largest = float(np.abs(values).max(initial=0.0))
    decimals = 5 - math.floor(math.log10(largest)) if largest > 0 else 0
    numbers: list[float] = np.round(values.astype(np.float64), decimals).tolist()
    return numbers


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
        "ticks": "",
        "tickfont": {"size": 13, "color": ink.quiet},
    }
    titled = (({"showgrid": False} | xaxis, 20), (yaxis, 24))
    axes = [quiet | axis | {"title": _title(axis, ink, standoff)} for axis, standoff in titled]
    common = {
        "template": {},
        "datarevision": 1,  # another figure is another chart
        "height": height,
        "margin": {"pad": 8} | _margin(xaxis, yaxis) | (margin or {}),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 14, "color": ink.text, "family": FONT},
        "showlegend": False,
        "dragmode": False,
        "hoverlabel": {
            "font": {"size": 14, "color": ink.text, "family": FONT},
            "bgcolor": ink.ground,
            "bordercolor": ink.line,
            "namelength": -1,
        },
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": ink.quiet, "activecolor": ink.text},
        "xaxis": axes[0],
        "yaxis": axes[1],
    }
    if ink.type == 1:
        return Composed(traces, common | layout)
    drawn = Composed(traces, enlarged(common | layout, ink.type))
    return drawn.for_each_trace(lambda trace: _enlarge_marks(trace, ink.type))


def enlarged(part: Any, by: float) -> Any:
    """A part of a layout in which all type is so many times as large, with room for it."""
    if isinstance(part, list):
        return [enlarged(item, by) for item in part]
    if not isinstance(part, dict):
        return part
    larger = {name: enlarged(value, by) for name, value in part.items()}
    if "height" in part:
        larger["height"] = part["height"] * (1 + ROOM * (by - 1))
    for name in part:
        if name.endswith("font") and "size" in part[name]:
            larger[name]["size"] = part[name]["size"] * by
        elif name == "margin":
            larger[name] = {side: width * by for side, width in part[name].items()}
        elif name in ("xshift", "yshift"):
            larger[name] = part[name] * by
    return larger


def _enlarge_marks(trace: Any, by: float) -> None:
    """A trace's text, lines and points."""
    for part, size in (("textfont", "size"), ("line", "width"), ("marker", "size")):
        if f"{part}.{size}" in trace and isinstance(trace[part][size], (int, float)):  # bars have marks without a size
            trace[part][size] *= by


def _margin(xaxis: dict[str, Any], yaxis: dict[str, Any]) -> dict[str, int]:
    """Room for the axes' titles and labels, in pixels, as Plotly 3 measures them.

    Given too little, Plotly makes the room itself, and for that draws everything a second time.
    """
    margin = {"l": 8, "r": 8, "t": 12, "b": 8}
    margin["t" if xaxis.get("side") == "top" else "b"] += 33 * bool(xaxis.get("title")) + 29 * bool(_labels(xaxis))
    margin["l"] += 35 * bool(yaxis.get("title")) + (18 + 7 * _labels(yaxis) if _labels(yaxis) else 0)
    return margin


def _labels(axis: dict[str, Any]) -> int:
    """How many letters the longest label of an axis has; three are a guess where Plotly chooses them."""
    if not axis.get("showticklabels", True):
        return 0
    if "%" in axis.get("tickformat", ""):
        return len("100%")
    if "ticktext" in axis:
        return max(map(len, axis["ticktext"]), default=0)
    return max((len(f"{value:g}") for value in axis.get("tickvals", ())), default=3)


def _title(axis: dict[str, Any], ink: Ink, standoff: int) -> dict[str, Any]:
    if not axis.get("title"):
        return {}  # an empty one would take as much room as any
    return {"text": axis["title"], "font": {"size": 14, "color": ink.quiet}, "standoff": standoff}


def log_ticks(values: Iterable[float]) -> list[float]:
    """A few round numbers across the range of some positive values: 1, 2 and 5 of each power of ten, or powers only."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    if not positive:
        return [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    digits = (1, 2, 5) if high - low <= 2 else (1,)
    return [float(f"{digit}e{power}") for power in range(low, high + 1) for digit in digits]
