"""What jobs compute: generators over the core, which is imported in the worker only (it brings torch)."""

import contextlib
import gc
import importlib
import sys
import threading
from collections.abc import Generator, Sequence
from typing import Any

from cl_core import comparison, heats, memory, strategies
from cl_core.ahead import remaining
from cl_core.config import Config, ConfigError
from cl_core.files import Files
from cl_core.pulse import pulse
from cl_core.racers import Racer
from cl_core.snapshot import Snapshot
from cl_core.store import Store
from dashboard import library
from dashboard.job import Made, Step

__all__ = ["advance", "begin", "compare", "next_verb", "remaining", "with_setting", "words"]

FETCH = "Fetch the weights over the internet"  # what a person switches on
Steps = Generator[Any, None, str]
Place = tuple[Store, str]  # a snapshot and the store that has it


def next_verb(node: Snapshot, strategy: str) -> str | None:
    """What comes after a snapshot under a strategy: "learn", "invert", or None at the end of the stream."""
    steps = remaining(node, strategy)
    return steps[0][0] if steps else None


def words(verb: str, tasks_learned: int) -> str:
    """A step as a person would say it, from a snapshot with so many tasks learned."""
    return f"Learn task {tasks_learned + 1}" if verb == "learn" else f"Invert after task {tasks_learned}"


def with_setting(config: Config, base: Config, section: str, field: str, value: Any) -> Config:
    """The config with one setting changed. Raises ConfigError when it is out of range.

    Another strategy brings what it needs; what only the former one needed goes back to the base's.
    """
    if (section, field) != ("learn", "strategy"):
        return config.override({section: {field: value}})
    for part, values in strategies.get(config.learn.strategy).settings.items():
        config = config.override({part: {name: getattr(getattr(base, part), name) for name in values}})
    return strategies.configure(config, value)


def _core() -> Any:
    """The module of the verbs. Its import takes seconds and cannot be stopped, so a thread of its own does it: a job

    that is cancelled meanwhile ends at once, and the next one finds it done.
    """
    thread = threading.Thread(target=_import, name="import", daemon=True)
    thread.start()
    while thread.is_alive():
        pulse()
        thread.join(0.05)
    from cl_core import experiment

    return experiment


def _import() -> None:
    with contextlib.suppress(Exception):  # the job meets it again, and tells
        importlib.import_module("cl_core.experiment")
        if "torch" in sys.modules:
            importlib.import_module("torch._dynamo")  # the first optimiser would, in the midst of its work
            gc.freeze()  # what was imported stays: no later collection needs to look at it


def begin(config: Config, store: Store, fetch: bool = False) -> Steps:
    """The root of a new experiment, saved. Returns its id. fetch: weights may come over the internet.

    Raises ConfigError when they would have to, and may not.
    """
    yield Step("Preparing the experiment", 0)
    experiment = _core()
    from cl_core import backbones

    if fetch:
        backbones.fetch(config.network)
    elif (size := backbones.to_fetch(config.network)) is not None:
        network = config.network
        raise ConfigError(
            f"The weights {network.checkpoint} of {network.clip} are not on this computer (about "
            f"{memory.in_words(size)}). Nothing is fetched unless you ask for it: switch on “{FETCH}” and try again."
        )
    root = experiment.start(config, store)
    store.save(root)
    yield Made(root.id)
    return root.id


def advance(node_id: str, config: Config, store: Store, to_the_end: bool) -> Steps:
    """Grow the next snapshot, or all of them to the end of the stream. Returns the id of the last one."""
    yield Step("Starting PyTorch", 0)
    experiment = _core()
    node = store.load(node_id)
    steps = remaining(node, config.learn.strategy)
    steps = steps if to_the_end else steps[:1]
    memory.check(steps, config, node)
    for number, (verb, tasks) in enumerate(steps, 1):
        yield Step(words(verb, tasks), number, len(steps))
        node = yield from experiment.grow(node, verb, config, store)
        yield Made(node.id)
    return node.id


def race(place: Place, racers: Sequence[Racer], units: int, files: Files) -> Generator[Any, None, None]:
    """Let racers run at a snapshot, each with the step sizes that suit it best, and keep the heats in a store.

    An oracle judges if it has been trained before.
    """
    yield Step("Starting PyTorch", 0)
    from cl_core import oracle
    from cl_core import race as races

    node = place[0].load(place[1])
    course, training = heats.courses(node, oracle.known(node.config, library.own_store()))
    missing = [racer for racer in racers if heats.read(files, heats.name_of(node.id, racer, units)) is None]
    of = sum(1 + bool(racer.grid) for racer in missing)
    number = 0
    for racer in missing:
        if racer.grid:
            yield Step(f"Finding the step sizes of “{racer.name}”", number := number + 1, of)
        settings = yield from races.tuning(racer, training, units, course)
        yield Step(f"Racing: “{racer.name}”", number := number + 1, of)
        heat = yield from heats.run(racer, settings, course, units)
        heats.save(files, heats.name_of(node.id, racer, units), heat)


def compare(asked: Sequence[tuple[Place, Place, Place]], files: Files) -> Generator[Any, None, None]:
    """Compare snapshots, each A and B with the network of a third, and keep what is found with a store's files."""
    yield Step("Starting PyTorch", 0)
    _core()
    for number, (a, b, lender) in enumerate(asked, 1):
        yield Step("Looking at both with one network", number, len(asked))
        name = comparison.name_of(a[1], b[1], lender[1])
        if comparison.read(files, name) is None:
            network = lender[0].load(lender[1], ("model", "gaussians"))
            comparison.save(files, name, comparison.compare(library.look(*a), library.look(*b), network))
