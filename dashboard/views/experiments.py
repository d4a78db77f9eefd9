"""All the experiments of this person: what each is, how far it got, opening and deleting it."""

import time
from collections import Counter
from collections.abc import Sequence

import streamlit as st

from cl_core.snapshot import Snapshot
from cl_core.store import StoreError
from dashboard import library, markup, notes, state
from dashboard.library import Tree
from dashboard.views import actions


def names(roots: Sequence[Snapshot]) -> dict[str, str]:
    """What each experiment is called: its name and what it is; told apart by number where that is the same. Plain text.

    roots: newest first.
    """
    called = {}
    for root in roots:
        title = library.title(root.config, len(root.class_names))
        name = _name(root)
        called[root.id] = f"{name} · {title}" if name else title
    count, seen = Counter(called.values()), Counter[str]()
    for root in reversed(roots):
        text = called[root.id]
        seen[text] += 1
        if count[text] > 1:
            called[root.id] = f"{text} · {seen[text]} of {count[text]}"
    return called


def _name(root: Snapshot) -> str:
    try:
        return notes.read(library.own_store(), root.id).name
    except StoreError:
        return ""  # told where its note is shown


@st.dialog("Your experiments", width="large")
def dialog(busy: bool) -> None:
    """A row each, newest first."""
    roots = library.experiments()
    called = names(roots)
    st.caption("Newest first. Opening one shows it where it got farthest, with the settings it was made with.")
    for root in roots:
        tree = library.find(root.id)
        with st.container(horizontal=True, vertical_alignment="center", key=f"experiment-{root.id}"):
            st.html(markup.experiment(called[root.id], _facts(tree, root), _note(root)), width="stretch")
            if st.button("Open", key=f"open-{root.id}", on_click=actions.open_experiment, args=(root.id,)):
                st.rerun()
            with st.popover("", icon=":material/delete:", disabled=busy, help="Delete this experiment"):
                st.markdown(f"All its {len(tree.nodes) - 1} steps go. The same settings compute them again.")
                st.button("Delete", key=f"delete-{root.id}", type="primary", on_click=actions.delete, args=(tree, root))
    if not roots:
        st.markdown("There is none yet: “New experiment” starts one.")


def _facts(tree: Tree, root: Snapshot) -> str:
    """How far it got, in words."""
    leaf = tree.farthest(root.id)
    ends = len(tree.leaves())
    words = [
        f"{leaf.tasks_learned} of {len(root.task_sizes)} tasks learned",
        f"{len(tree.nodes) - 1} steps in {ends} branch{'es' if ends > 1 else ''}",
    ]
    totals = leaf.record.get("total_accuracy", {}).get("validation", [])
    if totals:
        words.append(f"{markup.percent(totals[-1])} validation accuracy at its end")
    if (made := tree.store.made(root.id)) is not None:
        words.append(time.strftime("%-d %B %Y, %H:%M", time.localtime(made)))
    return " · ".join(words)


def _note(root: Snapshot) -> str:
    try:
        return notes.read(library.own_store(), root.id).note
    except StoreError as error:
        state.tell(str(error))
        return ""
