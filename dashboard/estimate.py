"""How long a step will take here, from the steps that were taken before, and how much memory."""

import dataclasses
from collections.abc import Iterable, Sequence

from cl_core import memory
from cl_core.config import Config
from cl_core.datasets import DataError
from cl_core.heats import TARGETS, TUNED_ON
from cl_core.snapshot import Snapshot

NO_IMAGE = 13  # a pass costs as much as so many images, beside those that it takes along


def effort(verb: str, config: Config, tasks_learned: int, classes: int) -> float:
    """Work of a step in passes of one image through one unit of network; only ratios of it mean anything.

    tasks_learned: before the step; classes: those it learns or inverts.
    """
    network = network_effort(config)
    if verb == "learn":
        settings = config.learn
        images = classes * config.stream.train_per_class
        if tasks_learned == 0:
            return network * images * settings.epochs_first
        both = 2.6 if settings.strategy != "finetune" else 1.0  # synthetic images and the teacher join in
        return network * images * both * (settings.epochs + settings.head_epochs / 3 + settings.stage_epochs / 2)
    layers = layer_passes(config)
    return network * classes * config.invert.images_per_class * (layers + config.invert.full_iterations)


def network_effort(config: Config) -> float:
    """Work of a pass of one image through a network."""
    return config.network.width**2 * (3 * config.network.blocks + 1) / config.network.stem_stride**2


def layer_passes(config: Config) -> float:
    """Passes through the whole network that the layer-by-layer phase amounts to."""
    each = config.invert.layer_iterations
    return sum(each) / len(each) if each else float(config.invert.iterations_per_layer)


def classes_of(verb: str, node: Snapshot, config: Config) -> int:
    """Classes that a step from this snapshot would learn or invert."""
    if verb == "learn":
        return node.task_sizes[node.tasks_learned]
    newest = node.task_sizes[node.tasks_learned - 1]
    return newest if config.invert.synthetic == "keep" else node.classes_seen


def memory_of(node: Snapshot, config: Config, steps: Sequence[memory.Step]) -> tuple[str, str | None]:
    """The most that one of these steps takes, in words, and why they cannot be taken here, or None. Data that is not

    here has no size: the run will tell that it is missing.
    """
    try:
        material = memory.material_of(config.stream.data)
    except DataError:
        return "", None
    most = max(memory.of_step(step, config, node, material).total for step in steps)
    return memory.in_words(most), memory.refusal(steps, config, node, material)


Steps = Sequence[tuple[Snapshot, Snapshot]]  # (parent, child)


def plan(
    node: Snapshot, config: Config, steps: Iterable[tuple[str, int]], known: Sequence[Steps]
) -> list[float | None]:
    """Seconds of each of the steps ahead of a snapshot: (verb, tasks learned before it).

    known: earlier steps, the most telling collection first; the first that has anything to say about a step is asked.
    """
    expected = []
    for verb, tasks in steps:
        there = dataclasses.replace(node, tasks_learned=tasks)
        answers = (seconds(verb, there, config, collection) for collection in known)
        expected.append(next((answer for answer in answers if answer is not None), None))
    return expected


def seconds(verb: str, node: Snapshot, config: Config, known: Steps) -> float | None:
    """Seconds that a step from `node` should take, or None without any experience.

    The most similar of the known steps counts: same verb, and the first task apart from the later ones; its time is
    scaled by the work there is, with the part that does not scale (measuring) kept.
    """
    alike = [
        (parent, child)
        for parent, child in known
        if child.verb == verb and (verb == "invert" or (parent.tasks_learned == 0) == (node.tasks_learned == 0))
    ]
    if not alike:
        return None

    def unlike(pair: tuple[Snapshot, Snapshot]) -> tuple[int, int]:
        parent, child = pair
        same_strategy = child.config.learn.strategy == config.learn.strategy
        return (not same_strategy and verb == "learn", abs(parent.tasks_learned - node.tasks_learned))

    parent, child = min(alike, key=unlike)
    spent = child.record.get("seconds", {})
    fixed = float(spent.get("measure", 0.0)) + float(spent.get("statistics", 0.0))
    scaled = max(0.0, float(spent.get("total", 0.0)) - fixed)
    before = effort(verb, child.config, parent.tasks_learned, classes_of(verb, parent, child.config))
    now = effort(verb, config, node.tasks_learned, classes_of(verb, node, config))
    return fixed + scaled * (now / before if before else 1.0)


def heats(node: Snapshot, trials: Sequence[int], units: int, known: Sequence[Steps]) -> float | None:
    """Seconds of a race at a snapshot, or None without any experience of an inversion.

    trials: of each racer, the short runs in which its step sizes are found.
    """
    done = [child for collection in known for _, child in collection if child.verb == "invert"][:1]
    if not done:
        return None
    child = done[0]
    spent = sum(float(child.record.get("seconds", {}).get(part, 0.0)) for part in ("layers", "refine"))
    classes = len(child.record.get("inverted_classes", ())) or classes_of("invert", child, child.config)
    work = effort("invert", child.config, child.tasks_learned, classes)
    images = sum(TARGETS + NO_IMAGE + count * (TUNED_ON + NO_IMAGE) for count in trials)
    return spent * units * images * network_effort(node.config) / work if work else None


def corrected(later: Sequence[float | None], expected: Sequence[float | None], spent: Sequence[float]) -> float | None:
    """Seconds of the steps that are still to come, when those that are over took `spent` instead of `expected`.

    None when nobody knows about one of them.
    """
    if None in later:
        return None
    known = [(e, s) for e, s in zip(expected, spent, strict=False) if e]
    pace = sum(s for _, s in known) / sum(e for e, _ in known) if known else 1.0
    return pace * sum(seconds or 0.0 for seconds in later)


def in_words(time: float | None) -> str:
    """Seconds as a person would say them; empty when unknown."""
    if time is None:
        return ""
    if time < 0.95:
        return "under a second"
    if time < 90:
        return f"about {round(time)} s"
    if time < 5400:
        return f"about {round(time / 60)} min"
    return f"about {time / 3600:.1f} h"
