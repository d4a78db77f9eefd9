"""The trial of many sessions finds what it is there to find. The browser itself is not run."""

import asyncio
import dataclasses
import random
from typing import Any

import fake_core
import pytest

from cl_core.config import Config
from cl_core.snapshot import Snapshot
from cl_core.store import Store
from dashboard import soak, visitor
from dashboard.visitor import Visitor


@pytest.fixture
def one() -> Visitor:
    return Visitor(0, random.Random(0), seed=100)


def steps(one: Visitor, store: Store, shares: list[float]) -> list[Snapshot]:
    """An experiment of a session; the last of its two steps has such accuracies."""
    config = Config().override({"machine": {"seed": one.seed}, "invert": {"images_per_class": one.images}})
    root, leaf = fake_core.grown("pmi", store, 1)[:2]
    record = dict(leaf.record) | {"accuracy": {"validation": [shares]}}
    mine = f"{one.number}{root.id}"[:12]
    made = [
        dataclasses.replace(root, id=mine, config=config),
        dataclasses.replace(leaf, id=f"{mine}f", parent=mine, config=config, record=record),
    ]
    for step in made:
        store.save(step)
    return made


def seen(address: Snapshot, chosen: Snapshot, *numbers: str) -> dict[str, Any]:
    return {"address": address.id, "chosen": chosen.id, "numbers": list(numbers)}


def test_a_session_that_sees_its_own_has_no_fault(one, lab):
    root, leaf = steps(one, lab, [0.5, 0.25])
    assert visitor._wrong(one, seen(leaf, leaf, "50\u202f%", "25\u202f%"), lab) is None
    assert visitor._wrong(one, seen(root, root), lab) is None
    assert "the path shows" in str(visitor._wrong(one, seen(root, leaf, "50\u202f%", "25\u202f%"), lab))
    assert "the store has" in str(visitor._wrong(one, seen(leaf, leaf), lab))
    assert not one.faults  # so far, it may be a change under way


def test_what_belongs_to_another_is_a_fault_at_once(one, lab):
    other = Visitor(1, random.Random(1), seed=200)
    leaf, theirs = steps(one, lab, [0.5])[1], steps(other, lab, [0.75])[1]
    visitor._wrong(one, seen(leaf, leaf, "75\u202f%"), lab)
    assert "the numbers of another: seed 200" in one.faults[0]
    visitor._wrong(one, seen(theirs, theirs, "75\u202f%"), lab)
    assert "its address is a step of another: seed 200" in one.faults[1]
    assert "its chosen is a step of another" in one.faults[2]


class Page:
    """A page that answers what it is asked from a list; presses are counted."""

    def __init__(self, answers: dict[str, list[bool]]) -> None:
        self.answers, self.pressed = answers, 0

    async def evaluate(self, question: str, told: object = None) -> bool:
        left = self.answers[question]
        return left.pop(0) if len(left) > 1 else left[0]

    async def press(self) -> None:
        self.pressed += 1


@pytest.mark.parametrize(
    ("answers", "idle", "pressed", "again", "faults"),
    [
        ([False, True], [True], 1, 0, 0),  # late
        ([False, False, True], [True], 2, 1, 0),  # lost, then heard
        ([False, False, False, True], [False, True], 2, 1, 0),  # not pressed again while the page is at work
        ([False], [True], 3, 3, 1),  # never heard
    ],
)
def test_a_click_without_an_answer_is_made_again_and_counted(one, monkeypatch, answers, idle, pressed, again, faults):
    monkeypatch.setattr(visitor, "AGAIN", 0.05)
    page = Page({"answered": answers, visitor.IDLE: idle})
    asyncio.run(visitor._press(one, page, "a run", page.press, "answered"))
    assert page.pressed == pressed
    assert one.again["a run"] == again
    assert len(one.faults) == faults
    one.done["a step, until it is shown"] += 1
    assert len(soak.Told([one], 1.0, 0, []).faults) == faults


def test_too_much_memory_an_error_in_the_log_and_a_session_that_got_nowhere_are_faults(one):
    told = soak.Told([one], 1.0, 5 * 2**30, ["The server's log: Traceback"])
    assert len(told.faults) == 3
    assert "5.00 GiB" in soak.table(told)
