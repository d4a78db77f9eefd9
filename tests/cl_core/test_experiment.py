"""The two verbs on a small real stream."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cl_core import experiment, measure, strategies
from cl_core.commands.build_example import for_looking
from cl_core.config import Config, ConfigError
from cl_core.events import Diverged, Event
from cl_core.presets import preset
from cl_core.snapshot import Snapshot
from cl_core.state import State
from cl_core.store import Store


def quick(**changes: dict[str, Any]) -> Config:
    """The demo's settings on fewer images, for a few seconds a task."""
    small = {
        "stream": {"train_per_class": 120, "increment": 4},
        "network": {"width": 8},
        "learn": {"epochs_first": 4, "epochs": 3, "balance_epochs": 3},
        "invert": {"images_per_class": 10, "iterations_per_layer": 4, "full_iterations": 25},
    }
    return preset("demo").override(small).override(changes)


def drain(steps: Generator[Event, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def metrics_of(snapshot: Snapshot) -> str:
    """Everything in the record that is not a time."""
    plain = json.loads(json.dumps(snapshot.record))
    plain.pop("seconds", None)
    for timed in [plain.get("refine", {}), *plain.get("layers", [])]:
        timed.pop("seconds", None)
    return json.dumps(plain, sort_keys=True)


@pytest.fixture(scope="module")
def path() -> list[Snapshot]:
    return drain(experiment.run(quick()))


def test_a_stream_is_learned_and_inverted_end_to_end(path: list[Snapshot]):
    assert [s.verb for s in path] == ["start", *["learn", "invert"] * 3]
    leaf = path[-1]
    matrix = leaf.record["accuracy"]["test"]
    assert [len(row) for row in matrix] == [1, 2, 3]
    assert matrix[0][0] > 0.6
    assert leaf.classes_seen == 10
    images, labels = leaf.synthetic
    assert images.shape == (100, 1, 28, 28)
    assert labels.tolist() == sorted(labels.tolist())
    assert {row["class"] for row in leaf.record["alignment"]} == set(range(10))
    assert leaf.record["kept_bytes"] == sum(row["bytes"] for row in leaf.record["kept"]) > 0
    assert leaf.next_verb is None


def test_an_inversion_keeps_its_film_for_looking_and_not_as_part_of_the_method(path: list[Snapshot]):
    _, _, made, learned_next, *_ = path
    film, view, frames = made.group("film"), made.group("view"), made.record["film"]
    assert film["images"].shape == (len(frames), 4 * 6, 1, 28, 28)
    assert film["images"].dtype == np.uint8
    assert film["labels"].tolist() == np.repeat(range(4), 6).tolist()
    assert view["film"].shape == (len(frames), 4 * 6, view["real"].shape[1])
    first = view["synthetic"][view["synthetic_labels"] == 0][:6]
    assert np.abs(view["film"][-1][:6] - first).max() < 0.05 * np.abs(view["real"]).max()  # but for rounding to bytes
    assert np.array_equal(view["film_targets"][:6], view["targets"][:6])
    assert not [row for row in made.record["kept"] if row["what"].startswith(("film", "view"))]
    assert "film/images" in for_looking(made).arrays
    assert "film" not in learned_next.record
    assert not learned_next.group("film")


def test_what_the_network_says_of_the_images_that_are_looked_at_is_kept(path: list[Snapshot]):
    leaf = path[-1]
    state, view, (images, _) = State.of(leaf, quick()), leaf.group("view"), leaf.synthetic
    rows = state.stream.dataset.split("test").images[view["real_index"]]
    said = measure.predict(state.network, rows, state.normalise)
    assert np.allclose(view["real_logits"], said, atol=0.02 * np.abs(said).max())
    with torch.no_grad():
        said = state.network(state.normalise(torch.tensor(images).float())).numpy()
    assert np.allclose(view["synthetic_logits"], said, atol=0.02 * np.abs(said).max())
    assert set(view["target_labels"].tolist()) == set(leaf.record["inverted_classes"]) == {8, 9}
    assert len(view["targets"]) == len(view["target_labels"]) == 20
    assert "targets" not in path[3].group("view")  # learned: they were of the network before


def test_replay_forgets_less_than_finetune(path: list[Snapshot]):
    finetuned = drain(experiment.run(quick(learn={"strategy": "finetune"})))[-1]
    assert finetuned.record["accuracy"]["test"][-1][0] < path[-1].record["accuracy"]["test"][-1][0] - 0.1
    assert finetuned.record["kept_bytes"] == 0
    assert finetuned.next_verb is None


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(path: list[Snapshot]):
    again = drain(experiment.run(quick()))
    for one, other in zip(path, again, strict=True):
        assert one.id == other.id
        assert metrics_of(one) == metrics_of(other)
        assert all(np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items())
    first = drain(experiment.learn(experiment.start(quick(machine={"seed": 1})), quick(machine={"seed": 1})))
    assert first.id != path[1].id
    assert metrics_of(first) != metrics_of(path[1])


def test_a_snapshot_does_not_change_while_its_children_grow(path: list[Snapshot]):
    parent = path[2]
    before = {name: array.copy() for name, array in parent.arrays.items()}
    drain(experiment.learn(parent, quick(learn={"epochs": 1})))
    assert all(np.array_equal(array, parent.arrays[name]) for name, array in before.items())
    with pytest.raises(ValueError, match="read-only"):
        parent.arrays["model/head.bias"][0] = 1
    with pytest.raises(TypeError):
        parent.arrays["new"] = np.zeros(1)  # type: ignore[index]


def test_a_second_branch_grows_from_the_same_snapshot_and_the_store_never_computes_twice(
    path: list[Snapshot], tmp_path: Path
):
    store = Store(tmp_path)
    for snapshot in path:
        store.save(snapshot)
    steps = experiment.grow(path[2], "learn", quick(), store)
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value.id == path[3].id
    branch = drain(experiment.grow(path[2], "learn", quick(learn={"hard_kd": 0.0, "epochs": 1}), store))
    assert branch.id != path[3].id
    assert branch.parent == path[3].parent
    assert [s.id for s in store.lineage(branch.id)] == [path[0].id, path[1].id, path[2].id, branch.id]
    shared = [name for name in ("synthetic0/images",) if np.array_equal(branch.arrays[name], path[3].arrays[name])]
    assert shared


def test_a_cancelled_step_leaves_the_parent_usable(path: list[Snapshot]):
    for verb in (experiment.learn, experiment.invert):
        steps = verb(path[2], quick())
        next(steps)
        steps.close()
    assert metrics_of(drain(experiment.learn(path[2], quick()))) == metrics_of(path[3])


def test_regenerate_makes_images_of_all_classes_and_keep_of_the_new_ones(path: list[Snapshot]):
    kept = path[4]
    assert kept.record["inverted_classes"] == [4, 5, 6, 7]
    fresh = drain(experiment.invert(path[3], quick(invert={"synthetic": "regenerate", "images_per_class": 3})))
    assert fresh.record["inverted_classes"] == list(range(8))
    assert len(fresh.synthetic[1]) == 24


def test_class_position_statistics_are_kept_by_class_and_used():
    config = quick(learn={"statistics": "class-position"}, invert={"full_iterations": 10})
    learned = drain(experiment.learn(experiment.start(config), config))
    assert learned.arrays["statistics/class3/input0/mean"].shape == (1, 28, 28)
    inverted = drain(experiment.invert(learned, config))
    assert np.isfinite(inverted.synthetic[0]).all()


@pytest.mark.parametrize("verb", ["learn", "invert"])
def test_steps_that_cannot_be_taken_are_refused_in_words(path: list[Snapshot], verb: str):
    root, learned, leaf = path[0], path[1], path[-1]
    refused = {
        "learn": [(learned, quick(), "invert before"), (leaf, quick(), "learned already")],
        "invert": [(root, quick(), "nothing to invert")],
    }
    refused[verb].append((learned, quick(machine={"seed": 5}), "start a new one"))
    for snapshot, config, words in refused[verb]:
        with pytest.raises(ConfigError, match=words):
            drain(experiment.grow(snapshot, verb, config))


def test_a_diverging_training_raises_a_sentence_and_leaves_the_snapshot():
    config = quick(learn={"lr_first": 10.0, "weight_decay": 0.1, "readout": 100.0})
    root = experiment.start(config)
    with pytest.raises(Diverged, match="lower “Step size"):
        drain(experiment.learn(root, config))
    assert root.tasks_learned == 0


def test_features_that_are_no_numbers_stop_the_step_with_a_sentence(monkeypatch):
    """A loss may stay finite on training batches while the network as it is evaluated is lost already."""
    config = quick(stream={"train_per_class": 12}, learn={"epochs_first": 1})
    lost = float("nan")
    monkeypatch.setattr(measure, "features_of", lambda net, x, *_: torch.full((len(x), net.feature_size), lost))
    with pytest.raises(Diverged, match="Step size, first task"):
        drain(experiment.learn(experiment.start(config), config))


def test_events_are_detached_small_and_say_how_far():
    config = quick(learn={"epochs_first": 1})
    events = list(experiment.learn(experiment.start(config), config))
    assert not any(isinstance(value, torch.Tensor) for event in events for value in vars(event).values())
    assert all(isinstance(value, float) for event in events for value in event.losses.values())
    assert events[-1].describe() == "Measuring accuracy and features"
    assert any(event.accuracies for event in events)


@pytest.mark.parametrize("name", strategies.names())
def test_every_strategy_learns_a_stream_and_says_what_it_keeps(name: str):
    base = quick(stream={"increment": 5, "train_per_class": 60}, learn={"epochs_first": 2, "epochs": 1})
    config = strategies.configure(base.override({"invert": {"full_iterations": 5, "cfs_epochs": 2}}), name)
    leaf = drain(experiment.run(config))[-1]
    strategy = strategies.get(name)
    assert leaf.record["strategy"] == name
    assert leaf.record["data_free"] == strategy.data_free
    assert (leaf.record["kept_bytes"] > 0) == (strategy.memory != "nothing" or strategy.freezes)
    assert bool(len(leaf.synthetic[1])) == strategy.replays
    assert set(leaf.record["heads"]) == set(experiment.HEADS)
    assert leaf.record["heads"][config.learn.head]["test"] == leaf.record["total_accuracy"]["test"]
    assert 0 < leaf.record["total_accuracy"]["test"][-1] <= 1


def test_a_frozen_network_stays_as_the_first_task_left_it():
    config = strategies.configure(quick(stream={"increment": 5, "train_per_class": 60}), "gaussians")
    path = drain(experiment.run(config))
    first, last = path[1].arrays, path[-1].arrays
    trained = [name for name in first if name.startswith("model/layers")]
    assert trained
    assert all(np.array_equal(first[name], last[name]) for name in trained)
