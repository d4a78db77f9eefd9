"""The tree of snapshots as rows of steps: the path one is on, then the other branches. A click goes there."""

import streamlit as st

from cl_core.config import differences
from cl_core.snapshot import Snapshot
from dashboard import forms
from dashboard.library import Tree
from dashboard.views import actions
from dashboard.views.scene import Scene


def strip(scene: Scene) -> None:
    """Every step that was taken. The chosen one is filled; the page shows the moment after it."""
    tree, node = scene.tree, scene.node
    main = tree.path(tree.farthest(node.id).id)
    drawn = {step.id for step in main}
    with st.container(key="path", gap="xsmall"):
        _row(scene, "", main, 0)
        for number, leaf in enumerate(tree.leaves(), 1):
            if leaf.id not in drawn:
                own = [step for step in tree.path(leaf.id) if step.id not in drawn]
                drawn |= {step.id for step in own}
                _row(scene, _origin(tree, own[0], main), own, number)


def _row(scene: Scene, origin: str, steps: list[Snapshot], number: int) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"path-row-{number}"):
        if origin:
            st.caption(origin, width="content")
        for step in steps:
            here = step.id == scene.node.id
            st.button(
                _label(step),
                key=f"go-{step.id}",
                type="primary" if here else "secondary",
                on_click=actions.go_to,
                args=(step.id,),
                help=_help(step),
            )


def _label(step: Snapshot) -> str:
    """Filled: learned from real images; hollow: synthetic ones were made."""
    if step.verb == "start":
        return "Start"
    return f"● Learn {step.tasks_learned}" if step.verb == "learn" else f"○ Invert {step.tasks_learned}"


def _help(step: Snapshot) -> str:
    if step.verb == "start":
        return "Nothing is learned yet."
    taken = step.record.get("seconds", {}).get("total")
    return f"The moment after this step{f', which took {taken:.1f} s' if taken else ''}."


def _origin(tree: Tree, first: Snapshot, main: list[Snapshot]) -> str:
    """Where a branch leaves, and the settings that make it another one than what was drawn first."""
    parent = tree.nodes[first.parent or ""]
    beside = [step for step in tree.children(parent.id) if step.id != first.id]
    sibling = next((step for step in beside if step in main), beside[0] if beside else first)
    rows = [row for row in differences(sibling.config, first.config) if row[0] == first.verb]
    rows.sort(key=lambda row: row[1] != "strategy")
    told = [_told(section, field, value) for section, field, _, value in rows[:2]]
    more = f" and {len(rows) - 2} more" if len(rows) > 2 else ""
    where = _label(parent).lstrip("●○ ")
    return f"↳ from {where}{': ' if told else ''}{', '.join(told)}{more}"


def _told(section: str, field: str, value: object) -> str:
    if field == "strategy":
        return forms.in_words(value)
    return f"{forms.spec(section, field).metadata['label'].lower()} {forms.in_words(value)}"
