"""The training loop: one task's real images, with synthetic images of the old classes replayed (METHOD.md §7)."""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cl_core import augment, losses
from cl_core.backbones import Backbone
from cl_core.backbones.chain import evaluating
from cl_core.config import LearnConfig
from cl_core.divergence import DivergenceWatch
from cl_core.events import Event
from cl_core.pulse import pulse
from cl_core.strategies import Batch, Strategy

READOUT_SIDE = 14  # the auxiliary read-out predicts the image at this side
LOGGED_STEPS = 200  # points kept of each loss curve


@dataclass(frozen=True)
class TaskData:
    """Normalised images (n, c, h, w) and labels (n,): real ones of the new task, and those replayed of the old.

    The old ones may be hidden inputs of the second layer (n, t, w), which then pass the first one by.
    The new task's classes begin at first_new; old_classes: how many there were before it; classes: in all, with it.
    """

    images: Tensor
    labels: Tensor
    old_images: Tensor
    old_labels: Tensor
    first_new: int
    old_classes: int
    classes: int


@dataclass
class Training:
    """What a training leaves to look at: curves by name, and each epoch's validation accuracy of every task seen."""

    curves: dict[str, list[float]] = field(default_factory=dict)
    epoch_accuracy: list[list[float]] = field(default_factory=list)


def train(
    student: Backbone,
    teacher: Backbone | None,
    strategy: Strategy,
    data: TaskData,
    config: LearnConfig,
    generator: torch.Generator,
    accuracies: Callable[[], list[float]],
) -> Generator[Event, None, Training]:
    """Trains `student` in place. The teacher must be frozen and in evaluation mode. Raises Diverged."""
    trainer = _Trainer(student, teacher, strategy, data, config, generator)
    training, watch = (
        Training(),
        DivergenceWatch("learning", "Step size, first task" if teacher is None else "Step size"),
    )
    plan = _stages(config, first=teacher is None)
    total = max(1, sum(epochs for _, epochs in plan) * trainer.steps_per_epoch)
    done, every = 0, max(1, total // LOGGED_STEPS)
    for scope, epochs in plan:
        with _trainable(student, scope):
            optimiser = trainer.optimiser()
            for epoch in range(epochs):
                for indices in trainer.batches():
                    trainer.set_step_size(optimiser, scope, epoch, epochs)
                    values = trainer.step(optimiser, indices)
                    watch.check(values["total"])
                    done += 1
                    if done % every == 0 or done == total:
                        _log(training.curves, done, values)
                    yield Event("learn", done, total, done / total, losses=values)
                training.epoch_accuracy.append(accuracies())
                last = tuple(training.epoch_accuracy[-1])
                yield Event("learn", done, total, done / total, losses=values, accuracies=last)
    if teacher is not None and len(data.old_images):
        yield from _balance_head(student, teacher, data, config, generator)
        training.epoch_accuracy.append(accuracies())
    return training


def _stages(config: LearnConfig, first: bool) -> list[tuple[str, int]]:
    """(what is trained, epochs): new head, last stage, everything (METHOD.md §7, schedule)."""
    if first:
        return [("all", config.epochs_first)]
    return [("head", config.head_epochs), ("stage", config.stage_epochs), ("all", config.epochs)]


@contextmanager
def _trainable(network: Backbone, scope: str) -> Iterator[None]:
    """Training mode and gradients for a part of the network; the rest is frozen, in evaluation mode."""
    network.eval().requires_grad_(False)
    for part in network.parts(scope):
        part.train().requires_grad_(True)
    try:
        yield
    finally:
        network.eval()
        for part in network.parts("all"):
            part.requires_grad_(True)


class _Trainer:
    """Batches, steps and step sizes of one training."""

    def __init__(
        self,
        student: Backbone,
        teacher: Backbone | None,
        strategy: Strategy,
        data: TaskData,
        config: LearnConfig,
        generator: torch.Generator,
    ) -> None:
        self.student, self.teacher, self.strategy = student, teacher, strategy
        self.data, self.config, self.generator = data, config, generator
        device, d = data.images.device, student.feature_size
        self.first = teacher is None
        self.steps_per_epoch = math.ceil(len(data.images) / config.batch_size)
        self.relation = nn.Linear(d, d, bias=False, device=device)
        nn.init.eye_(self.relation.weight)
        pixels = data.images.shape[1] * READOUT_SIDE**2
        self.readout = nn.Linear(d, pixels, device=device)
        nn.init.zeros_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)

    def optimiser(self) -> torch.optim.Optimizer:
        extra = [*self.relation.parameters()] if not self.first else []
        extra += [*self.readout.parameters()] if self.config.readout else []
        parameters = [p for p in self.student.parameters() if p.requires_grad] + extra
        lr, decay = self.config.lr_first if self.first else self.config.lr, self.config.weight_decay
        return _optimiser(self.config, parameters, lr, decay)

    def set_step_size(self, optimiser: torch.optim.Optimizer, scope: str, epoch: int, epochs: int) -> None:
        lr, progress = self.config.lr_first if self.first else self.config.lr, epoch / max(1, epochs)
        if scope == "all" and self.config.schedule == "cosine":
            lr *= 0.5 * (1 + math.cos(math.pi * progress))
        elif scope == "all":
            lr *= 0.1 ** ((progress >= 0.5) + (progress >= 5 / 6))
        for group in optimiser.param_groups:
            group["lr"] = lr

    def batches(self) -> Iterator[Tensor]:
        """Rows of real images, each once, in a new order; a last batch of one (BatchNorm needs two) is left out."""
        order = torch.randperm(len(self.data.images), generator=self.generator)
        for part in order.split(self.config.batch_size):
            if len(part) > 1 or len(order) == 1:
                yield part.to(self.data.images.device)

    def _vary(self, x: Tensor, old: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The shifted images, and the same with noise in the parts that pass through the network: real and replayed

        images together, or hidden inputs apart, as they are.
        """
        hidden = [old] if len(old) and old.dim() != x.dim() else []
        images = x if hidden or not len(old) else torch.cat([x, old])
        shifted = augment.shift(images, self.config.shift, self.generator)
        return shifted, [augment.add_noise(shifted, self.config.noise, self.generator), *hidden]

    def step(self, optimiser: torch.optim.Optimizer, indices: Tensor) -> dict[str, float]:
        """One step of the optimiser; the weighted losses by name, with their sum as "total"."""
        data, n = self.data, len(indices)
        x, labels = data.images[indices], data.labels[indices]
        old_labels = data.old_labels[:0]
        if len(data.old_images):
            chosen = torch.randint(len(data.old_images), (n,), generator=self.generator).to(x.device)
            old, old_labels = data.old_images[chosen], data.old_labels[chosen]
        else:
            old = data.old_images
        clean, parts = self._vary(x, old)
        features = _features(self.student, parts)
        head = self.student.present_head()
        logits = head(features)
        known = self._teach(parts)
        batch = Batch(
            labels=labels,
            features=features[:n],
            logits=logits[:n],
            old_labels=old_labels,
            old_features=features[n:],
            old_logits=logits[n:],
            head=head,
            relation=self.relation,
            teacher_features=known,
            teacher_logits=None if known is None or self.teacher is None else self.teacher.head(known),
            prototypes=head.prototypes,
            teacher_prototypes=None if self.teacher is None else self.teacher.present_head().prototypes,
            first_new=data.first_new,
            old_classes=data.old_classes,
            classes=data.classes,
        )
        terms = self.strategy.losses(batch, self.config)
        if self.config.readout:
            small = F.adaptive_avg_pool2d(clean, READOUT_SIDE).flatten(1)
            terms["readout"] = self.config.readout * F.mse_loss(self.readout(features[: len(small)]), small)
        total = torch.stack(list(terms.values())).sum()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        return {name: float(term.detach()) for name, term in terms.items()} | {"total": float(total.detach())}

    def _teach(self, parts: Sequence[Tensor]) -> Tensor | None:
        if self.teacher is None or not self.strategy.teaches:
            return None
        with torch.no_grad():
            return _features(self.teacher, parts)


def _features(network: Backbone, parts: Sequence[Tensor]) -> Tensor:
    """Features (n, d) of all the parts, one after the other."""
    return torch.cat([network.features(part) for part in parts]) if len(parts) > 1 else network.features(parts[0])


def _balance_head(
    student: Backbone, teacher: Backbone, data: TaskData, config: LearnConfig, generator: torch.Generator
) -> Generator[Event, None, None]:
    """The head alone, on features of unvaried images (METHOD.md §7): cross-entropy with classes weighted by inverse

    frequency, and hard distillation × 0.01.
    """
    labels = torch.cat([data.labels, data.old_labels])
    with torch.no_grad(), evaluating(student):
        parts = [data.images, data.old_images]
        if data.images.dim() == data.old_images.dim():
            parts = [torch.cat(parts)]
        features = torch.cat([student.features(part) for of in parts for part in of.split(student.at_once)])
        known = torch.cat([teacher(part) for part in data.old_images.split(student.at_once)])
    counts = torch.bincount(labels, minlength=data.classes).clamp_min(1)
    weights = len(labels) / (data.classes * counts)
    hold, _ = losses.novelty_factors(data.classes - data.first_new, data.old_classes)
    optimiser = _optimiser(config, list(student.head.parameters()), config.lr)
    real = len(data.images)
    for epoch in range(config.balance_epochs):
        for part in torch.randperm(len(labels), generator=generator).split(config.batch_size):
            pulse()
            index = part.to(labels.device)
            logits, old = student.head(features[index]), index[index >= real]
            total = F.cross_entropy(logits, labels[index], weights)
            if len(old):
                kept = losses.hard_distillation(logits[index >= real], known[old - real])
                total = total + 0.01 * config.hard_kd * hold * kept
            optimiser.zero_grad()
            total.backward()
            optimiser.step()
        yield Event("balance", epoch + 1, config.balance_epochs, 1.0, losses={"total": float(total.detach())})


def _optimiser(
    config: LearnConfig, parameters: list[nn.Parameter], lr: float, decay: float = 0.0
) -> torch.optim.Optimizer:
    if config.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=lr, weight_decay=decay)
    return torch.optim.SGD(parameters, lr=lr, momentum=0.9, nesterov=True, weight_decay=decay)


def _log(curves: dict[str, list[float]], done: int, values: dict[str, float]) -> None:
    curves.setdefault("iteration", []).append(done)
    for name, value in values.items():
        curves.setdefault(name, []).append(value)
