"""Do dreams live where reality does: the feature space, and how far each class's synthetic features are off."""

import functools
import time
from collections.abc import Mapping
from dataclasses import replace
from html import escape

import numpy as np
import streamlit as st
from plotly.graph_objects import Figure

from dashboard import library, markup, projections, state, stress
from dashboard.charts import features as charts
from dashboard.charts.style import CONFIG
from dashboard.job import REGISTRY
from dashboard.palette import Ink, colour
from dashboard.points import Points, from_selection
from dashboard.projections import Projection
from dashboard.views import actions, chosen
from dashboard.views.plot import plot, release
from dashboard.views.polling import polled
from dashboard.views.scene import PAINT, Scene, framed, ink, on_a_phone

POLL = 0.5
SPACE = "points"  # the key of the picture in which points are chosen
HEIGHT = 680  # pixels, about as high as what stands to the right
SELECTABLE = CONFIG | {"modeBarButtonsToRemove": ["autoScale2d", "zoomIn2d", "zoomOut2d"], "displayModeBar": True}
SIGNS = (
    ("real", ("●", "real")), ("synthetic", ("○", "synthetic")), ("target", ("⊙", "target")),
    ("stored ellipses", ("━", "1σ of the stored Gaussian")), ("stored ellipses", ("┄", "2σ")),
    ("real ellipses", ("╌", "1σ of the real features")),
    ("synthetic ellipses", ("–·–", "1σ of the synthetic features")),
)  # fmt: skip
NONE = np.zeros(0, np.int64)
NOBODY = frozenset[int]()


def space(scene: Scene) -> None:
    """The feature space, in a fragment of its own: its switches redraw nothing else, and it polls for its UMAP."""
    view = library.look(scene.tree.store, scene.node.id).group("view")
    job = REGISTRY.get(actions.umap_job_id(view)) if state.chosen("projection", "PCA") == "UMAP" else None
    waiting = job is not None and job.active
    polled(_space, POLL if waiting else None, scene, view)


def _space(scene: Scene, view: Mapping[str, np.ndarray]) -> None:
    reading = (
        "Each point is an image as the network sees it after its last layer: filled is real (test), hollow is "
        "synthetic. Ellipses are Gaussians of each class: the stored one is what the method keeps."
    )
    with framed("features", "Do dreams live where reality does?", reading):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            method = st.segmented_control(
                "Projection", projections.METHODS, default="PCA", required=True, key=state.choice("projection"),
                help="PCA: most of the variance. LDA: the plane that best separates the classes. UMAP: neighbourhoods, "
                "bent into the plane; it takes half a minute, once.",
            )  # fmt: skip
            shown = st.pills(
                "Features", ["real", "target", "synthetic"], default=["real", "synthetic"],
                selection_mode="multi", key=state.choice("features-shown"),
                help="Targets are what the newest inversion aimed at; they are features of its network alone.",
            )  # fmt: skip
            ellipses = st.pills(
                "Gaussian that is", list(charts.ELLIPSES), default=["stored"],
                selection_mode="multi", key=state.choice("ellipses-shown"),
                help="Stored: what the method keeps of each class. The others are fitted to the points of that kind.",
            )  # fmt: skip
        projection = _projection(method or "PCA", view)
        if projection is None and method == "UMAP":
            _ask_for_umap(view)
            method, projection = "PCA", projections.pca(view)
        if projection is None:
            return
        highlight = scene.chips if by_webgl(scene) else NOBODY
        what = method or "PCA", tuple(shown), tuple(ellipses), tuple(scene.names), highlight, ink(), on_a_phone()
        figure = _figure(projections.umap_key(view), *what, projection, view)
        alt = "Real and synthetic features in two dimensions"
        if on_a_phone():
            plot(figure, key="features", alt=alt)
        else:
            pick = functools.partial(_pick, scene.node.id)
            plot(figure, config=SELECTABLE, key=SPACE, on_select=pick, alt=alt)
        st.html(markup.key([sign for of, sign in SIGNS if of in (*shown, *(f"{name} ellipses" for name in ellipses))]))
        st.caption(projection.note)
        if "target" in shown and not len(projection.targets):
            st.caption("There are no targets to show here: look right after an inversion, by PCA or LDA.")
        picked = state.picked(scene.node.id).within(view)
        if not on_a_phone():
            chosen.panel(scene, view, picked)
            release("panel-features", state.times_let_go())
    if picked.classes(view) != scene.points.classes(view):
        _stress_at_once(scene, picked)
        time.sleep(PAINT)  # the chosen images first
        st.rerun()  # the other views are outside of this fragment


def _stress_at_once(scene: Scene, picked: Points) -> None:
    """The classes of the chosen points in all views, by style, until the page is drawn again."""
    everything = range(scene.node.classes_seen)
    now = replace(scene, points=picked).with_chips(scene.chips)
    st.html(f"<style>{stress.style(now.stressed or everything, everything)}</style>")


def by_webgl(scene: Scene) -> bool:
    """Whether there are so many points that WebGL draws them."""
    view = library.look(scene.tree.store, scene.node.id).group("view")
    return charts.by_webgl(view["real_labels"], view.get("synthetic_labels", NONE))


def _pick(node_id: str, key: str) -> None:
    """Keep what was chosen: Plotly forgets it when its figure changes. The picture before has a choice of its own."""
    state.pick(node_id, from_selection(state.kept(key).selection.points))
    state.forget_before(SPACE)


def _projection(method: str, view: Mapping[str, np.ndarray]) -> Projection | None:
    """The picture, or None when there is none: a UMAP that is not drawn yet, an LDA that cannot be (which is said)."""
    if method == "PCA":
        return projections.pca(view)
    if method == "LDA":
        try:
            return _lda(projections.umap_key(view), view)
        except ValueError as error:
            st.info(str(error))
            return None
    return projections.stored_umap(view, [library.own_store().files, library.example_store().files])


@st.cache_resource(max_entries=16, show_spinner=False)  # it is read only: a point that is chosen does not change it
def _figure(
    key: str,
    method: str,
    shown: tuple[str, ...],
    ellipses: tuple[str, ...],
    names: tuple[str, ...],
    chips: frozenset[int],
    paint: Ink,
    phone: bool,
    _projection: Projection,
    _view: Mapping[str, np.ndarray],
) -> Figure:
    return charts.scatter(
        _projection,
        _view["real_labels"],
        _view.get("synthetic_labels", NONE),
        names,
        paint,
        chips,
        real="real" in shown,
        synthetic="synthetic" in shown,
        ellipses=ellipses,
        movable=not phone,
        target_labels=_view.get("target_labels") if "target" in shown else None,
        height=HEIGHT,
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _lda(key: str, _view: Mapping[str, np.ndarray]) -> Projection:
    return projections.lda(_view)


def _ask_for_umap(view: Mapping[str, np.ndarray]) -> None:
    job = REGISTRY.get(actions.umap_job_id(view))
    if job is not None and job.active:
        ahead = REGISTRY.ahead(job)
        words = "Waiting for the run that computes" if ahead else "Drawing the UMAP picture: about half a minute"
        events = job.mailbox.read()
        st.progress(events[-1].fraction if events else 0.0, text=f"{words}. Until then, this is PCA.")
        st.button("Cancel", on_click=actions.cancel, args=(job,), key="cancel-umap")
        return
    if job is not None and job.state == "failed":
        st.error(job.message)
    st.markdown("UMAP is drawn when you ask for it, and then kept. Until then, this is PCA:")
    if st.button("Draw the UMAP picture · about half a minute", key="draw-umap"):
        actions.draw_umap(view)
        st.rerun()


def alignment(scene: Scene) -> None:
    """How far the synthetic features of each class are from the real ones."""
    rows = scene.record.get("alignment", [])
    reading = (
        "Fréchet distance between the synthetic and the real features of a class; the tick is the floor that two real "
        "sets of these sizes give. Cosine: do the two means point the same way?"
    )
    with framed("alignment", "How far off is each class?", reading, stretch=False):
        if not rows:
            st.markdown("There is nothing to compare at this moment.")
            return
        form = st.segmented_control(
            "As", ["table", "chart"], default="table", required=True, key=state.choice("alignment-as"),
            label_visibility="collapsed",
        )  # fmt: skip
        if form == "chart":
            names = [scene.node.class_names[row["class"]] for row in rows]
            strength = [scene.strength(row["class"]) for row in rows]
            figure = charts.alignment(rows, names, scene.ink, strength)
            plot(figure, key="alignment", alt="Distance, cosine and coverage of each class")
            st.caption(
                "Coverage: the share of real images with a synthetic one among their nearest neighbours. Distance is "
                "good when it is near its tick, cosine and coverage when they are near 1."
            )
            return
        largest = max([row["frechet"] for row in rows] + [row["floor"] or 0.0 for row in rows])
        cells = []
        for row in rows:
            c, floor, cosine = row["class"], row["floor"], row["cosine"]
            cells.append(
                [
                    f"{markup.mark(c)}&nbsp;{escape(scene.node.class_names[c])}",
                    markup.bar(row["frechet"], floor, largest, colour(c)),
                    markup.number(row["frechet"]),
                    "–" if floor is None else markup.number(floor),
                    "–" if cosine is None else f"{cosine:.2f}",
                ]
            )
        st.html(
            markup.table(
                ["Class", "Distance", "", "Floor", "Cosine"],
                cells,
                (2, 3, 4),
                [row["class"] for row in rows],
            )
        )
