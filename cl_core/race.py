"""The race: the same target features inverted by several settings of one family, at the same compute.

A unit is one forward and backward pass of all the targets through the whole network; an iteration at every group of
layers is a unit too, and a decoder's pass over its examples counts. Every racer minimises, and is judged by, the same
objective: squared feature error relative to the features' variance + mean KL of the normalisation layers' statistics
+ TV · total variation (TRIALS.md §2).
"""

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cl_core.backbones.chain import frozen
from cl_core.config import InvertConfig
from cl_core.events import Diverged
from cl_core.images import from_bytes
from cl_core.inversion import Knowledge, draw_targets, invert_targets
from cl_core.inversion.full_model import RefineStep
from cl_core.inversion.objectives import channel_kls, total_variation
from cl_core.inversion.starts import EXAMPLES
from cl_core.oracle import Oracle
from cl_core.seeding import generator
from cl_core.state import State
from cl_core.statistics import watching

TV = 0.125  # on normalised pixels; about 2 on pixels in [0, 1]
STEP_SIZES = (0.03, 0.1, 0.3, 0.8, 2.0)  # every racer's step sizes come from this one grid


@dataclass(frozen=True)
class Racer:
    """settings: of InvertConfig; layer_share: of a budget, spent at the layers; grid: what is tuned, in that order."""

    name: str
    settings: Mapping[str, Any]
    layer_share: float = 0.0
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def anytime(self) -> bool:
        """Nothing in it depends on the length of the run, so that one run serves all the budgets."""
        return self.settings["optimiser"] == "lbfgs"


_LBFGS = {"optimiser": "lbfgs", "pixels": "dct"}
RACERS = (
    Racer(
        "the paper's PMI",
        {"groups": "layers", "start": "gaussian", "optimiser": "adam", "full_schedule": "cosine"},
        layer_share=0.25,  # 50 iterations a layer, then 160
        grid={"layer_lr": STEP_SIZES, "full_lr": STEP_SIZES},
    ),
    Racer(
        "layer groups, decoder starts",
        _LBFGS | {"groups": "halves", "start": "decoder", "iterations_per_layer": 4},
        grid={"iterations_per_layer": (2, 4, 7), "layer_alpha": (0.1, 1.0, 10.0), "groups": ("halves", "stages")},
    ),
    Racer("one group, decoder start", _LBFGS | {"groups": "whole", "start": "decoder", "iterations_per_layer": 0}),
    Racer(
        "noise, Adam",
        {
            "groups": "whole",
            "start": "gaussian",
            "iterations_per_layer": 0,
            "optimiser": "adam",
            "full_schedule": "cosine",
        },
        grid={"full_lr": STEP_SIZES, "beta2": (0.9, 0.999)},
    ),
    Racer("noise, L-BFGS", _LBFGS | {"groups": "whole", "start": "soft", "iterations_per_layer": 0}),
)


@dataclass
class Course:
    """What all the racers of a seed share. labels: (n,) class indices; real_labels: the data set's own."""

    state: State
    knowledge: Knowledge
    targets: Tensor
    labels: Tensor
    real_labels: Tensor
    oracle: Oracle
    base: InvertConfig
    seed: int


@dataclass(frozen=True)
class Point:
    """Where a racer is after so many units. images (n, c, h, w): its best so far."""

    units: int
    seconds: float
    measures: dict[str, float]
    images: Tensor


def course(state: State, oracle: Oracle, targets: int, seed: int, purpose: str) -> Course:
    """Targets of the first half of the classes, drawn from their Gaussians; decoders see images of the other half only.

    targets: how many in all; purpose: names the draws, so that tuning and racing never share targets.
    """
    total = state.stream.task_sizes[0]
    classes = tuple(range(max(1, total // 2)))
    base = InvertConfig(selection="random", images_per_class=math.ceil(targets / len(classes)), distance="mse", tv=TV)
    known = state.knowledge(classes, base)
    drawn, labels = draw_targets(known, base, generator(seed, purpose, "targets"))
    weight = 1 / float(drawn.var(0).mean())
    base = dataclasses.replace(base, feature_weight=weight, alpha=1 / len(state.network.norms), layer_alpha=20.0)
    train = state.stream.experience(0).train
    others = state.normalise(from_bytes(train.images[train.labels >= len(classes)], state.device))
    pixels = others.transpose(0, 1).flatten(1)
    known = dataclasses.replace(
        known,
        examples=others[:: max(1, len(others) // EXAMPLES)][:EXAMPLES],
        colours=torch.cov(pixels, correction=0).view(len(pixels), len(pixels)),
    )
    order = torch.tensor(state.stream.class_order, device=labels.device)
    return Course(state, known, drawn, labels, order[labels], oracle, base, seed)


def tuned(racer: Racer, course: Course, units: int) -> dict[str, Any]:
    """The settings of a racer for a budget: each entry of its grid in turn, the rest held, by the final objective."""
    best: dict[str, Any] = dict(racer.settings)
    for name, values in racer.grid.items():
        scores = {value: _score(racer, best | {name: value}, course, units) for value in values}
        best[name] = min(scores, key=lambda value: scores[value])
    return best


def _score(racer: Racer, settings: Mapping[str, Any], course: Course, units: int) -> float:
    try:
        return [point.measures["objective"] for point in run(racer, settings, course, [units])][-1]
    except Diverged:
        return math.inf


def run(racer: Racer, settings: Mapping[str, Any], course: Course, units: Sequence[int]) -> Iterator[Point]:
    """The racer at each of those budgets, smallest first. Raises Diverged."""
    budgets = sorted(units)
    if racer.anytime:
        yield from _run_once(racer, settings, course, budgets)
    else:
        for budget in budgets:
            yield from _run_once(racer, settings, course, [budget])


def _run_once(racer: Racer, settings: Mapping[str, Any], course: Course, budgets: Sequence[int]) -> Iterator[Point]:
    """One run, looked at whenever a budget is spent. The clock (CPU seconds) stands still while it is looked at."""
    config = dataclasses.replace(course.base, **settings)
    layers = config.iterations_per_layer
    if racer.layer_share:
        layers = round(racer.layer_share * budgets[-1])
    fit = math.ceil(len(course.knowledge.examples) / (2 * len(course.targets))) if config.start == "decoder" else 0
    knowledge = course.knowledge if fit else dataclasses.replace(course.knowledge, examples=course.targets[:0])
    full = budgets[-1] - layers - fit
    if layers + fit >= budgets[0]:
        raise ValueError(f"A budget of {budgets[0]} units leaves “{racer.name}” no iteration of the refinement.")
    config = dataclasses.replace(config, iterations_per_layer=layers, full_iterations=full)
    clock, best, points = _Clock(), _Best(), list[Point]()

    def look(step: RefineStep) -> None:
        best.see(step)
        spent = layers + fit + best.seen
        if spent in budgets:
            with clock.standing() as seconds:
                images = best.images.clamp(0, 1)
                points.append(Point(spent, seconds, judge(course, images), images))

    state = course.state
    draws = generator(course.seed, "race", racer.name)
    steps = invert_targets(
        state.network, knowledge, course.targets, course.labels, config, state.normalise, draws, look
    )
    for _ in steps:
        yield from points
        points.clear()
    yield from points


def judge(course: Course, images: Tensor) -> dict[str, float]:
    """Objective, its parts, the oracle's accuracy and the pixel variance within a class, of unit images, in float32."""
    state, mixed = course.state, course.state.network.mixed
    state.network.mixed = False
    try:
        with torch.no_grad(), frozen(state.network), watching(state.network.norms) as seen:
            normal = state.normalise(images)
            features = state.network.features(normal)
    finally:
        state.network.mixed = mixed
    error = course.base.feature_weight * float(F.mse_loss(features, course.targets))
    statistics = float(channel_kls(seen, course.knowledge.norms)) / len(seen)
    named = course.oracle.name(images)
    within = [images[course.labels == c].var(0, correction=0).mean() for c in course.labels.unique()]
    return {
        "objective": error + statistics + TV * float(total_variation(normal)),
        "feature_error": error,
        "statistics_error": statistics,
        "oracle_accuracy": float((named == course.real_labels).float().mean()),
        "pixel_variance": float(torch.stack(within).mean()),
    }


class _Best:
    """The best images seen, by the loss that the refinement reports."""

    def __init__(self) -> None:
        self.seen, self.loss, self.images = 0, math.inf, torch.empty(0)

    def see(self, step: RefineStep) -> None:
        self.seen += 1
        if step.losses["total"] < self.loss:
            self.loss, self.images = step.losses["total"], step.images


class _Clock:
    """CPU seconds of this process, which others on the machine do not change much; on a GPU, those of the wall."""

    def __init__(self) -> None:
        self.read = time.perf_counter if torch.cuda.is_available() else time.process_time
        self.began = self.read()

    @contextmanager
    def standing(self) -> Iterator[float]:
        """The seconds so far; what is done within the block does not count."""
        stopped = self.read()
        yield stopped - self.began
        self.began += self.read() - stopped
