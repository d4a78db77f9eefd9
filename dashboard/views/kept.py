"""What is kept of the past, in bytes, beside the images that it replaces."""

from typing import Any

import streamlit as st

from dashboard import markup
from dashboard.views.scene import Scene, framed

WORDS = (
    ("gaussians/mean", "Mean feature of each class"),
    ("gaussians/std", "Spread of each class's features, by dimension"),
    ("gaussians/covariance", "Covariance of each class's features"),
    ("gaussians/loadings", "Principal directions of each class's features"),
    ("gaussians", "More about each class's features"),
    ("statistics", "Statistics of the layers' inputs, by task"),
    ("synthetic", "Synthetic images"),
)


def panel(scene: Scene) -> None:
    """The list of what a strategy stores of the data."""
    record = scene.record
    rows, total, images = record.get("kept", []), record.get("kept_bytes", 0), record.get("replaced_bytes", 0)
    reading = "What the strategy stores of the data, beside the network itself, and the images that it replaces."
    with framed("kept", "What is kept of the past?", reading):
        if not rows:
            st.markdown("Nothing: this strategy keeps only the network.")
            return
        st.html(markup.facts([("kept", markup.size(total)), ("all the training images so far", markup.size(images))]))
        if total > images:
            st.caption("More than the images would take: here, data-free is about privacy, not about space.")
        with st.expander("What exactly?"):
            sums = _sums(rows)
            cells = [[words, f"{count} arrays" if count > 1 else "", markup.size(size)] for words, count, size in sums]
            st.html(markup.table(["What", "", "Size"], cells, numbers=(2,)))


def _sums(rows: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """(words, arrays, bytes) of each kind of thing that is kept, the largest first."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        words = next((words for start, words in WORDS if row["what"].startswith(start)), row["what"].capitalize())
        sums.setdefault(words, []).append(row["bytes"])
    return sorted(((words, len(sizes), sum(sizes)) for words, sizes in sums.items()), key=lambda row: -row[2])
