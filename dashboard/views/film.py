"""Inversion, seen: what the images would be if inversion stopped at a layer, and then the refinement; one slider."""

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from cl_core.snapshot import Snapshot
from dashboard import library, projections
from dashboard.charts import film as charts
from dashboard.charts.reel import Film
from dashboard.views import layers
from dashboard.views.scene import Scene, framed

NAMED = 4  # groups of layers up to which each has its time told
HOME = Path(__file__).parent.parent
_draw = st.components.v2.component(
    "inversion_film",
    html='<div id="film"></div>',
    css=(HOME / "film.css").read_text(encoding="utf-8"),
    js=(HOME / "film.js").read_text(encoding="utf-8"),
)


def panel(scene: Scene) -> None:
    """The film of the latest inversion on the path to this moment; without a film, its losses alone."""
    node = latest_inversion(scene)
    if node is None or not node.record.get("film"):
        layers.panel(scene)
        return
    reading = (
        "Inversion walks from the feature back to the image, last layers first, and then refines through them all."
    )
    if node.config.invert.first_layer:
        reading += f" {library.DECODED} They need no patch embedding, so it is no part of the walk."
    if node.id != scene.node.id:
        reading += f" This is the inversion after task {node.tasks_learned}, seen by the network of that moment."
    with framed("film", "How does an image come out of a feature?", reading):
        layers.choose(scene)
        marked = layers.groups(scene, node.record["layers"])
        stressed = frozenset[int]() if has_room_for_all(scene) else scene.stressed
        _draw(key="film", data=_data(str(scene.tree.store.path), node.id, stressed, marked))
        st.caption(_time(node))


def has_room_for_all(scene: Scene) -> bool:
    """Whether the strip shows every class that the latest inversion made images of."""
    node = latest_inversion(scene)
    return node is None or len(node.record.get("inverted_classes", ())) <= charts.IN_STRIP


@st.cache_data(max_entries=24, show_spinner=False)
def _data(store: str, node_id: str, stressed: frozenset[int], marked: tuple[str, ...]) -> dict[str, Any]:
    return charts.data(of(library.look(library.store_at(Path(store)), node_id)), stressed, node_id, marked)


def latest_inversion(scene: Scene) -> Snapshot | None:
    """The last inversion on the way from the root to the snapshot that one looks at."""
    made = [node for node in scene.tree.path(scene.node.id) if node.verb == "invert"]
    return made[-1] if made else None


def of(node: Snapshot) -> Film:
    """The film of an inversion, with its features in the plane of its classes' first two principal axes."""
    film, view = node.group("film"), node.group("view")
    moving = np.concatenate([view["film"].reshape(-1, view["film"].shape[-1]), view["film_targets"]])
    return Film(
        frames=node.record["film"],
        images=film["images"],
        labels=film["labels"],
        projection=projections.pca_of(view | {"synthetic": moving}, set(film["labels"].tolist())),
        real_labels=view["real_labels"],
        names=node.class_names[: node.classes_seen],
        layers=node.record["layers"],
        refine=node.record["refine"],
        aims=node.config.invert.feature_weight > 0 or any(layer["curve"] for layer in node.record["layers"]),
    )


def _time(node: Snapshot) -> str:
    """Seconds of each part."""
    layers = [layer for layer in node.record["layers"] if layer["curve"]]
    spent = [f"{layer['name']} {layer['seconds']:.1f} s" for layer in layers]
    if len(layers) > NAMED:
        spent = [f"{len(layers)} layers one by one {sum(layer['seconds'] for layer in layers):.1f} s"]
    return "Time: " + " · ".join([*spent, f"all layers at once {node.record['refine']['seconds']:.1f} s"])
