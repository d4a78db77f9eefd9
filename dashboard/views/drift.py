"""Do the memories keep up: how each class's real features and its stored Gaussian move from task to task."""

from pathlib import Path

import streamlit as st

from cl_core.datasets import DataError
from dashboard import drift, library, markup, state
from dashboard.charts import drift as charts
from dashboard.palette import Ink
from dashboard.views.polling import polled
from dashboard.views.scene import Scene, framed, ink

MOST = 10  # networks that are drawn
READING = (
    "One picture a task, all in one plane. When a network learns on, the features of its old classes move, and what "
    "is stored of them must follow: the longer the line between real and stored, the staler the memory."
)
SIGNS = (
    ("●", "mean of the real test features, their 1σ shaded"),
    ("○", "mean that is stored, its 1σ outlined"),
    ("⇢", "where the real mean came from"),
)


def panel(scene: Scene) -> None:
    """A fragment of its own: to name another network redraws nothing else. Nothing before the second task."""
    if len(drift.networks(scene.tree.path(scene.node.id))) > 1:
        polled(_panel, None, scene)


def _panel(scene: Scene) -> None:
    learned = drift.networks(scene.tree.path(scene.node.id))[-MOST:]
    with framed("drift", "Do the memories keep up?", READING):
        tasks = [step.tasks_learned for step in learned]
        named = st.segmented_control(
            "Drawn on the axes of the network after task", tasks, default=tasks[-1], required=True,
            key=state.choice(f"axes.{tasks[-1]}"),
            help="Every network has a space of its own. The others' are turned, shifted and scaled as a whole until "
            "the same test images lie as near as they can; what is left of the movement is drawn.",
        )  # fmt: skip
        place = str(scene.tree.store.path), tuple(step.id for step in learned), tasks.index(named or tasks[-1])
        try:
            st.html(_drawn(*place, ink()))
        except DataError as error:
            st.info(str(error))
            return
        st.html(markup.key(SIGNS))
        if not scene.record.get("kept"):
            st.caption("This strategy makes no use of stored Gaussians; they are carried along here to be looked at.")
        st.caption(_told(_steps(*place), named or tasks[-1]))


@st.cache_data(max_entries=32, show_spinner=False)
def _steps(store: str, learned: tuple[str, ...], named: int) -> list[drift.Step]:
    nodes = [library.look(library.store_at(Path(store)), node_id) for node_id in learned]
    return drift.steps(nodes, [node.group("view") for node in nodes], named)


@st.cache_data(max_entries=64, show_spinner=False)
def _drawn(store: str, learned: tuple[str, ...], named: int, ink: Ink) -> str:
    steps = _steps(store, learned, named)
    last = library.glance(library.store_at(Path(store)), learned[-1])
    return charts.panels(steps, last.class_names, ink)


def _told(steps: list[drift.Step], named: int) -> str:
    """What the numbers are, what chance gives, and how well the spaces could be laid over each other."""
    least = min((step for step in steps if step.tasks != named), key=lambda step: step.shared)
    images = steps[-1].images
    return (
        "The numbers: how far stored and real means lie apart, in each network’s own space and in units of σ, the "
        f"class’s own deviation, averaged over the old and the new classes; with {images} test images a class chance "
        f"alone gives about {images**-0.5:.1f}. Real images of old classes are shown for the truth and are never seen "
        f"by the method. The axes are the principal ones of the network after task {named}; laid over it, the network "
        f"after task {least.tasks} agrees with it least: {markup.percent(least.shared)} of the variance of the images "
        "that both know is in the same place."
    )
