"""What the charts of evidence share: lines told apart without colour, which means class, and named where they end."""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dashboard import imports
from dashboard.charts.style import figure
from dashboard.palette import Ink, faded

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
ROUND = ("circle", "diamond", "triangle-up", "triangle-down", "star", "pentagon", "hexagon")
CROSSED = ("square", "cross", "x")  # of what stands outside the competition
Place = Callable[[float], float]
LINE = 17  # pixels of a line of text of 13 pixels


@dataclass(frozen=True)
class Code:
    """How something is drawn: its symbol, its dash, a shade of ink (0 quiet … 1 text), the width of its line."""

    symbol: str
    dash: str
    shade: float
    width: float

    def paint(self, ink: Ink) -> str:
        """Its shade as "#rrggbb"."""
        return mixed(ink.quiet, ink.text, self.shade)


@dataclass(frozen=True)
class Strip:
    """A row of a lying chart: its name at the left above it, what it says in numbers at the right."""

    name: str
    numbers: str
    strong: bool


@dataclass(frozen=True)
class Line:
    """A line with a band. x, middle, low and high are of one length; label: what stands at its end."""

    label: str
    code: Code
    x: Sequence[float]
    middle: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def codes(strong: Sequence[bool], outside: Sequence[bool]) -> list[Code]:
    """A code for each of several, in their order: strong ones in full ink, those outside with a crossed symbol."""
    made: list[Code] = []
    seen, alike = {True: 0, False: 0}, {True: 0, False: 0}
    for stressed, out in zip(strong, outside, strict=True):
        symbols, number = CROSSED if out else ROUND, alike[stressed]
        made.append(
            Code(
                symbols[seen[out] % len(symbols)],
                DASHES[number % len(DASHES)],
                1.0 if stressed else 0.25,
                3.2 if stressed else 1.9,
            )
        )
        seen[out] += 1
        alike[stressed] += 1
    return made


def mixed(a: str, b: str, share: float) -> str:
    """Two "#rrggbb" colours, mixed: `share` of b."""
    parts = [(int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in parts)


def wrapped(text: str, width: int = 16) -> str:
    """A name over several lines, as Plotly breaks them."""
    return "<br>".join(textwrap.wrap(text, width, break_long_words=False))


@imports.drawing()
def lines(
    ink: Ink,
    all_lines: Sequence[Line],
    xaxis: dict[str, Any],
    yaxis: dict[str, Any],
    hover: str,
    height: int = 440,
    level: tuple[float, str] | None = None,
) -> go.Figure:
    """Lines with their bands, each named at its end, or below where it is narrow; the axes may be logarithmic.

    hover: a point, as in "after task %{x}: %{y:.1%}"; level: a height to compare with, and what it is.
    """
    drawn = [line for line in all_lines if len(line.x)]
    across, up = _place(xaxis), _place(yaxis)
    values = [value for line in drawn for value in (*line.low, *line.high)] + ([level[0]] if level else [])
    ends = _range(yaxis, [up(value) for value in values])
    across_axis: dict[str, Any] = {"showgrid": False, "range": _from_first_to_last(drawn, across)} | xaxis
    if ink.narrow:
        named: dict[str, Any] = {"annotations": []} | _below(len(drawn))
        height += named["margin"]["b"] - 70
    else:
        height, ends, heights = _beside(drawn, up, ends, height)
        right = across_axis["range"][1]
        notes = [_end(line, y, across, up, right, ink) for line, y in zip(drawn, heights, strict=True)]
        widest = max((len(part) for line in drawn for part in _bare(line.label).split("<br>")), default=0)
        named = {"annotations": notes, "margin": {"r": 28 + round(7.7 * widest)}}
    shapes: list[dict[str, Any]] = []
    if level:
        shapes.append(
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": level[0], "y1": level[0]}
            | {"line": {"color": ink.quiet, "width": 1.2, "dash": "dot"}}
        )
        named["annotations"].append(
            {"x": 0, "xref": "paper", "xanchor": "left", "y": up(level[0]), "yanchor": "bottom", "text": level[1]}
            | {"showarrow": False, "font": {"size": 12, "color": ink.quiet}}
        )
    traces = [trace for line in drawn for trace in (_band(line, ink), _middle(line, ink, hover))]
    yaxis = yaxis | {"range": list(ends)}
    return figure(ink, height, traces, across_axis, yaxis, shapes=shapes, hovermode="closest", **named)


def _beside(
    drawn: Sequence[Line], up: Place, ends: tuple[float, float], height: int
) -> tuple[int, tuple[float, float], list[float]]:
    """Names at the lines' ends, none over another: how high the figure is for it, its axis' ends, where they stand."""
    tall = [LINE * (1 + line.label.count("<br>")) for line in drawn]
    height = max(height, 70 + round(1.1 * sum(tall)))
    wanted = [up(line.middle[-1]) for line in drawn]
    low, high, places = *ends, wanted
    for _ in range(4):  # names that need room lengthen the axis, on which they are taller then
        pixel = (high - low) / (height - 70)
        places = apart(wanted, [pixel * size for size in tall])
        low, high = min([ends[0], *places]), max([ends[1], *places])
    return height, (low, high), places


def _below(count: int) -> dict[str, Any]:
    """The layout of so many names in a legend under the axis."""
    legend = {"orientation": "h", "entrywidthmode": "fraction", "entrywidth": 1.15}  # one a row
    legend |= {"xref": "container", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom"}
    return {"showlegend": True, "legend": legend | {"font": {"size": 13}}, "margin": {"r": 12, "b": 76 + 20 * count}}


@imports.drawing()
def lying(
    ink: Ink,
    strips: Mapping[float, Strip],
    traces: list[Any],
    xaxis: dict[str, Any],
    row: int = 54,
    notes: Sequence[dict[str, Any]] = (),
    upright: tuple[float, str] | None = None,
    legend: bool = False,
    **layout: Any,
) -> go.Figure:
    """Rows on top of each other, their names above them: there is room for the marks on a telephone too.

    strips: by the height of their marks, 1 apart; row: pixels of one; upright: a line through all, and what it is.
    """
    top, head = max(strips, default=1.0) + 0.8, 44 if legend else 26 if upright else 6
    texts = [text for y, strip in strips.items() for text in _head(y, strip, ink)]
    shapes = []
    if upright:
        x, words = upright
        line = {"color": ink.text, "width": 1.3, "dash": "dot"}
        shapes.append({"type": "line", "x0": x, "x1": x, "y0": 0.5, "y1": top, "layer": "below", "line": line})
        if not legend:  # which would be in the same place
            texts.append(
                {"x": x, "y": top, "yanchor": "bottom", "text": words, "showarrow": False}
                | {"font": {"size": 12, "color": ink.quiet}}
            )
    return figure(
        ink,
        round(row * (top - 0.5)) + 64 + head,
        traces,
        xaxis,
        {"range": [0.5, top], "showgrid": False, "showticklabels": False},
        margin={"t": head, "r": 16 + round(7.2 * max((len(strip.numbers) for strip in strips.values()), default=0))},
        shapes=shapes,
        annotations=[*texts, *notes],
        hovermode="closest",
        showlegend=legend,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        **layout,
    )


def _head(y: float, strip: Strip, ink: Ink) -> list[dict[str, Any]]:
    """The words of a strip: its name above it, and its numbers in a column of their own."""
    font = {"size": 13, "color": ink.text if strip.strong else mixed(ink.quiet, ink.text, 0.35)}
    common = {"xref": "paper", "xanchor": "left", "showarrow": False, "font": font}
    name, numbers = (f"<b>{text}</b>" if strip.strong else text for text in (strip.name, strip.numbers))
    return [
        common | {"x": 0, "y": y + 0.42, "text": name},
        common | {"x": 1, "y": y, "xshift": 10, "text": numbers},
    ]


def apart(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Middles of labels of these sizes, moved apart as little as needed so that none overlaps another; same order."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    offsets, total = [0.0] * len(wanted), 0.0
    for before, i in zip([None, *order], order, strict=False):
        total += 0.0 if before is None else (sizes[before] + sizes[i]) / 2
        offsets[i] = total
    blocks: list[list[int]] = []  # pooled until what is wanted rises from block to block
    means: list[float] = []
    for i in order:
        blocks.append([i])
        means.append(wanted[i] - offsets[i])
        while len(blocks) > 1 and means[-2] > means[-1]:
            last, mean = blocks.pop(), means.pop()
            count = len(blocks[-1])
            means[-1] = (means[-1] * count + mean * len(last)) / (count + len(last))
            blocks[-1] += last
    places = [0.0] * len(wanted)
    for block, mean in zip(blocks, means, strict=True):
        for i in block:
            places[i] = mean + offsets[i]
    return places


def _place(axis: dict[str, Any]) -> Place:
    """Where a value is on an axis: Plotly counts in powers of ten on a logarithmic one."""
    return math.log10 if axis.get("type") == "log" else float


def _range(axis: dict[str, Any], places: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis: those asked for, or those of the values with a little air."""
    if "range" in axis:
        return axis["range"][0], axis["range"][1]
    low, high = min(places, default=0.0), max(places, default=1.0)
    air = 0.05 * (high - low) or 0.5
    return low - air, high + air


def _from_first_to_last(drawn: Sequence[Line], across: Place) -> list[float]:
    """The x axis ends where the lines do: what follows is their labels' place."""
    places = [across(x) for line in drawn for x in line.x] or [0.0]
    air = 0.04 * (max(places) - min(places)) or 0.1
    return [min(places) - air, max(places) + air]


def _band(line: Line, ink: Ink) -> go.Scatter:
    return go.Scatter(
        x=[*line.x, *reversed(line.x)],
        y=[*line.high, *reversed(line.low)],
        name=f"{_bare(line.label)} · seeds",
        mode="none",
        fill="toself",
        fillcolor=faded(line.code.paint(ink), 0.13),
        hoverinfo="skip",
        showlegend=False,
    )


def _middle(line: Line, ink: Ink, hover: str) -> go.Scatter:
    paint, name = line.code.paint(ink), _bare(line.label).replace("<br>", " ")
    return go.Scatter(
        x=list(line.x),
        y=list(line.middle),
        name=name,
        mode="lines+markers",
        line={"color": paint, "width": line.code.width, "dash": line.code.dash},
        marker={"symbol": line.code.symbol, "size": 9, "color": paint, "line": {"width": 0}},
        hovertemplate=f"<b>{name}</b><br>{hover}<extra></extra>",
    )


def _end(line: Line, y: float, across: Place, up: Place, right: float, ink: Ink) -> dict[str, Any]:
    """The label right of the plot at height y, where it fits, tied by a thin line to where the curve ends."""
    paint = line.code.paint(ink)
    return {
        "x": across(line.x[-1]), "y": up(line.middle[-1]), "ax": right, "axref": "x", "ay": y, "ayref": "y",
        "xanchor": "left", "yanchor": "middle", "align": "left", "text": line.label,
        "font": {"size": 13, "color": paint},
        "showarrow": True, "arrowhead": 0, "arrowwidth": 1, "arrowcolor": faded(paint, 0.6), "standoff": 6,
    }  # fmt: skip


def _bare(label: str) -> str:
    """A label without its bold letters."""
    return label.replace("<b>", "").replace("</b>", "")
