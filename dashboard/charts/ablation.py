"""One setting changed at a time: what it does to the final accuracy."""

import plotly.graph_objects as go

from dashboard import imports
from dashboard.charts.evidence import Strip, lying
from dashboard.evidence import AS_IT_IS, Evidence, Spread
from dashboard.palette import Ink, faded


@imports.drawing()
def effects(evidence: Evidence, ink: Ink, key: str = "final_accuracy") -> go.Figure:
    """Percentage points gained or lost ± standard error; faint: less than two standard errors, so perhaps nothing."""
    found = evidence.effects(key)
    strips, traces = {}, []
    for i, (name, of) in enumerate(found.items()):
        y = float(len(found) - i)
        plain = of.certain or of.error is None
        strips[y] = Strip(name, of.points(), of.certain)
        traces.append(_effect(name, of, y, ink.text if plain else faded(ink.quiet, 0.75), plain))
    return lying(ink, strips, traces, {"title": "percentage points"}, row=44, upright=(0.0, AS_IT_IS))


def _effect(name: str, of: Spread, y: float, paint: str, plain: bool) -> go.Scatter:
    return go.Scatter(
        x=[100 * of.mean],
        y=[y - 0.08],
        name=name,
        mode="markers",
        marker={"symbol": "diamond" if plain else "circle", "size": 12 if plain else 9, "color": paint},
        error_x={"array": [100 * (of.error or 0.0)], "color": paint, "thickness": 2.4, "width": 0},
        hovertemplate=f"<b>{name}</b><br>{of.points()} points<extra></extra>",
    )
