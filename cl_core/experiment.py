"""The two verbs that grow a tree of snapshots, learn and invert, and run: a fold of them."""

import dataclasses
import hashlib
import json
import time
from collections.abc import Generator
from typing import Any

import numpy as np
import torch

from cl_core import heads, measure, memory, prompts, strategies
from cl_core.backbones import count_groups, fingerprint, knows_classes
from cl_core.backbones.chain import frozen
from cl_core.config import Config, ConfigError, identity
from cl_core.events import Event
from cl_core.inversion import Inversion, invert_classes, layer_iterations
from cl_core.learning import Training, train
from cl_core.seeding import generator
from cl_core.snapshot import Snapshot, freeze
from cl_core.state import State, resolve_device
from cl_core.store import Store
from cl_core.stream import TaskStream

METHOD_VERSION = 3  # part of a step's identity: raise it when the same settings would give other numbers
HEADS = ("linear", "refit", "nearest-mean", "lda")  # all are measured; config.learn.head says which one counts
Steps = Generator[Event, None, Snapshot]


def start(config: Config, store: Store | None = None) -> Snapshot:
    """The root of a tree: nothing learned yet. Raises ConfigError and DataError.

    Of a network that knows classes before it learns, its record has the zero-shot accuracy, and its arrays the towers;
    if the store has it, they come from there.
    """
    stream = TaskStream(config.stream, config.machine.seed)
    record: dict[str, Any] = {
        "strategy": None,
        "replays": False,
        "data_free": True,
        "device": resolve_device(config.machine.device).type,
    }
    if stream.domain_names:
        record["domains"] = list(stream.domain_names)
    root = Snapshot(
        id=_hash(None, "start", _fixed(config), stream.dataset.fingerprint + fingerprint(config.network)),
        parent=None,
        verb="start",
        tasks_learned=0,
        config=config,
        class_names=stream.class_names,
        task_sizes=stream.task_sizes,
        arrays=freeze({}),
        record=record | {"threads": config.machine.threads},
    )
    if not knows_classes(config.network):
        return root
    if store is not None and (known := store.find(root.id)) is not None:
        return dataclasses.replace(known, config=config)  # which may differ in how it learns and inverts
    state = State.of(root, config)
    state.network.set_head(len(stream.class_names), generator(config.machine.seed, "head"))
    record = {**root.record, "zero_shot": measure.zero_shot_record(state.network, state.stream, state.normalise)}
    if words := prompts.words_instead(state.stream, state.network.prompts):
        record["said_instead"] = words
    arrays = freeze({f"fixed/{name}": array for name, array in state.fixed.items()})
    return dataclasses.replace(root, record=json.loads(json.dumps(record)), arrays=arrays)


def step_id(snapshot: Snapshot, verb: str, config: Config) -> str:
    """The identity of the step before it is computed. Raises ConfigError when the step cannot be taken from here."""
    if _fixed(config) != _fixed(snapshot.config):
        raise ConfigError(
            "The stream, the network, the seed and the machine belong to the experiment: start a new one."
        )
    if verb == "learn":
        strategy = strategies.get(config.learn.strategy)
        if snapshot.tasks_learned == len(snapshot.task_sizes):
            raise ConfigError("Every task of this stream is learned already; start a new experiment.")
        missing = len(set(snapshot.synthetic[1].tolist())) < snapshot.classes_seen
        if strategy.replays and (missing or (config.stream.by_domain and snapshot.verb == "learn")):
            raise ConfigError("This strategy replays images of the old classes: invert before you learn the next task.")
    elif verb == "invert":
        if snapshot.tasks_learned == 0:
            raise ConfigError("There is nothing to invert yet: learn a task first.")
        layer_iterations(config.invert, count_groups(config.network, config.invert.groups, config.invert.first_layer))
    else:
        raise ConfigError(f"There is no step “{verb}”; allowed are learn and invert.")
    settings = identity(getattr(config, verb))
    if verb == "learn" and strategies.get(config.learn.strategy).same_bytes:
        made = identity(config.invert)  # the bytes that it may keep depend on these
        settings |= {name: made[name] for name in ("images_per_class", "stop") if name in made}
    return _hash(snapshot.id, verb, settings, "")


def grow(snapshot: Snapshot, verb: str, config: Config, store: Store | None = None) -> Steps:
    """The child of a snapshot: from the store if it is there, else computed and saved.

    Raises ConfigError, before it begins, when the step cannot be taken or would not fit into memory.
    """
    child = step_id(snapshot, verb, config)
    if store is not None and (known := store.find(child)) is not None:
        return known
    memory.check([(verb, snapshot.tasks_learned)], config, snapshot)
    grown = yield from (learn if verb == "learn" else invert)(snapshot, config)
    if store is not None:
        store.save(grown)
    return grown


def run(config: Config, store: Store | None = None) -> Generator[Event, None, list[Snapshot]]:
    """The whole stream under one config: [root, …, leaf]."""
    path = [start(config, store)]
    if store is not None:
        store.save(path[0])
    while (verb := path[-1].next_verb) is not None:
        path.append((yield from grow(path[-1], verb, config, store)))
    return path


def learn(snapshot: Snapshot, config: Config) -> Steps:
    """Learn the next task of the stream from `snapshot`, which stays as it is."""
    identity = step_id(snapshot, "learn", config)
    began, seconds = time.perf_counter(), dict[str, float]()
    state = State.of(snapshot, config)
    strategy, task = strategies.get(config.learn.strategy), snapshot.tasks_learned
    experience = state.stream.experience(task)
    seed = config.machine.seed
    data = state.prepare(strategy, experience, config.learn)
    teacher = state.teacher
    if not (strategy.freezes and task):
        training = yield from train(
            state.network,
            teacher,
            strategy,
            data,
            config.learn,
            generator(seed, "learn", task),
            state.quick_accuracies(task),
        )
    else:
        training = Training()
    seconds["learn"] = time.perf_counter() - began
    yield Event("statistics", 0, 1, 1.0)
    with frozen(state.network):
        state.remember(task, data, teacher, config.learn)
        found = {
            kind: heads.of(kind, state.network, state.gaussians, generator(seed, "head", kind, task)) for kind in HEADS
        }
    seconds["statistics"] = time.perf_counter() - began - seconds["learn"]
    yield Event("measure", 0, 1, 1.0)
    record: dict[str, Any] = dict(snapshot.record)
    record |= {"strategy": strategy.name, "replays": strategy.replays, "data_free": strategy.data_free}
    record |= measure.accuracy_record(
        state.network, state.stream, task, state.normalise, found, config.learn.head, snapshot.record
    )
    if knows_classes(config.network) and task + 1 < len(snapshot.task_sizes):
        state.network.set_head(state.stream.classes_before(task + 2), generator(seed, "head"))
        ahead = snapshot.record.get("ahead", {})
        record["ahead"] = measure.ahead_record(state.network, state.stream, task, state.normalise, ahead)
        state.network.set_head(data.classes, generator(seed, "head"))
    record |= {"curves": training.curves, "epoch_accuracy": training.epoch_accuracy}
    record["layer_names"] = state.network.layer_names
    record.pop("film", None)  # of the network before; the snapshot that it was taken for has it
    return _finish(snapshot, identity, "learn", config, state, record, seconds, began)


def invert(snapshot: Snapshot, config: Config) -> Steps:
    """Make synthetic images from `snapshot`, which stays as it is.

    synthetic = keep: of the classes that have none yet (those just learned); regenerate: of all the classes seen. In
    a domain-incremental stream all the classes were just learned, and their Gaussians are of all the domains seen, so
    both make all images anew.
    """
    identity = step_id(snapshot, "invert", config)
    began = time.perf_counter()
    state = State.of(snapshot, config)
    have = set(snapshot.synthetic[1].tolist()) if config.invert.synthetic == "keep" else set()
    if len(have) == snapshot.classes_seen:
        have = have - set(state.stream.classes(snapshot.tasks_learned - 1))  # asked again: the newest ones anew
    wanted = tuple(c for c in range(snapshot.classes_seen) if c not in have)
    knowledge = state.knowledge(wanted, config.invert)
    draws = generator(config.machine.seed, "invert", snapshot.tasks_learned)
    inversion = yield from invert_classes(state.network, knowledge, config.invert, state.normalise, draws)
    state.add_synthetic(inversion, wanted)
    seconds = {
        "layers": sum(layer["seconds"] for layer in inversion.layers),
        "refine": inversion.refine["seconds"],
    }
    yield Event("measure", 0, 1, 1.0)
    record = dict(snapshot.record) | {"layers": inversion.layers, "refine": inversion.refine}
    record["inverted_classes"], record["film"] = list(wanted), inversion.film.frames
    record["hidden"] = state.synthetic.hidden is not None
    return _finish(snapshot, identity, "invert", config, state, record, seconds, began, inversion)


def _finish(
    snapshot: Snapshot,
    identity: str,
    verb: str,
    config: Config,
    state: State,
    record: dict[str, Any],
    seconds: dict[str, float],
    began: float,
    inversion: Inversion | None = None,
) -> Snapshot:
    """The child: measured, with its arrays and its record, and the film of an inversion."""
    measured = time.perf_counter()
    task = snapshot.tasks_learned if verb == "learn" else snapshot.tasks_learned - 1
    synthetic = (state.synthetic.replayed(state.normalise), state.synthetic.labels)
    film, film_features = measure.film(state.network, state.normalise, inversion)
    targets = (inversion.targets, inversion.labels) if inversion is not None else None
    view = measure.view_arrays(
        state.network, state.stream, task, state.normalise, state.gaussians, synthetic, targets, film_features
    )
    arrays = state.to_arrays() | film | {f"view/{name}": array for name, array in view.items()}
    record["alignment"] = measure.alignment_record(view, config.machine.seed)
    record["kept"] = state.kept(strategies.get(record["strategy"]), arrays, task, config.learn)
    record["kept_bytes"] = sum(row["bytes"] for row in record["kept"])
    record["replaced_bytes"] = int(sum(state.stream.experience(t).train.images.nbytes for t in range(task + 1)))
    now = time.perf_counter()
    record["seconds"] = seconds | {"measure": now - measured, "total": now - began}
    return Snapshot(
        id=identity,
        parent=snapshot.id,
        verb=verb,
        tasks_learned=task + 1,
        config=config,
        class_names=snapshot.class_names,
        task_sizes=snapshot.task_sizes,
        arrays=freeze(arrays),
        record=json.loads(json.dumps(record)),
    )


def _fixed(config: Config) -> dict[str, Any]:
    """What the root of a tree decides, as plain data, with the device resolved."""
    machine = identity(config.machine) | {"device": resolve_device(config.machine.device).type}
    return {"stream": identity(config.stream), "network": identity(config.network), "machine": machine}


def _hash(parent: str | None, verb: str, settings: dict[str, Any], data: str) -> str:
    """The content address of a step."""
    identity = [parent, verb, settings, data, METHOD_VERSION, torch.__version__, np.__version__]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:20]
