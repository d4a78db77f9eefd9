"""The kill trial: a process that learns, inverts and saves is killed (SIGKILL) again and again; is anything lost?

The process works on tiny streams, one after another, in a store of its own. It says through a pipe what is finished:
a step counts as finished from the moment when `Store.save` came back. After each kill every file of the store is read,
every finished step is loaded, and the next process has to go on from there. Half of the kills come at a random moment
and half as soon as a half-written file is seen, so that they fall into saving.
"""

import contextlib
import functools
import itertools
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from cl_core import upkeep
from cl_core.config import Config
from cl_core.files import PART
from cl_core.snapshot import Snapshot, freeze
from cl_core.store import Store

PATIENCE = 120.0  # seconds that a process may take to begin, or to save
TINY: dict[str, dict[str, Any]] = {
    "stream": {"increment": 5, "train_per_class": 4},
    "network": {"width": 8, "blocks": 1, "stem_stride": 2},
    "learn": {"strategy": "pmi", "epochs_first": 1, "epochs": 1, "head_epochs": 0, "stage_epochs": 0},
    "invert": {"iterations_per_layer": 1, "full_iterations": 2, "images_per_class": 2, "synthetic": "keep"},
}
Work = Callable[[Path, int, Connection], None]


@dataclass
class Counts:
    """What came of a trial."""

    kills: int = 0
    half_written: int = 0  # kills after which a half-written file lay there: they fell into saving
    finished: int = 0  # steps that were finished
    damaged: int = 0  # kills after which the store was damaged
    vanished: int = 0  # finished steps that were gone or could not be loaded after some kill
    starts: int = 0
    failed_starts: int = 0
    seconds: float = 0.0

    @property
    def nothing_lost(self) -> bool:
        return not (self.damaged or self.vanished or self.failed_starts)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in {self.seconds:.0f} s; {self.half_written} of them left a half-written file.\n"
            f"Damaged stores: {self.damaged}. Finished steps that vanished: {self.vanished} of {self.finished}. "
            f"Next starts that failed: {self.failed_starts} of {self.starts}."
        )


def experiments(folder: Path, number: int, pipe: Connection) -> None:
    """Learn, invert and save, from the last finished step of stream `number` on, then the next streams, without end."""
    from cl_core import experiment

    store, before = Store(folder), list[str]()
    for stream in itertools.count(number):
        pipe.send(("stream", stream))
        config = Config().override(TINY).override({"machine": {"seed": stream}})
        node = experiment.start(config)
        store.save(node)
        ids = [node.id]
        pipe.send(("saved", node.id))
        while (verb := node.next_verb) is not None:
            if experiment.step_id(node, verb, config) not in store:
                pipe.send(("ready", None))  # all that was finished has been read
            node = drained(experiment.grow(node, verb, config, store))
            ids.append(node.id)
            pipe.send(("saved", node.id))
        if before:
            pipe.send(("deleting", before))
            store.delete(before[0])
        before = ids


class Told:
    """What the processes have said so far."""

    def __init__(self) -> None:
        self.stream, self.ready, self.finished = 0, False, 0
        self.there: set[str] = set()  # ids of the finished steps that nobody deleted

    def listen(self, pipe: Connection, enough: Callable[[], bool], patience: float = PATIENCE) -> bool:
        """Hear what a process says until that is enough: whether it was, before the process or the patience ended."""
        limit = time.monotonic() + patience
        with contextlib.suppress(EOFError, OSError):  # the last word of a killed process may be cut off
            while not enough() and pipe.poll(max(0.0, limit - time.monotonic())):
                self._note(*pipe.recv())
        return enough()

    def beyond(self, finished: int) -> bool:
        """Whether more steps are finished than that."""
        return self.finished > finished

    def _note(self, what: str, value: Any) -> None:
        if what == "stream":
            self.stream, self.ready = value, False
        elif what == "ready":
            self.ready = True
        elif what == "saved" and value not in self.there:
            self.there.add(value)
            self.finished += 1
        elif what == "deleting":
            self.there.difference_update(value)


def drained(steps: Iterator[Any]) -> Snapshot:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def savings(folder: Path, number: int, pipe: Connection) -> None:
    """Save steps that are made up, as quickly as the disk takes them: nearly every kill falls into saving. No torch."""
    store, draws = Store(folder), np.random.default_rng()
    for stream in itertools.count(number):
        pipe.send(("stream", stream))
        pipe.send(("ready", None))
        parent: Snapshot | None = None
        ids = []
        for i in range(8):
            shared = {"model/weight": np.full(20_000, stream % 7, np.float32)}  # by all of the stream and by others
            arrays = freeze(shared | {"view/real": draws.random((200, 64))})
            name, before = f"{stream:08x}{i:02x}{os.getpid():08x}", None if parent is None else parent.id
            record = {"accuracy": draws.random(2000).tolist()}
            parent = Snapshot(
                name, before, "learn" if i else "start", i, Config(), ("cat", "mug"), (1,) * 8, arrays, record
            )
            store.save(parent)
            ids.append(parent.id)
            pipe.send(("saved", parent.id))
        pipe.send(("deleting", ids[4:]))
        store.delete(ids[4])  # half of the stream


def of_experiments(kills: int, seed: int = 0) -> Counts:
    """Kill a process that learns, inverts and saves."""
    return trial(kills, seed, experiments, 1.5)  # seconds: about three steps


def of_saving(kills: int, seed: int = 0) -> Counts:
    """Kill a process that does nothing but save and delete."""
    return trial(kills, seed, savings, 0.2)


def trial(kills: int, seed: int, work: Work, span: float) -> Counts:
    """Kill so often, in a temporary store, each time within `span` seconds after the process got to work."""
    draws, counts, began = random.Random(seed), Counts(), time.monotonic()
    context = multiprocessing.get_context("forkserver")  # a fresh process each time, with torch imported already
    torch = ["cl_core.experiment", "torch._dynamo"] if work is experiments else []  # an optimiser imports the second
    context.set_forkserver_preload(["__main__", __name__, *torch])
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        store, told = Store(folder), Told()
        for number in range(kills + 1):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_child, args=(work, store.path, told.stream, theirs), daemon=True)
            process.start()
            theirs.close()
            with contextlib.closing(ours):
                counts.starts += 1
                told.ready = False
                ready = told.listen(ours, lambda: told.ready)
                counts.failed_starts += not ready
                before = _half_written(store)
                if number == kills:  # the last one is to get on
                    more = functools.partial(told.beyond, told.finished)
                    counts.failed_starts += ready and not told.listen(ours, more)
                elif ready:
                    _wait(store, draws, span, saving=number % 2 == 0)
                process.kill()
                process.join()
                told.listen(ours, lambda: False, patience=0.0)
            counts.kills += number < kills
            counts.half_written += bool(_half_written(store) - before)
            verdict = upkeep.verify(store, set_aside=False)
            counts.damaged += bool(verdict.damaged)
            gone = told.there.difference(verdict.steps)
            counts.vanished += len(gone)
            told.there -= gone
    counts.finished = told.finished
    counts.seconds = time.monotonic() - began
    return counts


def _child(work: Work, folder: Path, number: int, pipe: Connection) -> None:
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):  # the trial was ended
        work(folder, number, pipe)


def _wait(store: Store, draws: random.Random, span: float, saving: bool) -> None:
    """Until a random moment; saving: until a half-written file is seen after it, and a moment more."""
    time.sleep(draws.uniform(0, span))
    if saving:
        before, limit = _half_written(store), time.monotonic() + PATIENCE
        while not _half_written(store) - before and time.monotonic() < limit:
            pass
        time.sleep(draws.uniform(0, 0.003))


def _half_written(store: Store) -> set[str]:
    found = set()
    for folder in ("nodes", "objects"):
        with contextlib.suppress(FileNotFoundError):
            found |= {entry.name for entry in os.scandir(store.path / folder) if entry.name.endswith(PART)}
    return found
