"""What moves while a job computes: Altair, because Streamlit updates it in place instead of drawing it anew."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts.style import log_ticks
from dashboard.palette import Ink, colour

HEIGHT = 210  # pixels
MOMENT = alt.X(
    "moment:Q", title="how much of this step is done", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")
)


def typed(chart: Any, ink: Ink) -> Any:
    """The chart with type as large as the ink asks for, and as much higher, so that its axes leave it room."""
    if ink.type == 1:
        return chart
    larger = chart.properties(height=HEIGHT * ink.type)
    return larger.configure_axis(labelFontSize=12 * ink.type, titleFontSize=13 * ink.type, labelLimit=0)


def loss(rows: Sequence[tuple[float, str, float]], ink: Ink) -> alt.LayerChart:
    """The total loss so far, one line a place (a layer, all layers, learning). rows: (moment, place, loss)."""
    frame = pd.DataFrame(list(rows) or [(0.0, "", 1.0)], columns=["moment", "place", "loss"])
    ticks = log_ticks(frame["loss"])
    base = alt.Chart(frame).encode(
        x=MOMENT,
        y=alt.Y(
            "loss:Q", title="loss", scale=alt.Scale(type="log", nice=False), axis=alt.Axis(values=ticks, format="~g")
        ),
        detail="place:N",
    )
    lines = base.mark_line(color=ink.text, strokeWidth=2.2, opacity=0.9 if rows else 0)
    last = frame.tail(1)
    dot = alt.Chart(last).mark_circle(color=ink.text, size=70, opacity=1 if rows else 0).encode(x=MOMENT, y="loss:Q")
    return (lines + dot).properties(height=HEIGHT)


def accuracies(
    rows: Sequence[tuple[float, Sequence[float]]], tasks: Sequence[str], first_classes: Sequence[int]
) -> alt.Chart:
    """Validation accuracy of each task seen so far, while the newest is being learned."""
    data = [(moment, tasks[j], value) for moment, values in rows for j, value in enumerate(values)]
    frame = pd.DataFrame(data, columns=["moment", "task", "accuracy"])
    scale = alt.Scale(domain=list(tasks), range=[colour(c) for c in first_classes])
    return (
        alt.Chart(frame)
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=45, filled=True))
        .encode(
            x=MOMENT,
            y=alt.Y(
                "accuracy:Q",
                title="accuracy, validation",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5),
            ),
            color=alt.Color("task:N", scale=scale, legend=None),
        )
        .properties(height=HEIGHT)
    )
