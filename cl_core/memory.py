"""How much memory a step takes, from the shapes of what it holds at once, and how much there is. No torch.

An estimate on the high side of what was measured (`python -m cl_core memory --measure`), good to a factor of two: it is
there to refuse what cannot fit before it starts, since a process that takes too much is killed without a word.
"""

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cl_core import datasets, strategies
from cl_core.config import Config, ConfigError, NetworkConfig
from cl_core.snapshot import Snapshot

FLOAT = 4  # bytes
PROGRAM = 900_000_000  # what a process takes that has imported everything
SHARE = 0.9  # of the free memory, that a step may take
ON_THE_WAY = 500  # images that pass through the network at once where no gradients are needed
COPIES = 6  # of the variables, by Adam: them, gradients, two moments, the best, one on the way
LBFGS_MEMORY = 20  # pairs of L-BFGS, a copy of the variables twice each
CONTRASTIVE = 7  # copies of the weights: Adam's, and the best epoch's
VIEW_IMAGES, VIEW_DIMENSIONS = 100, 64  # a class, measure.py
DECODER_IMAGES = 250  # inversion/starts.py
NETWORK = "“Feature grid” or “Width of the network”"
Step = tuple[str, int]  # verb, tasks learned before it


@dataclass(frozen=True)
class Need:
    """What a step takes beside the program itself: bytes of each part, by the setting that says most about it."""

    parts: dict[str, float]

    @property
    def total(self) -> float:
        """Bytes at the peak."""
        return sum(self.parts.values())

    @property
    def largest(self) -> str:
        """The setting that says most."""
        return max(self.parts, key=lambda name: self.parts[name])


def of_step(step: Step, config: Config, node: Snapshot, shape: tuple[int, int, int]) -> Need:
    """What a step takes. node: a snapshot of the same stream; shape: (c, h, w) of its images."""
    verb, tasks = step
    newest = node.task_sizes[tasks if verb == "learn" else tasks - 1]
    seen = max(c + 1 for t in range(tasks + (verb == "learn")) for c in config.stream.classes_of(t, node.task_sizes))
    strategy, pixels = strategies.get(config.learn.strategy), math.prod(shape)
    if config.network.backbone == "clip":
        vision, d = _tower(config.network.clip)
        maps, pixels = _Maps.of_tower(vision), max(pixels, shape[0] * vision["image_size"] ** 2)
    else:
        maps, d = _Maps.of(config.network, shape), 4 * config.network.width * config.network.pool**2
    real = config.stream.train_per_class * (seen if strategy.memory == "everything" else newest)
    made = config.invert.images_per_class * seen
    looked_at = ON_THE_WAY * 4 * maps.widest + VIEW_IMAGES * seen * (pixels + 5 * d)
    parts = {
        "“Training images a class”": 3.0 * real * pixels + 2 * real * d,
        NETWORK: (3 * seen + 8) * d * d + looked_at,
    }
    if verb == "learn":
        batch = config.learn.batch_size * (2 if tasks and strategy.memory in ("synthetic", "real") else 1)
        parts["“Batch size”"] = 1.3 * batch * maps.kept + 2 * pixels * made
        parts[NETWORK] += min(ON_THE_WAY, real) * maps.watched
        return Need({name: FLOAT * floats for name, floats in parts.items()})
    wanted = newest if config.invert.synthetic == "keep" and not config.stream.by_domain else seen
    count = config.invert.images_per_class * wanted
    iterations = max(config.invert.layer_iterations or (config.invert.iterations_per_layer,))
    at_a_layer = 0 if config.invert.groups == "whole" else _copies(config, iterations) * maps.widest
    variables = max(_copies(config, config.invert.full_iterations) * pixels, at_a_layer)
    parts["“Images in a batch”"] = min(count, config.invert.batch) * (1.4 * maps.kept + variables)
    parts["“Images a class”"] = 2 * pixels * made + count * (pixels + d)
    if "decoder" in config.invert.start:
        parts["“Start of a layer”"] = 2 * DECODER_IMAGES * maps.watched / 3
    if config.invert.selection == "cfs":
        side = d / config.network.pool**2 if config.invert.cfs_pooled else d
        parts[NETWORK] += wanted * 2 * CONTRASTIVE * side**2
    return Need({name: FLOAT * floats for name, floats in parts.items()})


def _copies(config: Config, iterations: int) -> int:
    """How often the optimiser holds the variables."""
    return COPIES + (2 * min(LBFGS_MEMORY, iterations) if config.invert.optimiser == "lbfgs" else 0)


@dataclass(frozen=True)
class _Maps:
    """Floats of the feature maps of one image: those kept for the way back, those whose statistics are taken, and the

    largest one. A block keeps what its two convolutions and its activations give, and SiLU's inputs too; the statistics
    look at the inputs of the block and of its norms (METHOD.md §3).
    """

    kept: float
    watched: float
    widest: float

    @classmethod
    def of(cls, network: NetworkConfig, shape: tuple[int, int, int]) -> "_Maps":
        area, channels = shape[1] * shape[2] / network.stem_stride**2, network.width
        stem = blocks = channels * area
        blocks *= network.blocks
        for _ in range(2):
            area, channels = area / 4, 2 * channels
            blocks += network.blocks * channels * area
        silu = network.activation == "silu"
        return cls((3 if silu else 2) * stem + (6 if silu else 4) * blocks, stem + 3 * blocks, stem)

    @classmethod
    def of_tower(cls, vision: Mapping[str, int]) -> "_Maps":
        """A block of a vision transformer keeps sixteen times its tokens: norms, queries, keys, values, the MLP's."""
        tokens = (vision["image_size"] // vision["patch_size"]) ** 2 + 1
        layer, heads = vision["width"] * tokens, vision["width"] // vision.get("head_width", 64)
        kept = vision["layers"] * (16 * layer + 2 * heads * tokens**2)
        return cls(kept, 2 * layer * vision["layers"], 4 * layer)


def _tower(name: str) -> tuple[dict[str, int], int]:
    """The image tower of a CLIP in open_clip's terms, and its feature size. Another than the small one counts as

    ViT-B-32, the lightest that open_clip has pretrained: its own form is known only to that library, with its torch.
    """
    if name != "small-clip":
        return {"image_size": 224, "patch_size": 32, "width": 768, "layers": 12}, 512
    plain = json.loads((datasets.ASSETS / "clip" / "small-clip.json").read_text(encoding="utf-8"))
    return plain["vision_cfg"], plain["embed_dim"]


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


def refusal(steps: Iterable[Step], config: Config, node: Snapshot, shape: tuple[int, int, int]) -> str | None:
    """Why these steps cannot be taken here, in a sentence; None when they fit, when nobody knows, and on a GPU."""
    free = available()
    if free is None or node.record.get("device") != "cpu":
        return None
    for step in steps:
        need = of_step(step, config, node, shape)
        if need.total > SHARE * free:
            what = f"Learning task {step[1] + 1}" if step[0] == "learn" else f"Inverting after task {step[1]}"
            return (
                f"{what} would take about {in_words(need.total)} of memory, and {in_words(free)} are free on this "
                f"computer: lower {need.largest}."
            )
    return None


def check(steps: Iterable[Step], config: Config, node: Snapshot) -> None:
    """Raises ConfigError with a sentence when one of these steps would not fit into this machine's memory."""
    shape = image_shape(config)
    if (why := refusal(steps, config, node, shape)) is not None:
        raise ConfigError(why)


def image_shape(config: Config) -> tuple[int, int, int]:
    """(c, h, w) of the images of a stream. Raises DataError."""
    if config.stream.data.startswith(datasets.FOLDER):  # not to look at each file for it
        return 3, datasets.folders.SIDE, datasets.folders.SIDE
    channels, height, width = datasets.load(config.stream.data).split("train").images.shape[1:]
    return channels, height, width


def in_words(size: float) -> str:
    """Bytes as a person would say them."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(10, round(size / 1e7) * 10)} MB"
