"""Real and synthetic features in one plane, with the Gaussians that are kept of each class."""

from collections.abc import Collection, Mapping, Sequence, Sized
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard import imports, stress
from dashboard.charts.style import coordinates, figure
from dashboard.palette import Ink, colour, faded, symbol
from dashboard.projections import Projection, ellipse, fitted

ELLIPSES = {
    "stored": ((1, "solid", 2.6), (2, "dot", 1.8)),
    "real": ((1, "dash", 2.0),),
    "synthetic": ((1, "dashdot", 2.0),),
}
NARROW = 440  # pixels, at most, of the height on a telephone, where the width sets how large all is
MANY = 2000  # points from which WebGL draws them


def by_webgl(*labels: Sized) -> bool:
    """Whether so many points are drawn by WebGL."""
    return sum(len(some) for some in labels) > MANY


@imports.drawing()
def scatter(
    projection: Projection,
    real_labels: np.ndarray,
    synthetic_labels: np.ndarray,
    names: Sequence[str],
    ink: Ink,
    highlight: frozenset[int] = frozenset(),
    real: bool = True,
    synthetic: bool = True,
    ellipses: Collection[str] = ("stored",),
    movable: bool = False,
    target_labels: np.ndarray | None = None,
    height: int = 560,
) -> go.Figure:
    """Filled: real; hollow: synthetic; with a dot: target. highlight: classes to stress, none for all; where WebGL

    draws, as elsewhere the page's style does it (see stress.py).

    ellipses: of which Gaussians, by the names of ELLIPSES (how many σ, line, width); target_labels: None hides targets.
    movable: to drag over it moves the plane.
    """
    drawn = (real_labels if real else (), synthetic_labels if synthetic else ())
    kind = go.Scattergl if by_webgl(*drawn) else go.Scatter
    traces: list[Any] = []
    if real:
        traces += _points(kind, projection.real, real_labels, names, highlight, hollow=False)
    if synthetic and len(synthetic_labels):
        traces += _points(kind, projection.synthetic, synthetic_labels, names, highlight, hollow=True)
    if target_labels is not None and len(projection.targets):
        traces += _points(kind, projection.targets, target_labels, names, highlight, hollow=True, what="target")
    for of in ellipses:
        traces += _ellipses(of, projection, real_labels, synthetic_labels, names, highlight)
    bare = {"showticklabels": False}
    return figure(
        ink,
        min(height, NARROW) if ink.narrow else height,
        traces,
        bare | {"title": projection.axes[0]},
        bare | {"title": projection.axes[1], "scaleanchor": "x"},
        dragmode="pan" if movable else False,  # where one scrolls with a finger, a drag must not move the plane
        clickmode="event+select" if movable else "event",
        hovermode="closest",
    )


def _ellipses(
    of: str,
    projection: Projection,
    real_labels: np.ndarray,
    synthetic_labels: np.ndarray,
    names: Sequence[str],
    highlight: frozenset[int],
) -> list[go.Scatter]:
    """The contours of each class's Gaussian: the "stored" one, or that of its "real" or "synthetic" points."""
    found: list[tuple[np.ndarray, np.ndarray] | None]
    if of == "stored":
        found = list(zip(projection.mean, projection.covariance, strict=True))
    else:
        points = (projection.real, real_labels) if of == "real" else (projection.synthetic, synthetic_labels)
        found = fitted(*points, len(names))
    traces = []
    for c, gaussian in enumerate(found):
        if gaussian is None:
            continue
        paint = faded(colour(c), 1.0 if not highlight or c in highlight else 0.15)
        for sigmas, dash, width in ELLIPSES[of]:
            contour = ellipse(*gaussian, sigmas)
            name = f"{names[c]} · {sigmas}σ" if of == "stored" else f"{names[c]} · {sigmas}σ · {of}"
            uid = stress.uid(f"{of}{sigmas}", c)
            line = {"color": paint, "width": width, "dash": dash}
            x, y = map(coordinates, contour.T)
            traces.append(go.Scatter(x=x, y=y, name=name, mode="lines", line=line, hoverinfo="skip", uid=uid))
    return traces


def _points(
    kind: type,
    xy: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    highlight: frozenset[int],
    hollow: bool,
    what: str = "",
) -> list[Any]:
    """All the points of one kind, a trace a class; a point's custom data is what it is, and its row in the view.

    A symbol and a colour for each point instead would take Plotly five times as long to check.
    """
    what = what or ("synthetic" if hollow else "real")
    ending = "-open-dot" if what == "target" else "-open" if hollow else ""
    traces = []
    for c in np.unique(labels).tolist():
        rows = np.flatnonzero(labels == c)
        paint = faded(colour(c), (1.0 if not highlight or c in highlight else 0.1) * (1.0 if hollow else 0.5))
        marker: dict[str, Any] = {"symbol": symbol(c) + ending, "size": 9 if hollow else 6, "color": paint}
        if hollow:
            marker["line"] = {"width": 1.6, "color": paint}
        traces.append(
            kind(
                x=coordinates(xy[rows, 0]),
                y=coordinates(xy[rows, 1]),
                name=f"{names[c]} · {what}",
                uid=stress.uid(what, c),
                mode="markers",
                marker=marker,
                customdata=[[what, row] for row in rows.tolist()],
                hovertemplate=f"{escape(names[c])} · {what}<extra></extra>",
            )
        )
    return traces


@imports.drawing()
def alignment(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], ink: Ink, strength: Sequence[float]
) -> go.Figure:
    """Three measures side by side, a line a class: distance with its floor (a tick), cosine of the means, coverage.

    rows: of record["alignment"]; names and strength: of each row's class. A measure that is None is left out.
    """
    places = list(range(len(rows)))
    paints = [faded(colour(row["class"]), s) for row, s in zip(rows, strength, strict=True)]
    traces: list[Any] = []
    for i, (key, words) in enumerate((("frechet", "Fréchet distance"), ("cosine", "cosine"), ("coverage", "coverage"))):
        there = [(row.get(key), place) for row, place in zip(rows, places, strict=True)]
        marker = {
            "symbol": [symbol(row["class"]) + "-open" for row in rows], "size": 12, "color": paints,
            "line": {"width": 2.2, "color": paints},
        }  # fmt: skip
        traces.append(
            go.Scatter(
                x=[value for value, _ in there], y=places, mode="markers", marker=marker, name=words, text=list(names),
                xaxis=f"x{i + 1}" if i else "x", hovertemplate=f"%{{text}} · {words} %{{x:.3g}}<extra></extra>",
            )
        )  # fmt: skip
    tick = {"symbol": "line-ns-open", "size": 15, "color": ink.text, "line": {"width": 2.2}}
    traces.append(
        go.Scatter(
            x=[row["floor"] for row in rows], y=places, mode="markers", marker=tick, name="floor", text=list(names),
            hovertemplate="%{text} · floor %{x:.3g}<extra></extra>",
        )
    )  # fmt: skip
    axis = {"gridcolor": ink.line, "zeroline": False, "tickfont": {"size": 12, "color": ink.quiet}, "nticks": 3}
    side = {"font": {"size": 13, "color": ink.quiet}}
    return figure(
        ink,
        90 + 30 * len(rows),
        traces,
        {"domain": [0, 0.4], "title": "Fréchet distance", "rangemode": "tozero", "nticks": 4},
        {"tickvals": places, "ticktext": list(names), "range": [len(rows) - 0.5, -0.5]},
        xaxis2=axis | {"domain": [0.47, 0.7], "title": side | {"text": "cosine"}, "range": [-0.05, 1.1]},
        xaxis3=axis | {"domain": [0.77, 1], "title": side | {"text": "coverage"}, "range": [-0.08, 1.1]},
        hovermode="closest",
    )
