"""Two snapshots beside each other: the same axes, ranges and colours on both sides. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cl_core.comparison import Comparison
from dashboard import imports
from dashboard.charts.forgetting import PERCENT
from dashboard.charts.style import coordinates, figure
from dashboard.deltas import TIE, Row
from dashboard.palette import Ink, colour, faded, symbol
from dashboard.projections import ellipse

Matrix = Sequence[Sequence[float]]
DASHES = {"A": "solid", "B": "dash"}
Range = tuple[float, float]


def ranges(made: Comparison, margin: float = 0.06) -> tuple[Range, Range]:
    """What both sides show of the first two axes: all the points of both, the real ones included, and a margin."""
    points = np.concatenate([made.real[:, :2], made.a[:, :2], made.b[:, :2]]).astype(float)
    low, high = points.min(0), points.max(0)
    room = margin * np.maximum(high - low, 1e-9)
    return tuple((float(low[i] - room[i]), float(high[i] + room[i])) for i in range(2))  # type: ignore[return-value]


@imports.drawing()
def space(
    made: Comparison, side: str, names: Sequence[str], ink: Ink, highlight: frozenset[int] = frozenset()
) -> go.Figure:
    """The features of one side, "A" or "B": filled real, the same on both; hollow synthetic, with ellipses at 1σ.

    Ellipses: dotted, of the real features of a class; solid, of its synthetic ones.
    """
    xy, labels = (made.a, made.a_labels) if side == "A" else (made.b, made.b_labels)
    traces: list[Any] = [_points(made.real, made.real_labels, names, highlight, hollow=False)]
    if len(labels):
        traces.append(_points(xy, labels, names, highlight, hollow=True))
    for points, of, dash in ((made.real, made.real_labels, "dot"), (xy, labels, "solid")):
        for c, contour in _contours(points[:, :2], of):
            strength = 1.0 if not highlight or c in highlight else 0.15
            line = {"color": faded(colour(c), strength), "width": 1.8 if dash == "dot" else 2.6, "dash": dash}
            x, y = map(coordinates, contour.T)
            traces.append(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip"))
    across, up = ranges(made)
    titles = [
        f"principal axis {i + 1} · {share:.0%} of the real variance" for i, share in enumerate(made.explained[:2])
    ]
    bare = {"showticklabels": False}
    return figure(
        ink,
        460,
        traces,
        bare | {"title": titles[0], "range": across},
        bare | {"title": titles[1] if len(titles) > 1 else "", "range": up},
        hovermode="closest",
    )


def _points(
    xy: np.ndarray, labels: np.ndarray, names: Sequence[str], highlight: frozenset[int], hollow: bool
) -> go.Scattergl:
    strength = [(1.0 if not highlight or c in highlight else 0.1) * (1.0 if hollow else 0.4) for c in range(len(names))]
    paints = [faded(colour(c), strength[c]) for c in labels]
    what = "synthetic" if hollow else "real"
    marker: dict[str, Any] = {
        "symbol": [symbol(c) + ("-open" if hollow else "") for c in labels],
        "size": 9 if hollow else 5,
        "color": paints,
    }
    if hollow:
        marker["line"] = {"width": 1.6, "color": paints}
    return go.Scattergl(
        x=coordinates(xy[:, 0]),
        y=coordinates(xy[:, 1]),
        name=what,
        mode="markers",
        marker=marker,
        text=[names[c] for c in labels],
        hovertemplate=f"%{{text}} · {what}<extra></extra>",
    )


def _contours(xy: np.ndarray, labels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The 1σ ellipse of each class with at least three points."""
    for c in np.unique(labels):
        of = xy[labels == c].astype(float)
        if len(of) > 2:
            yield int(c), ellipse(of.mean(0), np.cov(of.T), 1)


@imports.drawing()
def curves(
    matrices: tuple[Matrix, Matrix],
    totals: tuple[Sequence[float], Sequence[float]],
    tasks: Sequence[str],
    first_classes: Sequence[int],
    ink: Ink,
    moment: int | None = None,
) -> go.Figure:
    """Forgetting curves of A (solid) and B (dashed) over each other; all the classes seen in bold.

    tasks: names of the tasks, none where the two streams bring different ones: then only the bold lines are drawn.
    moment: the task after which one looks, as an upright line.
    """
    traces = []
    for side, matrix in zip("AB", matrices, strict=True):
        for j in range(len(matrix) if tasks else 0):
            traces.append(_task_line(matrix, j, side, tasks[j], first_classes[j]))
    for side, total in zip("AB", totals, strict=True):
        traces.append(
            go.Scatter(
                x=list(range(1, len(total) + 1)),
                y=list(total),
                name=side,
                mode="lines+markers",
                line={"color": ink.text, "width": 4, "dash": DASHES[side]},
                marker={"color": ink.text, "size": 9 if len(total) == 1 else 1},
                hovertemplate=f"<b>{side}</b> · all classes seen<br>after task %{{x}}: %{{y:.1%}}<extra></extra>",
            )
        )
    count = max(2, *(len(total) for total in totals))
    here = {"type": "line", "x0": moment, "x1": moment, "y0": 0, "y1": 1, "line": {"color": ink.line, "width": 3}}
    return figure(
        ink,
        380,
        traces,
        {"range": [0.85, count + 0.1], "tickvals": list(range(1, count + 1)), "title": "after learning task",
         "showgrid": False},
        PERCENT,
        margin={"r": 74},
        annotations=_ends(totals, ink),
        shapes=[here | {"layer": "below"}] if moment else [],
        hovermode="closest",
    )  # fmt: skip


def _task_line(matrix: Matrix, j: int, side: str, name: str, first_class: int) -> go.Scatter:
    paint = faded(colour(first_class), 0.85)
    return go.Scatter(
        x=list(range(j + 1, len(matrix) + 1)),
        y=[row[j] for row in matrix[j:]],
        name=f"{side} · {name}",
        mode="lines+markers",
        line={"color": paint, "width": 2, "dash": DASHES[side]},
        marker={"symbol": symbol(first_class), "size": 8, "color": paint},
        hovertemplate=f"<b>{side}</b> · {name}<br>after task %{{x}}: %{{y:.1%}}<extra></extra>",
    )


def _ends(totals: Sequence[Sequence[float]], ink: Ink) -> list[dict[str, Any]]:
    """How the bold lines end: right of them all, where no line is, and moved apart where they would overlap."""
    ends = sorted((total[-1], len(total), side) for side, total in zip("AB", totals, strict=True) if total)
    last = max((x for _, x, _ in ends), default=1)
    notes, lowest = [], -1.0
    for value, x, side in ends:
        place = max(value, lowest)
        lowest = place + 0.075  # a line of text, in units of the axis
        notes.append(
            {"x": x, "y": value, "ax": last + 0.1, "axref": "x", "ay": place, "ayref": "y", "xanchor": "left",
             "yanchor": "middle", "text": f"<b>{side}</b> {value:.0%}", "font": {"color": ink.text, "size": 16},
             "showarrow": True, "arrowhead": 0, "arrowwidth": 1, "arrowcolor": ink.quiet, "standoff": 6}
        )  # fmt: skip
    return notes


@imports.drawing()
def deltas(rows: Sequence[Row], ink: Ink) -> go.Figure:
    """B − A of every measure that is a share, in points, with ± one standard error; the band is a tie of one seed.

    A point in full ink is more than chance; a quiet one may be none.
    """
    shares = [row for row in rows if row.measure.kind == "share" and row.delta is not None][::-1]
    values = [100 * row.delta.mean for row in shares if row.delta]
    errors = [100 * (row.delta.error or 0.0) for row in shares if row.delta]
    sure = ["ahead" in row.verdict or "better" in row.verdict for row in shares]
    reach = max([8.0, *(abs(v) + e for v, e in zip(values, errors, strict=True))]) * 1.12
    one_seed = all(row.delta.count == 1 for row in shares if row.delta)
    paints = [ink.text if yes else ink.quiet for yes in sure]
    dots = go.Scatter(
        x=values,
        y=list(range(len(shares))),
        mode="markers",
        error_x={"type": "data", "array": errors, "color": ink.quiet, "thickness": 2, "width": 5},
        marker={"size": 13, "color": paints, "symbol": "diamond"},
        text=[row.verdict for row in shares],
        hovertemplate="B − A: %{x:+.1f} points · %{text}<extra></extra>",
    )
    upright = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    shapes = [upright | {"type": "line", "x0": 0, "x1": 0, "line": {"color": ink.quiet, "width": 2}}]
    if one_seed:
        tie = {"type": "rect", "x0": -100 * TIE, "x1": 100 * TIE, "line": {"width": 0}}
        shapes.append(upright | tie | {"fillcolor": faded(ink.quiet, 0.14)})
    titles = [
        {"x": 0, "xref": "paper", "xanchor": "left", "y": i + 0.36, "text": row.measure.title, "showarrow": False,
         "font": {"size": 13, "color": ink.text}}
        for i, row in enumerate(shares)
    ]  # fmt: skip
    return figure(
        ink,
        90 + 50 * len(shares),
        [dots],
        {"range": [-reach, reach], "title": "B − A, in percentage points"},
        {"showticklabels": False, "range": [-0.5, len(shares) - 0.35], "tickvals": list(range(len(shares)))},
        shapes=shapes,
        annotations=titles,
        hovermode="closest",
    )
