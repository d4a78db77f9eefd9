"""Strategies beside each other: how accurate in the end, after each task, under each head, and at what price."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard import imports
from dashboard.charts.evidence import Code, Line, Strip, codes, lines, lying, mixed, wrapped
from dashboard.evidence import Evidence, Row, Spread, entrants, spread
from dashboard.markup import percent, size
from dashboard.palette import Ink, faded

HEADS = {"linear": "linear", "refit": "linear, refitted on draws", "lda": "LDA on the Gaussians"}
SCENARIOS = {"final_accuracy": "all classes compete", "task_given_accuracy": "the task is told"}
MARKS = ("circle", "diamond", "triangle-up")  # of measures beside each other
PERCENT = {"range": [-0.01, 1.01], "tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
ACCURACY = PERCENT | {"title": "accuracy over all the classes"}
GAP = 0.55  # above the references, in rows


def coded(evidence: Evidence) -> dict[str, Code]:
    """How each strategy is drawn, the same in every figure: the control and the methods in full ink."""
    known = sorted(entrants(evidence).values(), key=lambda entrant: entrant.role != "control")  # it takes the first
    roles = [entrant.role for entrant in known]
    made = codes([role in ("method", "control") for role in roles], [role == "reference" for role in roles])
    return {entrant.name: code for entrant, code in zip(known, made, strict=True)}


def ranked(evidence: Evidence) -> list[list[str]]:
    """The strategies shown, best mean first: those that keep no real image, and the references that do."""
    known = entrants(evidence)

    def mean(name: str) -> float:
        found = evidence.spread(name, "final_accuracy")
        return found.mean if found else 0.0

    order = sorted(evidence.shown, key=mean, reverse=True)
    return [[n for n in order if (known[n].role == "reference") == outside] for outside in (False, True)]


@imports.drawing()
def final(evidence: Evidence, ink: Ink) -> go.Figure:
    """Final accuracy: every seed's dot, the mean with its symbol, ± one standard deviation as a bar behind."""
    marks, known, rows = coded(evidence), entrants(evidence), _rows(evidence)
    traces: list[Any] = []
    for y, name in rows.items():
        found = spread(row["final_accuracy"] for row in evidence.of(name))
        if found is not None:
            traces += _seeds_and_mean(evidence.of(name), known[name].title, found, y, marks[name], ink)
    numbers = {name: _percent(evidence.spread(name, "final_accuracy")) for name in rows.values()}
    return _lying(evidence, ink, traces, numbers, ACCURACY, compared="final_accuracy")


def _seeds_and_mean(rows: Sequence[Row], title: str, found: Spread, y: float, code: Code, ink: Ink) -> list[Any]:
    paint, half = code.paint(ink), found.deviation or 0.0
    bar = {"color": faded(paint, 0.22), "width": 13}
    dots = {"symbol": "circle", "size": 6, "color": faded(paint, 0.65)}
    mark = {"symbol": code.symbol, "size": 14, "color": paint, "line": {"width": 0}}
    return [
        go.Scatter(
            x=[found.mean - half, found.mean + half], y=[y, y], name=f"{title} · ±", mode="lines", line=bar,
            hoverinfo="skip",
        ),
        go.Scatter(
            x=[row["final_accuracy"] for row in rows], y=[y - 0.24] * len(rows), name=f"{title} · seeds",
            mode="markers", marker=dots, customdata=[row["seed"] for row in rows],
            hovertemplate=f"<b>{title}</b><br>seed %{{customdata}}: %{{x:.1%}}<extra></extra>",
        ),
        go.Scatter(
            x=[found.mean], y=[y], name=title, mode="markers", marker=mark,
            hovertemplate=f"<b>{title}</b><br>mean of {found.count}: %{{x:.1%}}<extra></extra>",
        ),
    ]  # fmt: skip


@imports.drawing()
def heads(evidence: Evidence, ink: Ink) -> go.Figure:
    """Final accuracy under three heads on the same features: mean and ± one standard deviation."""
    return _side_by_side(evidence, ink, {f"head_{head}": words for head, words in HEADS.items()}, compared="head_lda")


@imports.drawing()
def scenarios(evidence: Evidence, ink: Ink) -> go.Figure:
    """Final accuracy when all the classes compete, and when it is told which task an image is of."""
    return _side_by_side(evidence, ink, SCENARIOS)


def _side_by_side(evidence: Evidence, ink: Ink, measures: Mapping[str, str], compared: str | None = None) -> go.Figure:
    """Several measures of each strategy, each with a symbol. measures: their words by their keys."""
    rows, traces = _rows(evidence), []
    last = len(measures) - 1
    for i, (key, words) in enumerate(measures.items()):
        found = [(y, evidence.spread(name, key)) for y, name in rows.items()]
        known = [(y, of) for y, of in found if of is not None]
        paint = mixed(ink.quiet, ink.text, i / last)
        traces.append(
            go.Scatter(
                x=[of.mean for _, of in known],
                y=[y + 0.12 * (last / 2 - i) - 0.04 for y, _ in known],
                name=words,
                mode="markers",
                marker={"symbol": MARKS[i], "size": 12, "color": paint},
                error_x={"array": [of.deviation or 0.0 for _, of in known], "color": faded(paint, 0.5), "width": 0},
                hovertemplate=f"<b>{words}</b>: %{{x:.1%}}<extra></extra>",
            )
        )
    numbers = {}
    for name in rows.values():
        each = [evidence.spread(name, key) for key in measures]
        numbers[name] = " · ".join(f"{100 * of.mean:.0f}" if of else "–" for of in each) + "\u202f%"
    axis = ACCURACY if compared else PERCENT | {"title": "accuracy"}
    return _lying(evidence, ink, traces, numbers, axis, compared=compared, legend=True)


@imports.drawing()
def curves(evidence: Evidence, ink: Ink) -> go.Figure:
    """Accuracy over all the classes seen after each task: mean, and ± one standard deviation."""
    marks, known, drawn = coded(evidence), entrants(evidence), []
    for name in evidence.shown:
        steps = zip(*(row["accuracy_after_each_task"] for row in evidence.of(name)), strict=False)
        found = [of for of in (spread(values) for values in steps) if of is not None]
        title = wrapped(f"{known[name].title} {percent(found[-1].mean)}" if found else known[name].title)
        drawn.append(
            Line(
                f"<b>{title}</b>" if marks[name].shade == 1 else title,
                marks[name],
                list(range(1, len(found) + 1)),
                [of.mean for of in found],
                [of.mean - (of.deviation or 0.0) for of in found],
                [of.mean + (of.deviation or 0.0) for of in found],
            )
        )
    count = max((len(line.x) for line in drawn), default=1)
    tasks = {"title": "after learning task", "tickvals": list(range(1, count + 1))}
    height = min(640, max(440, 110 + 54 * len(drawn)))
    return lines(ink, drawn, tasks, PERCENT | {"range": [0, 1.02]}, "after task %{x}: %{y:.1%}", height)


@imports.drawing()
def seconds(evidence: Evidence, ink: Ink) -> go.Figure:
    """Seconds a task, for learning and for inversion, end to end."""
    rows, traces = _rows(evidence), []
    totals = dict.fromkeys(rows.values(), 0.0)
    for verb, paint in (("learn", ink.text), ("invert", faded(ink.quiet, 0.6))):
        found = {name: evidence.spread(name, f"seconds_{verb}") for name in rows.values()}
        times = {name: of.mean if of else 0.0 for name, of in found.items()}
        totals = {name: total + times[name] for name, total in totals.items()}
        look = {"color": paint, "line": {"width": 0}}
        hover = f"{verb}: %{{x:.1f}} s a task<extra></extra>"
        traces.append(_bars(list(times.values()), list(rows), verb, look, hover))
    numbers = {name: f"{total:.1f} s" for name, total in totals.items()}
    axis = {"title": "seconds a task", "rangemode": "tozero"}
    return _lying(evidence, ink, traces, numbers, axis, legend=True, barmode="stack")


@imports.drawing()
def kept(evidence: Evidence, ink: Ink) -> go.Figure:
    """Bytes that are kept of the data, beside the network itself."""
    rows = _rows(evidence)
    held = {name: evidence.of(name)[0]["kept_bytes"] for name in rows.values()}
    look = {"color": ink.text, "line": {"width": 0}}
    bars = _bars([count / 1e6 for count in held.values()], list(rows), "kept", look, "%{x:.2f} MB<extra></extra>")
    numbers = {name: size(count) if count else "nothing" for name, count in held.items()}
    return _lying(evidence, ink, [bars], numbers, {"title": "megabytes kept", "rangemode": "tozero"})


def _bars(lengths: list[float], heights: list[float], name: str, look: dict[str, Any], hover: str) -> go.Bar:
    return go.Bar(x=lengths, y=heights, name=name, orientation="h", width=0.3, marker=look, hovertemplate=hover)


def _rows(evidence: Evidence) -> dict[float, str]:
    """The strategies by their height, the best at the top, with a gap above those that keep real images."""
    free, outside = ranked(evidence)
    top = len(free) + len(outside) + (GAP if free and outside else 0.0)
    return {top - i: name for i, name in enumerate(free)} | {
        float(len(outside) - i): name for i, name in enumerate(outside)
    }


def _lying(
    evidence: Evidence,
    ink: Ink,
    traces: list[Any],
    numbers: Mapping[str, str],
    xaxis: dict[str, Any],
    compared: str | None = None,
    legend: bool = False,
    **layout: Any,
) -> go.Figure:
    """A row a strategy; compared: the measure of which the control's mean is drawn through all the rows."""
    known, marks, rows = entrants(evidence), coded(evidence), _rows(evidence)
    strips = {y: Strip(known[name].title, numbers[name], marks[name].shade == 1) for y, name in rows.items()}
    control = next((entrant for entrant in known.values() if entrant.role == "control"), None)
    level = evidence.spread(control.name, compared) if control and compared else None
    outside = [y for y, name in rows.items() if known[name].role == "reference"]
    notes = []
    if outside and len(outside) < len(rows):
        notes.append(
            {"x": 0, "xref": "paper", "xanchor": "left", "y": max(outside) + 0.42 + GAP * 0.75, "showarrow": False}
            | {"text": "<i>references, which keep real images</i>", "font": {"size": 12, "color": ink.quiet}}
        )
    upright = (level.mean, control.title) if level and control else None
    return lying(ink, strips, traces, xaxis, notes=notes, upright=upright, legend=legend, **layout)


def _percent(found: Spread | None) -> str:
    return found.percent() if found else "–"
