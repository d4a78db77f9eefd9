"""From class Gaussians to synthetic images: targets, layer by layer, refinement (METHOD.md §2, steps 1–4)."""

import dataclasses
import functools
import time
from collections.abc import Callable, Generator

import torch
from torch import Tensor
from torch.nn import functional as F

from cl_core import selection
from cl_core.backbones import Backbone
from cl_core.backbones.chain import frozen
from cl_core.backbones.folding import folded
from cl_core.config import ConfigError, InvertConfig
from cl_core.events import Event
from cl_core.images import Normaliser
from cl_core.inversion import batches
from cl_core.inversion.batches import Inversion
from cl_core.inversion.film import Camera
from cl_core.inversion.full_model import RefineStep, refine, roll
from cl_core.inversion.generator import invert_with_generator
from cl_core.inversion.knowledge import Knowledge
from cl_core.inversion.objectives import FeatureTarget
from cl_core.inversion.optimisers import Adam, Optimiser, PerImageLBFGS
from cl_core.inversion.per_layer import invert_group
from cl_core.inversion.pixels import CoarseToFinePixels, DCTPixels, Hidden, Pixels, PlainPixels
from cl_core.inversion.starts import GroupStarts
from cl_core.inversion.work import Work


def layer_iterations(config: InvertConfig, groups: int) -> list[int]:
    """Iterations of each group of layers, first layer first. Raises ConfigError when the list does not fit."""
    if not config.layer_iterations:
        return [config.iterations_per_layer] * groups
    if len(config.layer_iterations) != groups:
        what = "layers" if config.groups == "layers" else "groups of layers"
        above = " above its patch embedding" if config.first_layer else ""
        raise ConfigError(
            f"“Iterations, layer by layer” has {len(config.layer_iterations)} numbers; "
            f"this network has {groups} {what}{above}."
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
    targets = (centres + config.target_spread * (chosen - centres)).flatten(0, 1)
    if knowledge.unit_features:
        targets = F.normalize(targets, dim=1)
    return targets, labels.to(chosen.device)


def invert_classes(
    backbone: Backbone, knowledge: Knowledge, config: InvertConfig, normalise: Normaliser, generator: torch.Generator
) -> Generator[Event, None, Inversion]:
    """Synthetic images of the classes of `knowledge`, in batches. The backbone's modes and requires_grad are restored.

    Raises ConfigError when a batch is too small for the classes.
    """
    shares = batches.shares(len(knowledge.classes), config.images_per_class, config.batch)
    targets, labels = draw_targets(knowledge, config, generator)
    if config.source == "generator":
        return (yield from invert_with_generator(backbone, knowledge, targets, labels, config, normalise, generator))
    parts: list[Inversion] = []
    for share in shares:
        rows = batches.rows(len(knowledge.classes), config.images_per_class, share)
        own = dataclasses.replace(config, images_per_class=len(share))
        steps = invert_targets(backbone, knowledge, targets[rows], labels[rows], own, normalise, generator)
        parts.append((yield from batches.numbered(steps, len(parts), len(shares))))
    return batches.joined(parts, targets, labels, len(knowledge.classes))


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
    target = FeatureTarget(targets, [model.whitener() for model in of_classes], config.distance == "cosine")
    first = config.first_layer
    groups = [*([range(first)] if first else []), *backbone.groups(config.groups, first)]
    names = tuple(backbone.group_name(group) for group in groups)
    iterations = [0] * first + layer_iterations(config, len(groups) - first)
    work = Work(iterations, names, config.full_iterations, labels, config.images_per_class)
    result = Inversion(torch.empty(0), labels, targets)
    with frozen(backbone):
        backbone = folded(backbone)
        starts = GroupStarts(config.start, backbone, groups, knowledge.inputs, knowledge.examples, decodes=first > 0)
        camera = Camera(
            len(knowledge.classes),
            config.images_per_class,
            config.full_iterations,
            starts.of_first_classes,
            normalise,
            first,
        )
        result.film = camera.film
        start = yield from _invert_groups(
            backbone, groups, knowledge, target, config, normalise, generator, work, result, starts, camera
        )
        made = yield from _refine(
            backbone, knowledge, target, start, config, normalise, generator, work, result, watch, camera
        )
        result.images, result.hidden = (camera.decode(made), made) if first else (made, None)
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
    work: Work,
    result: Inversion,
    starts: GroupStarts,
    camera: Camera,
) -> Generator[Event, None, Tensor]:
    """PMI down the chain: unit images (n, c, h, w), held within [0, 1]; or hidden inputs, where it stops before."""
    first = config.first_layer
    for index in reversed(range(first, len(groups))):
        began, group = time.perf_counter(), groups[index]
        statistics = knowledge.inputs[group[0]]
        h = starts.draw(index, target.values, generator)
        if index == len(groups) - 1:
            camera.stop(h, index, "", 0, 0.0, None)
        unit = statistics.deviation(h.shape) if config.layer_units == "deviation" else None
        h = (h if unit is None else h / unit).requires_grad_()
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
            unit,
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
    return best if first else normalise.inverse(best).clamp(0, 1)


def _refine(
    backbone: Backbone,
    knowledge: Knowledge,
    target: FeatureTarget,
    start: Tensor,
    config: InvertConfig,
    normalise: Normaliser,
    generator: torch.Generator,
    work: Work,
    result: Inversion,
    watch: Callable[[RefineStep], None] | None,
    camera: Camera,
) -> Generator[Event, None, Tensor]:
    """The refinement: unit images (n, c, h, w), or hidden inputs."""
    began, curves = time.perf_counter(), dict[str, list[float]]()
    pixels = _free(start, knowledge, config, normalise)
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
    decode = camera.decode if config.first_layer else None
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
        look = functools.partial(_shown, step.images, decode)
        yield work.refine_event(len(curves["total"]), step.losses, look, decode is not None)
        camera.refined(step.images, len(curves["total"]), work.done, step.losses["total"])
    result.refine = {"iterations": config.full_iterations, "curve": curves, "seconds": time.perf_counter() - began}
    camera.ended(images, work.done, min(curves["total"]) if curves else None)
    return images


def _shown(made: Tensor, decode: Callable[[Tensor], Tensor] | None, rows: Tensor) -> Tensor:
    """Some rows of what an iteration met, as images."""
    return made[rows] if decode is None else decode(made[rows])


def _free(start: Tensor, knowledge: Knowledge, config: InvertConfig, normalise: Normaliser) -> Pixels:
    """What the refinement may move, from the start on: pixels, or hidden inputs in the units of the layers."""
    if config.first_layer:
        deviation = knowledge.inputs[config.first_layer].deviation(start.shape)
        return Hidden(start, deviation if config.layer_units == "deviation" else None)
    if config.pixels == "coarse-to-fine" and config.full_iterations:
        return CoarseToFinePixels(start)
    if config.pixels == "dct" and config.full_iterations:
        return DCTPixels(start, knowledge.colours)
    return PlainPixels(start, normalise.mean, normalise.std)
