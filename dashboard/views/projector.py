"""The projector: a switch in the header of every page for large type, without settings and small print.

With it comes what the style of every page needs to know of the theme.
"""

from pathlib import Path

import streamlit as st

from dashboard import state
from dashboard.palette import INKS

LARGE = (Path(__file__).parent.parent / "projector.css").read_text(encoding="utf-8")
PLACE = (
    ".st-key-projector { position: fixed; top: 1.05rem; right: 3.6rem; width: auto !important; z-index: 999990; }"
    " .st-key-projector p { white-space: nowrap; }"
)


def switch() -> None:
    """The switch, and the style of the mode. Both are always sent, so that nothing moves into another's place."""
    on = state.projector()
    focus = INKS.get(st.context.theme.type or "light", INKS["light"]).text
    st.html(f"<style>:root {{ --il-focus: {focus}; }}{PLACE}{LARGE if on else ''}</style>")
    with st.container(key="projector"):
        st.toggle(
            "Projector",
            key=state.widget("projector", on),
            on_change=state.heard(lambda: state.project(state.widget_value("projector"))),
        )
