"""What is kept of the past, in bytes, beside the images that it replaces."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from cl_core import datasets
from dashboard import closeup, library, markup, pictures
from dashboard.views import layers
from dashboard.views.scene import Scene, framed

WORDS = (
    ("gaussians/mean", "Mean feature of each class"),
    ("gaussians/std", "Spread of each class's features, by dimension"),
    ("gaussians/covariance", "Covariance of each class's features"),
    ("gaussians/loadings", "Principal directions of each class's features"),
    ("gaussians", "More about each class's features"),
    ("statistics", "Statistics of the layers' inputs, by task"),
    ("synthetic", "Synthetic images"),
    ("hidden", "Hidden inputs of the first block, replayed in the place of images"),
)
STATISTIC = re.compile(r"statistics/(?:task|class)\d+/(?P<place>input|norm)(?P<number>\d+)/\w+")
OWNER = re.compile(r"(task|class|synthetic|hidden)\d+")
FEW = 4  # shapes that are told one by one


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
        if any(row["what"].startswith("statistics") for row in rows):
            _revealed(scene)
        layer, names = layers.marked(scene), list(record.get("layer_names", []))
        with st.expander("What exactly?"):
            listed = inventory(rows, names)
            cells = [[escape(row.what), escape(row.shape), markup.size(row.size)] for row in listed]
            here = {i for i, row in enumerate(listed) if layer is not None and row.layer == layer}
            st.html(markup.table(["What", "Shape", "Size"], cells, numbers=(2,), marked=here))


def _revealed(scene: Scene) -> None:
    """The picture that the kept statistics alone draw."""
    node = scene.node
    try:
        by_class, found = _pictures(str(scene.tree.store.path), node.id)
    except datasets.DataError as error:
        st.caption(str(error))
        return
    if not len(found):
        st.caption("The statistics themselves are not at hand here, so they are not drawn.")
        return
    marks = [markup.mark(c) for c in range(node.classes_seen)]
    labels = marks if by_class else ["".join(marks[c] for c in node.classes(t)) for t in range(len(found))]
    st.html(closeup.strip(found, labels, "All that these statistics draw by themselves"))
    st.caption(
        (
            "A mean for each class and position is an average image: it shows what its class looks like. "
            if by_class
            else "A mean and a variance for each channel draw noise, one picture a task: they reveal little. "
        )
        + "The Gaussians of the features draw no picture; an image comes out of them through the network alone."
    )


@st.cache_data(max_entries=48, show_spinner=False)
def _pictures(store: str, node_id: str) -> tuple[bool, np.ndarray]:
    """Whether they are by class, and the pictures; none when the store has no statistics of this step."""
    place = library.store_at(Path(store))
    if "statistics" not in place.read_node(node_id)["objects"]:
        return False, np.zeros((0, 1, 1, 1), np.uint8)
    node, made = place.load(node_id, ["statistics"]), library.look(place, node_id).synthetic[0]
    if not len(made):  # before the first inversion, the data says how large an image is
        made = datasets.load(node.config.stream.data).split("test").images
    return drawn(node.group("statistics"), made.shape[2:])


def drawn(kept: Mapping[str, np.ndarray], size: tuple[int, ...]) -> tuple[bool, np.ndarray]:
    """What the statistics of the network's input draw by themselves, uint8 (n, h, w, c), and whether it is by class.

    By class and position: the mean image of each class. By channel: for each task independent draws of N(mean,
    variance) for the pixels of an image of this size (h, w). Units are the network's: the darkest value is drawn
    black, the lightest white.
    """
    ends = [name.partition("/")[0] for name in kept if name.endswith("/input0/mean")]
    kinds = {kind: sorted(int(end[len(kind) :]) for end in ends if end.startswith(kind)) for kind in ("class", "task")}
    by_class = bool(kinds["class"])
    rng, images = np.random.default_rng(0), []
    for number in kinds["class" if by_class else "task"]:
        name = f"{'class' if by_class else 'task'}{number}/input0"
        mean = kept[f"{name}/mean"].astype(np.float64)
        if not by_class:
            spread = np.sqrt(np.maximum(kept[f"{name}/mean_square"] - mean**2, 0))
            mean = mean[:, None, None] + spread[:, None, None] * rng.standard_normal((len(mean), *size))
        images.append(mean)
    found = np.stack(images)
    low, high = found.min(), found.max()
    return by_class, pictures.to_bytes((found - low) / max(high - low, 1e-9))


@dataclass(frozen=True)
class Kept:
    """One kind of thing that is kept: in words, its shape, its bytes, and the layer whose input it is about."""

    what: str
    shape: str
    size: int
    layer: str | None = None


def inventory(rows: Sequence[Mapping[str, Any]], layer_names: Sequence[str]) -> list[Kept]:
    """The rows of record["kept"], one line for each kind of thing and, of the statistics, for each layer's input."""
    kinds: dict[tuple[str, str | None], list[Mapping[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(_kind(row["what"], layer_names), []).append(row)
    return [Kept(what, _shape(of), sum(row["bytes"] for row in of), layer) for (what, layer), of in kinds.items()]


def _kind(name: str, layer_names: Sequence[str]) -> tuple[str, str | None]:
    """What an array is, and the layer whose input it is of."""
    found = STATISTIC.fullmatch(name)
    if found and found["place"] == "norm":
        return "Statistics of the inputs of the normalisations", None
    if found and int(found["number"]) < len(layer_names):
        layer = layer_names[int(found["number"])]
        return f"Statistics of the input of {layer}", layer
    return next((words for start, words in WORDS if name.startswith(start)), name.capitalize()), None


def _shape(rows: Sequence[Mapping[str, Any]]) -> str:
    """The shapes of arrays; of those that each task or class has its own of, what one of them has."""
    owners = {match[0] for row in rows if (match := OWNER.search(row["what"]))}
    each = [str(row["shape"]) or "1" for row in rows[: len(rows) // max(1, len(owners))]]
    told = " + ".join(each) if len(each) <= FEW else f"{len(each)} arrays"
    if len(owners) < 2:
        return told
    return f"{told}, for each {'class' if next(iter(owners)).startswith('class') else 'task'}"
