"""Figures on a page, each as its chart drew it: Streamlit's theme would make Plotly draw everything twice."""

from typing import Any

import streamlit as st
from plotly.graph_objects import Figure

from dashboard.charts.style import CONFIG


def plot(figure: Figure, key: str, alt: str, config: dict[str, Any] = CONFIG, **chosen: Any) -> None:
    """A figure, with what it shows in words; chosen: what happens when its points are (see st.plotly_chart)."""
    st.plotly_chart(figure, theme=None, config=config, key=key, alt=alt, **chosen)
