"""A branch by name: what a person calls it and notes of it, and deleting it after a second question."""

import streamlit as st

from cl_core.store import Store, StoreError
from dashboard import notes, state
from dashboard.branches import Branch
from dashboard.notes import Note
from dashboard.views import actions
from dashboard.views.door import come_in
from dashboard.views.scene import Scene


def said(store: Store, one: Branch) -> Note:
    """What a person said of a branch; a damaged note is told, and shown as none."""
    try:
        return notes.read(store, one.first.id)
    except StoreError as error:
        state.tell(str(error))
        return Note()


def popover(scene: Scene, one: Branch) -> None:
    """Name and note of the branch that one looks at, and the way to delete from here on."""
    whole = one.first.parent is None
    what = "experiment" if whole else "branch"
    known = said(scene.tree.store, one)
    with st.popover("Name, note, delete", icon=":material/edit_note:", key="branch-tools"):
        key = one.first.id
        st.text_input(
            f"Name of this {what}",
            **state.typed(f"name.{key}", known.name),
            max_chars=notes.NAME,
            on_change=state.heard(_write),
            args=(scene.tree.store, key),
        )
        st.text_area(
            "Note",
            **state.typed(f"note.{key}", known.note),
            max_chars=notes.NOTE,
            height=110,
            placeholder="What did you try, and what did you see?",
            on_change=state.heard(_write),
            args=(scene.tree.store, key),
        )
        st.caption("Kept beside the steps; no part of what is computed.")
        count = len(_below(scene))
        if st.button(_words(scene.node.parent is None, count), icon=":material/delete:", key="delete"):
            come_in(confirm, scene)


@st.dialog("Delete?")
def confirm(scene: Scene) -> None:
    """The second question; its button deletes and closes it."""
    below = _below(scene)
    ends = sum(not scene.tree.children(node_id) for node_id in below)
    if scene.node.parent is None:
        st.markdown(f"The whole experiment goes: {_steps(len(below) - 1)}, and its names and notes.")
    else:
        st.markdown(
            f"{_steps(len(below)).capitalize()} in {ends} branch{'es' if ends > 1 else ''}: this one and what grew "
            "from it. What came before, and the branches that leave there, stay."
        )
    st.markdown("It cannot be undone; the same settings compute the same steps again.")
    with st.container(horizontal=True):
        if st.button(
            "Delete", type="primary", key="delete-now", on_click=actions.delete, args=(scene.tree, scene.node)
        ):
            st.rerun()
        if st.button("Keep", key="delete-not"):
            st.rerun()


def _below(scene: Scene) -> list[str]:
    """The snapshot that one looks at and what grew from it."""
    found = [scene.node.id]
    for node_id in found:  # grows while it is walked
        found.extend(child.id for child in scene.tree.children(node_id))
    return found


def _words(whole: bool, count: int) -> str:
    if whole:
        return "Delete this experiment"
    return "Delete this step" + (f" and the {count - 1} after it" if count > 1 else "")


def _steps(count: int) -> str:
    return f"{count} step{'s' if count != 1 else ''}"


def _write(store: Store, key: str) -> None:
    note = Note(state.widget_value(f"name.{key}"), state.widget_value(f"note.{key}"))
    try:
        notes.write(store, key, note)
    except StoreError as error:
        state.tell(str(error))
