"""A stand-in for `cl_core.experiment` without torch: the same verbs, invented numbers of the right shapes, in no time.

It lets the dashboard's states be tested quickly and each failure be provoked. Every number is drawn from the seed.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Generator

import numpy as np

from cl_core.config import Config
from cl_core.events import Diverged, Event
from cl_core.snapshot import Snapshot, freeze
from cl_core.store import Store
from cl_core.stream import TaskStream

LAYERS = ("stem", "block 1", "block 2", "block 3")
DIMENSIONS = 12
TINY = {"stream": {"train_per_class": 20}, "network": {"blocks": 1}}


@dataclasses.dataclass
class Behaviour:
    """What a test wants to see: seconds between events, and the stage at which to fail and how."""

    pause: float = 0.0
    fail_at: str = ""
    error: Exception = dataclasses.field(default_factory=lambda: Diverged("The loss became NaN; halve the step size."))
    closed: int = 0  # generators that were closed before their end


behaviour = Behaviour()


def start(config: Config, store: Store | None = None) -> Snapshot:
    stream = TaskStream(config.stream, config.machine.seed)
    replays = config.learn.strategy != "finetune"
    accuracy: dict = {"validation": [], "test": []}
    record = {
        "strategy": config.learn.strategy, "replays": replays, "data_free": True, "device": "cpu", "threads": 2,
        "layer_names": list(LAYERS), "accuracy": accuracy, "task_accuracy": accuracy, "class_accuracy": accuracy,
        "total_accuracy": accuracy, "seconds": {"total": 0.0}, "kept": [], "kept_bytes": 0, "replaced_bytes": 0,
    }  # fmt: skip
    if config.network.backbone == "clip":
        guesses = [0.5] * len(stream)
        words = {"accuracy": [guesses[: t + 1] for t in range(len(stream))], "total_accuracy": guesses,
                 "class_accuracy": [0.5] * len(stream.class_names)}  # fmt: skip
        record["zero_shot"] = {name: dict.fromkeys(("validation", "test"), of) for name, of in words.items()}
    root = {"stream": config.to_dict()["stream"], "network": config.to_dict()["network"], "seed": config.machine.seed}
    return Snapshot(
        _hash(root), None, "start", 0, config, stream.class_names, stream.task_sizes, freeze({}), record
    )  # fmt: skip


def step_id(snapshot: Snapshot, verb: str, config: Config) -> str:
    return _hash([snapshot.id, verb, config.to_dict()[verb]])


def grow(snapshot: Snapshot, verb: str, config: Config, store: Store | None) -> Generator[Event, None, Snapshot]:
    name = step_id(snapshot, verb, config)
    if store is not None and name in store:
        return store.load(name)
    child = yield from (learn if verb == "learn" else invert)(snapshot, config)
    if store is not None:
        store.save(child)
    return child


def learn(snapshot: Snapshot, config: Config) -> Generator[Event, None, Snapshot]:
    tasks, rng = snapshot.tasks_learned + 1, _rng(snapshot, config, "learn")
    steps, epochs, curve, by_epoch = 60, 10, [], []
    for i in range(1, steps + 1):
        total = 2.2 * np.exp(-i / 20) + 0.2 + rng.normal(0, 0.03)
        losses = {"local_ce": total * 0.6, "hard_kd": total * 0.3, "balance": total * 0.1, "total": total}
        curve.append(losses)
        accuracies: tuple[float, ...] = ()
        if i % (steps // epochs) == 0:
            accuracies = tuple(_accuracy(config, tasks, j, i / steps) for j in range(tasks))
            by_epoch.append(list(accuracies))
        yield from _tick(Event("learn", i, steps, 0.8 * i / steps, losses=losses, accuracies=accuracies))
    yield from _tick(Event("measure", 1, 1, 1.0))
    record = json.loads(json.dumps(snapshot.record))
    record |= {"strategy": config.learn.strategy, "replays": config.learn.strategy != "finetune"}
    sizes = snapshot.task_sizes
    for split, shift in (("validation", 0.0), ("test", -0.01)):
        row = [_accuracy(config, tasks, j, 1.0) + shift for j in range(tasks)]
        record["accuracy"][split] = [*record["accuracy"][split], row]
        record["task_accuracy"][split] = [*record["task_accuracy"][split], [min(1.0, a + 0.1) for a in row]]
        record["total_accuracy"][split] = [*record["total_accuracy"][split], float(np.mean(row))]
        per_class = [a for j, a in enumerate(row) for _ in range(sizes[j])]
        record["class_accuracy"][split] = [*record["class_accuracy"][split], per_class]
    seen = sum(sizes[:tasks])
    record["confusion"] = {"test": (rng.integers(0, 20, (seen, seen)) + np.eye(seen, dtype=int) * 120).tolist()}
    record["curves"] = {"iteration": list(range(1, steps + 1))} | {k: [c[k] for c in curve] for k in curve[0]}
    record["epoch_accuracy"] = by_epoch
    record.pop("film", None)
    heads = record.setdefault("heads", {"linear": {}, "lda": {}})
    for split in ("validation", "test"):
        for kind in heads:
            heads[kind][split] = list(record["total_accuracy"][split])
    record["seconds"] = {"learn": 5.8, "statistics": 0.3, "measure": 0.6, "total": 6.7}
    record["kept"] = [
        {"what": "Class Gaussians", "shape": f"{seen} × 64 + 64", "bytes": seen * 512},
        {"what": "Channel statistics of each layer's input", "shape": "4 layers", "bytes": 960},
    ]
    record["kept_bytes"], record["replaced_bytes"] = seen * 512 + 960, seen * 784_000
    old = {name: array for name, array in snapshot.arrays.items() if not name.startswith(("view/", "film/"))}
    arrays = old | _statistics(snapshot, config, tasks)
    arrays |= _view(snapshot, config, tasks, rng, snapshot.synthetic[1])
    return dataclasses.replace(
        snapshot, id=step_id(snapshot, "learn", config), parent=snapshot.id, verb="learn", tasks_learned=tasks,
        config=config, arrays=freeze(arrays), record=record,
    )  # fmt: skip


def invert(snapshot: Snapshot, config: Config) -> Generator[Event, None, Snapshot]:
    rng, seen = _rng(snapshot, config, "invert"), snapshot.classes_seen
    count, steps = min(config.invert.images_per_class, 24), 12
    images, labels = _dreams(snapshot, seen, count, rng)
    shown = (images[:: max(1, len(images) // 12)][:12] * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    shown_labels = tuple(int(label) for label in labels[:: max(1, len(images) // 12)][:12])
    layers, done, whole = [], 0, steps * (len(LAYERS) + 2)
    for layer in range(len(LAYERS), 0, -1):
        curve = [float(3 * np.exp(-i / 4) + 0.1 * layer) for i in range(steps)]
        for i, loss in enumerate(curve, 1):
            done += 1
            noise = rng.integers(0, 255, shown.shape).astype(np.uint8)
            yield from _tick(
                Event(
                    "layer", i, steps, done / whole, layer=layer, layer_names=LAYERS, losses={"total": loss},
                    images=noise, image_labels=shown_labels, images_are_activations=layer > 1,
                )
            )  # fmt: skip
        name = LAYERS[layer - 1]
        layers.append({"layer": layer, "name": name, "iterations": steps, "curve": curve, "seconds": 0.4})
    refine: dict[str, list[float]] = {"total": [], "feature": [], "statistics": []}
    for i in range(1, steps + 1):
        done += 1
        losses = {"feature": 2 * np.exp(-i / 5), "statistics": 0.5 * np.exp(-i / 9)}
        losses["total"] = losses["feature"] + losses["statistics"]
        for key, value in losses.items():
            refine[key].append(float(value))
        mixed = (shown * min(1, i / steps) + rng.integers(0, 255, shown.shape) * (1 - i / steps)).astype(np.uint8)
        yield from _tick(
            Event("refine", i, steps, done / whole, losses=losses, images=mixed, image_labels=shown_labels)
        )
    yield from _tick(Event("measure", 1, 1, 1.0))
    record = json.loads(json.dumps(snapshot.record))
    record["layers"] = layers
    record["refine"] = {"iterations": steps, "curve": refine, "seconds": 1.2}
    record["alignment"] = [
        {"class": c, "frechet": 1.2 + 0.3 * c, "floor": 0.9, "cosine": 0.95 - 0.01 * c, "images": count}
        for c in range(seen)
    ]
    record["seconds"] = {"layers": 1.6, "refine": 1.2, "measure": 0.5, "total": 3.3}
    old = {
        name: array for name, array in snapshot.arrays.items() if not name.startswith(("view/", "film/", "synthetic"))
    }
    task = np.repeat(np.arange(len(snapshot.task_sizes)), snapshot.task_sizes)[labels]
    made = {}
    for t in range(snapshot.tasks_learned):
        made |= {
            f"synthetic{t}/images": images[task == t].astype(np.float16),
            f"synthetic{t}/labels": labels[task == t],
        }
    view = _view(snapshot, config, snapshot.tasks_learned, rng, labels)
    record["film"], film = _film(images, labels, view, steps, rng)
    arrays = old | made | view | film
    return dataclasses.replace(
        snapshot, id=step_id(snapshot, "invert", config), parent=snapshot.id, verb="invert",
        config=config, arrays=freeze(arrays), record=record,
    )  # fmt: skip


def _statistics(snapshot: Snapshot, config: Config, tasks: int) -> dict[str, np.ndarray]:
    """The mean of the network's input: of each class and position from its training images, or one for the channel."""
    if config.learn.statistics == "channel":
        return {f"statistics/task{tasks - 1}/input0/mean": np.full(1, 0.1 * tasks, np.float32)}
    train = TaskStream(config.stream, config.machine.seed).experience(tasks - 1).train
    return {
        f"statistics/class{c}/input0/mean": (train.images[train.labels == c].mean(0) / 255).astype(np.float32)
        for c in snapshot.classes(tasks - 1)
    }


def _film(
    images: np.ndarray, labels: np.ndarray, view: dict[str, np.ndarray], steps: int, rng: np.random.Generator
) -> tuple[list[dict], dict[str, np.ndarray]]:
    """Two images of each class that come out of noise: a start, the layers, three moments of the refinement."""
    rows = np.flatnonzero(np.arange(len(labels)) % int((labels == labels[0]).sum()) < 2)
    frames = [{"stage": "start", "layer": None, "name": "", "iteration": 0, "of": 0, "units": 0.0, "loss": None}]
    for layer in range(len(LAYERS), 0, -1):
        frames.append({"stage": "layer", "layer": layer, "name": LAYERS[layer - 1], "iteration": steps, "of": steps})
    frames += [{"stage": "refine", "layer": None, "name": "", "iteration": i, "of": steps} for i in (1, 4, steps)]
    for number, frame in enumerate(frames[1:], 1):
        frame |= {"units": 3.0 * number, "loss": 2.0 / number}
    clear = np.linspace(0, 1, len(frames))[:, None, None, None, None]
    mixed = clear * images[rows] + (1 - clear) * rng.random((len(frames), *images[rows].shape))
    ends, starts = view["view/synthetic"][rows].astype(float), rng.normal(0, 3, (len(rows), DIMENSIONS))
    moved = clear[..., 0, 0] * ends + (1 - clear[..., 0, 0]) * starts
    return frames, {
        "film/images": (mixed * 255).astype(np.uint8), "film/labels": labels[rows],
        "view/film": moved.astype(np.float16), "view/film_targets": view["view/targets"][rows],
    }  # fmt: skip


def grown(strategy: str, store: Store, steps: int = 99) -> list[Snapshot]:
    """An experiment, saved: its snapshots from the root on, so many steps far."""
    config = Config().override(TINY | {"learn": {"strategy": strategy}})
    path = [start(config)]
    store.save(path[0])
    while (verb := path[-1].next_verb) is not None and len(path) <= steps:
        work = grow(path[-1], verb, config, store)
        try:
            while True:
                next(work)
        except StopIteration as end:
            path.append(end.value)
    return path


def _tick(event: Event) -> Generator[Event, None, None]:
    if event.stage == behaviour.fail_at:
        raise behaviour.error
    time.sleep(behaviour.pause)
    try:
        yield event
    except GeneratorExit:
        behaviour.closed += 1
        raise


def _accuracy(config: Config, tasks: int, j: int, progress: float) -> float:
    """What task j's accuracy might be while the last of `tasks` tasks is being learned."""
    age = tasks - 1 - j
    if age == 0:
        return 0.95 * min(1.0, 0.3 + progress)
    held = 0.02 if config.learn.strategy == "finetune" else 0.93 - 0.07 * age - 0.03 * j
    before = 0.95 if age == 1 else held + 0.05
    return float(before + (held - before) * min(1.0, 1.5 * progress))


def _view(
    snapshot: Snapshot, config: Config, tasks: int, rng: np.random.Generator, made: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Features in which each class is a cloud about its own mean; synthetic ones are a little off."""
    seen, spread = sum(snapshot.task_sizes[:tasks]), np.linspace(1.6, 0.3, DIMENSIONS)
    means = np.random.default_rng(config.machine.seed).normal(0, 3, (100, DIMENSIONS))[:seen] * spread
    stream = TaskStream(config.stream, config.machine.seed)
    rows, labels = stream.first_rows("test", tasks - 1, 60)
    real = means[labels] + rng.normal(0, 1, (len(labels), DIMENSIONS)) * spread
    made = np.zeros(0, np.int64) if made is None else made
    said = -((real[:, None] - means) ** 2).sum(2)
    targets = means[made] + 0.8 * rng.normal(0, 1, (len(made), DIMENSIONS)) * spread
    return {
        "view/real": real.astype(np.float16), "view/real_labels": labels, "view/real_index": rows,
        "view/synthetic": (targets + rng.normal(0.2, 0.3, targets.shape) * spread).astype(np.float16),
        "view/real_logits": said.astype(np.float32),
        "view/synthetic_logits": -((targets[:, None] - means) ** 2).sum(2).astype(np.float32),
        "view/synthetic_labels": made, "view/synthetic_index": np.arange(len(made)),
        "view/targets": targets.astype(np.float16), "view/gaussian_mean": means.astype(np.float32),
        "view/gaussian_covariance": np.repeat(np.diag(spread**2)[None], seen, 0).astype(np.float32),
        "view/explained": (spread**2 / (spread**2).sum()).astype(np.float32),
    }  # fmt: skip


def _dreams(snapshot: Snapshot, seen: int, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Blurred mixtures of test images of each class, as (n, c, h, w) in [0, 1], and their classes."""
    stream = TaskStream(snapshot.config.stream, snapshot.config.machine.seed)
    test = stream.seen(snapshot.tasks_learned - 1, "test")
    images = []
    for c in range(seen):
        own = test.images[test.labels == c] / 255.0
        mixed = np.stack([own[rng.integers(0, len(own), 3)].mean(0) for _ in range(count)])
        images.append(np.clip(mixed + rng.normal(0, 0.05, mixed.shape), 0, 1))
    return np.concatenate(images), np.repeat(np.arange(seen), count)


def _rng(snapshot: Snapshot, config: Config, verb: str) -> np.random.Generator:
    return np.random.default_rng(int(step_id(snapshot, verb, config)[:8], 16))


def _hash(what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
