"""State: a snapshot brought to life on a device, for the length of one verb, and back into arrays."""

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from cl_core import backbones, measure, prompts
from cl_core.backbones import Backbone
from cl_core.config import Config, ConfigError, InvertConfig, LearnConfig
from cl_core.datasets import Split
from cl_core.events import Diverged
from cl_core.images import Normaliser, from_bytes
from cl_core.inversion import Inversion, Knowledge
from cl_core.inversion.objectives import InputStatistics
from cl_core.inversion.starts import DECODING, EXAMPLES
from cl_core.learning import TaskData
from cl_core.seeding import generator
from cl_core.snapshot import Snapshot
from cl_core.statistics import ClassGaussians, KeptStatistics, affine_fit, running_moments
from cl_core.strategies import Strategy
from cl_core.stream import Experience, TaskStream
from cl_core.synthetic import Synthetic, bytes_of_one

QUICK_IMAGES_A_CLASS = 40  # validation images a class for the accuracies shown while learning


def resolve_device(name: str) -> torch.device:
    """auto: CUDA, then MPS, then the CPU. Raises ConfigError when the device named is not on this machine."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in present.items() if there)
    if not present.get(name, False):
        raise ConfigError(f"The device {name} is not on this machine; allowed are auto and cpu.")
    return torch.device(name)


class State:
    """The network, the statistics and the synthetic images of a snapshot, as tensors that may change."""

    def __init__(self, config: Config) -> None:
        torch.set_num_threads(config.machine.threads)
        threadpool_limits(1, user_api="blas")  # numpy handles small matrices here; two of its threads were slower
        self.config = config
        self.device = resolve_device(config.machine.device)
        if self.device.type == "cuda":  # the same bits each time, as on the CPU
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read at the first product of matrices
            torch.use_deterministic_algorithms(True, warn_only=True)
        self.stream = TaskStream(config.stream, config.machine.seed)
        images = self.stream.dataset.split("train").images
        self.input_shape = tuple(images.shape[1:])
        self.network: Backbone
        self.normalise: Normaliser
        self.teacher: Backbone | None = None
        self.fixed: dict[str, np.ndarray] = {}  # what learning never changes of the network
        self.tasks_learned = 0
        self.gaussians = ClassGaussians.of(config.learn)
        self.statistics = KeptStatistics({})
        self.synthetic = Synthetic(self.input_shape, self.device)

    @classmethod
    def of(cls, snapshot: Snapshot, config: Config) -> "State":
        """The snapshot's tensors, copied: the snapshot stays as it is."""
        state = cls(config)
        classes = max(1, snapshot.classes_seen)
        state.tasks_learned, state.fixed = snapshot.tasks_learned, snapshot.group("fixed")
        state.network = state._fresh_network(classes)
        state.normalise = state.network.normaliser(state.stream.mean, state.stream.std)
        if snapshot.tasks_learned:
            state.network.load_learned({k: torch.tensor(v) for k, v in snapshot.group("model").items()})
            state.gaussians = ClassGaussians.from_arrays(snapshot.group("gaussians"), state.device)
            state.statistics = KeptStatistics(snapshot.group("statistics"))
            state.synthetic = Synthetic.of(snapshot, state.input_shape, state.device)
        state.network.eval()
        return state

    def prepare(self, strategy: Strategy, experience: Experience, config: LearnConfig) -> TaskData:
        """What is learned from, and the network made ready: a teacher, and a head for all the classes seen."""
        task, first_new, classes = experience.index, experience.classes[0], experience.classes[-1] + 1
        old_classes = self.stream.classes_before(task)
        seed, new = self.config.machine.seed, experience.train
        if strategy.memory == "everything":
            new, first_new, old_classes = self.stream.seen(task, "train"), 0, 0
            self.network = self._fresh_network(classes)
            self.gaussians, self.statistics = ClassGaussians.of(config), KeptStatistics({})
        elif task:
            self.teacher = self.network.teacher()
        self.network.set_head(classes, generator(seed, "head", classes))
        old_images, old_labels = self.normalise(self.synthetic.images[:0]), self.synthetic.labels[:0]
        if strategy.memory == "synthetic":
            old_images, old_labels = self.synthetic.replayed(self.normalise), self.synthetic.labels
        elif strategy.memory == "real" and task:
            memory = self._memory(strategy, task - 1, config)
            old_images = self.normalise(from_bytes(memory.images, self.device))
            old_labels = torch.tensor(memory.labels)
        if config.drift == "affine" or not len(old_images):  # old class models stay: another kind is refused now
            self.gaussians.join(ClassGaussians.of(config))
        return TaskData(
            images=self.normalise(from_bytes(new.images, self.device)),
            labels=torch.tensor(new.labels, device=self.device),
            old_images=old_images,
            old_labels=old_labels.to(self.device),
            first_new=first_new,
            old_classes=old_classes,
            classes=classes,
        )

    def _fresh_network(self, classes: int) -> Backbone:
        draws = generator(self.config.machine.seed, "network")
        said, instead = prompts.of_stream(self.stream), prompts.instead(self.stream)
        network = backbones.build(self.config.network, self.input_shape, classes, draws, said, self.fixed, instead)
        network = network.to(self.device)
        if not self.fixed:
            self.fixed = {k: v.cpu().numpy() for k, v in network.fixed_state().items()}
        network.mixed = self.config.machine.precision == "bfloat16"
        return network

    def _memory(self, strategy: Strategy, task: int, config: LearnConfig) -> Split:
        """Real training images of each class of tasks 0 … task: never for a data-free strategy."""
        each = config.memory_per_class
        if strategy.same_bytes:
            image = int(np.prod(self.input_shape)) * self.stream.classes_before(task + 1)
            each = max(1, self._bytes_of_inversion(task) // image)
        rows, labels = self.stream.first_rows("train", task, each)
        return Split(self.stream.dataset.split("train").images[rows], labels)

    def _bytes_of_inversion(self, task: int) -> int:
        """What layer-wise inversion would keep after a task, under the same settings: the statistics and Gaussians,

        which are measured under every strategy, and synthetic images, which would be stored as `to_arrays` does.
        """
        rows = measure.kept_record(self.to_arrays(), ("statistics", "gaussians"))
        shape = self.network.layer_input_shapes()[self.config.invert.first_layer]
        images = self.stream.classes_before(task + 1) * self.config.invert.images_per_class
        return sum(row["bytes"] for row in rows) + images * bytes_of_one(shape)

    def kept(
        self, strategy: Strategy, arrays: Mapping[str, np.ndarray], task: int, config: LearnConfig
    ) -> list[dict[str, Any]]:
        """What a strategy keeps of the data of tasks 0 … task, one row an array; the network is kept by all of them."""
        made = "synthetic" if self.synthetic.hidden is None else "hidden"
        groups = {"synthetic": ("statistics", "gaussians", made), "nothing": ()}.get(strategy.memory, ())
        rows = measure.kept_record(arrays, ("gaussians",) if strategy.freezes else groups)
        if strategy.memory in ("real", "everything"):
            everything = strategy.memory == "everything"
            real = (self.stream.seen(task, "train") if everything else self._memory(strategy, task, config)).images
            shape = " × ".join(map(str, real.shape))
            rows.append({"what": "real images", "shape": shape, "bytes": int(real.nbytes)})
        return rows

    def quick_accuracies(self, task: int) -> Callable[[], list[float]]:
        """A function that gives the validation accuracy of each task seen, on a fixed part of the images."""
        seen = self.stream.seen(task, "validation")
        tasks, labels = self.stream.tasks_of(seen), seen.labels
        picked = [
            np.flatnonzero((labels == c) & (tasks == t))[:QUICK_IMAGES_A_CLASS]
            for t in range(task + 1)
            for c in self.stream.classes(t)
        ]
        part = seen.rows(np.concatenate(picked))
        tasks, task_classes = self.stream.tasks_of(part), [self.stream.classes(t) for t in range(task + 1)]

        def now() -> list[float]:
            logits = measure.predict(self.network, part.images, self.normalise)
            return list(measure.accuracies(logits, part.labels, tasks, task_classes)["tasks"])

        return now

    def remember(self, task: int, data: TaskData, teacher: Backbone | None, config: LearnConfig) -> None:
        """After a task: keep its statistics, and bring every class's Gaussian into the new feature space (step 6)."""
        classes = range(data.first_new, data.classes)
        features = measure.features_of(self.network, data.images)
        if not torch.isfinite(features).all():
            control = "Step size" if data.first_new else "Step size, first task"
            raise Diverged(f"Learning left features that are no numbers any more: lower “{control}” and try again.")
        old = self._follow(features, data, teacher, config)
        if len(old) > data.first_new:  # a new domain of the same classes
            with_old, labels = beside_old_domains(old, features, data.labels, task, self.config.machine.seed)
            self.gaussians = ClassGaussians.of(config).fit(with_old, labels, classes)
        else:
            self.gaussians = old.join(ClassGaussians.of(config).fit(features, data.labels, classes))
        self.statistics.measure(self.network, data.images, data.labels, task, classes, config.statistics)

    def _follow(
        self, features: Tensor, data: TaskData, teacher: Backbone | None, config: LearnConfig
    ) -> ClassGaussians:
        """The old classes' Gaussians after the features have moved: re-estimated on synthetic images, or mapped."""
        old = self.gaussians
        if teacher is None or not len(data.old_images):
            return old
        now = measure.features_of(self.network, data.old_images)
        if config.drift == "re-estimate":
            return ClassGaussians.of(config).fit(now, data.old_labels, range(data.old_classes))
        before = torch.cat([measure.features_of(teacher, data.images), measure.features_of(teacher, data.old_images)])
        return old.map_affine(*affine_fit(before, torch.cat([features, now])))

    def knowledge(self, classes: tuple[int, ...], config: InvertConfig) -> Knowledge:
        """What has been kept of these classes, for inversion. Statistics of several tasks are merged (METHOD.md §3)."""
        known = self.statistics
        learned = [t for t in range(self.tasks_learned) if known.of_task(t, self.stream.classes(t))]
        tasks = [t for t in learned if set(classes) & set(self.stream.classes(t))]
        norms = self.network.norms
        if config.norm_targets == "running":
            moments = [running_moments(norm) for norm in norms]
        else:
            moments = [known.merged([f"task{t}/norm{i}" for t in tasks], self.device) for i in range(len(norms))]
        task = max(tasks)  # the task just learned: its images are still there
        current = self.normalise(from_bytes(self.stream.experience(task).train.images, self.device))
        pixels = current.transpose(0, 1).flatten(1)
        return Knowledge(
            classes,
            self.gaussians.take(classes),
            self._inputs(classes, tasks),
            moments,
            features=self._class_features(classes, task) if config.selection == "cfs" else torch.empty(0),
            pool=self.network.pool,
            examples=current[:: max(1, len(current) // EXAMPLES)][:EXAMPLES]
            if config.start in DECODING or config.first_layer
            else current[:0],
            colours=torch.cov(pixels, correction=0).view(len(pixels), len(pixels)),
            unit_features=self.network.unit_features,
        )

    def _inputs(self, classes: Sequence[int], tasks: Sequence[int]) -> list[InputStatistics]:
        """What the layers' inputs are held to: of each class by position where that is kept, else of the tasks."""
        layers, known = range(len(self.network.layers)), self.statistics
        if not known.by_class(classes):
            merged = [known.merged([f"task{t}/input{i}" for t in tasks], self.device) for i in layers]
            return [InputStatistics(m.mean, m.variance) for m in merged]
        each = [[known.moments(f"class{c}/input{i}", self.device) for c in classes] for i in layers]
        return [
            InputStatistics(torch.stack([m.mean for m in of]), torch.stack([m.variance for m in of])) for of in each
        ]

    def _class_features(self, classes: Sequence[int], task: int) -> Tensor:
        """Features (g, n, d) of each class: of real images where its task is the current one, else of synthetic ones.

        A class that has been there before, in other domains, brings both. n is the number that the poorest class has; a
        class without any is drawn from its Gaussian.
        """
        newest, sets = self.stream.experience(task), []
        replayed = self.synthetic.replayed(self.normalise)
        for c in classes:
            parts = [replayed[self.synthetic.labels == c]]
            if c in newest.classes:
                known = parts[0] if c < self.stream.classes_before(task) else parts[0][:0]
                real = self.normalise(from_bytes(newest.train.images[newest.train.labels == c], self.device))
                parts = [torch.cat([real, known])] if known.dim() == real.dim() else [real, known]
            found = [measure.features_of(self.network, part) for part in parts if len(part)]
            if found:
                sets.append(torch.cat(found))
            else:
                draws = generator(self.config.machine.seed, "contrastive", c)
                sets.append(self.gaussians.sample(c, EXAMPLES, draws))
        n = min(len(features) for features in sets)
        return torch.stack([features[:n] for features in sets])

    def add_synthetic(self, made: Inversion, classes: Sequence[int]) -> None:
        """Put the images of an inversion in the place of what there was of their classes."""

        def embed(unit: Tensor) -> Tensor:
            with torch.no_grad():
                return self.network.through(range(1), self.normalise(unit))

        self.synthetic.add(made.images, made.labels, classes, made.hidden, embed)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, by the names that Snapshot documents."""
        arrays = {f"model/{k}": v.cpu().numpy() for k, v in self.network.learned_state().items()}
        arrays |= {f"fixed/{k}": v for k, v in self.fixed.items()}
        arrays |= {f"gaussians/{k}": v for k, v in self.gaussians.to_arrays().items()}
        arrays |= {f"statistics/{k}": v for k, v in self.statistics.arrays.items()}
        before = [self.stream.classes_before(t) for t in range(len(self.stream) + 1)]
        arrays |= self.synthetic.to_arrays([range(*of) for of in pairwise(before)])
        return arrays


def beside_old_domains(
    old: ClassGaussians, features: Tensor, labels: Tensor, domains: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Features (n, d) and labels (n,) of a new domain of all the classes, and draws of the old class models beside

    them: what a model of all the domains is fitted on. Each of the `domains` old ones counts as much as the new one.
    """
    counts = torch.bincount(labels, minlength=len(old)).tolist()
    draws = [
        old.sample(c, domains * count, generator(seed, "old domains", domains, c)) for c, count in enumerate(counts)
    ]
    drawn = torch.arange(len(old)).repeat_interleave(domains * torch.tensor(counts)).to(labels)
    return torch.cat([features, *draws]), torch.cat([labels, drawn])
