"""The top of the page: what this is, which experiment, and a new one."""

import streamlit as st

from dashboard import library, state
from dashboard.views import actions, experiments, new_experiment, share
from dashboard.views.door import come_in
from dashboard.views.scene import Scene

EXAMPLE = ""


def title() -> None:
    """The first thing on the screen."""
    st.title("Inversion Lab", anchor=False)


def lede() -> None:
    """What one can do here, in a sentence."""
    st.html(
        '<p class="il-lede">Watch a network learn task after task and forget the earlier ones — then let it dream up '
        "images of what it once knew, layer by layer, and remember.</p>"
    )


def bar(scene: Scene | None, busy: bool, whole: bool) -> None:
    """Which experiment one looks at, and the door to a new one.

    whole: the page will not be drawn again by itself, which would close the form that the Data page has asked for.
    """
    roots = library.experiments()
    names = experiments.names(roots)
    current = scene.tree.path(scene.node.id)[0].id if scene and not scene.tree.is_example else EXAMPLE
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="bar"):
        st.selectbox(
            "Experiment",
            [EXAMPLE, *names],
            key=state.widget("experiment", current),
            format_func=lambda node_id: names.get(node_id, _example_title()),
            on_change=state.heard(_open),
            width="stretch",
        )
        if st.button(
            "New experiment",
            icon=":material/add:",
            disabled=busy,
            type="secondary",
            help="Wait for this run." if busy else None,
        ):
            come_in(new_experiment.dialog)
        elif state.new_asked() and not busy and whole:
            state.ask_for_new(False)
            come_in(new_experiment.dialog)
        if roots and st.button("All", icon=":material/account_tree:", key="experiments", help="All your experiments"):
            come_in(experiments.dialog, busy)
        if scene and st.button("Export", icon=":material/ios_share:", key="share", help="Take it with you"):
            come_in(share.dialog, scene)


def _example_title() -> str:
    try:
        return f"Example · {library.example().title}"
    except library.StoreError:
        return "Example (missing)"


def _open() -> None:
    actions.open_experiment(state.widget_value("experiment") or None)
