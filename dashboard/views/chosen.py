"""What was chosen in the feature space, as images: a sheet of several points, or all that is known of one."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from cl_core import datasets
from cl_core.datasets import DataError
from cl_core.snapshot import Snapshot
from dashboard import closeup, library, pictures, points, state
from dashboard.points import Points
from dashboard.views.scene import Scene

View = Mapping[str, np.ndarray]
NONE = np.zeros(0, np.int64)


def panel(scene: Scene, view: View, chosen: Points) -> None:
    """The images of the points that are chosen, under the picture that they were chosen in."""
    if not chosen:
        st.caption(
            "Click a point, or take the lasso above the picture and draw round some: their images appear here and are "
            "marked everywhere."
        )
        for _ in range(2):
            st.empty()  # in the place of the images: what a page only lacks stands there until all of it is drawn
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        parts = [f"{len(rows)} {kind}" for kind in points.KINDS if (rows := getattr(chosen, kind))]
        st.markdown(f"**Chosen: {' and '.join(parts)}**", width="stretch")
        st.button("Let go", icon=":material/close:", key="let-go", on_click=state.let_go, args=(scene.node.id,))
    try:
        if len(chosen) == 1:
            st.html(_card(scene, view, chosen))
        else:
            st.html(_sheet(scene, view, chosen))
            st.caption("The number after a name is how many of that class are chosen; the first of them are shown.")
    except DataError as error:
        st.info(str(error))


def real_images(node: Snapshot, view: View, rows: Sequence[int]) -> np.ndarray:
    """The test images (n, h, w, c) uint8 behind some real points. Raises DataError."""
    test = datasets.load(node.config.stream.data).split("test")
    wanted = view["real_index"][list(rows)]
    if len(wanted) and wanted.max() >= len(test):
        raise DataError("The images behind these points are not in this data: it is not what this run was made with.")
    return pictures.to_bytes(test.images[wanted])


def synthetic_images(node: Snapshot, rows: Sequence[int]) -> np.ndarray:
    """The synthetic images (n, h, w, c) uint8 of some synthetic points."""
    return pictures.to_bytes(np.asarray(node.synthetic[0])[list(rows)])


def _sheet(scene: Scene, view: View, chosen: Points) -> str:
    node = library.look(scene.tree.store, scene.node.id)
    classes = sorted(chosen.classes(view))
    real, made = list(chosen.real), list(chosen.synthetic)
    real_of, made_of = view["real_labels"][real], view.get("synthetic_labels", NONE)[made]
    pixels, dreams = real_images(node, view, real), synthetic_images(node, made)
    return closeup.sheet(
        [pixels[real_of == c] for c in classes], [dreams[made_of == c] for c in classes], classes, scene.names
    )


def _card(scene: Scene, view: View, chosen: Points) -> str:
    node = library.look(scene.tree.store, scene.node.id)
    kind = "real" if chosen.real else "synthetic"
    row = (chosen.real or chosen.synthetic)[0]
    label = int(view[f"{kind}_labels"][row])
    near = points.nearest_real(view, kind, row)
    facts: list[str] = []
    if kind == "synthetic":
        image, says = synthetic_images(node, [row]), _said_of_synthetic(scene, view, row, label)
        facts.append(f"made for a target feature of {scene.names[label]}")
        if (target := points.target_of(view, row)) is not None:
            gap = np.linalg.norm(view["targets"][target].astype(np.float64) - view["synthetic"][row])
            facts.append(f"{gap:.3g} away from that target")
    else:
        image, says = real_images(node, view, [row]), _said(view, kind, row, "The network of this moment")
        facts.append("shown for the truth; never seen by the method")
    if not says:
        facts.append("what the network says was not kept when this step was made")
    about = closeup.Card(
        kind, image, label, facts, says, [(int(view["real_labels"][i]), distance) for i, distance in near],
        real_images(node, view, [i for i, _ in near]),
    )  # fmt: skip
    return closeup.card(about, scene.names)


def _said(view: View, kind: str, row: int, who: str) -> list[tuple[str, closeup.Likely]]:
    logits = view.get(f"{kind}_logits")
    return [] if logits is None else [(who, points.opinion(logits[row]))]


def _said_of_synthetic(scene: Scene, view: View, row: int, label: int) -> list[tuple[str, closeup.Likely]]:
    """What the network of now says, and, when it is another one, the network that made the image."""
    maker = points.maker(scene.tree.path(scene.node.id), label)
    same = maker is None or maker.tasks_learned == scene.node.tasks_learned
    said = _said(view, "synthetic", row, "The network that made it" if same else "The network of this moment")
    if maker is None or same:
        return said
    then = library.look(scene.tree.store, maker.id).group("view")
    place = np.flatnonzero(then["synthetic_labels"] == label)[points.rank(view["synthetic_labels"], row)]
    return said + _said(then, "synthetic", int(place), f"The network that made it, after task {maker.tasks_learned},")
