"""Real and synthetic features in one plane, with the Gaussians that are kept of each class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.charts.style import figure
from dashboard.palette import Ink, colour, faded, symbol
from dashboard.projections import Projection, ellipse

MANY = 2000  # points from which WebGL draws them


def scatter(
    projection: Projection,
    real_labels: np.ndarray,
    synthetic_labels: np.ndarray,
    names: Sequence[str],
    ink: Ink,
    highlight: frozenset[int] = frozenset(),
    real: bool = True,
    synthetic: bool = True,
    ellipses: bool = True,
    movable: bool = False,
) -> go.Figure:
    """Filled: real; hollow: synthetic; solid line: 1σ; dotted line: 2σ. highlight: classes to stress, none for all.

    movable: to drag over it moves the plane.
    """
    drawn = len(real_labels) * real + len(synthetic_labels) * synthetic
    kind = go.Scattergl if drawn > MANY else go.Scatter
    traces: list[Any] = []
    if real:
        traces.append(_points(kind, projection.real, real_labels, names, highlight, hollow=False))
    if synthetic and len(synthetic_labels):
        traces.append(_points(kind, projection.synthetic, synthetic_labels, names, highlight, hollow=True))
    for c in range(len(projection.mean) if ellipses else 0):
        strength = 1.0 if not highlight or c in highlight else 0.15
        for sigmas, dash, width in ((1, "solid", 2.6), (2, "dot", 1.8)):
            contour = ellipse(projection.mean[c], projection.covariance[c], sigmas)
            line = {"color": faded(colour(c), strength), "width": width, "dash": dash}
            name = f"{names[c]} · {sigmas}σ"
            traces.append(
                go.Scatter(x=contour[:, 0], y=contour[:, 1], name=name, mode="lines", line=line, hoverinfo="skip")
            )
    bare = {"showticklabels": False}
    return figure(
        ink,
        560,
        traces,
        bare | {"title": projection.axes[0]},
        bare | {"title": projection.axes[1], "scaleanchor": "x"},
        dragmode="pan" if movable else False,  # where one scrolls with a finger, a drag must not move the plane
    )


def _points(
    kind: type, xy: np.ndarray, labels: np.ndarray, names: Sequence[str], highlight: frozenset[int], hollow: bool
) -> Any:
    """All the points of one kind in one trace; a point's custom data is what it is, and its row in the view."""
    strength = [1.0 if not highlight or c in highlight else 0.1 for c in range(len(names))]
    paints = [faded(colour(c), strength[c] * (1.0 if hollow else 0.5)) for c in range(len(names))]
    symbols = [symbol(c) + ("-open" if hollow else "") for c in range(len(names))]
    painted = [paints[c] for c in labels]
    marker: dict[str, Any] = {"symbol": [symbols[c] for c in labels], "size": 9 if hollow else 6, "color": painted}
    if hollow:
        marker["line"] = {"width": 1.6, "color": painted}
    what = "synthetic" if hollow else "real"
    return kind(
        x=xy[:, 0],
        y=xy[:, 1],
        name=what,
        mode="markers",
        marker=marker,
        text=[names[c] for c in labels],
        customdata=[[what, row] for row in range(len(labels))],
        hovertemplate=f"%{{text}} · {what}<extra></extra>",
    )
