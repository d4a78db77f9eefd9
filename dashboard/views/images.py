"""What does it dream: synthetic images beside real ones, one row a class."""

import numpy as np
import streamlit as st

from dashboard import library, markup, pictures
from dashboard.views.scene import Scene, framed, real_images

COLUMNS = 12


def sheets(scene: Scene) -> None:
    """Real and synthetic sheets; the real ones are for the truth only and are marked so."""
    made = sorted(set(library.look(scene.tree.store, scene.node.id).synthetic[1].tolist()))
    reading = (
        "A row a class. Real images of old classes are shown for the truth and are never seen by the method; the "
        "synthetic ones are all that it has of them."
    )
    with framed("images", "What does it dream?", reading):
        if not made:
            what = (
                "“Invert” makes images of the classes learned." if scene.node.replays else "This strategy makes none."
            )
            st.markdown(f"There are no synthetic images at this moment. {what}")
            return
        names = [scene.node.class_names[c] for c in made]
        strength = tuple(scene.strength(c) for c in made)
        real, synthetic = _sheets(str(scene.tree.store.path), scene.node.id, strength)
        st.html(markup.sheet_pair(names, made, real, synthetic, strength))


@st.cache_data(max_entries=48, show_spinner=False)
def _sheets(store: str, node_id: str, strength: tuple[float, ...]) -> tuple[str, str]:
    """The two sheets of a snapshot as data URIs. strength: opacity of each row."""
    node = library.look(library.Store(store), node_id)
    images, labels = node.synthetic
    classes = sorted(set(labels.tolist()))
    real = [real_images(node.config.stream.data, node.class_names[c])[:COLUMNS] for c in classes]
    dreams = pictures.by_class(pictures.to_bytes(np.asarray(images)), labels, classes, COLUMNS)
    first, second = (pictures.data_uri(pictures.sheet(rows, COLUMNS, strength=strength)) for rows in (real, dreams))
    return first, second
