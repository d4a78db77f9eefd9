"""Figures on a page, each as its chart drew it: Streamlit's theme would make Plotly draw everything twice."""

from pathlib import Path
from typing import Any

import streamlit as st
from plotly.graph_objects import Figure

from dashboard.charts.style import CONFIG

_release = st.components.v2.component(
    "release", js=(Path(__file__).parent.parent / "release.js").read_text(encoding="utf-8")
)


def plot(figure: Figure, key: str, alt: str, config: dict[str, Any] = CONFIG, **chosen: Any) -> None:
    """A figure, with what it shows in words; chosen: what happens when its points are (see st.plotly_chart)."""
    st.plotly_chart(figure, theme=None, config=config, key=key, alt=alt, **chosen)


def release(place: str, times: int) -> None:
    """Let go of the points chosen in the figure within the container of this key, each time that `times` changes.

    To give the figure another key would do so too, and leave a hole in the page until it is drawn.
    """
    _release(key=f"release-{place}", data={"of": f".st-key-{place}", "times": times})
