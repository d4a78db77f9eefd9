"""How accuracy moves from task to task. R[i][j]: accuracy on task j after learning task i, 0 … 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dashboard import imports, stress
from dashboard.charts.heat import cells
from dashboard.charts.style import figure
from dashboard.palette import Ink, colour, faded, symbol

Matrix = Sequence[Sequence[float]]
DASHES = ("dot", "dash", "longdashdot", "longdash", "dashdot")  # of the runs beside
HEIGHT = 340  # of a chart at the top of the page, in pixels
BUTTONS = 34  # pixels above the lines, for Plotly's buttons: they would cover the name at the end of the first
PERCENT = {"range": [-0.03, 1.04], "tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}


@dataclass(frozen=True)
class Run:
    """Another run on the same stream: its name, its accuracy matrix, its accuracy over all the classes seen."""

    name: str
    matrix: Matrix
    totals: Sequence[float]


def dash(number: int) -> str:
    """How the line of a run beside is broken, by its number."""
    return DASHES[number % len(DASHES)]


@imports.drawing()
def curves(
    matrix: Matrix,
    totals: Sequence[float],
    tasks: Sequence[str],
    first_classes: Sequence[int],
    ink: Ink,
    beside: Sequence[Run] = (),
    owners: Sequence[Sequence[int]] = (),
) -> go.Figure:
    """One line a task, from the moment it is learned; the accuracy over all the classes seen in bold.

    tasks: their names; first_classes: the class whose colour and symbol each task takes; beside: other runs, drawn
    faintly, the first of them with its tasks; owners: the classes of each task, by which it is stressed.
    """
    traces = []
    for i, run in enumerate(beside):
        if i == 0:
            traces += [
                _task_line(run.matrix, j, tasks[j], first_classes[j], 0.3, f" · {run.name}")
                for j in range(len(run.matrix))
            ]
        traces.append(_total_line(run.totals, faded(ink.quiet, 0.9), f"all classes · {run.name}", dash(i), 2.5))
    for j in range(len(matrix)):
        line = _task_line(matrix, j, tasks[j], first_classes[j], 1.0)
        traces.append(line.update(uid=stress.uid(f"task{j}", *owners[j])) if owners else line)
    traces.append(_total_line(totals, ink.text, "all classes seen", "solid", 4.5))
    count = max(len(tasks), 2)
    return figure(
        ink,
        HEIGHT,
        traces,
        {
            "range": [0.85, count + 0.1],
            "tickvals": list(range(1, count + 1)),
            "title": "after learning task",
            "showgrid": False,
        },
        PERCENT,
        margin={"t": BUTTONS, "r": 52 + 8 * max(len(run.name) for run in [*beside, Run("all seen", [], [])])},
        annotations=_ends(totals, ink, beside),
        hovermode="closest",
    )


def _task_line(matrix: Matrix, j: int, name: str, first_class: int, strength: float, other: str = "") -> go.Scatter:
    """The column of a task; of another run (which `other` names) dotted and without points."""
    paint = faded(colour(first_class), strength)
    return go.Scatter(
        x=list(range(j + 1, len(matrix) + 1)),
        y=[row[j] for row in matrix[j:]],
        name=f"{name}{other}",
        mode="lines" if other else "lines+markers",
        line={"color": paint, "width": 1.5 if other else 2.5, "dash": "dot" if other else "solid"},
        marker={"symbol": symbol(first_class), "size": 9, "color": paint},
        hovertemplate=f"<b>{name}</b>{other}<br>after task %{{x}}: %{{y:.1%}}<extra></extra>",
    )


def _total_line(totals: Sequence[float], paint: str, name: str, dash: str, width: float) -> go.Scatter:
    return go.Scatter(
        x=list(range(1, len(totals) + 1)),
        y=list(totals),
        name=name,
        mode="lines+markers" if len(totals) == 1 else "lines",
        line={"color": paint, "width": width, "dash": dash},
        marker={
            "color": paint,
            "size": 16,
            "symbol": "circle-open",
            "line": {"width": 3},
        },  # when there is one moment only
        hovertemplate=f"<b>{name}</b><br>after task %{{x}}: %{{y:.1%}}<extra></extra>",
    )


def _ends(totals: Sequence[float], ink: Ink, beside: Sequence[Run]) -> list[dict[str, Any]]:
    """Where the bold lines end: how much, and of what; moved apart where they would overlap."""
    ends = [(totals, "all seen", ink.text), *((run.totals, run.name, ink.quiet) for run in beside)]
    ends = sorted((end for end in ends if end[0]), key=lambda end: end[0][-1])
    notes: list[dict[str, Any]] = []
    lowest = -1.0
    for values, name, paint in ends:
        place = max(values[-1], lowest)
        lowest = place + 0.062  # a line of text, in units of the axis
        notes.append(
            {
                "x": len(values), "y": place, "text": f"<b>{values[-1]:.0%}</b> {name}", "showarrow": False,
                "xanchor": "left", "align": "left", "xshift": 9, "font": {"color": paint, "size": 14},
            }
        )  # fmt: skip
    return notes


@imports.drawing()
def matrix(values: Matrix, tasks: int, ink: Ink) -> go.Figure:
    """The accuracy matrix as a heat map: a row for each moment, a column for each task."""
    grid: list[list[float | None]] = [[*row, *[None] * (tasks - len(row))] for row in values]
    places = list(range(1, tasks + 1))
    traces = cells(
        grid,
        [["" if share is None else f"{share:.0%}" for share in row] for row in grid],
        places,
        places[: len(grid)],
        ink,
        15,
        xgap=3,
        ygap=3,
        hoverongaps=False,
        hovertemplate="task %{x} after learning task %{y}: %{z:.1%}<extra></extra>",
    )
    ticks = {"tickvals": places, "showgrid": False}
    return figure(
        ink,
        HEIGHT,
        traces,
        ticks | {"title": "accuracy on task", "side": "top", "range": [0.5, tasks + 0.5]},
        ticks | {"title": "after learning task", "range": [tasks + 0.5, 0.5]},
    )


@imports.drawing()
def confusion(
    counts: Sequence[Sequence[int]], names: Sequence[str], ink: Ink, highlight: frozenset[int] = frozenset()
) -> go.Figure:
    """Which class is taken for which: a row for each true class, the share of its images named as each class.

    counts[i][j]: images of class i named j. highlight: classes whose names are set in bold.
    """
    shares = [[count / max(1, sum(row)) for count in row] for row in counts]
    places = list(range(len(names)))
    words = [f"<b>{name}</b>" if c in highlight else name for c, name in enumerate(names)]
    traces = cells(
        shares,
        [[f"{100 * share:.0f}" if share >= 0.005 else "" for share in row] for row in shares],
        places,
        places,
        ink,
        12 if len(names) <= 12 else 9,
        xgap=2,
        ygap=2,
        customdata=[[[truth, named] for named in names] for truth in names],
        hovertemplate="%{customdata[0]} is named %{customdata[1]}: %{z:.1%}<extra></extra>",
    )
    ticks = {"tickvals": places, "ticktext": words, "showgrid": False}
    return figure(
        ink,
        HEIGHT,
        traces,
        ticks | {"side": "top", "tickangle": -60, "range": [-0.5, len(names) - 0.5]},
        ticks | {"range": [len(names) - 0.5, -0.5]},
        margin={"r": 46},  # for the last of the slanted names
    )


@imports.drawing()
def while_learning(rows: Matrix, tasks: Sequence[str], first_classes: Sequence[int], ink: Ink) -> go.Figure:
    """Validation accuracy of every task seen after each epoch of learning the newest one."""
    count = len(rows[0]) if rows else 0
    traces = [
        go.Scatter(
            x=list(range(1, len(rows) + 1)),
            y=[row[j] for row in rows],
            name=tasks[j],
            mode="lines+markers",
            line={"color": colour(first_classes[j]), "width": 4 if j == count - 1 else 2.5},
            marker={"symbol": symbol(first_classes[j]), "size": 8, "color": colour(first_classes[j])},
            hovertemplate=f"<b>{tasks[j]}</b><br>epoch %{{x}}: %{{y:.1%}}<extra></extra>",
        )
        for j in range(count)
    ]
    epochs = {"title": "epoch", "showgrid": False, "dtick": max(1, len(rows) // 8)}
    return figure(ink, 320, traces, epochs, PERCENT, hovermode="closest")
