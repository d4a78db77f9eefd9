"""Losses over the iterations of a step that is over."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard import imports
from dashboard.charts.style import figure, log_ticks
from dashboard.palette import Ink, faded

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@imports.drawing()
def layer_by_layer(
    layers: Sequence[Mapping[str, Any]], refine: Mapping[str, Any], ink: Ink, marked: Collection[str] = ()
) -> go.Figure:
    """The total loss at each layer in the order of inversion, last layer first, then of the refinement; end to end.

    marked: names of layers, or groups of them, to point out.
    """
    parts = [(str(layer["name"]), list(layer["curve"])) for layer in layers]
    parts.append(("all layers", list(refine.get("curve", {}).get("total", []))))
    parts = [(name, curve) for name, curve in parts if curve]
    total = sum(len(curve) for _, curve in parts)
    narrow = any(14 * len(curve) <= total for _, curve in parts)  # then names stand upright
    traces, bands, names, start = [], [], [], 0
    for i, (name, curve) in enumerate(parts):
        traces.append(_part(name, curve, start, ink))
        if i % 2 == 0 or name in marked:
            bands.append(_band(start, start + len(curve), ink, 0.22 if name in marked else 0.07))
        names.append(
            {
                "x": start + len(curve) / 2, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False,
                "text": f"<b>{name}</b>" if name in marked else name, "textangle": -90 if narrow else 0,
                "font": {"size": 13, "color": ink.quiet},
            }
        )  # fmt: skip
        start += len(curve)
    return figure(
        ink,
        320,
        traces,
        {"title": "iterations, one layer after the other", "showgrid": False, "range": [0, max(start, 1) + 0.5]},
        {"type": "log", "title": "loss", "tickvals": log_ticks(v for _, curve in parts for v in curve)},
        margin={"t": 100 if narrow else 30},
        shapes=bands,
        annotations=names,
    )


def _part(name: str, curve: Sequence[float], start: int, ink: Ink) -> go.Scatter:
    return go.Scatter(
        x=[start + k + 1 for k in range(len(curve))],
        y=curve,
        name=name,
        mode="lines" if len(curve) > 1 else "markers",
        line={"color": ink.text, "width": 2.4},
        marker={"color": ink.text, "size": 7},
        customdata=list(range(1, len(curve) + 1)),
        hovertemplate=f"<b>{name}</b><br>iteration %{{customdata}}: %{{y:.3g}}<extra></extra>",
    )


def _band(start: float, end: float, ink: Ink, strength: float) -> dict[str, Any]:
    where = {"x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    return {"type": "rect", "fillcolor": faded(ink.quiet, strength), "line": {"width": 0}, **where}


@imports.drawing()
def by_name(curves: Mapping[str, Sequence[float]], words: Mapping[str, str], ink: Ink) -> go.Figure:
    """The weighted terms of a loss, one line each, and their sum in bold. curves: the terms, perhaps "iteration".

    The key of its lines is the page's (see `samples`): Plotly's would lie over the picture where that is narrow.
    """
    steps = curves.get("iteration") or range(1, len(curves.get("total", [])) + 1)
    terms = [name for name in curves if name not in ("iteration", "total")]
    traces = []
    for i, name in enumerate([*terms, "total"]):
        sum_of_all = name == "total"
        line = {
            "color": ink.text if sum_of_all else ink.quiet,
            "width": 3.2 if sum_of_all else 1.8,
            "dash": "solid" if sum_of_all else DASHES[i % len(DASHES)],
        }
        called = words.get(name, name.replace("_", " "))
        hover = f"<b>{called}</b><br>iteration %{{x}}: %{{y:.3g}}<extra></extra>"
        values = list(curves.get(name, []))
        traces.append(go.Scatter(x=list(steps), y=values, name=called, mode="lines", line=line, hovertemplate=hover))
    every = [value for name in (*terms, "total") for value in curves.get(name, [])]
    return figure(
        ink,
        320,
        traces,
        {"title": "iteration", "showgrid": False} | ({"tickvals": list(steps)} if len(steps) <= 10 else {}),
        {"type": "log", "title": "loss, weighted", "tickvals": log_ticks(every)},
    )


def samples(drawn: go.Figure) -> list[tuple[tuple[str, str, float], str]]:
    """How each line of a figure looks, as (colour, dash, width), and its name."""
    return [((trace.line.color, trace.line.dash, trace.line.width), str(trace.name)) for trace in drawn.data]


@imports.drawing()
def compared(curves: Mapping[str, Sequence[float]], ink: Ink) -> go.Figure:
    """The same objective in several runs, one line each. curves: by what the run is called."""
    traces = []
    for i, (name, values) in enumerate(curves.items()):
        hover = f"<b>{name}</b><br>iteration %{{x}}: %{{y:.3g}}<extra></extra>"
        line = {"color": ink.text, "width": 2.6, "dash": DASHES[i % len(DASHES)]}
        steps = list(range(1, len(values) + 1))
        traces.append(go.Scatter(x=steps, y=list(values), name=name, mode="lines", line=line, hovertemplate=hover))
    return figure(
        ink,
        320,
        traces,
        {"title": "iteration of the refinement", "showgrid": False},
        {"type": "log", "title": "objective", "tickvals": log_ticks(v for values in curves.values() for v in values)},
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
