"""What does it dream: synthetic images beside real ones, one row a class."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cl_core.datasets import DataError
from dashboard import library, markup, pictures, state
from dashboard.points import Points
from dashboard.views import chosen
from dashboard.views.scene import Scene, framed

COLUMNS = 12
FAINT = 0.3  # of the images beside those that are chosen


def sheets(scene: Scene) -> None:
    """Real and synthetic sheets; the real ones are for the truth only and are marked so."""
    made = sorted(set(library.look(scene.tree.store, scene.node.id).synthetic[1].tolist()))
    reading = (
        "A row a class. Real images of old classes are shown for the truth and are never seen by the method; the "
        "synthetic ones are all that it has of them."
    )
    if note := library.decoded(scene.node):
        reading = f"A row a class. Real images of old classes are shown for the truth. {note}"
    with framed("images", "What does it dream?", reading):
        if not made:
            what = (
                "“Invert” makes images of the classes learned." if scene.node.replays else "This strategy makes none."
            )
            st.markdown(f"There are no synthetic images at this moment. {what}")
            return
        names = [scene.node.class_names[c] for c in made]
        real, synthetic = _sheets(str(scene.tree.store.path), scene.node.id, scene.points)
        st.html(markup.sheet_pair(names, made, real, synthetic, bool(library.decoded(scene.node))))


@st.cache_data(max_entries=48, show_spinner=False)
def _sheets(store: str, node_id: str, points: Points) -> tuple[str, str]:
    """The two sheets of a snapshot as data URIs. points: those chosen come first."""
    node = library.look(library.Store(store), node_id)
    view, made = node.group("view"), node.synthetic[1]
    classes = sorted(set(made.tolist()))
    dreams = [first_rows(made, points.synthetic, c) for c in classes]
    truth = [first_rows(view["real_labels"], points.real, c) for c in classes]
    try:
        real = [chosen.real_images(node, view, rows) for rows, _ in truth]
    except DataError as error:
        state.tell(str(error))
        real = [np.zeros((0, 28, 28, 1), np.uint8)] * len(classes)
    synthetic = [chosen.synthetic_images(node, rows) for rows, _ in dreams]
    first, second = (
        pictures.data_uri(pictures.sheet(images, COLUMNS, strength=_opacity(found, bool(any_chosen))))
        for images, found, any_chosen in ((real, truth, points.real), (synthetic, dreams, points.synthetic))
    )
    return first, second


def first_rows(labels: np.ndarray, picked: Sequence[int], c: int) -> tuple[list[int], list[bool]]:
    """The first rows of class c, those that are chosen before the others; and which of them are chosen."""
    rows = np.flatnonzero(labels == c)
    is_picked = np.isin(rows, picked)
    order = np.argsort(~is_picked, kind="stable")[:COLUMNS]
    return rows[order].tolist(), is_picked[order].tolist()


def _opacity(found: Sequence[tuple[list[int], list[bool]]], any_chosen: bool) -> list[list[float]] | None:
    """Opacity of each image: when some are chosen, the others are faint."""
    if not any_chosen:
        return None
    return [[1.0 if mark else FAINT for mark in marks] + [0.0] * (COLUMNS - len(marks)) for _, marks in found]
