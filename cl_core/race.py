"""The race: the same target features inverted by several settings of one family, at the same compute.

A unit is one forward and backward pass of all the targets through the whole network; an iteration at every group of
layers is a unit too, and a decoder's pass over its examples counts. Every racer minimises, and is judged by, the same
objective: squared feature error relative to the features' variance + mean KL of the normalisation layers' statistics
+ TV · total variation (TRIALS.md §2). Features of length 1, such as CLIP's, have the error 1 − cosine instead.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cl_core import stopwatch
from cl_core.backbones.chain import frozen
from cl_core.config import ConfigError, InvertConfig
from cl_core.events import Diverged, Event
from cl_core.images import from_bytes
from cl_core.inversion import Knowledge, draw_targets, invert_targets
from cl_core.inversion.full_model import RefineStep
from cl_core.inversion.objectives import FeatureTarget, channel_kls, total_variation
from cl_core.inversion.starts import DECODING, EXAMPLES
from cl_core.oracle import Oracle
from cl_core.racers import Racer
from cl_core.seeding import generator
from cl_core.state import State
from cl_core.statistics import watching

TV = 0.125  # on normalised pixels; about 2 on pixels in [0, 1]
TV_UNIT = 0.3  # beside 1 − cosine, on pixels in [0, 1]


@dataclass
class Course:
    """What all the racers of a seed share. labels: (n,) class indices; real_labels: the data set's own."""

    state: State
    knowledge: Knowledge
    targets: Tensor
    labels: Tensor
    real_labels: Tensor
    oracle: Oracle | None  # without one, nobody says what the images show
    base: InvertConfig
    seed: int


@dataclass(frozen=True)
class Point:
    """Where a racer is after so many units. images (n, c, h, w): its best so far."""

    units: int
    seconds: float
    measures: dict[str, float]
    images: Tensor


def course(state: State, oracle: Oracle | None, targets: int, seed: int, purpose: str) -> Course:
    """Targets of the first half of the classes, drawn from their Gaussians; decoders see images of the other half only.

    targets: how many in all; purpose: names the draws, so that tuning and racing never share targets.
    """
    total = state.stream.task_sizes[0]
    made = _course(state, oracle, tuple(range(max(1, total // 2))), targets, seed, purpose)
    train = state.stream.experience(0).train
    others = state.normalise(from_bytes(train.images[train.labels >= len(made.knowledge.classes)], state.device))
    pixels = others.transpose(0, 1).flatten(1)
    known = dataclasses.replace(
        made.knowledge,
        examples=others[:: max(1, len(others) // EXAMPLES)][:EXAMPLES],
        colours=torch.cov(pixels, correction=0).view(len(pixels), len(pixels)),
    )
    return dataclasses.replace(made, knowledge=known)


def course_of_stream(state: State, oracle: Oracle | None, targets: int, seed: int, purpose: str) -> Course:
    """Targets of all the classes that a state has seen; decoders see images of the newest task, as in any inversion.

    From now on torch has one thread, so that its processor time can be told from what else the program does.
    """
    torch.set_num_threads(1)
    return _course(state, oracle, tuple(range(len(state.gaussians))), targets, seed, purpose)


def _course(
    state: State, oracle: Oracle | None, classes: tuple[int, ...], targets: int, seed: int, purpose: str
) -> Course:
    each, unit = math.ceil(targets / len(classes)), state.network.unit_features
    base = InvertConfig(selection="random", images_per_class=each, start="decoder")
    base = dataclasses.replace(base, distance="cosine" if unit else "mse", tv=TV_UNIT if unit else TV)
    known = state.knowledge(classes, base)
    drawn, labels = draw_targets(known, base, generator(seed, purpose, "targets"))
    weight, norms = 1.0 if unit else 1 / float(drawn.var(0).mean()), len(state.network.norms)
    base = dataclasses.replace(base, feature_weight=weight, alpha=1 / norms if norms else 0.0, layer_alpha=20.0)
    order = torch.tensor(state.stream.class_order, device=labels.device)
    return Course(state, known, drawn, labels, order[labels], oracle, base, seed)


def tuned(racer: Racer, course: Course, units: int, near: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings of a racer for a budget: see `tuning`."""
    work = tuning(racer, course, units, near=near)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return dict(end.value)


def tuning(
    racer: Racer, course: Course, units: int, of: Course | None = None, near: Mapping[str, Any] | None = None
) -> Generator[Event, None, dict[str, Any]]:
    """Each entry of a racer's grid in turn, the rest held, by the final objective. Returns its settings.

    of: the course to be run then, whose refinement shall be as long: fitting decoders costs more of fewer targets.
    near: the settings found for the next smaller budget; then only what lies beside them in the grid is tried.
    """
    if of is not None:
        units += _fit(racer.settings, course) - _fit(racer.settings, of)
    best: dict[str, Any] = dict(near or racer.settings)
    grid = {name: _beside(values, near[name]) if near else values for name, values in racer.grid.items()}
    count, done = sum(len(values) for values in grid.values()), 0
    found: dict[tuple[Any, ...], float] = {}
    for name, values in grid.items():
        scores = {}
        for value in values:
            settings = best | {name: value}
            tried = tuple(settings.get(key) for key in grid)
            if tried not in found:
                found[tried] = yield from _score(racer, settings, course, units, done / count, 1 / count)
            scores[value] = found[tried]
            done += 1
        best[name] = min(scores, key=lambda value: scores[value])
    return best


def _beside(values: Sequence[Any], value: Any) -> Sequence[Any]:
    """A value of a grid and its neighbours there."""
    at = list(values).index(value)
    return values[max(0, at - 1) : at + 2]


def _score(
    racer: Racer, settings: Mapping[str, Any], course: Course, units: int, done: float, share: float
) -> Generator[Event, None, float]:
    """The objective after so many units. done, share: where this trial is in the whole search, for its events."""
    objective = math.inf
    try:
        for item in _run_once(racer, settings, course, [units]):
            if isinstance(item, Point):
                objective = item.measures["objective"]
            else:
                yield dataclasses.replace(item, fraction=done + share * item.fraction, losses={}, images=None)
    except Diverged:
        return math.inf
    return objective


def run(racer: Racer, settings: Mapping[str, Any], course: Course, units: Sequence[int]) -> Iterator[Point]:
    """The racer at each of those budgets, smallest first. Raises Diverged."""
    budgets = sorted(units)
    for shared in [budgets] if racer.anytime else [[budget] for budget in budgets]:
        for item in _run_once(racer, settings, course, shared):
            if isinstance(item, Point):
                yield item


def watched(
    racer: Racer, settings: Mapping[str, Any], course: Course, units: int, looks: int
) -> Generator[Event, None, list[Point]]:
    """One run of so many units, for somebody who looks on: its events, and where it was at about so many moments.

    The moments are the same for all racers; at those before its refinement began there is no image to judge. What a
    racer's schedule does depends on `units`, so that a moment on the way is not what it could have had in that time.
    Seconds are those of this thread's processor: others have other things to do. Raises Diverged.
    """
    before = _spent_before(racer, settings, course, units)
    moments = sorted({math.ceil(units * number / looks) for number in range(1, looks + 1)})
    points = []
    clock = _Clock(stopwatch.seconds if torch.cuda.is_available() else time.thread_time)
    judged = [moment for moment in moments if moment > sum(before)]
    for item in _run_once(racer, settings, course, judged, clock):
        if isinstance(item, Point):
            points.append(item)
        else:
            yield item
    return points


def _spent_before(racer: Racer, settings: Mapping[str, Any], course: Course, units: int) -> tuple[int, int]:
    """Of a budget, what goes into the layers and what into fitting decoders before the refinement begins."""
    layers = dataclasses.replace(course.base, **settings).iterations_per_layer
    if racer.layer_share:
        layers = round(racer.layer_share * units)
    return layers, _fit(settings, course)


def _fit(settings: Mapping[str, Any], course: Course) -> int:
    """Units that fitting decoders costs: their examples pass forward once."""
    decodes = settings["start"] in DECODING
    return math.ceil(len(course.knowledge.examples) / (2 * len(course.targets))) if decodes else 0


def _run_once(
    racer: Racer, settings: Mapping[str, Any], course: Course, budgets: Sequence[int], clock: "_Clock | None" = None
) -> Iterator[Event | Point]:
    """One run, looked at whenever a budget is spent. The clock stands still while it is looked at."""
    config = dataclasses.replace(course.base, **settings)
    layers, fit = _spent_before(racer, settings, course, budgets[-1])
    knowledge = course.knowledge if fit else dataclasses.replace(course.knowledge, examples=course.targets[:0])
    full = budgets[-1] - layers - fit
    if layers + fit >= budgets[0]:
        raise ConfigError(
            f"A budget of {budgets[0]} units leaves “{racer.name}” no iteration of the refinement: "
            "allow more units, or more targets, which share the cost of fitting decoders."
        )
    config = dataclasses.replace(config, iterations_per_layer=layers, full_iterations=full)
    clock, best, points = clock or _Clock(), _Best(), list[Point]()

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
    for event in steps:
        with clock.standing():  # whoever listens takes their own time
            yield event
            yield from points
        points.clear()
    yield from points


def judge(course: Course, images: Tensor) -> dict[str, float]:
    """Objective, its parts, the oracle's accuracy and the pixel variance within a class, of unit images, in float32.

    Without an oracle, without its accuracy.
    """
    state, mixed = course.state, course.state.network.mixed
    state.network.mixed = False
    try:
        with torch.no_grad(), frozen(state.network), watching(state.network.norms) as seen:
            normal = state.normalise(images)
            features = state.network.features(normal)
    finally:
        state.network.mixed = mixed
    base = course.base
    error = base.feature_weight * float(FeatureTarget(course.targets, (), base.distance == "cosine").distance(features))
    statistics = float(channel_kls(seen, course.knowledge.norms)) / len(seen) if seen else 0.0
    within = [images[course.labels == c].var(0, correction=0).mean() for c in course.labels.unique()]
    found = {
        "objective": error + statistics + base.tv * float(total_variation(normal)),
        "feature_error": error,
        "statistics_error": statistics,
        "pixel_variance": float(torch.stack(within).mean()),
    }
    if course.oracle is not None:
        right = course.oracle.name(images) == course.real_labels
        found["oracle_accuracy"] = float(right.float().mean())
    return found


class _Best:
    """The best images seen, by the loss that the refinement reports."""

    def __init__(self) -> None:
        self.seen, self.loss, self.images = 0, math.inf, torch.empty(0)

    def see(self, step: RefineStep) -> None:
        self.seen += 1
        if step.losses["total"] < self.loss:
            self.loss, self.images = step.losses["total"], step.images


class _Clock:
    """Seconds since it was made, as `read` tells them."""

    def __init__(self, read: Callable[[], float] = stopwatch.seconds) -> None:
        self.read = read
        self.began = self.read()

    @contextmanager
    def standing(self) -> Iterator[float]:
        """The seconds so far; what is done within the block does not count."""
        stopped = self.read()
        yield stopped - self.began
        self.began += self.read() - stopped
