"""The tree of snapshots, drawn as what it is: tasks in a row, branches below each other. A click goes there."""

import streamlit as st

from dashboard import branches, forms, library, markup
from dashboard.branches import Branch
from dashboard.views import actions, branch, pins
from dashboard.views.scene import Scene


def strip(scene: Scene, ab: st.Page) -> None:
    """Every step that was taken. The chosen one is filled; the page shows the moment after it."""
    drawn = branches.branches(scene.tree, library.example().main if scene.tree.is_example else None)
    with st.container(key="path", gap=None):
        columns = 1 + max(at for one in drawn for at in one.columns)
        places = "".join(_places(number, one, drawn) for number, one in enumerate(drawn))
        st.html(f"<style>.st-key-path{{--il-columns:{columns};}}{places}</style>")
        st.html(markup.tree_head(branches.headings(drawn)))
        for number, one in enumerate(drawn):
            _line(scene, one, number)
    _tools(scene, branches.of(drawn, scene.node.id), ab)


def _line(scene: Scene, one: Branch, number: int) -> None:
    said = branch.said(scene.tree.store, one)
    with st.container(key=f"path-branch-{number}", gap=None):
        told = _differs(one)
        if number or said.name:
            st.html(markup.branch_label(said.name, told, first=not number))
        with st.container(horizontal=True, gap=None, vertical_alignment="center", key=f"path-row-{number}"):
            for step in one.steps:
                here = step.id == scene.node.id
                st.button(
                    _label(step.verb, step.tasks_learned),
                    key=f"go-{step.id}",
                    type="primary" if here else "secondary",
                    on_click=actions.go_to,
                    args=(step.id,),
                    help=_help(step.verb, step.record.get("seconds", {}).get("total")),
                )


def _tools(scene: Scene, here: Branch, ab: st.Page) -> None:
    """One step back; what the branch is called, what was noted of it, and a way to delete."""
    parent = scene.node.parent
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="path-tools"):
        st.button(
            "Undo",
            icon=":material/undo:",
            key="undo",
            disabled=parent is None,
            on_click=actions.go_to,
            args=(parent,),
            shortcut="Alt+U",
            help="Go to the moment before this step. The step itself stays in the tree.",
        )
        pins.buttons(scene, ab)
        if not scene.tree.is_example:
            branch.popover(scene, here)
            said = branch.said(scene.tree.store, here)
            if said.note:
                st.html(markup.note(said.note), width="stretch")


def _places(number: int, one: Branch, drawn: list[Branch]) -> str:
    """Where a line's steps are, and the line from where it leaves, as style."""
    style, before = "", one.columns[0] - 1
    if one.origin is not None:
        row, before = one.origin
        style += (
            f".st-key-path-branch-{number}{{--il-from:{before};--il-to:{one.columns[0]};--il-up:{number - row};}}"
            f".st-key-path-branch-{number}::before{{content:'';}}"
        )
        before = one.columns[0] - 1
        style += f".st-key-path-branch-{number}{{--il-at:{one.columns[0]};}}"
    for step, at in zip(one.steps, one.columns, strict=True):
        style += f".st-key-go-{step.id}{{--il-skipped:{at - before - 1};}}"
        before = at
    return style


def _label(verb: str, tasks_learned: int) -> str:
    """Filled: learned from real images; hollow: synthetic ones were made."""
    if verb == "start":
        return "Start"
    return f"● Learn {tasks_learned}" if verb == "learn" else f"○ Invert {tasks_learned}"


def _help(verb: str, seconds: float | None) -> str:
    if verb == "start":
        return "Nothing is learned yet."
    return f"The moment after this step{f', which took {seconds:.1f} s' if seconds else ''}."


def _differs(one: Branch) -> str:
    """What sets a branch apart, in words."""
    words = [_told(*row) for row in one.differs[:2]]
    more = len(one.differs) - 2
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def _told(section: str, field: str, value: object) -> str:
    if field == "strategy":
        return forms.in_words(value)
    return f"{forms.spec(section, field).metadata['label'].lower()} {forms.in_words(value)}"
