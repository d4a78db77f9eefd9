"""How long a cancelled job goes on: every stage of the work, cancelled at random moments of it.

A stage is quiet between two of its events or pulses (cl_core/pulse.py); whoever cancels waits for the next of them. So
the longest quiet time is what a cancel can take at worst, and the trials show what it did take.
"""

import contextlib
import random
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from cl_core import comparison
from cl_core.config import Config
from cl_core.pulse import listening
from cl_core.snapshot import Snapshot
from cl_core.store import Store
from dashboard import projections, work
from dashboard.job import Registry, Work

BAR = 1.0  # seconds
READY = "ready"  # what comes before the first event
PATIENCE = 600.0  # seconds until a stage must have begun
TITLES = {
    "learn": {
        READY: "getting ready to learn",
        "learn": "learning",
        "balance": "balancing the head",
        "statistics": "statistics, class models, heads",
        "measure": "measuring",
    },
    "invert": {
        READY: "getting ready to invert, contrastive models",
        "layer": "each group of layers, with its decoder",
        "refine": "refinement",
        "measure": "measuring the images",
    },
    "oracle": {READY: "the oracle, getting ready", "learn": "the oracle, learning", "measure": "the oracle, measuring"},
    "comparison": {READY: "comparing two steps"},
    "umap": {READY: "UMAP, in its child process"},
}


@dataclass
class Stage:
    """A stage of some work. make: begins that work anew."""

    title: str
    name: str
    make: Callable[[], Work]
    quiet: float | None = None  # the longest time between two events or pulses, seconds; None: an import has none
    length: float = 0.0  # seconds
    cancelled: list[float] = field(default_factory=list)  # seconds that each cancel took

    @property
    def holds(self) -> bool:
        return max([self.quiet or 0.0, *self.cancelled]) <= BAR


def measure(config: Config, repeats: int, kinds: Collection[str] = tuple(TITLES), seed: int = 0) -> Iterator[Stage]:
    """Walk two tasks of the stream, and cancel each stage of the second one, of a comparison, of UMAP and the oracle.

    The first stage is the import of PyTorch, if this process has not imported it yet.
    """
    draws = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cancels-") as folder:
        store = Store(folder)
        starting = Stage("starting PyTorch", READY, lambda: work.begin(config, store), length=1.0)
        _cancel(starting, draws)
        yield starting
        root = store.load(_result(work.begin(config, store)))
        path, parts = [root], list[tuple[str, Callable[[], Work]]]()
        for _ in range(4):
            path.append(_result(_verb(path[-1], config)))
        parts += [("learn", lambda: _verb(path[2], config)), ("invert", lambda: _verb(path[3], config))]
        for step in path[1:]:
            store.save(step)
        parts += [("comparison", lambda: _comparison(store, path)), ("umap", lambda: _umap(path[4], store))]
        parts.append(("oracle", lambda: _oracle(config)))
        for kind, make in [part for part in parts if part[0] in kinds]:
            stages = {name: Stage(words, name, make) for name, words in TITLES[kind].items()}
            _listen(make(), stages)
            for stage in stages.values():
                if stage.length:  # a strategy without old images balances nothing
                    for _ in range(repeats):
                        _cancel(stage, draws)
                    yield stage


def _verb(node: Snapshot, config: Config) -> Work:
    from cl_core import experiment

    return (experiment.learn if node.next_verb == "learn" else experiment.invert)(node, config)


def _comparison(store: Store, path: list[Snapshot]) -> Work:
    store.files.remove(comparison.name_of(path[2].id, path[4].id, path[3].id))
    places = [(store, path[i].id) for i in (2, 4, 3)]
    return work.compare([(places[0], places[1], places[2])], store.files)


def _umap(node: Snapshot, store: Store) -> Work:
    return projections.compute_umap(node.group("view"), store.files)


def _oracle(config: Config) -> Work:
    """Training of the independent network, an epoch of it."""
    from cl_core import experiment, oracle

    own = oracle.config_for(config).override({"learn": {"epochs_first": 1}})
    return experiment.learn(experiment.start(own), own)


def _result(steps: Work) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _listen(steps: Work, stages: dict[str, Stage]) -> None:
    """Drain the work, and note how long each stage lasts and how long it is quiet."""
    name, before = READY, time.monotonic()

    def heard() -> bool:
        nonlocal before
        quiet, stage = time.monotonic() - before, stages.get(name)
        if stage is not None:
            stage.quiet = max(stage.quiet or 0.0, quiet)
            stage.length += quiet
        before = time.monotonic()
        return False

    with listening(heard):
        for item in steps:
            heard()
            name = getattr(item, "stage", name) if len(stages) > 1 else READY
        heard()


def _cancel(stage: Stage, draws: random.Random) -> None:
    """Cancel the work at a random moment of a stage, as the page does."""
    registry, begun = Registry(), threading.Event()

    def trial() -> Work:
        with contextlib.closing(stage.make()) as steps:
            if stage.name == READY:
                begun.set()
            for item in steps:
                if getattr(item, "stage", READY) == stage.name:
                    begun.set()
                yield item

    job = registry.submit(stage.title, trial)
    begun.wait(PATIENCE)
    time.sleep(draws.uniform(0, 0.9 * stage.length))
    began = time.monotonic()
    registry.cancel(job)
    while job.active:
        time.sleep(0.001)
    if job.state == "failed":
        raise RuntimeError(job.details)
    if job.state == "cancelled":  # or it was over before
        stage.cancelled.append(time.monotonic() - began)


def line(stage: Stage | None = None) -> str:
    """A line of the table; without a stage, its head."""
    if stage is None:
        return f"{'':44}{'quiet at most':>14}{'cancelled after at most':>25}"
    quiet = "" if stage.quiet is None else f"{stage.quiet:.2f} s"
    after = f"{max(stage.cancelled):.2f} s" if stage.cancelled else "too short"
    return f"{stage.title:44}{quiet:>14}{after:>25}{'' if stage.holds else '  MISSED'}"
