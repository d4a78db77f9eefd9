"""`memory`: what the steps of a stream would take, and whether this machine has it; measured as well, if asked for.

What is measured is a step beside the program itself: before the first one everything is imported and was used once, and
before each what earlier ones let go of is given back to the system, which the allocator would keep.
"""

import argparse
import contextlib
import ctypes
import gc
import re
from collections.abc import Iterator
from pathlib import Path

from cl_core import ahead, memory
from cl_core.commands import options
from cl_core.commands.kills import TINY, drained
from cl_core.config import Config, ConfigError

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("memory", help="estimate the memory that each step takes")
    options.add_config_options(parser)
    parser.add_argument("--measure", type=int, metavar="STEPS", help="also take so many steps and measure them (Linux)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """A line a step. Returns 1 when a measured one is off by more than a factor of two."""
    config = options.config_from(args)
    free = memory.available()
    print(f"Free here: {'unknown' if free is None else memory.in_words(free)}. The program itself takes about "
          f"{memory.in_words(memory.PROGRAM)}; beside it, where less than {memory.in_words(memory.FLOOR)} counts as so "
          "much:")  # fmt: skip
    off = 0
    for step, need, found in steps(config, args.measure):
        words = f"learn task {step[1] + 1}" if step[0] == "learn" else f"invert after task {step[1]}"
        told = f"{words:24} about {memory.in_words(need):>7}"
        if found is not None:
            ratio = need / max(found, memory.FLOOR)
            told += f"; measured {memory.in_words(found):>7}, {ratio:.2f} times"
            off += not 0.5 <= ratio <= 2
        print(told, flush=True)
    return int(off > 0)


def steps(config: Config, measure: int | None) -> Iterator[tuple[memory.Step, float, float | None]]:
    """Each step, what it is estimated to take, and what it took beside the program, in bytes; None: not measured."""
    from cl_core import experiment
    from cl_core.commands.progress import watch

    if measure:
        _use_everything_once()
    node, material = experiment.start(config), memory.material_of(config.stream.data)
    for step in ahead.remaining(node, config.learn.strategy):
        found = None
        if measure:
            give_back()
            before = reset()
            node = watch(experiment.grow(node, step[0], config), "Measuring")
            found, measure = max(0, peak() - before), measure - 1
        elif measure == 0:
            return
        yield step, memory.of_step(step, config, node, material).total, found


def _use_everything_once() -> None:
    """Take a tiny step of each kind: what they import, compile and set up is the program's, not a step's."""
    from cl_core import experiment

    tiny = Config().override(TINY)
    node = experiment.start(tiny)
    for verb in ("learn", "invert"):
        node = drained(experiment.grow(node, verb, tiny))


def give_back() -> None:
    """Return to the system what is free in this process, where the C library can (glibc)."""
    gc.collect()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def reset() -> int:
    """Let the peak begin anew. Returns the bytes that this process takes now. Raises ConfigError off Linux."""
    try:
        CLEAR.write_text("5", encoding="ascii")
    except OSError as error:
        raise ConfigError("--measure needs Linux, and a process that may look at itself.") from error
    return _status("VmRSS")


def peak() -> int:
    """The most bytes that this process took since `reset`."""
    return _status("VmHWM")


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text(encoding="ascii"))
    assert found is not None
    return 1024 * int(found[1])
