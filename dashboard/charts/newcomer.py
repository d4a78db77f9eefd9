"""A class never shown: the rotation in the plane of two texts, and the cloud of its projected features.

The new class has colour and symbol 0, the lenders those from 1 on.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from dashboard import imports
from dashboard.charts.style import coordinates, figure
from dashboard.palette import Ink, colour, faded, symbol

if TYPE_CHECKING:
    from cl_core.newcomer import Plane

ARC = 0.34  # radius at which the angle is drawn


@imports.drawing()
def plane(of: "Plane", number: int, name: str, ink: Ink) -> go.Figure:
    """One lender's features before and after the rotation that takes its text to the new one.

    number: the lender's place, from 0; name: of the new class. A feature is as long here as its part in the plane.
    """
    old, new = np.array([1.0, 0.0]), of.new
    lender = number + 1
    traces: list[Any] = [
        _line(_arc(of.lender.angle, 1.0), ink.line, 1.5),
        _line(_arc(of.lender.angle, ARC), ink.quiet, 1.5),
        _line(np.stack([np.zeros(2), old]), colour(lender), 3),
        _line(np.stack([np.zeros(2), new]), colour(0), 3),
        _points(of.before, lender, f"{of.lender.name}: drawn", hollow=True),
        _points(of.after, 0, f"{name}: rotated", hollow=True),
    ]
    if len(of.truth):
        traces.append(_points(of.truth, 0, f"{name}: real", hollow=False))
    start, end = of.before.mean(0), of.after.mean(0)
    middle = np.radians(of.lender.angle / 2)
    notes = [
        _note(old, f"<b>{escape(of.lender.name)}</b>, its words", colour(lender), ink, below=True),
        _note(new, f"<b>{escape(name)}</b>, its words", colour(0), ink),
        _note(ARC * 1.25 * np.array([np.cos(middle), np.sin(middle)]), f"θ = {of.lender.angle:.0f}°", ink.text, ink),
        _arrow(start, end, ink),
    ]
    every = np.concatenate([of.before, of.after, of.truth, [old, new, np.zeros(2)]])
    low, high = every.min(0) - 0.12, every.max(0) + 0.16
    axis = {"showgrid": False, "zeroline": True, "zerolinecolor": ink.line, "nticks": 4}
    return figure(
        ink,
        420,
        traces,
        axis | {"title": "along the old words", "range": [low[0], high[0] + 0.1]},
        axis | {"title": "across, toward the new ones", "range": [low[1], high[1]], "scaleanchor": "x"},
        annotations=notes,
        hovermode="closest",
    )


@imports.drawing()
def cloud(of: Mapping[str, np.ndarray], lenders: Sequence[str], name: str, ink: Ink) -> go.Figure:
    """The lenders' draws and the projected features in two principal axes, with the real ones where there are any."""
    traces: list[Any] = []
    for i, lender in enumerate(lenders):
        traces.append(_points(of["draws"][of["lender"] == i], i + 1, f"{lender}: drawn", hollow=True, strength=0.45))
    traces.append(_points(of["projected"], 0, f"{name}: projected", hollow=True))
    if len(of["truth"]):
        traces.append(_points(of["truth"], 0, f"{name}: real, never seen by the method", hollow=False))
    bare = {"showticklabels": False}
    titles = [f"principal axis {i + 1} · {of['explained'][i]:.0%} of the variance" for i in range(2)]
    return figure(
        ink, 420, traces, bare | {"title": titles[0]}, bare | {"title": titles[1], "scaleanchor": "x"},
        hovermode="closest",
    )  # fmt: skip


def _points(xy: np.ndarray, c: int, says: str, hollow: bool, strength: float = 1.0) -> go.Scatter:
    paint = faded(colour(c), strength if hollow else 0.85 * strength)
    marker: dict[str, Any] = {"symbol": symbol(c) + ("-open" if hollow else ""), "size": 8 if hollow else 9}
    marker |= {"color": paint, "line": {"width": 1.5 if hollow else 0, "color": paint}}
    words = escape(says)
    return go.Scatter(
        x=coordinates(xy[:, 0]), y=coordinates(xy[:, 1]), mode="markers", name=words, marker=marker,
        hovertemplate=f"{words}<extra></extra>",
    )  # fmt: skip


def _line(xy: np.ndarray, paint: str, width: float) -> go.Scatter:
    x, y = map(coordinates, xy.T)
    return go.Scatter(x=x, y=y, mode="lines", line={"color": paint, "width": width}, hoverinfo="skip")


def _arc(degrees: float, radius: float) -> np.ndarray:
    angles = np.radians(np.linspace(0, degrees, 60))
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _note(at: np.ndarray, text: str, paint: str, ink: Ink, below: bool = False) -> dict[str, Any]:
    """Words at a point; what is far to the right ends there, and is not cut off where the figure is narrow."""
    return {
        "x": at[0], "y": at[1], "text": text, "showarrow": False, "xanchor": "right" if at[0] > 0.6 else "center",
        "yanchor": "top" if below else "bottom", "yshift": -6 if below else 6, "font": {"color": ink.text, "size": 14},
    }  # fmt: skip


def _arrow(start: np.ndarray, end: np.ndarray, ink: Ink) -> dict[str, Any]:
    """From the mean of the features before to that after."""
    return {
        "x": end[0], "y": end[1], "ax": start[0], "ay": start[1], "xref": "x", "yref": "y", "axref": "x", "ayref": "y",
        "text": "", "showarrow": True, "arrowhead": 2, "arrowsize": 1.2, "arrowwidth": 2.4, "arrowcolor": ink.text,
    }  # fmt: skip
