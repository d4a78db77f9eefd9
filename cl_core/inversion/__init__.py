"""From class Gaussians to synthetic images: targets, layer by layer, refinement (METHOD.md §2, steps 1–4)."""

import functools
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from cl_core import selection
from cl_core.backbones import Backbone
from cl_core.backbones.chain import frozen
from cl_core.backbones.folding import folded
from cl_core.config import ConfigError, InvertConfig
from cl_core.events import Event
from cl_core.images import Normaliser, activations_to_bytes, to_bytes
from cl_core.inversion.film import Camera, Film
from cl_core.inversion.full_model import RefineStep, refine, roll
from cl_core.inversion.objectives import FeatureTarget, InputStatistics
from cl_core.inversion.optimisers import Adam, Optimiser, PerImageLBFGS
from cl_core.inversion.per_layer import invert_group
from cl_core.inversion.pixels import CoarseToFinePixels, DCTPixels, Pixels, PlainPixels
from cl_core.inversion.starts import GroupStarts
from cl_core.statistics import ClassGaussians, Moments

SECONDS_BETWEEN_IMAGES = 0.4
SHOWN_A_CLASS = 8


@dataclass(frozen=True)
class Knowledge:
    """What data-free learning has kept of the classes to invert, in the order of `classes`."""

    classes: tuple[int, ...]
    gaussians: ClassGaussians
    inputs: Sequence[InputStatistics]  # one a layer: of its input
    norms: Sequence[Moments]  # one a BatchNorm: of its input
    features: Tensor  # (g, n, d) of each class, for its contrastive model: real for new classes, synthetic for old
    pool: int  # side of the feature grid
    examples: (
        Tensor  # normalised images of the current task (m, c, h, w), for decoders; empty unless they are asked for
    )
    colours: Tensor  # (c, c) covariance of the current task's pixels


@dataclass
class Inversion:
    """images (n, c, h, w) in [0, 1], class by class; labels (n,); targets (n, d); and how it went, as plain data."""

    images: Tensor
    labels: Tensor
    targets: Tensor
    layers: list[dict[str, Any]] = field(default_factory=list)
    refine: dict[str, Any] = field(default_factory=dict)
    film: Film = field(default_factory=Film)


def layer_iterations(config: InvertConfig, groups: int) -> list[int]:
    """Iterations of each group of layers, first layer first. Raises ConfigError when the list does not fit."""
    if not config.layer_iterations:
        return [config.iterations_per_layer] * groups
    if len(config.layer_iterations) != groups:
        raise ConfigError(
            f"“Iterations, layer by layer” has {len(config.layer_iterations)} numbers; "
            f"this network has {groups} {'layers' if config.groups == 'layers' else 'groups of layers'}."
        )
    return list(config.layer_iterations)


def draw_targets(knowledge: Knowledge, config: InvertConfig, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Target features (n, d), class by class, and their class indices (n,).

    Chosen by contrastive feature selection or at random, then drawn together about the class mean by target_spread.
    """
    known, n = knowledge.gaussians, config.images_per_class
    if config.selection == "cfs":
        pool = knowledge.pool if config.cfs_pooled else 1
        models = selection.fit(selection.pooled(knowledge.features, pool), config, generator)
        chosen = selection.select(known, models, n, config, generator, pool)
    else:
        chosen = torch.stack([known.sample(c, n, generator) for c in range(len(known))])
    centres = known.mean[:, None]
    labels = torch.tensor(knowledge.classes).repeat_interleave(n)
    return (centres + config.target_spread * (chosen - centres)).flatten(0, 1), labels.to(chosen.device)


def invert_classes(
    backbone: Backbone, knowledge: Knowledge, config: InvertConfig, normalise: Normaliser, generator: torch.Generator
) -> Generator[Event, None, Inversion]:
    """Synthetic images of the classes of `knowledge`. The backbone's modes and requires_grad are restored."""
    targets, labels = draw_targets(knowledge, config, generator)
    return (yield from invert_targets(backbone, knowledge, targets, labels, config, normalise, generator))


def invert_targets(
    backbone: Backbone,
    knowledge: Knowledge,
    targets: Tensor,
    labels: Tensor,
    config: InvertConfig,
    normalise: Normaliser,
    generator: torch.Generator,
    watch: Callable[[RefineStep], None] | None = None,
) -> Generator[Event, None, Inversion]:
    """Synthetic images of given target features (n, d), class by class, as `draw_targets` gives them.

    watch: is shown every iteration of the refinement, with all its images.
    """
    of_classes = knowledge.gaussians.models if config.distance == "mahalanobis" else ()
    target = FeatureTarget(targets, [model.whitener() for model in of_classes])
    groups = backbone.groups(config.groups)
    names = tuple(backbone.group_name(group) for group in groups)
    work = _Work(layer_iterations(config, len(groups)), names, config.full_iterations, labels, config.images_per_class)
    result = Inversion(torch.empty(0), labels, targets)
    with frozen(backbone):
        backbone = folded(backbone)
        starts = GroupStarts(config.start, backbone, groups, knowledge.inputs, knowledge.examples)
        camera = Camera(
            len(knowledge.classes), config.images_per_class, config.full_iterations, starts.of_first_classes, normalise
        )
        result.film = camera.film
        start = yield from _invert_groups(
            backbone, groups, knowledge, target, config, normalise, generator, work, result, starts, camera
        )
        result.images = yield from _refine(
            backbone, knowledge, target, start, config, normalise, generator, work, result, watch, camera
        )
    return result


def _through(backbone: Backbone, group: range, jitter: int, generator: torch.Generator, h: Tensor) -> Tensor:
    """A group's output; for images that aim at a feature, behind the jitter (at a map, each place has its target)."""
    return backbone.through(group, roll(h, jitter, generator))


def _invert_groups(
    backbone: Backbone,
    groups: list[range],
    knowledge: Knowledge,
    target: FeatureTarget,
    config: InvertConfig,
    normalise: Normaliser,
    generator: torch.Generator,
    work: "_Work",
    result: Inversion,
    starts: GroupStarts,
    camera: Camera,
) -> Generator[Event, None, Tensor]:
    """PMI down the chain: unit images (n, c, h, w), held within [0, 1]."""
    for index in reversed(range(len(groups))):
        began, group = time.perf_counter(), groups[index]
        statistics = knowledge.inputs[group[0]]
        h = starts.draw(index, target.values, generator).requires_grad_()
        if index == len(groups) - 1:
            camera.stop(h, index, "", 0, 0.0, None)
        norms, before = backbone.norms_of(group), len(backbone.norms_of(range(group[0])))
        steps = invert_group(
            functools.partial(_through, backbone, group, config.jitter if len(groups) == 1 else 0, generator),
            norms,
            knowledge.norms[before : before + len(norms)],
            target,
            h,
            statistics,
            PerImageLBFGS(h, backbone.mixed) if config.optimiser == "lbfgs" else Adam([h], config.beta2),
            work.per_group[index],
            config.layer_lr,
            config.alpha * config.layer_alpha * len(backbone.layers),
        )
        curve: list[float] = []
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                best = stop.value
                break
            curve.append(step.losses["total"])
            yield work.layer_event(index, len(curve), step.losses, step.current, normalise)
        result.layers.append(
            {
                "layer": index + 1,
                "name": work.names[index],
                "iterations": work.per_group[index],
                "curve": curve,
                "seconds": time.perf_counter() - began,
            }
        )
        if curve:
            camera.stop(best, index, work.names[index], len(curve), work.done, min(curve))
        target = FeatureTarget(best)
    return normalise.inverse(best).clamp(0, 1)


def _refine(
    backbone: Backbone,
    knowledge: Knowledge,
    target: FeatureTarget,
    start: Tensor,
    config: InvertConfig,
    normalise: Normaliser,
    generator: torch.Generator,
    work: "_Work",
    result: Inversion,
    watch: Callable[[RefineStep], None] | None,
    camera: Camera,
) -> Generator[Event, None, Tensor]:
    """The refinement: unit images (n, c, h, w)."""
    began, curves = time.perf_counter(), dict[str, list[float]]()
    pixels: Pixels = PlainPixels(start, normalise.mean, normalise.std)
    if config.pixels == "coarse-to-fine" and config.full_iterations:
        pixels = CoarseToFinePixels(start)
    elif config.pixels == "dct" and config.full_iterations:
        pixels = DCTPixels(start, knowledge.colours)
    optimiser: Optimiser = Adam(pixels.variables, config.beta2)
    if config.optimiser == "lbfgs":
        optimiser = PerImageLBFGS(pixels.variables[0], backbone.mixed)
    steps = refine(
        backbone,
        pixels,
        optimiser,
        normalise,
        target,
        result.labels,
        knowledge.norms,
        knowledge.inputs,
        config,
        generator,
    )
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            images = stop.value
            break
        for name, value in step.losses.items():
            curves.setdefault(name, []).append(value)
        if watch is not None:
            watch(step)
        yield work.refine_event(len(curves["total"]), step.losses, step.images)
        camera.refined(step.images, len(curves["total"]), work.done, step.losses["total"])
    result.refine = {"iterations": config.full_iterations, "curve": curves, "seconds": time.perf_counter() - began}
    camera.ended(images, work.done, min(curves["total"]) if curves else None)
    return images


class _Work:
    """Turns steps into events: how much is done of the whole, and images only a few times a second."""

    def __init__(
        self, per_group: list[int], names: tuple[str, ...], full: int, labels: Tensor, images_per_class: int
    ) -> None:
        self.per_group, self.names, self.full, self.done = per_group, names, full, 0.0
        self.total = sum(per_group) / len(per_group) + full  # in passes through the whole network
        first = torch.arange(len(labels)) % images_per_class < SHOWN_A_CLASS
        self.shown = first.nonzero().flatten().to(labels.device)
        self.labels = tuple(int(label) for label in labels[self.shown])
        self.latest = -SECONDS_BETWEEN_IMAGES

    def _time_for_images(self, last: bool) -> bool:
        if last or time.monotonic() - self.latest >= SECONDS_BETWEEN_IMAGES:
            self.latest = time.monotonic()
            return True
        return False

    def layer_event(
        self, index: int, iteration: int, losses: dict[str, float], current: Tensor, normalise: Normaliser
    ) -> Event:
        self.done += 1 / len(self.per_group)
        images = None
        if self._time_for_images(iteration == self.per_group[index]):
            shown = current[self.shown]
            images = to_bytes(normalise.inverse(shown)) if index == 0 else activations_to_bytes(shown)
        return Event(
            "layer",
            iteration,
            self.per_group[index],
            self.done / self.total,
            index + 1,
            self.names,
            losses,
            images=images,
            image_labels=self.labels if images is not None else (),
            images_are_activations=index > 0,
        )

    def refine_event(self, iteration: int, losses: dict[str, float], images: Tensor) -> Event:
        self.done += 1
        shown = to_bytes(images[self.shown]) if self._time_for_images(iteration == self.full) else None
        labels = self.labels if shown is not None else ()
        return Event(
            "refine", iteration, self.full, self.done / self.total, losses=losses, images=shown, image_labels=labels
        )
