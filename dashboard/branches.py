"""A tree of snapshots as it is drawn: branches below each other, equal moments below each other. Pure."""

from dataclasses import dataclass

from cl_core.config import differences
from cl_core.snapshot import Snapshot
from dashboard.library import Tree

Setting = tuple[str, str, object]  # section, field, value


@dataclass(frozen=True)
class Branch:
    """A line of steps. It is known by its first step; the first branch of a tree begins with the root.

    columns: where each step is drawn; origin: where it leaves, as (row, column), None for the first branch;
    differs: the settings of its first step that the step drawn further up, from the same parent, has not.
    """

    steps: tuple[Snapshot, ...]
    columns: tuple[int, ...]
    origin: tuple[int, int] | None = None
    differs: tuple[Setting, ...] = ()

    @property
    def first(self) -> Snapshot:
        return self.steps[0]


def branches(tree: Tree, main: str | None = None) -> list[Branch]:
    """The lines of a tree, in the order in which they are drawn, whichever snapshot one looks at.

    main: the end of the line to draw first; without it, the oldest child continues its parent's line. A branch that
    leaves further right is drawn closer, so that no line crosses a step.
    """
    column = _columns(tree)
    ahead = {step.id for step in tree.path(main)} if main in tree.nodes else set()
    drawn: list[Branch] = []
    places: dict[str, tuple[int, int]] = {}
    waiting: list[Snapshot] = [step for step in tree.nodes.values() if step.parent is None]
    while waiting:
        line = [waiting.pop()]
        aside: list[Snapshot] = []
        while children := sorted(tree.children(line[-1].id), key=lambda step: step.id not in ahead):
            aside += children[:0:-1]  # the oldest is taken from the end first
            line.append(children[0])
        waiting += aside
        columns = tuple(column[step.id] for step in line)
        first = line[0]
        origin = places[first.parent] if first.parent is not None else None
        places |= {step.id: (len(drawn), at) for step, at in zip(line, columns, strict=True)}
        drawn.append(Branch(tuple(line), columns, origin, _differs(tree, first, places)))
    return drawn


def of(drawn: list[Branch], node_id: str) -> Branch:
    """The branch that a snapshot is drawn on."""
    return next(branch for branch in drawn if any(step.id == node_id for step in branch.steps))


def headings(drawn: list[Branch]) -> list[tuple[int, int]]:
    """(task, first column) of each task that the tree has reached."""
    first: dict[int, int] = {}
    for branch in drawn:
        for step, at in zip(branch.steps, branch.columns, strict=True):
            if step.tasks_learned:
                first[step.tasks_learned] = min(at, first.get(step.tasks_learned, at))
    return sorted(first.items())


def _columns(tree: Tree) -> dict[str, int]:
    """Equal moments (the same task learned, or inverted) share a column; an inversion repeated has one more."""
    moments: dict[str, tuple[int, bool, int]] = {}
    for step in tree.nodes.values():  # parents come before children
        moment = (step.tasks_learned, step.verb == "invert", 0)
        before = moments.get(step.parent or "")
        if before is not None and before[:2] == moment[:2]:
            moment = (*moment[:2], before[2] + 1)
        moments[step.id] = moment
    order = {moment: i for i, moment in enumerate(sorted(set(moments.values())))}
    return {node_id: order[moment] for node_id, moment in moments.items()}


def _differs(tree: Tree, first: Snapshot, places: dict[str, tuple[int, int]]) -> tuple[Setting, ...]:
    """What sets a branch apart from the first step that was drawn from the same parent; the strategy comes first."""
    if first.parent is None:
        return ()
    beside = [step for step in tree.children(first.parent) if step.id != first.id and step.id in places]
    sibling = min(beside, key=lambda step: places[step.id])
    rows = differences(sibling.config, first.config)
    told = [(section, field, value) for section, field, _, value in rows if section == first.verb]
    return tuple(sorted(told, key=lambda row: row[1] != "strategy"))
