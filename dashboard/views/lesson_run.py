"""The runs of a lesson: how long they take, how to start them, and what they do meanwhile."""

import streamlit as st

from cl_core.snapshot import Snapshot
from dashboard import estimate, library, state
from dashboard.job import REGISTRY, Job
from dashboard.lessons import LESSONS, Arm, Lesson, runs
from dashboard.library import Tree
from dashboard.views import live
from dashboard.views.polling import polled
from dashboard.views.scene import Scene, ink

POLL = 0.5  # seconds
NOTHING = "none"  # predicted


def time_in_words(ahead: list[runs.Move]) -> str:
    """How long these steps will take here, in words that go on a button."""
    if not ahead:
        return " · it is there already"
    expected = runs.expected(ahead, library.experience())
    return "" if None in expected else f" · {estimate.in_words(sum(seconds or 0.0 for seconds in expected))}"


def start(lesson: Lesson, arms: list[Arm], predicted: bool) -> None:
    """Compute what is missing of these runs. predicted: the lesson's own, whose prediction is taken now."""
    if predicted:
        state.set_guess(state.chosen(f"guess-{lesson.key}", None) or state.guess() or NOTHING)
    trees = [library.find(root.id) for root in library.experiments()]
    paths = [(arm.title, runs.path(lesson, arm)) for arm in arms]
    ahead = runs.missing(trees, [path for _, path in paths])
    if ahead:
        store = library.own_store()
        expected = runs.expected(ahead, library.experience())
        title = f"Lesson {LESSONS.index(lesson) + 1}, {lesson.title}"
        job = REGISTRY.submit(title, lambda: runs.compute(paths, store, len(ahead)), expected=expected)
        state.watch(job.id)


def followed() -> Job | None:
    """The job that the address names. Once it is done, the page lets go of it; if it was stopped, when dismissed."""
    name = state.run_id()
    job = REGISTRY.get(name) if name else None
    if name and job is None:
        state.tell("The run in the address is over, or it belongs to a program that has been restarted.")
    if job is None or job.state == "done":
        state.watch(None)
        return None
    return job


def panel(job: Job | None, busy: bool) -> None:
    """What the run does, polled while it lasts."""
    polled(_poll, POLL if busy else None, None if job is None else job.id, busy)


def _poll(job_id: str | None, busy: bool) -> None:
    job = REGISTRY.get(job_id) if job_id else None
    if job is None:
        return
    if busy and not job.active:
        st.rerun()
    elif not job.active:
        live.ended(job)
    elif busy:
        with st.container(border=True, key="live"):
            st.caption(job.title)
            live.running(job, _scene_of(job))


def _scene_of(job: Job) -> Scene | None:
    """What the tasks and classes of a job are called, as soon as its root is there."""
    if not job.made:
        return None
    tree = library.find(job.made[-1])
    return scene_of(tree, tree.nodes[job.made[-1]])


def scene_of(tree: Tree, node: Snapshot) -> Scene:
    return Scene(tree, node, "test", frozenset(), ink())
