"""The tree as it is drawn, names and notes, deleting, and the list of experiments."""

import dataclasses
import json
from collections.abc import Callable

import fake_core
import pytest
from test_app import button, labels, open_page, texts, until

from cl_core.config import Config
from cl_core.snapshot import Snapshot
from cl_core.store import Store, StoreError
from dashboard import branches, library, notes
from dashboard.library import Tree
from dashboard.notes import Note

MARKS = "<b>x</b> **bold** $y$ [a](b)"


@pytest.fixture
def grow(store, make_snapshot) -> Callable[..., Tree]:
    """Makes a tree of (name, parent's name, verb, tasks learned, settings of learning), in that order of age."""

    def make(*steps: tuple[str, str | None, str, int, dict]) -> Tree:
        nodes: dict[str, Snapshot] = {}
        for name, parent, verb, tasks, settings in steps:
            config = Config().override({"learn": settings})
            nodes[name] = dataclasses.replace(
                make_snapshot(name, parent), verb=verb, tasks_learned=tasks, config=config
            )
        return Tree(store, nodes, False)

    return make


@pytest.fixture
def tree(grow) -> Tree:
    """Root, learn, invert, learn; beside: another first learn without inversion; the last learn twice more."""
    return grow(
        ("a0", None, "start", 0, {}),
        ("b1", "a0", "learn", 1, {}),
        ("b2", "b1", "invert", 1, {}),
        ("b3", "b2", "learn", 2, {}),
        ("c1", "a0", "learn", 1, {"strategy": "finetune", "epochs": 3}),
        ("c3", "c1", "learn", 2, {"strategy": "finetune"}),
        ("d3", "b2", "learn", 2, {"epochs": 7}),
        ("e3", "b2", "learn", 2, {"epochs": 9}),
    )


def drawn(tree: Tree, main: str | None = None) -> list[str]:
    return [" ".join(step.id for step in branch.steps) for branch in branches.branches(tree, main)]


def test_branches_are_below_each_other_the_closest_origin_first(tree):
    assert drawn(tree) == ["a0 b1 b2 b3", "d3", "e3", "c1 c3"]


def test_a_main_line_can_be_asked_for(tree):
    assert drawn(tree, "e3") == ["a0 b1 b2 e3", "b3", "d3", "c1 c3"]


def test_equal_moments_share_a_column(tree):
    first, second, _, last = branches.branches(tree)
    assert first.columns == (0, 1, 2, 3)
    assert (second.columns, second.origin) == ((3,), (0, 2))
    assert (last.columns, last.origin) == ((1, 3), (0, 0))
    assert branches.headings(branches.branches(tree)) == [(1, 1), (2, 3)]


def test_an_inversion_repeated_has_a_column_of_its_own(grow):
    tree = grow(("a0", None, "start", 0, {}), ("b1", "a0", "learn", 1, {}), ("b2", "b1", "invert", 1, {}),
                ("b3", "b2", "invert", 1, {}), ("b4", "b3", "learn", 2, {}))  # fmt: skip
    assert branches.branches(tree)[0].columns == (0, 1, 2, 3, 4)


def test_what_sets_a_branch_apart_is_its_first_step_s_settings_strategy_first(tree):
    *_, last = branches.branches(tree)
    assert last.differs == (("learn", "strategy", "finetune"), ("learn", "epochs", 3))
    assert branches.branches(tree)[1].differs == (("learn", "epochs", 7),)


def test_a_note_is_kept_beside_the_steps_and_cleaned(store, make_snapshot):
    assert notes.read(store, "a0") == Note()
    notes.write(store, "a0", Note(f"  {MARKS} ", "x" * 9999))
    assert notes.read(store, "a0") == Note(MARKS, "x" * notes.NOTE)
    assert store.ids() == []
    notes.write(store, "a0", Note(" "))
    assert not list((store.path / "notes").iterdir())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 3, "note": ""}', "\udcff"])
def test_a_damaged_note_is_a_sentence(store, text):
    (store.path / "notes").mkdir(parents=True)
    (store.path / "notes" / "a0.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(StoreError, match=r"a0.json.*damaged"):
        notes.read(store, "a0")


def test_deleting_takes_the_notes_too(lab):
    path = fake_core.grown("pmi", lab, 3)
    for step in path:
        notes.write(lab, step.id, Note("named"))
    library.delete(lab, path[2].id)
    assert lab.ids() == [step.id for step in path[:2]]
    assert len(list((lab.path / "notes").iterdir())) == 2


def test_undo_goes_to_the_parent_and_stops_at_the_start(lab):
    path = fake_core.grown("pmi", lab, 2)
    page = open_page(node=path[-1].id).run()
    button(page, "Undo").click().run()
    assert page.query_params["node"] in (path[1].id, [path[1].id])
    button(page, "Undo").click().run()
    assert button(page, "Undo").disabled
    assert "● Learn 1" in labels(page)  # the steps are still there


def test_names_and_notes_are_shown_as_they_were_written(lab):
    path = fake_core.grown("pmi", lab, 1)
    page = open_page(node=path[-1].id).run()
    page.text_input(key=f"w.name.{path[0].id}").set_value(MARKS).run()
    page.text_area(key=f"w.note.{path[0].id}").set_value("<script>alert(1)</script>").run()
    assert not page.exception
    assert json.loads((lab.path / "notes" / f"{path[0].id}.json").read_text())["name"] == MARKS
    assert "&lt;b&gt;x&lt;/b&gt; **bold**" in texts(page)
    assert "<script>" not in texts(page)
    assert any(option.startswith(MARKS) for option in page.selectbox(key="w.experiment").options)


def test_a_branch_is_deleted_after_a_second_question(lab):
    path = fake_core.grown("pmi", lab, 3)
    page = open_page(node=path[2].id).run()
    button(page, "Delete this step and the 1 after it").click().run()
    assert "2 steps in 1 branch" in texts(page)
    assert len(lab.ids()) == 4
    page.button(key="delete-now").click().run()
    assert not page.exception
    assert lab.ids() == [step.id for step in path[:2]]
    assert page.query_params["node"] in (path[1].id, [path[1].id])


def test_nothing_is_deleted_while_something_runs(lab):
    root = fake_core.grown("pmi", lab, 0)[0]
    page = open_page(node=root.id).run()
    fake_core.behaviour.pause = 0.05
    button(page, "Learn task 1").click().run()
    button(page, "Delete this experiment").click().run()
    page.button(key="delete-now").click().run()
    assert "Something is running" in page.warning[0].value
    assert root.id in lab
    fake_core.behaviour.pause = 0.0
    until(page, "Invert after task 1")


def test_the_list_of_experiments_names_counts_and_opens_them(lab):
    path = fake_core.grown("pmi", lab, 3)
    page = open_page().run()
    page.button(key="experiments").click().run()
    assert "2 of 5 tasks learned · 3 steps in 1 branch" in texts(page)
    page.button(key=f"open-{path[0].id}").click().run()
    assert page.query_params["node"] in (path[-1].id, [path[-1].id])


def test_experiments_that_are_the_same_in_words_are_told_apart(lab):
    fake_core.grown("pmi", lab, 0)
    other = fake_core.start(Config().override(fake_core.TINY | {"network": {"width": 8}}))
    lab.save(other)
    page = open_page(node=other.id).run()
    options = page.selectbox(key="w.experiment").options
    assert len(set(options)) == len(options) == 3
    assert page.query_params["node"] in (other.id, [other.id])


def test_a_step_taken_before_appears_at_once(lab: Store):
    path = fake_core.grown("pmi", lab, 2)
    page = open_page().run()
    page.selectbox(key="w.experiment").select(path[0].id).run()  # with the settings it was made with
    button(page, "Start").click().run()
    fake_core.behaviour.fail_at = "learn"  # it must not be computed
    button(page, "Learn task 1").click().run()
    until(page, "Invert after task 1")
    assert page.query_params["node"] in (path[1].id, [path[1].id])
    assert not page.error
