"""The page: where am I, what do I do next, what happened."""

from pathlib import Path

import streamlit as st

from cl_core.store import StoreError
from dashboard import library, state
from dashboard.job import FOR_PEOPLE, REGISTRY, Job
from dashboard.views import features, header, images, kept, layers, live, memory, next_step, path, tasks
from dashboard.views.scene import Scene, ink

STYLE = Path(__file__).parent.parent / "style.css"


def page() -> None:
    """Draw the page. What is computed is in jobs; what is shown comes from the stores."""
    st.html(STYLE)
    left, right = st.columns([1.25, 1], vertical_alignment="bottom", gap="medium")
    with left:
        header.title()
    job = _job()
    busy = job is not None and job.active  # asked once, so that one drawing of the page tells one story
    scene = _scene()
    state.settings(None)  # so that what is wrong with the address is told at once
    with right:
        header.bar(scene, busy)
    told = st.container()
    first_row_only = bool(scene and scene.node.tasks_learned) and not state.again("drawn")
    try:
        _panels(scene, job, busy, first_row_only)
    except FOR_PEOPLE as error:  # something on disk is damaged: the sentence says what
        st.error(str(error), icon=":material/error:")
    for sentence in state.notices(more_to_come=first_row_only):
        told.warning(sentence, icon=":material/info:")


def _panels(scene: Scene | None, job: Job | None, busy: bool, first_row_only: bool) -> None:
    """first_row_only: the first drawing of a session, in which the first chart must not wait for the others."""
    if scene is None:
        live.panel(job, None, busy)
        return
    tasks.cards(scene)
    path.strip(scene)
    with st.container():  # whatever is in it, what follows keeps its place, and so is not drawn anew
        live.panel(job, scene, busy)
        if not busy:
            next_step.panel(scene)
    with st.container():
        if scene.node.tasks_learned:
            _what_happened(scene, first_row_only)


def _what_happened(scene: Scene, first_row_only: bool) -> None:
    tasks.chips(scene)
    left, right = st.columns([1.35, 1])
    with left:
        memory.curves(scene)
    if first_row_only:
        st.fragment(run_every=0.2)(_the_rest)()
        return
    with right:
        memory.matrix(scene)
    images.sheets(scene)
    left, right = st.columns([1.7, 1])
    with left:
        features.space(scene)
    with right:
        features.alignment(scene)
        kept.panel(scene)
    layers.panel(scene)
    memory.while_learning(scene)


def _the_rest() -> None:
    """Called with the page, and again by the browser's clock, as soon as the browser has a moment."""
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
    split = state.chosen("split", "validation")
    stressed = frozenset(c for c in state.chosen("classes", []) if c < node.classes_seen)
    return Scene(tree, node, split, stressed, ink())


def _job() -> Job | None:
    """The job that the address names, with what it has made so far moved on to."""
    name = state.run_id()
    job = REGISTRY.get(name) if name else None
    if name and job is None:
        state.tell("The run in the address is over, or it belongs to a program that has been restarted.")
        state.follow(None)
    if job is not None:
        live.move_on(job)
    return job if job is not None and state.run_id() else None
