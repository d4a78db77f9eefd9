"""The race: the same targets inverted by several settings, against compute."""

from typing import Any

import plotly.graph_objects as go

from dashboard import imports
from dashboard.charts.evidence import Code, Line, codes, lines, wrapped
from dashboard.charts.style import log_ticks
from dashboard.evidence import Evidence
from dashboard.markup import percent
from dashboard.palette import Ink

SECONDS = "CPU seconds, fits included"
MANY = 7  # budgets that have room for a tick each
UNITS = "units of compute"  # a forward and a backward pass of all the images through the whole network


def coded(evidence: Evidence) -> dict[str, Code]:
    """How each racer is drawn, the same in every figure; those that invert layer by layer in full ink."""
    names = evidence.names
    layered = [(evidence.of(name)[0].get("layers") or 1) > 1 for name in names]
    return dict(zip(names, codes(layered, [False] * len(names)), strict=True))


@imports.drawing()
def objective(evidence: Evidence, ink: Ink, against: str = "units") -> go.Figure:
    """The objective that all the racers minimise, against units or seconds; both axes logarithmic."""
    drawn = _lines(evidence, "objective", against)
    values = [value for line in drawn for value in (*line.low, *line.high)]
    xaxis = (
        _units(evidence)
        if against == "units"
        else _seconds(drawn, evidence.facts.get("seconds", "CPU seconds, fits included"))
    )
    yaxis = {"type": "log", "tickvals": log_ticks(values)}
    spent = "%{x} units" if against == "units" else "%{x:.2g} s"
    return lines(ink, drawn, xaxis, yaxis, f"after {spent}: %{{y:.3g}}")


@imports.drawing()
def oracle(evidence: Evidence, ink: Ink) -> go.Figure:
    """Share of the images in which a network trained apart sees the class that was asked for."""
    real = evidence.facts.get("oracle", {}).get("accuracy")
    level = (float(real), f"real images: {percent(float(real))}") if real is not None else None
    yaxis = {"tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    drawn = _lines(evidence, "oracle_accuracy", "units")
    return lines(ink, drawn, _units(evidence), yaxis | {"range": [0, 1.05]}, "after %{x} units: %{y:.1%}", level=level)


@imports.drawing()
def variety(evidence: Evidence, ink: Ink) -> go.Figure:
    """Variance of the pixels within a class: images that are all alike have none."""
    drawn = _lines(evidence, "pixel_variance", "units")
    top = max((value for line in drawn for value in line.high), default=1.0)
    yaxis = {"range": [0, 1.08 * top], "rangemode": "tozero"}
    return lines(ink, drawn, _units(evidence), yaxis, "after %{x} units: %{y:.3g}")


def _lines(evidence: Evidence, key: str, against: str) -> list[Line]:
    """A line a racer: the mean over seeds, and from the least to the most of them."""
    marks, drawn = coded(evidence), []
    for name in evidence.shown:
        code = marks[name]
        x, middle, low, high = [], [], [], []
        for units in sorted({row["units"] for row in evidence.of(name)}):
            here = [row for row in evidence.of(name) if row["units"] == units and row[key] is not None]
            if here:
                values = [float(row[key]) for row in here]
                x.append(sum(float(row[against]) for row in here) / len(here))
                middle.append(sum(values) / len(values))
                low.append(min(values))
                high.append(max(values))
        title = wrapped(name)
        drawn.append(Line(f"<b>{title}</b>" if code.shade == 1 else title, code, x, middle, low, high))
    return drawn


def _units(evidence: Evidence) -> dict[str, Any]:
    ticks = sorted({row["units"] for row in evidence.rows})
    if len(ticks) > MANY:
        ticks = [tick for tick in log_ticks(ticks) if ticks[0] <= tick <= ticks[-1]]
    return {"type": "log", "title": UNITS, "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _seconds(drawn: list[Line], seconds: str) -> dict[str, Any]:
    return {
        "type": "log",
        "title": seconds,
        "tickvals": log_ticks(x for line in drawn for x in line.x),
    }
