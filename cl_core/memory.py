"""How much memory a step takes, from the shapes of what it holds at once, and how much there is. No torch.

An estimate on the high side of what was measured (`python -m cl_core memory --measure`), good to a factor of two above
FLOOR: it is there to refuse what cannot fit before it starts, since a process that takes too much is killed without a
word.
"""

import functools
import math
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cl_core import datasets, footprint, strategies
from cl_core.config import Config, ConfigError
from cl_core.snapshot import Snapshot

FLOAT = 4  # bytes
FLOOR = 60_000_000  # bytes that any step may take: workspaces of the libraries, and what the allocator holds back
PROGRAM = 900_000_000  # what a process takes that has imported everything
TO_IMPORT = 700_000_000  # of that, what comes with PyTorch and what it brings
SHARE = 0.9  # of the free memory, that a step may take
WEIGHTS_TO_LEARN, WEIGHTS_TO_INVERT = 6, 3  # copies: as kept, student, teacher, gradients, two moments; or the folded
COPIES = 6  # of the variables, by Adam: them, gradients, two moments, the best, one on the way
LBFGS_MEMORY = 20  # pairs of L-BFGS, a copy of the variables twice each
CONTRASTIVE = 7  # copies of the weights: Adam's, and the best epoch's
VIEW_IMAGES, VIEW_DIMENSIONS = 100, 64  # a class, measure.py
DECODER_IMAGES = 250  # inversion/starts.py
IMAGES, BATCH, MADE = "“Training images a class”", "“Batch size”", "“Images a class”"
NETWORK, CLIP = "“Feature grid” or “Width of the network”", "“CLIP”"
Step = tuple[str, int]  # verb, tasks learned before it


@dataclass(frozen=True)
class Material:
    """What a data set says of its images: shape (c, h, w), training images of a class at most, images to judge by."""

    shape: tuple[int, int, int]
    train_per_class: int
    judged: int


@dataclass(frozen=True)
class Need:
    """What a step takes beside the program itself: bytes of each part, by the setting that says most about it."""

    parts: dict[str, float]

    @property
    def total(self) -> float:
        """Bytes at the peak."""
        return max(FLOOR, sum(self.parts.values()))

    @property
    def largest(self) -> str:
        """The setting that says most."""
        return max(self.parts, key=lambda name: self.parts[name])


def of_step(step: Step, config: Config, node: Snapshot, material: Material) -> Need:
    """What a step takes. node: a snapshot of the same stream."""
    verb, tasks = step
    newest = node.task_sizes[tasks if verb == "learn" else tasks - 1]
    seen = max(c + 1 for t in range(tasks + (verb == "learn")) for c in config.stream.classes_of(t, node.task_sizes))
    strategy, holds = strategies.get(config.learn.strategy), footprint.of(config.network, material.shape)
    pixels, d = math.prod(material.shape), holds.features
    each = min(config.stream.train_per_class, material.train_per_class)
    real = each * (seen if strategy.memory == "everything" else newest)
    made = config.invert.images_per_class * seen
    judged = min(holds.at_once, max(material.judged, real)) * holds.under_way
    shown = min(VIEW_IMAGES * seen, material.judged) * (pixels + 5 * d)
    parts = {IMAGES: 3.0 * real * pixels + 2 * real * d}
    if verb == "learn":
        batch = config.learn.batch_size * (2 if tasks and strategy.memory in ("synthetic", "real") else 1)
        parts[BATCH] = 1.3 * batch * holds.kept + 2 * pixels * made
        network = min(holds.at_once, real) * holds.watched + seen * holds.prompts
        copies = WEIGHTS_TO_LEARN
    else:
        parts |= _of_inversion(config, holds, pixels, newest, seen, real)
        network = _of_selection(config, d, newest, seen)
        copies = WEIGHTS_TO_INVERT
    network += (3 * seen + 8) * d * d + judged + shown
    weights = copies * holds.weights
    if holds.fixed:  # two copies while it is built, and one beside the work
        weights = max(holds.weights, 2 * holds.weights - network - sum(parts.values()))
    parts[CLIP if holds.fixed else NETWORK] = network + weights
    return Need({name: FLOAT * floats for name, floats in parts.items()})


def _of_inversion(
    config: Config, holds: footprint.Footprint, pixels: float, newest: int, seen: int, real: float
) -> dict[str, float]:
    """Floats that making images takes, by setting. pixels: of an image; real: images of the newest task."""
    wanted = _wanted(config, newest, seen)
    count, made = config.invert.images_per_class * wanted, config.invert.images_per_class * seen
    iterations = max(config.invert.layer_iterations or (config.invert.iterations_per_layer,))
    at_a_layer = 0 if config.invert.groups == "whole" else _copies(config, iterations) * holds.widest
    variables = max(_copies(config, config.invert.full_iterations) * pixels, at_a_layer)
    parts = {
        "“Images in a batch”": min(count, config.invert.batch) * (1.4 * holds.kept + variables),
        MADE: 2 * pixels * made + count * (pixels + holds.features),
    }
    if "decoder" in config.invert.start:
        parts["“Start of a layer”"] = 2 * min(DECODER_IMAGES, real) * holds.watched / 3
    return parts


def _of_selection(config: Config, d: int, newest: int, seen: int) -> float:
    """Floats of the contrastive models, one a class."""
    if config.invert.selection != "cfs":
        return 0.0
    side = d / config.network.pool**2 if config.invert.cfs_pooled else d
    return _wanted(config, newest, seen) * 2 * CONTRASTIVE * side**2


def _wanted(config: Config, newest: int, seen: int) -> int:
    """Classes that an inversion makes images of."""
    return newest if config.invert.synthetic == "keep" and not config.stream.by_domain else seen


def _copies(config: Config, iterations: int) -> int:
    """How often the optimiser holds the variables."""
    return COPIES + (2 * min(LBFGS_MEMORY, iterations) if config.invert.optimiser == "lbfgs" else 0)


def available() -> float | None:
    """Bytes that a process can still take on this machine, or in its container; None where nobody says."""
    found = [_meminfo(), _control_group(Path("/sys/fs/cgroup"))]
    known = [free for free in found if free is not None]
    return min(known, default=None)


def _meminfo() -> float | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1])
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, IndexError, AttributeError):  # not a Linux
        return None


def _control_group(folder: Path) -> float | None:
    """What a container's limit leaves; pages of files that it has read can be given back and count as free."""
    try:
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        told = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
        return float(limit - used + int(told.get("inactive_file", 0)) + int(told.get("active_file", 0)))
    except (OSError, ValueError):  # no limit ("max"), or no such thing
        return None


def refusal(steps: Iterable[Step], config: Config, node: Snapshot, material: Material) -> str | None:
    """Why these steps cannot be taken here, in a sentence; None when they fit, when nobody knows, and on a GPU."""
    free = available()
    if free is None or node.record.get("device") != "cpu":
        return None
    free = max(0.0, free - (0 if "torch" in sys.modules else TO_IMPORT))
    for step in steps:
        need = of_step(step, config, node, material)
        if need.total > SHARE * free:
            what = f"Learning task {step[1] + 1}" if step[0] == "learn" else f"Inverting after task {step[1]}"
            return (
                f"{what} would take about {in_words(need.total)} of memory, and {in_words(free)} are free for it "
                f"on this computer: lower {need.largest}."
            )
    return None


def check(steps: Iterable[Step], config: Config, node: Snapshot) -> None:
    """Raises ConfigError with a sentence when one of these steps would not fit into this machine's memory."""
    if (why := refusal(steps, config, node, material_of(config.stream.data))) is not None:
        raise ConfigError(why)


@functools.lru_cache(maxsize=32)  # of a folder each file is looked at
def material_of(data: str) -> Material:
    """The images of a data set. Raises DataError."""
    splits = {name: datasets.load(data).split(name) for name in datasets.SPLITS}
    channels, height, width = splits["train"].images.shape[1:]
    _, counts = np.unique(splits["train"].labels, return_counts=True)
    judged = max(len(splits["validation"]), len(splits["test"]))
    return Material((channels, height, width), int(counts.max()), judged)


def in_words(size: float) -> str:
    """Bytes as a person would say them."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(10, round(size / 1e7) * 10)} MB"
