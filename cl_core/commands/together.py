"""The trial of company: several processes take the same steps in one store at the same time; is anything lost?

Each of them learns, inverts and saves the same tiny streams, without looking whether another one was quicker, so that
the same files are written at once; after each step it reads every file of the store, and prunes. Nothing may be found
damaged by anybody, and at the end every step that somebody saved must be there.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

from cl_core import upkeep
from cl_core.commands.kills import TINY, drained
from cl_core.config import Config
from cl_core.snapshot import Snapshot, freeze
from cl_core.store import Store

Work = Callable[[Path, int, Connection], None]


@dataclass
class Counts:
    """What came of a trial."""

    processes: int
    saved: int = 0  # times that a step was saved
    steps: int = 0  # different ones
    looks: int = 0  # times that a process has read every file
    damaged: list[str] = field(default_factory=list)
    vanished: int = 0
    failed: int = 0  # processes that ended with an error
    seconds: float = 0.0

    @property
    def nothing_lost(self) -> bool:
        return not (self.damaged or self.vanished or self.failed)

    def __str__(self) -> str:
        return "\n".join([
            f"{self.processes} processes saved {self.steps} steps {self.saved} times in {self.seconds:.0f} s, and read "
            f"every file {self.looks} times.",
            f"Damaged files: {len(self.damaged)}. Finished steps that vanished: {self.vanished} of {self.steps}. "
            f"Processes that failed: {self.failed}.",
            *self.damaged[:10],
        ])  # fmt: skip


def experiments(folder: Path, streams: int, pipe: Connection) -> None:
    """Learn, invert and save each stream."""
    from cl_core import experiment

    store = Store(folder)
    for stream in range(streams):
        config = Config().override(TINY).override({"machine": {"seed": stream}})
        node = experiment.start(config)
        _save(store, node, pipe)
        while (verb := node.next_verb) is not None:
            step = experiment.learn if verb == "learn" else experiment.invert
            node = drained(step(store.load(node.id), config))
            _save(store, node, pipe)


def savings(folder: Path, streams: int, pipe: Connection) -> None:
    """Save steps that are made up, the same ones in each process. No torch."""
    store = Store(folder)
    for stream in range(streams):
        draws, parent = np.random.default_rng(stream), None
        for i in range(6):
            shared = {"model/weight": np.full(20_000, stream % 2, np.float32)}
            arrays = freeze(shared | {"view/real": draws.random((200, 64))})
            name, verb = f"{stream:08x}{i:02x}", "learn" if i else "start"
            node = Snapshot(name, parent, verb, i, Config(), ("cat", "mug"), (1,) * 6, arrays, {"accuracy": [i]})
            _save(store, node, pipe)
            parent = store.load(name).id


def _save(store: Store, node: Snapshot, pipe: Connection) -> None:
    store.save(node)
    store.prune()
    verdict = upkeep.verify(store)
    gone = [] if node.id in verdict.steps else [f"{node.id} is not there right after it was saved."]
    pipe.send((node.id, [fault.sentence for fault in verdict.damaged] + gone))


def trial(processes: int, streams: int, work: Work = experiments) -> Counts:
    """So many processes at once, in a temporary store."""
    counts, began, saved = Counts(processes), time.monotonic(), set[str]()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__, *(["cl_core.experiment"] if work is experiments else [])])
    with tempfile.TemporaryDirectory(prefix="together-") as folder:
        pipes, workers = [], []
        for _ in range(processes):
            ours, theirs = context.Pipe(duplex=False)
            workers.append(context.Process(target=work, args=(Path(folder), streams, theirs), daemon=True))
            workers[-1].start()
            theirs.close()
            pipes.append(ours)
        while pipes:
            for pipe in wait(pipes):
                assert isinstance(pipe, Connection)
                try:
                    step, damaged = pipe.recv()
                except EOFError:
                    pipes.remove(pipe)
                    continue
                saved.add(step)
                counts.saved, counts.looks = counts.saved + 1, counts.looks + 1
                counts.damaged += damaged
        for worker in workers:
            worker.join()
            counts.failed += worker.exitcode != 0
        verdict = upkeep.verify(Store(folder))
        counts.damaged += [fault.sentence for fault in verdict.damaged]
        counts.steps, counts.vanished = len(saved), len(saved.difference(verdict.steps))
    counts.seconds = time.monotonic() - began
    return counts
