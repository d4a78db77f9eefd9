"""Two snapshots beside each other: equal moments of both branches, where they part, what differs, other seeds.

No Streamlit, no torch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cl_core import strategies
from cl_core.config import differences
from cl_core.snapshot import Snapshot
from dashboard import library
from dashboard.library import Tree

FIXED = ("stream", "network", "machine")  # what belongs to an experiment
Path = Sequence[Snapshot]  # from a root on


@dataclass(frozen=True)
class Side:
    """One of the two: a pinned snapshot in its tree."""

    tree: Tree
    pinned: Snapshot

    @property
    def path(self) -> list[Snapshot]:
        return self.tree.path(self.pinned.id)

    def at(self, tasks: int) -> Snapshot:
        """The last step of the branch, up to the pin, with at most so many tasks learned."""
        return [step for step in self.path if step.tasks_learned <= tasks][-1]


@dataclass(frozen=True)
class Pair:
    """A and B."""

    a: Side
    b: Side

    @property
    def moments(self) -> int:
        """How many tasks the longer branch has learned: the moments to look at are 1 … that."""
        return max(self.a.pinned.tasks_learned, self.b.pinned.tasks_learned)

    @property
    def same_stream(self) -> bool:
        """Whether task by task both bring the same classes of the same data."""
        a, b = self.a.pinned, self.b.pinned
        same = a.class_names == b.class_names and a.task_sizes == b.task_sizes
        return same and a.config.stream.data == b.config.stream.data

    @property
    def same_seed(self) -> bool:
        return self.a.pinned.config.machine.seed == self.b.pinned.config.machine.seed


def common(a: Path, b: Path) -> Snapshot | None:
    """The nearest step that both paths have and that has learned something; None when there is none."""
    here = {step.id for step in b}
    return next((step for step in reversed(a) if step.id in here and step.tasks_learned), None)


def network_of(path: Path) -> Snapshot | None:
    """The step whose network a snapshot has: the last that learned. Inversion leaves the network as it is."""
    return next((step for step in reversed(path) if step.verb == "learn"), None)


def seconds(path: Path) -> float:
    """What a branch took to compute, from its root on."""
    return float(sum(step.record.get("seconds", {}).get("total", 0.0) for step in path))


# What differs.


@dataclass(frozen=True)
class Difference:
    """A setting that A and B have differently. tasks: after how many; () where it belongs to the experiment."""

    section: str
    field: str
    a: Any
    b: Any
    tasks: tuple[int, ...]


def settings(a: Path, b: Path) -> list[Difference]:
    """The settings in which two branches differ, steps that both have: each step with what its verb makes use of."""
    rows = differences(a[0].config, b[0].config)
    found = [Difference(*row, tasks=()) for row in rows if row[0] in FIXED]
    steps = {(step.tasks_learned, step.verb): step for step in b if step.verb != "start"}
    apart: dict[tuple[str, str, Any, Any], list[int]] = {}
    for step in {(step.tasks_learned, step.verb): step for step in a if step.verb != "start"}.values():
        other = steps.get((step.tasks_learned, step.verb))
        if other is not None and other.id != step.id:
            for row in differences(step.config, other.config):
                if row[0] == step.verb:
                    apart.setdefault(row, []).append(step.tasks_learned)
    rows_apart = [Difference(*row, tasks=tuple(tasks)) for row, tasks in apart.items()]
    return found + sorted(rows_apart, key=lambda row: row.field != "strategy")


def only(a: Path, b: Path) -> list[Snapshot]:
    """The steps of A that B has no counterpart of."""
    there = {(step.tasks_learned, step.verb) for step in b}
    return [step for step in a if (step.tasks_learned, step.verb) not in there]


def next_settings(path: Path) -> Any:
    """The config that a branch would go on with: what it last learned and inverted with."""
    config = path[-1].config
    for verb in ("learn", "invert"):
        last = next((step for step in reversed(path) if step.verb == verb), path[-1])
        config = config.override({verb: last.config.to_dict()[verb]})
    return config


# Other seeds.


def runs(path: Path, trees: Iterable[Tree]) -> dict[int, list[Snapshot]]:
    """seed → path of the same steps with the same settings but the seed, in these trees; the path itself among them."""
    found: dict[int, list[Snapshot]] = {}
    for tree in trees:
        root = next(step for step in tree.nodes.values() if step.parent is None)
        same = _but_seed(root) == _but_seed(path[0]) and root.task_sizes == path[0].task_sizes
        walked = _walk(tree, root, path) if same else None
        if walked is not None:
            found.setdefault(root.config.machine.seed, walked)
    return found | {path[0].config.machine.seed: list(path)}


def trees_like(path: Path) -> list[Tree]:
    """The person's own experiments that differ from a path's in their seed alone."""
    roots = [root for root in library.experiments() if _but_seed(root) == _but_seed(path[0])]
    return [library.find(root.id) for root in roots]


def _walk(tree: Tree, root: Snapshot, path: Path) -> list[Snapshot] | None:
    walked = [root]
    for step in path[1:]:
        same = [child for child in tree.children(walked[-1].id) if _asked(child) == _asked(step)]
        if not same:
            return None
        walked.append(same[0])
    return walked


def _asked(step: Snapshot) -> Any:
    """What a step was asked to do."""
    settings = step.config.to_dict()[step.verb]
    if step.verb == "learn" and strategies.get(step.config.learn.strategy).same_bytes:
        return step.verb, settings, step.config.invert.images_per_class  # the bytes it may keep depend on them
    return step.verb, settings


def _but_seed(root: Snapshot) -> Any:
    plain = root.config.to_dict()
    return {name: plain[name] for name in FIXED} | {"machine": plain["machine"] | {"seed": None}}
