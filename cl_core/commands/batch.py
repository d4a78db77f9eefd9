"""Many runs at once: configs × seeds, in several processes; one that fails is named, and the others go on."""

import argparse
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cl_core.commands import duration, options, progress
from cl_core.config import Config, ConfigError
from cl_core.datasets import DataError
from cl_core.events import Diverged, Event
from cl_core.snapshot import Snapshot
from cl_core.store import Store, StoreError

FOR_PEOPLE = (ConfigError, DataError, StoreError, Diverged)  # their message is a sentence
Row = dict[str, Any]


class RunsFailedError(RuntimeError):
    """Some runs of many failed. The message names them."""


@dataclass(frozen=True)
class Run:
    """A config under the name of its row; the seed is the config's own."""

    name: str
    config: Config

    @property
    def seed(self) -> int:
        return self.config.machine.seed

    def __str__(self) -> str:
        return f"{self.name}, seed {self.seed}"


@dataclass(frozen=True)
class Failure:
    """Why there is nothing to tell of a run: a sentence."""

    sentence: str


Look = Callable[[Run, Sequence[Snapshot]], Row]
Results = Generator[tuple[int, Row | Failure], None, None]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    parser.add_argument(
        "--processes",
        type=int,
        default=cores(),
        metavar="N",
        help=f"runs at the same time, each on machine.threads threads; default: the cores of this machine, {cores()}",
    )
    duration.add_option(parser)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def base_config(args: argparse.Namespace) -> Config:
    """The config that all the runs start from. Raises ConfigError."""
    if args.seed is not None:
        raise ConfigError("--seed is for a single run; name the seeds with --seeds, as in --seeds 0 1 2.")
    if args.processes < 1:
        raise ConfigError(f"--processes is {args.processes}; it must be 1 or more.")
    for seed in args.seeds:
        if args.seeds.count(seed) > 1:
            raise ConfigError(f"The seed {seed} is given twice; each seed counts once.")
    base = options.config_from(args)
    for seed in args.seeds:
        base.override({"machine": {"seed": seed}})  # refuses a seed that cannot be one
    return base


def over_seeds(configs: Mapping[str, Config], seeds: Sequence[int]) -> list[Run]:
    """Each config with each seed, seed by seed: what there is of one seed is a whole table."""
    return [Run(name, config.override({"machine": {"seed": s}})) for s in seeds for name, config in configs.items()]


def run_all(
    runs: Sequence[Run],
    store: Path,
    processes: int,
    look: Look,
    finished: Callable[[list[Row]], None],
) -> None:
    """Each run from the store, or computed.

    look: what to tell of a run from its snapshots, root first; a function of a module, so that it can be sent to
    another process. finished: called after each run with what is known of all so far, in the order of `runs`.
    Raises what is wrong with all of them (the data, say) before the first, and RunsFailedError after the last.
    """
    from cl_core import experiment

    experiment.start(runs[0].config, Store(store))
    found: dict[int, Row] = {}
    failures: list[str] = []
    processes = min(processes, len(runs))
    working = _here(runs, store, look) if processes == 1 else _elsewhere(runs, store, processes, look)
    with closing(working) as results:
        for index, result in results:
            if isinstance(result, Failure):
                failures.append(f"{runs[index]}: {result.sentence}")
                print(f"{runs[index]} failed. {result.sentence}", flush=True)
            else:
                found[index] = result
                finished([found[i] for i in sorted(found)])
    if failures:
        raise RunsFailedError(f"{len(failures)} of {len(runs)} runs failed. {' '.join(failures)}")


def _here(runs: Sequence[Run], store: Path, look: Look) -> Results:
    """One after the other in this process, each step with its bar."""
    for index, run in enumerate(runs):
        print(run, flush=True)
        yield index, _attempt(run, store, look, show=True)


def _elsewhere(runs: Sequence[Run], store: Path, processes: int, look: Look) -> Results:
    """In processes of their own, as they finish. When this one is stopped, they are ended; their steps are kept."""
    print(f"{len(runs)} runs, {processes} at a time", flush=True)
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _obey_the_parent)
    try:
        waiting = {pool.submit(_attempt, run, store, look): index for index, run in enumerate(runs)}
        for done, future in enumerate(as_completed(waiting), start=1):
            run, result = runs[waiting[future]], _result(future)
            if not isinstance(result, Failure):
                print(f"{run}: done, {done} of {len(runs)}", flush=True)
            yield waiting[future], result
    except BaseException:  # Ctrl-C, a full disk, or nobody wants the rest
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _obey_the_parent() -> None:
    """Ctrl-C reaches every process of a terminal: the parent alone answers it. Without a parent there is no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _result(future: Future) -> Row | Failure:
    try:
        return future.result()
    except Exception as error:  # the process itself is gone
        return Failure(f"Its process ended ({error}); is there too little memory for so many processes?")


def _attempt(run: Run, store: Path, look: Look, show: bool = False) -> Row | Failure:
    """What `look` tells of a run, or why there is nothing to tell."""
    from cl_core import experiment

    try:
        if show:
            return look(run, list(progress.steps(run.config, Store(store))))
        return look(run, _drain(experiment.run(run.config, Store(store))))
    except FOR_PEOPLE as error:
        return Failure(str(error))
    except Exception as error:  # a fault of ours: told, but no reason to lose the other runs
        sys.excepthook(type(error), error, error.__traceback__)
        return Failure(f"{type(error).__name__}: {error}")


def _drain(working: Generator[Event, None, list[Snapshot]]) -> list[Snapshot]:
    """What a run returns in the end; nobody looks at its events."""
    while True:
        try:
            next(working)
        except StopIteration as end:
            return end.value
