"""What a network that knows words names rightly before it has learned anything."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from dashboard import markup
from dashboard.palette import colour
from dashboard.views.scene import Scene, framed, thumbnails

MANY = 14  # classes, from which on the list scrolls
HEIGHT = 520  # pixels of a list that scrolls


def panel(scene: Scene) -> None:
    """Accuracy of each class by its words alone; nothing for a network that knows none."""
    known: Any = scene.tree.path(scene.node.id)[0].record.get("zero_shot")
    if not known:
        return
    reading = "Zero-shot: every class is named by its words alone, among all the classes of the stream."
    with framed("zero-shot", "What does it know before it learns?", reading):
        shares = known["class_accuracy"][scene.split]
        total = known["total_accuracy"][scene.split][-1]
        best = max(range(len(shares)), key=shares.__getitem__)
        st.html(
            markup.facts(
                [
                    (f"of the {scene.split} images are named rightly", markup.percent(total)),
                    ("by chance", markup.percent(1 / len(shares))),
                    (f"best: {scene.node.class_names[best]}", markup.percent(shares[best])),
                ]
            )
        )
        with st.container(height=HEIGHT if len(shares) > MANY else "content", border=False):
            st.html(markup.table(["Class", "", "named rightly", ""], _rows(scene, shares), numbers=(2,)))
        if instead := scene.tree.path(scene.node.id)[0].record.get("said_instead"):
            _said_instead(instead)
        st.caption("Learning has to beat this line: it is drawn beside the curves from the first task on.")


def _said_instead(words: Mapping[str, Sequence[str]]) -> None:
    """Which classes it is asked for in other words than their names."""
    with st.expander(f"Asked for in other words: {len(words)} classes", icon=":material/translate:"):
        st.caption(
            "This CLIP has never read a word of these names, so their keywords stand for them. Classes that share "
            "keywords are hard to tell apart by words."
        )
        cells = [[escape(name), escape(", ".join(of))] for name, of in words.items()]
        st.html(markup.table(["Class", "Asked for as"], cells))


def _rows(scene: Scene, shares: list[float]) -> list[list[str]]:
    rows = []
    for c, share in enumerate(shares):
        name = scene.node.class_names[c]
        source = thumbnails(scene.node.config.stream.data, name, 4)
        image = f'<img class="il-row-image" src="{source}" alt="">' if source else ""
        bar = markup.bar(share, None, 1.0, colour(c))
        rows.append([f"{markup.mark(c)} {escape(name)}", bar, markup.percent(share), image])
    return rows
