"""The runs of a lesson: which steps they take, which of them are there already, how long the others will take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cl_core import presets, strategies
from cl_core.config import Config
from cl_core.snapshot import Snapshot, freeze
from cl_core.store import Store
from dashboard import estimate, work
from dashboard.job import Made, Step
from dashboard.lessons.lesson import STREAM, Arm, Lesson
from dashboard.library import Tree


@dataclass(frozen=True)
class Move:
    """A step of a run: the verb, from how many tasks learned, with which settings, and what a person calls it."""

    verb: str
    tasks: int
    config: Config
    words: str

    @property
    def identity(self) -> tuple[str, Any]:
        """What tells it from other steps from the same snapshot."""
        return self.verb, getattr(self.config, self.verb)


Path = tuple[Move, ...]


def base(lesson: Lesson) -> Config:
    """The settings that all runs of a lesson share."""
    return presets.preset(lesson.preset).override(STREAM).override(lesson.stream)


def settings(lesson: Lesson, arm: Arm) -> Config:
    """The settings of a run."""
    return strategies.configure(base(lesson), arm.strategy).override(arm.overrides)


def with_value(lesson: Lesson, value: Any) -> Arm:
    """The run of the lesson with a value of one's own. Raises ConfigError when it is out of range."""
    on = next(arm for arm in lesson.arms if arm.name == lesson.tries_on)
    config = work.with_setting(settings(lesson, on), base(lesson), *lesson.tries, value)
    section, field = lesson.tries
    overrides = {part: dict(values) for part, values in on.overrides.items()}
    overrides.setdefault(section, {})[field] = getattr(getattr(config, section), field)
    strategy = config.learn.strategy
    overrides.get("learn", {}).pop("strategy", None)
    return Arm("yours", "Yours", strategy, overrides)


def same(lesson: Lesson, one: Arm, other: Arm) -> bool:
    """Whether two runs of a lesson are the same."""
    return path(lesson, one) == path(lesson, other)


def path(lesson: Lesson, arm: Arm) -> Path:
    """The steps from the root to where the lesson ends."""
    common, mine, moves = base(lesson), settings(lesson, arm), list[Move]()
    for verb, tasks in work.remaining(start(common), arm.strategy):
        shared = tasks == 0 and not lesson.from_first
        moves.append(Move(verb, tasks, common if shared else mine, work.words(verb, tasks)))
        if (verb, tasks + (verb == "learn")) == lesson.until:
            break
    return tuple(moves)


def start(config: Config) -> Snapshot:
    """What the root of a lesson will be, as far as it takes to plan: it may not be there yet."""
    sizes = (config.stream.increment,) * config.stream.tasks
    return Snapshot("", None, "start", 0, config, (), sizes, freeze({}), {})


def walk(trees: Iterable[Tree], moves: Path) -> tuple[Tree | None, list[Snapshot]]:
    """As much of a path as is there already, from the root on, in the tree that has most of it."""
    best: tuple[Tree | None, list[Snapshot]] = (None, [])
    for tree in trees:
        root = next(node for node in tree.nodes.values() if node.parent is None)
        if not _same_root(root.config, moves[0].config):
            continue
        found = [root]
        for move in moves:
            fits = [node for node in tree.children(found[-1].id) if _did(node) == move.identity]
            if not fits:
                break
            found.append(fits[-1])
        if len(found) > len(best[1]):
            best = tree, found
    return best


def _did(node: Snapshot) -> tuple[str, Any]:
    return node.verb, getattr(node.config, node.verb)


def _same_root(config: Config, wanted: Config) -> bool:
    return (config.stream, config.network, config.machine) == (wanted.stream, wanted.network, wanted.machine)


def missing(trees: Sequence[Tree], paths: Iterable[Path]) -> list[Move]:
    """The steps of these paths that are not there yet, each once, in the order in which they will be taken."""
    ahead, known = list[Move](), set[tuple[Any, ...]]()
    for moves in paths:
        done = len(walk(trees, moves)[1]) - 1
        for i, move in enumerate(moves):
            prefix = tuple(step.identity for step in moves[: i + 1])
            if i >= done and prefix not in known:
                ahead.append(move)
            known.add(prefix)
    return ahead


def expected(moves: Iterable[Move], known: Sequence[estimate.Steps]) -> list[float | None]:
    """Seconds of each of these steps."""
    return [estimate.plan(start(move.config), move.config, [(move.verb, move.tasks)], known)[0] for move in moves]


def compute(paths: Sequence[tuple[str, Path]], store: Store, of: int) -> work.Steps:
    """Take every step of these paths of a lesson that the store has not, path after path. Returns the last one's id.

    paths: (what the run is called, its steps); of: how many steps are expected to be new.
    """
    yield Step("Starting PyTorch", 0)
    from cl_core import experiment

    root = experiment.start(paths[0][1][0].config, store)
    store.save(root)
    node, number = root, 0
    for title, moves in paths:
        node = root
        for move in moves:
            if experiment.step_id(node, move.verb, move.config) not in store:
                number += 1
                yield Step(f"{title}: {move.words[0].lower()}{move.words[1:]}", number, max(of, number))
            node = yield from experiment.grow(node, move.verb, move.config, store)
            yield Made(node.id)
    return node.id
