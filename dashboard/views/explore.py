"""The page: where am I, what do I do next, what happened."""

import time
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cl_core.store import StoreError
from dashboard import imports, library, state
from dashboard.job import FOR_PEOPLE, REGISTRY, Job
from dashboard.views import (
    drift,
    elsewhere,
    features,
    film,
    header,
    images,
    kept,
    live,
    memory,
    next_step,
    path,
    race,
    tasks,
    zero_shot,
)
from dashboard.views.polling import polled
from dashboard.views.scene import PAINT, Scene, ink

STYLE = Path(__file__).parent.parent / "style.css"


def page(ab: st.Page) -> None:
    """Draw the page. ab: where two pinned moments are beside each other.

    What is computed is in jobs; what is shown comes from the stores.

    Places are laid out first, and filled in the order in which a person wants to see them: the first time the browser
    needs a while for its first chart, so that chart is sent early; later, a click is answered by the moment that it
    leads to, before the browser is busy with all the charts of it.
    """
    st.html(STYLE)
    left, right = st.columns([1, 1.05], vertical_alignment="bottom", gap="medium")
    with left:
        header.title()
        lede = st.container()
    notices, where = st.container(), st.container()
    job, busy = _job()
    scene = _scene()
    state.settings(None)  # so that what is wrong with the address is told at once
    now, happened, below = _places(scene)
    first_row_only = bool(scene and scene.node.tasks_learned) and not state.again("drawn")
    try:
        if scene and first_row_only:
            time.sleep(PAINT)  # the heading first
            with happened:
                _first_row(scene)
        with right:
            header.bar(scene, busy, whole=not first_row_only)
        if scene:
            with where:
                tasks.cards(scene)
                path.strip(scene, ab)
        if not scene or scene.tree.is_example:  # whoever has an experiment knows it, and wants to see that
            with lede:
                header.lede()
        with where:
            elsewhere.line()
        with now:
            live.panel(job, scene, busy)
            if scene and not busy:
                next_step.panel(scene)
        if scene and not scene.node.tasks_learned:
            with happened:
                zero_shot.panel(scene)
        if scene and scene.node.tasks_learned:
            with happened:
                if first_row_only:
                    polled(_the_rest, 1.0)
                else:
                    time.sleep(PAINT)
                    with _first_row(scene):
                        memory.matrix(scene)
                    images.sheets(scene)
                    with below:
                        _rest_of_what_happened(scene)
                    imports.ahead()
    except FOR_PEOPLE as error:  # something on disk is damaged: the sentence says what
        st.error(str(error), icon=":material/error:")
    if trouble := library.trouble():
        notices.warning(state.plain(trouble), icon=":material/save:")
    for sentence in state.notices(more_to_come=first_row_only):
        notices.warning(sentence, icon=":material/info:")


def _places(scene: Scene | None) -> tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator]:
    """Where the next step, the first charts and the others go: what is steered is beside what it leads to.

    That depends on the moment alone, not on what runs, so that a chart stays where it is when a run begins.
    """
    if scene and scene.node.tasks_learned and next_step.verb(scene):
        with st.container(key="steering"):
            now, happened = st.columns([1, 2.6], gap="medium")
        return now, happened, st.container()
    now, happened = st.container(), st.container()
    return now, happened, happened


def _first_row(scene: Scene) -> DeltaGenerator:
    """The chips and the first chart. Returns the place beside it."""
    tasks.chips(scene, lambda: _is_drawn_anew(scene))
    left, right = st.columns([1.35, 1])
    with left:
        memory.curves(scene)
    return right


def _is_drawn_anew(scene: Scene) -> bool:
    """Whether a picture shows the classes that are stressed by more than its style."""
    by_class, as_chart = state.chosen("matrix-of", "") == "classes", state.chosen("alignment-as", "") == "chart"
    return by_class or as_chart or not film.has_room_for_all(scene) or features.by_webgl(scene)


def _rest_of_what_happened(scene: Scene) -> None:
    left, right = st.columns([1.7, 1])
    with left:
        features.space(scene)
    with right:
        features.alignment(scene)
        kept.panel(scene)
    drift.panel(scene)
    film.panel(scene)
    race.panel(scene)
    memory.while_learning(scene)


def _the_rest() -> None:
    """Called with the page, and again by the browser's clock: the first chart must not wait for the others."""
    if state.again("asked for the rest"):
        st.rerun()


def _scene() -> Scene | None:
    """What the address asks for, or else the example. What cannot be found is told."""
    asked = state.selected()
    try:
        node_id = asked or library.example().main
        tree = library.find(node_id)
    except StoreError as error:
        state.tell(str(error))
        if asked is None:
            return None
        state.select(None)
        return _scene()
    node = tree.nodes[node_id]
    if asked is not None:
        state.suit(node)
    split = state.chosen("split", "validation")
    points = state.picked(node_id)
    if points:
        points = points.within(library.look(tree.store, node_id).group("view"))
    scene = Scene(tree, node, split, frozenset(), ink(), points=points)
    return scene.with_chips(state.chosen("classes", []))


def _job() -> tuple[Job | None, bool]:
    """The job that the address names, with what it has made so far moved on to, and whether it is to be polled.

    That is asked once, before its results, so that one drawing of the page tells one story: a job that ends while the
    page is drawn is found to be over by the next poll, with all that it has made.
    """
    name = state.run_id()
    job = REGISTRY.get(name) if name else None
    if name and job is None:
        state.tell("The run in the address is over, or it belongs to a program that has been restarted.")
        state.follow(None)
    busy = job is not None and live.move_on(job)
    return (job, busy) if state.run_id() else (None, False)
