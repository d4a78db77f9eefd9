"""Where am I: the stream as a row of cards, and the classes as chips."""

from collections.abc import Callable

import streamlit as st

from dashboard import markup, state, stress
from dashboard.palette import symbol_image
from dashboard.views.polling import polled
from dashboard.views.scene import Scene, thumbnails


def cards(scene: Scene) -> None:
    """A card a task: real images of its classes, accuracy now, and how it came to be. A click chooses its classes."""
    node, rows = scene.node, scene.accuracy()
    with st.container(key="cards"):
        for task in range(len(node.task_sizes)):
            classes, learned = scene.classes(task), task < node.tasks_learned
            names = tuple(node.class_names[c] for c in classes)
            few = 2 if len(classes) <= 4 else 1
            domain = scene.domains[task] if scene.domains else ""
            card = markup.TaskCard(
                number=task + 1,
                classes=classes,
                names=names,
                thumbnails=tuple(thumbnails(node.config.stream.data, name, few, domain) for name in names),
                history=tuple(row[task] for row in rows[task:]),
                status=_status(task, node.tasks_learned),
                domain=domain,
            )
            with st.container(key=f"card-{task + 1}"):
                st.html(markup.task_card(card))
                if learned and not scene.domains:  # there, each task has all the classes
                    words = f"Highlight task {task + 1}"
                    st.button(words, key=f"highlight-{task + 1}", on_click=_highlight, args=(classes,))


def _highlight(classes: tuple[int, ...]) -> None:
    """Choose the classes of a task, beside those that are chosen; or let them go when they all are."""
    before = set(state.chosen("classes", []))
    after = before - set(classes) if before >= set(classes) else before | set(classes)
    state.choose("classes", sorted(after))


def _status(task: int, learned: int) -> str:
    if task < learned:
        return "now" if task == learned - 1 else "learned"
    return "next" if task == learned else "later"


def chips(scene: Scene, again: Callable[[], bool]) -> None:
    """The classes seen so far: choosing some stresses them in every picture below.

    That is done by style, so that only this part of the page is drawn again. again: whether the whole page must be,
    because something on it is not a matter of style.
    """
    polled(_chips, None, scene, again)


def _chips(scene: Scene, again: Callable[[], bool]) -> None:
    with st.container(key="chips"):
        st.pills(
            "Highlight classes in all the pictures below",
            list(range(scene.node.classes_seen)),
            selection_mode="multi",
            format_func=lambda c: state.plain(scene.names[c]),
            key=state.choice("classes"),
        )
    now = scene.with_chips(state.chosen("classes", []))
    marks = "".join(
        f'.st-key-view-classes button:nth-of-type({c + 1})::before {{content:url("{symbol_image(c)}");}}'
        for c in range(scene.node.classes_seen)
    )
    st.html(f"<style>{marks}</style>")
    picked = () if scene.domains else now.stressed_tasks
    st.html(f"<style>{stress.style(now.stressed, range(scene.node.classes_seen))}{stress.cards(picked)}</style>")
    if now.chips != scene.chips and again():
        st.rerun()
