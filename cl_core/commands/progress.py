"""An experiment on the terminal: its steps one after another, each with a bar for every stage."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TypeVar

from tqdm import tqdm

from cl_core import ahead, memory
from cl_core.config import Config
from cl_core.events import Event
from cl_core.recipe import Recipe
from cl_core.snapshot import Snapshot
from cl_core.store import Store

T = TypeVar("T")


def steps(config: Config, store: Store | None = None, tasks: int | None = None) -> Iterator[Snapshot]:
    """The snapshots of the stream under one config, root first, as `experiment.run` makes them, each when it is there.

    tasks: stop after so many. Raises ConfigError, DataError, StoreError, Diverged; the steps before stay in the store.
    """
    from cl_core import experiment

    snapshot = experiment.start(config, store)
    if store is not None:
        store.save(snapshot)
    yield snapshot
    memory.check(ahead.remaining(snapshot, config.learn.strategy), config, snapshot)
    while (verb := snapshot.next_verb) is not None:
        task = snapshot.tasks_learned + (verb == "learn")
        if tasks is not None and task > tasks:
            return
        snapshot = _grown(snapshot, verb, config, store)
        yield snapshot


def along(recipe: Recipe, store: Store) -> Iterator[Snapshot]:
    """The snapshots of a recipe, root first, each when it is there. Raises what `steps` raises."""
    from cl_core import experiment

    snapshot = experiment.start(recipe.experiment, store)
    store.save(snapshot)
    yield snapshot
    for verb, config in recipe.steps:
        snapshot = _grown(snapshot, verb, config, store)
        yield snapshot


def _grown(snapshot: Snapshot, verb: str, config: Config, store: Store | None) -> Snapshot:
    """The next step, told while it is taken and when it is there."""
    from cl_core import experiment

    task = snapshot.tasks_learned + (verb == "learn")
    before = None if store is None else store.made(experiment.step_id(snapshot, verb, config))
    with closing(experiment.grow(snapshot, verb, config, store)) as growing:
        child = watch(growing, f"Task {task} of {len(snapshot.task_sizes)}")
    known = before is not None and store is not None and store.made(child.id) == before
    print(_line(child) + (", from the store" if known else ""), flush=True)
    return child


def watch(growing: Generator[Event, None, T], title: str) -> T:
    """Drain a verb, with a bar for each of its stages and layers and the loss beside it. Silent without a terminal."""
    bar: tqdm | None = None
    shown = ""
    try:
        while True:
            event = next(growing)
            if bar is None or event.describe() != shown:
                if bar is not None:
                    bar.close()
                shown = event.describe()
                bar = tqdm(desc=f"{title} · {shown}", total=event.of, leave=False, disable=None)
            if "total" in event.losses:
                bar.set_postfix_str(f"loss {event.losses['total']:.3g}", refresh=False)
            bar.update(event.iteration - bar.n)
    except StopIteration as end:
        return end.value
    finally:
        if bar is not None:
            bar.close()


def _line(snapshot: Snapshot) -> str:
    """A finished step in a line."""
    record, task = snapshot.record, snapshot.tasks_learned
    if snapshot.verb == "invert":
        images = len(snapshot.synthetic[1])
        return f"Task {task}: inverted, {images} synthetic images, {record['seconds']['total']:.1f} s"
    accuracy = record["total_accuracy"]["test"][-1]
    return (
        f"Task {task}: learned, {accuracy:.1%} of the test images of {snapshot.classes_seen} classes, "
        f"{record['seconds']['total']:.1f} s"
    )
