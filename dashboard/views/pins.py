"""Near the tree: pin the moment one looks at as A or as B, and go and compare them."""

import streamlit as st

from dashboard import state
from dashboard.views.scene import Scene


def buttons(scene: Scene, beside: st.Page) -> None:
    """Two pins, and the door to the page that holds both beside each other."""
    for side in ("a", "b"):
        here = state.pinned(side) == scene.node.id
        st.button(
            f"{'Pinned' if here else 'Pin'} as {side.upper()}",
            icon=":material/check:" if here else ":material/push_pin:",
            key=f"pin-{side}",
            disabled=here,
            on_click=state.pin,
            args=(side, scene.node.id),
            help="To look at two moments beside each other: same axes, same colours, and what differs.",
        )
    if state.pinned("a") or state.pinned("b"):
        st.page_link(beside, label="Look at A and B", icon=":material/compare:")
